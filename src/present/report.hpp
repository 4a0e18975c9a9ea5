// Several facts and tables on one page: what `show`, `context` and `doctor` print. Rendered as text
// for a terminal or as Markdown; CSV and JSON have the tables and the records themselves.
#pragma once

#include <string>
#include <vector>

#include "present/table.hpp"

namespace peakward {

// "label   value", or with a mark "✓ label   value"; details stand below it, indented.
struct Field {
    std::string label;
    std::string value;
    Tone tone = Tone::plain;
    std::string mark;
    std::vector<std::string> details;
};

inline Field field(std::string label, std::string value, Tone tone = Tone::plain) {
    return {std::move(label), std::move(value), tone, {}, {}};
}

struct Paragraph {
    std::string text;
    Tone tone = Tone::plain;
    std::string mark;  // "⚠", "✗"
};

struct Section {
    std::string title;  // "" for the lines right below the banner
    std::vector<Field> fields;
    std::vector<Table> tables;
    std::vector<Paragraph> paragraphs;
};

struct Report {
    std::string title;
    std::vector<Section> sections;
};

// Format::markdown gives Markdown, every other format text.
std::string render(const Report& report, Format format, const Terminal& terminal);

}  // namespace peakward
