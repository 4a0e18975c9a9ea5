#include "present/roofline_view.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "present/measurement_view.hpp"

namespace peakward {
namespace {

// More series than these cannot be told apart: points are then gathered by precision alone.
constexpr std::size_t point_series_max = 8;

struct Roof {
    std::string name;
    double value = 0;  // GOPS, or GB/s of the memory's
    std::string kind, source;
};

struct Roofs {
    std::optional<Roof> memory;
    std::map<std::string, Roof> compute;  // precision -> roof
};

std::string peak_source(const Peak& peak) {
    std::string text = peak.formula;
    if (!peak.spec_version.empty())
        text += fmt::format("{}hardware database, entry version {}", text.empty() ? "" : "; ",
                            peak.spec_version);
    if (peak.doubtful) text += "; doubtful: more was measured";
    return text.empty() ? "no formula recorded" : text;
}

bool is_known(const Peak& peak) { return peak.kind != PeakKind::unknown && peak.value > 0; }

void add_roofs_of(const Score& score, Roofs& roofs, std::vector<std::string>& missing) {
    const auto say = [&](std::string sentence) {
        if (std::find(missing.begin(), missing.end(), sentence) == missing.end())
            missing.push_back(std::move(sentence));
    };
    if (is_known(score.theoretical_peak))
        roofs.compute.try_emplace(score.precision,
                                  Roof{score.precision + " peak", score.theoretical_peak.value,
                                       std::string(to_string(score.theoretical_peak.kind)),
                                       peak_source(score.theoretical_peak)});
    else if (score.peak_measured_gops)
        say(fmt::format("No compute roof for {}: {}.", score.precision,
                        score.theoretical_peak.reason.empty() ? "its peak is unknown"
                                                              : score.theoretical_peak.reason));
    if (is_known(score.theoretical_bandwidth) && !roofs.memory)
        roofs.memory = Roof{"memory", score.theoretical_bandwidth.value,
                            std::string(to_string(score.theoretical_bandwidth.kind)),
                            peak_source(score.theoretical_bandwidth)};
}

Roofs roofs_of(const Run& run, const std::string& device, std::vector<std::string>& missing) {
    Roofs roofs;
    const Score* best = nullptr;
    std::string reason;
    for (const Score& score : run.results) {
        if (score.device != device) continue;
        add_roofs_of(score, roofs, missing);
        if (score.theoretical_bandwidth.kind == PeakKind::unknown)
            reason = score.theoretical_bandwidth.reason;
        if (score.stream_best_gbps && (!best || *score.stream_best_gbps > *best->stream_best_gbps))
            best = &score;
    }
    if (roofs.memory) return roofs;
    if (best) {
        roofs.memory =
            Roof{"memory, measured", *best->stream_best_gbps, "measured",
                 fmt::format("best STREAM of {}; the theoretical bandwidth is unknown: {}",
                             best->backend, reason.empty() ? "no reason recorded" : reason)};
    } else {
        missing.push_back(
            "No memory roof: the bandwidth was neither measured in this run nor is it "
            "known in theory" +
            (reason.empty() ? "." : " (" + reason + ")."));
    }
    return roofs;
}

struct Place {
    double intensity = 0, gops = 0, low = 0, high = 0;
};

// Where a measurement stands; none for those without operations or without bytes (register kernels,
// probes, copies), which have no place on either axis.
std::optional<Place> place_of(const Measurement& m) {
    if (m.outcome != Outcome::measured || !(m.statistics.median_s > 0)) return std::nullopt;
    const catalog::Operation* operation = catalog::find_operation(m.what.operation);
    if (!operation || operation->kind == catalog::OperationClass::probe) return std::nullopt;
    const double operations = operation->operations(m.what).value();
    const double bytes = operation->bytes(m.what).value();
    if (!(operations > 0) || !(bytes > 0)) return std::nullopt;
    const auto gops = [&](double seconds) {
        return seconds > 0 ? operations / seconds / 1e9 : std::nan("");
    };
    // The slow end of the time is the low end of the rate.
    return Place{operations / bytes, gops(m.statistics.median_s), gops(m.statistics.ci_high_s),
                 gops(m.statistics.ci_low_s)};
}

std::string detail_of(const Measurement& m) {
    std::string text = fmt::format("{}, {}", case_words(m.what), m.what.backend);
    if (!m.implementation.empty()) text += ", " + m.implementation;
    return text;
}

std::vector<PlotSeries> point_series(const Run& run, const std::string& device) {
    std::map<std::string, PlotSeries> by_both, by_precision;
    for (const Measurement& m : run.measurements) {
        if (m.what.device != device) continue;
        const auto place = place_of(m);
        if (!place) continue;
        const PlotPoint point{place->intensity, place->gops, place->low,
                              place->high,      {},          detail_of(m)};
        by_both[m.what.precision + ", " + m.what.backend].points.push_back(point);
        by_precision[m.what.precision].points.push_back(point);
    }
    std::vector<PlotSeries> out;
    for (auto& [name, series] : by_both.size() <= point_series_max ? by_both : by_precision) {
        series.name = name;
        series.style = PlotStyle::marks;
        std::stable_sort(series.points.begin(), series.points.end(),
                         [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; });
        out.push_back(std::move(series));
    }
    return out;
}

PlotSeries roof_line(const std::string& name, const Roof& compute,
                     const std::optional<Roof>& memory, double from, double to) {
    PlotSeries line{name, {}, PlotStyle::line};
    const auto at = [&](double x) {
        PlotPoint point;
        point.x = x;
        point.y = memory ? std::min(compute.value, memory->value * x) : compute.value;
        line.points.push_back(point);
    };
    at(from);
    if (memory) {
        const double ridge = compute.value / memory->value;
        if (ridge > from && ridge < to) at(ridge);
    }
    at(to);
    return line;
}

Table roofs_table(const Roofs& roofs) {
    Table table;
    table.title = "Roofs";
    table.columns = {{"roof", "Roof"},
                     {"value", "Value", Unit::none, Align::right},
                     {"kind", "Kind"},
                     {"ridge", "Ridge, op/byte", Unit::none, Align::right},
                     {"source", "Where it comes from"}};
    const auto row = [&](const Roof& roof, Unit unit) {
        Cell ridge;
        if (unit == Unit::gops && roofs.memory) {
            const double at = roof.value / roofs.memory->value;
            ridge = Cell{at, Tone::plain, fmt::format("{:.1f}", at)};
        }
        table.rows.push_back({cell(roof.name),
                              Cell{roof.value, Tone::plain, format_with_unit(roof.value, unit)},
                              cell(roof.kind), ridge, cell(roof.source)});
    };
    if (roofs.memory) row(*roofs.memory, Unit::gbps);
    for (const auto& [precision, roof] : roofs.compute) row(roof, Unit::gops);
    return table;
}

}  // namespace

Roofline roofline_of(const Run& run, const std::string& device) {
    Roofline out;
    const Roofs roofs = roofs_of(run, device, out.missing);
    out.roofs = roofs_table(roofs);
    Plot& plot = out.plot;
    plot.title = "Roofline of " + device_words(run.context.hardware, device);
    plot.x = {"Operations per byte", Unit::none, AxisScale::log10};
    plot.y = {"Rate", Unit::gops, AxisScale::log10};
    plot.series = point_series(run, device);
    if (plot.series.empty()) return out;
    double from = INFINITY, to = 0;
    for (const PlotSeries& series : plot.series) {
        from = std::min(from, series.points.front().x);
        to = std::max(to, series.points.back().x);
    }
    if (roofs.memory)
        for (const auto& [precision, roof] : roofs.compute)
            to = std::max(to, roof.value / roofs.memory->value);
    from /= 2;
    to *= 4;
    for (const auto& [precision, roof] : roofs.compute)
        plot.series.push_back(roof_line(fmt::format("{} roof, {}", precision, roof.kind), roof,
                                        roofs.memory, from, to));
    if (roofs.compute.empty() && roofs.memory)
        plot.series.push_back(roof_line(roofs.memory->name + " roof",
                                        Roof{{}, roofs.memory->value * to, {}, {}}, roofs.memory,
                                        from, to));
    plot.notes.push_back(
        "Operations per byte are those of an operation's definition: caches may move less, so a "
        "point "
        "can stand above the memory roof.");
    return out;
}

}  // namespace peakward
