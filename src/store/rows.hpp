// A run as the rows of the tables that index it: the same for every engine. Appending writes these
// rows, verifying makes them again from the stored document and compares.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/records.hpp"
#include "core/series.hpp"

namespace peakward::store {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;  // first: NULL
using Row = std::vector<Value>;

// A table that is keyed by the run: column 1 is seq, then these, in the order of its primary key.
struct IndexTable {
    const char* name;
    std::vector<const char*> columns;
};
// run_facts, gpus, components, scores, run_products.
std::span<const IndexTable> run_tables();
extern const std::vector<const char*> measurement_columns;  // after series_id, seq, position
extern const std::vector<const char*> value_columns;        // after series_id, seq, position

// One metric of a series in a run. Bounds are NaN where there are none.
struct Figure {
    std::string metric, unit;
    double value = 0, ci_low = 0, ci_high = 0;
    std::uint16_t doubts = 0;  // beside those of the point
};

// A run's place in a series. Without figures: nothing was measured.
struct PointRow {
    std::uint16_t doubts = 0;
    std::vector<Figure> figures;
};

struct MeasurementRows {
    std::string series_key;  // canonical JSON
    std::string series_sha256;
    Row measurement;
    std::vector<Row> values;        // by metric, ascending
    std::optional<PointRow> point;  // none: unsupported
};

// As the row of scores at the same place.
struct ScoreRows {
    std::string series_key;  // canonical JSON
    std::string series_sha256;
    PointRow point;
};

// What summaries over runs are made of.
struct RunOrigin {
    std::string lineage, hardware_fingerprint, install;
    std::string software_fingerprint, stack_digest;
    std::int64_t timestamp_unix = 0;
    std::int64_t cases = 0;
};

struct RunRows {
    RunOrigin origin;
    std::vector<std::vector<Row>> tables;  // as run_tables(), each by primary key, ascending
    std::vector<MeasurementRows> measurements;
    std::vector<ScoreRows> scores;
};

RunRows rows_of(const Run& run);

// Canonical JSON of what stays the same while runs go by: case, definition, install, lineage and
// power mode (null when unknown). The definition is the operation with its version, "gemm/1"; of an
// imported measurement its suite, because another tool measured it in its own way.
std::string series_key(const Run& run, const Measurement& measurement);
// The same of a score: backend, device, precision in place of the case, and the suite, which says
// of which cases the score is the best.
std::string score_series_key(const Run& run, const Score& score);

}  // namespace peakward::store
