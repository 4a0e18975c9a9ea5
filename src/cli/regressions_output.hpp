// Regressions in every format: shared by `regressions` and `calibrate --confirm`.
#pragma once

#include <string>

#include "cli/options.hpp"
#include "session/regressions.hpp"

namespace peakward::cli {

struct RegressionsOutput {
    double threshold_percent = 3;
    std::vector<Baseline> baselines;
    bool all = false;              // also what has recovered
    bool strict = false;           // a suspicion fails too
    bool require_verdict = false;  // nothing judged fails too
};

// References must outlive the results.
Shown regressions_shown(const RegressionsReply& reply, const RegressionsOutput& output);
Shown confirm_shown(const ConfirmReply& reply, const RegressionsOutput& output);

// For continuous integration: JUnit's XML, and annotations of a GitHub workflow.
std::string regressions_junit(const RegressionsReply& reply, const RegressionsOutput& output);
std::string regressions_github(const RegressionsReply& reply, const RegressionsOutput& output);

// "The power mode changed from MAXN to 15W on 2026-11-20: cpu, blas, fp32 … -20.1 %, …"
std::string mode_change_words(const ExplainedModeChange& found);
// "3 of 9 series could be judged"
std::string judged_words(const RegressionReport& report);
// "cpu, blas, fp32, peak_measured_gops" or "…, gemm m=512 …, gops".
std::string whole_series_words(const SeriesKey& key);
// "-5.4 % (from 1245.6 to 1178.2 GOPS, previous)"
std::string drop_words(const ExplainedRegression& found);

}  // namespace peakward::cli
