// The same content as Markdown, for a wiki or a review: plots are drawn in characters, with their
// figures below.
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/document_formats.hpp"
#include "present/plot_drawing.hpp"
#include "present/table_formats.hpp"

namespace peakward::detail {
namespace {

constexpr std::size_t plot_table_rows_max = 25;
constexpr std::size_t mark_table_rows_max = 25;
constexpr int plot_columns = 100;  // what a code block shows without scrolling

// More backticks than there are in a row inside, so that no name ends the block.
std::string fence_around(std::string_view content) {
    std::string fence = "````";
    while (content.find(fence) != std::string_view::npos) fence += '`';
    return fence;
}

std::string table_block(const Table& table) { return table_markdown(table) + "\n"; }

class MarkdownPage {
public:
    std::string markdown(const Document& document) {
        out_ = "# " + markdown_text(document.title) + "\n\n";
        if (!document.lead.empty()) out_ += markdown_text(document.lead) + "\n\n";
        if (!document.facts.empty()) add(Facts{document.facts});
        for (const Chapter& chapter : document.chapters) {
            if (chapter.blocks.empty()) continue;
            out_ += "## " + markdown_text(chapter.title) + "\n\n";
            for (const Block& block : chapter.blocks)
                std::visit([this](const auto& content) { add(content); }, block);
        }
        out_ += markdown_text(document.end) + "\n";
        return std::move(out_);
    }

private:
    void add(const Heading& heading) { out_ += "### " + markdown_text(heading.text) + "\n\n"; }
    void add(const Paragraph& paragraph) {
        if (!paragraph.mark.empty()) out_ += paragraph.mark + " ";
        out_ += markdown_text(paragraph.text) + "\n\n";
    }
    void add(const Facts& facts) {
        Table table;
        table.columns = {{"label", "Fact"}, {"value", "Value"}};
        for (const Field& field : facts.fields) {
            const std::string mark = field.mark.empty() ? "" : field.mark + " ";
            std::string value = field.value;
            for (const std::string& detail : field.details) value += "; " + detail;
            table.rows.push_back({cell(mark + field.label), cell(value)});
        }
        out_ += table_block(table);
    }
    void add(const Table& table) { out_ += table_block(table); }
    void add(const Plot& plot) {
        const Table figures = points_table(plot, plot_table_rows_max);
        if (figures.rows.empty()) {
            out_ += markdown_text(plot.title) + ": nothing was measured yet.\n\n";
            return;
        }
        Terminal screen;
        screen.columns = plot_columns;
        const std::string drawing = render(plot, screen, {});
        const std::string fence = fence_around(drawing);
        out_ += fence + "text\n" + drawing + fence + "\n\n" + table_block(figures);
        if (const Table marks = marks_table(plot, mark_table_rows_max); !marks.rows.empty())
            out_ += table_block(marks);
    }

    std::string out_;
};

}  // namespace

std::string document_markdown(const Document& document) {
    return MarkdownPage().markdown(document);
}

}  // namespace peakward::detail
