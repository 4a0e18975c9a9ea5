// A plot as JSON for web/report.js. Keys are short and arrays run beside each other because a year
// of ten series must stay a small file:
//   {"title", "x": AXIS, "y": AXIS, "xs": [[…]], "words": [""…], "series": [SERIES…],
//    "marks": [[x, letter, kind, label]…], "levels": [[y, label]…]}
//   AXIS: {"title", "unit", "scale": "linear|log10|time", "from", "to"}, the ends of what is drawn
//   SERIES: {"name", "style": "points|line|marks", "x": place in xs, "y": […], "low": […], "high":
//   […],
//            "doubts": [place in words…], "detail": [place in words…]}; arrays without content are
//            left out
// Times are seconds; figures have six digits, more than any of them deserves.
#include <cmath>
#include <map>

#include "core/text.hpp"
#include "present/html_text.hpp"
#include "present/plot_drawing.hpp"

namespace peakward::detail {
namespace {

std::string number(double value) {
    if (!std::isfinite(value)) return "null";
    return fmt::format("{:.6g}", value);
}

std::string position(const PlotAxis& axis, double value) {
    if (axis.scale == AxisScale::time) return fmt::format("{:.0f}", value);
    return number(value);
}

std::string_view word_of(Unit unit) {
    switch (unit) {
        case Unit::gops:
            return "gops";
        case Unit::gbps:
            return "gbps";
        case Unit::seconds:
            return "s";
        case Unit::bytes:
            return "bytes";
        case Unit::percent:
            return "percent";
        case Unit::ratio_as_percent:
            return "ratio";
        case Unit::mhz:
            return "mhz";
        case Unit::gib:
            return "gib";
        case Unit::watts:
            return "w";
        case Unit::joules:
            return "j";
        case Unit::celsius:
            return "celsius";
        case Unit::days:
            return "days";
        case Unit::none:
        case Unit::count:
            break;
    }
    return "";
}

std::string_view word_of(AxisScale scale) {
    if (scale == AxisScale::time) return "time";
    return scale == AxisScale::log10 ? "log10" : "linear";
}

std::string_view word_of(PlotStyle style) {
    if (style == PlotStyle::line) return "line";
    return style == PlotStyle::marks ? "marks" : "points";
}

std::string axis_data(const PlotAxis& axis, const Extent& extent) {
    return fmt::format(R"({{"title":{},"unit":"{}","scale":"{}","from":{},"to":{}}})",
                       script_string(axis_title(axis)), word_of(axis.unit), word_of(axis.scale),
                       position(axis, extent.low), position(axis, extent.high));
}

// Every list or word once, by its place.
class Places {
public:
    std::size_t of(const std::string& text) {
        const auto [at, is_new] = places_.try_emplace(text, places_.size());
        if (is_new) all_.push_back(text);
        return at->second;
    }
    std::string joined() const { return fmt::format("[{}]", fmt::join(all_, ",")); }

private:
    std::map<std::string, std::size_t> places_;
    std::vector<std::string> all_;
};

class Data {
public:
    explicit Data(const Plot& plot) : plot_(plot) { words_.of("\"\""); }

    std::string text() {
        std::vector<std::string> series;
        for (const PlotSeries& one : plot_.series) series.push_back(series_data(one));
        std::vector<std::string> marks, levels;
        for (const PlotMark& mark : plot_.marks)
            marks.push_back(fmt::format(
                R"([{},"{}",{},{}])", position(plot_.x, mark.x), letter_of(mark.kind),
                script_string(std::string(words_of(mark.kind))), script_string(mark.label)));
        for (const PlotLevel& level : plot_.levels)
            levels.push_back(fmt::format("[{},{}]", number(level.y), script_string(level.label)));
        return fmt::format(
            R"({{"title":{},"x":{},"y":{},"xs":{},"words":{},"series":[{}],"marks":[{}],"levels":[{}]}})",
            script_string(plot_.title), axis_data(plot_.x, x_extent(plot_)),
            axis_data(plot_.y, y_extent(plot_)), xs_.joined(), words_.joined(),
            fmt::join(series, ","), fmt::join(marks, ","), fmt::join(levels, ","));
    }

private:
    std::string place_of(const std::string& text) {
        return fmt::format("{}", words_.of(script_string(text)));
    }

    std::string series_data(const PlotSeries& s) {
        std::vector<std::string> x, y, low, high, doubts, detail;
        bool has_interval = false, has_doubts = false, has_detail = false;
        for (const PlotPoint& p : s.points) {
            x.push_back(position(plot_.x, p.x));
            y.push_back(number(p.y));
            low.push_back(number(p.low));
            high.push_back(number(p.high));
            doubts.push_back(place_of(p.doubts));
            detail.push_back(place_of(p.detail));
            has_interval = has_interval || std::isfinite(p.low);
            has_doubts = has_doubts || !p.doubts.empty();
            has_detail = has_detail || !p.detail.empty();
        }
        std::string out = fmt::format(
            R"({{"name":{},"style":"{}","x":{},"y":[{}])", script_string(s.name), word_of(s.style),
            xs_.of(fmt::format("[{}]", fmt::join(x, ","))), fmt::join(y, ","));
        if (has_interval)
            out += fmt::format(R"(,"low":[{}],"high":[{}])", fmt::join(low, ","),
                               fmt::join(high, ","));
        if (has_doubts) out += fmt::format(R"(,"doubts":[{}])", fmt::join(doubts, ","));
        if (has_detail) out += fmt::format(R"(,"detail":[{}])", fmt::join(detail, ","));
        return out + "}";
    }

    const Plot& plot_;
    Places xs_, words_;
};

}  // namespace

std::string plot_data(const Plot& plot) { return Data(plot).text(); }

}  // namespace peakward::detail
