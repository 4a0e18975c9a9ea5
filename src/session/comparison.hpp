// Products side by side.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "session/trajectory.hpp"

namespace peakward {

// What `regressions` says of a product at its own defaults, over every series that was asked for.
struct DropCount {
    int confirmed = 0, suspected = 0;
    int recovered = 0;       // drops of the past
    std::size_t series = 0;  // looked at
    std::size_t judged = 0;  // 0: the counts say nothing
};

struct ComparedProduct {
    std::string asked;  // as it was named
    Followed followed;
    std::size_t chosen = 0;  // place in followed.subjects.front().trajectories
    DropCount drops;

    const FollowedSubject& subject() const { return followed.subjects.front(); }
    const FollowedTrajectory& trajectory() const { return subject().trajectories[chosen]; }
};

struct Compared {
    std::vector<ComparedProduct> products;  // in the order they were named
    // Why they are not like with like: "" where all stand for the same metric and precision.
    std::string unlike;
};

// Each by its leading trajectory among those of a precision that all have; where they have none in
// common each stands for itself and `unlike` says so. Errors as follow(), with the name in
// question.
Result<Compared> compare_products(const std::string& db, const std::vector<std::string>& hardware,
                                  const SeriesRequest& request);

}  // namespace peakward
