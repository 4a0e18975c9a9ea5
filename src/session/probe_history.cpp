#include "session/probe_history.hpp"

#include <algorithm>
#include <cmath>

#include "catalog/isa.hpp"
#include "core/time_text.hpp"

namespace peakward {
namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

void ProbeHistory::add(const Key& key, const Probe& probe) {
    const auto& [precision, isa, threads] = key;
    if (!(probe.operations_per_cycle > 0) || !(probe.clock_hz > 0)) return;
    const auto legal = catalog::round_to_legal(probe.operations_per_cycle, isa, precision);
    if (legal && legal->agrees) probes_[key].push_back(probe);
}

Result<ProbeHistory> ProbeHistory::read(RunStore& store, const std::string& lineage,
                                        const std::optional<std::string>& power_mode) {
    SeriesFilter filter;
    filter.kind = SeriesKind::measurement;
    filter.lineages = {lineage};
    filter.metrics = {"clock_hz", "operations_per_cycle"};
    filter.device = "cpu";
    filter.operation = "compute_peak";
    // A case's two metrics come as two series; installs are put together.
    using Place = std::tuple<std::string, std::string, int, std::int64_t>;
    std::map<Place, Probe> found;
    const auto status = store.each_series(filter, [&](Series&& series) -> Status {
        const SeriesKey& key = series.key;
        if (key.power_mode != power_mode) return {};
        for (const SeriesPoint& point : series.points) {
            if (point.doubts != 0 || std::isnan(point.value)) continue;
            Probe& probe =
                found[{key.precision, axis_word(key.shape, "isa"), key.threads, point.seq}];
            probe.time_unix = point.time_unix;
            (key.metric == "clock_hz" ? probe.clock_hz : probe.operations_per_cycle) = point.value;
        }
        return {};
    });
    if (!status) return tl::make_unexpected(status.error());
    ProbeHistory history;
    for (const auto& [place, probe] : found)
        history.add({std::get<0>(place), std::get<1>(place), std::get<2>(place)}, probe);
    return history;
}

Result<ProbeHistory> ProbeHistory::read(RunStore& store, const Context& context) {
    const Fact<std::string>& power_mode = context.environment.power_mode;
    return read(store, context.hardware.lineage,
                power_mode ? std::optional<std::string>(*power_mode) : std::nullopt);
}

void ProbeHistory::add(const Run& run) {
    if (!run.flags.empty()) return;
    for (const Measurement& m : run.measurements)
        if (m.what.operation == "compute_peak" && m.what.device == "cpu" &&
            m.outcome == Outcome::measured)
            add({m.what.precision, axis_word(m.what.shape, "isa"), m.what.threads},
                {m.operations_per_cycle.value_or(0), m.clock_hz, run.timestamp_unix});
}

std::vector<ProbedClass> ProbeHistory::classes() const {
    std::vector<ProbedClass> classes;
    for (const auto& [key, probes] : probes_) {
        std::vector<double> per_cycle, clocks;
        std::int64_t newest = 0;
        for (const Probe& probe : probes) {
            per_cycle.push_back(probe.operations_per_cycle);
            clocks.push_back(probe.clock_hz);
            newest = std::max(newest, probe.time_unix);
        }
        ProbedClass probed;
        std::tie(probed.precision, probed.isa, probed.threads) = key;
        probed.operations_per_cycle = median(std::move(per_cycle));
        probed.clock_hz = median(std::move(clocks));
        probed.runs = static_cast<int>(probes.size());
        probed.until = iso_text(newest).substr(0, 10);
        classes.push_back(std::move(probed));
    }
    return classes;
}

}  // namespace peakward
