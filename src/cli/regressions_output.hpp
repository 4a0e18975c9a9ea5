// Regressions in every format: shared by `regressions` and `calibrate --confirm`.
#pragma once

#include <string>

#include "cli/options.hpp"
#include "session/regressions.hpp"

namespace peakward::cli {

struct RegressionsOutput {
    double threshold_percent = 3;
    std::vector<Baseline> baselines;
    bool all = false;     // also what has recovered
    bool strict = false;  // a suspicion fails too
};

// References must outlive the results.
Shown regressions_shown(const RegressionsReply& reply, const RegressionsOutput& output);
Shown confirm_shown(const ConfirmReply& reply, const RegressionsOutput& output);

// For continuous integration: JUnit's XML, and annotations of a GitHub workflow.
std::string regressions_junit(const RegressionsReply& reply, const RegressionsOutput& output);
std::string regressions_github(const RegressionsReply& reply, const RegressionsOutput& output);

// "cpu, blas, fp32, peak_measured_gops" or "…, gemm m=512 …, gops".
std::string whole_series_words(const SeriesKey& key);
// "-5.4 % (from 1245.6 to 1178.2 GOPS, previous)"
std::string drop_words(const ExplainedRegression& found);

}  // namespace peakward::cli
