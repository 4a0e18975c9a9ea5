#include "session/report.hpp"

#include <algorithm>

#include "session/history.hpp"

namespace peakward {
namespace {

bool is_narrow(const SeriesRequest& request) {
    return !(request.since.empty() && request.until.empty() && request.precision.empty() &&
             request.device.empty() && request.backend.empty() && request.suite.empty());
}

// The newest run that a point stands for.
std::optional<std::int64_t> newest_of(const Analysed& analysed) {
    std::optional<std::pair<std::int64_t, std::int64_t>> newest;
    for (const Subject& subject : analysed.subjects)
        for (const SubjectSeries& one : subject.series)
            for (const SeriesPoint& point : one.series.points)
                newest = std::max(newest.value_or(std::pair{point.time_unix, point.seq}),
                                  std::pair{point.time_unix, point.seq});
    if (!newest) return std::nullopt;
    return newest->second;
}

Result<std::string> newest_run(const std::string& db, const SeriesRequest& request,
                               const Part<Analysed>& series) {
    if (series) {
        if (const auto seq = newest_of(*series)) {
            const auto facts = load_facts(db, {*seq});
            if (!facts) return tl::make_unexpected(facts.error());
            if (const auto found = facts->find(*seq); found != facts->end())
                return found->second.run_id;
        }
    }
    RunFilter filter;
    filter.limit = 1;
    filter.hardware = request.hardware;
    filter.since = request.since;
    filter.until = request.until;
    const auto runs = list_runs(db, filter);
    if (!runs) return tl::make_unexpected(runs.error());
    if (!runs->empty()) return runs->front().run_id;
    if (!series) return tl::make_unexpected(series.error());
    return failed("the database holds no run for this request");
}

}  // namespace

Result<ReportParts> load_report(const std::string& db, const SeriesRequest& request) {
    auto hardware = known_hardware(db);
    if (!hardware) return tl::make_unexpected(hardware.error());
    SeriesRequest wanted = request;
    wanted.metrics = {"peak_measured_gops", "stream_best_gbps"};
    auto series = load_series(db, wanted);
    // Runs without a single score still make a report; a request that nothing fits does not.
    if (!series && (series.error().kind == ErrorKind::usage || is_narrow(request)))
        return tl::make_unexpected(series.error());
    const auto run_id = newest_run(db, request, series);
    if (!run_id) return tl::make_unexpected(run_id.error());
    auto newest = find_run(db, *run_id,
                           request.as_recorded ? Efficiencies::as_recorded : Efficiencies::current);
    if (!newest) return tl::make_unexpected(newest.error());
    ReportParts parts{{}, std::move(*hardware), 0, std::move(*newest), std::move(series)};
    if (parts.series) {
        parts.store_location = parts.series->store_location;
        for (const Subject& subject : parts.series->subjects)
            for (const KnownHardware& known : subject.hardware) parts.runs += known.runs;
    } else {
        parts.store_location = default_store_location(db);
        for (const KnownHardware& known : parts.hardware) parts.runs += known.runs;
    }
    return parts;
}

}  // namespace peakward
