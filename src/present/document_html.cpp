// One HTML file: style, script, plotting library and data stand in it. See web/ for the first
// three.
#include <string>

#include "core/text.hpp"
#include "embedded/report_script.hpp"
#include "embedded/report_style.hpp"
#include "embedded/uplot_licence.hpp"
#include "present/document_formats.hpp"
#include "present/html_text.hpp"
#include "present/plot_drawing.hpp"
#include "present/table_formats.hpp"

namespace peakward::detail {
namespace {

// Beside a plot: enough to read, and not the export once more.
constexpr std::size_t plot_rows_max = 60;
constexpr std::size_t mark_rows_max = 60;
// A series of more points than a wide screen has pixels is drawn thinned.
constexpr std::size_t points_max = 2000;

std::string joined(std::span<const embedded::File> files) {
    std::string out;
    for (const embedded::File& file : files) out += std::string(file.content) + "\n";
    return out;
}

std::string_view tone_class(Tone tone) {
    switch (tone) {
        case Tone::good:
            return "good";
        case Tone::bad:
            return "bad";
        case Tone::doubtful:
            return "doubtful";
        case Tone::dim:
            return "dim";
        case Tone::strong:
            return "strong";
        case Tone::plain:
            break;
    }
    return "";
}

std::string class_of(Tone tone, bool number = false) {
    std::string classes(tone_class(tone));
    if (number) classes += classes.empty() ? "n" : " n";
    return classes.empty() ? "" : fmt::format(" class=\"{}\"", classes);
}

std::string column_title(const Column& column) {
    const std::string_view label = unit_label(column.unit);
    if (label.empty() || column.title == label) return column.title;
    return fmt::format("{} ({})", column.title, label);
}

std::string paragraph_html(const Paragraph& paragraph) {
    const std::string mark = paragraph.mark.empty() ? "" : paragraph.mark + " ";
    return fmt::format("<p{}>{}</p>\n", class_of(paragraph.tone), html_text(mark + paragraph.text));
}

std::string notes_html(const std::vector<std::string>& notes) {
    std::string out;
    for (const std::string& note : notes)
        out += fmt::format("<p class=\"note\">{}</p>\n", html_text(note));
    return out;
}

std::string facts_html(const std::vector<Field>& fields) {
    std::string out = "<dl>\n";
    for (const Field& field : fields) {
        const std::string mark = field.mark.empty() ? "" : field.mark + " ";
        out += fmt::format("<div><dt>{}</dt><dd{}>{}", html_text(field.label), class_of(field.tone),
                           html_text(mark + field.value));
        for (const std::string& detail : field.details)
            out += fmt::format("<span class=\"detail\">{}</span>", html_text(detail));
        out += "</dd></div>\n";
    }
    return out + "</dl>\n";
}

std::string table_html(const Table& table, const std::string& fallback_title) {
    const std::string title = html_text(table.title.empty() ? fallback_title : table.title);
    std::string out = fmt::format(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table>"
        "<caption{}>{}</caption>\n<thead><tr>",
        // A table that has no name of its own stands below its name already.
        title, table.title.empty() ? " class=\"said\"" : "", title);
    for (const Column& column : table.columns)
        out += fmt::format("<th scope=\"col\"{}>{}</th>",
                           class_of(Tone::plain, column.align == Align::right),
                           html_text(column_title(column)));
    out += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
        out += "<tr>";
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const Cell nothing;
            const Cell& cell = i < row.size() ? row[i] : nothing;
            const bool number = table.columns[i].align == Align::right;
            const std::string text = html_text(cell_text(cell, table.columns[i]));
            // The first column names the row for whoever hears the table.
            out += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", class_of(cell.tone, number),
                                        text)
                          : fmt::format("<td{}>{}</td>", class_of(cell.tone, number), text);
        }
        out += "</tr>\n";
    }
    return out + "</tbody></table></div>\n" + notes_html(table.notes);
}

// How a series looks, in words' place: its line, its glyph and its name.
std::string legend_html(const Plot& plot) {
    std::string out = "<ul class=\"legend\">\n";
    bool doubts = false;
    for (std::size_t i = 0; i < plot.series.size(); ++i) {
        const PlotSeries& series = plot.series[i];
        const bool curve = series.style == PlotStyle::line;
        out += fmt::format(
            "<li data-series=\"{}\"><svg class=\"swatch\" viewBox=\"0 0 34 12\" "
            "aria-hidden=\"true\">"
            "{}",
            i,
            series.style == PlotStyle::marks
                ? ""
                : fmt::format("<path class=\"{} s{} d{}\" d=\"M1 6H33\"/>",
                              curve ? "curve" : "line", i % glyph_count, dash_of(i)));
        if (!curve)
            out += fmt::format("<path class=\"glyph s{}\" d=\"M17 6{}\"/>", i % glyph_count,
                               glyph_paths[i % glyph_count]);
        out += fmt::format("</svg>{}</li>\n",
                           html_text(series.name.empty() ? plot.y.title : series.name));
        for (const PlotPoint& point : series.points) doubts = doubts || !point.doubts.empty();
    }
    if (doubts)
        out += fmt::format(
            "<li class=\"key\"><svg class=\"swatch\" viewBox=\"0 0 34 12\" "
            "aria-hidden=\"true\"><path class=\"hollow plain\" d=\"M17 6{}\"/></svg>"
            "hollow: doubtful, counted nowhere</li>\n",
            glyph_paths[0]);
    std::string seen;
    for (const PlotMark& mark : plot.marks) {
        const char letter = letter_of(mark.kind);
        if (seen.find(letter) != std::string::npos) continue;
        seen += letter;
        out += fmt::format("<li class=\"key\"><b>{}</b> {}</li>\n", letter,
                           html_text(std::string(words_of(mark.kind))));
    }
    return out + "</ul>\n";
}

