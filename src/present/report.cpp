#include "present/report.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/paint.hpp"
#include "present/table_formats.hpp"

namespace peakward {
namespace {

constexpr int rule_columns_max = 132;  // a longer line of "=" helps nobody
constexpr int label_columns_max = 30;

std::string rule(char c, const Terminal& terminal) {
    return std::string(static_cast<std::size_t>(std::min(terminal.columns, rule_columns_max)), c) +
           "\n";
}

// `first` before the first line, as many spaces before the others.
std::string hanging(const std::string& first, int first_width, std::string_view text, Tone tone,
                    const Terminal& terminal) {
    std::string out;
    bool is_first = true;
    const int room = std::max(20, terminal.columns - first_width);
    for (const std::string& line : wrap_text(screen_text(text, terminal), room)) {
        out += is_first ? first : std::string(static_cast<std::size_t>(first_width), ' ');
        out += paint(line, tone, terminal) + "\n";
        is_first = false;
    }
    return out;
}

std::string fields_text(const std::vector<Field>& fields, const Terminal& terminal) {
    int label_width = 0, mark_width = 0;
    for (const Field& field : fields) {
        label_width = std::max(label_width, display_width(screen_text(field.label, terminal)));
        mark_width = std::max(mark_width, display_width(screen_text(field.mark, terminal)));
    }
    label_width = std::min({label_width, label_columns_max, std::max(8, terminal.columns / 3)});
    std::string out;
    for (const Field& field : fields) {
        std::string first;
        int width = 0;
        if (mark_width > 0) {
            const std::string mark = pad_right(screen_text(field.mark, terminal), mark_width);
            first += paint(mark, field.tone, terminal) + " ";
            width += mark_width + 1;
        }
        first += paint(pad_right(cut_to_width(screen_text(field.label, terminal), label_width,
                                              terminal.unicode),
                                 label_width),
                       mark_width > 0 ? Tone::strong : Tone::plain, terminal);
        first += "  ";
        width += label_width + 2;
        const Tone tone = mark_width > 0 ? Tone::plain : field.tone;
        out += hanging(first, width, field.value, tone, terminal);
        const std::string indent(static_cast<std::size_t>(width), ' ');
        for (const std::string& detail : field.details)
            out += hanging(indent, width, detail, Tone::dim, terminal);
    }
    return out;
}

std::string paragraph_text(const Paragraph& paragraph, const Terminal& terminal) {
    std::string first;
    int width = 0;
    if (!paragraph.mark.empty()) {
        const std::string mark = screen_text(paragraph.mark, terminal);
        first = paint(mark, paragraph.tone, terminal) + " ";
        width = display_width(mark) + 1;
    }
    const Tone tone = paragraph.mark.empty() ? paragraph.tone : Tone::plain;
    return hanging(first, width, paragraph.text, tone, terminal);
}

std::string report_text(const Report& report, const Terminal& terminal) {
    std::string out;
    if (!report.title.empty())
        out += rule('=', terminal) + hanging("", 0, report.title, Tone::strong, terminal) +
               rule('=', terminal);
    bool first = true;
    bool left_out = false;
    for (const Section& section : report.sections) {
        if (!first || !section.title.empty()) out += "\n";
        first = false;
        if (!section.title.empty())
            out += hanging("", 0, section.title, Tone::strong, terminal) + rule('-', terminal);
        out += fields_text(section.fields, terminal);
        for (std::size_t i = 0; i < section.tables.size(); ++i) {
            if (i > 0 || !section.fields.empty()) out += "\n";
            const detail::TableText drawn = detail::table_text(section.tables[i], terminal);
            out += drawn.text;
            left_out = left_out || drawn.left_out > 0;
        }
        for (const Paragraph& paragraph : section.paragraphs)
            out += paragraph_text(paragraph, terminal);
    }
    // Once for the page, where render() of a single table counts them.
    if (left_out)
        out += hanging("", 0,
                       fmt::format("Columns were left out to fit {}: a wider terminal shows them, "
                                   "--format csv has all.",
                                   terminal.columns),
                       Tone::dim, terminal);
    return out;
}

std::string report_markdown(const Report& report) {
    std::string out;
    if (!report.title.empty()) out += "# " + safe_text(report.title) + "\n\n";
    for (const Section& section : report.sections) {
        if (!section.title.empty()) out += "## " + safe_text(section.title) + "\n\n";
        if (!section.fields.empty()) {
            Table table;
            table.columns = {{"label", "Fact"}, {"value", "Value"}};
            for (const Field& field : section.fields) {
                const std::string label =
                    field.mark.empty() ? field.label : field.mark + " " + field.label;
                std::string value = field.value;
                for (const std::string& detail : field.details) value += "; " + detail;
                table.rows.push_back({cell(label), cell(value)});
            }
            out += render(table, Format::markdown, {}) + "\n";
        }
        for (const Table& table : section.tables) out += render(table, Format::markdown, {}) + "\n";
        for (const Paragraph& paragraph : section.paragraphs) {
            if (!paragraph.mark.empty()) out += paragraph.mark + " ";
            out += safe_text(paragraph.text) + "\n\n";
        }
    }
    while (out.size() > 1 && out.ends_with("\n\n")) out.pop_back();
    return out;
}

}  // namespace

std::string render(const Report& report, Format format, const Terminal& terminal) {
    return format == Format::markdown ? report_markdown(report) : report_text(report, terminal);
}

}  // namespace peakward
