// The change-point engine: where a series stepped, ramped or saturated, and how sure that is. It
// knows nothing of Peakward's records; `peakward changes` opens it to anyone's numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace peakward {

enum class ChangeKind {
    step,      // from one level to another at `index`
    ramp,      // a steady rise or fall from `index` to `end`
    saturate,  // a rise or fall from `index` that levels out by `end`
};
std::string_view to_string(ChangeKind kind);

struct Change {
    ChangeKind kind = ChangeKind::step;
    std::size_t index = 0;  // first point of the new behaviour
    std::size_t end = 0;    // of a ramp: its last point; of a step: the same as index
    double before = 0;      // level before, robust mean
    double after = 0;       // level after
    double effect_percent = 0;  // 100 x (after - before) / |before|
    double ci_low_percent = 0;  // 95 % interval of the effect
    double ci_high_percent = 0;
    double p_value = 1;      // of the test on the whole series, before control over all series
    bool confirmed = false;  // enough points after it; else suspected
};

// What a series does when nothing changes, learned from the series itself.
struct Noise {
    double sigma = 0;         // robust standard deviation around the level, in the series' unit
    double rho = 0;           // lag-1 autocorrelation of the residuals
    double outlier_share = 0;  // of points beyond 4 sigma
    bool two_modes = false;   // values jump between two levels and back
    double mode_distance = 0;  // between them, where there are two
    std::size_t points = 0;   // it was learned from
};

struct ChangeOptions {
    double alpha = 0.01;  // false alarms per series without any change, at most about this share
    // A change smaller than this is not reported however sure it is.
    double effect_min_percent = 0;
    std::size_t points_min = 2;  // of a level; a younger one is at most suspected
};

struct ChangeReport {
    std::vector<Change> changes;  // by index
    Noise noise;
};

// Values in time order; NaN is a gap. Deterministic; O(n log n) in practice.
ChangeReport find_changes(std::span<const double> values, const ChangeOptions& options = {});

// Many series are tested at once: marks what is kept when the false discovery rate over all p-values
// is held at `rate` (Benjamini-Hochberg 1995).
std::vector<bool> hold_false_discovery_rate(std::span<const double> p_values, double rate = 0.05);

}  // namespace peakward
