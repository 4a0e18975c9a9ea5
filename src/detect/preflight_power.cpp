// Clock, heat and power: does the processor run as fast as it will, and stay there?
#include <algorithm>

#include "detect/preflight_checks.hpp"
#include "detect/sources/environment_parts.hpp"

namespace peakward::detail {
namespace {

enum class Opinion { good, bad, not_known };

// A governor is bad when it keeps the clock below what the work could have. Of two opinions the
// worse one counts: threads run on all CPUs.
Opinion opinion_of_governor(const std::string& governor, bool firmware_chooses) {
    if (governor == "performance" || governor == "schedutil" || governor == "ondemand") {
        return Opinion::good;
    }
    // intel_pstate and amd-pstate-epp give the word another meaning: the processor itself raises
    // its clock with the work, as the energy preference tells it.
    if (governor == "powersave") return firmware_chooses ? Opinion::good : Opinion::bad;
    if (governor == "conservative" || governor == "userspace") return Opinion::bad;
    return Opinion::not_known;
}

bool firmware_chooses_clock(const Fact<std::string>& driver) {
    if (!driver) return false;
    return std::ranges::all_of(settings_in(*driver), [](const std::string& word) {
        return word == "intel_pstate" || word == "amd-pstate-epp" || word == "amd_pstate_epp";
    });
}

std::string why_governor_is_bad(const std::string& governor) {
    if (governor == "powersave") return "holds the lowest clock with this driver";
    if (governor == "conservative") return "raises the clock in small steps, over seconds";
    return "holds whatever clock was last written by hand";
}

Opinion opinion_of_preference(const std::string& word) {
    if (word == "performance" || word == "balance_performance" || word == "default") {
        return Opinion::good;
    }
    if (word == "power" || word == "balance_power") return Opinion::bad;
    // The raw hint: 0 asks for speed, 255 for saving, 128 is balance_performance (kernel
    // documentation, intel_pstate, "Energy Performance Preferences").
    const auto raw = parse_integer(word);
    if (!raw || *raw < 0 || *raw > 255) return Opinion::not_known;
    return *raw <= 128 ? Opinion::good : Opinion::bad;
}

}  // namespace

Check check_cpu_governor(const Context& context, const PreflightOptions&) {
    const Finding found{"cpu_governor", "CPU governor"};
    const Fact<std::string>& governor = context.environment.cpu_governor;
    if (!governor) return found.unknown("The CPU governor", governor);
    const Fact<std::string>& driver = context.environment.frequency_driver;
    const std::string seen =
        fmt::format("The governor is {} with the driver {} ({})", *governor,
                    driver ? *driver : "that could not be read", governor.source());
    bool strange = false;
    for (const std::string& word : settings_in(*governor)) {
        switch (opinion_of_governor(word, firmware_chooses_clock(driver))) {
            case Opinion::good:
                break;
            case Opinion::bad:
                return found.fail(
                    fmt::format("{}, and {} {}.", seen, word, why_governor_is_bad(word)),
                    "sudo cpupower frequency-set -g performance");
            case Opinion::not_known:
                strange = true;
        }
    }
    if (strange)
        return found.unknown(seen + ", and what that does to the clock is not known here.");
    if (*governor == "performance") return found.pass(seen + ".");
    return found.pass(seen + ", so the clock rises with the work, and it is probed beside it.");
}

Check check_energy_preference(const Context& context, const PreflightOptions&) {
    const Finding found{"energy_preference", "Energy preference"};
    const Fact<std::string>& preference = context.environment.energy_preference;
    if (!preference) return found.unknown("The energy preference", preference);
    const std::string seen =
        fmt::format("The energy preference is {} ({})", *preference, preference.source());
    bool strange = false;
    for (const std::string& word : settings_in(*preference)) {
        const Opinion opinion = opinion_of_preference(word);
        if (opinion == Opinion::bad) {
            return found.fail(
                seen + ", which keeps the clock below what the work could have.",
                "echo balance_performance | sudo tee "
                "/sys/devices/system/cpu/cpufreq/policy*/energy_performance_preference");
        }
        strange = strange || opinion == Opinion::not_known;
    }
    if (strange)
        return found.unknown(seen + ", and what that does to the clock is not known here.");
    return found.pass(seen + ".");
}

Check check_turbo(const Context& context, const PreflightOptions&) {
    const Finding found{"turbo", "Turbo"};
    const Fact<std::string>& turbo = context.environment.turbo;
    if (!turbo) return found.unknown("Whether turbo is on", turbo);
    return found.pass(
        fmt::format("Turbo is {} ({}), which sets the clock that is measured and probed.", *turbo,
                    turbo.source()));
}

Check check_thermal_state(const Context& context, const PreflightOptions&) {
    const Finding found{"thermal_state", "Thermal state"};
    const Fact<std::string>& state = context.environment.thermal_state;
    if (!state) return found.unknown("The thermal state", state);
    const std::string seen = fmt::format("The CPU is {} ({})", *state, state.source());
    if (*state == "throttled") {
        return found.fail(seen + ", so its clock is held down.", "sleep 120; peakward doctor");
    }
    if (*state == "warm") {
        return found.pass(seen + ", near the limit, so samples that throttle will be dropped.");
    }
    return found.pass(seen + ".");
}

Check check_power_mode(const Context& context, const PreflightOptions&) {
    const Finding found{"power_mode", "Power mode"};
    const Fact<std::string>& mode = context.environment.power_mode;
    if (!mode) return found.unknown("The power mode", mode);
    const std::string seen = fmt::format("The power mode is {} ({})", *mode, mode.source());
    if (mode->ends_with("on battery")) {
        return found.fail(seen + ", and the power that a battery gives falls while it drains.",
                          "plug in the mains adapter, then: peakward doctor");
    }
    return found.pass(seen + ", and figures are compared only within it.");
}

}  // namespace peakward::detail
