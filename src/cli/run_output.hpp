// A run, and the self-test, in every format: shared by `calibrate` and `show`.
#pragma once

#include <string>
#include <vector>

#include "cli/options.hpp"
#include "core/records_json.hpp"

namespace peakward::cli {

struct RunOutput {
    WithWindows windows = WithWindows::no;
    std::string table = "measurements";  // or "results": what CSV has
    std::string stored_in;               // "": the page does not say
    std::string written_to;              // of --output
    std::optional<Error> failure;        // what could not be done with the run
    int exit_code = 0;                   // of the failure
    std::string kept_in;                 // the file of a run that could not be stored
};
// References to `run` must outlive the result.
Shown run_shown(const Run& run, const RunOutput& output);

Shown self_test_shown(const std::vector<PlantedFault>& faults);

}  // namespace peakward::cli
