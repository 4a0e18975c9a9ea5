// When will it get there: saturating curves over the software stacks of a series, with prediction
// intervals that hold (METHODS 3.3).
//
// Level of a stack at time t: c + d h(t), where h rises from 0 to 1 over the observed time and then
// levels out: exponentially (1 - exp(-t/tau)), slower (t/(t + tau)) or faster after a slow start
// (1 - exp(-(t/tau)^1.5)). Stacks jump around the
// curve, runs scatter around their stack. No single curve is chosen: shapes, tau and the share of
// the jumps are weighed by their marginal likelihood (flat prior on c and d, flat in log tau), and
// the intervals come from draws of all of them, so that they know how little is known.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peakward {

struct ForecastPoint {
    double time_days = 0;
    double value = 0;
    std::int32_t stack = 0;
};

struct Interval {
    double middle = 0;  // median
    double low = 0;
    double high = 0;
};

struct ForecastOptions {
    double interval_percent = 80;
    std::optional<double> target;
    // No level is above this: 1.02 for efficiencies (METHODS 1.4); none for plain rates.
    std::optional<double> value_max;
    double horizon_days = 3652.5;  // later than that is "not in sight"
    bool back_test = true;
    // The newest level with its interval; none: the mean of the newest stack.
    std::optional<Interval> now;
    // The day of the question, on the clock of the points; none: that of the last point. No date
    // that is forecast lies before it.
    std::optional<double> today_days;
};

struct TargetForecast {
    bool reached_already = false;
    double chance = 0;  // of being reached within the horizon
    // The likeliest date lies between the last run and the day of the question: only a run can say
    // whether it is reached.
    bool due = false;
    // Days on the clock of the points. None: later than the horizon, or never.
    std::optional<double> middle_days, low_days, high_days;
};

struct BackTest {
    int cuts = 0;  // ends of the past that later runs were forecast from
    int runs = 0;
    int inside = 0;  // of the interval
    double share() const { return runs > 0 ? static_cast<double>(inside) / runs : 0; }
};

enum class CurveShape { exponential, hyperbolic, late };
std::string_view to_string(CurveShape shape);

// Draws of the posterior: a curve with its scatter each.
struct CurveDraw {
    CurveShape shape = CurveShape::exponential;
    double start = 0;  // level at the first point
    double rise = 0;   // over the observed time
    double tau_days = 0;
    double scatter = 0;           // standard deviation of a run of a new stack around the curve
    double value_max = HUGE_VAL;  // where it ends if it would pass it
};

struct Forecast {
    std::string refused;  // why there is none; the rest is empty then
    int stacks = 0;
    int runs = 0;
    double first_days = 0, last_days = 0;
    // Permutation test: do levels rise with time at all. Six stacks or fewer, whose orders are too
    // few for it, also rise where repeats show it: see rises_clearly in the source.
    double rise_p_value = 1;
    CurveShape shape = CurveShape::exponential;  // the likeliest
    double shape_weight = 0;
    Interval now;      // the newest level
    Interval plateau;  // what it levels out at
    double scatter = 0;
    std::optional<TargetForecast> target;
    BackTest back_test;
    std::vector<CurveDraw> draws;

    // Where a run at that time would be.
    Interval run_at(double time_days) const;
    // Where the curve is at that time.
    Interval curve_at(double time_days) const;
    double interval_percent = 80;
};

// Points in time order; those that are no basis for a decision have been left out. Refused, with
// the reason, without four stacks or a rise, and where fewer than half of the later runs of its own
// past lay inside the interval: such a forecast has been tried and was wrong.
Forecast forecast(std::span<const ForecastPoint> points, const ForecastOptions& options = {});

}  // namespace peakward
