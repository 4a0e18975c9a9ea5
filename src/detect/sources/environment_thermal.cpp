// The hottest CPU sensor, the limit that stands beside it, and the kernel's throttle counters.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/sources/environment_parts.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

// Sensors outside of this range are broken or not connected: 0 and -274 are usual fillers.
constexpr double coldest_believable = -40;
constexpr double hottest_believable = 150;

// Within this distance of the limit, or above this temperature where no limit is stated, a few
// seconds of full load reach it.
constexpr double warm_margin = 20;
constexpr double warm_without_limit = 75;

std::optional<double> milli_celsius(const SysRoot& root, const std::string& path) {
    const auto text = root.read(path);
    if (!text) return std::nullopt;
    const auto value = parse_integer(*text);
    if (!value) return std::nullopt;
    return static_cast<double>(*value) / 1000;
}

bool believable(double celsius) {
    return celsius > coldest_believable && celsius < hottest_believable;
}

bool has_part(const std::string& name, std::span<const std::string_view> parts) {
    const std::string lower = to_lower(name);
    return std::ranges::any_of(
        parts, [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

// Drivers whose sensors sit in the CPU. ACPI zones (acpitz) are left out: on most boards they
// measure something else, or always say 27.8.
constexpr auto cpu_chips = std::to_array<std::string_view>(
    {"coretemp", "k10temp", "k8temp", "zenpower", "cpu_thermal", "cpu-thermal", "via_cputemp",
     "apm_xgene", "altra_hwmon", "smpro_hwmon", "scpi_sensors"});
constexpr auto cpu_zones =
    std::to_array<std::string_view>({"x86_pkg_temp", "cpu", "soc-therm", "soc_therm", "soc-max",
                                     "tj-therm", "tj_therm", "cluster"});

void add_chip(const SysRoot& root, const std::string& folder, const std::vector<std::string>& files,
              std::vector<Temperature>& found) {
    for (const std::string& file : files) {
        if (!file.starts_with("temp") || !file.ends_with("_input")) continue;
        const std::string sensor = folder + "/" + file.substr(0, file.size() - 6);
        const auto celsius = milli_celsius(root, sensor + "_input");
        if (!celsius || !believable(*celsius)) continue;
        // Only the critical limit: "max" is 70 on AMD chips that run at 90 by design.
        const double limit = milli_celsius(root, sensor + "_crit").value_or(0);
        found.push_back({*celsius, believable(limit) && limit > 0 ? limit : 0, sensor + "_input"});
    }
}

void add_hwmon(const SysRoot& root, Tried& tried, std::vector<Temperature>& found) {
    const std::string folder = "/sys/class/hwmon";
    const auto chips = root.list(folder);
    if (!chips) {
        tried.failed(chips.error());
        return;
    }
    for (const std::string& chip : *chips) {
        const std::string path = folder + "/" + chip;
        const auto name = root.read(path + "/name");
        if (!name) {
            tried.failed(name.error());
            continue;
        }
        if (!has_part(trim(*name), cpu_chips)) continue;
        if (const auto files = root.list(path)) {
            add_chip(root, path, *files, found);
        } else {
            tried.failed(files.error());
        }
    }
}

// The lowest trip at which the kernel slows the CPU down, else the critical one.
double zone_limit(const SysRoot& root, const std::string& zone) {
    double passive = 0, critical = 0;
    constexpr int trips_most = 12;
    for (int trip = 0; trip < trips_most; ++trip) {
        const std::string base = fmt::format("{}/trip_point_{}", zone, trip);
        const auto type = root.read(base + "_type");
        if (!type) break;
        const auto limit = milli_celsius(root, base + "_temp");
        // x86_pkg_temp has user trips that stand at 0 or -274 until someone sets them.
        if (!limit || !believable(*limit) || *limit <= 40) continue;
        const std::string kind = trim(*type);
        if (kind == "passive" && (passive == 0 || *limit < passive)) passive = *limit;
        if (kind == "critical" && (critical == 0 || *limit < critical)) critical = *limit;
    }
    return passive > 0 ? passive : critical;
}

void add_zones(const SysRoot& root, Tried& tried, std::vector<Temperature>& found) {
    const std::string folder = "/sys/class/thermal";
    const auto zones = root.list(folder);
    if (!zones) {
        tried.failed(zones.error());
        return;
    }
    for (const std::string& zone : *zones) {
        if (!zone.starts_with("thermal_zone")) continue;
        const std::string path = folder + "/" + zone;
        const auto type = root.read(path + "/type");
        if (!type) {
            tried.failed(type.error());
            continue;
        }
        if (!has_part(trim(*type), cpu_zones)) continue;
        const auto celsius = milli_celsius(root, path + "/temp");
        if (!celsius || !believable(*celsius)) continue;
        found.push_back({*celsius, zone_limit(root, path), path + "/temp"});
    }
}

}  // namespace

Fact<std::int64_t> throttle_count(const SysRoot& root) {
    using Count = Fact<std::int64_t>;
    const std::string folder = "/sys/devices/system/cpu";
    Tried tried;
    const auto names = root.list(folder);
    if (!names) {
        tried.failed(names.error());
        return Count::unknown(tried.reason("no CPU folder"));
    }
    std::int64_t sum = 0;
    int counters = 0;
    for (const std::string& name : *names) {
        if (!name.starts_with("cpu") || !parse_integer(name.substr(3))) continue;
        for (const char* file : {"core_throttle_count", "package_throttle_count"}) {
            const std::string path = fmt::format("{}/{}/thermal_throttle/{}", folder, name, file);
            const auto text = root.read(path);
            if (!text) {
                tried.failed(text.error());
                if (text.error().absence == Absence::slow) return Count::unknown(tried.reason(""));
                continue;
            }
            const auto value = parse_integer(*text);
            if (!value || *value < 0 || *value > (std::int64_t{1} << 40)) {
                tried.malformed(path, "is no count");
                continue;
            }
            sum += *value;
            ++counters;
        }
    }
    if (counters == 0) return Count::unknown(tried.reason("the kernel keeps no throttle counters"));
    return Count::known(sum, fmt::format("{}/cpu*/thermal_throttle", folder));
}

std::vector<Temperature> cpu_temperatures(const SysRoot& root, std::string& reason) {
    Tried tried;
    std::vector<Temperature> found;
    add_hwmon(root, tried, found);
    add_zones(root, tried, found);
    reason = tried.reason("the kernel shows no CPU temperature sensor, as in most guests");
    return found;
}

void judge_heat(const std::vector<Temperature>& temperatures, const std::string& reason,
                std::optional<std::int64_t> throttled_events, Environment& environment) {
    using Words = Fact<std::string>;
    const bool throttling = throttled_events.value_or(0) > 0;
    const std::string counters = "/sys/devices/system/cpu/cpu*/thermal_throttle";
    if (throttling) {
        fill(environment.thermal_state,
             Words::known("throttled", fmt::format("{} counted {} throttle events while watched",
                                                   counters, *throttled_events)));
    }
    if (temperatures.empty()) {
        fill(environment.temperature_c, Fact<double>::unknown(reason));
        const std::string still = throttled_events ? "; the throttle counters did not move" : "";
        fill(environment.thermal_state, Words::unknown(reason + still));
        return;
    }
    const auto by_heat = [](const Temperature& a, const Temperature& b) {
        return a.celsius < b.celsius;
    };
    const Temperature& hottest = *std::ranges::max_element(temperatures, by_heat);
    fill(environment.temperature_c, Fact<double>::known(hottest.celsius, hottest.source));

    // The sensor nearest to its own limit decides, which need not be the hottest.
    const auto distance = [](const Temperature& t) {
        return t.limit_celsius > 0 ? t.limit_celsius - t.celsius
                                   : warm_without_limit + warm_margin - t.celsius;
    };
    const Temperature& worst = *std::ranges::min_element(
        temperatures,
        [&](const Temperature& a, const Temperature& b) { return distance(a) < distance(b); });
    const bool at_limit = worst.limit_celsius > 0 && distance(worst) <= 0;
    const std::string state = at_limit                         ? "throttled"
                              : distance(worst) <= warm_margin ? "warm"
                                                               : "cool";
    const std::string limit = worst.limit_celsius > 0
                                  ? fmt::format("limit {:.1f} C", worst.limit_celsius)
                                  : std::string("no limit stated");
    fill(environment.thermal_state,
         Words::known(state, fmt::format("{}: {:.1f} C, {}", worst.source, worst.celsius, limit)));
}

}  // namespace peakward::detail
