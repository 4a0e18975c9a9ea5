// The schema and its migrations: forward only, numbered, each in one transaction.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/run_store.hpp"
#include "store/sqlite/connection.hpp"

namespace peakward::store {

struct Migration {
    int version = 0;   // 1, 2, 3, ... without gaps; PRAGMA user_version after it
    std::string name;  // "0001_runs"
    std::string sql;
};

// src/store/migrations/sqlite/NNNN_name.sql, compiled in, ascending.
std::vector<Migration> built_in_migrations();

// "PKWG", in the header of every Peakward database.
inline constexpr std::int64_t application_id = 0x504B5747;

// Brings the schema up to the last migration. A database that holds runs is first copied to
// "<path>.schema-<version>.bak" beside it (never over a file that is there). Several processes may
// do this at once: one does it, the others find it done.
Result<MigrationReport> migrate_schema(Connection& connection,
                                       const std::vector<Migration>& migrations);

// What the documents give, children before their parents.
inline constexpr const char* index_tables[] = {
    "sealed_points", "points",   "hosts",        "metrics",
    "score_series",  "stacks",   "run_products", "measurement_values",
    "measurements",  "series",   "scores",       "components",
    "gpus",          "run_facts"};

// A rebuild fills tables of this name beside those that are read, and then takes their places.
inline constexpr std::string_view rebuild_prefix = "rebuild_";

// A row of sqlite_master.
struct SchemaObject {
    std::string type, name, table;
    std::optional<std::string> sql;  // none: an index that SQLite made for a key
    std::int64_t root_page = 0;
};
std::vector<SchemaObject> schema_objects(Connection& connection);

// What a database holds beside or in place of what Peakward made.
struct SchemaDifference {
    std::string sentence;
    bool stops_reading = false;     // what a reader asks would meet it
    bool stops_page_check = false;  // SQLite's check of the pages would compute what it says
};

enum class SchemaUse { read, write };

// The schema that these migrations make, to the letter, and the tables of a rebuild.
class ExpectedSchema {
public:
    explicit ExpectedSchema(std::span<const Migration> migrations);

    // Missing and changed objects first, then those that are not Peakward's. Nothing of the schema
    // is run for it.
    std::vector<SchemaDifference> differences(Connection& connection) const;
    // Refuses a database whose schema is not Peakward's: for writing any difference, for reading
    // those that a reader would meet.
    Status check(Connection& connection, SchemaUse use) const;

    // The tables and indexes of the index, as they are read and as a rebuild makes them; tables
    // first.
    struct RebuildPair {
        SchemaObject read, rebuilt;
    };
    const std::vector<RebuildPair>& rebuild_pairs() const { return rebuild_pairs_; }

private:
    std::vector<SchemaObject> objects_;  // by type and name
    std::vector<RebuildPair> rebuild_pairs_;
};

}  // namespace peakward::store
