// Opening a database file with everything that can be wrong with one.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "store/run_store.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"

namespace peakward::store {

struct SqliteOptions : StoreOptions {
    std::vector<Migration> migrations = built_in_migrations();
    bool durable = true;   // false: no fsync; only for programs that fill a database to throw away
    bool migrates = true;  // an older schema is brought up to date when opened for append
};

// For append the file and its folder are made when missing, and a write is tried that changes
// nothing: a read-only file, a full disk or a lock is told before anything is measured.
Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, OpenMode mode,
                                                const SqliteOptions& options);

// Brings the schema of an existing database up to date. Fails when there is no database.
Result<MigrationReport> migrate_sqlite(const std::string& path, const SqliteOptions& options = {});

}  // namespace peakward::store
