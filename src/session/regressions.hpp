// Drops in the series of a store with their likely causes: what the verb `regressions` shows, and
// what `calibrate --confirm` measures again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analyze/causes.hpp"
#include "analyze/regressions.hpp"
#include "session/analysis.hpp"
#include "session/session.hpp"

namespace peakward {

struct RegressionsRequest {
    // Empty metrics: peak_measured_gops, blas3_gops and stream_best_gbps. One figure that stands
    // under several of them, or under several precisions, is looked at once.
    SeriesRequest series;
    RegressionOptions options;
    std::string install = {};  // only series of this one; "": all
    std::string subject = {};  // only of the subject with this id; "": of all
    // Facts of every run that was compared, which names them all; else of the few on either side
    // that explain the change.
    bool with_all_facts = false;
};

struct ExplainedRegression {
    Regression regression;
    SeriesKey key;  // install "" where several share the series: Regression::installs of them
    std::string hardware_name;  // of the product, the GPU or the CPU
    LikelyCause cause;
};

// A series that could not be judged.
struct UnjudgedSeries {
    SeriesKey key;
    std::string hardware_name;
    std::string reason;
};

// What a change of power mode cost: no regression, but said.
struct ExplainedModeChange {
    ModeChange change;
    SeriesKey before, now;
    std::string hardware_name;
};

struct RegressionsReply {
    std::string store_location;
    RegressionReport report;  // counts; its lists are moved to those below
    std::vector<ExplainedRegression> regressions;
    std::vector<ExplainedRegression> recovered;
    std::vector<UnjudgedSeries> not_judged;
    std::vector<ExplainedModeChange> mode_changes;
    std::map<std::int64_t, RunFacts> facts;  // of the runs that the records name
};

Result<RegressionsReply> look_for_regressions(const std::string& db,
                                              const RegressionsRequest& request);

// What became of one suspicion.
struct ConfirmedSuspect {
    ExplainedRegression before;
    std::optional<ExplainedRegression> after;  // none: it is gone
    std::string left_out;                      // why it was not measured again; "" when it was
};

struct ConfirmReply {
    std::vector<Run> runs;  // stored like any other
    std::vector<ConfirmedSuspect> suspects;
    RegressionsReply after;
    bool any_suspected = false;
};

// Measures the cases behind the suspected regressions of this install again, in suites and with the
// threads of their series, so that the new points belong to them. Nothing suspected: no run.
Result<ConfirmReply> confirm_regressions(const Machine& machine, const CalibrateRequest& how,
                                         const RegressionsRequest& request, Observer& observer,
                                         const StopToken& stop);

}  // namespace peakward
