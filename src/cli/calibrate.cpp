#include <limits>

#include "cli/context_output.hpp"
#include "cli/options.hpp"
#include "cli/profile_file.hpp"
#include "cli/progress.hpp"
#include "cli/regressions_output.hpp"
#include "cli/run_output.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct CalibrateOptions {
    std::shared_ptr<CommonOptions> common;
    bool quick = false, full = false;
    bool force = false, allow_fallback = false, overwrite = false, raw = false;
    bool show_context = false, self_test = false, skip_platform_check = false;
    bool confirm = false;
    std::vector<std::string> layers, backends, devices, precisions, operations;
    std::string threads, budget, wait, seed, python, blas_library, output, preset, install;
};

void add_what(CLI::App& app, CalibrateOptions& o) {
    const char* group = "What to measure";
    add_flag(app, o.quick, {"--quick", "", "The quick suite: few sizes, seconds in all.", group});
    add_flag(app, o.full,
             {"--full", "",
              "The full suite: every size, each worker restarted to see the spread between "
              "processes.",
              group});
    add_list(app, o.layers,
             {"--layers", "LAYER",
              "Only these layers. micro (kernels; the default), proxy (blocks of networks), models "
              "(whole networks).",
              group});
    add_list(app, o.operations, {"--operations", "OPERATION", "Only these operations.", group});
    add_list(app, o.precisions, {"--precision", "PRECISION", "Only these precisions.", group});
    add_list(app, o.backends,
             {"--backend,--framework", "BACKEND",
              "Only these backends (all: every one); peakward backends lists them. Default on the "
              "CPU: native, blas, onednn and numpy; on a GPU: cuda and pytorch.",
              group});
    add_list(app, o.devices,
             {"--device", "DEVICE",
              "Where to run: cpu, cuda:0, ... Default: cpu. A device that no backend can use is "
              "refused (exit 3), never replaced by another.",
              group});
    add_value(app, o.preset,
              {"--preset", "PRODUCT",
               "The product this machine is, by an id of peakward hardware list, when it does not "
               "show it itself. One that it cannot be is refused (exit 3). Default: detected.",
               group});
    add_flag(app, o.skip_platform_check,
             {"--skip-platform-check", "",
              "Measure although this machine is not the preset; the run is flagged.", group});
    add_flag(app, o.allow_fallback,
             {"--allow-fallback", "",
              "Keep a run whose framework used another device than asked for: under that device, "
              "and flagged.",
              group});
}

void add_how(CLI::App& app, CalibrateOptions& o) {
    const char* group = "How to measure";
    add_value(app, o.threads,
              {"--threads", "N", "Threads. Default: one for each core allowed.", group});
    add_value(app, o.budget,
              {"--budget", "SECONDS",
               "Most time to spend on measuring; what does not fit is shown as skipped.", group});
    add_value(
        app, o.wait,
        {"--wait", "TIME",
         "On a busy machine, wait up to so long (90s, 10m, 2h) until preflight passes.", group});
    add_value(app, o.seed,
              {"--seed", "N",
               "Seed of the order of cases and of the data. Default: drawn, and recorded.", group});
    add_value(app, o.python,
              {"--python", "PROGRAM",
               "The interpreter whose stack is measured. Default: the first python3 on the PATH.",
               group});
    add_value(app, o.blas_library,
              {"--blas-library", "FILE",
               "The CBLAS library to measure. Default: the one the system's alternatives choose.",
               group});
    add_value(
        app, o.install,
        {"--install", "NAME",
         "The name of this installation in the record: runs of one name belong to one series. "
         "Default: $PEAKWARD_INSTALL, else a random id that is kept in the state folder.",
         group});
    add_flag(app, o.force,
             {"--force", "",
              "Measure although preflight fails; the run keeps the checks and is flagged.", group});
}

void add_instead(CLI::App& app, CalibrateOptions& o) {
    add_flag(
        app, o.show_context,
        {"--show-context", "", "Show what would be recorded of this machine, and measure nothing.",
         "Instead of measuring"});
    add_flag(app, o.self_test,
             {"--self-test", "",
              "Plant a hog, a throttle, a wrong peak and a wrong answer, and see that each is "
              "caught. Nothing is stored.",
              "Instead of measuring"});
}

void add_confirm(CLI::App& app, CalibrateOptions& o) {
    add_flag(
        app, o.confirm,
        {"--confirm", "",
         "Measure only the cases behind the suspected regressions of this machine again, in the "
         "suites that hold them; keep the run, and show the verdicts.",
         "What to measure"});
}

