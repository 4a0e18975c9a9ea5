#include "cli/options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cmath>

#include "core/posix.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/json_text.hpp"
#include "present/paint.hpp"
#include "session/vocabulary.hpp"

namespace peakward::cli {
namespace {

std::string_view kind_word(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::failed:
            return "failed";
        case ErrorKind::usage:
            return "usage";
        case ErrorKind::refused:
            return "refused";
        case ErrorKind::interrupted:
            return "interrupted";
    }
    return "failed";
}

}  // namespace

std::shared_ptr<CommonOptions> add_common_options(CLI::App& app, Tables tables) {
    auto options = std::make_shared<CommonOptions>();
    add_flag(app, options->json,
             {"--json", "",
              "Print one JSON document on stdout (the same as --format json). An error is a "
              "document too: {\"error\": {\"kind\", \"message\"}, \"exit_code\"}.",
              "Output"});
    if (tables == Tables::yes)
        add_value(app, options->format,
                  {"--format", "FORMAT", "How to print the result.", "Output"});
    add_flag(app, options->quiet,
             {"--quiet,-q", "", "No progress, no remarks: only results and errors.", "Output"});
    add_value(app, options->db,
              {"--db", "FILE",
               "The database of runs. Default: $PEAKWARD_DB, else "
               "$XDG_DATA_HOME/peakward/calibrations.db.",
               "Output"});
    return options;
}

Result<Format> chosen_format(const CommonOptions& options) {
    if (options.format.empty()) return options.json ? Format::json : Format::text;
    const auto format = format_from(options.format);
    if (!format)
        return wrong_usage("--format: " +
                           unknown_name_message("format", options.format, format_names()));
    if (options.json && *format != Format::json)
        return wrong_usage("--json and --format " + options.format + " exclude each other");
    return *format;
}

void add_flag(CLI::App& app, bool& value, const OptionText& text) {
    app.add_flag(text.names, value, text.description)->group(text.group);
}

namespace {

// An empty word comes from a script variable that is not set. The default does not replace it.
template <typename Value>
CLI::Option* add_words(CLI::App& app, Value& value, const OptionText& text) {
    return app.add_option(text.names, value, text.description)
        ->type_name(text.type)
        ->required(text.required)
        ->group(text.group)
        ->check([](const std::string& word) {
            if (word.empty()) return std::string("the value is empty");
            // A value that was forgotten: the next option would be taken for it.
            if (word.starts_with("--"))
                return fmt::format("'{}' is an option and no value; write ./{} for a file", word,
                                   word);
            return std::string();
        });
}

}  // namespace

void add_value(CLI::App& app, std::string& value, const OptionText& text) {
    add_words(app, value, text)->take_last();
}

void add_list(CLI::App& app, std::vector<std::string>& values, const OptionText& text) {
    add_words(app, values, text)->take_all();
}

void add_each(CLI::App& app, std::vector<std::string>& values, const OptionText& text) {
    add_words(app, values, text)->allow_extra_args(false)->take_all();
}

CLI::App& add_action(CLI::App& app, const char* name, const char* summary) {
    app.require_subcommand(1);
    CLI::App* action = app.add_subcommand(name, summary);
    action->group("Actions");
    return *action;
}

const CLI::App* chosen_action(const CLI::App& app) { return app.get_subcommands().front(); }

bool was_given(const CLI::App& app, const std::string& option) {
    return app.get_option_no_throw(option) != nullptr && app.count(option) > 0;
}

std::vector<std::string> words_in(const std::vector<std::string>& values) {
    std::vector<std::string> words;
    for (const std::string& value : values)
        for (std::string& word : split_list(value))
            if (std::find(words.begin(), words.end(), word) == words.end())
                words.push_back(std::move(word));
    return words;
}

Result<std::optional<long long>> whole_number(const std::string& option, const std::string& text,
                                              long long smallest, long long largest) {
    if (text.empty()) return std::nullopt;
    const auto number = parse_integer(text);
    if (!number || *number < smallest || *number > largest)
        return wrong_usage(fmt::format("{} takes a whole number from {} to {}, not '{}'", option,
                                       smallest, largest, text));
    return *number;
}

