// What can be measured. The work of an operation (operations, bytes, reference, tolerance) is
// written once, in operations/NAME.cpp; measuring, scoring and estimating all read it from here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/records.hpp"
#include "core/result.hpp"
#include "core/units.hpp"

namespace peakward::catalog {

struct Precision {
    std::string name;  // "fp32"
    int bits = 0;
    bool integer = false;
    double epsilon = 0;  // unit roundoff of the format (2^-p); 0 for integers
    std::string
        accumulator;  // what products are summed in where hardware offers it: "fp32", "int32"
};

// All precisions, in the order tables show them.
std::span<const Precision> precisions();
const Precision* find_precision(std::string_view name);
std::vector<std::string> precision_names();

enum class OperationClass {
    memory,        // STREAM: bandwidth
    compute_peak,  // register-resident kernels: the most the core can do
    probe,         // clocks: evidence for a peak, never a score
    blas1,
    blas2,
    blas3,
    network,  // layers of networks: convolution, normalisation, attention
};

struct Axis {
    std::string name;
    std::string meaning;
    std::vector<std::string> words;  // the legal words; empty for a number
};

struct Operation {
    std::string name;   // "gemm"
    std::string title;  // "matrix x matrix, C = A B"
    // Counts from 1, up with any change that makes figures of before incomparable: what is
    // computed, how its work is counted, how it is timed. Part of every series of its measurements.
    int definition_version = 0;
    std::string layer;  // "micro", "proxy", "models"
    OperationClass kind;
    std::vector<Axis> axes;
    std::vector<std::string> precisions;
    // Work of one iteration over all threads. A compute peak's iteration is
    // `peak_operations_per_iteration` on one thread; a clock probe's is as many cycles.
    Operations (*operations)(const Case& what);
    Bytes (*bytes)(const Case& what);      // what the operation's definition moves (STREAM's count)
    Bytes (*bus_bytes)(const Case& what);  // estimate with write-allocate
    double (*tolerance)(const Case& what);  // largest relative deviation from the reference
    std::string reference;                  // how the answer is checked, in words
};

// 3 * 2^20: divisible by every unroll in use (8, 12, 16, 24 accumulators of any vector length).
inline constexpr double peak_operations_per_iteration = 3.0 * 1048576.0;

// All operations, in the order tables show them. Adding one: one file, one line (docs/howto).
std::span<const Operation> operations();
const Operation* find_operation(std::string_view name);
std::vector<std::string> operation_names();
// What to write in place of another tool's or an earlier name of an operation, a backend or a
// layer, as a clause; "" for other names.
std::string_view name_of_today(std::string_view name);
std::vector<std::string> layer_names();  // "micro", "proxy", "models"

// A suite fixes which cases a run measures; its id and version are part of every series of scores.
struct SuiteEntry {
    std::string operation;
    std::vector<Shape> shapes;  // empty: the measuring stage derives them (plateau, ISA classes)
    std::vector<std::string> precisions;  // empty: all that the operation and the backend have
    bool cpu = true;  // false: on other devices alone, which need larger shapes to be filled
};
struct Suite {
    std::string id;  // "quick", "standard", "full"
    int version = 1;
    double case_seconds_max = 3.0;   // most time one case may measure
    double case_seconds_enough = 0;  // with a fair figure a case ends after it; 0: never
    int restarts = 1;                // worker processes per case
    std::vector<SuiteEntry> entries;

    std::string name() const { return id + "/" + std::to_string(version); }  // "quick/4"
};
// "quick", "standard" (the default) or "full", from data/suites/*.json, compiled in.
Result<Suite> find_suite(std::string_view id);

}  // namespace peakward::catalog
