// What may differ from run to run on the same machine with the same software. Load, steal and
// throttling are watched for options.watch between two readings; all else is read once.
#include "detect/sources/collect.hpp"
#include "detect/sources/environment_parts.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

void collect_memory_behaviour(const SysRoot& root, Environment& environment) {
    using Text = Fact<std::string>;
    constexpr auto pages = "/sys/kernel/mm/transparent_hugepage/enabled";
    Tried tried_pages;
    Text huge;
    if (const auto text = root.read(pages); !text) {
        tried_pages.failed(text.error());
    } else if (const auto word = chosen_word(*text)) {
        huge = Text::known(*word, pages);
    } else {
        tried_pages.malformed(pages, "marks no choice");
    }
    if (!huge) huge = Text::unknown(tried_pages.reason(fmt::format("{} does not exist", pages)));
    fill(environment.transparent_huge_pages, huge);

    constexpr auto numa = "/proc/sys/kernel/numa_balancing";
    Tried tried_numa;
    Text balancing;
    if (const auto text = root.read(numa); !text) {
        tried_numa.failed(text.error());
    } else if (const auto value = parse_integer(*text); value && *value >= 0 && *value <= 3) {
        // 1 balances, 2 only moves pages between memory tiers; either migrates pages behind us.
        balancing = Text::known(*value == 0 ? "off" : "on", numa);
    } else {
        tried_numa.malformed(numa, "is neither 0 nor 1");
    }
    if (!balancing) {
        balancing = Text::unknown(tried_numa.reason(fmt::format("{} does not exist", numa)));
    }
    fill(environment.numa_balancing, balancing);
}

}  // namespace

void collect_environment(const SysRoot& root, Clock& clock, const DetectOptions& options,
                         Context& context) {
    Environment& environment = context.environment;
    collect_frequency(root, environment);
    collect_power_mode(root, environment);
    collect_limits(root, environment);
    collect_virtualization(root, environment);
    collect_memory_behaviour(root, environment);

    // Everything above has run its commands: what happens from here on is not our doing.
    const Fact<std::int64_t> throttled_before = throttle_count(root);
    const LoadReading before = read_load(root);
    clock.sleep_for(options.watch);
    const LoadReading after = read_load(root);
    const Fact<std::int64_t> throttled_after = throttle_count(root);

    collect_pressure(root, environment);
    judge_load(before, after, environment.cpus_allowed, environment);

    std::optional<std::int64_t> throttled;
    if (throttled_before && throttled_after) throttled = *throttled_after - *throttled_before;
    std::string reason;
    const auto temperatures = cpu_temperatures(root, reason);
    judge_heat(temperatures, reason, throttled, environment);
}

}  // namespace peakward::detail
