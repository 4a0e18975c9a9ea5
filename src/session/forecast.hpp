// Forecasts of the series of one hardware: what the verb `forecast` shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyze/forecast.hpp"
#include "session/analysis.hpp"

namespace peakward {

struct ForecastRequest {
    SeriesRequest series;
    double target = 0.9;  // efficiency; where no peak is known there is no target
    std::optional<std::int64_t> today_unix = {};  // of the question; none: the newest run's day
};

struct SeriesForecast {
    SeriesKey key;
    std::string hardware_name;
    bool is_efficiency = false;  // the figures are efficiencies; else in key.unit
    std::string why_no_efficiency;
    std::vector<ForecastPoint> points;  // that it stands on; days since 1970
    std::size_t doubtful = 0;           // that were put aside
    Forecast forecast;
};

struct ForecastReply {
    std::string store_location;
    std::vector<SeriesForecast> forecasts;  // those with a forecast first
};

// Refused, beside the reasons of forecast(), where the last event of a series is a confirmed
// regression: then no rising curve describes it.
Result<ForecastReply> look_ahead(const std::string& db, const ForecastRequest& request);

}  // namespace peakward
