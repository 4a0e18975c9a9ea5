#include "session/export.hpp"

#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "session/history.hpp"

namespace peakward {
namespace {

// Seed 000's record, field by field.
constexpr std::array<std::string_view, 32> seed_columns{"run_id",
                                                        "hardware_fingerprint",
                                                        "software_fingerprint",
                                                        "timestamp",
                                                        "timestamp_unix",
                                                        "cpu_model",
                                                        "cpu_vendor",
                                                        "cpu_stepping",
                                                        "cpu_microcode",
                                                        "cpu_cores_physical",
                                                        "cpu_cores_logical",
                                                        "gpu_model",
                                                        "gpu_pci_id",
                                                        "gpu_vbios",
                                                        "gpu_memory_mb",
                                                        "memory_total_gb",
                                                        "os_kernel",
                                                        "os_distro",
                                                        "gpu_driver_version",
                                                        "cuda_version",
                                                        "pytorch_version",
                                                        "numpy_version",
                                                        "blas_library",
                                                        "power_mode",
                                                        "cpu_governor",
                                                        "thermal_state",
                                                        "precision",
                                                        "device",
                                                        "stream_best_gbps",
                                                        "blas3_gops",
                                                        "peak_measured_gops",
                                                        "efficiency"};

// What a row of the view is about.
using Place = std::tuple<std::int64_t, std::string, std::string, std::string>;

// `peaks` are those of a series: they live as long as what was analysed.
struct Rated {
    StoredValue efficiency, bandwidth_efficiency;
    const DevicePeaks* peaks = nullptr;
};

StoredValue number(double value) {
    return std::isfinite(value) ? StoredValue(value) : StoredValue();
}

std::map<Place, Rated> places_of(const Analysed& analysed) {
    std::map<Place, Rated> places;
    for (const Subject& subject : analysed.subjects)
        for (const SubjectSeries& one : subject.series) {
            const SeriesKey& key = one.series.key;
            for (std::size_t i = 0; i < one.series.points.size(); ++i) {
                Rated& rated =
                    places[{one.series.points[i].seq, key.device, key.precision, key.backend}];
                // A row without a bandwidth still has the bandwidth of its memory, and today's.
                if (one.device_peaks) rated.peaks = one.device_peaks.get();
                if (key.metric == "peak_measured_gops")
                    rated.efficiency = number(one.efficiency[i]);
                if (key.metric == "stream_best_gbps")
                    rated.bandwidth_efficiency = number(one.efficiency[i]);
            }
        }
    return places;
}

std::string text_of(const StoredValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    return text ? *text : "";
}

Place place_of(const StoredRow& row) {
    const auto* seq = std::get_if<std::int64_t>(&row.of("seq"));
    return {seq ? *seq : 0, text_of(row.of("device")), text_of(row.of("precision")),
            text_of(row.of("backend"))};
}

std::vector<std::string> columns_of(const std::vector<std::string>& view) {
    std::vector<std::string> columns(seed_columns.begin(), seed_columns.end());
    const std::set<std::string> first(columns.begin(), columns.end());
    for (const std::string& column : view)
        // Left out: the number of a run in one database, and what never is set here.
        if (!first.contains(column) && column != "seq" && column != "superseded_by")
            columns.push_back(column);
    return columns;
}

// Today's figures in place of those that the run recorded.
StoredValue current(const std::string& column, const Rated& rated, const StoredValue& recorded) {
    if (column == "efficiency") return rated.efficiency;
    if (column == "bandwidth_efficiency") return rated.bandwidth_efficiency;
    if (!rated.peaks) return recorded;
    const auto value_of = [&](const Peak& peak) {
        return peak.kind == PeakKind::unknown ? recorded : StoredValue(peak.value);
    };
    const auto kind_of = [&](const Peak& peak) {
        return peak.kind == PeakKind::unknown ? recorded
                                              : StoredValue(std::string(to_string(peak.kind)));
    };
    if (column == "theoretical_peak_gops") return value_of(rated.peaks->compute);
    if (column == "theoretical_peak_kind") return kind_of(rated.peaks->compute);
    if (column == "theoretical_bandwidth_gbps") return value_of(rated.peaks->bandwidth);
    if (column == "theoretical_bandwidth_kind") return kind_of(rated.peaks->bandwidth);
    return recorded;
}

}  // namespace

Result<ExportedRuns> export_runs(const std::string& db, const SeriesRequest& request) {
    SeriesRequest rows = request;
    rows.operation.clear();
    rows.metrics = {"peak_measured_gops", "blas3_gops", "stream_best_gbps"};
    const auto analysed = load_series(db, rows);
    if (!analysed) return tl::make_unexpected(analysed.error());
    const std::map<Place, Rated> places = places_of(*analysed);
    StoreOptions options;
    options.stop = request.stop;
    auto store = open_store(default_store_location(db), OpenMode::read, std::move(options));
    if (!store) return tl::make_unexpected(store.error());
    ExportedRuns exported;
    std::set<std::int64_t> runs;
    const auto status = (*store)->each_calibration_row([&](const StoredRow& row) -> Status {
        if (exported.columns.empty()) exported.columns = columns_of(row.columns);
        const Place place = place_of(row);
        const auto rated = places.find(place);
        if (rated == places.end()) return {};
        runs.insert(std::get<0>(place));
        std::vector<StoredValue>& values = exported.rows.emplace_back();
        for (const std::string& column : exported.columns)
            values.push_back(request.as_recorded ? row.of(column)
                                                 : current(column, rated->second, row.of(column)));
        return {};
    });
    if (!status) return tl::make_unexpected(status.error());
    exported.runs = runs.size();
    return exported;
}

}  // namespace peakward
