// The schema and its migrations: forward only, numbered, each in one transaction.
#pragma once

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

// What differs between this database's schema and the one that the migrations make: missing or
// changed tables, indexes, views and triggers, and triggers that are not ours on our tables. One
// sentence each. Other tables and views are nobody's business.
std::vector<std::string> schema_differences(Connection& connection,
                                            const std::vector<Migration>& migrations);

}  // namespace peakward::store
