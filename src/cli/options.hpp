// Options that several verbs share, and the ways values are read.
//
// The type name of an option says what its value is, and help, man pages and completions all take
// the legal words from words_of(): "PRECISION", "LAYER", "FORMAT"; "FILE", "FOLDER" and "PROGRAM"
// complete as paths.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "present/report.hpp"

namespace peakward::cli {

struct CommonOptions {
    bool json = false;
    bool quiet = false;
    std::string format;  // "": text
    std::string db;
};

enum class Tables { no, yes };  // whether --format is offered
std::shared_ptr<CommonOptions> add_common_options(CLI::App& app, Tables tables);

// Fails (usage) on an unknown format and on --json beside another --format.
Result<Format> chosen_format(const CommonOptions& options);

// CLI11 itself is seen only by options.cpp and the files that parse and describe the whole line:
// its headers cost seconds of every compilation.
struct OptionText {
    const char* names;  // "--quiet,-q"; a positional has no dashes
    const char* type;   // "PRECISION"; "" for a flag
    const char* description;
    const char* group = "Options";
    bool required = false;
};
void add_flag(CLI::App& app, bool& value, const OptionText& text);
// The last one counts when it is repeated.
void add_value(CLI::App& app, std::string& value, const OptionText& text);
// Takes several words, with spaces or commas between them, and may be repeated.
void add_list(CLI::App& app, std::vector<std::string>& values, const OptionText& text);
// One value each time it is given, spaces and commas and all.
void add_each(CLI::App& app, std::vector<std::string>& values, const OptionText& text);
// "info" of `peakward db info`: one of them must be named.
CLI::App& add_action(CLI::App& app, const char* name, const char* summary);
const CLI::App* chosen_action(const CLI::App& app);
// Whether the command line has the option, whatever its value. False where the app has none.
bool was_given(const CLI::App& app, const std::string& option);

// The words of a list option after parsing: split at commas and spaces, repeats dropped.
std::vector<std::string> words_in(const std::vector<std::string>& values);

// Numbers as typed; the error names the option and what it takes.
Result<std::optional<long long>> whole_number(const std::string& option, const std::string& text,
                                              long long smallest, long long largest);
// "90", "90s", "10m" or "2h", in seconds.
Result<std::optional<double>> duration_s(const std::string& option, const std::string& text);
Result<std::optional<double>> positive_number(const std::string& option, const std::string& text);

// The legal words of an option's type; empty when it is open.
std::vector<std::string> words_of(const std::string& type);

// What a verb has to show, each made only when its format asks for it. A missing report means that
// the table is the page.
struct Shown {
    std::function<Json()> document;
    std::function<Table()> table;
    std::function<Report()> report;
};
void show(Call& call, Format format, const Shown& shown);

// A document on stdout: indented, sorted, ASCII only, so that no text from a machine's files can
// reach a terminal as control characters.
void print_document(Console& console, const Json& document);

// The answer of a verb that has only a sentence to say: for people, and a document for programs.
void say(Call& call, Format format, const std::string& sentence, Json document);

// Puts a result in its file, whole or not at all, unless the user has stopped the program.
Status write_output(Call& call, const std::string& path, std::string_view content);

// An error on stderr, behind the program's name.
void say_error(Console& console, const std::string& message);
// {"error": {"kind", "message"}, "exit_code"}
Json error_document(const Error& error, int exit_code);
// The exit code of DESIGN section 6.
int exit_code_of(const Error& error, const StopToken& stop);

}  // namespace peakward::cli
