#include "session/report.hpp"

#include <algorithm>
#include <set>

#include "core/private_paths.hpp"
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
                               const Part<Followed>& followed) {
    if (followed) {
        if (const auto seq = newest_of(followed->analysed)) {
            const auto facts = load_facts(db, {*seq}, request.stop);
            if (!facts) return tl::make_unexpected(facts.error());
            if (const auto found = facts->find(*seq); found != facts->end())
                return found->second.run_id;
        }
    }
    RunFilter filter;
    filter.limit = 1;
    filter.hardware = request.hardware;
    const auto runs = list_runs(db, filter, request.stop);
    if (!runs) return tl::make_unexpected(runs.error());
    if (!runs->empty()) return runs->front().run_id;
    if (!followed) return tl::make_unexpected(followed.error());
    return failed("the database holds no run for this request");
}

std::int64_t runs_of(const std::vector<KnownHardware>& hardware) {
    std::int64_t runs = 0;
    for (const KnownHardware& known : hardware) runs += known.runs;
    return runs;
}

// A board is several products, CPU and GPU, and each of its runs is one run.
std::int64_t runs_on_hardware(const Analysed& analysed) {
    std::set<std::string> lineages;
    std::int64_t runs = 0;
    for (const Subject& subject : analysed.subjects)
        for (const KnownHardware& known : subject.hardware)
            if (lineages.insert(known.lineage).second) runs += known.runs;
    return runs;
}

std::int64_t runs_shown(const Analysed& analysed) {
    std::set<std::int64_t> seqs;
    for (const Subject& subject : analysed.subjects)
        for (const SubjectSeries& one : subject.series)
            for (const SeriesPoint& point : one.series.points) seqs.insert(point.seq);
    return static_cast<std::int64_t>(seqs.size());
}

SeriesRequest with_metric(SeriesRequest request, const char* metric) {
    request.metrics = {metric};
    return request;
}

}  // namespace

Result<ReportParts> load_report(const std::string& db, const SeriesRequest& request,
                                std::int64_t today_unix) {
    const auto hardware = known_hardware(db, request.stop);
    if (!hardware) return tl::make_unexpected(hardware.error());
    const SeriesRequest compute = with_metric(request, "peak_measured_gops");
    auto followed = follow(db, compute, Follow::all);
    // Runs without a single score still make a report; a request that nothing fits does not.
    if (!followed && (followed.error().kind == ErrorKind::usage || is_narrow(request)))
        return tl::make_unexpected(followed.error());
    const auto run_id = newest_run(db, request, followed);
    if (!run_id) return tl::make_unexpected(run_id.error());
    auto newest = find_run(db, *run_id,
                           request.as_recorded ? Efficiencies::as_recorded : Efficiencies::current,
                           request.stop);
    if (!newest) return tl::make_unexpected(newest.error());
    drop_private_paths(*newest);
    std::int64_t runs = runs_of(*hardware);
    if (followed)
        runs = is_narrow(request) ? runs_shown(followed->analysed)
                                  : runs_on_hardware(followed->analysed);
    RegressionsRequest regressions;
    regressions.series = request;
    regressions.series.metrics.clear();
    ForecastRequest forecast;
    forecast.series = compute;
    forecast.today_unix = today_unix;
    return ReportParts{without_private_path_in_word(default_store_location(db)),
                       hardware->size(),
                       runs,
                       std::move(*newest),
                       std::move(followed),
                       load_series(db, with_metric(request, "stream_best_gbps")),
                       look_for_regressions(db, regressions),
                       look_ahead(db, forecast),
                       forecast.target};
}

}  // namespace peakward
