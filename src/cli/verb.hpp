// A verb: its words for help and man page, its options, and what it does. One file per verb, one
// line in verbs.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "core/progress.hpp"
#include "core/result.hpp"
#include "session/session.hpp"

namespace CLI {
class App;
}

namespace peakward::cli {

// What one command has at hand while it runs.
struct Call {
    const Machine& machine;
    Console& console;
    const StopToken& stop;
    std::vector<std::string> arguments;  // without the program's name
    // What was asked for is in its place: a signal that comes now is too late to end anything.
    bool done = false;
};

// Gives the exit code (DESIGN section 6), or the error whose kind is the exit code.
using Action = std::function<Result<int>(Call&)>;

struct Example {
    std::string command;
    std::string does;
};

struct Verb {
    std::string name;
    std::string group;        // heading in the list of verbs
    std::string summary;      // one line
    std::string description;  // paragraphs, separated by empty lines
    std::vector<Example> examples;
    Action (*define)(CLI::App& app);  // adds the options; the action reads them after parsing
};

// In the order help shows them.
const std::vector<Verb>& verbs();

Verb calibrate_verb();
Verb context_verb();
Verb doctor_verb();
Verb backends_verb();
Verb history_verb();
Verb show_verb();
Verb trajectory_verb();
Verb maturity_verb();
Verb impact_verb();
Verb regressions_verb();
Verb compare_verb();
Verb forecast_verb();
Verb changes_verb();
Verb export_verb();
Verb report_verb();
Verb profile_verb();
Verb import_verb();
Verb hardware_verb();
Verb db_verb();
Verb completion_verb();
Verb man_verb();
Verb help_verb();

}  // namespace peakward::cli
