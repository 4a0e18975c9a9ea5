// The words and tables beside a plot: the same figures for whoever reads instead of looks.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.hpp"
#include "present/plot_drawing.hpp"

namespace peakward::detail {
namespace {

struct Row {
    const PlotSeries* series;
    const PlotPoint* point;
};

bool any(const std::vector<Row>& rows, bool (*has)(const PlotPoint&)) {
    return std::any_of(rows.begin(), rows.end(), [&](const Row& r) { return has(*r.point); });
}

Cell x_cell(const Plot& plot, double x) { return {x, Tone::plain, axis_text(plot.x, x)}; }

// First, smallest, largest and last of each stretch, so that no spike is lost.
std::vector<PlotPoint> thinned_points(const std::vector<PlotPoint>& points,
                                      std::size_t points_max) {
    const std::size_t stretches = std::max<std::size_t>(1, points_max / 4);
    std::vector<PlotPoint> kept;
    for (std::size_t s = 0; s < stretches; ++s) {
        const std::size_t begin = points.size() * s / stretches;
        const std::size_t end = points.size() * (s + 1) / stretches;
        std::vector<std::size_t> chosen{begin, end - 1};
        const auto smaller = [&](std::size_t a, std::size_t b) {
            return points[a].y < points[b].y;
        };
        std::vector<std::size_t> known;
        for (std::size_t i = begin; i < end; ++i)
            if (std::isfinite(points[i].y)) known.push_back(i);
        if (!known.empty()) {
            chosen.push_back(*std::min_element(known.begin(), known.end(), smaller));
            chosen.push_back(*std::max_element(known.begin(), known.end(), smaller));
        }
        std::sort(chosen.begin(), chosen.end());
        chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
        for (const std::size_t i : chosen) kept.push_back(points[i]);
    }
    return kept;
}

}  // namespace

Plot thinned(const Plot& plot, std::size_t points_max) {
    Plot out = plot;
    std::size_t before = 0, after = 0;
    for (PlotSeries& series : out.series) {
        before += series.points.size();
        if (series.points.size() > points_max)
            series.points = thinned_points(series.points, points_max);
        after += series.points.size();
    }
    if (after < before)
        out.notes.push_back(fmt::format(
            "Drawn are {} of {} points: of each stretch the first, the smallest, the largest and "
            "the last one. peakward export has all of them.",
            after, before));
    return out;
}

Table points_table(const Plot& plot, std::size_t rows_max) {
    std::vector<Row> rows;
    for (const PlotSeries& series : plot.series) {
        if (series.style == PlotStyle::line) continue;
        for (const PlotPoint& point : series.points) rows.push_back({&series, &point});
    }
    Table table;
    if (rows.empty()) return table;
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.point->x > b.point->x; });
    const std::size_t all = rows.size();
    if (all > rows_max) rows.resize(rows_max);
    const bool named = plot.series.size() > 1;
    const bool interval = any(rows, [](const PlotPoint& p) { return std::isfinite(p.low); });
    const bool doubts = any(rows, [](const PlotPoint& p) { return !p.doubts.empty(); });
    const bool detail = any(rows, [](const PlotPoint& p) { return !p.detail.empty(); });
    const Align x_align = plot.x.scale == AxisScale::time ? Align::left : Align::right;
    table.title = plot.title + ": figures";
    table.columns.push_back(
        {"x", plot.x.title.empty() ? "Date" : plot.x.title, Unit::none, x_align});
    if (named) table.columns.push_back({"series", "Series"});
    table.columns.push_back({"y", plot.y.title, plot.y.unit, Align::right});
    if (interval) {
        table.columns.push_back({"ci_low", "95 % from", plot.y.unit, Align::right});
        table.columns.push_back({"ci_high", "to", plot.y.unit, Align::right});
    }
    if (doubts) table.columns.push_back({"doubts", "Doubts"});
    if (detail) table.columns.push_back({"detail", "Run"});
    const auto number = [](double value) { return std::isfinite(value) ? cell(value) : Cell{}; };
    for (const auto& [series, point] : rows) {
        std::vector<Cell> row{x_cell(plot, point->x)};
        if (named) row.push_back(cell(series->name));
        row.push_back(number(point->y));
        if (interval) {
            row.push_back(number(point->low));
            row.push_back(number(point->high));
        }
        if (doubts)
            row.push_back(point->doubts.empty()
                              ? Cell{}
                              : Cell{point->doubts, Tone::doubtful, "⚠ " + point->doubts});
        if (detail) row.push_back(cell(point->detail, Tone::dim));
        table.rows.push_back(std::move(row));
    }
    if (all > rows.size())
        table.notes.push_back(
            fmt::format("The {} {} of {} figures; peakward export has all of them.", rows.size(),
                        plot.x.scale == AxisScale::time ? "newest" : "farthest to the right", all));
    return table;
}

Table marks_table(const Plot& plot, std::size_t rows_max) {
    Table table;
    table.title = plot.title + ": events";
    table.columns = {{"x", "Date"}, {"letter", "Mark"}, {"kind", "Kind"}, {"label", "What"}};
    for (auto mark = plot.marks.rbegin(); mark != plot.marks.rend(); ++mark) {
        if (table.rows.size() == rows_max) {
            table.notes.push_back(
                fmt::format("The newest {} of {} events.", rows_max, plot.marks.size()));
            break;
        }
        std::string what = mark->label;
        if (!mark->detail.empty() && mark->detail != mark->label) what += "; " + mark->detail;
        table.rows.push_back({x_cell(plot, mark->x), cell(std::string(1, letter_of(mark->kind))),
                              cell(std::string(words_of(mark->kind))), cell(what)});
    }
    return table;
}

std::string plot_words(const Plot& plot) {
    std::size_t points = 0;
    for (const PlotSeries& series : plot.series)
        if (series.style != PlotStyle::line) points += series.points.size();
    std::string words =
        fmt::format("{}: {} series, {} points", plot.title, plot.series.size(), points);
    for (const PlotSeries& series : plot.series) {
        const PlotPoint *first = nullptr, *last = nullptr;
        for (const PlotPoint& point : series.points) {
            if (!std::isfinite(point.y)) continue;
            if (!first) first = &point;
            last = &point;
        }
        if (!first || plot.series.size() > 8 || series.style != PlotStyle::points) continue;
        words += fmt::format("; {}from {} at {} to {} at {}",
                             series.name.empty() ? "" : series.name + " ",
                             format_with_unit(first->y, plot.y.unit), axis_text(plot.x, first->x),
                             format_with_unit(last->y, plot.y.unit), axis_text(plot.x, last->x));
    }
    return words + ".";
}

}  // namespace peakward::detail
