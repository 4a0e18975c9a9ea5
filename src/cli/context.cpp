#include "cli/context_output.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "present/context_view.hpp"
#include "present/paint.hpp"

namespace peakward::cli {
namespace {

struct ContextOptions {
    std::shared_ptr<CommonOptions> common;
    std::string capture, python, blas_library;
    bool sources = false;
};

Result<int> run(Call& call, const ContextOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    if (o.capture.empty()) {
        auto install = install_name("");
        if (!install) return tl::make_unexpected(install.error());
        show_context(call, *format, {o.python, o.blas_library, std::move(*install)}, o.sources);
        return 0;
    }
    if (auto ok = capture_context(call.machine, o.capture); !ok)
        return tl::make_unexpected(ok.error());
    if (*format == Format::json)
        print_document(call.console, {{"schema_version", 1}, {"captured", o.capture}});
    else
        call.console.out << "Captured this machine in "
                         << screen_text(o.capture, call.console.out_terminal)
                         << ": what detection reads, without serial numbers, host, MAC or user "
                            "names.\n";
    return 0;
}

Action define_context(CLI::App& app) {
    auto options = std::make_shared<ContextOptions>();
    add_flag(app, options->sources, {"--sources", "", "Also show where each fact was read."});
    add_value(app, options->capture,
              {"--capture", "FOLDER",
               "Write what detection reads into a folder, as a fixture for tests or to send with "
               "a report. Serial numbers, host, MAC and user names are left out."});
    add_value(
        app, options->python,
        {"--python", "PROGRAM",
         "The interpreter whose stack is looked at. Default: the first python3 on the PATH."});
    add_value(app, options->blas_library,
              {"--blas-library", "FILE",
               "The BLAS library to look at. Default: the one the system's alternatives choose."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

void show_context(Call& call, Format format, const ContextRequest& request, bool with_sources) {
    const Context context = read_context(call.machine, request);
    Shown shown;
    shown.document = [&] {
        Json document = to_json(context);
        document["schema_version"] = 1;
        return document;
    };
    shown.table = [&] { return context_table(context); };
    shown.report = [&] {
        return context_report(context, with_sources ? WithSources::yes : WithSources::no);
    };
    show(call, format, shown);
}

Verb context_verb() {
    return {"context",
            "Measure",
            "show what would be recorded of this machine: hardware, software, environment",
            "Shows the facts that a run would carry, and the fingerprints made from them. What "
            "cannot be read is unknown, with the reason; nothing is guessed.",
            {{"peakward context", "all facts, a page of them"},
             {"peakward context --sources", "and where each was read"},
             {"peakward context --json | jq -r .hardware.fingerprint", "one fact for a script"},
             {"peakward context --capture mymachine", "make a fixture of this machine"}},
            define_context};
}

}  // namespace peakward::cli
