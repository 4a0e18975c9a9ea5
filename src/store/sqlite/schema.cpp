#include "store/sqlite/schema.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cassert>
#include <filesystem>
#include <map>
#include <utility>

#include "core/text.hpp"
#include "embedded/sqlite_migrations.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store {
namespace {

namespace fs = std::filesystem;

int version_of(Connection& connection) { return int(connection.scalar("PRAGMA user_version")); }

bool holds_runs(Connection& connection) {
    if (connection.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'runs'") == 0)
        return false;
    return connection.scalar("SELECT EXISTS (SELECT 1 FROM runs)") != 0;
}

void sync_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

// A free name: an older backup is somebody's last copy.
std::string backup_name(const std::string& path, int version) {
    std::string name = fmt::format("{}.schema-{}.bak", path, version);
    if (!fs::exists(name)) return name;
    for (int n = 2;; ++n) {
        std::string numbered = fmt::format("{}.{}", name, n);
        if (!fs::exists(numbered)) return numbered;
    }
}

// Copies the database as it is, through SQLite, so that what is in the journal comes along. The
// caller holds the write lock; a second connection reads.
Status back_up(const std::string& path, const std::string& target,
               std::chrono::milliseconds lock_wait) {
    const std::string partial = fmt::format("{}.{}.tmp", target, ::getpid());
    Status status;
    {
        Connection from(path, Connection::Access::read_write, lock_wait);
        Connection to(partial, Connection::Access::create, lock_wait);
        if (from.ok() && to.ok()) {
            sqlite3_backup* backup =
                sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
            if (backup == nullptr) {
                to.fail(sqlite3_errcode(to.handle()));
            } else {
                const int code = sqlite3_backup_step(backup, -1);
                sqlite3_backup_finish(backup);
                if (code != SQLITE_DONE) to.fail(code);
            }
        }
        status = from.status();
        if (status) status = to.status();
    }
    std::error_code error;
    if (status) {
        sync_file(partial);
        fs::rename(partial, target, error);
        if (error) status = failed(fmt::format("{}: {}", target, error.message()));
        sync_file(fs::path(target).parent_path().string());
    }
    if (!status) {
        fs::remove(partial, error);
        return failed(
            fmt::format("the database is older than this program and was not migrated, because "
                        "the backup before it failed: {}",
                        status.error().message));
    }
    return {};
}

// Tables that a migration has made and that only this program can fill: points are packed.
bool lacks_index(Connection& connection) {
    return holds_runs(connection) &&
           connection.scalar("SELECT NOT EXISTS (SELECT 1 FROM stacks)") != 0;
}

// One migration, unless another process has just done it. The last one fills the index where it is
// not there yet, so that no program ever reads a database without.
Status apply(Connection& connection, const std::vector<Migration>& migrations, std::size_t place,
             bool& backed_up) {
    const Migration& migration = migrations[place];
    Transaction transaction(connection, Transaction::Kind::write);
    const int now = version_of(connection);
    if (auto status = connection.status(); !status) return status;
    if (now >= migration.version) return {};
    if (!backed_up && holds_runs(connection)) {
        auto status = back_up(connection.path(), backup_name(connection.path(), now),
                              connection.patience().lock_wait);
        if (!status) return status;
    }
    backed_up = true;
    connection.execute(migration.sql);
    connection.execute(fmt::format("PRAGMA user_version = {}", migration.version));
    Status status = connection.status();
    if (status && place + 1 == migrations.size() && lacks_index(connection))
        status = rebuild_index(connection, migrations);
    if (status) status = transaction.commit();
    if (!status)
        return failed(
            fmt::format("migration {} was not made: {}", migration.name, status.error().message));
    return {};
}

using Objects = std::map<std::pair<std::string, std::string>, std::pair<std::string, std::string>>;

// (type, name) -> (table, sql)
Objects objects_of(Connection& connection) {
    Objects objects;
    Statement rows = connection.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
    while (rows.step()) objects[{rows.text(0), rows.text(1)}] = {rows.text(2), rows.text(3)};
    return objects;
}

}  // namespace

std::vector<Migration> built_in_migrations() {
    std::vector<Migration> migrations;
    for (const embedded::File& file : embedded::sqlite_migrations()) {
        const int version = int(parse_integer(file.name.substr(0, 4)).value_or(0));
        assert(version == int(migrations.size()) + 1 && "migrations are numbered without gaps");
        migrations.push_back({version, std::string(file.name), std::string(file.content)});
    }
    return migrations;
}

Result<MigrationReport> migrate_schema(Connection& connection,
                                       const std::vector<Migration>& migrations) {
    MigrationReport report;
    report.from = version_of(connection);
    bool backed_up = false;
    for (std::size_t i = 0; i < migrations.size(); ++i) {
        if (migrations[i].version <= report.from) continue;
        if (auto status = apply(connection, migrations, i, backed_up); !status)
            return tl::make_unexpected(status.error());
    }
    report.to = version_of(connection);
    if (auto status = connection.status(); !status) return tl::make_unexpected(status.error());
    return report;
}

std::vector<std::string> schema_differences(Connection& connection,
                                            const std::vector<Migration>& migrations) {
    Connection model(":memory:", Connection::Access::memory, connection.patience().lock_wait);
    for (const Migration& migration : migrations) model.execute(migration.sql);
    const Objects expected = objects_of(model);
    assert(model.ok() && "the migrations run on an empty database");
    const Objects actual = objects_of(connection);

    std::vector<std::string> differences;
    for (const auto& [key, definition] : expected) {
        const auto found = actual.find(key);
        if (found == actual.end())
            differences.push_back(
                fmt::format("the {} {} is missing from the schema", key.first, key.second));
        else if (found->second != definition)
            differences.push_back(
                fmt::format("the {} {} is not as Peakward made it", key.first, key.second));
    }
    for (const auto& [key, definition] : actual)
        if (key.first == "trigger" && !expected.contains(key) &&
            expected.contains({"table", definition.first}))
            differences.push_back(
                fmt::format("the table {} has a trigger {} that is not Peakward's",
                            definition.first, key.second));
    return differences;
}

}  // namespace peakward::store