// These say what is measured, which --confirm takes from the suspicions.
Status check_confirm(const CalibrateOptions& o) {
    if (!o.confirm) return {};
    const std::pair<bool, const char*> others[] = {{o.quick, "--quick"},
                                                   {o.full, "--full"},
                                                   {!o.layers.empty(), "--layers"},
                                                   {!o.operations.empty(), "--operations"},
                                                   {!o.precisions.empty(), "--precision"},
                                                   {!o.backends.empty(), "--backend"},
                                                   {!o.devices.empty(), "--device"},
                                                   {!o.preset.empty(), "--preset"},
                                                   {!o.output.empty(), "--output"},
                                                   {o.show_context, "--show-context"},
                                                   {o.self_test, "--self-test"}};
    for (const auto& [given, name] : others)
        if (given)
            return wrong_usage(
                fmt::format("--confirm measures what is suspected, and does not go with {}", name));
    return {};
}

Result<int> run_confirm(Call& call, Format format, const CalibrateOptions& o,
                        const CalibrateRequest& request) {
    auto progress = make_progress(call.console, o.common->quiet, call.stop);
    RegressionsRequest what;
    const auto reply = confirm_regressions(call.machine, request, what, *progress, call.stop);
    progress.reset();
    if (!reply) return tl::make_unexpected(reply.error());
    show(call, format,
         confirm_shown(*reply, {what.options.threshold_percent, what.options.baselines}));
    return 0;
}

void add_results(CLI::App& app, CalibrateOptions& o) {
    add_value(app, o.output,
              {"--output", "FILE",
               "Also write the run, with all samples, as a profile in JSON. A file that holds "
               "something is not replaced without --overwrite.",
               "Output"});
    add_flag(app, o.overwrite,
             {"--overwrite", "", "Let --output replace an existing file.", "Output"});
    add_flag(app, o.raw,
             {"--raw", "", "With --json: also the raw windows of every measurement.", "Output"});
}

Result<CalibrateRequest> request_of(const CalibrateOptions& o, const Call& call) {
    if (o.quick && o.full) return wrong_usage("--quick and --full exclude each other");
    CalibrateRequest request;
    if (o.quick) request.suite = "quick";
    if (o.full) request.suite = "full";
    if (const auto layers = words_in(o.layers); !layers.empty()) request.layers = layers;
    if (o.skip_platform_check && o.preset.empty())
        return wrong_usage("--skip-platform-check goes with --preset ID");
    request.preset = o.preset;
    request.skip_platform_check = o.skip_platform_check;
    // Without --device a preset says which device it is.
    if (!o.preset.empty()) request.devices.clear();
    if (const auto devices = words_in(o.devices); !devices.empty()) request.devices = devices;
    request.backends = words_in(o.backends);
    request.precisions = words_in(o.precisions);
    request.operations = words_in(o.operations);
    const auto threads = whole_number("--threads", o.threads, 1, 4096);
    if (!threads) return tl::make_unexpected(threads.error());
    request.threads = static_cast<int>(threads->value_or(0));
    const auto budget = positive_number("--budget", o.budget);
    if (!budget) return tl::make_unexpected(budget.error());
    request.budget_s = budget->value_or(0);
    const auto seed = whole_number("--seed", o.seed, 0, std::numeric_limits<long long>::max());
    if (!seed) return tl::make_unexpected(seed.error());
    if (*seed) request.seed = static_cast<std::uint64_t>(**seed);
    const auto wait = duration_s("--wait", o.wait);
    if (!wait) return tl::make_unexpected(wait.error());
    request.wait_s = wait->value_or(0);
    request.force = o.force;
    request.allow_fallback = o.allow_fallback;
    request.peak_evidence = call.machine.root.is_live();
    request.python = o.python;
    request.blas_library = o.blas_library;
    auto install = install_name(o.install);
    if (!install) return tl::make_unexpected(install.error());
    request.install = std::move(*install);
    request.store_location = o.common->db;
    request.arguments = call.arguments;
    return request;
}

Result<int> run_self_test(Call& call, Format format, const CalibrateOptions& o,
                          const CalibrateRequest& request) {
    const auto progress = make_progress(call.console, o.common->quiet, call.stop);
    auto faults = self_test(call.machine, request, *progress, call.stop);
    progress->finished();
    if (!faults) return tl::make_unexpected(faults.error());
    show(call, format, self_test_shown(*faults));
    for (const PlantedFault& fault : *faults)
        if (!fault.caught) return 1;
    return 0;
}

