#include <algorithm>

#include "cli/reference.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/paint.hpp"

namespace peakward::cli {
namespace {

constexpr int text_columns_max = 100;  // longer lines are hard to read
constexpr int heading_columns = 26;

class Page {
public:
    explicit Page(const Terminal& terminal)
        : terminal_(terminal), columns_(std::min(terminal.columns, text_columns_max)) {}

    void line(const std::string& text = {}) { out_ += screen_text(text, terminal_) + "\n"; }
    void heading(const std::string& text) {
        line();
        out_ += paint(text + ":", Tone::strong, terminal_) + "\n";
    }
    void wrapped(int indent, const std::string& text) {
        for (const std::string& part :
             wrap_text(screen_text(text, terminal_), std::max(20, columns_ - indent)))
            out_ += std::string(static_cast<std::size_t>(indent), ' ') + part + "\n";
    }
    // "  heading     text", the text below where the heading is long.
    void item(const std::string& heading, const std::string& text, int width = heading_columns) {
        const std::string start = "  " + heading;
        const int room = std::max(20, columns_ - width - 2);
        bool first = true;
        if (display_width(start) > width) {
            line(start);
            first = false;
        }
        for (const std::string& part : wrap_text(screen_text(text, terminal_), room)) {
            out_ += pad_right(first ? start : "", width + 2) + part + "\n";
            first = false;
        }
    }
    std::string take() { return std::move(out_); }

private:
    Terminal terminal_;
    int columns_;
    std::string out_;
};

std::string with_words(const OptionDoc& option) {
    if (option.words.empty()) return option.description;
    return fmt::format("{} {}: {}.", option.description, option.many ? "Any of" : "One of",
                       fmt::join(option.words, ", "));
}

// Groups in the order they first appear; "General" (--help) comes last.
std::vector<std::string> groups_of(const std::vector<OptionDoc>& options) {
    std::vector<std::string> groups;
    for (const OptionDoc& option : options)
        if (std::find(groups.begin(), groups.end(), option.group) == groups.end())
            groups.push_back(option.group);
    std::stable_partition(groups.begin(), groups.end(),
                          [](const std::string& g) { return g != "Output" && g != "General"; });
    return groups;
}

void add_commands(Page& page, const CommandDoc& command) {
    std::string group;
    std::vector<std::string> headings;
    std::size_t longest = 0;
    for (const CommandDoc& sub : command.commands) {
        std::string heading = sub.word();
        for (const OptionDoc& positional : sub.positionals)
            heading += positional.required ? " " + positional.names.front() : "";
        longest = std::max(longest, heading.size());
        headings.push_back(std::move(heading));
    }
    for (std::size_t i = 0; i < headings.size(); ++i) {
        const CommandDoc& sub = command.commands[i];
        if (sub.group != group) page.heading(sub.group);
        group = sub.group;
        page.item(headings[i], sub.summary, static_cast<int>(longest) + 2);
    }
}

void add_examples(Page& page, const CommandDoc& command) {
    if (command.examples.empty()) return;
    page.heading("Examples");
    for (const Example& example : command.examples) {
        page.line("  " + example.command);
        page.wrapped(6, example.does);
    }
}

}  // namespace

std::string help_text(const CommandDoc& command, const Terminal& terminal) {
    Page page(terminal);
    page.wrapped(0, command.name + ": " + command.summary);
    page.line();
    page.line("Usage: " + usage_line(command));
    for (const std::string& paragraph : command.paragraphs) {
        page.line();
        page.wrapped(0, paragraph);
    }
    add_commands(page, command);
    if (!command.positionals.empty()) {
        page.heading("Arguments");
        for (const OptionDoc& positional : command.positionals)
            page.item(option_heading(positional), with_words(positional));
    }
    for (const std::string& group : groups_of(command.options)) {
        page.heading(group);
        for (const OptionDoc& option : command.options)
            if (option.group == group) page.item(option_heading(option), with_words(option));
    }
    add_examples(page, command);
    if (command.name.find(' ') == std::string::npos) {
        page.heading("Exit codes");
        for (const ExitCode& code : exit_codes())
            page.item(fmt::format("{}", code.code), code.meaning, 6);
        page.heading("Environment");
        for (const EnvironmentVariable& variable : environment_variables())
            page.item(variable.name, variable.meaning, 20);
        page.line();
        page.wrapped(0, "peakward VERB --help tells more about a verb, with examples.");
    }
    return page.take();
}

}  // namespace peakward::cli
