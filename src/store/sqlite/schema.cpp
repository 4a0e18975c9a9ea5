#include "store/sqlite/schema.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <filesystem>
#include <tuple>

#include "core/text.hpp"
#include "embedded/sqlite_migrations.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/sqlite/system_calls.hpp"

namespace peakward::store {
namespace {

namespace fs = std::filesystem;

int version_of(Connection& connection) { return int(connection.scalar("PRAGMA user_version")); }

bool holds_runs(Connection& connection) {
    if (connection.scalar("SELECT count(*) FROM main.sqlite_master WHERE name = 'runs'") == 0)
        return false;
    return connection.scalar("SELECT EXISTS (SELECT 1 FROM runs)") != 0;
}

tl::unexpected<Error> in_context(const std::string& context, const Error& error) {
    return tl::make_unexpected(Error{error.kind, fmt::format("{}: {}", context, error.message)});
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
Status back_up(const std::string& path, const std::string& target, const Patience& patience) {
    constexpr int pages_at_once = 4096;
    const std::string partial = fmt::format("{}.{}.tmp", target, ::getpid());
    Status status;
    {
        Connection from(path, Connection::Access::read_write, patience);
        Connection to(partial, Connection::Access::create, patience);
        if (from.ok() && to.ok()) {
            sqlite3_backup* backup =
                sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
            if (backup == nullptr) {
                to.fail(sqlite3_errcode(to.handle()));
            } else {
                int code = SQLITE_OK;
                while (code == SQLITE_OK && !from.stop_requested()) {
                    forget_refused_call();
                    code = sqlite3_backup_step(backup, pages_at_once);
                }
                sqlite3_backup_finish(backup);
                if (code == SQLITE_OK)
                    to.fail_as_interrupted();
                else if (code != SQLITE_DONE)
                    to.fail(code);
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
        return in_context(
            "the database is older than this program and was not migrated, because "
            "the backup before it failed",
            status.error());
    }
    return {};
}

// Whether a migration has left tables that only this program can fill: points are packed, keys are
// hashed. Migrations that need it empty the table of series; runs without measurements have none
// anyway, and their index is made once more for nothing.
bool lacks_index(Connection& connection) {
    return holds_runs(connection) &&
           connection.scalar("SELECT NOT EXISTS (SELECT 1 FROM series)") != 0;
}

// A copy of the database before it is changed, unless there is nothing to lose. Removed again
// unless it is kept: of a migration that fails nothing is left.
class BackupCopy {
public:
    BackupCopy() = default;
    BackupCopy(const BackupCopy&) = delete;
    BackupCopy& operator=(const BackupCopy&) = delete;
    ~BackupCopy() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove(path_, ignored);
    }
    Status make(Connection& connection, int version) {
        if (!holds_runs(connection)) return {};
        std::string path = backup_name(connection.path(), version);
        auto status = back_up(connection.path(), path, connection.patience());
        if (status) path_ = std::move(path);
        return status;
    }
    void keep() { path_.clear(); }

private:
    std::string path_;
};

// All that are missing and the index, in one transaction: no program ever reads a database between
// two schemas, or one without its index.
Status apply(Connection& connection, const std::vector<Migration>& migrations, int now) {
    const auto done = std::span(migrations).first(std::size_t(now));
    if (auto status = ExpectedSchema(done).check(connection, SchemaUse::write); !status)
        return status;
    BackupCopy copy;
    if (auto status = copy.make(connection, now); !status) return status;
    drop_rebuild_tables(connection);  // of this schema: they would be foreign to the next one
    for (const Migration& migration : std::span(migrations).subspan(done.size())) {
        connection.execute(migration.sql);
        if (auto status = connection.status(); !status)
            return in_context(fmt::format("migration {} was not made", migration.name),
                              status.error());
    }
    connection.execute(fmt::format("PRAGMA user_version = {}", migrations.back().version));
    Status status = connection.status();
    if (status && lacks_index(connection))
        status = make_index(connection, ExpectedSchema(migrations));
    if (status) {
        connection.execute("COMMIT");
        status = connection.status();
    }
    if (!status)
        return in_context(
            fmt::format("schema {} was not made of schema {}", migrations.back().version, now),
            status.error());
    copy.keep();
    return {};
}

bool is_index_table(const std::string& name) {
    return std::find(std::begin(index_tables), std::end(index_tables), name) !=
           std::end(index_tables);
}

std::string rebuild_name(const std::string& name) {
    constexpr std::string_view automatic = "sqlite_autoindex_";
    if (name.starts_with(automatic))
        return fmt::format("{}{}{}", automatic, rebuild_prefix, name.substr(automatic.size()));
    return fmt::format("{}{}", rebuild_prefix, name);
}

// The same table or index under the name that a rebuild gives it.
SchemaObject rebuild_object(const SchemaObject& object) {
    SchemaObject other = object;
    other.name = rebuild_name(object.name);
    other.table = rebuild_name(object.table);
    if (!object.sql) return other;
    const bool is_table = object.type == "table";
    const std::string before =
        is_table ? fmt::format("CREATE TABLE {} (", object.name)
                 : fmt::format("CREATE INDEX {} ON {} (", object.name, object.table);
    assert(object.sql->starts_with(before) && "migrations write plain CREATE TABLE and INDEX");
    const std::string head = is_table
                                 ? fmt::format("CREATE TABLE {} (", other.name)
                                 : fmt::format("CREATE INDEX {} ON {} (", other.name, other.table);
    other.sql = head + object.sql->substr(before.size());
    return other;
}

bool comes_before(const SchemaObject& a, const SchemaObject& b) {
    return std::tie(a.type, a.name) < std::tie(b.type, b.name);
}

bool is_same(const SchemaObject& a, const SchemaObject& b) {
    return a.type == b.type && a.name == b.name && a.table == b.table && a.sql == b.sql;
}

// A name out of the file, short enough for a sentence.
std::string shown_name(const std::string& name) {
    constexpr std::size_t letters_max = 80;
    return name.size() > letters_max ? name.substr(0, letters_max) + "…" : name;
}

SchemaDifference foreign_object(const SchemaObject& object, bool is_on_our_table) {
    const std::string name = shown_name(object.name), table = shown_name(object.table);
    const bool is_index = object.type == "index";
    if (is_index || object.type == "trigger")
        return {fmt::format("the {} {} has {} {} that is not Peakward's",
                            is_on_our_table ? "table" : "foreign table or view", table,
                            is_index ? "an index" : "a trigger", name),
                is_index && is_on_our_table, is_index};
    const bool is_virtual = object.sql && object.sql->starts_with("CREATE VIRTUAL");
    return {fmt::format("there is a {}{} {} that is not Peakward's", is_virtual ? "virtual " : "",
                        shown_name(object.type), name),
            false, object.type != "view"};
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
    if (report.from < migrations.back().version) {
        Transaction transaction(connection, Transaction::Kind::write);
        report.from = version_of(connection);  // another process may just have migrated it
        if (auto status = connection.status(); !status) return tl::make_unexpected(status.error());
        if (report.from < migrations.back().version)
            if (auto status = apply(connection, migrations, report.from); !status)
                return tl::make_unexpected(status.error());
    }
    report.to = version_of(connection);
    if (auto status = connection.status(); !status) return tl::make_unexpected(status.error());
    return report;
}

// Not sqlite_schema: a file can hold a view of that name.
std::vector<SchemaObject> schema_objects(Connection& connection) {
    std::vector<SchemaObject> objects;
    Statement rows =
        connection.prepare("SELECT type, name, tbl_name, sql, rootpage FROM main.sqlite_master");
    while (rows.step())
        objects.push_back(
            {rows.text(0), rows.text(1), rows.text(2), rows.optional_text(3), rows.integer(4)});
    std::stable_sort(objects.begin(), objects.end(), comes_before);
    return objects;
}

ExpectedSchema::ExpectedSchema(std::span<const Migration> migrations) {
    Connection model(":memory:", Connection::Access::memory, {});
    for (const Migration& migration : migrations) model.execute(migration.sql);
    objects_ = schema_objects(model);
    assert(model.ok() && "the migrations run on an empty database");
    for (const SchemaObject& object : objects_)
        if (is_index_table(object.table) && (object.type == "table" || object.type == "index"))
            rebuild_pairs_.push_back({object, rebuild_object(object)});
    std::stable_sort(rebuild_pairs_.begin(), rebuild_pairs_.end(),
                     [](const auto& a, const auto& b) { return a.read.type > b.read.type; });
}

std::vector<SchemaDifference> ExpectedSchema::differences(Connection& connection) const {
    std::vector<SchemaObject> foreign = schema_objects(connection);
    std::vector<SchemaDifference> list;
    for (const SchemaObject& object : objects_) {
        const auto place = std::find_if(foreign.begin(), foreign.end(), [&](const auto& other) {
            return other.type == object.type && other.name == object.name;
        });
        const bool is_there = place != foreign.end();
        const bool is_read = object.type != "trigger";
        if (!is_there)
            list.push_back(
                {fmt::format("the {} {} is missing from the schema", object.type, object.name),
                 is_read, is_read});
        else if (!is_same(*place, object))
            list.push_back(
                {fmt::format("the {} {} is not as Peakward made it", object.type, object.name),
                 is_read, is_read});
        if (is_there) foreign.erase(place);
    }
    const auto is_of_a_rebuild = [&](const SchemaObject& object) {
        return std::any_of(rebuild_pairs_.begin(), rebuild_pairs_.end(),
                           [&](const auto& pair) { return is_same(object, pair.rebuilt); });
    };
    const auto is_ours = [&](const std::string& table) {
        return std::any_of(objects_.begin(), objects_.end(), [&](const auto& object) {
            return object.type == "table" && object.name == table;
        });
    };
    for (const SchemaObject& object : foreign)
        if (!is_of_a_rebuild(object)) list.push_back(foreign_object(object, is_ours(object.table)));
    return list;
}

Status ExpectedSchema::check(Connection& connection, SchemaUse use) const {
    std::vector<SchemaDifference> list = differences(connection);
    if (auto status = connection.status(); !status) return status;
    if (use == SchemaUse::read)
        std::erase_if(list, [](const auto& difference) { return !difference.stops_reading; });
    if (list.empty()) return {};
    const std::size_t more = list.size() - 1;
    return failed(fmt::format(
        "{} is not as Peakward made it: {}{}; nothing in it was {}: 'peakward db verify' names "
        "everything that differs; restore it from a backup, or remove with sqlite3 what is not "
        "Peakward's",
        connection.path(), list.front().sentence,
        more == 0 ? "" : fmt::format(" (and {} more)", more),
        use == SchemaUse::read ? "read" : "changed"));
}

}  // namespace peakward::store
