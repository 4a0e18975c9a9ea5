// The pages of the verbs that analyse, for whoever gathers them: `peakward report`.
#pragma once

#include "present/plot.hpp"
#include "present/report.hpp"
#include "session/forecast.hpp"
#include "session/trajectory.hpp"

namespace peakward::cli {

Report maturity_report(const Followed& followed);
Report impact_report(const Followed& followed);
// One section a series, and what was measured with the curve ahead.
Report forecast_report(const ForecastReply& reply, double target);
Plot forecast_plot(const SeriesForecast& series, double target);

}  // namespace peakward::cli
