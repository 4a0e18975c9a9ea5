#include "session/forced_runs.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "catalog/catalog.hpp"

namespace peakward {
namespace {

// Checks that say who else had the CPUs: what each case answers again by its own evidence.
constexpr std::array<std::string_view, 3> answered_by_the_cases{"background_load", "psi_cpu",
                                                                "steal"};
// A guest does not see which sample stolen time hit, so that over a whole case there must be none
// worth speaking of.
constexpr double steal_percent_most = 2;

bool others_had_the_cpus_and_no_more(const Preflight& preflight) {
    bool any_failed = false;
    for (const Check& check : preflight.checks) {
        if (check.status != CheckStatus::fail) continue;
        any_failed = true;
        if (std::find(answered_by_the_cases.begin(), answered_by_the_cases.end(), check.id) ==
            answered_by_the_cases.end())
            return false;
    }
    return any_failed;  // without one nothing says why the run was forced
}

bool is_memory_operation(const std::string& name) {
    const auto* operation = catalog::find_operation(name);
    return operation && operation->kind == catalog::OperationClass::memory;
}

// No gate sees others at the memory bus.
bool depends_on_memory(const SeriesKey& key) {
    return key.metric == "stream_best_gbps" || key.metric == "bandwidth_efficiency" ||
           is_memory_operation(key.operation);
}

bool is_of_series(const Measurement& m, const SeriesKey& key) {
    if (m.what.device != key.device || m.what.backend != key.backend ||
        m.what.precision != key.precision)
        return false;
    if (key.kind == SeriesKind::score) return !is_memory_operation(m.what.operation);
    return m.what.operation == key.operation && m.what.shape == key.shape &&
           m.what.threads == key.threads;
}

}  // namespace

bool forced_run_was_clean(const Run& run, const SeriesKey& key) {
    if (run.origin || key.device != "cpu" || depends_on_memory(key) ||
        !others_had_the_cpus_and_no_more(run.preflight))
        return false;
    bool any_measured = false;
    for (const Measurement& m : run.measurements) {
        if (m.outcome != Outcome::measured || !is_of_series(m, key)) continue;
        if (m.statistics.kept <= 0 || m.steal_percent.value_or(0) > steal_percent_most)
            return false;
        any_measured = true;
    }
    return any_measured;
}

Result<const Run*> ForcedRuns::run_of(std::int64_t seq) {
    if (const auto known = runs_.find(seq); known != runs_.end()) return &known->second;
    const auto facts = store_.facts_of({seq});
    if (!facts) return tl::make_unexpected(facts.error());
    auto run = store_.find(facts->front().run_id);
    if (!run) return tl::make_unexpected(run.error());
    for (Measurement& m : run->measurements) m.windows.clear();
    return &(runs_[seq] = std::move(*run));
}

Status ForcedRuns::settle(Series& series) {
    for (SeriesPoint& point : series.points) {
        if ((point.doubts & doubt_forced) == 0) continue;
        const auto run = run_of(point.seq);
        if (!run) return tl::make_unexpected(run.error());
        if (forced_run_was_clean(**run, series.key))
            point.doubts = static_cast<std::uint16_t>(point.doubts & ~unsigned{doubt_forced});
    }
    return {};
}

}  // namespace peakward
