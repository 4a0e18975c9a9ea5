// A still plot: what is seen without a script, and on paper.
#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "present/html_text.hpp"
#include "present/plot_drawing.hpp"

namespace peakward::detail {
namespace {

constexpr double width = 760, height = 380;
constexpr double left = 64, right = 14, top = 24, bottom = 46;
constexpr double letter_room = 13;      // two letters of events closer than this would touch
constexpr std::size_t glyphs_max = 48;  // of one series: more of them are a smear

class Drawing {
public:
    Drawing(const Plot& plot, const std::string& id)
        : plot_(plot), id_(id), x_(x_extent(plot)), y_(y_extent(plot)) {}

    std::string svg() {
        out_ = fmt::format(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{}-words\">"
            "<title id=\"{}-words\">{}</title>",
            width, height, id_, id_, html_text(plot_words(plot_)));
        axes();
        marks();
        levels();
        out_ += fmt::format(
            "<clipPath id=\"{}-area\"><rect x=\"{}\" y=\"{}\" width=\"{}\" "
            "height=\"{}\"/></clipPath><g clip-path=\"url(#{}-area)\">",
            id_, left - 5, top - 5, width - left - right + 10, height - top - bottom + 10, id_);
        for (std::size_t i = 0; i < plot_.series.size(); ++i) band(i);
        for (std::size_t i = 0; i < plot_.series.size(); ++i) line(i);
        for (std::size_t i = 0; i < plot_.series.size(); ++i) glyphs(i);
        return out_ + "</g></svg>";
    }

private:
    double at_x(double x) const { return left + place(plot_.x, x_, x) * (width - left - right); }
    double at_y(double y) const {
        return height - bottom - place(plot_.y, y_, y) * (height - top - bottom);
    }
    bool is_drawn(const PlotPoint& p) const {
        return std::isfinite(p.y) && std::isfinite(p.x) &&
               (plot_.y.scale != AxisScale::log10 || p.y > 0) &&
               (plot_.x.scale != AxisScale::log10 || p.x > 0);
    }
    // Tenths of a pixel are enough, and steps from point to point are half as long as places.
    void start(double x, double y) {
        at_x_ = std::lround(x * 10);
        at_y_ = std::lround(y * 10);
        out_ += 'M' + tenths(at_x_) + ' ' + tenths(at_y_);
    }
    void step(double x, double y) {
        const long next_x = std::lround(x * 10), next_y = std::lround(y * 10);
        const std::string down = tenths(next_y - at_y_);
        out_ += 'l' + tenths(next_x - at_x_) + (down.front() == '-' ? "" : " ") + down;
        at_x_ = next_x;
        at_y_ = next_y;
    }
    static std::string tenths(long value) {
        std::string text = fmt::format("{}{}", value < 0 ? "-" : "", std::labs(value) / 10);
        if (value % 10 != 0) text += fmt::format(".{}", std::labs(value) % 10);
        return text;
    }

