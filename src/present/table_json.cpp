// One object per row, keyed by the columns' keys.
#include "present/json_text.hpp"
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
    return json_text(rows, 2) + "\n";
}

}  // namespace peakward::detail
