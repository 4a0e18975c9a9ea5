#include "store/foreign_rows.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "core/text.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"

namespace peakward {
namespace {

using store::Connection;
using store::Statement;

// A row becomes some kilobytes in memory.
constexpr std::int64_t rows_max = 1'000'000;

// Without locks and without files beside it, unless a journal holds rows that are not merged yet.
Connection::Access access_to(const std::string& path) {
    std::error_code error;
    const auto journal = std::filesystem::file_size(path + "-wal", error);
    return !error && journal > 0 ? Connection::Access::read_only : Connection::Access::immutable;
}

std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

std::vector<std::string> columns_of(Connection& connection, const std::string& table) {
    std::vector<std::string> names;
    Statement rows = connection.prepare("SELECT name FROM pragma_table_info(?)");
    rows.bind(1, std::string_view(table));
    while (rows.step()) names.push_back(rows.text(0));
    return names;
}

struct Table {
    std::string name;
    std::vector<std::string> columns;
};

// Tables before views, the seed's own name before others.
Table find_table(Connection& connection) {
    std::vector<std::string> names;
    Statement rows = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
        "ORDER BY name <> 'calibration_runs', type, name");
    while (rows.step()) names.push_back(rows.text(0));
    for (const std::string& name : names) {
        const std::vector<std::string> columns = columns_of(connection, name);
        const std::set<std::string> has(columns.begin(), columns.end());
        if (has.contains("timestamp") && has.contains("hardware_fingerprint") &&
            has.contains("precision") && has.contains("device"))
            return {name, columns};
    }
    return {};
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

// SQLite's own words, without the path that the caller names anyway.
tl::unexpected<Error> told(const Status& status, const std::string& path) {
    std::string message = status.error().message;
    if (message.starts_with(path + " ")) message.erase(0, path.size() + 1);
    return failed(message);
}

}  // namespace

bool is_peakward_database(const std::string& path) {
    Connection connection(path, access_to(path), std::chrono::milliseconds(0));
    return connection.scalar("PRAGMA application_id") == store::application_id && connection.ok();
}

Result<Json> read_foreign_rows(const std::string& path) {
    Connection connection(path, access_to(path), std::chrono::milliseconds(1000));
    const Table table = find_table(connection);
    if (auto status = connection.status(); !status) return told(status, path);
    if (table.name.empty())
        return failed(
            "is an SQLite database without a table of calibrations: one needs the columns "
            "timestamp, hardware_fingerprint, precision and device");
    std::vector<std::string> columns;
    for (const std::string& column : table.columns) columns.push_back(quoted(column));
    Statement rows = connection.prepare(fmt::format(
        "SELECT {} FROM {} LIMIT {}", fmt::join(columns, ", "), quoted(table.name), rows_max + 1));
    Json list = Json::array();
    while (connection.ok() && rows.step()) {
        Json row = Json::object();
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            row[table.columns[i]] = cell_of(rows.value(static_cast<int>(i)));
        list.push_back(std::move(row));
    }
    if (auto status = connection.status(); !status) return told(status, path);
    if (static_cast<std::int64_t>(list.size()) > rows_max)
        return failed(fmt::format("has more than {} rows: split it", rows_max));
    if (list.empty()) return failed("is a database of calibrations without a row");
    return list;
}

}  // namespace peakward
