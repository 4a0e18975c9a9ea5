// Governor, energy preference, turbo and power mode.
#include <algorithm>
#include <chrono>

#include "detect/sources/environment_parts.hpp"
#include "detect/sources/processors.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;

bool numbered(const std::string& name, std::string_view prefix) {
    return name.starts_with(prefix) && parse_integer(name.substr(prefix.size())).has_value();
}

struct Policy {
    std::string folder;
    int cpus = 1;
};

// One policy is a set of CPUs whose clock changes together. Old kernels and small fixtures have
// only the folder of each CPU.
std::vector<Policy> policies(const SysRoot& root, Tried& tried) {
    std::vector<Policy> found;
    const std::string folder = cpu_folder + "/cpufreq";
    if (const auto names = root.list(folder)) {
        for (const std::string& name : *names) {
            if (!numbered(name, "policy")) continue;
            const std::string path = folder + "/" + name;
            const auto affected = root.read(path + "/affected_cpus");
            const auto cpus = affected ? split_list(trim(*affected)).size() : 1;
            if (cpus > 0) found.push_back({path, static_cast<int>(cpus)});  // 0: all are offline
        }
    } else {
        tried.failed(names.error());
    }
    if (!found.empty()) return found;
    const auto names = root.list(cpu_folder);
    if (!names) {
        tried.failed(names.error());
        return found;
    }
    for (const std::string& name : *names) {
        if (!numbered(name, "cpu")) continue;
        const std::string path = cpu_folder + "/" + name + "/cpufreq";
        if (root.exists(path) || root.exists(path + "/scaling_governor"))
            found.push_back({path, 1});
    }
    return found;
}

// The same file of every policy, as one setting. A single unreadable one makes it unknown: the
// rest would be a claim about CPUs that nobody looked at.
Text setting_of_all(const SysRoot& root, const std::vector<Policy>& all, const std::string& file,
                    const std::string& when_absent, Tried tried) {
    std::map<std::string, int> cpus_of;
    int cpus = 0;
    for (const Policy& policy : all) {
        const std::string path = policy.folder + "/" + file;
        const auto text = root.read(path);
        if (!text) {
            tried.failed(text.error());
            if (text.error().absence == Absence::slow) break;  // a second each is enough once
            continue;
        }
        const std::string word = trim(*text);
        if (!is_word(word, 40) || word.find(',') != std::string::npos) {
            tried.malformed(path, "holds no setting");
            continue;
        }
        cpus_of[word] += policy.cpus;
        cpus += policy.cpus;
    }
    if (cpus_of.empty() || !tried.only_missing()) return Text::unknown(tried.reason(when_absent));
    return Text::known(joined_settings(cpus_of), fmt::format("{}/{} and those of {} CPUs in all",
                                                             all.front().folder, file, cpus));
}

Text turbo(const SysRoot& root) {
    struct Switch {
        std::string path;
        bool inverted;  // 1 means off
    };
    const std::vector<Switch> switches = {{cpu_folder + "/intel_pstate/no_turbo", true},
                                          {cpu_folder + "/cpufreq/boost", false},
                                          {cpu_folder + "/cpufreq/policy0/boost", false}};
    Tried tried;
    for (const Switch& one : switches) {
        const auto text = root.read(one.path);
        if (!text) {
            tried.failed(text.error());
            continue;
        }
        const auto value = parse_integer(*text);
        if (!value || (*value != 0 && *value != 1)) {
            tried.malformed(one.path, "is neither 0 nor 1");
            continue;
        }
        const bool enabled = (*value == 1) != one.inverted;
        return Text::known(enabled ? "enabled" : "disabled", one.path);
    }
    return Text::unknown(tried.reason(
        "the kernel shows no turbo switch (no intel_pstate/no_turbo, no cpufreq/boost)"));
}

// Jetson: the tool, else what it wrote down the last time.
std::optional<Text> jetson_mode(const SysRoot& root, Tried& tried) {
    const auto printed = output_of(root, {"nvpmodel", "-q"}, std::chrono::seconds(2));
    if (printed) {
        if (const auto mode = nvpmodel_mode(*printed)) return Text::known(*mode, "nvpmodel -q");
        tried.malformed("nvpmodel -q", "names no power mode");
    } else {
        tried.failed(printed.error());
    }
    const auto status = root.read("/var/lib/nvpmodel/status");
    const auto configuration = root.read("/etc/nvpmodel.conf");
    if (!status || !configuration) return std::nullopt;
    const std::size_t mark = status->find("pmode:");
    if (mark == std::string::npos) return std::nullopt;
    const std::string digits = status->substr(mark + 6, 4);
    const auto id = parse_integer(digits.substr(0, digits.find_first_not_of("0123456789")));
    if (!id) return std::nullopt;
    const auto name = nvpmodel_name_of(*configuration, static_cast<int>(*id));
    if (!name) return std::nullopt;
    return Text::known(*name, "/var/lib/nvpmodel/status and /etc/nvpmodel.conf");
}

