// Plots for people: axes with labels, dots in braille, blocks or ASCII, never wider than the
// terminal.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.hpp"
#include "present/display_text.hpp"
#include "present/paint.hpp"
#include "present/plot_canvas.hpp"
#include "present/plot_ticks.hpp"

namespace peakward {
namespace {

using detail::Canvas;
using detail::Tick;

constexpr int rows_min = 10, rows_max = 24;
constexpr int drawing_columns_min = 8;
constexpr int time_label_columns = 13;  // "2026-11-20" or "11-20 14:30" and a gap

struct Span {
    double from = INFINITY, to = -INFINITY;
    void take(double value) {
        if (!std::isfinite(value)) return;
        from = std::min(from, value);
        to = std::max(to, value);
    }
    bool empty() const { return !(from <= to); }
};

double on_scale(double value, AxisScale scale) {
    if (scale != AxisScale::log10) return value;
    return value > 0 ? std::log10(value) : NAN;
}

bool is_drawn(const PlotPoint& point, const Plot& plot) {
    return std::isfinite(on_scale(point.x, plot.x.scale)) &&
           std::isfinite(on_scale(point.y, plot.y.scale));
}

// A range of one value becomes one that can be drawn.
void widen(Span& range, AxisScale scale) {
    if (range.from < range.to) return;
    const double by = scale == AxisScale::time    ? 43200
                      : scale == AxisScale::log10 ? range.from * 0.5
                      : range.from == 0           ? 1
                                                  : std::abs(range.from) * 0.05;
    range.from -= by;
    range.to += by;
}

Span x_range(const Plot& plot) {
    Span range;
    for (const PlotSeries& series : plot.series)
        for (const PlotPoint& point : series.points)
            if (is_drawn(point, plot)) range.take(point.x);
    if (range.empty()) return range;
    for (const auto& bound : {plot.x.from, plot.x.to})
        if (bound) range.take(*bound);
    widen(range, plot.x.scale);
    return range;
}

Span y_range(const Plot& plot) {
    Span range;
    for (const PlotSeries& series : plot.series)
        for (const PlotPoint& point : series.points) {
            if (!is_drawn(point, plot)) continue;
            range.take(point.y);
            for (const double bound : {point.low, point.high})
                if (std::isfinite(on_scale(bound, plot.y.scale))) range.take(bound);
        }
    if (range.empty()) return range;
    for (const auto& bound : {plot.y.from, plot.y.to})
        if (bound) range.take(*bound);
    widen(range, plot.y.scale);
    // A level near the data is worth its room; one far away would only flatten them.
    const double near = (range.to - range.from) * 0.35;
    Span with_levels = range;
    for (const PlotLevel& level : plot.levels)
        if (level.y > range.from - near && level.y < range.to + near) with_levels.take(level.y);
    if (plot.y.scale == AxisScale::log10) return with_levels;
    const double air = (with_levels.to - with_levels.from) * 0.04;
    return {with_levels.from - air, with_levels.to + air};
}

struct Glyphs {
    std::array<const char*, 4> point, doubtful;
    const char *side, *side_tick, *corner, *floor, *floor_tick;
};
constexpr Glyphs unicode_glyphs{
    {"●", "■", "▲", "◆"}, {"○", "□", "△", "◇"}, "│", "┤", "└", "─", "┬"};
constexpr Glyphs ascii_glyphs{{"o", "x", "+", "*"}, {"?", "?", "?", "?"}, "|", "+", "+", "-", "+"};

// Everything that the parts of a drawing share.
class Drawing {
public:
    Drawing(const Plot& plot, const Terminal& terminal, const PlotSize& size)
        : plot_(plot), terminal_(terminal), x_(x_range(plot)), y_(y_range(plot)) {
        glyphs_ = size.glyphs;
        if (glyphs_ == PlotGlyphs::automatic) glyphs_ = PlotGlyphs::braille;
        if (!terminal.unicode) glyphs_ = PlotGlyphs::ascii;
        words_ = terminal;
        words_.unicode = glyphs_ != PlotGlyphs::ascii;
        const int width =
            size.columns > 0 ? std::min(size.columns, terminal.columns) : terminal.columns;
        rows_ = size.rows > 0 ? size.rows : std::clamp(width / 6, rows_min, rows_max);
        y_ticks_ = plot.y.scale == AxisScale::log10
                       ? detail::decade_ticks(y_.from, y_.to, plot.y.unit, rows_ * 2 / 3)
                       : detail::number_ticks(y_.from, y_.to, plot.y.unit, rows_ * 2 / 3);
        for (const Tick& tick : y_ticks_) margin_ = std::max(margin_, display_width(tick.label));
        columns_ = std::max(drawing_columns_min, width - margin_ - 3);
    }

