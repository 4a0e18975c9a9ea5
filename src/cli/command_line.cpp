#include "cli/command_line.hpp"

namespace peakward::cli {

CommandLine make_command_line() {
    CommandLine line;
    line.app = std::make_unique<CLI::App>(
        "Measures how much of a chip's promise its software delivers, and keeps every measurement.",
        "peakward");
    CLI::App& app = *line.app;
    app.set_help_flag("-h,--help", "Show this help, or that of a verb, and end.")->group("General");
    app.set_version_flag("--version", std::string("peakward ") + PEAKWARD_VERSION,
                         "Show the version and end.")
        ->group("General");
    app.require_subcommand(1);
    for (const Verb& verb : verbs()) {
        CLI::App* sub = app.add_subcommand(verb.name, verb.summary);
        sub->group(verb.group);
        line.actions[sub] = verb.define(*sub);
    }
    return line;
}

}  // namespace peakward::cli
