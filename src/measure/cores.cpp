#include "measure/cores.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.hpp"

namespace peakward {
namespace {

constexpr int cpu_number_max = 1 << 16;

std::vector<int> allowed_cpus(const Context& context, const SysRoot& root) {
    std::vector<int> cpus = context.environment.cpus_allowed;
    if (cpus.empty())
        if (const auto affinity = root.affinity()) cpus = *affinity;
    if (cpus.empty()) {
        const int logical = context.hardware.cpu.cores_logical.value_or(1);
        for (int cpu = 0; cpu < logical; ++cpu) cpus.push_back(cpu);
    }
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    return cpus;
}

}  // namespace

std::vector<int> parse_cpu_list(std::string_view text) {
    std::vector<int> cpus;
    for (const std::string& part : split(trim(text), ',')) {
        const auto ends = split(part, '-');
        const auto first = parse_integer(ends.front());
        const auto last = parse_integer(ends.back());
        if (ends.size() > 2 || !first || !last || *first < 0 || *last < *first ||
            *last > cpu_number_max)
            return {};
        for (long long cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<int>(cpu));
    }
    return cpus;
}

CpuOrder order_cpus(const Context& context, const SysRoot& root) {
    const std::vector<int> allowed = allowed_cpus(context, root);
    CpuOrder order;
    std::vector<int> siblings_left;
    std::set<int> taken;
    bool known = true;
    for (const int cpu : allowed) {
        const auto text = root.read(
            fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
        const std::vector<int> siblings = text ? parse_cpu_list(*text) : std::vector<int>{};
        if (siblings.empty()) known = false;
        if (taken.contains(cpu)) {
            siblings_left.push_back(cpu);
            continue;
        }
        order.cpus.push_back(cpu);
        taken.insert(siblings.begin(), siblings.end());
    }
    order.cores = static_cast<int>(order.cpus.size());
    if (!known) {
        const int physical = context.hardware.cpu.cores_physical.value_or(order.cores);
        order.cores = std::clamp(physical, 1, std::max(1, order.cores));
    }
    order.cpus.insert(order.cpus.end(), siblings_left.begin(), siblings_left.end());
    return order;
}

Result<std::vector<int>> choose_cpus(const Context& context, const SysRoot& root, int threads) {
    if (threads < 0) return wrong_usage(fmt::format("--threads {}: must be 1 or more", threads));
    CpuOrder order = order_cpus(context, root);
    const int available = static_cast<int>(order.cpus.size());
    if (threads > available)
        return wrong_usage(fmt::format(
            "--threads {}: this process may use {} CPUs; more threads would only take turns",
            threads, available));
    int wanted = threads;
    if (wanted == 0) {
        wanted = order.cores;
        const auto& quota = context.environment.cpu_quota_cpus;
        if (quota && *quota > 0 && *quota < wanted)
            wanted = std::max(1, static_cast<int>(std::ceil(*quota)));
    }
    order.cpus.resize(static_cast<std::size_t>(wanted));
    return std::move(order.cpus);
}

}  // namespace peakward
