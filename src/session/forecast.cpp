#include "session/forecast.hpp"

#include <algorithm>
#include <cmath>

namespace peakward {
namespace {

constexpr double seconds_per_day = 86'400;

SeriesForecast forecast_of(const SubjectSeries& s, const Subject& subject, double target) {
    SeriesForecast made;
    made.key = s.series.key;
    made.hardware_name = subject.name;
    const bool is_ratio = made.key.unit == "ratio";
    made.is_efficiency =
        is_ratio || std::any_of(s.efficiency.begin(), s.efficiency.end(),
                                [](double efficiency) { return std::isfinite(efficiency); });
    if (!made.is_efficiency) made.why_no_efficiency = s.peak.reason;
    for (std::size_t i = 0; i < s.series.points.size(); ++i) {
        const SeriesPoint& point = s.series.points[i];
        const bool divided = made.is_efficiency && !is_ratio;
        const double value = divided ? s.efficiency[i] : point.value;
        if (point.doubts != 0 || !std::isfinite(value)) {
            ++made.doubtful;
            continue;
        }
        made.points.push_back(
            {static_cast<double>(point.time_unix) / seconds_per_day, value, point.stack});
    }
    ForecastOptions options;
    if (made.is_efficiency) {
        options.target = target;
        options.value_max = efficiency_max;
    }
    if (made.points.empty() && made.doubtful > 0)
        made.forecast.refused = "no run that counts: all are doubtful";
    else if (larger_is_better(made.key))
        made.forecast = forecast(made.points, options);
    else
        made.forecast.refused = "less of it is better, and only rising curves are forecast";
    return made;
}

}  // namespace

Result<ForecastReply> look_ahead(const std::string& db, const ForecastRequest& request) {
    const auto analysed = load_series(db, request.series);
    if (!analysed) return tl::make_unexpected(analysed.error());
    ForecastReply reply;
    reply.store_location = analysed->store_location;
    for (const Subject& subject : analysed->subjects)
        for (const SubjectSeries& series : subject.series)
            reply.forecasts.push_back(forecast_of(series, subject, request.target));
    std::stable_sort(reply.forecasts.begin(), reply.forecasts.end(),
                     [](const SeriesForecast& a, const SeriesForecast& b) {
                         return a.forecast.refused.empty() > b.forecast.refused.empty();
                     });
    return reply;
}

}  // namespace peakward