std::optional<Text> platform_profile(const SysRoot& root, Tried& tried) {
    constexpr auto path = "/sys/firmware/acpi/platform_profile";
    if (const auto text = root.read(path)) {
        const std::string word = trim(*text);
        if (is_word(word, 40)) return Text::known(word, path);
        tried.malformed(path, "holds no profile");
    } else {
        tried.failed(text.error());
    }
    // The daemon knows a mode on machines whose firmware has none.
    const auto printed = output_of(root, {"powerprofilesctl", "get"}, std::chrono::seconds(2));
    if (printed) {
        const std::string word = trim(*printed);
        if (is_word(word, 40) && word.find(' ') == std::string::npos) {
            return Text::known(word, "powerprofilesctl get");
        }
        tried.malformed("powerprofilesctl get", "printed no profile");
    } else if (printed.error().absence != Absence::failed) {
        // A tool whose daemon does not run ends with an error: that is no mode, not an obstacle.
        tried.failed(printed.error());
    }
    return std::nullopt;
}

// The battery that drains now, or "" when the machine is not running from one.
std::string draining_battery(const SysRoot& root) {
    const std::string folder = "/sys/class/power_supply";
    const auto names = root.list(folder);
    if (!names) return "";
    std::string battery;
    for (const std::string& name : *names) {
        const std::string supply = folder + "/" + name;
        const auto type = root.read(supply + "/type");
        if (!type) continue;
        if (trim(*type) == "Mains") {
            const auto online = root.read(supply + "/online");
            if (online && trim(*online) == "1") return "";
        }
        if (trim(*type) != "Battery") continue;
        const auto scope = root.read(supply + "/scope");  // "Device": a mouse, not this machine
        const auto status = root.read(supply + "/status");
        if (scope && trim(*scope) == "Device") continue;
        if (status && trim(*status) == "Discharging") battery = supply + "/status";
    }
    return battery;
}

std::string plain_mode(std::string_view name) {
    constexpr std::string_view prefix = "MODE_";
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    return std::string(name);
}

}  // namespace

std::string joined_settings(const std::map<std::string, int>& cpus_of) {
    if (cpus_of.empty()) return "";
    if (cpus_of.size() == 1) return cpus_of.begin()->first;
    std::string joined = "mixed: ";
    const char* separator = "";
    for (const auto& [word, cpus] : cpus_of) {
        joined += fmt::format("{}{} on {} CPU{}", separator, word, cpus, cpus == 1 ? "" : "s");
        separator = ", ";
    }
    return joined;
}

std::vector<std::string> settings_in(std::string_view joined) {
    constexpr std::string_view prefix = "mixed: ";
    if (!joined.starts_with(prefix)) return {std::string(joined)};
    std::vector<std::string> words;
    for (const std::string& part : split(joined.substr(prefix.size()), ',')) {
        words.push_back(trim(part.substr(0, part.rfind(" on "))));
    }
    return words;
}

std::optional<std::string> nvpmodel_mode(std::string_view text) {
    constexpr std::string_view mark = "NV Power Mode:";
    for (const std::string& line : lines_of(text)) {
        const std::size_t start = line.find(mark);
        if (start == std::string::npos) continue;
        const std::string name = plain_mode(trim(line.substr(start + mark.size())));
        if (is_word(name, 40)) return name;
    }
    return std::nullopt;
}

std::optional<std::string> nvpmodel_name_of(std::string_view configuration, int id) {
    for (const std::string& raw : lines_of(configuration)) {
        const std::string line = trim(raw);
        if (!line.starts_with("<") || line.find("POWER_MODEL") == std::string::npos) continue;
        std::optional<long long> found;
        std::string name;
        for (const std::string& word : split_list(line)) {
            if (word.starts_with("ID=")) found = parse_integer(word.substr(3));
            if (word.starts_with("NAME=")) name = plain_mode(word.substr(5));
        }
        if (found && *found == id && is_word(name, 40)) return name;
    }
    return std::nullopt;
}

std::optional<std::string> chosen_word(std::string_view text) {
    const std::size_t open = text.find('[');
    const std::size_t close = text.find(']', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const std::string word = trim(text.substr(open + 1, close - open - 1));
    return is_word(word, 40) ? std::optional(word) : std::nullopt;
}

void collect_frequency(const SysRoot& root, Environment& environment) {
    Tried tried;
    const std::vector<Policy> all = policies(root, tried);
    const std::string absent =
        "the kernel shows no CPU clock control (no cpufreq folder), as in most guests";
    fill(environment.cpu_governor, setting_of_all(root, all, "scaling_governor", absent, tried));
    fill(environment.frequency_driver, setting_of_all(root, all, "scaling_driver", absent, tried));
    fill(environment.energy_preference,
         setting_of_all(root, all, "energy_performance_preference",
                        all.empty() ? absent : "this CPU driver has no energy preference", tried));
    fill(environment.turbo, turbo(root));
}

void collect_power_mode(const SysRoot& root, Environment& environment) {
    Tried tried;
    std::optional<Text> mode = jetson_mode(root, tried);
    if (!mode) mode = platform_profile(root, tried);
    if (const std::string battery = draining_battery(root); !battery.empty()) {
        mode = mode ? Text::known(**mode + " on battery", mode->source() + " and " + battery)
                    : Text::known("on battery", battery);
    }
    if (!mode) {
        mode =
            Text::unknown(tried.reason("this machine offers no power mode (no nvpmodel, no "
                                       "platform profile, no power profiles)"));
    }
    fill(environment.power_mode, *mode);
}

}  // namespace peakward::detail
