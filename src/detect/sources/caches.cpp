#include "detect/caches.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/text.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"

namespace peakward::detail {
namespace {

// "32K", "36608K", "1M" -> bytes; 0 when it is none of them.
std::int64_t size_of(const std::string& text) {
    if (text.empty()) return 0;
    const char unit = text.back();
    const int shift = unit == 'K' ? 10 : unit == 'M' ? 20 : 0;
    const auto value = parse_integer(shift == 0 ? text : text.substr(0, text.size() - 1));
    return value && *value > 0 && *value < 1ll << 32 ? *value << shift : 0;
}

auto order_of(const CacheLevel& cache) {
    return std::make_tuple(cache.level, cache.type, -cache.size_bytes, -cache.shared_by_cpus);
}

}  // namespace

void add_cache(std::vector<CacheLevel>& caches, const CacheLevel& one) {
    for (CacheLevel& known : caches) {
        if (order_of(known) != order_of(one)) continue;
        known.instances += one.instances;
        return;
    }
    caches.push_back(one);
}

void sort_caches(std::vector<CacheLevel>& caches) {
    std::sort(caches.begin(), caches.end(),
              [](const CacheLevel& a, const CacheLevel& b) { return order_of(a) < order_of(b); });
}

CachesFound caches_from_sysfs(const SysRoot& root) {
    const std::string folder = "/sys/devices/system/cpu";
    const auto online = cpu_list_fact(root, folder + "/online");
    if (!online) return {{}, online.reason()};
    CachesFound found;
    std::set<std::string> seen;  // "level type list of CPUs": one instance
    for (const int cpu : *online) {
        const std::string cache_folder = fmt::format("{}/cpu{}/cache", folder, cpu);
        const auto names = root.list(cache_folder);
        if (!names) {
            if (found.reason.empty()) found.reason = names.error().reason;
            continue;
        }
        for (const std::string& name : *names) {
            if (!name.starts_with("index")) continue;
            const std::string index = cache_folder + "/" + name;
            const auto level = integer_fact(root, index + "/level");
            const auto type = text_fact(root, index + "/type");
            const auto shared = text_fact(root, index + "/shared_cpu_list");
            const std::int64_t size = size_of(text_fact(root, index + "/size").value_or(""));
            const auto cpus = shared ? parse_cpu_list(*shared) : std::nullopt;
            if (!level || !type || !cpus || cpus->empty() || size == 0 || *level < 1 || *level > 9)
                continue;
            if (!seen.insert(fmt::format("{} {} {}", *level, *type, *shared)).second) continue;
            add_cache(found.caches, {static_cast<int>(*level), to_lower(*type), size, 1,
                                     static_cast<int>(cpus->size())});
        }
    }
    if (!found.caches.empty()) found.reason.clear();
    if (found.caches.empty() && found.reason.empty()) found.reason = folder + ": no cache";
    sort_caches(found.caches);
    return found;
}

void collect_caches(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    std::vector<CacheLevel>& caches = context.hardware.cpu.caches;
    if (caches.empty()) caches = caches_from_hwloc(root).caches;
    if (caches.empty()) caches = caches_from_sysfs(root).caches;
}

}  // namespace peakward::detail
