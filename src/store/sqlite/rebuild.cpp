// The index made anew out of the documents: beside the one that is read, which it then replaces.
#include <map>
#include <optional>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store {
namespace {

// Some milliseconds of work each, done before the lock is taken; the lock is held for as many rows.
constexpr std::size_t runs_at_once = 32;

struct ReadRun {
    std::int64_t seq = 0;
    RunRows rows;
};

// The next runs after `seq`, few enough to be in memory.
Result<std::vector<ReadRun>> read_runs(Connection& c, std::int64_t seq) {
    std::vector<ReadRun> runs;
    Statement rows = c.prepare(
        "SELECT r.seq, r.run_id, r.sha256, d.document FROM runs r "
        "LEFT JOIN run_documents d ON d.seq = r.seq WHERE r.seq > ? ORDER BY r.seq LIMIT ?");
    rows.bind(1, seq).bind(2, std::int64_t(runs_at_once));
    while (rows.step()) {
        const bool is_whole = sha256_hex(rows.view(3)) == rows.view(2);
        auto run = run_of_document(rows.view(3), "its document");
        if (!is_whole || !run)
            return failed(fmt::format(
                "nothing was rebuilt, because run {} in {} is damaged ({}): restore the database "
                "from a backup first",
                rows.text(1), c.path(),
                is_whole ? run.error().message : "its SHA-256 does not agree"));
        runs.push_back({rows.integer(0), rows_of(*run)});
    }
    if (auto status = c.status(); !status) return tl::make_unexpected(status.error());
    return runs;
}

void create_rebuild_tables(Connection& c, const ExpectedSchema& schema) {
    for (const auto& [read, rebuilt] : schema.rebuild_pairs())
        if (rebuilt.sql) c.execute(*rebuilt.sql);
}

// Every run after `seq`; `seq` moves on. In the caller's transaction.
Status write_rest(Connection& c, IndexWriter& writer, std::int64_t& seq) {
    for (;;) {
        auto runs = read_runs(c, seq);
        if (!runs) return tl::make_unexpected(runs.error());
        for (const ReadRun& run : *runs) writer.write(run.seq, run.rows);
        if (runs->empty()) return c.status();
        seq = runs->back().seq;
    }
}

// A table is where its root page is: the tables of the rebuild and those that are read change their
// root pages, whatever their size. The text of the schema stays.
void swap_tables(Connection& c, const ExpectedSchema& schema) {
    std::map<std::pair<std::string, std::string>, std::int64_t> pages;
    for (const SchemaObject& object : schema_objects(c))
        pages[{object.type, object.name}] = object.root_page;
    const std::int64_t version = c.scalar("PRAGMA schema_version");
    c.allow_schema_edits(true);
    {
        Statement move =
            c.prepare("UPDATE main.sqlite_master SET rootpage = ? WHERE type = ? AND name = ?");
        const auto put = [&](const SchemaObject& object, const SchemaObject& at) {
            const std::int64_t page = pages[{at.type, at.name}];
            if (page == 0)  // a file whose schema says so is never opened again
                c.fail(Error{ErrorKind::failed,
                             fmt::format("nothing was rebuilt, because {} is not in {}: run again",
                                         at.name, c.path())});
            move.bind(1, page);
            move.bind(2, std::string_view(object.type));
            move.bind(3, std::string_view(object.name));
            move.run();
        };
        for (const auto& [read, rebuilt] : schema.rebuild_pairs()) {
            put(read, rebuilt);
            put(rebuilt, read);
        }
    }
    c.execute(fmt::format("PRAGMA schema_version = {}", version + 1));
    c.allow_schema_edits(false);
}

// Rebuilding works with tables that refer to each other under other names, and until they take
// their places nothing of them has to be on the disk.
class LooseConnection {
public:
    LooseConnection(Connection& c, bool durable) : c_(c), durable_(durable) {
        c_.execute("PRAGMA foreign_keys = OFF");
        if (durable_) c_.execute("PRAGMA synchronous = NORMAL");
    }
    ~LooseConnection() {
        c_.execute("PRAGMA foreign_keys = ON");
        if (durable_) c_.execute("PRAGMA synchronous = FULL");
    }
    LooseConnection(const LooseConnection&) = delete;
    LooseConnection& operator=(const LooseConnection&) = delete;

private:
    Connection& c_;
    bool durable_;
};

// Two rebuilds at once would fill the same tables, and tables that are gone have no place to take.
// Whatever makes, drops or moves a table changes the version of the schema; an append does not.
Status check_alone(Connection& c, std::int64_t schema_version) {
    const std::int64_t now = c.scalar("PRAGMA schema_version");
    auto status = c.status();
    if (!status || now == schema_version) return status;
    return failed(fmt::format(
        "nothing was rebuilt, because the schema of {} was changed meanwhile, as by another "
        "'peakward db rebuild': run again when it is done",
        c.path()));
}

std::string would_hide(const Connection& c, const std::string& problem) {
    return fmt::format(
        "nothing was rebuilt, because {0} holds what a rebuild would not heal but hide: {1}. "
        "Restore it from a backup, or copy the whole runs that are left into a new database: "
        "peakward import --db NEW.db {0}",
        c.path(), problem);
}

}  // namespace

