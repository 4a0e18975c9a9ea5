// The only file that includes hwloc. It is asked in a child: it reads files without a limit, and a
// captured machine is handed to it through environment variables, which are not ours to change.
#include <sstream>

#include "core/text.hpp"
#include "detect/caches.hpp"
#include "detect/child.hpp"

#ifdef PEAKWARD_HAS_HWLOC
#include <hwloc.h>
#include <stdlib.h>
#endif

namespace peakward::detail {

#ifdef PEAKWARD_HAS_HWLOC
namespace {

const char* type_word(hwloc_obj_cache_type_t type) {
    switch (type) {
        case HWLOC_OBJ_CACHE_DATA:
            return "data";
        case HWLOC_OBJ_CACHE_INSTRUCTION:
            return "instruction";
        case HWLOC_OBJ_CACHE_UNIFIED:
            break;
    }
    return "unified";
}

void say_caches(hwloc_topology_t topology, const Speaker& speaker) {
    for (int depth = 0; depth < hwloc_topology_get_depth(topology); ++depth) {
        const hwloc_obj_type_t type = hwloc_get_depth_type(topology, depth);
        if (!hwloc_obj_type_is_cache(type)) continue;
        for (hwloc_obj_t cache = hwloc_get_next_obj_by_depth(topology, depth, nullptr); cache;
             cache = hwloc_get_next_obj_by_depth(topology, depth, cache))
            speaker.say(fmt::format("{} {} {} {}", cache->attr->cache.depth,
                                    type_word(cache->attr->cache.type), cache->attr->cache.size,
                                    hwloc_bitmap_weight(cache->cpuset)));
    }
}

// `setting` names what hwloc shall look at; without one it is the machine we run on.
void ask_hwloc(const std::vector<std::pair<std::string, std::string>>& setting,
               const Speaker& speaker) {
    // What a user set for his own use of hwloc (another machine's XML) must not reach us.
    for (const char* name : {"HWLOC_XMLFILE", "HWLOC_SYNTHETIC", "HWLOC_FSROOT", "HWLOC_CPUID_PATH",
                             "HWLOC_COMPONENTS", "HWLOC_THISSYSTEM"})
        ::unsetenv(name);
    for (const auto& [name, value] : setting) ::setenv(name.c_str(), value.c_str(), 1);
    hwloc_topology_t topology = nullptr;
    if (hwloc_topology_init(&topology) != 0) return;
    // In a container the CPUs that we may not use share caches with those that we may.
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_cache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
    if (hwloc_topology_load(topology) == 0) say_caches(topology, speaker);
    hwloc_topology_destroy(topology);
}

}  // namespace

CachesFound caches_from_hwloc(const SysRoot& root) {
    std::vector<std::pair<std::string, std::string>> setting;
    if (!root.is_live()) {
        // Without a tree to look at hwloc would look at the machine that runs the test.
        const std::string folder = root.root_folder();
        if (root.read("/sys/devices/system/cpu/cpu0/cache/index0/size")) {
            setting = {{"HWLOC_FSROOT", folder}, {"HWLOC_COMPONENTS", "linux,stop"}};
        } else if (!root.exists("/sys/devices/system/cpu/cpu0") && root.cpuid(0, 0, 0)) {
            setting = {{"HWLOC_CPUID_PATH", folder + "/cpuid"}, {"HWLOC_COMPONENTS", "x86,stop"}};
        } else {
            return {{}, "hwloc: nothing captured that it could look at"};
        }
    }
    const ChildReport report =
        ask_in_child([&setting](const Speaker& speaker) { ask_hwloc(setting, speaker); },
                     std::chrono::seconds(10));
    CachesFound found;
    for (const std::string& line : split(report.said, '\n')) {
        std::istringstream words(line);
        CacheLevel one;
        one.instances = 1;
        if (words >> one.level >> one.type >> one.size_bytes >> one.shared_by_cpus &&
            one.size_bytes > 0)
            add_cache(found.caches, one);
    }
    // Half a list would look like a smaller machine.
    if (!report.misfortune.empty()) return {{}, "hwloc " + report.misfortune};
    if (found.caches.empty()) found.reason = "hwloc found no cache";
    sort_caches(found.caches);
    return found;
}

#else

CachesFound caches_from_hwloc(const SysRoot&) { return {{}, "built without hwloc"}; }

#endif

}  // namespace peakward::detail
