#include "cli/options.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "present/context_view.hpp"

namespace peakward::cli {
namespace {

struct DoctorOptions {
    std::shared_ptr<CommonOptions> common;
    std::string threads;
    std::vector<std::string> devices;
};

Result<int> run(Call& call, const DoctorOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto threads = whole_number("--threads", o.threads, 1, 4096);
    if (!threads) return tl::make_unexpected(threads.error());
    bool uses_gpu = false;
    for (const std::string& device : words_in(o.devices)) uses_gpu = uses_gpu || device != "cpu";
    const Context context = read_context(call.machine, {});
    const Preflight preflight =
        check_fitness(context, static_cast<int>(threads->value_or(0)), uses_gpu);
    show(call, *format,
         {[&] {
              return Json{{"schema_version", 1}, {"preflight", to_json(preflight)}};
          },
          [&] { return preflight_table(preflight); }, [&] { return preflight_report(preflight); }});
    return preflight.verdict == CheckStatus::fail ? 3 : 0;
}

Action define_doctor(CLI::App& app) {
    auto options = std::make_shared<DoctorOptions>();
    add_value(app, options->threads,
              {"--threads", "N", "Check for a run on so many threads. Default: all CPUs allowed."});
    add_list(app, options->devices,
             {"--device", "DEVICE",
              "Check for a run on these devices (cpu, cuda:0, ...). Default: cpu."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb doctor_verb() {
    return {"doctor",
            "Measure",
            "check whether this machine is fit to measure now",
            "Each check passes, fails or is unknown, with what was seen and, where something is "
            "wrong, the command that mends it. A source that cannot be read makes a check "
            "unknown, and never a pass. Ends with 0 when nothing failed, with 3 when a check "
            "failed: calibrate would refuse then.",
            {{"peakward doctor", "before a calibration that matters"},
             {"peakward doctor --quiet > /dev/null && peakward calibrate", "in a script"},
             {"peakward doctor --json | jq '.preflight.checks[] | select(.status == \"fail\")'",
              "what fails, for a program"}},
            define_doctor};
}

}  // namespace peakward::cli
