#include "session/import.hpp"

#include <algorithm>
#include <chrono>

#include "cli/options.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

struct ImportOptions {
    std::shared_ptr<CommonOptions> common;
    std::vector<std::string> paths;
    std::string from;
    bool dry_run = false;
};

Json notes_json(const std::vector<ImportNote>& notes) {
    Json list = Json::array();
    for (const ImportNote& note : notes)
        list.push_back({{"file", note.file}, {"reason", note.reason}});
    return list;
}

Json document_of(const ImportReply& reply, bool dry_run) {
    Json files = Json::array();
    for (const ImportedFile& file : reply.files)
        files.push_back({{"file", file.file},
                         {"what", file.what},
                         {"imported", file.imported},
                         {"duplicates", file.duplicates}});
    return {{"schema_version", 1},
            {"dry_run", dry_run},
            {"store", reply.store_location},
            {"imported", reply.imported},
            {"duplicates", reply.duplicates},
            {"flagged", notes_json(reply.flagged)},
            {"refused", notes_json(reply.refused)},
            {"passed_over", reply.passed_over},
            {"notices", reply.notices},
            {"files", files}};
}

// One row a file: what became of it, and why.
Table table_of(const ImportReply& reply) {
    Table table;
    table.columns = {{"file", "File"},
                     {"what", "What"},
                     {"imported", "New", Unit::count, Align::right},
                     {"duplicates", "There", Unit::count, Align::right},
                     {"state", "State"},
                     {"reason", "Reason"}};
    for (const ImportedFile& file : reply.files) {
        std::string reason;
        for (const ImportNote& note : reply.flagged)
            if (note.file == file.file) reason = note.reason;
        table.rows.push_back({cell(file.file), cell(file.what),
                              cell(static_cast<int>(file.imported)),
                              cell(static_cast<int>(file.duplicates)),
                              cell(std::string(reason.empty() ? "ok" : "flagged")), cell(reason)});
    }
    for (const ImportNote& note : reply.refused)
        table.rows.push_back({cell(note.file), Cell{}, cell(0), cell(0),
                              cell(std::string("refused")), cell(note.reason)});
    return table;
}

// The folder that all of these lie in, with its slash: said once, so that a path fits its line. ""
// for one file, and where that would save little.
std::string common_folder(const std::vector<ImportNote>& notes) {
    constexpr std::size_t bytes_min = 20;
    if (notes.size() < 2) return "";
    std::string folder = notes.front().file;
    for (const ImportNote& note : notes) {
        const auto end =
            std::mismatch(folder.begin(), folder.end(), note.file.begin(), note.file.end());
        folder.erase(end.first, folder.end());
    }
    folder.erase(folder.rfind('/') + 1);
    return folder.size() < bytes_min ? "" : folder;
}

void list_notes(Report& report, const char* title, const std::vector<ImportNote>& notes, Tone tone,
                const char* mark) {
    if (notes.empty()) return;
    Section section;
    section.title = title;
    const std::string folder = common_folder(notes);
    if (!folder.empty()) section.paragraphs.push_back({"Below " + folder, Tone::dim, {}});
    // The same reason stands once, under all files that it is said of.
    for (std::size_t i = 0; i < notes.size(); ++i) {
        section.paragraphs.push_back({notes[i].file.substr(folder.size()), tone, mark});
        if (i + 1 == notes.size() || notes[i + 1].reason != notes[i].reason)
            section.paragraphs.push_back({notes[i].reason, Tone::plain, " "});
    }
    report.sections.push_back(std::move(section));
}

Report report_of(const ImportReply& reply, bool dry_run) {
    Report report;
    list_notes(report, "Came in flagged", reply.flagged, Tone::doubtful, "⚠");
    list_notes(report, "Refused", reply.refused, Tone::bad, "✗");
    Section sum;
    for (const std::string& notice : reply.notices)
        sum.paragraphs.push_back({notice, Tone::doubtful, "⚠"});
    const bool any = reply.imported + reply.duplicates > 0;
    std::string text =
        fmt::format("{} {} from {}", plural(reply.imported, "run"),
                    dry_run ? "would come in" : "came in", plural(std::ssize(reply.files), "file"));
    if (reply.duplicates > 0) text += fmt::format(", {} there already", reply.duplicates);
    if (!reply.flagged.empty())
        text += fmt::format(", {} flagged", plural(std::ssize(reply.flagged), "file"));
    if (!reply.refused.empty()) text += fmt::format(", {} refused", reply.refused.size());
    sum.paragraphs.push_back({text + ".", any ? Tone::good : Tone::bad, any ? "✓" : "✗"});
    Paragraph of_flagged;
    of_flagged.text =
        "A flagged run is kept and shown, and is never a baseline, a milestone or a regression.";
    if (!reply.flagged.empty()) sum.paragraphs.push_back(std::move(of_flagged));
    if (reply.passed_over > 0)
        sum.paragraphs.push_back(
            {fmt::format("{} in the folders passed over: their names end in none of .json, .db, "
                         ".sqlite and .sqlite3.",
                         plural(reply.passed_over, "file")),
             Tone::dim,
             {}});
    if (any)
        sum.paragraphs.push_back(
            {fmt::format("Database: {}", reply.store_location), Tone::dim, {}});
    report.sections.push_back(std::move(sum));
    return report;
}

Result<int> run(Call& call, const ImportOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto now = std::chrono::system_clock::to_time_t(call.machine.clock.wall_now());
    const auto reply = import_files({o.paths, o.common->db, o.from, o.dry_run, now}, call.stop);
    if (!reply) return tl::make_unexpected(reply.error());
    show(call, *format,
         {[&] { return document_of(*reply, o.dry_run); }, [&] { return table_of(*reply); },
          [&] { return report_of(*reply, o.dry_run); }});
    return reply->imported + reply->duplicates > 0 && !reply->other_content ? 0 : 1;
}

Action define_import(CLI::App& app) {
    auto options = std::make_shared<ImportOptions>();
    add_list(
        app, options->paths,
        {"PATH", "FILE", "Files, and folders to be searched to their depths.", "Options", true});
    add_value(app, options->from,
              {"--from", "WORD",
               "Which machine the files are of, where several of the same name are imported: equal "
               "words are taken for one machine."});
    add_flag(app, options->dry_run,
             {"--dry-run", "", "Say what would come in, and write nothing."});
    options->common = add_common_options(app, Tables::yes);
    return [options](Call& call) { return run(call, *options); };
}

}  // namespace

Verb import_verb() {
    return {
        "import",
        "Look back",
        "bring in older profiles and exported databases",
        "Takes JSON profiles of the older tool in all their generations, lists of runs with "
        "\"runs\" and a column for each fact, calibrations_v2.db files, runs that calibrate "
        "--output "
        "and show --json wrote, and whole databases of Peakward.\n\n"
        "A file comes in whole or not at all. What an old file does not say stays unknown; a "
        "time without a zone stays local, and the run says so. The same content comes in once, "
        "whatever its file is called; other content under a known run_id is refused. A doubtful "
        "file comes in flagged with the reason. Exits 1 if every file was refused, or one for "
        "other content.",
        {{"peakward import profiles/", "everything in a folder and below"},
         {"peakward import --dry-run calibrations_v2.db", "what would come in, and what not"},
         {"peakward import lab3/*.json --from lab3", "of a machine that another one is equal to"},
         {"peakward import old.json --json", "the same as one document, for a script"}},
        define_import};
}

}  // namespace peakward::cli
