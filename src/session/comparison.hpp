// Products side by side.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "session/trajectory.hpp"

namespace peakward {

struct ComparedProduct {
    std::string asked;  // as it was named
    Followed followed;
    std::size_t chosen = 0;  // place in followed.subjects.front().trajectories

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
