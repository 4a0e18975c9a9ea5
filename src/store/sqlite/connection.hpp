// SQLite behind RAII. The first failure of a connection sticks: what follows does nothing and gives
// nothing, so that a sequence of statements is written straight and checked once, by status().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/progress.hpp"
#include "core/result.hpp"
#include "store/rows.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace peakward::store {

class Connection;

// A prepared statement; parameters and columns count from 1 and from 0, as in SQLite.
class Statement {
public:
    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, const Value& value);
    // Not copied: must live until the statement is reset.
    Statement& bind_document(int index, const std::string& text);
    Statement& bind_blob(int index, const std::string& bytes);

    bool step();  // true: there is a row
    void run();   // to its end, and ready for new parameters
    void reset();

    std::vector<std::string> column_names() const;  // none where it could not be prepared
    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    double number(int column) const;
    std::string text(int column) const;       // "" for NULL
    std::string_view view(int column) const;  // text or blob, until the next step
    std::optional<double> optional_number(int column) const;
    std::optional<std::string> optional_text(int column) const;
    Value value(int column) const;

private:
    friend class Connection;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    Statement(Connection& connection, sqlite3_stmt* statement)
        : connection_(connection), statement_(statement) {}

    Connection& connection_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// What statements wait for and what ends them early.
struct Patience {
    Patience(std::chrono::milliseconds wait = {}) : lock_wait(wait) {}

    std::chrono::milliseconds lock_wait;  // how long another process may hold the lock
    const StopToken* stop = nullptr;      // once it is set every statement fails as interrupted
    std::function<void()> on_wait = {};   // called once a wait for the lock has lasted 2 s
};

// What a query over a file of unknown origin may cost.
struct WorkLimit {
    std::int64_t steps = 0;  // of SQLite's virtual machine
    std::chrono::milliseconds time{};
};

// Every connection takes the file for hostile: no SQL of the schema reaches another file, no
// statement writes the schema by hand, no virtual table is opened and no extension loaded.
class Connection {
public:
    enum class Access { read_write, create, read_only, immutable, memory };

    // A failure is in status().
    Connection(const std::string& path, Access access, Patience patience);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    Statement prepare(std::string_view sql);
    void execute(const std::string& sql);           // one or more statements
    std::int64_t scalar(std::string_view sql);      // first column of the first row, else 0
    std::string scalar_text(std::string_view sql);  // else ""

    bool ok() const { return !failure_; }
    // The failure since the last call, as a sentence that names the file, the cause and the way
    // out; afterwards the connection may be used again.
    Status status();
    // SQLite's primary and extended code of that failure, while it lasts.
    int failure_code() const { return code_; }
    int failure_extended_code() const { return extended_code_; }
    // Of the first call that the system refused when the file was opened; 0: none.
    int open_errno() const { return open_errno_; }
    bool failed_for_room() const { return no_room_; }

    // From here on nothing is written, and no trigger runs.
    void only_read();
    // For a file of another program: statements fail once they have done more than this together,
    // and its schema is not trusted.
    void limit_work(const WorkLimit& limit);
    // For the one statement that edits the schema by hand.
    void allow_schema_edits(bool allowed);

    bool stop_requested() const { return patience_.stop && patience_.stop->stop_requested(); }
    bool is_read_only() const;
    bool in_transaction() const;
    std::int64_t last_insert_id() const;
    const std::string& path() const { return path_; }
    const Patience& patience() const { return patience_; }
    sqlite3* handle() { return db_; }

    void fail(int code);
    void fail(Error error);
    void fail_as_interrupted();

private:
    using Time = std::chrono::steady_clock::time_point;
    static int on_busy(void* self, int count);
    static int on_progress(void* self);
    void harden();
    bool may_wait_on(int count);
    bool is_over_limit();
    bool fail_as_foreign();

    std::string path_;
    Patience patience_;
    Time wait_began_;
    bool wait_told_ = false;
    std::optional<WorkLimit> limit_;
    Time work_began_;
    std::int64_t steps_ = 0;
    sqlite3* db_ = nullptr;
    std::optional<Error> failure_;
    int code_ = 0;
    int extended_code_ = 0;
    int open_errno_ = 0;
    bool no_room_ = false;
};

// BEGIN now; COMMIT on commit(), else ROLLBACK.
class Transaction {
public:
    enum class Kind { read, write };
    Transaction(Connection& connection, Kind kind);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    Status commit();

private:
    Connection& connection_;
};

// An identifier in SQL, whatever stands in it. SQL is made from the name of a foreign object in no
// other way.
std::string quoted_name(std::string_view name);

// The sentence for the failure `code` of SQLite at `path`; `detail` is SQLite's own message,
// `system_errno` 0 when there is none.
Error sqlite_error(const std::string& path, int extended_code, int system_errno,
                   std::string_view detail, std::chrono::milliseconds lock_wait);

std::string sqlite_version();

}  // namespace peakward::store
