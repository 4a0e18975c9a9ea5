// Who else uses the CPUs: /proc/stat watched for a moment, pressure and load average.
#include <algorithm>
#include <array>

#include "detect/sources/environment_parts.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

using Percent = Fact<double>;

constexpr auto stat_path = "/proc/stat";

// 2^40 ticks are 348 years of one CPU: anything above is no counter, and sums cannot overflow.
constexpr std::int64_t ticks_most = std::int64_t{1} << 40;
constexpr std::int64_t ticks_most_of_all = ticks_most << 16;

std::optional<CpuTimes> parse_cpu_line(const std::vector<std::string>& words) {
    // user nice system idle iowait irq softirq steal; guest time is already in user. Kernels
    // before 2.6.11 stop earlier.
    std::array<std::int64_t, 8> ticks{};
    if (words.size() < 5) return std::nullopt;
    const std::int64_t most = words.front() == "cpu" ? ticks_most_of_all : ticks_most;
    for (std::size_t i = 0; i < ticks.size() && i + 1 < words.size(); ++i) {
        const auto value = parse_integer(words[i + 1]);
        if (!value || *value < 0 || *value > most) return std::nullopt;
        ticks[i] = *value;
    }
    CpuTimes times;
    times.busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6];
    times.steal = ticks[7];
    times.total = times.busy + times.steal + ticks[3] + ticks[4];
    return times;
}

std::vector<std::string> words_of(const std::string& line) {
    std::vector<std::string> words;
    for (std::string& word : split(line, ' ')) {
        if (!word.empty()) words.push_back(std::move(word));
    }
    return words;
}

// Over the CPUs we may use; over all of them when those are not known or not listed.
CpuTimes over(const std::map<int, CpuTimes>& times, const std::vector<int>& cpus) {
    CpuTimes sum;
    for (const int cpu : cpus) {
        const auto found = times.find(cpu);
        if (found == times.end()) continue;
        sum.busy += found->second.busy;
        sum.steal += found->second.steal;
        sum.total += found->second.total;
    }
    if (sum.total > 0) return sum;
    const auto all = times.find(-1);
    return all == times.end() ? sum : all->second;
}

double percent(std::int64_t part, std::int64_t whole) {
    const double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    return std::clamp(share, 0.0, 100.0);
}

void unknown_load(const std::string& reason, Environment& environment) {
    fill(environment.busy_percent, Percent::unknown(reason));
    fill(environment.steal_percent, Percent::unknown(reason));
}

Percent pressure(const SysRoot& root, const std::string& path) {
    Tried tried;
    if (const auto text = root.read(path); !text) {
        tried.failed(text.error());
    } else if (const auto value = psi_some_avg10(*text)) {
        return Percent::known(*value, path);
    } else {
        tried.malformed(path, "has no line 'some avg10='");
    }
    return Percent::unknown(tried.reason(
        fmt::format("{} does not exist: this kernel keeps no pressure figures", path)));
}

}  // namespace

std::map<int, CpuTimes> parse_proc_stat(std::string_view text) {
    std::map<int, CpuTimes> times;
    for (const std::string& line : lines_of(text)) {
        if (!line.starts_with("cpu")) continue;
        const std::vector<std::string> words = words_of(line);
        int cpu = -1;
        if (words.front() != "cpu") {
            const auto number = parse_integer(words.front().substr(3));
            if (!number || *number < 0 || *number >= 1 << 16) continue;
            cpu = static_cast<int>(*number);
        }
        if (const auto parsed = parse_cpu_line(words)) times.emplace(cpu, *parsed);
    }
    return times;
}

std::optional<std::int64_t> own_ticks(std::string_view text) {
    // The name in brackets may hold spaces and brackets: fields are counted from the last one.
    const std::size_t close = text.rfind(')');
    if (close == std::string_view::npos) return std::nullopt;
    const std::vector<std::string> words = words_of(trim(text.substr(close + 1)));
    // After the name: state is field 3, so utime (14) to cstime (17) are words 11 to 14.
    std::int64_t sum = 0;
    for (std::size_t i = 11; i <= 14; ++i) {
        const auto value = i < words.size() ? parse_integer(words[i]) : std::nullopt;
        if (!value || *value < 0 || *value > ticks_most) return std::nullopt;
        sum += *value;
    }
    return sum;
}

std::optional<double> psi_some_avg10(std::string_view text) {
    for (const std::string& line : lines_of(text)) {
        const std::vector<std::string> words = words_of(line);
        if (words.size() < 2 || words[0] != "some" || !words[1].starts_with("avg10=")) continue;
        const auto value = parse_number(words[1].substr(6));
        if (value && *value >= 0 && *value <= 100) return value;
    }
    return std::nullopt;
}

LoadReading read_load(const SysRoot& root) {
    return {root.read(stat_path), root.read("/proc/self/stat")};
}

void judge_load(const LoadReading& before, const LoadReading& after, const std::vector<int>& cpus,
                Environment& environment) {
    if (!before.stat || !after.stat) {
        Tried tried;
        tried.failed(before.stat ? after.stat.error() : before.stat.error());
        return unknown_load(tried.reason("/proc/stat does not exist"), environment);
    }
    const CpuTimes start = over(parse_proc_stat(*before.stat), cpus);
    const CpuTimes end = over(parse_proc_stat(*after.stat), cpus);
    if (end.total == 0) {
        return unknown_load("could not be read: /proc/stat holds no CPU times", environment);
    }
    const std::int64_t total = end.total - start.total;
    if (total <= 0) {
        fill(environment.busy_percent,
             Percent::unknown("the counters of /proc/stat did not move while they were watched"));
        fill(environment.steal_percent,
             Percent::known(percent(end.steal, end.total), "/proc/stat, since boot"));
        return;
    }
    std::int64_t own = 0;
    if (before.self && after.self) {
        own = own_ticks(*after.self).value_or(0) - own_ticks(*before.self).value_or(0);
    }
    const std::int64_t others =
        std::max<std::int64_t>(0, end.busy - start.busy - std::max<std::int64_t>(0, own));
    const std::string source =
        fmt::format("/proc/stat, {} ticks of the CPUs this run may use", total);
    fill(environment.busy_percent, Percent::known(percent(others, total), source));
    fill(
        environment.steal_percent,
        Percent::known(percent(std::max<std::int64_t>(0, end.steal - start.steal), total), source));
}

void collect_pressure(const SysRoot& root, Environment& environment) {
    fill(environment.psi_cpu_some_avg10_percent, pressure(root, "/proc/pressure/cpu"));
    fill(environment.psi_memory_some_avg10_percent, pressure(root, "/proc/pressure/memory"));
    constexpr auto path = "/proc/loadavg";
    Tried tried;
    Fact<double> load;
    if (const auto text = root.read(path); !text) {
        tried.failed(text.error());
    } else if (const auto value = parse_number(text->substr(0, text->find(' ')));
               value && *value >= 0 && *value < 1e6) {
        load = Fact<double>::known(*value, path);
    } else {
        tried.malformed(path, "holds no load average");
    }
    if (!load) load = Fact<double>::unknown(tried.reason("/proc/loadavg does not exist"));
    fill(environment.load_average_1m, load);
}

}  // namespace peakward::detail