    std::string text() const;

private:
    const Glyphs& marks() const {
        return glyphs_ == PlotGlyphs::ascii ? ascii_glyphs : unicode_glyphs;
    }
    static double part(double value, const Span& range, AxisScale scale) {
        const double from = on_scale(range.from, scale), to = on_scale(range.to, scale);
        return (on_scale(value, scale) - from) / (to - from);
    }
    int dot_x(const Canvas& canvas, double x) const {
        return static_cast<int>(
            std::lround(part(x, x_, plot_.x.scale) * (canvas.dot_columns() - 1)));
    }
    // Heights outside the picture stay just outside it.
    int dot_y(const Canvas& canvas, double y) const {
        const double at = part(y, y_, plot_.y.scale) * (canvas.dot_rows() - 1);
        return static_cast<int>(std::lround(std::clamp(at, -1.0, double(canvas.dot_rows()))));
    }
    void draw_band(Canvas& canvas, const PlotSeries& series) const;
    void draw_series(Canvas& canvas, const PlotSeries& series, std::size_t index) const;
    std::vector<Tick> x_ticks() const;
    int tick_column(double x) const {
        return static_cast<int>(std::lround(part(x, x_, plot_.x.scale) * (columns_ - 1)));
    }
    std::string floor_line(const std::vector<Tick>& ticks) const;
    std::string event_line() const;
    std::string label_line(const std::vector<Tick>& ticks) const;
    std::string key() const;
    std::string wrapped(const std::string& text, Tone tone) const;
    std::string indent() const { return std::string(static_cast<std::size_t>(margin_) + 2, ' '); }

