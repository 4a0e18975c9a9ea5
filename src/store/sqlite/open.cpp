#include "store/sqlite/open.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "core/text.hpp"

namespace peakward::store {
namespace {

namespace fs = std::filesystem;
using Opened = Result<std::unique_ptr<Connection>>;

// A full run takes about 1 MiB in the journal and as much in the file.
constexpr off_t room_wanted_bytes = 4 << 20;

Patience patience_of(const SqliteOptions& options) {
    Patience patience(options.lock_wait);
    patience.stop = options.stop;
    patience.on_wait = options.on_wait;
    return patience;
}

std::string folder_of(const std::string& path) {
    const std::string folder = fs::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

bool has_content(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

// SQLite takes a file of a few bytes for an empty database and would write over it.
Status check_header(const std::string& path, off_t size) {
    constexpr std::string_view magic("SQLite format 3\0", 16);
    char head[magic.size()] = {};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};  // opening will say why
    const ssize_t got = ::read(fd, head, sizeof head);
    ::close(fd);
    const bool is_sqlite = got > 0 && magic.starts_with({head, std::size_t(got)});
    const int code = !is_sqlite ? SQLITE_NOTADB : size < 512 ? SQLITE_CORRUPT : SQLITE_OK;
    if (code == SQLITE_OK) return {};
    return tl::make_unexpected(
        sqlite_error(path, code, 0, "it has been cut off", std::chrono::milliseconds(0)));
}

bool may(const std::string& path, int access) {
    return ::faccessat(AT_FDCWD, path.c_str(), access, AT_EACCESS) == 0;
}

Status check_file(const std::string& path, OpenMode mode) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            if (mode == OpenMode::append) return {};
            return failed(
                fmt::format("there is no database at {} yet: 'peakward calibrate' measures this "
                            "machine and makes one, or name another with --db",
                            path));
        }
        return failed(
            fmt::format("{} cannot be opened ({}): check the permissions of its folder, or name "
                        "another file with --db",
                        path, std::strerror(errno)));
    }
    if (S_ISDIR(info.st_mode))
        return failed(
            fmt::format("{} is a folder, not a database: name a file in it, as in --db {}", path,
                        (fs::path(path) / "calibrations.db").string()));
    if (!S_ISREG(info.st_mode))
        return failed(
            fmt::format("{} is not a regular file: name a database file with --db", path));
    if (info.st_size > 0) return check_header(path, info.st_size);
    if (has_content(path + "-wal"))
        return failed(
            fmt::format("{} is empty but its journal {}-wal is not, so it has been cut off: "
                        "restore both from a backup, or move both away",
                        path, path));
    if (mode == OpenMode::read)
        return failed(
            fmt::format("{} is empty and holds no runs yet: 'peakward calibrate' makes a "
                        "database of it, or name another with --db",
                        path));
    return {};
}

Status make_folder(const std::string& path) {
    std::error_code error;
    const std::string folder = folder_of(path);
    fs::create_directories(folder, error);
    if (error)
        return failed(
            fmt::format("the folder {} for the database cannot be made ({}): make it by hand, or "
                        "name another file with --db",
                        folder, error.message()));
    return {};
}

