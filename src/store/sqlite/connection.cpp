#include "store/sqlite/connection.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "core/text.hpp"
#include "store/sqlite/system_calls.hpp"

namespace peakward::store {

// ---------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------

namespace {

bool means_no_room(int code, int system_errno) {
    return code == SQLITE_FULL || system_errno == ENOSPC || system_errno == EDQUOT ||
           system_errno == EFBIG;
}

bool means_no_memory(int extended_code, int system_errno) {
    return extended_code == SQLITE_NOMEM || extended_code == SQLITE_IOERR_NOMEM ||
           system_errno == ENOMEM;
}

bool means_no_locks(int extended_code, int system_errno) {
    switch (extended_code) {
        case SQLITE_PROTOCOL:
        case SQLITE_NOLFS:
        case SQLITE_IOERR_LOCK:
        case SQLITE_IOERR_UNLOCK:
        case SQLITE_IOERR_RDLOCK:
        case SQLITE_IOERR_BLOCKED:
        case SQLITE_IOERR_CHECKRESERVEDLOCK:
        case SQLITE_IOERR_SHMLOCK:
            return true;
        default:
            return system_errno == ENOLCK;
    }
}

// Why the system made SQLite fail with this code; 0: it did not. An error that SQLite finds by
// itself has no such cause.
int errno_behind(int code) {
    switch (code) {
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
            if (errno_of_refused_open() != 0) return errno_of_refused_open();
            return errno_of_refused_call();
        case SQLITE_IOERR:
            if (errno_of_refused_call() != 0) return errno_of_refused_call();
            return errno_of_refused_open();
        case SQLITE_BUSY:
        case SQLITE_CORRUPT:
        case SQLITE_FULL:
        case SQLITE_NOTADB:
        case SQLITE_PROTOCOL:
            return errno_of_refused_call();
        default:
            return 0;
    }
}

// What the system said. SQLite forgets it where it rolls back after a failed sync; the files of the
// database and of its journal still know.
int system_errno_of(sqlite3* db) {
    if (const int error = sqlite3_system_errno(db); error != 0) return error;
    for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
        sqlite3_file* file = nullptr;
        int error = 0;
        if (sqlite3_file_control(db, "main", which, static_cast<void*>(&file)) == SQLITE_OK &&
            file != nullptr && file->pMethods != nullptr &&
            file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO,
                                         static_cast<void*>(&error)) == SQLITE_OK &&
            error != 0)
            return error;
    }
    return 0;
}

// A file: URI in which the path means itself.
std::string uri_of(const std::string& path, std::string_view query) {
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#')
            uri += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            uri.push_back(c);
    }
    return uri + std::string(query);
}

// What the system said tells more than SQLite's code; "" where the code has to tell it.
std::string sentence_of_system(const std::string& path, int extended_code, int system_errno,
                               const std::string& cause) {
    const int code = extended_code & 0xff;
    if (means_no_room(code, system_errno))
        return fmt::format(
            "there is no room left to write {}: free some space on its disk (or raise the quota) "
            "and run again; the runs in it are intact",
            path);
    if (means_no_memory(extended_code, system_errno))
        return fmt::format(
            "there is not enough memory to work with {}: close other programs or raise the limit "
            "(ulimit -v), then run again",
            path);
    if (system_errno == EMFILE || system_errno == ENFILE)
        return fmt::format(
            "{} cannot be opened ({}): close files or raise the limit (ulimit -n), then run again",
            path, cause);
    if (means_no_locks(extended_code, system_errno))
        return fmt::format(
            "{} cannot be locked ({}): its file system does not lock files as SQLite needs it; "
            "name a file on a local disk with --db",
            path, cause);
    if (code == SQLITE_READONLY || system_errno == EROFS)
        return fmt::format(
            "{} cannot be written (it, its folder or its disk is read-only): make it writable, or "
            "name another file with --db",
            path);
    if (system_errno == ENAMETOOLONG)
        return fmt::format("{} cannot be opened ({}): name a shorter path with --db", path, cause);
    if (code == SQLITE_IOERR || system_errno == EIO || system_errno == ENXIO)
        return fmt::format(
            "reading or writing {} failed ({}): check its disk and run again; the runs stored "
            "before are kept",
            path, cause);
    return "";
}

