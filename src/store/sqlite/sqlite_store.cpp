#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <filesystem>

#include "core/json.hpp"
#include "core/records_json.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "store/period.hpp"

namespace peakward::store {
namespace {

// The least text above every text that begins with `prefix`; "" when there is none.
std::string after_prefix(std::string prefix) {
    while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
    if (!prefix.empty()) prefix.back() = char(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

constexpr const char* summary_columns = R"(
    r.run_id, r.timestamp, r.hardware_fingerprint, r.software_fingerprint, r.lineage, r.suite,
    f.cpu_model, (SELECT coalesce(g.model, 'unknown') FROM gpus g WHERE g.seq = r.seq AND g.position = 0),
    f.wall_s, f.measured, f.cases, f.flags, f.best_gops, f.best_precision, f.stream_best_gbps,
    r.supersedes)";

RunSummary summary_of(const Statement& row) {
    RunSummary s;
    s.run_id = row.text(0);
    s.timestamp = row.text(1);
    s.hardware_fingerprint = row.text(2);
    s.software_fingerprint = row.text(3);
    s.lineage = row.text(4);
    s.suite = row.text(5);
    s.cpu_model = row.optional_text(6).value_or("unknown");
    s.gpu_model = row.optional_text(7).value_or("N/A");
    s.wall_s = row.number(8);
    s.measured = int(row.integer(9));
    s.cases = int(row.integer(10));
    s.flags = words_of(row.view(11));
    s.best_gops = row.optional_number(12);
    s.best_precision = row.optional_text(13);
    s.stream_best_gbps = row.optional_number(14);
    s.supersedes = row.optional_text(15);
    return s;
}

// The same run may have been written by programs that spell it differently (a field was added
// since): equal when both, read and written again, give the same text.
bool same_content(const std::string& stored_document, const StoredRun& other) {
    auto json = parse_json(stored_document, "the stored run");
    auto other_json = parse_json(other.document, "the run");
    if (!json || !other_json || windows_sha256_of(*json) != windows_sha256_of(*other_json))
        return false;
    auto run = run_from_json(*json);
    return run && to_json(*run, WithWindows::no) == to_json(other.as_read, WithWindows::no);
}

}  // namespace

std::vector<std::string> words_of(std::string_view json_list) {
    const Json list = Json::parse(json_list.begin(), json_list.end(), nullptr, false);
    std::vector<std::string> words;
    if (list.is_array())
        for (const Json& item : list)
            if (item.is_string()) words.push_back(item.get<std::string>());
    return words;
}

std::string chain_hash(std::int64_t seq, const std::string& previous_chain_sha256,
                       const std::string& sha256) {
    return sha256_hex(fmt::format("{}:{}:{}", seq, previous_chain_sha256, sha256));
}

Result<std::unique_ptr<RunStore>> open_sqlite_store(const std::string& path, OpenMode mode,
                                                    const SqliteOptions& options) {
    auto connection = open_sqlite(path, mode, options);
    if (!connection) return tl::make_unexpected(connection.error());
    auto opened = std::make_unique<SqliteStore>(std::move(*connection), options);
    if (mode == OpenMode::append)
        if (auto status = opened->look_at_memory(); !status)
            return tl::make_unexpected(status.error());
    return opened;
}

// ---------------------------------------------------------------------------------------------
// The memory of the last head
// ---------------------------------------------------------------------------------------------

SqliteStore::~SqliteStore() { remember_head(options_.memory_folder, connection_->path(), newest_); }

Status SqliteStore::look_at_memory() {
    const auto seen = seen_head(options_.memory_folder, connection_->path());
    if (!seen) return {};
    Statement chain = connection_->prepare("SELECT chain_sha256 FROM runs WHERE seq = ?");
    const auto hash_at = [&](std::int64_t seq) {
        chain.bind(1, seq);
        std::string hash = chain.step() ? chain.text(0) : "";
        chain.reset();
        return hash;
    };
    const bool is_known = hash_at(1) == seen->first_chain_sha256;
    went_back_ = is_known && hash_at(seen->head.seq) != seen->head.chain_sha256;
    if (went_back_)
        notices_.push_back(went_back(options_.memory_folder, connection_->path(), seen->head));
    return connection_->status();
}

void SqliteStore::note_head() {
    if (went_back_ || options_.memory_folder.empty()) return;
    newest_.head.seq = connection_->scalar("SELECT seq FROM chain_head");
    newest_.head.chain_sha256 = connection_->scalar_text("SELECT chain_sha256 FROM chain_head");
    newest_.first_chain_sha256 =
        connection_->scalar_text("SELECT chain_sha256 FROM runs WHERE seq = 1");
    if (!connection_->status()) newest_ = {};
}

Result<VerifyReport> SqliteStore::verify(const std::string& expected_head) {
    auto report =
        verify_database(*connection_, schema_,
                        {expected_head, seen_head(options_.memory_folder, connection_->path()),
                         options_.memory_folder});
    if (report && report->problems.empty()) note_head();
    return report;
}

// ---------------------------------------------------------------------------------------------
// Append
// ---------------------------------------------------------------------------------------------

Status SqliteStore::check_version() {
    const std::int64_t version = connection_->scalar("PRAGMA user_version");
    const int ours = options_.migrations.back().version;
    if (connection_->ok() && version != ours)
        return failed(fmt::format(
            "{} was changed to schema {} by another Peakward while this one (schema {}) "
            "was at work: update this program and run again",
            connection_->path(), version, ours));
    if (auto status = connection_->status(); !status) return status;
    return schema_.check(*connection_, SchemaUse::write);
}

Result<bool> SqliteStore::is_there(const StoredRun& stored) {
    Statement row = connection_->prepare(
        "SELECT r.sha256, d.document FROM runs r LEFT JOIN run_documents d ON d.seq = r.seq "
        "WHERE r.run_id = ?");
    row.bind(1, std::string_view(stored.as_read.run_id));
    const bool found = row.step();
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    if (!found) return false;
    if (row.text(0) == stored.sha256 || same_content(row.text(1), stored)) return true;
    return failed(fmt::format(
        "run {} is in {} already with other content, and a stored run is never changed: "
        "store the correction as a new run that supersedes it",
        stored.as_read.run_id, connection_->path()));
}

Status SqliteStore::check_superseded(const Run& run) {
    if (!run.supersedes) return {};
    Statement row = connection_->prepare("SELECT 1 FROM runs WHERE run_id = ?");
    row.bind(1, std::string_view(*run.supersedes));
    const bool found = row.step();
    if (auto status = connection_->status(); !status || found) return status;
    return failed(
        fmt::format("run {} supersedes run {}, which is not in {}: store that one first, or "
                    "check the id with 'peakward history'",
                    run.run_id, *run.supersedes, connection_->path()));
}

// Runs, document and windows, at the end of the chain. Returns seq.
std::int64_t SqliteStore::insert_run(const StoredRun& stored) {
    Connection& c = *connection_;
    const Run& run = stored.as_read;
    Statement head = c.prepare("SELECT seq, run_sha256, chain_sha256 FROM chain_head");
    if (!head.step()) {
        c.fail(Error{ErrorKind::failed,
                     fmt::format("{} has lost the head of its chain: run 'peakward db verify', and "
                                 "restore it from a backup",
                                 c.path())});
        return 0;
    }
    const std::int64_t seq = head.integer(0) + 1;
    const Value previous = head.value(1);
    const std::string chain = chain_hash(seq, head.text(2), stored.sha256);
    head.reset();
    c.prepare(
         "INSERT INTO runs (seq, run_id, timestamp, timestamp_unix, install, "
         "hardware_fingerprint, lineage, software_fingerprint, suite, supersedes, sha256, "
         "previous_sha256, chain_sha256) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")
        .bind(1, seq)
        .bind(2, std::string_view(run.run_id))
        .bind(3, std::string_view(run.timestamp))
        .bind(4, run.timestamp_unix)
        .bind(5, std::string_view(run.context.install))
        .bind(6, std::string_view(run.context.hardware.fingerprint))
        .bind(7, std::string_view(run.context.hardware.lineage))
        .bind(8, std::string_view(run.context.software.fingerprint))
        .bind(9, std::string_view(run.suite))
        .bind(10, run.supersedes ? Value(*run.supersedes) : Value())
        .bind(11, std::string_view(stored.sha256))
        .bind(12, previous)
        .bind(13, std::string_view(chain))
        .run();
    c.prepare("INSERT INTO run_documents (seq, document) VALUES (?, ?)")
        .bind(1, seq)
        .bind_document(2, stored.document)
        .run();
    c.prepare("INSERT INTO run_windows (seq, windows) VALUES (?, ?)")
        .bind(1, seq)
        .bind_blob(2, stored.windows)
        .run();
    return seq;
}

Result<AppendOutcome> SqliteStore::append(const Run& run) {
    auto outcomes = append_all({&run, 1});
    if (!outcomes) return tl::make_unexpected(outcomes.error());
    return outcomes->front();
}

Result<std::vector<AppendOutcome>> SqliteStore::append_all(std::span<const Run> runs) {
    // All that takes time is done before the lock is taken.
    std::vector<StoredRun> stored;
    std::vector<RunRows> rows;
    for (const Run& run : runs) {
        auto form = stored_form(run);
        if (!form) return tl::make_unexpected(form.error());
        rows.push_back(rows_of(form->as_read));
        stored.push_back(std::move(*form));
    }
    std::vector<AppendOutcome> outcomes(runs.size(), AppendOutcome::appended);
    Transaction transaction(*connection_, Transaction::Kind::write);
    if (auto status = check_version(); !status) return tl::make_unexpected(status.error());
    IndexWriter writer(*connection_);
    for (std::size_t i = 0; i < stored.size(); ++i) {
        auto there = is_there(stored[i]);
        if (!there) return tl::make_unexpected(there.error());
        if (*there) {
            outcomes[i] = AppendOutcome::already_there;
            continue;
        }
        if (auto status = check_superseded(stored[i].as_read); !status)
            return tl::make_unexpected(status.error());
        writer.write(insert_run(stored[i]), rows[i]);
    }
    if (auto status = transaction.commit(); !status) return tl::make_unexpected(status.error());
    note_head();
    return outcomes;
}

// ---------------------------------------------------------------------------------------------
// Queries
// ---------------------------------------------------------------------------------------------

Result<std::vector<RunSummary>> SqliteStore::history(const RunFilter& filter) {
    std::string where = "1";
    std::vector<Value> parameters;
    auto add = [&](const std::string& condition, std::initializer_list<Value> values) {
        where += " AND " + condition;
        parameters.insert(parameters.end(), values);
    };
    if (!filter.since.empty()) {
        auto period = parse_period(filter.since);
        if (!period) return tl::make_unexpected(period.error());
        add("timestamp_unix >= ?", {period->begin});
    }
    if (!filter.until.empty()) {
        auto period = parse_period(filter.until);
        if (!period) return tl::make_unexpected(period.error());
        add("timestamp_unix < ?", {period->end});
    }
    if (!filter.hardware.empty()) {
        const std::string end = after_prefix(filter.hardware);
        add("((hardware_fingerprint >= ? AND hardware_fingerprint < ?) OR (lineage >= ? AND "
            "lineage < ?))",
            {filter.hardware, end, filter.hardware, end});
    }
    // The inner query stays in the index runs_newest and picks the few runs whose rows are read.
    Statement rows = connection_->prepare(fmt::format(
        "SELECT {} FROM (SELECT seq FROM runs INDEXED BY runs_newest WHERE {} "
        "ORDER BY timestamp_unix DESC, seq DESC LIMIT ?) newest JOIN runs r ON r.seq = newest.seq "
        "JOIN run_facts f ON f.seq = r.seq ORDER BY r.timestamp_unix DESC, r.seq DESC",
        summary_columns, where));
    int index = 1;
    for (const Value& value : parameters) rows.bind(index++, value);
    rows.bind(index, std::int64_t{filter.limit > 0 ? filter.limit : -1});
    std::vector<RunSummary> runs;
    while (rows.step()) runs.push_back(summary_of(rows));
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return runs;
}

Result<Run> SqliteStore::find(const std::string& run_id_prefix) {
    if (run_id_prefix.empty())
        return wrong_usage(
            "no run is named: give a run id or the first part of one; 'peakward "
            "history' lists them");
    Connection& c = *connection_;
    Statement candidates = c.prepare(
        "SELECT seq, run_id, timestamp FROM runs WHERE run_id >= ?1 AND run_id < ?2 "
        "ORDER BY run_id = ?1 DESC, timestamp_unix DESC, seq DESC LIMIT 11");
    candidates.bind(1, std::string_view(run_id_prefix));
    candidates.bind(2, std::string_view(after_prefix(run_id_prefix)));
    std::vector<std::string> names;
    std::int64_t seq = 0;
    bool exact = false;
    while (candidates.step()) {
        if (names.empty()) seq = candidates.integer(0);
        exact = exact || candidates.view(1) == run_id_prefix;
        names.push_back(fmt::format("{} ({})", candidates.view(1), candidates.view(2)));
    }
    if (auto status = c.status(); !status) return tl::make_unexpected(status.error());
    if (names.empty())
        return failed(fmt::format("no run '{}' in {}: 'peakward history' lists the runs there are",
                                  run_id_prefix, c.path()));
    if (names.size() > 1 && !exact) {
        const bool more = names.size() > 10;
        if (more) names.resize(10);
        return wrong_usage(
            fmt::format("'{}' is the beginning of several run ids: {}{}; give more of it",
                        run_id_prefix, fmt::join(names, ", "), more ? " and more" : ""));
    }
    Statement row = c.prepare(
        "SELECT r.run_id, r.sha256, d.document, w.windows FROM runs r "
        "LEFT JOIN run_documents d ON d.seq = r.seq LEFT JOIN run_windows w ON w.seq = r.seq "
        "WHERE r.seq = ?");
    row.bind(1, seq);
    row.step();
    if (auto status = c.status(); !status) return tl::make_unexpected(status.error());
    const std::string run_id = row.text(0);
    auto damaged = [&](const std::string& why) {
        return failed(fmt::format(
            "run {} in {} is damaged ({}): 'peakward db verify' tells what else is, and "
            "a backup has it whole",
            run_id, c.path(), why));
    };
    if (sha256_hex(row.view(2)) != row.view(1)) return damaged("its SHA-256 does not agree");
    auto json = parse_json(row.view(2), "its document");
    if (!json) return damaged(json.error().message);
    if (windows_sha256_of(*json) != sha256_hex(row.view(3)))
        return damaged("the SHA-256 of its raw windows does not agree");
    auto run = run_from_json(*json);
    if (!run) return damaged(run.error().message);
    if (auto status = decode_windows(row.view(3), run->measurements); !status)
        return damaged(status.error().message);
    return run;
}

Result<std::optional<std::string>> SqliteStore::digest_of(const std::string& run_id) {
    Statement row = connection_->prepare(
        "SELECT d.document FROM runs r LEFT JOIN run_documents d ON d.seq = r.seq "
        "WHERE r.run_id = ?");
    row.bind(1, std::string_view(run_id));
    std::optional<std::string> digest;
    if (row.step()) digest = sha256_hex(row.view(0));
    if (auto status = connection_->status(); !status) return tl::make_unexpected(status.error());
    return digest;
}

Result<StoreInfo> SqliteStore::info() {
    Connection& c = *connection_;
    StoreInfo info;
    info.location = c.path();
    info.engine = "SQLite " + sqlite_version();
    info.schema_version_of_program = options_.migrations.back().version;
    Transaction transaction(c, Transaction::Kind::read);
    info.schema_version = int(c.scalar("PRAGMA user_version"));
    // Out of the summary: counting a million runs would take seconds.
    info.runs = c.scalar("SELECT coalesce(sum(runs), 0) FROM hosts");
    info.measurements = c.scalar("SELECT coalesce(sum(cases), 0) FROM hosts");
    info.installs = c.scalar("SELECT count(DISTINCT install) FROM hosts");
    info.first_timestamp =
        c.scalar_text("SELECT timestamp FROM runs ORDER BY timestamp_unix, seq LIMIT 1");
    info.last_timestamp =
        c.scalar_text("SELECT timestamp FROM runs ORDER BY timestamp_unix DESC, seq DESC LIMIT 1");
    info.chain_head = c.scalar_text("SELECT chain_sha256 FROM runs ORDER BY seq DESC LIMIT 1");
    if (auto status = c.status(); !status) return tl::make_unexpected(status.error());
    for (const char* suffix : {"", "-wal"}) {
        std::error_code error;
        const auto size = std::filesystem::file_size(c.path() + suffix, error);
        if (!error) info.size_bytes += std::int64_t(size);
    }
    return info;
}

}  // namespace peakward::store
