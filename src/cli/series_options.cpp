#include "cli/series_options.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace peakward::cli {

namespace {

void add_metric(CLI::App& app, SeriesOptions& options, const char* group) {
    add_value(app, options.operation,
              {"--operation", "OPERATION", "With a metric of single cases: gemm, dot, ...", group});
    add_value(app, options.metric,
              {"--metric", "METRIC",
               "peak_measured_gops, blas3_gops, stream_best_gbps, or of single cases gops, gbps, "
               "median_s, power_w, ... Default: peak_measured_gops.",
               group});
}

}  // namespace

std::shared_ptr<SeriesOptions> add_series_options(CLI::App& app, Offered offered) {
    auto options = std::make_shared<SeriesOptions>();
    const char* group = "Which figures";
    if (offered != Offered::without_hardware)
        add_value(
            app, options->hardware,
            {"--hardware", "ID",
             offered == Offered::needs_hardware
                 ? "Needed: a hardware fingerprint or lineage (the start of it is enough), or a "
                   "product id; peakward history shows them."
                 : "A hardware fingerprint or lineage (the start of it is enough), or a product "
                   "id. Default: all hardware of the database.",
             group});
    add_value(app, options->since,
              {"--since", "DATE",
               "Only runs from this day or time on (UTC). Days then count from the first of them.",
               group});
    add_value(app, options->until,
              {"--until", "DATE", "Only runs up to this day or time (UTC).", group});
    add_value(app, options->precision, {"--precision", "PRECISION", "Only this one.", group});
    add_value(app, options->device, {"--device", "DEVICE", "cpu, cuda:0, ...", group});
    add_value(app, options->backend,
              {"--backend,--framework", "BACKEND", "Only what this one computed.", group});
    add_value(app, options->suite, {"--suite", "SUITE", "quick, standard, full, ...", group});
    if (offered != Offered::without_metric) add_metric(app, *options, group);
    add_flag(app, options->as_recorded,
             {"--as-recorded", "",
              "Efficiencies by the peaks that each run recorded, not by the hardware database of "
              "today.",
              group});
    return options;
}

Result<SeriesRequest> request_of(const SeriesOptions& options, const StopToken& stop) {
    const auto precisions = words_of("PRECISION");
    if (!options.precision.empty() &&
        std::find(precisions.begin(), precisions.end(), options.precision) == precisions.end())
        return wrong_usage("--precision: " +
                           unknown_name_message("precision", options.precision, precisions));
    SeriesRequest request;
    request.stop = &stop;
    request.hardware = options.hardware;
    request.since = options.since;
    request.until = options.until;
    request.precision = options.precision;
    request.device = options.device;
    request.backend = options.backend;
    request.suite = options.suite;
    request.operation = options.operation;
    if (!options.metric.empty()) request.metrics = {options.metric};
    // Peaks of whole devices have no operation: naming one asks for the cases of it.
    if (options.metric.empty() && !options.operation.empty()) request.metrics = {"gops"};
    request.as_recorded = options.as_recorded;
    request.stop = &stop;
    return request;
}

}  // namespace peakward::cli