// Asks the file system for the room of a run without leaving anything behind: a file without a
// name. File systems that cannot do that are asked by the first real write.
Status check_room(const std::string& path) {
    const int fd = ::open(folder_of(path).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return {};
    const int result = ::fallocate(fd, 0, 0, room_wanted_bytes);
    const int error = errno;
    ::close(fd);
    if (result != 0 && (error == ENOSPC || error == EDQUOT || error == EFBIG))
        return tl::make_unexpected(
            sqlite_error(path, SQLITE_FULL, 0, "", std::chrono::milliseconds(0)));
    return {};
}

struct Identity {
    std::int64_t owner = 0, tables = 0;
    int version = 0;
};

// In one transaction: read one by one, they would tell of two states while another process is
// making the database between them, and a new one would pass for that of another application.
Result<Identity> read_identity(Connection& connection) {
    Transaction transaction(connection, Transaction::Kind::read);
    Identity identity;
    identity.owner = connection.scalar("PRAGMA application_id");
    identity.tables = connection.scalar("SELECT count(*) FROM sqlite_schema");
    identity.version = int(connection.scalar("PRAGMA user_version"));
    if (auto status = transaction.commit(); !status) return tl::make_unexpected(status.error());
    return identity;
}

// Whose database it is and how old: nothing is changed before this is known.
Status check_identity(Connection& connection, OpenMode mode, const SqliteOptions& options) {
    const std::string& path = connection.path();
    const auto identity = read_identity(connection);
    if (!identity) return tl::make_unexpected(identity.error());
    const auto [owner, tables, version] = *identity;
    const bool fresh = owner == 0 && tables == 0 && version == 0;
    if (fresh && mode == OpenMode::append) return {};
    if (fresh)
        return failed(
            fmt::format("{} holds no runs yet: 'peakward calibrate' measures this machine "
                        "and stores one, or name another with --db",
                        path));
    if (owner != application_id)
        return failed(
            fmt::format("{} is a database of another application and is left untouched: name "
                        "another file with --db",
                        path));
    const int ours = options.migrations.back().version;
    if (version > ours)
        return failed(
            fmt::format("{} was written by a newer Peakward (schema {}, this program knows up to "
                        "{}): update this program, or name another file with --db",
                        path, version, ours));
    if (version < ours && (mode == OpenMode::read || !options.migrates))
        return failed(
            fmt::format("{} has schema {} and this program reads {}: 'peakward db migrate --db {}' "
                        "brings it up to date and keeps a copy of the old one",
                        path, version, ours, path));
    return {};
}

void set_up(Connection& connection, const SqliteOptions& options) {
    connection.execute("PRAGMA foreign_keys = ON");
    // With this on, the delete triggers fire for REPLACE, too; the database refuses it either way.
    connection.execute("PRAGMA recursive_triggers = ON");
    // Up to 32 MiB, when needed: an analysis jumps about in a large history, and the inner pages of
    // its trees do not fit into the 2 MiB of SQLite's default.
    connection.execute("PRAGMA cache_size = -32768");
    connection.execute(options.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
}

// Without a writable folder SQLite cannot make the shared memory file that WAL wants. A database
// that was closed properly has nothing in its journal and can be read without.
Opened open_without_journal(const std::string& path, const SqliteOptions& options) {
    if (has_content(path + "-wal"))
        return failed(
            fmt::format("{} cannot be read here: its journal {}-wal holds runs that are not merged "
                        "yet, and the folder is read-only: copy both files to a folder "
                        "you can write, and read them there",
                        path, path));
    auto connection =
        std::make_unique<Connection>(path, Connection::Access::immutable, patience_of(options));
    connection->scalar("PRAGMA schema_version");
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    return connection;
}

Opened open_for_reading(const std::string& path, const SqliteOptions& options) {
    // Opened for writing where that is possible, because the last reader then tidies the journal
    // files away; query_only keeps it a reader.
    auto connection =
        std::make_unique<Connection>(path, Connection::Access::read_write, patience_of(options));
    connection->scalar("PRAGMA schema_version");
    const int code = connection->failure_code();
    if (!connection->ok() && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) &&
        may(path, R_OK)) {
        auto plain = open_without_journal(path, options);
        if (!plain) return plain;
        connection = std::move(*plain);
    }
    connection->execute("PRAGMA query_only = ON");
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    if (auto status = check_identity(*connection, OpenMode::read, options); !status)
        return tl::make_unexpected(status.error());
    set_up(*connection, options);
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    return connection;
}

// The change to WAL upgrades a lock, and SQLite refuses that at once, without waiting, while
// another process is at it: so the waiting is done here. It is a property of the file and done
// once. A file system without shared memory keeps its rollback journal: slower, as durable.
Status use_wal(Connection& connection) {
    const auto deadline = std::chrono::steady_clock::now() + connection.patience().lock_wait;
    for (;;) {
        connection.scalar_text("PRAGMA journal_mode = WAL");
        const int code = connection.failure_code();
        auto status = connection.status();
        if (code != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline) return status;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

// Writes the version number that is there already: one page through the journal to the disk.
Status try_to_write(Connection& connection) {
    Transaction transaction(connection, Transaction::Kind::write);
    const std::int64_t version = connection.scalar("PRAGMA user_version");
    connection.execute(fmt::format("PRAGMA user_version = {}", version));
    return transaction.commit();
}

Opened open_for_append(const std::string& path, const SqliteOptions& options,
                       MigrationReport& report) {
    if (auto status = make_folder(path); !status) return tl::make_unexpected(status.error());
    // Told apart before SQLite tries, which would name a journal file that it could not make.
    const bool exists = fs::exists(path);
    if (exists && may(path, R_OK) && (!may(path, W_OK) || !may(folder_of(path), W_OK)))
        return tl::make_unexpected(sqlite_error(path, SQLITE_READONLY, 0, "", options.lock_wait));
    if (auto status = check_room(path); !status) return tl::make_unexpected(status.error());
    auto connection =
        std::make_unique<Connection>(path, Connection::Access::create, patience_of(options));
    connection->scalar("PRAGMA schema_version");
    if (connection->ok() && connection->is_read_only())
        return tl::make_unexpected(sqlite_error(path, SQLITE_READONLY, 0, "", options.lock_wait));
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    if (auto status = check_identity(*connection, OpenMode::append, options); !status)
        return tl::make_unexpected(status.error());
    set_up(*connection, options);
    if (auto status = use_wal(*connection); !status) return tl::make_unexpected(status.error());
    auto migrated = migrate_schema(*connection, options.migrations);
    if (!migrated) return tl::make_unexpected(migrated.error());
    report = *migrated;
    if (auto status = try_to_write(*connection); !status)
        return tl::make_unexpected(status.error());
    return connection;
}

}  // namespace

Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, OpenMode mode,
                                                const SqliteOptions& options) {
    if (auto status = check_file(path, mode); !status) return tl::make_unexpected(status.error());
    MigrationReport report;
    return mode == OpenMode::read ? open_for_reading(path, options)
                                  : open_for_append(path, options, report);
}

Result<MigrationReport> migrate_sqlite(const std::string& path, const SqliteOptions& options) {
    // An empty or missing file has nothing to migrate: told as when reading.
    if (auto status = check_file(path, OpenMode::read); !status)
        return tl::make_unexpected(status.error());
    MigrationReport report;
    auto opened = open_for_append(path, options, report);
    if (!opened) return tl::make_unexpected(opened.error());
    return report;
}

}  // namespace peakward::store
