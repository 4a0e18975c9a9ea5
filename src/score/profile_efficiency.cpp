#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "catalog/catalog.hpp"
#include "catalog/older_names.hpp"
#include "core/text.hpp"
#include "score/profile.hpp"

namespace peakward {
namespace {

constexpr double extrapolation_factor_max = 2;

struct Rate {
    double gops, low, high;
};
using Curve = std::map<std::int64_t, Rate>;  // by size

// The one number that all axes of a shape have; none where they differ or one is a word.
std::optional<std::int64_t> size_of(const Shape& shape) {
    std::optional<std::int64_t> size;
    for (const auto& [name, value] : shape) {
        const auto* number = std::get_if<std::int64_t>(&value);
        if (!number || (size && *size != *number)) return std::nullopt;
        size = *number;
    }
    return size;
}

// Half of the 95 % interval of a mean, by Student's t: the first terms of its expansion around the
// normal distribution (Abramowitz and Stegun 26.7.5), within 2 % of it from five samples on.
double mean_error_s(const ProfilePoint& point) {
    if (point.samples < 2 || !point.deviation_s) return 0;
    const double freedom = point.samples - 1;
    const double t = 1.96 + 2.372 / freedom + 2.822 / (freedom * freedom);
    return t * *point.deviation_s / std::sqrt(static_cast<double>(point.samples));
}

Rate rate_of(const ProfilePoint& point) {
    if (point.median_s <= 0 && point.mean_s) {
        const double mean = *point.mean_s, error = mean_error_s(point);
        const double high = error < mean ? point.gops * mean / (mean - error) : point.gops * 2;
        return {point.gops, point.gops * mean / (mean + error), high};
    }
    // A long time is a low rate.
    const double work = point.gops * point.median_s;
    return {point.gops, point.ci_high_s > 0 ? work / point.ci_high_s : point.gops,
            point.ci_low_s > 0 ? work / point.ci_low_s : point.gops};
}

Curve curve_of(const Profile& profile, const std::string& operation, const std::string& precision) {
    Curve curve;
    for (const ProfilePoint& point : profile.points) {
        if (point.what.operation != operation || point.what.precision != precision) continue;
        const auto size = size_of(point.what.shape);
        if (size && *size > 0 && point.gops > 0) curve.emplace(*size, rate_of(point));
    }
    return curve;
}

std::string sizes_words(const Curve& curve) {
    std::vector<std::int64_t> sizes;
    for (const auto& [size, rate] : curve) sizes.push_back(size);
    return fmt::format("{}", fmt::join(sizes, ", "));
}

template <typename Get>
std::string names_in(const Profile& profile, const Get& get) {
    std::vector<std::string> names;
    for (const ProfilePoint& point : profile.points) {
        const std::string name = get(point);
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(name);
    }
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::string why_no_curve(const Profile& profile, const std::string& operation,
                         const std::string& precision) {
    const bool has_operation =
        std::any_of(profile.points.begin(), profile.points.end(),
                    [&](const ProfilePoint& p) { return p.what.operation == operation; });
    if (!has_operation)
        return fmt::format("the profile has no measured {}; it has {}", operation,
                           names_in(profile, [](const auto& p) { return p.what.operation; }));
    const std::string shapes = names_in(profile, [&](const ProfilePoint& p) {
        const bool same = p.what.operation == operation && p.what.precision == precision;
        return same ? to_string(p.what.shape) : std::string();
    });
    if (shapes != "none")
        return fmt::format("{} has unlike axes, so that one size says nothing; measured were: {}",
                           operation, shapes);
    return fmt::format("{} was not measured in {}; it was in {}", operation, precision,
                       names_in(profile, [&](const ProfilePoint& p) {
                           return p.what.operation == operation ? p.what.precision : "";
                       }));
}

Rate between(const Curve::value_type& lower, const Curve::value_type& upper, std::int64_t size) {
    const auto log_of = [](std::int64_t n) { return std::log2(static_cast<double>(n)); };
    const double share =
        (log_of(size) - log_of(lower.first)) / (log_of(upper.first) - log_of(lower.first));
    return {lower.second.gops + share * (upper.second.gops - lower.second.gops),
            std::min(lower.second.low, upper.second.low),
            std::max(lower.second.high, upper.second.high)};
}

// The rate of the end, and an interval widened by what a doubling changes there.
Rate beyond(const Curve::value_type& end, const Curve::value_type& next) {
    const double doublings = std::abs(std::log2(static_cast<double>(end.first)) -
                                      std::log2(static_cast<double>(next.first)));
    const double change = std::abs(end.second.gops - next.second.gops) / doublings;
    return {end.second.gops, std::max(0.0, end.second.low - change), end.second.high + change};
}

EfficiencyEstimate made_of(const Rate& rate, Basis basis, std::string explanation) {
    EfficiencyEstimate estimate;
    estimate.gops = rate.gops;
    estimate.ci_low_gops = rate.low;
    estimate.ci_high_gops = rate.high;
    estimate.basis = basis;
    estimate.explanation = std::move(explanation);
    return estimate;
}

Result<EfficiencyEstimate> on_curve(const Curve& curve, std::int64_t size) {
    if (const auto found = curve.find(size); found != curve.end())
        return made_of(found->second, Basis::measured, fmt::format("measured at {}", size));
    const auto upper = curve.upper_bound(size);
    if (upper != curve.begin() && upper != curve.end()) {
        const auto lower = std::prev(upper);
        return made_of(between(*lower, *upper, size), Basis::interpolated,
                       fmt::format("between {} and {}", lower->first, upper->first));
    }
    const bool above = upper == curve.end();
    const auto end = above ? std::prev(curve.end()) : curve.begin();
    const double factor = above ? static_cast<double>(size) / static_cast<double>(end->first)
                                : static_cast<double>(end->first) / static_cast<double>(size);
    if (curve.size() < 2 || factor > extrapolation_factor_max)
        return failed(
            fmt::format("size {} is too far from what was measured ({}) to be known: measure it",
                        size, sizes_words(curve)));
    const auto next = above ? std::prev(end) : std::next(end);
    return made_of(beyond(*end, *next), Basis::extrapolated,
                   fmt::format("{} {}, the {} measured size", above ? "above" : "below", end->first,
                               above ? "largest" : "smallest"));
}

}  // namespace

std::string_view to_string(Basis basis) {
    switch (basis) {
        case Basis::measured:
            return "measured";
        case Basis::interpolated:
            return "interpolated";
        case Basis::extrapolated:
            break;
    }
    return "extrapolated";
}

RateQuestion rate_question(const Profile& profile, const std::string& operation,
                           const std::string& precision) {
    RateQuestion question{catalog::operation_called(operation), precision};
    if (!precision.empty()) return question;
    std::set<std::string> measured;
    for (const ProfilePoint& point : profile.points)
        if (point.what.operation == question.operation) measured.insert(point.what.precision);
    const bool only_one = measured.size() == 1 && !measured.begin()->empty();
    question.precision = only_one ? *measured.begin() : "fp32";
    return question;
}

Result<EfficiencyEstimate> estimate_efficiency(const Profile& profile,
                                               const std::string& asked_operation,
                                               std::int64_t size,
                                               const std::string& asked_precision) {
    const auto [operation, precision] = rate_question(profile, asked_operation, asked_precision);
    if (!catalog::find_operation(operation))
        return wrong_usage(
            unknown_name_message("operation", operation, catalog::operation_names()));
    if (!catalog::find_precision(precision))
        return wrong_usage(
            unknown_name_message("precision", precision, catalog::precision_names()));
    const Curve curve = curve_of(profile, operation, precision);
    if (curve.empty()) return failed(why_no_curve(profile, operation, precision));
    auto estimate = on_curve(curve, size);
    if (!estimate) return estimate;
    const auto peak = profile.theoretical_peaks.find(precision);
    if (peak != profile.theoretical_peaks.end() && peak->second.gops > 0) {
        estimate->efficiency = estimate->gops / peak->second.gops;
        estimate->ci_low = estimate->ci_low_gops / peak->second.gops;
        estimate->ci_high = estimate->ci_high_gops / peak->second.gops;
    }
    return estimate;
}

}  // namespace peakward
