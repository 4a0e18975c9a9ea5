// Extents, ticks and labels of a drawn plot.
#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "present/plot_drawing.hpp"

namespace peakward::detail {
namespace {

// Room around the data, as a share of what they span.
constexpr double margin_share = 0.04;

class Span {
public:
    void add(double value) {
        if (!std::isfinite(value)) return;
        low_ = any_ ? std::min(low_, value) : value;
        high_ = any_ ? std::max(high_, value) : value;
        any_ = true;
    }
    Extent extent(const PlotAxis& axis) {
        if (axis.from) add(*axis.from);
        if (axis.to) add(*axis.to);
        if (axis.scale == AxisScale::log10) return log_extent();
        if (!any_) return {0, 1};
        double room = (high_ - low_) * margin_share;
        if (!(room > 0))
            room = axis.scale == AxisScale::time ? day_s / 2
                                                 : std::max(std::abs(high_) * margin_share, 1e-9);
        // An axis that starts at zero because it was asked to stays there.
        const double low = axis.from && *axis.from <= low_ ? low_ : low_ - room;
        const double high = axis.to && *axis.to >= high_ ? high_ : high_ + room;
        return {low, high};
    }

private:
    Extent log_extent() const {
        if (!any_ || high_ <= 0) return {1, 10};
        const double low = low_ > 0 ? low_ : high_ / 1e3;
        return {low / 1.3, std::max(high_, low * 2) * 1.3};
    }
    bool any_ = false;
    double low_ = 0, high_ = 0;
};

}  // namespace

Extent x_extent(const Plot& plot) {
    Span span;
    for (const PlotSeries& series : plot.series)
        for (const PlotPoint& point : series.points) span.add(point.x);
    for (const PlotMark& mark : plot.marks) span.add(mark.x);
    return span.extent(plot.x);
}

Extent y_extent(const Plot& plot) {
    Span span;
    for (const PlotSeries& series : plot.series) {
        for (const PlotPoint& point : series.points) {
            span.add(point.y);
            span.add(point.low);
            span.add(point.high);
        }
    }
    for (const PlotLevel& level : plot.levels) span.add(level.y);
    return span.extent(plot.y);
}

std::vector<Tick> ticks(const PlotAxis& axis, const Extent& extent, int most) {
    switch (axis.scale) {
        case AxisScale::time:
            return time_ticks(extent.low, extent.high, most);
        case AxisScale::log10:
            // Rates are "100" here, not "100.0".
            return decade_ticks(
                extent.low, extent.high,
                axis.unit == Unit::gops || axis.unit == Unit::gbps ? Unit::none : axis.unit, most);
        case AxisScale::linear:
            break;
    }
    return number_ticks(extent.low, extent.high, axis.unit, most);
}

double place(const PlotAxis& axis, const Extent& extent, double value) {
    if (axis.scale == AxisScale::log10)
        return std::log(value / extent.low) / std::log(extent.high / extent.low);
    return (value - extent.low) / (extent.high - extent.low);
}

std::string axis_text(const PlotAxis& axis, double value) {
    if (axis.scale != AxisScale::time) return format_with_unit(value, axis.unit);
    // Runs at midnight to the second are days typed by hand.
    return day_text(value, std::fmod(value, day_s) != 0);
}

std::string axis_title(const PlotAxis& axis) {
    std::string_view unit = unit_label(axis.unit);
    if (axis.unit == Unit::watts) unit = "W";
    if (axis.unit == Unit::celsius) unit = "°C";
    if (axis.unit == Unit::days) unit = "days";
    if (unit.empty() || axis.title == unit) return axis.title;
    return axis.title.empty() ? std::string(unit) : fmt::format("{} ({})", axis.title, unit);
}

}  // namespace peakward::detail
