// Significant, relevant drops at the end of series (METHODS 3.1). A verdict stands on one series
// alone; many series of a call are held together only by pooled noise and by the control of false
// discoveries.
//
// How a verdict comes about:
//  1. Points with doubts are put aside. Values become logarithms, so that noise is relative; for
//     costs (seconds) more is worse.
//  2. The change-point engine looks at the whole series. Its changes and every change of the
//  software
//     stack cut the series into blocks.
//  3. The direct test compares the newest runs with the baseline block by Student's t with the
//     series' noise (pooled_noise.hpp). "newest" is the newest block, or its last one, two or three
//     runs; "best" is the block with the highest level that held (mean less one standard error).
//     Both choices are paid for in p (Sidak).
//  4. p = 2 min(direct, change point between the two sides) where the engine could speak: either
//  may
//     see it. Benjamini-Hochberg over all series of the call.
//  5. Suspected: significant, and the level of all newest runs that agree lies beyond the
//  threshold.
//     Confirmed: two or more newest runs in a row agree, the whole 95 % interval lies beyond the
//     threshold, the noise was learned, and in a series of 20 points or more the engine sees it too
//     (it knows of correlated noise, outliers and two modes) or five agree. A series that several
//     installs share (installs.hpp) also needs two of them on each side, or one on both.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/pooled_noise.hpp"
#include "core/series.hpp"

namespace peakward {

enum class Baseline { previous, best };
std::string_view to_string(Baseline baseline);
std::optional<Baseline> baseline_from(std::string_view word);

struct RegressionOptions {
    double threshold_percent = 3.0;
    std::vector<Baseline> baselines = {Baseline::previous, Baseline::best};
    double false_discovery_percent = 5;
    int threads = 0;  // of this computation; 0: as many as there are cores. Never changes a result
};

enum class RegressionStatus {
    suspected,  // one run: measure again before believing it
    confirmed,  // later runs agree
    recovered,  // a drop of the past that is gone
};
std::string_view to_string(RegressionStatus status);

// Runs of one stack and level: neighbours in the series.
struct RunBlock {
    double level = 0;                // in the series' unit
    std::vector<std::int64_t> seqs;  // runs of it that count, oldest first
    std::int64_t first_unix = 0, last_unix = 0;
    std::int32_t stack = -1;  // of its newest run
};

// The newest runs held against one baseline.
struct Comparison {
    Baseline baseline = Baseline::best;
    RunBlock before;
    RunBlock now;
    double change_percent = 0;  // of the value: below 0 for rates that fell, above 0 for times
    double ci_low_percent = 0;  // 95 % interval
    double ci_high_percent = 0;
    double p_value = 1;  // before control over all series
    double p_direct = 1;
    std::optional<double> p_change_point;  // none: the engine saw nothing between the two sides
    double p_adjusted = 1;                 // Benjamini-Hochberg over all comparisons of the call
    int agreeing_runs = 0;                 // newest runs in a row that lie on the side of the drop
    int installs_before = 0, installs_now = 0;  // that measured the sides; 0: one install's series
    bool shares_install = true;                 // one install measured both sides
    bool is_regression = false;
};

struct Regression {
    std::size_t series = 0;  // place in the list that was looked at
    RegressionStatus status = RegressionStatus::suspected;
    // Those of the asked baselines that it is a regression against, `previous` first.
    std::vector<Comparison> against;
    NoiseUsed noise;
    // Where it happened: the last run before and the first run after. A decline over several stacks
    // has the sides of the comparison itself and `gradual`.
    std::int64_t seq_before = 0, seq_after = 0;
    bool gradual = false;
    int stacks_between = 0;           // that the decline went through
    std::int64_t recovered_unix = 0;  // of the first recovered run
    int installs = 0;                 // that share the series; 0: it is of one install
    // Why it is suspected and not confirmed, as a clause: "one run only shows it"; "" otherwise.
    std::string doubt;

    const Comparison& main() const { return against.front(); }
};

// Series that no verdict is possible on, by the reason: "one run only".
using NotJudged = std::map<std::string, int>;

// A change of power mode begins another series, which is compared with nothing. What it cost.
struct ModeChange {
    std::size_t series_before = 0, series_now = 0;  // places in the list that was looked at
    double before = 0, now = 0;                     // levels, in the series' unit
    double change_percent = 0;                      // of the value, as Comparison::change_percent
    int runs_before = 0, runs_now = 0;
    std::int64_t changed_unix = 0;  // of the first run in the new mode
};

struct RegressionReport {
    std::vector<Regression> regressions;   // confirmed first, then by size
    std::vector<Regression> recovered;     // every drop of the past that is gone, oldest first
    std::vector<ModeChange> mode_changes;  // that cost the threshold or more
    std::size_t series = 0;                // looked at
    std::size_t judged = 0;
    std::size_t by_table = 0;  // of these with noise from a table: nothing was learned about them
    std::size_t points = 0;    // runs of these series that counted
    std::size_t doubtful = 0;  // that were put aside
    NotJudged not_judged;
    std::vector<std::pair<std::size_t, std::string>> reasons;  // of each series that is not judged
};

// Deterministic, and independent of the number of threads. `teachers` are further series that teach
// the noise of their metrics and are not judged.
RegressionReport find_regressions(std::span<const Series* const> series,
                                  const RegressionOptions& options = {},
                                  std::span<const Series* const> teachers = {});

}  // namespace peakward