    void axes() {
        const double floor = height - bottom, end = width - right;
        for (const Tick& tick : ticks(plot_.y, y_, 6)) {
            const double y = at_y(tick.at);
            out_ += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>", left, y, end);
            out_ += fmt::format(
                "<text class=\"tick\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}"
                "</text>",
                left - 7, y + 4, html_text(tick.label));
        }
        for (const Tick& tick : ticks(plot_.x, x_, 7)) {
            const double x = at_x(tick.at);
            out_ += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/>", x, top, floor);
            out_ += fmt::format(
                "<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">"
                "{}</text>",
                std::clamp(x, left + 14, end - 26), floor + 17, html_text(tick.label));
        }
        out_ += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>", left, top, floor, end);
        out_ += fmt::format("<text class=\"name\" x=\"{}\" y=\"14\">{}</text>", 2,
                            html_text(axis_title(plot_.y)));
        out_ += fmt::format("<text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                            end, height - 6, html_text(axis_title(plot_.x)));
    }

    void marks() {
        double last = -1e9;
        for (const PlotMark& mark : plot_.marks) {
            if (!std::isfinite(mark.x)) continue;
            const double x = at_x(mark.x);
            const char letter = letter_of(mark.kind);
            out_ += fmt::format(
                "<path class=\"mark m{}\" d=\"M{:.1f} {}V{}\"><title>{}</title>"
                "</path>",
                letter, x, top, height - bottom,
                html_text(axis_text(plot_.x, mark.x) + ": " + mark.label));
            if (x - last < letter_room) continue;
            out_ += fmt::format(
                "<text class=\"letter\" x=\"{:.1f}\" y=\"{}\" "
                "text-anchor=\"middle\">{}</text>",
                x, top - 3, letter);
            last = x;
        }
    }

    void levels() {
        for (const PlotLevel& level : plot_.levels) {
            if (!std::isfinite(level.y)) continue;
            const double y = at_y(level.y);
            out_ +=
                fmt::format("<path class=\"level\" d=\"M{} {:.1f}H{}\"/>", left, y, width - right);
            out_ += fmt::format(
                "<text class=\"tick\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}"
                "</text>",
                width - right - 4, y - 4, html_text(level.label));
        }
    }

    void band(std::size_t at) {
        const auto has_interval = [&](const PlotPoint& p) {
            return is_drawn(p) && p.doubts.empty() && std::isfinite(p.low) &&
                   std::isfinite(p.high) && (plot_.y.scale != AxisScale::log10 || p.low > 0);
        };
        const auto& points = plot_.series[at].points;
        std::vector<const PlotPoint*> run;
        for (const PlotPoint& point : points)
            if (has_interval(point)) run.push_back(&point);
        if (run.empty()) return;
        // Between points in no order there is nothing to fill: a bar each.
        const bool bars = plot_.series[at].style == PlotStyle::marks || run.size() == 1;
        out_ += fmt::format("<path class=\"{} s{}\" d=\"", bars ? "bar" : "band", at % glyph_count);
        if (bars) {
            for (const PlotPoint* p : run) {
                start(at_x(p->x), at_y(p->low));
                step(at_x(p->x), at_y(p->high));
            }
        } else {
            start(at_x(run[0]->x), at_y(run[0]->high));
            for (std::size_t i = 1; i < run.size(); ++i) step(at_x(run[i]->x), at_y(run[i]->high));
            for (std::size_t i = run.size(); i-- > 0;) step(at_x(run[i]->x), at_y(run[i]->low));
            out_ += 'z';
        }
        out_ += "\"/>";
    }

    void line(std::size_t at) {
        const PlotSeries& series = plot_.series[at];
        if (series.style == PlotStyle::marks) return;
        const bool curve = series.style == PlotStyle::line;
        std::string path;
        path.swap(out_);
        bool joins = false;
        for (const PlotPoint& point : series.points) {
            if (!point.doubts.empty()) continue;  // shown, and never joined
            if (is_drawn(point)) {
                if (joins)
                    step(at_x(point.x), at_y(point.y));
                else
                    start(at_x(point.x), at_y(point.y));
            }
            joins = is_drawn(point);
        }
        path.swap(out_);
        if (!path.empty())
            out_ += fmt::format("<path class=\"{} s{} d{}\" d=\"{}\"/>", curve ? "curve" : "line",
                                at % glyph_count, dash_of(at), path);
    }

    void glyphs(std::size_t at) {
        const PlotSeries& series = plot_.series[at];
        if (series.style == PlotStyle::line) return;
        const std::string_view shape = glyph_paths[at % glyph_count];
        const std::size_t every = series.points.size() / glyphs_max + 1;
        std::string solid, hollow;
        for (std::size_t i = 0; i < series.points.size(); ++i) {
            const PlotPoint& point = series.points[i];
            if (!is_drawn(point)) continue;
            if (point.doubts.empty() && i % every != 0) continue;
            std::string& path = point.doubts.empty() ? solid : hollow;
            path.swap(out_);
            start(at_x(point.x), at_y(point.y));
            out_ += shape;
            path.swap(out_);
        }
        if (!solid.empty())
            out_ += fmt::format("<path class=\"glyph s{}\" d=\"{}\"/>", at % glyph_count, solid);
        if (!hollow.empty())
            out_ += fmt::format("<path class=\"hollow s{}\" d=\"{}\"/>", at % glyph_count, hollow);
    }

    const Plot& plot_;
    const std::string& id_;
    Extent x_, y_;
    std::string out_;
    long at_x_ = 0, at_y_ = 0;  // tenths of a pixel
};

}  // namespace

std::string plot_svg(const Plot& plot, const std::string& id) { return Drawing(plot, id).svg(); }

}  // namespace peakward::detail
