#include "cli/reference.hpp"

#include "cli/command_line.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

std::vector<std::string> paragraphs_of(const std::string& text) {
    std::vector<std::string> paragraphs;
    std::string current;
    for (const std::string& line : split(text, '\n')) {
        if (!trim(line).empty()) {
            current += (current.empty() ? "" : " ") + trim(line);
        } else if (!current.empty()) {
            paragraphs.push_back(std::move(current));
            current.clear();
        }
    }
    if (!current.empty()) paragraphs.push_back(std::move(current));
    return paragraphs;
}

OptionDoc option_doc(const CLI::Option& option) {
    OptionDoc doc;
    doc.positional = option.get_positional();
    if (doc.positional) {
        doc.names = {option.get_name(true)};
    } else {
        for (const std::string& name : option.get_snames()) doc.names.push_back("-" + name);
        for (const std::string& name : option.get_lnames()) doc.names.push_back("--" + name);
    }
    if (option.get_items_expected_max() > 0) doc.argument = option.get_type_name();
    doc.many = option.get_items_expected_max() > 1;
    doc.required = option.get_required();
    doc.description = option.get_description();
    doc.group = option.get_group();
    doc.words = words_of(doc.argument);
    return doc;
}

}  // namespace

CommandDoc describe(const CLI::App& app, const std::string& parent, const Verb* verb) {
    CommandDoc doc;
    doc.name = parent.empty() ? app.get_name() : parent + " " + app.get_name();
    doc.group = app.get_group();
    doc.summary = app.get_description();
    if (verb) {
        doc.summary = verb->summary;
        doc.paragraphs = paragraphs_of(verb->description);
        doc.examples = verb->examples;
    }
    for (const CLI::Option* option : app.get_options()) {
        OptionDoc described = option_doc(*option);
        (described.positional ? doc.positionals : doc.options).push_back(std::move(described));
    }
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
        const Verb* of_sub = nullptr;
        if (parent.empty())
            for (const Verb& candidate : verbs())
                if (candidate.name == sub->get_name()) of_sub = &candidate;
        doc.commands.push_back(describe(*sub, doc.name, of_sub));
    }
    return doc;
}

CommandDoc program_reference() {
    const CommandLine line = make_command_line();
    CommandDoc doc = describe(*line.app, "", nullptr);
    doc.paragraphs = {
        "Silicon ships once; the software that drives it keeps climbing towards its peak for "
        "years. Peakward measures how far it has come on this machine, and keeps every "
        "measurement with the hardware and software that produced it.",
        "Results go to stdout, progress and messages to stderr. No verb waits for an answer "
        "when stdin is not a terminal."};
    doc.examples = {
        {"peakward calibrate --quick", "measure this machine in seconds and keep the run"},
        {"peakward doctor", "is this machine fit to measure now?"},
        {"peakward history", "what was measured so far"},
        {"peakward show latest", "the newest run in full"}};
    return doc;
}

const std::vector<ExitCode>& exit_codes() {
    static const std::vector<ExitCode> codes{
        {0, "done"},
        {1, "failed: the message says what, where and what to do"},
        {2, "wrong usage"},
        {3,
         "refused: preflight failed, platform mismatch, the requested device would have fallen "
         "back, or no case was measured"},
        {4, "regressions --check found a confirmed regression"},
        {5, "regressions --require-verdict: no series could be judged"},
        {130, "ended by Ctrl-C (143: by SIGTERM)"}};
    return codes;
}

const std::vector<EnvironmentVariable>& environment_variables() {
    static const std::vector<EnvironmentVariable> variables{
        {"PEAKWARD_DB", "the database, when --db is not given"},
        {"PEAKWARD_INSTALL", "the name of this installation, when --install is not given"},
        {"PEAKWARD_WORKERS", "further folders with workers, separated by colons"},
        {"NO_COLOR", "when set to anything, no colour"},
        {"COLUMNS", "the width of text that goes to no terminal; 80 when not set"}};
    return variables;
}

std::string usage_line(const CommandDoc& command) {
    std::string line = command.name;
    if (!command.options.empty()) line += " [options]";
    if (!command.commands.empty())
        line += command.name.find(' ') == std::string::npos ? " VERB ..." : " ACTION";
    for (const OptionDoc& positional : command.positionals) {
        const std::string name =
            positional.names.front() + (positional.many ? "..." : std::string());
        line += positional.required ? " " + name : " [" + name + "]";
    }
    return line;
}

std::string option_heading(const OptionDoc& option) {
    std::string heading = fmt::format("{}", fmt::join(option.names, ", "));
    if (!option.argument.empty() && !option.positional) heading += " " + option.argument;
    if (option.many) heading += "...";
    return heading;
}

}  // namespace peakward::cli
