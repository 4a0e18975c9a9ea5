#include "present/document.hpp"

#include <array>

#include "core/private_paths.hpp"
#include "core/text.hpp"
#include "present/document_formats.hpp"

namespace peakward {
namespace {

struct Known {
    std::string_view ending;
    DocumentFormat format;
    std::string (*render)(const Document& document);
};

constexpr std::array<Known, 2> known{
    {{".html", DocumentFormat::html, detail::document_html},
     {".md", DocumentFormat::markdown, detail::document_markdown}}};

// A document is made to be shared: no text in it holds a path of the user.
class Sharing {
public:
    void take(std::string& text) { text = without_private_paths(text); }
    void take(std::vector<std::string>& texts) {
        for (std::string& text : texts) take(text);
    }
    void take(Field& field) {
        take(field.label);
        take(field.value);
        take(field.details);
    }
    void take(Heading& heading) { take(heading.text); }
    void take(Paragraph& paragraph) { take(paragraph.text); }
    void take(Facts& facts) {
        for (Field& field : facts.fields) take(field);
    }
    void take(Table& table) {
        take(table.title);
        take(table.notes);
        for (auto& row : table.rows)
            for (Cell& cell : row) {
                if (auto* text = std::get_if<std::string>(&cell.value)) take(*text);
                take(cell.shown);
            }
    }
    void take(Plot& plot) {
        take(plot.title);
        take(plot.notes);
        for (PlotLevel& level : plot.levels) take(level.label);
        for (PlotMark& mark : plot.marks) {
            take(mark.label);
            take(mark.detail);
        }
        for (PlotSeries& series : plot.series) {
            take(series.name);
            for (PlotPoint& point : series.points) {
                take(point.doubts);
                take(point.detail);
            }
        }
    }
    void take(Document& document) {
        take(document.title);
        take(document.lead);
        for (Field& field : document.facts) take(field);
        for (Chapter& chapter : document.chapters) {
            take(chapter.title);
            for (Block& block : chapter.blocks)
                std::visit([this](auto& content) { take(content); }, block);
        }
        take(document.end);
    }
};

}  // namespace

void append(Chapter& chapter, const Section& section) {
    if (!section.title.empty()) chapter.blocks.emplace_back(Heading{section.title});
    if (!section.fields.empty()) chapter.blocks.emplace_back(Facts{section.fields});
    for (const Table& table : section.tables) chapter.blocks.emplace_back(table);
    for (const Paragraph& paragraph : section.paragraphs) chapter.blocks.emplace_back(paragraph);
}

std::optional<DocumentFormat> document_format_of(std::string_view path) {
    const std::string lower = to_lower(path);
    for (const Known& one : known)
        if (lower.ends_with(one.ending)) return one.format;
    return std::nullopt;
}

std::vector<std::string> document_endings() {
    std::vector<std::string> endings;
    for (const Known& one : known) endings.emplace_back(one.ending);
    return endings;
}

std::string render(const Document& document, DocumentFormat format) {
    Document shared = document;
    Sharing().take(shared);
    for (const Known& one : known)
        if (one.format == format) return one.render(shared);
    return {};
}

}  // namespace peakward
