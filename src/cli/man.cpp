#include <algorithm>
#include <filesystem>

#include "cli/options.hpp"
#include "cli/reference.hpp"
#include "core/posix.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct ManOptions {
    std::shared_ptr<CommonOptions> common;
    std::string verb, folder;
};

Status write_pages(const std::string& folder, const CommandDoc& program) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return wrong_usage(fmt::format("--folder {}: no such folder; make it first", folder));
    if (auto ok = write_file_atomically(folder + "/peakward.1", man_page(program)); !ok) return ok;
    for (const CommandDoc& verb : program.commands)
        if (auto ok =
                write_file_atomically(folder + "/peakward-" + verb.word() + ".1", man_page(verb));
            !ok)
            return ok;
    return {};
}

Result<int> run(Call& call, const ManOptions& o) {
    const CommandDoc program = program_reference();
    if (!o.folder.empty()) {
        if (auto ok = write_pages(o.folder, program); !ok) return tl::make_unexpected(ok.error());
        return 0;
    }
    const CommandDoc* page = &program;
    if (!o.verb.empty()) {
        const auto it = std::find_if(program.commands.begin(), program.commands.end(),
                                     [&](const CommandDoc& c) { return c.word() == o.verb; });
        if (it == program.commands.end())
            return wrong_usage(unknown_name_message("verb", o.verb, words_of("VERB")));
        page = &*it;
    }
    if (o.common->json)
        print_document(call.console,
                       {{"schema_version", 1}, {"name", page->name}, {"page", man_page(*page)}});
    else
        call.console.out << man_page(*page);
    return 0;
}

Action define_man(CLI::App& app) {
    auto options = std::make_shared<ManOptions>();
    add_value(app, options->verb, {"VERB", "VERB", "Whose page. Default: the program's."});
    add_value(app, options->folder, {"--folder", "FOLDER", "Write all pages into a folder."});
    options->common = add_common_options(app, Tables::no);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb man_verb() {
    return {
        "man",
        "Set up",
        "print a man page in roff",
        "An installed Peakward brings its man pages along; this prints the same pages.",
        {{"peakward man calibrate | man -l -", "read a page that is not installed"},
         {"peakward man --folder ~/.local/share/man/man1", "put all pages where man finds them"}},
        define_man};
}

}  // namespace peakward::cli
