// Trajectories: what a product reached, run after run, on all installs that have it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyze/improvement.hpp"
#include "analyze/milestones.hpp"
#include "analyze/pooled_noise.hpp"
#include "core/series.hpp"

namespace peakward {

// A series, the efficiencies of its points (NaN: unknown), and its noise.
struct RatedSeries {
    const Series* series = nullptr;
    std::span<const double> efficiency;
    NoiseUsed noise = {};  // learned_noise() over all series at hand; unknown: of this one alone
};

struct MilestoneDay {
    double level = 0;
    std::optional<std::int64_t> held_unix;  // none: not held yet
    std::optional<std::int64_t> days;       // whole days from the first run of the trajectory
    bool touched = false;                   // reached, and not held
};

// One point of a trajectory: the figures are in the series.
struct PlacedPoint {
    std::size_t member = 0;  // place in Trajectory::members
    std::size_t index = 0;   // place in that series
};

// Series that differ in nothing but install and lineage, looked at together; each is still compared
// with itself alone.
struct Trajectory {
    SeriesKey key;                     // install and lineage are ""
    std::vector<std::size_t> members;  // places in the list that was given
    std::size_t counting = 0;          // points without doubts
    std::size_t rated = 0;             // of them with an efficiency

    // What follows is found by study().
    std::vector<PlacedPoint> points;  // of all members, by time, then by seq
    std::int64_t first_unix = 0, last_unix = 0;
    // Points whose run was stored after a run with a later time: a clock that was set back, or an
    // import. They stand where their time puts them.
    std::size_t out_of_order = 0;
    // The first and newest that count; where none counts, none.
    std::optional<PlacedPoint> first, latest;
    std::vector<MilestoneDay> milestones;  // the earliest of the members
    Improvement improvement;               // above 0: it became better, whatever the metric
};

// In the order of the first member of each; cheap, so that thousands can be chosen from.
std::vector<Trajectory> find_trajectories(std::span<const RatedSeries> series);

// `series` is the list that the trajectory was found in.
void study(Trajectory& trajectory, std::span<const RatedSeries> series);

// Of several the one to show first, by these in turn: it has an efficiency; its backend is not
// `native`, whose probes measure the silicon and not the software; more points count; its precision
// stands earlier in fp32 bf16 fp16 tf32 fp64 fp8_e4m3 fp8_e5m2 nvfp4 mxfp4 int8 int4 int16
// int32; its newest figure is the better one; its key comes first. Null where there is none.
const Trajectory* leading(std::span<const Trajectory> trajectories,
                          std::span<const RatedSeries> series);

// Whole days between two instants, towards the earlier: 0 on the first day.
std::int64_t days_between(std::int64_t from_unix, std::int64_t to_unix);

}  // namespace peakward
