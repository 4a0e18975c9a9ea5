// Everything a database says of a run is computed again from the run's document and compared.
#include <sqlite3.h>

#include <condition_variable>
#include <iterator>
#include <mutex>
#include <thread>

#include "core/json.hpp"
#include "core/records_json.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "store/head_memory.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/system_calls.hpp"
#include "store/sqlite/verify_points.hpp"

namespace peakward::store {
namespace {

// Enough to see what happened; a database that was overwritten would fill the memory.
constexpr std::size_t problems_max = 1000;

std::string in_words(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
    if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
    if (const auto* text = std::get_if<std::string>(&value))
        return text->size() > 80 ? fmt::format("'{:.77}...'", *text) : fmt::format("'{}'", *text);
    return "NULL";
}

std::string select_sql(const char* table, const std::vector<const char*>& columns,
                       std::string_view where) {
    return fmt::format("SELECT {} FROM {} WHERE {}", fmt::join(columns, ", "), table, where);
}

// What a rebuild does about a problem. Of runs, of the chain and of the schema it makes nothing
// anew, and a row of a run that is missing may be the last trace of it.
enum class Rebuild { heals, does_not_heal };

// One call that no statement's steps interrupt: SQLite looks at the pages in one step.
class Interrupter {
public:
    explicit Interrupter(Connection& connection) : connection_(connection) {
        if (connection.patience().stop != nullptr) thread_ = std::thread([this] { watch(); });
    }
    ~Interrupter() {
        {
            const std::lock_guard lock(mutex_);
            is_done_ = true;
        }
        done_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    Interrupter(const Interrupter&) = delete;
    Interrupter& operator=(const Interrupter&) = delete;

private:
    void watch() {
        constexpr std::chrono::milliseconds between_looks(50);
        std::unique_lock lock(mutex_);
        while (!done_.wait_for(lock, between_looks, [this] { return is_done_; }))
            if (connection_.stop_requested()) sqlite3_interrupt(connection_.handle());
    }

    Connection& connection_;
    std::mutex mutex_;
    std::condition_variable done_;
    bool is_done_ = false;
    std::thread thread_;
};

// With rows by seq that each document gives.
std::vector<std::string> counted_tables() {
    std::vector<std::string> names;
    for (const IndexTable& table : run_tables()) names.emplace_back(table.name);
    names.insert(names.end(), {"measurements", "measurement_values"});
    return names;
}

class Verifier {
public:
    Verifier(Connection& connection, const ExpectedSchema& schema,
             const VerifyExpectations& expected)
        : connection_(connection), schema_(schema), expected_(expected) {}

    Result<VerifyReport> verify() {
        const bool has_tables = check_schema();
        if (readable_ && has_tables) {
            prepare();
            walk();
            check_head();
            check_counts();
            if (readable_ && is_whole_) {
                points_->check_summaries([&](const std::string& text) { problem(text); });
                take_failure("reading series");
            }
            check_expectations();
        }
        if (interruption_) return tl::make_unexpected(*interruption_);
        if (dropped_ > 0) report_.problems.push_back(fmt::format("and {} more", dropped_));
        return std::move(report_);
    }

private:
    struct Link {
        std::int64_t seq = 0;
        std::string run_id;
        Value sha256;
        std::string chain_sha256;
    };

    void problem(std::string sentence, Rebuild rebuild = Rebuild::heals) {
        if (rebuild == Rebuild::does_not_heal && !report_.lasting_problem)
            report_.lasting_problem = sentence;
        if (report_.problems.size() < problems_max)
            report_.problems.push_back(std::move(sentence));
        else
            ++dropped_;
    }
    void run_problem(const std::string& sentence, Rebuild rebuild = Rebuild::heals) {
        problem(fmt::format("run {}: {}", run_id_, sentence), rebuild);
    }

    // A failure of SQLite in the middle is a finding as well. True: there was none.
    bool take_failure(const std::string& where) {
        const bool by_system = connection_.failure_code() == SQLITE_IOERR;
        auto status = connection_.status();
        if (status) return readable_;
        readable_ = false;
        if (by_system && !report_.read_failure) report_.read_failure = status.error();
        if (status.error().kind == ErrorKind::interrupted)
            interruption_ = status.error();
        else
            problem(fmt::format("{}: {}", where, status.error().message), Rebuild::does_not_heal);
        return false;
    }

    // Before a page is looked at: SQLite would compute what foreign objects say. False: the tables
    // of the runs are not Peakward's.
    bool check_schema() {
        bool is_readable = true, is_checkable = true;
        for (const SchemaDifference& difference : schema_.differences(connection_)) {
            problem(difference.sentence, Rebuild::does_not_heal);
            is_readable = is_readable && !difference.stops_reading;
            is_checkable = is_checkable && !difference.stops_page_check;
        }
        if (!take_failure("the schema cannot be read")) return false;
        if (is_checkable)
            check_file();
        else
            problem("the pages of the file were not checked, because its schema is not Peakward's",
                    Rebuild::does_not_heal);
        if (!is_readable)
            problem("the runs were not checked, because their tables are not as Peakward made them",
                    Rebuild::does_not_heal);
        return is_readable;
    }

