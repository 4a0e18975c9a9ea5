#include "present/document.hpp"

#include <array>

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
    for (const Known& one : known)
        if (one.format == format) return one.render(document);
    return {};
}

}  // namespace peakward
