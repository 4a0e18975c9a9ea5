// A run as the rows of the tables that index it: the same for every engine. Appending writes these
// rows, verifying makes them again from the stored document and compares.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/records.hpp"

namespace peakward::store {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;  // first: NULL
using Row = std::vector<Value>;

// A table that is keyed by the run: column 1 is seq, then these, in the order of its primary key.
struct IndexTable {
    const char* name;
    std::vector<const char*> columns;
};
// run_facts, gpus, components, scores.
std::span<const IndexTable> run_tables();
extern const std::vector<const char*> measurement_columns;  // after series_id, seq, position
extern const std::vector<const char*> value_columns;        // after series_id, seq, position

struct MeasurementRows {
    std::string series_key;  // canonical JSON
    std::string series_sha256;
    Row measurement;
    std::vector<Row> values;  // by metric, ascending
};

struct RunRows {
    std::vector<std::vector<Row>> tables;  // as run_tables(), each by primary key, ascending
    std::vector<MeasurementRows> measurements;
};

RunRows rows_of(const Run& run);

// Canonical JSON of what stays the same while runs go by: case, install, lineage, power mode (null
// when unknown) and suite.
std::string series_key(const Run& run, const Case& what);

}  // namespace peakward::store
