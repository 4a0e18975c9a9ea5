#include <algorithm>

#include "cli/reference.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

// What roff would read as a request or an escape; "-" must stay a minus that can be copied.
std::string roff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else if (c == '"')
            out += "\\(dq";
        else
            out += c;
    }
    if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
    return out;
}

std::string dashed(std::string name) {
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }

std::string option_roff(const OptionDoc& option) {
    std::vector<std::string> names;
    for (const std::string& name : option.names) names.push_back(bold(name));
    std::string out = fmt::format(".TP\n{}", fmt::join(names, ", "));
    if (!option.argument.empty() && !option.positional)
        out += " \\fI" + roff(option.argument) + "\\fR";
    if (option.many) out += " ...";
    out += "\n" + roff(option.description);
    if (!option.words.empty())
        out += fmt::format("\n{}: {}.", option.many ? "Any of" : "One of",
                           roff(fmt::format("{}", fmt::join(option.words, ", "))));
    return out + "\n";
}

void add_options(std::string& out, const CommandDoc& command, const char* section) {
    if (command.options.empty() && command.positionals.empty()) return;
    out += fmt::format(".{}\n", section);
    for (const OptionDoc& positional : command.positionals) out += option_roff(positional);
    for (const OptionDoc& option : command.options) out += option_roff(option);
}

void add_verbs(std::string& out, const CommandDoc& command) {
    const bool is_program = command.name.find(' ') == std::string::npos;
    out += is_program ? ".SH VERBS\n" : ".SH ACTIONS\n";
    for (const CommandDoc& sub : command.commands) {
        out += ".TP\n" + bold(is_program ? sub.word() : usage_line(sub)) + "\n" +
               roff(sub.summary) + "\n";
        // An action of a verb has no page of its own: its options stand here.
        if (!is_program)
            for (const OptionDoc& positional : sub.positionals) out += option_roff(positional);
    }
}

void add_program_sections(std::string& out) {
    out += ".SH \"EXIT STATUS\"\n";
    for (const ExitCode& code : exit_codes())
        out += fmt::format(".TP\n.B {}\n{}\n", code.code, roff(code.meaning));
    out += ".SH ENVIRONMENT\n";
    for (const EnvironmentVariable& variable : environment_variables())
        out += ".TP\n.B " + roff(variable.name) + "\n" + roff(variable.meaning) + "\n";
}

}  // namespace

std::string man_page(const CommandDoc& command) {
    const bool is_program = command.name.find(' ') == std::string::npos;
    std::string out = fmt::format(".TH {} 1 \"\" \"peakward {}\" \"User Commands\"\n",
                                  roff(upper(dashed(command.name))), PEAKWARD_VERSION);
    out += ".nh\n.ad l\n";  // names of options must not be hyphenated
    out += ".SH NAME\n" + roff(dashed(command.name)) + " \\- " + roff(command.summary) + "\n";
    out += ".SH SYNOPSIS\n" + bold(command.name) +
           roff(usage_line(command).substr(command.name.size())) + "\n";
    if (!command.paragraphs.empty()) {
        out += ".SH DESCRIPTION\n";
        for (std::size_t i = 0; i < command.paragraphs.size(); ++i)
            out += (i > 0 ? ".PP\n" : "") + roff(command.paragraphs[i]) + "\n";
    }
    if (!command.commands.empty()) add_verbs(out, command);
    add_options(out, command, "SH OPTIONS");
    if (!command.examples.empty()) {
        out += ".SH EXAMPLES\n";
        for (const Example& example : command.examples)
            out += ".TP\n" + bold(example.command) + "\n" + roff(example.does) + "\n";
    }
    if (is_program) add_program_sections(out);
    out += ".SH \"SEE ALSO\"\n";
    if (!is_program) {
        out += bold("peakward") + "(1)\n";
    } else {
        std::vector<std::string> pages;
        for (const CommandDoc& sub : command.commands)
            pages.push_back(bold(dashed(sub.name)) + "(1)");
        out += fmt::format("{}\n", fmt::join(pages, ", "));
    }
    return out;
}

}  // namespace peakward::cli
