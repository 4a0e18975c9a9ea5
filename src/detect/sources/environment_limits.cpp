// What this process may use: cgroup v1 and v2 quotas and limits, cpuset and affinity.
#include <algorithm>
#include <iterator>

#include "detect/sources/environment_parts.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

// cgroup v1 says "no limit" with the largest multiple of a page.
constexpr long long memory_unlimited = 1LL << 60;

struct Place {
    std::string folder;
    bool unified = false;
};

// The root of a cgroup v2 hierarchy has cgroup.controllers; a captured machine may have only the
// limits themselves.
bool is_unified_mount(const SysRoot& root, const std::string& mount, const std::string& path) {
    const std::string inner = mount + levels_of(path).front();
    return root.exists(mount + "/cgroup.controllers") || root.exists(inner + "/cpu.max") ||
           root.exists(inner + "/memory.max");
}

// Every folder in which a limit of this process may stand, innermost first. Empty when the
// hierarchy of the controller is not mounted where systems mount it.
std::vector<Place> places(const SysRoot& root, const CgroupPaths& paths,
                          const std::string& controller) {
    std::vector<Place> found;
    if (paths.unified) {
        for (const std::string mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
            if (!is_unified_mount(root, mount, *paths.unified)) continue;
            for (const std::string& level : levels_of(*paths.unified)) {
                found.push_back({mount + level, true});
            }
        }
    }
    const auto path = paths.controllers.find(controller);
    if (path == paths.controllers.end()) return found;
    const std::vector<std::string> names = {controller, controller + ",cpuacct",
                                            "cpuacct," + controller};
    for (const std::string& name : names) {
        const std::string mount = "/sys/fs/cgroup/" + name;
        if (!root.exists(mount)) continue;
        for (const std::string& level : levels_of(path->second)) {
            found.push_back({mount + level, false});
        }
        break;  // the other names are links to the same folder
    }
    return found;
}

const std::string not_mounted =
    "could not be read: no control groups are mounted in /sys/fs/cgroup";

std::optional<Quota> quota_in(const SysRoot& root, const Place& place, Tried& tried) {
    if (place.unified) {
        const std::string path = place.folder + "/cpu.max";
        const auto text = root.read(path);
        if (!text) {
            tried.failed(text.error());
            return std::nullopt;
        }
        const auto quota = parse_cpu_max(*text);
        if (!quota) tried.malformed(path, "is no quota and period");
        return quota;
    }
    const std::string quota_path = place.folder + "/cpu.cfs_quota_us";
    const auto quota = root.read(quota_path);
    if (!quota) {
        tried.failed(quota.error());
        return std::nullopt;
    }
    const auto period = root.read(place.folder + "/cpu.cfs_period_us");
    if (!period) {
        tried.failed(period.error());
        return std::nullopt;
    }
    // Version 1 writes -1 where version 2 writes max.
    const std::string used = trim(*quota) == "-1" ? "max" : trim(*quota);
    const auto parsed = parse_cpu_max(used + " " + trim(*period));
    if (!parsed) tried.malformed(quota_path, "is no quota");
    return parsed;
}

Fact<double> cpu_quota(const SysRoot& root, const CgroupPaths& paths) {
    Tried tried;
    double lowest = 0;
    std::string source;
    const std::vector<Place> folders = places(root, paths, "cpu");
    if (folders.empty()) return Fact<double>::unknown(not_mounted);
    for (const Place& place : folders) {
        const auto quota = quota_in(root, place, tried);
        if (!quota || !quota->limited) continue;
        if (source.empty() || quota->cpus < lowest) {
            lowest = quota->cpus;
            source = place.folder + (place.unified ? "/cpu.max" : "/cpu.cfs_quota_us");
        }
    }
    if (!source.empty()) return Fact<double>::known(lowest, source);
    return Fact<double>::unknown(tried.reason(
        fmt::format("{}: no cgroup of this process that can be seen has a CPU quota", no_limit)));
}

Fact<std::int64_t> memory_limit(const SysRoot& root, const CgroupPaths& paths) {
    using Limit = Fact<std::int64_t>;
    Tried tried;
    std::int64_t lowest = 0;
    std::string source;
    const std::vector<Place> folders = places(root, paths, "memory");
    if (folders.empty()) return Limit::unknown(not_mounted);
    for (const Place& place : folders) {
        const std::string path =
            place.folder + (place.unified ? "/memory.max" : "/memory.limit_in_bytes");
        const auto text = root.read(path);
        if (!text) {
            tried.failed(text.error());
            continue;
        }
        const std::string word = trim(*text);
        if (word == "max") continue;
        const auto bytes = parse_integer(word);
        if (!bytes || *bytes < 0) {
            tried.malformed(path, "is no number of bytes");
            continue;
        }
        if (*bytes >= memory_unlimited) continue;
        if (source.empty() || *bytes < lowest) {
            lowest = *bytes;
            source = path;
        }
    }
    if (!source.empty()) return Limit::known(lowest, source);
    return Limit::unknown(tried.reason(
        fmt::format("{}: no cgroup of this process that can be seen limits memory", no_limit)));
}

