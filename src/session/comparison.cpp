#include "session/comparison.hpp"

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "session/regressions.hpp"

namespace peakward {
namespace {

std::set<std::string> precisions_of(const ComparedProduct& product) {
    std::set<std::string> precisions;
    for (const FollowedTrajectory& one : product.subject().trajectories)
        if (one.trajectory.counting > 0) precisions.insert(one.trajectory.key.precision);
    return precisions;
}

std::set<std::string> common_precisions(const std::vector<ComparedProduct>& products) {
    std::set<std::string> common = precisions_of(products.front());
    for (const ComparedProduct& product : products) {
        const std::set<std::string> own = precisions_of(product);
        std::erase_if(common, [&](const std::string& one) { return !own.contains(one); });
    }
    return common;
}

// The leading one of a precision.
void choose(ComparedProduct& product, const std::string& precision) {
    const FollowedSubject& subject = product.subject();
    std::vector<Trajectory> candidates;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < subject.trajectories.size(); ++i) {
        const Trajectory& one = subject.trajectories[i].trajectory;
        if (one.key.precision != precision) continue;
        candidates.push_back(one);
        places.push_back(i);
    }
    if (const Trajectory* best = leading(candidates, subject.rated))
        product.chosen = places[static_cast<std::size_t>(best - candidates.data())];
}

// The precision that the most products lead with, of those that all have.
std::string most_common(const std::vector<ComparedProduct>& products,
                        const std::set<std::string>& common) {
    std::string best;
    std::ptrdiff_t most = -1;
    for (const std::string& precision : common) {
        const auto count =
            std::count_if(products.begin(), products.end(), [&](const ComparedProduct& one) {
                return one.trajectory().trajectory.key.precision == precision;
            });
        if (count > most || (count == most && precision == "fp32")) {
            best = precision;
            most = count;
        }
    }
    return best;
}

Result<DropCount> drops_of(const std::string& db, const SeriesRequest& series,
                           const std::string& subject) {
    RegressionsRequest request;
    request.series = series;
    request.subject = subject;
    const auto reply = look_for_regressions(db, request);
    if (!reply) return tl::make_unexpected(reply.error());
    DropCount drops;
    for (const ExplainedRegression& found : reply->regressions)
        ++(found.regression.status == RegressionStatus::confirmed ? drops.confirmed
                                                                  : drops.suspected);
    drops.recovered = static_cast<int>(reply->recovered.size());
    drops.series = reply->report.series;
    drops.judged = reply->report.judged;
    return drops;
}

}  // namespace

Result<Compared> compare_products(const std::string& db, const std::vector<std::string>& hardware,
                                  const SeriesRequest& request) {
    Compared compared;
    for (const std::string& name : hardware) {
        SeriesRequest one = request;
        one.hardware = name;
        auto followed = follow(db, one, Follow::all);
        if (!followed) return tl::make_unexpected(followed.error());
        const auto drops = drops_of(db, one, followed->subject(followed->subjects.front()).id);
        if (!drops) return tl::make_unexpected(drops.error());
        compared.products.push_back({name, std::move(*followed), 0, *drops});
    }
    const std::set<std::string> common = common_precisions(compared.products);
    if (common.empty()) {
        compared.unlike =
            std::string("no precision has counting runs on all of them: each for its own");
        return compared;
    }
    const std::string precision = most_common(compared.products, common);
    for (ComparedProduct& product : compared.products) choose(product, precision);
    return compared;
}

}  // namespace peakward
