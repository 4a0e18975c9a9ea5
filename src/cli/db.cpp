#include <map>

#include "cli/options.hpp"
#include "core/text.hpp"
#include "session/history.hpp"

namespace peakward::cli {
namespace {

struct DbOptions {
    std::shared_ptr<CommonOptions> common;
    std::string expected_head;
    bool expects_head = false;
};

Json info_json(const StoreInfo& i) {
    return {{"location", i.location},
            {"engine", i.engine},
            {"schema_version", i.schema_version},
            {"schema_version_of_program", i.schema_version_of_program},
            {"runs", i.runs},
            {"measurements", i.measurements},
            {"installs", i.installs},
            {"size_bytes", i.size_bytes},
            {"first_timestamp", i.first_timestamp},
            {"last_timestamp", i.last_timestamp},
            {"chain_head", i.chain_head}};
}

Table info_table(const StoreInfo& info) {
    Table table;
    table.columns = {{"fact", "Fact"}, {"value", "Value"}};
    const Json document = info_json(info);
    for (const auto& [name, value] : document.items())
        table.rows.push_back(
            {cell(name), cell(value.is_string() ? value.get<std::string>() : value.dump())});
    return table;
}

Report info_report(const StoreInfo& i) {
    Section section;
    const auto add = [&](const char* label, std::string value) {
        if (value.empty()) value = "-";
        section.fields.push_back({label, std::move(value), Tone::plain, {}, {}});
    };
    add("Location", i.location);
    add("Engine", i.engine);
    add("Schema", i.schema_version == i.schema_version_of_program
                      ? fmt::format("version {}, as this program writes it", i.schema_version)
                      : fmt::format("version {}; this program writes {} (peakward db migrate)",
                                    i.schema_version, i.schema_version_of_program));
    add("Size", format_value(static_cast<double>(i.size_bytes), Unit::bytes));
    add("Runs", fmt::format("{} with {} measurements, of {} install{}", i.runs, i.measurements,
                            i.installs, i.installs == 1 ? "" : "s"));
    add("First run", i.first_timestamp);
    add("Last run", i.last_timestamp);
    add("Chain head", i.chain_head);
    return {"DATABASE", {std::move(section)}};
}

Result<int> info(Call& call, const DbOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto store = store_info(o.common->db, &call.stop);
    if (!store) return tl::make_unexpected(store.error());
    show(call, *format,
         {[&] {
              return Json{{"schema_version", 1}, {"store", info_json(*store)}};
          },
          [&] { return info_table(*store); }, [&] { return info_report(*store); }});
    return 0;
}

std::string runs_in_words(std::int64_t count) {
    return fmt::format("{} run{}", count, count == 1 ? "" : "s");
}

// What was found in order, and no more than that.
std::string sound_sentence(const VerifyReport& verdict) {
    return fmt::format(
        "{} checked: each agrees with its SHA-256 and with the run before it, and the index agrees "
        "with the runs.",
        runs_in_words(verdict.runs));
}

// What a file cannot prove of itself, and whether somebody else could.
std::string head_sentence(const VerifyReport& verdict, const std::string& expected_head) {
    const auto since = [&](const std::string& subject, std::int64_t seq) {
        return fmt::format(
            "{} is in it as seq {}, with {} after it: nothing up to there was "
            "removed or rewritten.",
            subject, seq, runs_in_words(verdict.head.seq - seq));
    };
    if (verdict.expected_seq)
        return since("The expected head " + expected_head, *verdict.expected_seq);
    if (verdict.seen) return since("The head that this account has last seen", verdict.seen->seq);
    return "Whether runs were removed at the end, or this is an older copy, only a chain head kept "
           "elsewhere can tell: peakward db verify --expect-head HASH";
}

Json verdict_json(const VerifyReport& verdict, const std::string& expected_head) {
    Json json{{"schema_version", 1},
              {"runs", verdict.runs},
              {"sound", verdict.problems.empty()},
              {"problems", verdict.problems},
              {"chain_head", verdict.head.chain_sha256},
              {"expected_head", nullptr},
              {"last_seen_head", nullptr}};
    if (!expected_head.empty())
        json["expected_head"] = {
            {"chain_sha256", expected_head},
            {"seq", verdict.expected_seq ? Json(*verdict.expected_seq) : Json(nullptr)}};
    if (verdict.seen)
        json["last_seen_head"] = {{"chain_sha256", verdict.seen->chain_sha256},
                                  {"seq", verdict.seen->seq}};
    return json;
}

Result<int> verify(Call& call, const DbOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    if (o.expects_head && o.expected_head.empty())
        return wrong_usage("--expect-head is empty: give it a chain head, or leave it out");
    const auto verdict = verify_store(o.common->db, o.expected_head, &call.stop);
    if (!verdict) return tl::make_unexpected(verdict.error());
    const bool sound = verdict->problems.empty();
    Shown shown;
    shown.document = [&] { return verdict_json(*verdict, o.expected_head); };
    shown.table = [&] {
        Table table;
        table.columns = {{"problem", "Problem"}};
        for (const std::string& problem : verdict->problems) table.rows.push_back({cell(problem)});
        return table;
    };
    shown.report = [&] {
        Section section;
        for (const std::string& problem : verdict->problems)
            section.paragraphs.push_back({problem, Tone::bad, "✗"});
        if (sound) {
            section.paragraphs.push_back({sound_sentence(*verdict), Tone::good, "✓"});
            section.paragraphs.push_back(
                {head_sentence(*verdict, o.expected_head), Tone::plain, "·"});
            section.fields.push_back(
                {"Chain head", verdict->head.chain_sha256, Tone::plain, {}, {}});
        } else if (!verdict->lasting_problem) {
            section.paragraphs.push_back(
                {"The runs themselves are whole: peakward db rebuild makes the index anew.",
                 Tone::plain, "·"});
        }
        return Report{{}, {std::move(section)}};
    };
    show(call, *format, shown);
    return sound ? 0 : 1;
}

Result<int> migrate(Call& call, const DbOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto done = migrate_database(o.common->db, &call.stop);
    if (!done) return tl::make_unexpected(done.error());
    const auto [from, to] = done->versions;
    say(call, *format,
        from == to ? fmt::format("{} is at schema version {} already.", done->location, to)
                   : fmt::format("{} went from schema version {} to {}.", done->location, from, to),
        {{"location", done->location}, {"from", from}, {"to", to}});
    return 0;
}

Result<int> rebuild(Call& call, const DbOptions& o) {
    const auto format = chosen_format(*o.common);
    if (!format) return tl::make_unexpected(format.error());
    const auto location = rebuild_store(o.common->db, &call.stop);
    if (!location) return tl::make_unexpected(location.error());
    say(call, *format,
        fmt::format("The derived tables of {} were made anew; the runs were not touched.",
                    *location),
        {{"location", *location}, {"rebuilt", true}});
    return 0;
}

struct DbAction {
    const char* name;
    const char* summary;
    Tables tables;
    Result<int> (*run)(Call&, const DbOptions&);
};
constexpr DbAction db_actions[] = {
    {"info", "where it is, its size, its runs, its schema", Tables::yes, info},
    {"verify", "check every run, the chain and the index; exits 1 if something differs",
     Tables::yes, verify},
    {"migrate", "bring an older database to this program's schema", Tables::no, migrate},
    {"rebuild", "make the derived tables anew from the stored runs", Tables::no, rebuild},
};

Action define_db(CLI::App& app) {
    std::map<const CLI::App*, std::function<Result<int>(Call&)>> runs;
    for (const DbAction& action : db_actions) {
        CLI::App& sub = add_action(app, action.name, action.summary);
        auto options = std::make_shared<DbOptions>();
        options->common = add_common_options(sub, action.tables);
        if (action.run == verify)
            add_value(sub, options->expected_head,
                      {"--expect-head", "HASH",
                       "Chain head noted earlier (db info prints it): exits 1 unless a run has it. "
                       "Finds runs removed at the end and an older copy.",
                       "Options"});
        runs[&sub] = [run = action.run, options, &sub](Call& call) {
            options->expects_head = was_given(sub, "--expect-head");
            return run(call, *options);
        };
    }
    return [&app, runs](Call& call) { return runs.at(chosen_action(app))(call); };
}

}  // namespace

Verb db_verb() {
    return {
        "db",
        "Look back",
        "look after the database itself: info, verify, migrate, rebuild",
        "A database only ever grows: a run that was stored is never changed or removed, and "
        "each carries the hash of the run before it, so that verify finds any change.",
        {{"peakward db info", "where the runs are, and how many"},
         {"peakward db verify", "was anything changed behind our back?"},
         {"peakward db verify --expect-head HASH", "was anything removed since HASH was noted?"},
         {"peakward db info --db team.db --json", "another database, for a script"}},
        define_db};
}

}  // namespace peakward::cli