    // The pages and indexes of the file itself.
    void check_file() {
        {
            const Interrupter interrupter(connection_);
            Statement rows = connection_.prepare("PRAGMA integrity_check(20)");
            while (rows.step())
                if (errno_of_refused_call() != 0)
                    connection_.fail(SQLITE_IOERR);
                else if (rows.view(0) != "ok")
                    problem(fmt::format("the file: {}", rows.view(0)), Rebuild::does_not_heal);
        }
        take_failure("the file cannot be read through");
    }

    // The rest of its primary key, after seq.
    static std::string order_of(const IndexTable& table) {
        const std::string_view first = table.columns.front();
        const bool in_key = first == "position" || first == "name" || first == "device";
        return in_key ? fmt::format(", {}", first) : "";
    }

    void prepare() {
        points_.emplace(connection_);
        for (const IndexTable& table : run_tables())
            tables_.push_back(connection_.prepare(
                select_sql(table.name, table.columns, "seq = ? ORDER BY seq") + order_of(table)));
        measurements_.push_back(connection_.prepare(fmt::format(
            "SELECT m.series_id, s.sha256, s.key, m.position, {} FROM measurements m "
            "LEFT JOIN series s ON s.id = m.series_id WHERE m.seq = ? ORDER BY m.position",
            fmt::join(measurement_columns, ", "))));
        values_.push_back(connection_.prepare(
            select_sql("measurement_values", value_columns,
                       "series_id = ? AND seq = ? AND position = ? ORDER BY metric")));
        counts_.assign(run_tables().size() + 2, 0);
    }

    void walk() {
        Statement rows = connection_.prepare(
            "SELECT r.seq, r.run_id, r.sha256, r.previous_sha256, r.chain_sha256, d.document, "
            "w.windows, r.timestamp, r.timestamp_unix, r.install, r.hardware_fingerprint, "
            "r.lineage, r.software_fingerprint, r.suite, r.supersedes FROM runs r "
            "LEFT JOIN run_documents d ON d.seq = r.seq LEFT JOIN run_windows w ON w.seq = r.seq "
            "ORDER BY r.seq");
        while (rows.step()) {
            ++report_.runs;
            run_id_ = rows.text(1);
            check_link(rows);
            check_content(rows);
            note_head({rows.integer(0), rows.text(4)});
            last_ = {rows.integer(0), run_id_, rows.value(2), rows.text(4)};
            if (!connection_.ok()) break;
        }
        take_failure(last_.seq == 0 ? "reading stopped before the first run"
                                    : fmt::format("reading stopped after run {}", last_.run_id));
    }

    void check_link(const Statement& row) {
        const std::int64_t seq = row.integer(0), missing = seq - last_.seq - 1;
        if (missing > 0) {
            is_whole_ = false;
            const std::string after =
                last_.seq == 0 ? "at the beginning" : fmt::format("after run {}", last_.run_id);
            problem(fmt::format("{} missing {}, before run {} (seq {} to {})",
                                missing == 1 ? "a run is" : fmt::format("{} runs are", missing),
                                after, run_id_, last_.seq + 1, seq - 1),
                    Rebuild::does_not_heal);
            return;
        }
        if (row.value(3) != last_.sha256)
            run_problem(fmt::format("its link to the run before it ({}) is broken",
                                    last_.seq == 0 ? "none" : last_.run_id),
                        Rebuild::does_not_heal);
        if (row.view(4) != chain_hash(seq, last_.chain_sha256, row.text(2)))
            run_problem("its chain hash does not agree with its content and the runs before it",
                        Rebuild::does_not_heal);
    }

    void check_content(const Statement& row) {
        auto not_compared = [&](const std::string& why) {
            is_whole_ = false;
            run_problem(why, Rebuild::does_not_heal);
            count_rows_of(row.integer(0));
        };
        if (row.is_null(5)) return not_compared("its document is missing");
        if (sha256_hex(row.view(5)) != row.view(2))
            return not_compared("its document was changed: the SHA-256 does not agree");
        auto json = parse_json(row.view(5), "its document");
        if (!json) return not_compared(json.error().message);
        auto run = run_from_json(*json);
        if (!run) return not_compared("its document: " + run.error().message);
        check_columns(row, *run);
        if (row.is_null(6))
            run_problem("its raw windows are missing", Rebuild::does_not_heal);
        else if (sha256_hex(row.view(6)) != windows_sha256_of(*json))
            run_problem("its raw windows were changed: the SHA-256 does not agree",
                        Rebuild::does_not_heal);
        else if (auto status = decode_windows(row.view(6), run->measurements); !status)
            run_problem(status.error().message, Rebuild::does_not_heal);
        check_rows(row.integer(0), rows_of(*run));
    }

