// What a reader of this stage gives: runs as far as the source tells them. What the source does not
// say stays unknown with the reason, and never gets a default that looks real.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward::older {

// Something about a source that speaks against trusting it.
struct Doubt {
    std::string flag;    // of the run: "platform_mismatch"
    std::string reason;  // one sentence, without the file's name
};

// Of one flag the first reason stays.
void add_doubt(std::vector<Doubt>& doubts, const std::string& flag, const std::string& reason);

struct ImportedRun {
    // Without install, fingerprints, products, scores and timestamp_unix: those take the database
    // and the formulas of other stages (src/session/import.cpp). run_id "" is yet to be made of the
    // content. The timestamp is as the source wrote it.
    Run run;
    std::string machine;  // what the source calls its hardware, in lower case without "cpu", "gpu"
    std::optional<std::int64_t> timestamp_unix;  // where the source states it
    std::vector<Doubt> doubts;
    // Theoretical peaks as the source states them.
    std::map<std::string, double> peaks_gops;  // by precision
    std::optional<double> peak_gbps;
    bool is_scored = false;  // the scores came with the source, and no measurements behind them
};

// A profile of the older tool (branes-ai/graphs, calibrate_hardware.py): the first without
// precisions and framework, those with precision_results, and the last with STREAM, BLAS, clocks
// and preflight. `not_numbers` is Document's. The error is one sentence that names the field.
Result<ImportedRun> read_older_profile(const Json& document, int not_numbers);

// Rows in seed 000's columns: those with one run_id are one run. The error names the row.
Result<std::vector<ImportedRun>> read_exported_rows(const Json& rows);

inline constexpr const char* not_recorded = "not recorded by the older profile";

}  // namespace peakward::older
