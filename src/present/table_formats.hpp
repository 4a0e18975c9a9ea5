// The renderers behind render(): one file each. Adding a format: a file, a line here and one in
// table.cpp.
#pragma once

#include "present/table.hpp"

namespace peakward::detail {

// `left_out` is the number of columns that did not fit.
struct TableText {
    std::string text;
    std::size_t left_out = 0;
};
TableText table_text(const Table& table, const Terminal& terminal);
// "(2 more columns: ...)", the line that says so.
std::string left_out_line(std::size_t left_out, const Terminal& terminal);
std::string table_json(const Table& table);
std::string table_csv(const Table& table);
std::string table_markdown(const Table& table);
// Text of others between Markdown: safe characters, and nothing in it becomes markup.
std::string markdown_text(std::string_view text);

// What people see of a cell: `shown`, else the value at the scale of the column's unit, else "-".
std::string cell_text(const Cell& cell, const Column& column);

}  // namespace peakward::detail