Result<std::optional<double>> duration_s(const std::string& option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    constexpr std::pair<char, double> units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    std::string digits = text;
    double unit_s = 1;
    for (const auto& [letter, seconds] : units)
        if (text.back() == letter) {
            digits.pop_back();
            unit_s = seconds;
        }
    const auto number = parse_number(digits);
    if (number && *number > 0 && std::isfinite(*number * unit_s)) return *number * unit_s;
    return wrong_usage(
        fmt::format("{} takes a time such as 90s, 10m or 2h, not '{}'", option, text));
}

Result<std::optional<double>> positive_number(const std::string& option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    const auto number = parse_number(text);
    if (!number || !std::isfinite(*number) || *number <= 0)
        return wrong_usage(fmt::format("{} takes a number above zero, not '{}'", option, text));
    return *number;
}

std::vector<std::string> words_of(const std::string& type) {
    if (type == "PRECISION") return vocabulary().precisions;
    if (type == "OPERATION") return vocabulary().operations;
    if (type == "LAYER") return vocabulary().layers;
    if (type == "FORMAT") return format_names();
    if (type == "CI_FORMAT") {
        std::vector<std::string> names = format_names();
        names.insert(names.end(), {"junit", "github"});
        return names;
    }
    if (type == "BASELINE") return {"previous", "best"};
    if (type == "PLOT") return {"braille", "blocks", "ascii", "none"};
    if (type == "SHELL") return {"bash", "zsh", "fish"};
    if (type == "TABLE") return {"measurements", "results"};
    if (type == "KIND") return {"cpu", "gpu", "accelerator", "board"};
    if (type == "ASPECT") return {"peaks", "bandwidth", "efficiency", "calibration"};
    if (type == "VERB") {
        std::vector<std::string> names;
        for (const Verb& verb : verbs()) names.push_back(verb.name);
        return names;
    }
    return {};
}

void print_document(Console& console, const Json& document) {
    console.out << json_text(document, 2) << "\n";
}

void say(Call& call, Format format, const std::string& sentence, Json document) {
    document["schema_version"] = 1;
    if (format == Format::json) return print_document(call.console, document);
    Section section;
    section.paragraphs.push_back({sentence, Tone::good, "✓"});
    call.console.out << render(Report{{}, {std::move(section)}}, format, call.console.out_terminal);
}

// On a terminal the lines break between words; a pipe gets each sentence as one line, for grep.
void say_error(Console& console, const std::string& message) {
    const Terminal& terminal = console.err_terminal;
    const std::string name = "peakward: ";
    console.err << paint(name, Tone::bad, terminal);
    auto used = static_cast<int>(name.size());
    for (const std::string& sentence : split(message, '\n')) {
        const std::string text = screen_text(sentence, terminal);
        const std::string indent(std::min(text.find_first_not_of(' '), text.size()), ' ');
        if (!terminal.is_terminal) {
            console.err << text << "\n";
            continue;
        }
        console.err << indent
                    << break_between_words(text.substr(indent.size()), terminal.columns,
                                           used + static_cast<int>(indent.size()),
                                           static_cast<int>(indent.size()))
                    << "\n";
        used = 0;
    }
    console.err << std::flush;
}

Status write_output(Call& call, const std::string& path, std::string_view content) {
    if (call.stop.stop_requested())
        return tl::make_unexpected(
            Error{ErrorKind::interrupted, fmt::format("interrupted; {} was not written", path)});
    auto written = write_file_atomically(path, content);
    call.done = written.has_value();
    return written;
}

Json error_document(const Error& error, int exit_code) {
    return {{"error", {{"kind", kind_word(error.kind)}, {"message", error.message}}},
            {"exit_code", exit_code}};
}

int exit_code_of(const Error& error, const StopToken& stop) {
    constexpr int signal_base = 128;  // as shells count
    return error.kind == ErrorKind::interrupted ? signal_base + stop.signal_number()
                                                : static_cast<int>(error.kind);
}

void show(Call& call, Format format, const Shown& shown) {
    Console& console = call.console;
    if (format == Format::json) return print_document(console, shown.document());
    if (format == Format::csv || !shown.report)
        console.out << render(shown.table(), format, console.out_terminal);
    else
        console.out << render(shown.report(), format, console.out_terminal);
}

}  // namespace peakward::cli