std::string sentence_of_code(const std::string& path, int extended_code, const std::string& cause,
                             std::string_view detail, std::chrono::milliseconds lock_wait) {
    switch (extended_code & 0xff) {
        case SQLITE_NOTADB:
            return fmt::format(
                "{} is not a Peakward database: name another file with --db, or move this one away",
                path);
        case SQLITE_CORRUPT:
        case SQLITE_FORMAT:
            return fmt::format(
                "{} is damaged ({}): restore it from a backup, or save what can be read with "
                "'sqlite3 {} .recover'",
                path, detail, path);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return fmt::format(
                "{} has been locked by another process for more than {:g} s: wait until it is done "
                "('fuser {}' names it), then run again",
                path, double(lock_wait.count()) / 1000, path);
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
            return fmt::format(
                "{} cannot be opened ({}): check the permissions of the file and its folder, or "
                "name another file with --db",
                path, cause);
        case SQLITE_CONSTRAINT:
            return fmt::format("{} refused the change: {}", path, detail);
        case SQLITE_TOOBIG:
            return fmt::format("{} holds a value that is larger than this program reads", path);
        default:
            return fmt::format(
                "{}: SQLite says '{}' (code {}): please report it, with the command that led to it",
                path, detail, extended_code);
    }
}

}  // namespace

std::string quoted_name(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

Error sqlite_error(const std::string& path, int extended_code, int system_errno,
                   std::string_view detail, std::chrono::milliseconds lock_wait) {
    const std::string cause =
        system_errno != 0 ? std::string(std::strerror(system_errno)) : std::string(detail);
    std::string sentence = sentence_of_system(path, extended_code, system_errno, cause);
    if (sentence.empty())
        sentence = sentence_of_code(path, extended_code, cause, detail, lock_wait);
    return {ErrorKind::failed, std::move(sentence)};
}

std::string sqlite_version() { return sqlite3_libversion(); }

// ---------------------------------------------------------------------------------------------
// Connection
// ---------------------------------------------------------------------------------------------

namespace {

// A look costs little beside so many steps, and so many take less than a millisecond.
constexpr int steps_between_looks = 4000;

// Our own SQL and runs stay far below.
constexpr std::pair<int, int> limits[] = {
    {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_LENGTH, 256 << 20},
    {SQLITE_LIMIT_SQL_LENGTH, 4 << 20}, {SQLITE_LIMIT_EXPR_DEPTH, 200},
    {SQLITE_LIMIT_COMPOUND_SELECT, 50}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
    {SQLITE_LIMIT_VDBE_OP, 1'000'000},  {SQLITE_LIMIT_WORKER_THREADS, 0},
};

}  // namespace

Connection::Connection(const std::string& path, Access access, Patience patience)
    : path_(path), patience_(std::move(patience)) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    std::string name = path;
    switch (access) {
        case Access::create:
            flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
            break;
        case Access::read_write:
            flags |= SQLITE_OPEN_READWRITE;
            break;
        case Access::read_only:
            flags |= SQLITE_OPEN_READONLY;
            break;
        case Access::immutable:
            flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
            name = uri_of(path, "?immutable=1");
            break;
        case Access::memory:
            flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
            break;
    }
    watch_system_calls();
    forget_refused_call();
    const int code = sqlite3_open_v2(name.c_str(), &db_, flags, nullptr);
    open_errno_ = errno_of_refused_open();
    if (code != SQLITE_OK) {
        fail(code);
        return;
    }
    sqlite3_busy_handler(db_, on_busy, this);
    sqlite3_progress_handler(db_, steps_between_looks, on_progress, this);
    harden();
}

Connection::~Connection() { sqlite3_close_v2(db_); }

void Connection::harden() {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_drop_modules(db_, nullptr);
    for (const auto& [limit, most] : limits) sqlite3_limit(db_, limit, most);
    execute("PRAGMA cell_size_check = ON");
}

