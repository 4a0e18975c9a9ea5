#include "session/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "analyze/regressions.hpp"
#include "analyze/series_levels.hpp"
#include "core/text.hpp"
#include "core/time_text.hpp"

namespace peakward {
namespace {

constexpr double seconds_per_day = 86'400;

// What is known of a series besides its points.
struct SeriesPast {
    NoiseUsed noise;
    std::string regression;  // the confirmed drop that is its last event, in words; "": none
};

std::string drop_words(const Regression& drop) {
    const Comparison& c = drop.main();
    return fmt::format(
        "the last event is a confirmed regression ({:+.1f} % since {}), and no rising curve "
        "describes that",
        c.change_percent, iso_text(c.now.first_unix).substr(0, 10));
}

// In step with the series.
std::vector<SeriesPast> known_of(std::span<const Series* const> series) {
    std::vector<SeriesPast> known;
    for (const NoiseUsed& noise : learned_noise(series)) known.push_back({noise, ""});
    const RegressionReport report = find_regressions(series);
    for (const Regression& drop : report.regressions) {
        if (drop.status != RegressionStatus::confirmed) continue;
        const Series& one = *series[drop.series];
        const auto levels = series_levels(one, known[drop.series].noise);
        const std::size_t n = levels.size();
        // Below its best and rising again is no fall.
        const bool rose =
            n > 1 && (levels[n - 1].value > levels[n - 2].value) == larger_is_better(one.key);
        if (!rose) known[drop.series].regression = drop_words(drop);
    }
    return known;
}

// The newest level in the unit of the forecast; `scale` is efficiency over value.
std::optional<Interval> newest_level(const Series& series, const NoiseUsed& noise, double scale,
                                     double interval_percent) {
    const auto levels = series_levels(series, noise);
    if (levels.empty() || !std::isfinite(scale)) return std::nullopt;
    const double value = levels.back().value;
    const auto interval = interval_around(levels.back(), noise, interval_percent);
    const LevelInterval around = interval.value_or(LevelInterval{value, value});
    return Interval{scale * value, scale * around.low, scale * around.high};
}

SeriesForecast forecast_of(const SubjectSeries& s, const Subject& subject, const SeriesPast& known,
                           const ForecastRequest& request) {
    SeriesForecast made;
    made.key = s.series.key;
    made.hardware_name = subject.name;
    const bool is_ratio = made.key.unit == "ratio";
    made.is_efficiency =
        is_ratio || std::any_of(s.efficiency.begin(), s.efficiency.end(),
                                [](double efficiency) { return std::isfinite(efficiency); });
    if (!made.is_efficiency) made.why_no_efficiency = s.peak.reason;
    double scale = no_number;
    for (std::size_t i = 0; i < s.series.points.size(); ++i) {
        const SeriesPoint& point = s.series.points[i];
        const bool divided = made.is_efficiency && !is_ratio;
        const double value = divided ? s.efficiency[i] : point.value;
        if (point.doubts != 0 || !std::isfinite(value)) {
            ++made.doubtful;
            continue;
        }
        scale = value / point.value;
        made.points.push_back(
            {static_cast<double>(point.time_unix) / seconds_per_day, value, point.stack});
    }
    ForecastOptions options;
    if (made.is_efficiency) {
        options.target = request.target;
        options.value_max = efficiency_max;
    }
    options.now = newest_level(s.series, known.noise, scale, options.interval_percent);
    if (request.today_unix)
        options.today_days = static_cast<double>(*request.today_unix) / seconds_per_day;
    if (made.points.empty() && made.doubtful > 0)
        made.forecast.refused = "no run that counts: all are doubtful";
    else if (!larger_is_better(made.key))
        made.forecast.refused = "less of it is better, and only rising curves are forecast";
    else
        made.forecast = forecast(made.points, options);
    // A drop outranks a forecast and a failed back-test, which it explains; not "too few stacks".
    const bool has_curve = made.forecast.refused.empty() || made.forecast.back_test.runs > 0;
    if (!has_curve || known.regression.empty()) return made;
    const Forecast fitted = std::exchange(made.forecast, {});
    made.forecast.stacks = fitted.stacks;
    made.forecast.runs = fitted.runs;
    made.forecast.refused = known.regression;
    return made;
}

}  // namespace

Result<ForecastReply> look_ahead(const std::string& db, const ForecastRequest& request) {
    const auto analysed = load_series(db, request.series);
    if (!analysed) return tl::make_unexpected(analysed.error());
    ForecastReply reply;
    reply.store_location = analysed->store_location;
    std::vector<const Series*> all;
    for (const Subject& subject : analysed->subjects)
        for (const SubjectSeries& one : subject.series) all.push_back(&one.series);
    const std::vector<SeriesPast> known = known_of(all);
    for (const Subject& subject : analysed->subjects)
        for (const SubjectSeries& series : subject.series)
            reply.forecasts.push_back(
                forecast_of(series, subject, known[reply.forecasts.size()], request));
    std::stable_sort(reply.forecasts.begin(), reply.forecasts.end(),
                     [](const SeriesForecast& a, const SeriesForecast& b) {
                         return a.forecast.refused.empty() > b.forecast.refused.empty();
                     });
    return reply;
}

}  // namespace peakward
