#include <algorithm>

#include "cli/options.hpp"
#include "cli/reference.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct HelpOptions {
    std::shared_ptr<CommonOptions> common;
    std::string verb;
};

Result<int> run(Call& call, const HelpOptions& o) {
    const CommandDoc program = program_reference();
    const CommandDoc* page = &program;
    if (!o.verb.empty()) {
        const auto it = std::find_if(program.commands.begin(), program.commands.end(),
                                     [&](const CommandDoc& c) { return c.word() == o.verb; });
        if (it == program.commands.end())
            return wrong_usage(unknown_name_message("verb", o.verb, words_of("VERB")));
        page = &*it;
    }
    const std::string text = help_text(*page, call.console.out_terminal);
    if (o.common->json)
        print_document(call.console, {{"schema_version", 1}, {"name", page->name}, {"help", text}});
    else
        call.console.out << text;
    return 0;
}

Action define_help(CLI::App& app) {
    auto options = std::make_shared<HelpOptions>();
    add_value(app, options->verb, {"VERB", "VERB", "Whose help. Default: the program's."});
    options->common = add_common_options(app, Tables::no);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb help_verb() {
    return {"help",
            "Set up",
            "show the help of the program or of a verb",
            "The same as --help.",
            {{"peakward help calibrate", "all about calibrate"}},
            define_help};
}

}  // namespace peakward::cli
