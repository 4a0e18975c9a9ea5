// Who else is here: other processes, other guests, and the hypervisor between us and the clock.
#include "detect/preflight_checks.hpp"

namespace peakward::detail {
namespace {

// docs/preflight.md gives the reasons of these.
constexpr double busy_percent_most = 25;
constexpr double psi_percent_most = 20;
constexpr double busy_percent_calm = 10;
constexpr double steal_percent_most = 5;

constexpr auto show_busiest = "top -b -n 1 -o %CPU | head -n 17";

}  // namespace

Check check_background_load(const Context& context, const PreflightOptions&) {
    const Finding found{"background_load", "Background load"};
    const Environment& environment = context.environment;
    const Fact<double>& busy = environment.busy_percent;
    const Fact<double>& load = environment.load_average_1m;
    const std::string average =
        load ? fmt::format("the load average of the last minute is {:.2f} ({})", *load,
                           load.source())
             : fmt::format("the load average is not known: {}", load.reason());
    if (!busy) {
        return found.unknown(fmt::format("How busy others keep the CPUs is not known: {}; {}.",
                                         busy.reason(), average));
    }
    const std::string seen =
        fmt::format("Others used {:.1f} % of the CPUs while watched ({})", *busy, busy.source());
    if (*busy >= busy_percent_most) {
        return found.fail(
            fmt::format("{}, with which most samples would be lost; {}.", seen, average),
            show_busiest);
    }
    return found.pass(fmt::format("{}; {}.", seen, average));
}

Check check_psi_cpu(const Context& context, const PreflightOptions&) {
    const Finding found{"psi_cpu", "CPU pressure"};
    const Environment& environment = context.environment;
    const Fact<double>& pressure = environment.psi_cpu_some_avg10_percent;
    if (!pressure) return found.unknown("CPU pressure", pressure);
    const std::string seen = fmt::format("Tasks waited for a CPU in {:.1f} % of the last 10 s ({})",
                                         *pressure, pressure.source());
    if (*pressure < psi_percent_most) return found.pass(seen + ".");
    const Fact<double>& busy = environment.busy_percent;
    if (busy && *busy < busy_percent_calm) {
        return found.pass(fmt::format(
            "{}, but that work has ended: others used {:.1f} % of the CPUs while watched ({}).",
            seen, *busy, busy.source()));
    }
    return found.fail(seen + ", so a measurement would wait in line.", show_busiest);
}

Check check_steal(const Context& context, const PreflightOptions&) {
    const Finding found{"steal", "Stolen time"};
    const Fact<double>& steal = context.environment.steal_percent;
    if (!steal) return found.unknown("The time the hypervisor stole", steal);
    const std::string seen = fmt::format(
        "The hypervisor ran something else for {:.1f} % of the time ({})", *steal, steal.source());
    if (*steal >= steal_percent_most) {
        return found.fail(seen + ", and clocks read inside the guest do not see that.",
                          "sleep 60; peakward doctor");
    }
    return found.pass(seen + ".");
}

Check check_hypervisor(const Context& context, const PreflightOptions&) {
    const Finding found{"hypervisor", "Virtualization"};
    const Fact<std::string>& kind = context.environment.virtualization;
    if (!kind) return found.unknown("Whether this is a guest", kind);
    if (*kind == "none") {
        return found.pass(
            fmt::format("No hypervisor and no container shows itself ({}).", kind.source()));
    }
    return found.pass(fmt::format("This runs in {} ({}), so clocks are probed instead of read.",
                                  *kind, kind.source()));
}

}  // namespace peakward::detail