void Connection::only_read() {
    execute("PRAGMA query_only = ON");
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
}

void Connection::allow_schema_edits(bool allowed) {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, allowed ? 0 : 1, nullptr);
    // RESET also reads the schema again, as it was edited.
    execute(allowed ? "PRAGMA writable_schema = ON" : "PRAGMA writable_schema = RESET");
}

void Connection::limit_work(const WorkLimit& limit) {
    // Not for a database of ours: to SQLite 3.40 json_extract() is unsafe there, and the columns of
    // its series are made with it. Its schema is held against ours to the letter instead.
    sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    limit_ = limit;
    work_began_ = std::chrono::steady_clock::now();
    steps_ = 0;
}

bool Connection::is_over_limit() {
    return limit_ && (steps_ > limit_->steps ||
                      std::chrono::steady_clock::now() - work_began_ > limit_->time);
}

int Connection::on_progress(void* self) {
    auto& connection = *static_cast<Connection*>(self);
    connection.steps_ += steps_between_looks;
    return connection.stop_requested() || connection.is_over_limit() ? 1 : 0;
}

int Connection::on_busy(void* self, int count) {
    return static_cast<Connection*>(self)->may_wait_on(count) ? 1 : 0;
}

// In place of SQLite's own waiting, which no signal ends.
bool Connection::may_wait_on(int count) {
    using std::chrono::milliseconds;
    constexpr milliseconds told_after{2000}, longest_sleep{20};
    const Time now = std::chrono::steady_clock::now();
    if (count == 0) {
        wait_began_ = now;
        wait_told_ = false;
    }
    const auto waited = std::chrono::duration_cast<milliseconds>(now - wait_began_);
    if (stop_requested() || waited >= patience_.lock_wait) return false;
    if (waited >= told_after && !wait_told_ && patience_.on_wait) {
        wait_told_ = true;
        patience_.on_wait();
    }
    std::this_thread::sleep_for(
        std::min({milliseconds(1 + count), longest_sleep, patience_.lock_wait - waited}));
    return true;
}

void Connection::fail_as_interrupted() {
    fail(Error{ErrorKind::interrupted,
               fmt::format("interrupted; the runs in {} are as they were", path_)});
}

// What a foreign file asks for is no fault of this machine. False: the failure is of another kind.
bool Connection::fail_as_foreign() {
    std::string sentence;
    if (code_ == SQLITE_INTERRUPT)
        sentence = fmt::format("{} asks for more work than any table of calibrations takes", path_);
    else if (code_ == SQLITE_NOMEM)
        sentence =
            fmt::format("{} asks for more memory than any table of calibrations takes", path_);
    else if (code_ == SQLITE_ERROR || code_ == SQLITE_AUTH)
        sentence = fmt::format("{} holds a table or view that is not read here ({})", path_,
                               sqlite3_errmsg(db_));
    if (sentence.empty()) return false;
    fail(Error{ErrorKind::failed, std::move(sentence)});
    return true;
}

void Connection::fail(int code) {
    if (failure_) return;
    const int extended = db_ != nullptr ? sqlite3_extended_errcode(db_) : code;
    extended_code_ = (extended & 0xff) == (code & 0xff) ? extended : code;
    code_ = extended_code_ & 0xff;
    if (stop_requested() && (code_ == SQLITE_INTERRUPT || code_ == SQLITE_BUSY))
        return fail_as_interrupted();
    if (limit_ && fail_as_foreign()) return;
    int system_errno = errno_behind(code_);
    if (system_errno == 0 && db_ != nullptr && (code_ == SQLITE_IOERR || code_ == SQLITE_CANTOPEN))
        system_errno = system_errno_of(db_);
    // What SQLite took for damage or for a held lock was the disk.
    if (code_ != SQLITE_CANTOPEN && (system_errno == EIO || system_errno == ENXIO))
        code_ = SQLITE_IOERR;
    no_room_ = means_no_room(code_, system_errno);
    const char* detail = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
    failure_ = sqlite_error(path_, extended_code_, system_errno, detail, patience_.lock_wait);
}

void Connection::fail(Error error) {
    if (!failure_) failure_ = std::move(error);
}

