#include "store/foreign_rows.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <vector>

#include "core/text.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"

namespace peakward {
namespace {

using store::Connection;
using store::Statement;

// A table of all calibrations of a laboratory over years takes a hundredth of each.
constexpr std::int64_t rows_max = 1'000'000;
constexpr std::size_t columns_max = 500;
constexpr int value_bytes_max = 1 << 20;
constexpr std::int64_t rows_bytes_max = std::int64_t{256} << 20;
constexpr std::int64_t sqlite_bytes_max = std::int64_t{512} << 20;
// A cell of a row in memory, beside its text.
constexpr std::int64_t cell_bytes = 100;
const store::WorkLimit work_max{200'000'000, std::chrono::seconds(5)};

// What a view of calibrations needs. Others make a text of any size, or take hours in one step.
constexpr std::string_view functions[] = {
    "->",       "->>",    "abs",       "avg",       "coalesce",     "count",    "date",
    "datetime", "iif",    "ifnull",    "julianday", "length",       "lower",    "max",
    "min",      "nullif", "round",     "strftime",  "substr",       "sum",      "time",
    "total",    "typeof", "unixepoch", "upper",     "json_extract", "substring"};

int authorize(void*, int action, const char*, const char* second, const char*, const char*) {
    if (action == SQLITE_SELECT || action == SQLITE_READ) return SQLITE_OK;
    if (action != SQLITE_FUNCTION || second == nullptr) return SQLITE_DENY;
    const auto end = std::end(functions);
    return std::find(std::begin(functions), end, std::string_view(second)) == end ? SQLITE_DENY
                                                                                  : SQLITE_OK;
}

// Of all of SQLite in this process: memory that a sort or a join asks for is no row yet.
class HeapLimit {
public:
    explicit HeapLimit(std::int64_t bytes) : before_(sqlite3_hard_heap_limit64(bytes)) {}
    ~HeapLimit() { sqlite3_hard_heap_limit64(before_); }
    HeapLimit(const HeapLimit&) = delete;
    HeapLimit& operator=(const HeapLimit&) = delete;

private:
    std::int64_t before_;
};

// Without locks and without files beside it, unless a journal holds rows that are not merged yet.
Connection::Access access_to(const std::string& path) {
    std::error_code error;
    const auto journal = std::filesystem::file_size(path + "-wal", error);
    return !error && journal > 0 ? Connection::Access::read_only : Connection::Access::immutable;
}

void bound(Connection& connection) {
    connection.only_read();
    connection.execute("PRAGMA temp_store = MEMORY");
    connection.limit_work(work_max);
    sqlite3_limit(connection.handle(), SQLITE_LIMIT_LENGTH, value_bytes_max);
    sqlite3_set_authorizer(connection.handle(), authorize, nullptr);
}

std::string select_all(const std::string& table) {
    return fmt::format("SELECT * FROM main.{}", store::quoted_name(table));
}

// Tables before views, the seed's own name before others. "" where none has its columns; a view
// that cannot be read is an error only then.
std::string find_table(Connection& connection) {
    std::vector<std::string> names;
    {
        Statement rows = connection.prepare(
            "SELECT name FROM main.sqlite_master WHERE type IN ('table', 'view') "
            "ORDER BY name <> 'calibration_runs', type, name");
        while (rows.step()) names.push_back(rows.text(0));
    }
    Status first_failure = connection.status();
    if (!first_failure) names.clear();
    for (const std::string& name : names) {
        const std::vector<std::string> columns =
            connection.prepare(select_all(name)).column_names();
        const std::set<std::string> has(columns.begin(), columns.end());
        if (has.contains("timestamp") && has.contains("hardware_fingerprint") &&
            has.contains("precision") && has.contains("device"))
            return name;
        if (auto status = connection.status(); !status && first_failure) first_failure = status;
    }
    if (!first_failure) connection.fail(first_failure.error());
    return "";
}

Json cell_of(const store::Value& value) {
    return std::visit(
        [](const auto& v) {
            if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
                return Json();
            else
                return Json(v);
        },
        value);
}

std::int64_t bytes_of(const store::Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    return cell_bytes + (text ? std::int64_t(text->size()) : 0);
}

// SQLite's own words, without the path that the caller names anyway.
tl::unexpected<Error> told(Error error, const std::string& path) {
    if (error.message.starts_with(path + " ")) error.message.erase(0, path.size() + 1);
    return tl::make_unexpected(std::move(error));
}

Result<Json> read_rows(Connection& connection, const std::string& table) {
    Statement rows = connection.prepare(select_all(table));
    const std::vector<std::string> columns = rows.column_names();
    if (columns.size() > columns_max)
        return failed(fmt::format("has {} columns, more than {}", columns.size(), columns_max));
    Json list = Json::array();
    std::int64_t bytes = 0;
    while (rows.step()) {
        Json row = Json::object();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const store::Value value = rows.value(static_cast<int>(i));
            bytes += bytes_of(value);
            row[columns[i]] = cell_of(value);
        }
        list.push_back(std::move(row));
        if (bytes > rows_bytes_max)
            return failed(
                fmt::format("holds more than {} MiB of rows: split it", rows_bytes_max >> 20));
        if (std::int64_t(list.size()) > rows_max)
            return failed(fmt::format("has more than {} rows: split it", rows_max));
    }
    return list;
}

}  // namespace

bool is_peakward_database(const std::string& path) {
    Connection connection(path, access_to(path), std::chrono::milliseconds(0));
    return connection.scalar("PRAGMA application_id") == store::application_id && connection.ok();
}

Result<Json> read_foreign_rows(const std::string& path, const StopToken* stop) {
    const HeapLimit heap(sqlite_bytes_max);
    store::Patience patience(std::chrono::milliseconds(1000));
    patience.stop = stop;
    Connection connection(path, access_to(path), patience);
    bound(connection);
    const std::string table = find_table(connection);
    if (auto status = connection.status(); !status) return told(status.error(), path);
    if (table.empty())
        return failed(
            "is an SQLite database without a table of calibrations: one needs the columns "
            "timestamp, hardware_fingerprint, precision and device");
    auto list = read_rows(connection, table);
    if (auto status = connection.status(); !status) return told(status.error(), path);
    if (list && list->empty()) return failed("is a database of calibrations without a row");
    return list;
}

}  // namespace peakward
