// The change-point engine: where a series stepped, ramped or saturated, and how sure that is. It
// knows nothing of Peakward's records; `peakward changes` opens it to anyone's numbers.
//
// How it works (docs/changes.md has the figures): outliers that nothing around them agrees with are
// set aside; spread and autocorrelation are learned from the series; windows of all lengths propose
// places; dynamic programming selects among them; every change must then hold by itself against a
// bound that keeps false alarms of the whole series below `alpha`. The likelihood is that of levels
// with first-order autoregressive noise, so that neighbouring runs that resemble each other do not
// pass for evidence; how uncertain a level is beyond that, because the series wanders slowly, is
// learned from blocks of the series (wander.hpp). Stairs that a ramp or a saturating curve explains
// better become one of those; a short level that the series leaves again becomes an excursion.
// In a watched series the newest values decide by themselves whether they are a level (newest.hpp).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace peakward {

class StopToken;

enum class ChangeKind {
    step,       // from one level to another at `index`
    ramp,       // a steady rise or fall from `index` to `end`
    saturate,   // a rise or fall that begins at `index` and levels out by `end`
    excursion,  // the level leaves at `index`, for a few points, and is back after `end`
};
std::string_view to_string(ChangeKind kind);

struct Change {
    ChangeKind kind = ChangeKind::step;
    std::size_t index = 0;  // first point of the new behaviour
    std::size_t end = 0;    // last point of a ramp, curve or excursion; of a step the same as index
    double before = 0;      // level before
    double after = 0;       // level after; of an excursion: its own level
    double returned = 0;    // of an excursion: the level after it; else the same as `after`
    double effect_percent = 0;  // 100 x (after - before) / |before|; 0 where before is 0
    // |after - before| over the noise's sigma; infinite where the series does not scatter.
    double effect_sigma = 0;
    double ci_low_percent = 0;  // 95 % interval of the effect, its place taken as known
    double ci_high_percent = 0;
    double p_value = 1;  // that a series without change shows as much anywhere: control over many
                         // series is the caller's (hold_false_discovery_rate)
};

// What a series does when nothing changes, learned from the series itself.
struct Noise {
    double sigma = 0;          // standard deviation around the level, in the series' unit
    double rho = 0;            // lag-1 autocorrelation around the level, 0 to 0.95
    double slow_sigma = 0;     // of the slow component of sigma, in the series' unit; 0: none seen
    double outlier_share = 0;  // of points set aside
    bool two_modes = false;    // values jump between two levels and back
    double mode_distance = 0;  // between the two, in the series' unit; 0 without them
    std::size_t points = 0;    // it was learned from
};

struct ChangeOptions {
    // A history is looked at once, or a series is watched: looked at again after every run, so that
    // every look must be surer for the same false alarms over its life.
    bool watched = false;
    // Share of series without any change in which a change is reported: by the one look, or over a
    // year of daily looks. About, and for autocorrelated noise only once it is known (100 points).
    double alpha = 0.04;
    // A change smaller than this is not reported however sure it is.
    double effect_min_percent = 0;
    // A level younger than this many points is suspected, not reported.
    std::size_t points_min = 3;
    // Asked between steps of the search. What comes back after a stop is incomplete.
    const StopToken* stop = nullptr;
};

// A change of less than this many sigma is small: real perhaps, but nobody sees it in the series.
inline constexpr double visible_sigmas = 1;

struct ChangeReport {
    std::vector<Change> changes;      // by index; no two have the same index
    std::vector<Change> small;        // by index: below `visible_sigmas`, never an alarm
    std::optional<Change> suspected;  // at the end of the series, too young to be reported
    Noise noise;
    std::vector<bool> outliers;  // which values were set aside
};

// Values in time order; NaN and infinities are gaps. Deterministic. Time O(n log n) for n values
// and a bounded number of changes; memory O(n).
ChangeReport find_changes(std::span<const double> values, const ChangeOptions& options = {});

// Many series are tested at once: marks which stay when the false discovery rate over all p-values
// is held at `rate` (Benjamini and Hochberg 1995).
std::vector<bool> hold_false_discovery_rate(std::span<const double> p_values, double rate = 0.05);

}  // namespace peakward
