#include "cli/run_cli.hpp"

#include <algorithm>
#include <exception>

#include "cli/command_line.hpp"
#include "cli/old_spellings.hpp"
#include "cli/options.hpp"
#include "cli/reference.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

// Before parsing, since a command line that does not parse must answer in JSON as well.
bool wants_json(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--") return false;
        if (arguments[i] == "--json" || arguments[i] == "--format=json") return true;
        if (arguments[i] == "--format" && i + 1 < arguments.size() && arguments[i + 1] == "json")
            return true;
    }
    return false;
}

int report_error(Console& console, Error error, bool json, const StopToken& stop) {
    // Whatever failed first, the signal is why.
    if (stop.stop_requested()) error.kind = ErrorKind::interrupted;
    const int code = exit_code_of(error, stop);
    say_error(console, error.message);
    if (json) {
        Json document = error_document(error, code);
        document["schema_version"] = 1;
        print_document(console, document);
    }
    return code;
}

// The app of the deepest verb or action that was named.
const CLI::App* deepest(const CLI::App& app, std::string& parent) {
    const CLI::App* current = &app;
    while (true) {
        const auto parsed = current->get_subcommands();
        if (parsed.empty()) return current;
        parent += (parent.empty() ? "" : " ") + current->get_name();
        current = parsed.front();
    }
}

const CommandDoc& find_doc(const CommandDoc& doc, const std::string& name) {
    for (const CommandDoc& sub : doc.commands) {
        if (sub.name == name) return sub;
        const CommandDoc& below = find_doc(sub, name);
        if (below.name == name) return below;
    }
    return doc;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

// "; it is now: peakward context" for a word of the earlier tool.
std::string instead_of(std::string_view word) {
    const std::string_view today = call_of_today(word.substr(0, word.find('=')));
    return today.empty() ? "" : fmt::format("; it is now: {}", today);
}

// A sentence in place of the parser's: what was typed, what is near it, where help stands.
Error usage_error(const CLI::ParseError& error, const CLI::App& app) {
    std::string parent;
    const CLI::App* named = deepest(app, parent);
    const std::string full = parent.empty() ? named->get_name() : parent + " " + named->get_name();
    // The program's own name stands before every message.
    const std::string verb = parent.empty() ? full : full.substr(full.find(' ') + 1);
    const std::string see = fmt::format("\n{} --help shows what there is.", full);
    std::string message = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
        const auto left = app.remaining(true);
        const auto it = std::find_if(left.begin(), left.end(),
                                     [](const std::string& word) { return word.starts_with('-'); });
        if (it != left.end()) {
            const std::string typed = it->substr(0, it->find('='));
            const auto near = nearest_names(typed, option_names(*named));
            const std::string instead = instead_of(typed);
            message = fmt::format("{}: unknown option '{}'{}", verb, typed, instead);
            if (instead.empty() && !near.empty())
                message += fmt::format("; did you mean {}?", fmt::join(near, ", "));
        } else if (!left.empty()) {
            message = fmt::format("{}: did not expect the argument '{}'", verb, left.front());
        }
    } else if (named->get_require_subcommand_min() > 0) {
        std::vector<std::string> actions;
        for (const CLI::App* sub : named->get_subcommands([](const CLI::App*) { return true; }))
            actions.push_back(sub->get_name());
        message = fmt::format("{}: name one of {}", verb, fmt::join(actions, ", "));
    } else {
        message = verb + ": " + message;
    }
    return {ErrorKind::usage, message + see};
}

// The first word names the verb; anything else there is answered with the nearest verbs.
Status check_verb(const std::vector<std::string>& arguments) {
    std::vector<std::string> names;
    for (const Verb& verb : verbs()) names.push_back(verb.name);
    const std::string& first = arguments.front();
    if (first.starts_with('-')) {
        if (first == "-h" || first == "--help" || first == "--version") return {};
        for (const std::string& word : arguments)
            if (std::find(names.begin(), names.end(), word) != names.end())
                return wrong_usage(fmt::format("'{}' stands before the verb; write: peakward {} {}",
                                               first, word, first));
        return wrong_usage(
            fmt::format("unknown option '{}'{}\npeakward --help shows what there is.", first,
                        instead_of(first)));
    }
    if (std::find(names.begin(), names.end(), first) != names.end()) return {};
    if (const std::string instead = instead_of(first); !instead.empty())
        return wrong_usage(fmt::format("unknown verb '{}'{}", first, instead));
    return wrong_usage(unknown_name_message("verb", first, names));
}

Result<int> run_checked(const std::vector<std::string>& arguments, const Machine& machine,
                        Console& console, const StopToken& stop, bool& done) {
    if (arguments.empty()) {
        console.err << help_text(program_reference(), console.err_terminal);
        return 2;
    }
    if (auto ok = check_verb(arguments); !ok) return tl::make_unexpected(ok.error());
    CommandLine line = make_command_line();
    try {
        // CLI11 takes the words back to front.
        line.app->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
        std::string parent;
        const CLI::App* named = deepest(*line.app, parent);
        const CommandDoc program = program_reference();
        const std::string name =
            parent.empty() ? named->get_name() : parent + " " + named->get_name();
        console.out << help_text(find_doc(program, name), console.out_terminal);
        return 0;
    } catch (const CLI::CallForVersion& version) {
        console.out << version.what() << "\n";
        return 0;
    } catch (const CLI::ParseError& error) {
        return tl::make_unexpected(usage_error(error, *line.app));
    }
    Call call{machine, console, stop, arguments};
    auto code = line.actions.at(line.app->get_subcommands().front())(call);
    done = call.done;
    return code;
}

}  // namespace

int run_cli(const std::vector<std::string>& arguments, const Machine& machine, Console& console,
            const StopToken& stop) {
    const bool json = wants_json(arguments);
    try {
        bool done = false;
        auto code = run_checked(arguments, machine, console, stop, done);
        if (!code) return report_error(console, code.error(), json, stop);
        return stop.stop_requested() && !done ? exit_code_of({ErrorKind::interrupted, ""}, stop)
                                              : *code;
    } catch (const std::exception& error) {
        // Nothing of ours throws; a library or an exhausted memory might.
        return report_error(
            console,
            {ErrorKind::failed, fmt::format("stopped by an unexpected error: {}", error.what())},
            json, stop);
    }
}

}  // namespace peakward::cli
