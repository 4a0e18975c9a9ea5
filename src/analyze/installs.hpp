// Series of one lineage that several installs measured. A container, a CI job and an OS reinstall
// each bring a new install with few runs of its own: alone none of them can be judged, together
// they can (METHODS 3.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/series.hpp"

namespace peakward {

// With fewer runs that count, an install has no verdict of its own: three show the noise and the
// level, one more can differ from them.
inline constexpr std::size_t runs_of_own_series = 4;

// A series that is judged: one that was given, which must outlive this, or made of several.
struct JudgedSeries {
    const Series* given = nullptr;      // nullptr where several are joined
    Series joined;                      // key.install is ""
    std::vector<std::string> installs;  // names of Series::units; empty: one install
    std::vector<std::size_t> members;   // places of the series that it is made of

    const Series& series() const { return given ? *given : joined; }
};

// Joins series that differ in the install alone: all of them where no two were measured at the same
// time (one machine after the other, or the same machine anew), else those with fewer than
// `runs_of_own_series` runs that count. In the order of their first members.
std::vector<JudgedSeries> join_installs(std::span<const Series* const> series);

// The key as text, without the install.
std::string lineage_key(const SeriesKey& key);

// How many runs decide something.
std::size_t counting_runs(const Series& series);

}  // namespace peakward