// A run that was measured is shown and written whatever else failed.
int show_reply(Call& call, Format format, const CalibrateOptions& o, const CalibrateReply& reply) {
    RunOutput output;
    output.windows = o.raw ? WithWindows::yes : WithWindows::no;
    output.stored_in = reply.store_location;
    output.kept_in = reply.kept_in;
    output.failure = reply.not_stored;
    if (reply.not_stored && reply.kept_in.empty()) {
        // stdout is the last place that is left.
        format = Format::json;
        output.windows = WithWindows::yes;
        output.failure->message +=
            "\nThe run is printed on stdout: save it to a file and import it";
    }
    if (!o.output.empty()) {
        if (const auto written = write_profile(o.output, reply.run)) {
            output.written_to = o.output;
        } else if (output.failure) {
            output.failure->message += "\n" + written.error().message;
        } else {
            output.failure =
                Error{ErrorKind::failed,
                      fmt::format("{} (the run {} itself was stored in {})",
                                  written.error().message, reply.run.run_id, reply.store_location)};
        }
    }
    if (output.failure) {
        output.exit_code = exit_code_of(*output.failure, call.stop);
        say_error(call.console, output.failure->message);
    }
    show(call, format, run_shown(reply.run, output));
    const auto& rows = reply.run.measurements;
    // A clock probe alone does not answer what was asked.
    const auto has = [&](Outcome outcome) {
        return std::any_of(rows.begin(), rows.end(), [&](const Measurement& row) {
            return row.outcome == outcome && row.what.operation != "clock_probe";
        });
    };
    if (output.exit_code != 0 || has(Outcome::measured)) return output.exit_code;
    say_error(call.console,
              fmt::format("no case was measured; see the reasons above{}",
                          has(Outcome::contended)
                              ? ". calibrate --wait 10m waits until the machine is calm"
                              : ""));
    return exit_code_of({ErrorKind::refused, ""}, call.stop);
}

Result<int> run(Call& call, const CalibrateOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    if (auto ok = check_confirm(o); !ok) return tl::make_unexpected(ok.error());
    auto request = request_of(o, call);
    if (!request) return tl::make_unexpected(request.error());
    if (o.show_context) {
        show_context(call, *format, {o.python, o.blas_library, request->install}, false);
        return 0;
    }
    if (o.confirm) return run_confirm(call, *format, o, *request);
    if (o.self_test) return run_self_test(call, *format, o, *request);
    if (!o.output.empty())
        if (auto ok = check_output(o.output, o.overwrite); !ok)
            return tl::make_unexpected(ok.error());

    auto progress = make_progress(call.console, o.common->quiet, call.stop);
    auto reply = calibrate(call.machine, *request, *progress, call.stop);
    progress.reset();
    if (!reply) return tl::make_unexpected(reply.error());
    return show_reply(call, *format, o, *reply);
}

Action define_calibrate(CLI::App& app) {
    auto options = std::make_shared<CalibrateOptions>();
    add_what(app, *options);
    add_confirm(app, *options);
    add_how(app, *options);
    add_instead(app, *options);
    options->common = add_common_options(app, Tables::yes);
    add_results(app, *options);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb calibrate_verb() {
    return {
        "calibrate",
        "Measure",
        "measure this machine, keep the run and show it",
        "Detects the machine, checks that it is fit to measure, measures its memory, its compute "
        "peaks and its BLAS libraries, compares them with the theoretical peaks, and stores the "
        "run in the database.\n\n"
        "A sample counts only when nothing else took the CPU meanwhile: others are dropped and "
        "counted. What could not be measured cleanly is shown as contended and never becomes a "
        "score.\n\n"
        "Lists take spaces or commas and may be repeated: --precision fp32 fp64 is the same as "
        "--precision fp32,fp64. Ctrl-C ends the run; nothing of it is stored.\n\n"
        "A run that was measured to its end and cannot be stored is kept in a file beside the "
        "database, else in the state folder, else in $TMPDIR. The error names the file and the "
        "command that stores it.",
        {{"peakward calibrate", "the standard suite with the usual backends"},
         {"peakward calibrate --quick", "after a driver update, or once a month"},
         {"peakward calibrate --quick --backend blas --precision fp32,fp64",
          "one backend, two precisions"},
         {"peakward calibrate --blas-library libmkl_rt.so.2", "another CBLAS, loaded at run time"},
         {"peakward calibrate --python ~/venv/bin/python --backend numpy",
          "the NumPy of your own environment"},
         {"peakward calibrate --preset i7-12700k", "on a guest that does not show its processor"},
         {"peakward calibrate --quick --json --quiet | jq '.results[].efficiency'", "for a script"},
         {"peakward calibrate --confirm", "measure again what peakward regressions suspects"},
         {"peakward calibrate --self-test", "prove that disturbed numbers do not pass here"}},
        define_calibrate};
}

}  // namespace peakward::cli
