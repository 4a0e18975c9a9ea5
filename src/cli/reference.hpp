// The command line as data, read out of the CLI11 definitions: --help, man pages and completions
// are three ways to print it and cannot disagree.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.hpp"

namespace CLI {
class App;
}

namespace peakward::cli {

struct OptionDoc {
    std::vector<std::string> names;  // "-q", "--quiet"; of a positional its one name
    std::string argument;            // "PRECISION"; "" for a flag
    bool many = false;               // takes several words
    bool required = false;
    bool positional = false;
    std::string description;
    std::string group;
    std::vector<std::string> words;  // the legal values, where the vocabulary is closed
};

struct CommandDoc {
    std::string name;  // "peakward calibrate"
    std::string group;
    std::string summary;
    std::vector<std::string> paragraphs;
    std::vector<OptionDoc> positionals;
    std::vector<OptionDoc> options;
    std::vector<Example> examples;
    std::vector<CommandDoc> commands;

    std::string word() const { return name.substr(name.rfind(' ') + 1); }
};

// Of one app and what is below it; `verb` adds description and examples when there is one.
CommandDoc describe(const CLI::App& app, const std::string& parent, const Verb* verb);
// Of the whole program.
CommandDoc program_reference();

struct ExitCode {
    int code;
    std::string meaning;
};
const std::vector<ExitCode>& exit_codes();
struct EnvironmentVariable {
    std::string name, meaning;
};
const std::vector<EnvironmentVariable>& environment_variables();

// "peakward show [options] RUN"
std::string usage_line(const CommandDoc& command);
// "-q, --quiet", "--precision PRECISION..."
std::string option_heading(const OptionDoc& option);

std::string help_text(const CommandDoc& command, const Terminal& terminal);
// roff for section 1; the program's page lists the verbs, a verb's page its own options.
std::string man_page(const CommandDoc& command);
std::string bash_completion(const CommandDoc& program);
std::string zsh_completion(const CommandDoc& program);
std::string fish_completion(const CommandDoc& program);

}  // namespace peakward::cli
