#include "store/sqlite/open.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "core/text.hpp"

namespace peakward::store {
namespace {

namespace fs = std::filesystem;
using Opened = Result<std::unique_ptr<Connection>>;

// A full run takes about 1 MiB in the journal and as much in the file.
constexpr off_t room_wanted_bytes = 4 << 20;

// Readers of a database with a write-ahead log share memory with its writers, in a file beside it.
constexpr off_t shared_memory_bytes = 32 << 10;

std::string folder_of(const std::string& path) {
    const std::string folder = fs::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

bool has_content(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

tl::unexpected<Error> not_opened(const std::string& path, int code, int system_errno,
                                 std::string_view detail = "") {
    return tl::make_unexpected(sqlite_error(path, code, system_errno, detail, {}));
}

// What a file begins with: of a database of SQLite the name of the format, then sizes, then at 18
// and 19 the way it is written and read (2: with a write-ahead log).
struct Header {
    char bytes[20] = {};
    ssize_t size = 0;
    int system_errno = 0;  // why it cannot be read

    bool is_sqlite() const {
        constexpr std::string_view magic("SQLite format 3\0", 16);
        return size > 0 &&
               std::string_view(bytes, std::size_t(size))
                   .starts_with(magic.substr(0, std::min(magic.size(), std::size_t(size))));
    }
    bool is_in_wal_mode() const { return size == ssize_t(sizeof bytes) && bytes[19] == 2; }
};

Header read_header(const std::string& path) {
    Header header;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) header.size = ::read(fd, header.bytes, sizeof header.bytes);
    if (fd < 0 || header.size < 0) header.system_errno = errno;
    if (fd >= 0) ::close(fd);
    return header;
}

// SQLite takes a file of a few bytes for an empty database and would write over it.
Status check_header(const std::string& path, off_t size) {
    const Header header = read_header(path);
    if (header.system_errno != 0) return not_opened(path, SQLITE_CANTOPEN, header.system_errno);
    if (!header.is_sqlite()) return not_opened(path, SQLITE_NOTADB, 0);
    if (size < 512) return not_opened(path, SQLITE_CORRUPT, 0, "it has been cut off");
    return {};
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
        return not_opened(path, SQLITE_CANTOPEN, errno);
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
    if (mode != OpenMode::append)
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

// Asks the file system for room without leaving anything behind: in a file without a name, and
// where there is none by what it says is free.
bool has_room(const std::string& folder, off_t bytes) {
    const int fd = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        const int result = ::fallocate(fd, 0, 0, bytes);
        const int error = errno;
        ::close(fd);
        if (result == 0) return true;
        if (error == ENOSPC || error == EDQUOT || error == EFBIG) return false;
    }
    struct statvfs info {};
    if (::statvfs(folder.c_str(), &info) != 0) return true;  // the first real write is asked
    const auto blocks = ::geteuid() == 0 ? info.f_bfree : info.f_bavail;
    return blocks * info.f_frsize >= std::uint64_t(bytes);
}

struct Identity {
    std::int64_t owner = 0, tables = 0;
    int version = 0;
};

// Before anything is read or written, so that nothing of a foreign schema ever runs. An older
// database is to be migrated, which any difference forbids; a current one is inspected as it is.
Status check_schema(Connection& connection, OpenMode mode, int version,
                    const SqliteOptions& options) {
    const bool is_older = version < options.migrations.back().version;
    if (mode == OpenMode::inspect && !is_older) return {};
    const bool is_to_be_migrated = is_older && mode != OpenMode::documents;
    const auto migrations = std::span(options.migrations).first(std::size_t(version));
    return ExpectedSchema(migrations)
        .check(connection,
               mode == OpenMode::append || is_to_be_migrated ? SchemaUse::write : SchemaUse::read);
}

Status judge_identity(Connection& connection, const Identity& identity, OpenMode mode,
                      const SqliteOptions& options) {
    const std::string& path = connection.path();
    const auto [owner, tables, version] = identity;
    const bool fresh = owner == 0 && tables == 0 && version == 0;
    if (fresh && mode == OpenMode::append) return {};
    if (fresh)
        return failed(
            fmt::format("{} holds no runs yet: 'peakward calibrate' measures this machine "
                        "and stores one, or name another with --db",
                        path));
    if (owner != application_id || version < 0)
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
    if (auto status = check_schema(connection, mode, version, options); !status) return status;
    if (mode == OpenMode::documents) return {};
    if (version < ours && (mode != OpenMode::append || !options.migrates))
        return failed(
            fmt::format("{} has schema {} and this program reads {}: 'peakward db migrate --db {}' "
                        "brings it up to date and keeps a copy of the old one",
                        path, version, ours, path));
    return {};
}

// Whose database it is, how old and whether its schema is ours: nothing is changed before this is
// known. In one transaction: read one by one, they would tell of two states while another process
// makes or migrates the database between them.
Status check_identity(Connection& connection, OpenMode mode, const SqliteOptions& options) {
    Transaction transaction(connection, Transaction::Kind::read);
    Identity identity;
    identity.owner = connection.scalar("PRAGMA application_id");
    identity.tables = connection.scalar("SELECT count(*) FROM main.sqlite_master");
    identity.version = int(connection.scalar("PRAGMA user_version"));
    if (auto status = connection.status(); !status) return status;
    if (auto status = judge_identity(connection, identity, mode, options); !status) return status;
    return transaction.commit();
}

void set_up(Connection& connection, const SqliteOptions& options) {
    connection.execute("PRAGMA foreign_keys = OFF");
    // With this on, the delete triggers fire for REPLACE, too; the database refuses it either way.
    connection.execute("PRAGMA recursive_triggers = ON");
    // Up to 32 MiB, when needed: an analysis jumps about in a large history, and the inner pages of
    // its trees do not fit into the 2 MiB of SQLite's default.
    connection.execute("PRAGMA cache_size = -32768");
    connection.execute(options.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
}

Patience patience_of(const SqliteOptions& options) {
    Patience patience(options.lock_wait);
    patience.stop = options.stop;
    patience.on_wait = options.on_wait;
    return patience;
}

// Why SQLite cannot make the shared memory file that WAL wants; "" where it can.
std::string hindrance_to_wal(const std::string& path, const Connection* failed_before) {
    if (failed_before != nullptr) {
        const int code = failed_before->failure_code();
        const bool is_denied = code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
        if (is_denied && (!may(path, W_OK) || !may(folder_of(path), W_OK)))
            return "the folder is read-only";
        return failed_before->failed_for_room() ? "its disk is full" : "";
    }
    std::error_code error;
    const auto size = fs::file_size(path + "-shm", error);
    if ((!error && off_t(size) >= shared_memory_bytes) || !read_header(path).is_in_wal_mode())
        return "";
    const std::string folder = folder_of(path);
    return !may(folder, W_OK) || has_room(folder, 2 * shared_memory_bytes) ? ""
                                                                           : "its disk is full";
}

// A database that was closed properly has nothing in its journals and can be read without them.
Opened open_without_journal(const std::string& path, const std::string& hindrance,
                            const SqliteOptions& options) {
    for (const char* journal : {"-wal", "-journal"})
        if (has_content(path + journal))
            return failed(
                fmt::format("{0} cannot be read here: its journal {0}{1} holds what is not merged "
                            "yet, and {2}: copy both files to a folder you can write, and read "
                            "them there",
                            path, journal, hindrance));
    auto connection =
        std::make_unique<Connection>(path, Connection::Access::immutable, patience_of(options));
    connection->scalar("PRAGMA schema_version");
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    return connection;
}

Opened open_for_reading(const std::string& path, OpenMode mode, const SqliteOptions& options) {
    std::unique_ptr<Connection> connection;
    std::string hindrance = hindrance_to_wal(path, nullptr);
    if (hindrance.empty()) {
        // Opened for writing where that is possible, because the last reader then tidies the
        // journal files away; only_read() keeps it a reader.
        connection = std::make_unique<Connection>(path, Connection::Access::read_write,
                                                  patience_of(options));
        connection->scalar("PRAGMA schema_version");
        if (!connection->ok() && may(path, R_OK))
            hindrance = hindrance_to_wal(path, connection.get());
    }
    if (!hindrance.empty()) {
        auto plain = open_without_journal(path, hindrance, options);
        if (!plain) return plain;
        connection = std::move(*plain);
    }
    connection->only_read();
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    if (auto status = check_identity(*connection, mode, options); !status)
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
        if (code != SQLITE_BUSY || connection.stop_requested() ||
            std::chrono::steady_clock::now() > deadline)
            return status;
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

// SQLite opens a file for reading when it could not for writing, and says no more.
tl::unexpected<Error> not_writable(const std::string& path, int error) {
    if (error == 0) return not_opened(path, SQLITE_READONLY, 0);
    const bool is_denied = error == EACCES || error == EPERM || error == EROFS;
    return not_opened(path, is_denied ? SQLITE_READONLY : SQLITE_CANTOPEN, error);
}

Opened open_for_append(const std::string& path, const SqliteOptions& options,
                       MigrationReport& report) {
    if (auto status = make_folder(path); !status) return tl::make_unexpected(status.error());
    // Told apart before SQLite tries, which would name a journal file that it could not make.
    const bool exists = fs::exists(path);
    if (exists && may(path, R_OK) && (!may(path, W_OK) || !may(folder_of(path), W_OK)))
        return not_opened(path, SQLITE_READONLY, 0);
    if (!has_room(folder_of(path), room_wanted_bytes)) return not_opened(path, SQLITE_FULL, 0);
    auto connection =
        std::make_unique<Connection>(path, Connection::Access::create, patience_of(options));
    connection->scalar("PRAGMA schema_version");
    if (connection->ok() && connection->is_read_only())
        return not_writable(path, connection->open_errno());
    if (auto status = connection->status(); !status) return tl::make_unexpected(status.error());
    if (auto status = check_identity(*connection, OpenMode::append, options); !status)
        return tl::make_unexpected(status.error());
    set_up(*connection, options);
    if (auto status = use_wal(*connection); !status) return tl::make_unexpected(status.error());
    auto migrated = migrate_schema(*connection, options.migrations);
    if (!migrated) return tl::make_unexpected(migrated.error());
    report = *migrated;
    // Not before: a migration moves tables that refer to each other.
    connection->execute("PRAGMA foreign_keys = ON");
    if (auto status = try_to_write(*connection); !status)
        return tl::make_unexpected(status.error());
    return connection;
}

}  // namespace

Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, OpenMode mode,
                                                const SqliteOptions& options) {
    if (auto status = check_file(path, mode); !status) return tl::make_unexpected(status.error());
    MigrationReport report;
    return mode == OpenMode::append ? open_for_append(path, options, report)
                                    : open_for_reading(path, mode, options);
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