void drop_rebuild_tables(Connection& connection) {
    for (const char* table : index_tables)
        connection.execute(fmt::format("DROP TABLE IF EXISTS {}{}", rebuild_prefix, table));
}

Status make_index(Connection& connection, const ExpectedSchema& schema) {
    if (const auto traces = traces_of_missing_runs(connection); !traces.empty())
        return failed(would_hide(connection, traces.front()));
    create_rebuild_tables(connection, schema);
    std::int64_t seq = 0;
    {
        IndexWriter writer(connection, {rebuild_prefix});
        if (auto status = write_rest(connection, writer, seq); !status) return status;
    }
    swap_tables(connection, schema);
    drop_rebuild_tables(connection);
    return connection.status();
}

Status SqliteStore::rebuild() {
    Connection& c = *connection_;
    auto report = verify("");
    if (!report) return tl::make_unexpected(report.error());
    if (report->read_failure) return tl::make_unexpected(*report->read_failure);
    if (report->lasting_problem) return failed(would_hide(c, *report->lasting_problem));
    LooseConnection loose(c, options_.durable);
    drop_rebuild_tables(c);  // of a rebuild that was ended; one by one, the lock is free between
    std::optional<IndexWriter> writer;
    std::int64_t schema_version = 0;
    {
        Transaction transaction(c, Transaction::Kind::write);
        if (auto status = check_version(); !status) return status;
        drop_rebuild_tables(c);  // of a rebuild that has just begun: the last to begin goes on
        create_rebuild_tables(c, schema_);
        schema_version = c.scalar("PRAGMA schema_version");
        writer.emplace(c, IndexNames{rebuild_prefix});
        if (auto status = transaction.commit(); !status) return status;
    }
    if (auto status = fill_and_swap(*writer, schema_version); !status) return status;
    drop_rebuild_tables(c);  // the index that was replaced
    return c.status();
}

Status SqliteStore::fill_and_swap(IndexWriter& writer, std::int64_t schema_version) {
    Connection& c = *connection_;
    std::int64_t seq = 0;
    for (;;) {
        auto runs = read_runs(c, seq);
        if (!runs) return tl::make_unexpected(runs.error());
        if (runs->size() < runs_at_once) break;  // the rest is written with the lock
        Transaction transaction(c, Transaction::Kind::write);
        if (auto status = check_alone(c, schema_version); !status) return status;
        for (const ReadRun& run : *runs) writer.write(run.seq, run.rows);
        if (auto status = transaction.commit(); !status) return status;
        seq = runs->back().seq;
    }
    if (options_.durable) c.execute("PRAGMA synchronous = FULL");
    Transaction transaction(c, Transaction::Kind::write);
    if (auto status = check_version(); !status) return status;
    if (auto status = check_alone(c, schema_version); !status) return status;
    if (auto status = write_rest(c, writer, seq); !status) return status;
    swap_tables(c, schema_);
    return transaction.commit();
}

}  // namespace peakward::store