Status Connection::status() {
    if (!failure_) return {};
    Error error = std::move(*failure_);
    failure_.reset();
    code_ = extended_code_ = 0;
    no_room_ = false;
    return tl::make_unexpected(std::move(error));
}

Statement Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (ok()) {
        forget_refused_call();
        const int code = sqlite3_prepare_v2(db_, sql.data(), int(sql.size()), &statement, nullptr);
        if (code != SQLITE_OK) fail(code);
    }
    return Statement(*this, statement);
}

void Connection::execute(const std::string& sql) {
    if (!ok()) return;
    forget_refused_call();
    const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::scalar(std::string_view sql) {
    Statement statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::string Connection::scalar_text(std::string_view sql) {
    Statement statement = prepare(sql);
    return statement.step() ? statement.text(0) : "";
}

bool Connection::is_read_only() const { return sqlite3_db_readonly(db_, "main") == 1; }
bool Connection::in_transaction() const {
    return db_ != nullptr && sqlite3_get_autocommit(db_) == 0;
}
std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(db_); }

// ---------------------------------------------------------------------------------------------
// Statement
// ---------------------------------------------------------------------------------------------

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::bind(int index, std::int64_t value) {
    if (!connection_.ok()) return *this;
    const int code = sqlite3_bind_int64(statement_.get(), index, value);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    if (!connection_.ok()) return *this;
    const int code = sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

Statement& Statement::bind(int index, const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return bind(index, *integer);
    if (const auto* text = std::get_if<std::string>(&value))
        return bind(index, std::string_view(*text));
    if (!connection_.ok()) return *this;
    const auto* real = std::get_if<double>(&value);
    const int code = real != nullptr ? sqlite3_bind_double(statement_.get(), index, *real)
                                     : sqlite3_bind_null(statement_.get(), index);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

Statement& Statement::bind_document(int index, const std::string& text) {
    if (!connection_.ok()) return *this;
    const int code = sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

Statement& Statement::bind_blob(int index, const std::string& bytes) {
    if (!connection_.ok()) return *this;
    const int code =
        sqlite3_bind_blob64(statement_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

bool Statement::step() {
    if (!connection_.ok() || !statement_) return false;
    if (connection_.stop_requested()) {
        connection_.fail_as_interrupted();
        return false;
    }
    forget_refused_call();
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) connection_.fail(code);
    return false;
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

void Statement::reset() {
    if (statement_) sqlite3_reset(statement_.get());
}

std::vector<std::string> Statement::column_names() const {
    std::vector<std::string> names;
    for (int i = 0; i < sqlite3_column_count(statement_.get()); ++i)
        names.emplace_back(sqlite3_column_name(statement_.get(), i));
    return names;
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}
double Statement::number(int column) const {
    return sqlite3_column_double(statement_.get(), column);
}
std::string_view Statement::view(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr ? std::string_view()
                            : std::string_view(static_cast<const char*>(bytes), std::size_t(size));
}
std::string Statement::text(int column) const { return std::string(view(column)); }
std::optional<double> Statement::optional_number(int column) const {
    return is_null(column) ? std::nullopt : std::optional<double>(number(column));
}
std::optional<std::string> Statement::optional_text(int column) const {
    return is_null(column) ? std::nullopt : std::optional<std::string>(text(column));
}

Value Statement::value(int column) const {
    switch (sqlite3_column_type(statement_.get(), column)) {
        case SQLITE_NULL:
            return std::monostate{};
        case SQLITE_INTEGER:
            return integer(column);
        case SQLITE_FLOAT:
            return number(column);
        default:
            return text(column);
    }
}

// ---------------------------------------------------------------------------------------------
// Transaction
// ---------------------------------------------------------------------------------------------

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
    // IMMEDIATE takes the write lock now: a lock that is upgraded later can fail without waiting.
    connection_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
    // After a full disk SQLite has often rolled back by itself already.
    if (connection_.in_transaction())
        sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Status Transaction::commit() {
    connection_.execute("COMMIT");
    return connection_.status();
}

}  // namespace peakward::store