// The affinity mask already lies within the cpuset; a captured machine may have only one of them.
std::vector<int> allowed_cpus(const SysRoot& root, const CgroupPaths& paths) {
    std::vector<int> allowed;
    if (const auto mask = root.affinity()) {
        allowed = *mask;
    } else if (const auto status = root.read("/proc/self/status")) {
        constexpr std::string_view key = "Cpus_allowed_list:";
        for (const std::string& line : lines_of(*status)) {
            if (!line.starts_with(key)) continue;
            allowed = parse_cpu_list(line.substr(key.size())).value_or(std::vector<int>{});
        }
    }
    for (const Place& place : places(root, paths, "cpuset")) {
        const auto text = root.read(
            place.folder + (place.unified ? "/cpuset.cpus.effective" : "/cpuset.effective_cpus"));
        if (!text) continue;
        const auto cpus = parse_cpu_list(*text);
        if (!cpus || cpus->empty()) continue;
        std::vector<int> both;
        std::ranges::set_intersection(allowed, *cpus, std::back_inserter(both));
        if (allowed.empty()) both = *cpus;
        if (!both.empty()) allowed = both;
        break;  // innermost that tells: it lies within the outer ones
    }
    return allowed;
}

}  // namespace

CgroupPaths parse_proc_cgroup(std::string_view text) {
    CgroupPaths paths;
    for (const std::string& line : lines_of(text)) {
        // "0::/user.slice", "4:cpu,cpuacct:/docker/abc"
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string path = line.substr(second + 1);
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (!path.starts_with('/')) continue;
        if (controllers.empty()) {
            if (line.substr(0, first) == "0") paths.unified = path;
            continue;
        }
        for (const std::string& controller : split(controllers, ',')) {
            paths.controllers.emplace(controller, path);
        }
    }
    return paths;
}

std::vector<std::string> levels_of(std::string_view path) {
    std::vector<std::string> parts;
    for (const std::string& part : split(path, '/')) {
        if (part == "..") return {""};
        if (!part.empty()) parts.push_back(part);
    }
    constexpr std::size_t deepest = 64;
    if (parts.size() > deepest) parts.resize(deepest);
    std::vector<std::string> levels;
    for (std::size_t depth = parts.size(); depth > 0; --depth) {
        levels.push_back(fmt::format(
            "/{}",
            fmt::join(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(depth), "/")));
    }
    levels.emplace_back("");
    return levels;
}

std::optional<Quota> parse_cpu_max(std::string_view text) {
    const std::vector<std::string> words = split_list(trim(text));
    if (words.size() != 2) return std::nullopt;
    const auto period = parse_integer(words[1]);
    if (!period || *period <= 0) return std::nullopt;
    if (words[0] == "max") return Quota{};
    const auto quota = parse_integer(words[0]);
    if (!quota || *quota <= 0) return std::nullopt;
    return Quota{true, static_cast<double>(*quota) / static_cast<double>(*period)};
}

void collect_limits(const SysRoot& root, Environment& environment) {
    constexpr auto path = "/proc/self/cgroup";
    const auto text = root.read(path);
    CgroupPaths paths;
    std::string obstacle;
    if (!text) {
        Tried tried;
        tried.failed(text.error());
        obstacle = tried.reason("/proc/self/cgroup does not exist");
    } else {
        paths = parse_proc_cgroup(*text);
        if (!paths.unified && paths.controllers.empty()) {
            obstacle = fmt::format("could not be read: {}: names no cgroup", path);
        }
    }
    if (obstacle.empty()) {
        fill(environment.cpu_quota_cpus, cpu_quota(root, paths));
        fill(environment.memory_limit_bytes, memory_limit(root, paths));
    } else {
        fill(environment.cpu_quota_cpus, Fact<double>::unknown(obstacle));
        fill(environment.memory_limit_bytes, Fact<std::int64_t>::unknown(obstacle));
    }
    if (environment.cpus_allowed.empty()) environment.cpus_allowed = allowed_cpus(root, paths);
}

}  // namespace peakward::detail
