// The index made anew out of the documents.
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store {
namespace {

// Children before their parents.
constexpr const char* index_tables[] = {
    "sealed_points", "points",   "hosts",        "metrics",
    "score_series",  "stacks",   "run_products", "measurement_values",
    "measurements",  "series",   "scores",       "components",
    "gpus",          "run_facts"};

// Every trigger on these tables goes; the ones of the migrations come back afterwards.
void drop_triggers(Connection& connection) {
    std::vector<std::string> names;
    for (const char* table : index_tables) {
        Statement rows = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?");
        rows.bind(1, std::string_view(table));
        while (rows.step()) names.push_back(rows.text(0));
    }
    for (const std::string& name : names)
        connection.execute(fmt::format("DROP TRIGGER \"{}\"", name));
}

void create_triggers(Connection& connection, const std::vector<Migration>& migrations) {
    Connection model(":memory:", Connection::Access::memory, connection.patience().lock_wait);
    for (const Migration& migration : migrations) model.execute(migration.sql);
    for (const char* table : index_tables) {
        Statement rows = model.prepare(
            "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? ORDER BY name");
        rows.bind(1, std::string_view(table));
        while (rows.step()) connection.execute(rows.text(0));
    }
}

}  // namespace

Status rebuild_index(Connection& connection, const std::vector<Migration>& migrations) {
    Connection& c = connection;
    drop_triggers(c);
    for (const char* table : index_tables) c.execute(fmt::format("DELETE FROM {}", table));
    {
        Statement rows = c.prepare(
            "SELECT r.seq, r.run_id, r.sha256, d.document FROM runs r "
            "LEFT JOIN run_documents d ON d.seq = r.seq ORDER BY r.seq");
        IndexWriter writer(c);
        while (rows.step()) {
            const bool whole = sha256_hex(rows.view(3)) == rows.view(2);
            auto run = run_of_document(rows.view(3), "its document");
            if (!whole || !run)
                return failed(
                    fmt::format("nothing was rebuilt, because run {} in {} is damaged ({}): "
                                "restore the database "
                                "from a backup first",
                                rows.text(1), c.path(),
                                whole ? run.error().message : "its SHA-256 does not agree"));
            writer.write(rows.integer(0), rows_of(*run));
        }
    }
    create_triggers(c, migrations);
    return c.status();
}

Status SqliteStore::rebuild() {
    Transaction transaction(*connection_, Transaction::Kind::write);
    if (auto status = check_version(); !status) return status;
    if (auto status = rebuild_index(*connection_, options_.migrations); !status) return status;
    return transaction.commit();
}

}  // namespace peakward::store
