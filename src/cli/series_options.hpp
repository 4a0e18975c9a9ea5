// Options of the verbs that read series: which hardware, which figures, which time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "session/analysis.hpp"

namespace peakward::cli {

struct SeriesOptions {
    std::string hardware;
    std::string since, until, precision, device, backend, suite, operation, metric;
    bool as_recorded = false;
};

// What a verb does not ask: which hardware (it has it otherwise), or which metric; or what it
// cannot do without.
enum class Offered { all, without_hardware, without_metric, needs_hardware };
std::shared_ptr<SeriesOptions> add_series_options(CLI::App& app, Offered offered = Offered::all);

// Fails (usage) on a precision that does not exist.
Result<SeriesRequest> request_of(const SeriesOptions& options, const StopToken& stop);

}  // namespace peakward::cli