    const Plot& plot_;
    const Terminal& terminal_;
    Terminal words_;  // ASCII words beside an ASCII drawing
    Span x_, y_;
    PlotGlyphs glyphs_;
    int rows_ = rows_min, columns_ = drawing_columns_min, margin_ = 0;
    std::vector<Tick> y_ticks_;
};

void Drawing::draw_band(Canvas& canvas, const PlotSeries& series) const {
    const PlotPoint* before = nullptr;
    for (const PlotPoint& point : series.points) {
        const bool has_band =
            is_drawn(point, plot_) && std::isfinite(point.low) && std::isfinite(point.high);
        // Doubtful points, and points in no order, have their intervals for themselves.
        if (!has_band || !point.doubts.empty() || series.style == PlotStyle::marks) {
            if (has_band)
                canvas.band(dot_x(canvas, point.x), dot_y(canvas, point.low),
                            dot_y(canvas, point.high));
            continue;
        }
        const int x = dot_x(canvas, point.x);
        const int first = before ? dot_x(canvas, before->x) : x;
        for (int at = first; at <= x; ++at) {
            const double share = x == first ? 1 : static_cast<double>(at - first) / (x - first);
            const auto between = [&](double a, double b) { return a + (b - a) * share; };
            canvas.band(at, dot_y(canvas, before ? between(before->low, point.low) : point.low),
                        dot_y(canvas, before ? between(before->high, point.high) : point.high));
        }
        before = &point;
    }
}

void Drawing::draw_series(Canvas& canvas, const PlotSeries& series, std::size_t index) const {
    // A mark for each point says more, until they hide each other.
    const bool joined = series.style != PlotStyle::marks;
    const bool marked = !joined || (series.style == PlotStyle::points &&
                                    static_cast<int>(series.points.size()) * 2 <= columns_);
    const Tone tone = index == 0 ? Tone::good : Tone::plain;
    const std::size_t which = index % marks().point.size();
    const PlotPoint* before = nullptr;
    for (const PlotPoint& point : series.points) {
        if (!is_drawn(point, plot_)) {
            before = nullptr;
            continue;
        }
        const int x = dot_x(canvas, point.x), y = dot_y(canvas, point.y);
        if (!point.doubts.empty()) {
            canvas.mark(x, y, marks().doubtful[which], Tone::doubtful);
            continue;
        }
        if (before && joined)
            canvas.line(dot_x(canvas, before->x), dot_y(canvas, before->y), x, y, tone);
        else
            canvas.dot(x, y, detail::Ink::line, tone);
        if (marked) canvas.mark(x, y, marks().point[which], tone);
        before = &point;
    }
}

std::vector<Tick> Drawing::x_ticks() const {
    if (plot_.x.scale == AxisScale::time)
        return detail::time_ticks(x_.from, x_.to, columns_ / time_label_columns);
    const int most = columns_ / 9;
    return plot_.x.scale == AxisScale::log10
               ? detail::decade_ticks(x_.from, x_.to, plot_.x.unit, most)
               : detail::number_ticks(x_.from, x_.to, plot_.x.unit, most);
}

std::string Drawing::floor_line(const std::vector<Tick>& ticks) const {
    std::vector<bool> has_tick(static_cast<std::size_t>(columns_));
    for (const Tick& tick : ticks) has_tick[static_cast<std::size_t>(tick_column(tick.at))] = true;
    std::string line = std::string(static_cast<std::size_t>(margin_) + 1, ' ') + marks().corner;
    for (const bool tick : has_tick) line += tick ? marks().floor_tick : marks().floor;
    return line + "\n";
}

std::string Drawing::event_line() const {
    std::string line(static_cast<std::size_t>(columns_), ' ');
    for (const PlotMark& mark : plot_.marks) {
        const int column = tick_column(mark.x);
        if (column < 0 || column >= columns_) continue;
        char& at = line[static_cast<std::size_t>(column)];
        at = at == ' ' || at == letter_of(mark.kind) ? letter_of(mark.kind) : '*';
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line.empty() ? "" : indent() + paint(line, Tone::strong, terminal_) + "\n";
}

// Labels are centred below their ticks, and the outer ones kept inside.
std::string Drawing::label_line(const std::vector<Tick>& ticks) const {
    std::string line(static_cast<std::size_t>(columns_), ' ');
    int free_from = 0;
    for (const Tick& tick : ticks) {
        const int width = static_cast<int>(tick.label.size());
        const int at =
            std::clamp(tick_column(tick.at) - width / 2, 0, std::max(0, columns_ - width));
        if (at < free_from || at + width > columns_) continue;
        line.replace(static_cast<std::size_t>(at), tick.label.size(), tick.label);
        free_from = at + width + 1;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line.empty() ? "" : indent() + line + "\n";
}

std::string Drawing::wrapped(const std::string& text, Tone tone) const {
    std::string out;
    for (const std::string& line : wrap_text(screen_text(text, words_), terminal_.columns))
        out += paint(line, tone, terminal_) + "\n";
    return out;
}

// What the marks mean, of those that occur.
std::string Drawing::key() const {
    std::vector<std::string> words;
    bool doubtful = false, banded = false;
    for (std::size_t i = 0; i < plot_.series.size(); ++i) {
        const PlotSeries& series = plot_.series[i];
        for (const PlotPoint& point : series.points) {
            doubtful = doubtful || (is_drawn(point, plot_) && !point.doubts.empty());
            banded = banded || point.low < point.high;
        }
        if (!series.name.empty())
            words.push_back(
                fmt::format("{} {}", marks().point[i % marks().point.size()], series.name));
    }
    if (doubtful) words.push_back(fmt::format("{} doubtful", marks().doubtful[0]));
    if (banded)
        words.push_back(glyphs_ == PlotGlyphs::ascii    ? ": 95 % interval"
                        : glyphs_ == PlotGlyphs::blocks ? "░ 95 % interval"
                                                        : "⢕ 95 % interval");
    for (const PlotLevel& level : plot_.levels) {
        const auto says_it = [&](const Tick& tick) { return tick.label == level.label; };
        if (level.y >= y_.from && level.y <= y_.to && !level.label.empty() &&
            std::none_of(y_ticks_.begin(), y_ticks_.end(), says_it))
            words.push_back(
                fmt::format("{} {}", glyphs_ == PlotGlyphs::ascii ? "-" : "┈", level.label));
    }
    std::string events;
    for (const PlotMark& mark : plot_.marks)
        if (events.find(letter_of(mark.kind)) == std::string::npos) {
            events += letter_of(mark.kind);
            words.push_back(fmt::format("{} {}", letter_of(mark.kind), words_of(mark.kind)));
        }
    // A line breaks between two of them and not within one.
    std::string out, line;
    for (const std::string& word : words) {
        if (!line.empty() && display_width(line) + display_width(word) + 2 > terminal_.columns) {
            out += wrapped(line + ",", Tone::dim);
            line.clear();
        }
        line += (line.empty() ? "" : ", ") + word;
    }
    return line.empty() ? out : out + wrapped(line, Tone::dim);
}

std::string Drawing::text() const {
    Canvas canvas(columns_, rows_, glyphs_);
    for (const PlotLevel& level : plot_.levels)
        if (level.y >= y_.from && level.y <= y_.to) canvas.level(dot_y(canvas, level.y));
    for (const PlotMark& mark : plot_.marks)
        if (mark.x >= x_.from && mark.x <= x_.to) canvas.vertical(dot_x(canvas, mark.x));
    for (const PlotSeries& series : plot_.series) draw_band(canvas, series);
    for (std::size_t i = 0; i < plot_.series.size(); ++i) draw_series(canvas, plot_.series[i], i);

    std::vector<std::string> labels(static_cast<std::size_t>(rows_));
    for (const Tick& tick : y_ticks_) {
        const int y = std::clamp(dot_y(canvas, tick.at), 0, canvas.dot_rows() - 1);
        labels[static_cast<std::size_t>(canvas.row_of(y))] = tick.label;
    }
    std::string out;
    if (!plot_.title.empty()) out += wrapped(plot_.title, Tone::strong);
    const std::string_view unit = unit_label(plot_.y.unit);
    if (!plot_.y.title.empty())
        out += wrapped(unit.empty() || plot_.y.title == unit
                           ? plot_.y.title
                           : fmt::format("{} ({})", plot_.y.title, unit),
                       Tone::dim);
    for (int row = 0; row < rows_; ++row) {
        const std::string& label = labels[static_cast<std::size_t>(row)];
        std::string drawn = canvas.row_text(row, terminal_);
        if (!terminal_.colour) drawn.erase(drawn.find_last_not_of(' ') + 1);
        out += pad_left(label, margin_) + " " + (label.empty() ? marks().side : marks().side_tick) +
               drawn + "\n";
    }
    const std::vector<Tick> ticks = x_ticks();
    out += floor_line(ticks) + event_line() + label_line(ticks);
    if (plot_.x.scale != AxisScale::time && !plot_.x.title.empty())
        out += indent() + screen_text(plot_.x.title, words_) + "\n";
    out += key();
    for (const std::string& note : plot_.notes) out += wrapped(note, Tone::plain);
    return out;
}

}  // namespace

char letter_of(PlotEvent kind) {
    switch (kind) {
        case PlotEvent::software:
            return 'S';
        case PlotEvent::firmware:
            return 'F';
        case PlotEvent::regression:
            return 'R';
        case PlotEvent::improvement:
            return 'I';
        case PlotEvent::milestone:
            return 'M';
        case PlotEvent::note:
            return 'N';
    }
    return 'N';
}

std::string_view words_of(PlotEvent kind) {
    switch (kind) {
        case PlotEvent::software:
            return "software change";
        case PlotEvent::firmware:
            return "firmware change";
        case PlotEvent::regression:
            return "regression";
        case PlotEvent::improvement:
            return "improvement";
        case PlotEvent::milestone:
            return "milestone";
        case PlotEvent::note:
            return "note";
    }
    return "note";
}

std::string render(const Plot& plot, const Terminal& terminal, const PlotSize& size) {
    if (x_range(plot).empty() || y_range(plot).empty()) {
        const std::string title = plot.title.empty() ? "" : plot.title + ": ";
        std::string out;
        for (const std::string& line : wrap_text(
                 screen_text(title + "no point that could be drawn", terminal), terminal.columns))
            out += line + "\n";
        return out;
    }
    return Drawing(plot, terminal, size).text();
}

}  // namespace peakward
