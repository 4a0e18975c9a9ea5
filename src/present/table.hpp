// A result has one to_table(); every output format renders any table. Formats plus results, never
// formats times results.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/json.hpp"

namespace peakward {

enum class Align { left, right };

// How a number is meant, so that printers know units and not metrics.
enum class Unit {
    none,
    count,
    gops,
    gbps,
    seconds,
    bytes,
    percent,
    ratio_as_percent,
    mhz,
    gib,
    watts,
    joules,
    celsius,
    days,
};

struct Column {
    std::string key;    // "peak_measured_gops": the name in CSV and JSON
    std::string title;  // "GOPS"
    Unit unit = Unit::none;
    Align align = Align::left;
    int priority = 0;  // on a narrow terminal, columns with higher numbers are left out first
};

enum class Tone { plain, good, bad, doubtful, dim, strong };

struct Cell {
    // Empty: nothing to show (printed as "-", null in JSON).
    std::variant<std::monostate, std::string, double, std::int64_t> value;
    Tone tone = Tone::plain;
    // What people see in place of the value, in text and Markdown ("✓ 99.1 %", a short id); CSV and
    // JSON always carry the value.
    std::string shown = {};
};

struct Table {
    std::string title;
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
    std::vector<std::string> notes;  // printed below
};

struct Terminal {
    int columns = 80;
    bool colour = false;
    bool unicode = true;
    bool is_terminal = false;
};

enum class Format { text, json, csv, markdown };
std::optional<Format> format_from(std::string_view word);

std::vector<std::string> format_names();

// The whole table with a newline at its end. Text fits terminal.columns: columns of high priority
// numbers are left out first (and counted in a last line), then the widest text is cut.
std::string render(const Table& table, Format format, const Terminal& terminal);
// Text of one value with its unit at human scale: 107.4 GOPS -> "107.4", 3.2e-5 s -> "32.0 us".
std::string format_value(double value, Unit unit);
// The same with its unit always there: "107.4 GOPS", "8 GiB".
std::string format_with_unit(double value, Unit unit);
// "GOPS", "GB/s": what stands above a column of format_value(); "" where the value carries it.
std::string_view unit_label(Unit unit);

// Cells of what records hold: nothing for an absent number or an empty text.
Cell cell(std::string text, Tone tone = Tone::plain);
Cell cell(const char* text, Tone tone = Tone::plain);
Cell cell(double number, Tone tone = Tone::plain);
Cell cell(std::int64_t number, Tone tone = Tone::plain);
Cell cell(int number, Tone tone = Tone::plain);
Cell cell(const std::optional<double>& number, Tone tone = Tone::plain);

}  // namespace peakward
