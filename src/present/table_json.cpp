// One object per row, keyed by the columns' keys. ASCII only: a document may end on a terminal,
// and an escape sequence out of a lying sysfs file must not (C1 controls are valid UTF-8).
#include "present/table_formats.hpp"

namespace peakward::detail {
namespace {

Json cell_json(const Cell& cell) {
    return std::visit(
        [](const auto& value) -> Json {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>)
                return nullptr;
            else
                return value;
        },
        cell.value);
}

}  // namespace

std::string table_json(const Table& table) {
    Json rows = Json::array();
    for (const auto& row : table.rows) {
        Json object = Json::object();
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            object[table.columns[i].key] = i < row.size() ? cell_json(row[i]) : Json(nullptr);
        rows.push_back(std::move(object));
    }
    return rows.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace peakward::detail