class Page {
public:
    explicit Page(const Document& document) : document_(document) {}

    std::string html() {
        const std::string style = joined(embedded::report_style());
        const std::string script = joined(embedded::report_script());
        out_ = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
        out_ += fmt::format(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action "
            "'none'\">\n",
            policy_hash(style), policy_hash(script));
        out_ +=
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<meta name=\"generator\" content=\"peakward\">\n";
        out_ += fmt::format("<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
                            html_text(document_.title), style);
        head();
        out_ += "<main id=\"main\">\n";
        for (const Chapter& chapter : document_.chapters) add(chapter);
        out_ += fmt::format("</main>\n<footer><p>{}</p></footer>\n", html_text(document_.end));
        // The plotting library's licence goes with every copy of it.
        out_ += fmt::format("<!-- The plots are drawn by uPlot.\n{}-->\n",
                            joined(embedded::uplot_licence()));
        out_ += fmt::format("<script>{}</script>\n</body>\n</html>\n", script);
        return std::move(out_);
    }

private:
    void head() {
        out_ += fmt::format(
            "<a class=\"skip\" href=\"#main\">To the content</a>\n<header>\n<h1>{}</h1>\n",
            html_text(document_.title));
        if (!document_.lead.empty())
            out_ += fmt::format("<p class=\"lead\">{}</p>\n", html_text(document_.lead));
        if (!document_.facts.empty()) out_ += facts_html(document_.facts);
        out_ += "<nav aria-label=\"Chapters\"><ul>\n";
        for (const Chapter& chapter : document_.chapters)
            if (!chapter.blocks.empty())
                out_ += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", chapter.id,
                                    html_text(chapter.title));
        out_ += "</ul></nav>\n</header>\n";
    }

    void add(const Chapter& chapter) {
        if (chapter.blocks.empty()) return;
        heading_ = chapter.title;
        out_ += fmt::format(
            "<section id=\"{}\" aria-labelledby=\"{}-title\">\n<h2 "
            "id=\"{}-title\">{}</h2>\n",
            chapter.id, chapter.id, chapter.id, html_text(chapter.title));
        for (const Block& block : chapter.blocks)
            std::visit([this](const auto& content) { add(content); }, block);
        out_ += "</section>\n";
    }
    void add(const Heading& heading) {
        heading_ = heading.text;
        out_ += fmt::format("<h3>{}</h3>\n", html_text(heading.text));
    }
    void add(const Paragraph& paragraph) { out_ += paragraph_html(paragraph); }
    void add(const Facts& facts) { out_ += facts_html(facts.fields); }
    void add(const Table& table) { out_ += table_html(table, heading_); }

    void add(const Plot& given) {
        const Table figures = points_table(given, plot_rows_max);
        if (figures.rows.empty()) {
            out_ += fmt::format("<p class=\"dim\">{}: nothing was measured yet.</p>\n",
                                html_text(given.title));
            return;
        }
        const Plot plot = thinned(given, points_max);
        const std::string id = fmt::format("plot-{}", ++plots_);
        out_ += fmt::format("<figure class=\"plot\" id=\"{}\">\n<figcaption>{}</figcaption>\n", id,
                            html_text(plot.title));
        out_ += fmt::format("<div class=\"still\">{}</div>\n", plot_svg(plot, id));
        out_ += legend_html(plot);
        out_ += notes_html(plot.notes);
        out_ += fmt::format("<details><summary>Figures{}</summary>\n",
                            plot.marks.empty() ? "" : " and events");
        out_ += table_html(figures, plot.title);
        if (const Table marks = marks_table(plot, mark_rows_max); !marks.rows.empty())
            out_ += table_html(marks, plot.title);
        out_ +=
            fmt::format("</details>\n<script type=\"application/json\">{}</script>\n</figure>\n",
                        plot_data(plot));
    }

    const Document& document_;
    std::string out_;
    std::string heading_;
    int plots_ = 0;
};

}  // namespace

std::string document_html(const Document& document) { return Page(document).html(); }

}  // namespace peakward::detail
