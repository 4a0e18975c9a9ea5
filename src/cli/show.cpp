#include "cli/run_output.hpp"
#include "core/text.hpp"
#include "session/history.hpp"

namespace peakward::cli {
namespace {

struct ShowOptions {
    std::shared_ptr<CommonOptions> common;
    std::string run, table;
    bool raw = false, as_recorded = false;
};

Result<int> run(Call& call, const ShowOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    RunOutput output;
    output.windows = o.raw ? WithWindows::yes : WithWindows::no;
    if (!o.table.empty()) {
        const auto known = words_of("TABLE");
        if (o.table != known[0] && o.table != known[1])
            return wrong_usage("--table: " + unknown_name_message("table", o.table, known));
        output.table = o.table;
    }
    const auto found =
        find_run(o.common->db, o.run,
                 o.as_recorded ? Efficiencies::as_recorded : Efficiencies::current, &call.stop);
    if (!found) return tl::make_unexpected(found.error());
    Shown shown = run_shown(*found, output);
    // A table asked for by name is all that is wanted.
    if (!o.table.empty()) shown.report = nullptr;
    show(call, *format, shown);
    return 0;
}

Action define_show(CLI::App& app) {
    auto options = std::make_shared<ShowOptions>();
    add_value(
        app, options->run,
        {"RUN", "RUN", "A run_id or the start of one, as history lists them; or the word latest.",
         "Options", true});
    add_value(app, options->table,
              {"--table", "TABLE",
               "Only this table. CSV is always one table; default there: measurements."});
    add_flag(app, options->raw,
             {"--raw", "", "With --json: also the raw windows of every measurement."});
    add_flag(app, options->as_recorded,
             {"--as-recorded", "",
              "Peaks and efficiencies as they were recorded, not by the hardware database of "
              "today."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb show_verb() {
    return {"show",
            "Look back",
            "show one run in full",
            "Who ran, what came out per device, backend and precision, and every measurement "
            "behind it with its interval, the samples kept and dropped, and why it ended.",
            {{"peakward show latest", "the newest run"},
             {"peakward show 3f2a9c1e", "the run whose id starts so"},
             {"peakward show latest --format csv > measurements.csv", "every measurement"},
             {"peakward show latest --table results --format markdown", "the scores, for a report"},
             {"peakward show latest --json --raw > run.json", "everything that is kept of it"}},
            define_show};
}

}  // namespace peakward::cli