    void check_columns(const Statement& row, const Run& run) {
        const Context& context = run.context;
        const std::pair<const char*, Value> expected[] = {
            {"run_id", run.run_id},
            {"timestamp", run.timestamp},
            {"timestamp_unix", run.timestamp_unix},
            {"install", context.install},
            {"hardware_fingerprint", context.hardware.fingerprint},
            {"lineage", context.hardware.lineage},
            {"software_fingerprint", context.software.fingerprint},
            {"suite", run.suite},
            {"supersedes", run.supersedes ? Value(*run.supersedes) : Value()}};
        int column = 6;
        for (const auto& [name, value] : expected) {
            const Value stored = row.value(column == 6 ? 1 : column);
            ++column;
            if (stored != value)
                run_problem(fmt::format("runs.{} is {} where its document says {}", name,
                                        in_words(stored), in_words(value)),
                            Rebuild::does_not_heal);
        }
    }

    void check_rows(std::int64_t seq, const RunRows& expected) {
        for (std::size_t i = 0; i < tables_.size(); ++i) {
            tables_[i].bind(1, seq);
            counts_[i] += std::int64_t(expected.tables[i].size());
            compare(run_tables()[i].name, run_tables()[i].columns, tables_[i], 0,
                    expected.tables[i]);
            tables_[i].reset();
        }
        points_->check_run(seq, expected, check_measurements(seq, expected.measurements),
                           [&](const std::string& text) { run_problem(text); });
    }

    // The rows that the statement gives against those that the document gives.
    void compare(const std::string& table, const std::vector<const char*>& columns,
                 Statement& stored, int first_column, const std::vector<Row>& expected) {
        std::size_t count = 0;
        for (; stored.step(); ++count)
            if (count < expected.size())
                compare_row(table, columns, stored, first_column, expected[count], count);
        if (count != expected.size())
            run_problem(fmt::format("{} has {} rows of it where its document gives {}", table,
                                    count, expected.size()));
    }

    void compare_row(const std::string& table, const std::vector<const char*>& columns,
                     const Statement& stored, int first_column, const Row& expected,
                     std::size_t row) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const Value value = stored.value(first_column + int(i));
            if (value == expected[i]) continue;
            run_problem(fmt::format("{}.{} of its row {} is {} where its document says {}", table,
                                    columns[i], row, in_words(value), in_words(expected[i])));
        }
    }

    // Returns the series that the rows name.
    std::vector<std::int64_t> check_measurements(std::int64_t seq,
                                                 const std::vector<MeasurementRows>& expected) {
        std::vector<std::int64_t> series_ids;
        Statement& stored = measurements_.front();
        Statement& values = values_.front();
        stored.bind(1, seq);
        std::size_t position = 0;
        counts_[tables_.size()] += std::int64_t(expected.size());
        for (const MeasurementRows& rows : expected)
            counts_[tables_.size() + 1] += std::int64_t(rows.values.size());
        for (; stored.step(); ++position) {
            if (position >= expected.size()) continue;
            const MeasurementRows& rows = expected[position];
            series_ids.push_back(stored.integer(0));
            if (stored.view(1) != rows.series_sha256 || stored.view(2) != rows.series_key ||
                stored.integer(3) != std::int64_t(position))
                run_problem(
                    fmt::format("the series of its measurement {} is not the one its "
                                "document gives",
                                position));
            compare_row("measurements", measurement_columns, stored, 4, rows.measurement, position);
            values.bind(1, stored.integer(0));
            values.bind(2, seq);
            values.bind(3, stored.integer(3));
            compare("measurement_values", value_columns, values, 0, rows.values);
            values.reset();
        }
        stored.reset();
        if (position != expected.size())
            run_problem(fmt::format("measurements has {} rows of it where its document gives {}",
                                    position, expected.size()));
        return series_ids;
    }

    // The index rows of a run whose document cannot tell how many there should be.
    void count_rows_of(std::int64_t seq) {
        const std::vector<std::string> names = counted_tables();
        for (std::size_t i = 0; i < names.size(); ++i)
            counts_[i] += connection_.scalar(
                fmt::format("SELECT count(*) FROM {} WHERE seq = {}", names[i], seq));
    }

