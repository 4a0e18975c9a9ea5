#include "cli/options.hpp"
#include "cli/reference.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct CompletionOptions {
    std::shared_ptr<CommonOptions> common;
    std::string shell, output;
};

Result<int> run(Call& call, const CompletionOptions& o) {
    const auto shells = words_of("SHELL");
    std::string script;
    const CommandDoc program = program_reference();
    if (o.shell == "bash") script = bash_completion(program);
    if (o.shell == "zsh") script = zsh_completion(program);
    if (o.shell == "fish") script = fish_completion(program);
    if (script.empty()) return wrong_usage(unknown_name_message("shell", o.shell, shells));
    if (!o.output.empty()) {
        if (auto ok = write_output(call, o.output, script); !ok)
            return tl::make_unexpected(ok.error());
        return 0;
    }
    if (o.common->json)
        print_document(call.console,
                       {{"schema_version", 1}, {"shell", o.shell}, {"script", script}});
    else
        call.console.out << script;
    return 0;
}

Action define_completion(CLI::App& app) {
    auto options = std::make_shared<CompletionOptions>();
    add_value(app, options->shell, {"SHELL", "SHELL", "For which shell.", "Options", true});
    add_value(app, options->output, {"--output", "FILE", "Write to a file in place of stdout."});
    options->common = add_common_options(app, Tables::no);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb completion_verb() {
    return {"completion",
            "Set up",
            "print a completion script for a shell",
            "An installed Peakward brings these along; this is for one that runs from its build "
            "folder.",
            {{"source <(peakward completion bash)", "for this bash"},
             {"peakward completion fish > ~/.config/fish/completions/peakward.fish",
              "for fish, from now on"}},
            define_completion};
}

}  // namespace peakward::cli