    void check_head() {
        if (!readable_) return;
        Statement head =
            connection_.prepare("SELECT seq, run_sha256, chain_sha256 FROM chain_head");
        if (!head.step()) return problem("chain_head has lost its row", Rebuild::does_not_heal);
        const std::int64_t seq = head.integer(0);
        is_whole_ = is_whole_ && seq <= last_.seq;
        if (seq > last_.seq)
            problem(fmt::format("{} missing at the end, {} (seq {} to {})",
                                seq - last_.seq == 1 ? "a run is"
                                                     : fmt::format("{} runs are", seq - last_.seq),
                                last_.seq == 0 ? "there are none left"
                                               : fmt::format("after run {}", last_.run_id),
                                last_.seq + 1, seq),
                    Rebuild::does_not_heal);
        else if (seq < last_.seq || head.value(1) != last_.sha256 ||
                 head.view(2) != last_.chain_sha256)
            problem(fmt::format("chain_head does not name the newest run, {}", last_.run_id),
                    Rebuild::does_not_heal);
        report_.head = {last_.seq, last_.chain_sha256};
    }

    void note_head(const ChainHead& head) {
        if (head.chain_sha256 == expected_.head) report_.expected_seq = head.seq;
        if (!expected_.seen) return;
        if (head.chain_sha256 == expected_.seen->first_chain_sha256)
            report_.seen = expected_.seen->head;
        if (head.seq == expected_.seen->head.seq)
            has_seen_ = head.chain_sha256 == expected_.seen->head.chain_sha256;
    }

    // What only somebody outside of the file can know.
    void check_expectations() {
        if (!readable_) return;
        if (!expected_.head.empty() && !report_.expected_seq)
            problem(fmt::format("no run has the chain hash {}: runs were removed at the end, or "
                                "this is an older copy or another database",
                                expected_.head),
                    Rebuild::does_not_heal);
        if (is_whole_ && report_.seen && !has_seen_)
            problem(went_back(expected_.memory_folder, connection_.path(), *report_.seen),
                    Rebuild::does_not_heal);
    }

    // Rows of runs that are not there: every run has been compared, so only these are left over.
    void check_counts() {
        if (!readable_) return;
        const std::vector<std::string> names = counted_tables();
        for (std::size_t i = 0; i < names.size(); ++i) check_count(names[i], counts_[i]);
        check_count("run_documents", report_.runs);
        check_count("run_windows", report_.runs);
        if (is_whole_)  // else runs that are missing were named already
            for (const std::string& trace : traces_of_missing_runs(connection_))
                problem(trace, Rebuild::does_not_heal);
        take_failure("counting rows");
    }

    void check_count(const std::string& table, std::int64_t expected) {
        const std::int64_t count = connection_.scalar("SELECT count(*) FROM " + table);
        if (count > expected)
            problem(
                fmt::format("{} has {} rows that belong to no stored run", table, count - expected),
                table.starts_with("run_") ? Rebuild::does_not_heal : Rebuild::heals);
    }

    Connection& connection_;
    const ExpectedSchema& schema_;
    const VerifyExpectations& expected_;
    VerifyReport report_;
    std::optional<Error> interruption_;
    bool has_seen_ = false;
    std::size_t dropped_ = 0;
    bool readable_ = true;
    bool is_whole_ = true;  // every run is there and can be compared
    std::optional<PointVerifier> points_;
    std::vector<Statement> tables_, measurements_, values_;
    std::vector<std::int64_t> counts_;  // rows that the documents give, as counted_tables()
    Link last_;
    std::string run_id_;
};

}  // namespace

std::vector<std::string> traces_of_missing_runs(Connection& c) {
    const std::int64_t runs = c.scalar("SELECT count(*) FROM runs");
    const std::int64_t newest = c.scalar("SELECT coalesce(max(seq), 0) FROM runs");
    const std::int64_t counted = c.scalar("SELECT coalesce(sum(runs), 0) FROM hosts");
    std::int64_t last = c.scalar(
        "SELECT max(coalesce((SELECT max(last_seq) FROM hosts), 0), "
        "coalesce((SELECT max(last_seq) FROM sealed_points), 0), "
        "coalesce((SELECT max(seq) FROM points), 0))");
    for (const std::string& table : counted_tables())
        last = std::max(last, c.scalar("SELECT coalesce(max(seq), 0) FROM " + table));
    std::vector<std::string> traces;
    if (counted > runs)
        traces.push_back(fmt::format(
            "hosts counts {} runs where {} are stored: runs may be missing", counted, runs));
    if (last > newest)
        traces.push_back(
            fmt::format("the index has rows of a run with seq {}, and the newest run has seq {}: "
                        "runs may be missing at the end",
                        last, newest));
    return traces;
}

Result<VerifyReport> verify_database(Connection& connection, const ExpectedSchema& schema,
                                     const VerifyExpectations& expected) {
    // One snapshot from beginning to end, while others may append.
    Transaction transaction(connection, Transaction::Kind::read);
    if (auto status = connection.status(); !status) return tl::make_unexpected(status.error());
    return Verifier(connection, schema, expected).verify();
}

}  // namespace peakward::store
