// An entry of the hardware database: what a product should do, every figure with its source.
// data/schema/hardware-1.schema.json is the form of its file; docs/howto/add-a-product.md shows
// one.
//
// Units stand in the names of the fields. Rates are in 10^9 operations per second, dense; a
// multiply-add is two operations.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/result.hpp"

namespace peakward {

// A number with its source, or the reason why it is not known. Nothing is ever in between.
struct Figure {
    std::optional<double> value;
    std::string unknown;  // why there is no value
    std::string source;   // a key of HardwareSpec::sources
    std::string formula, note, accumulator;
    explicit operator bool() const { return value.has_value(); }
};

// By kind of core; under "" where one figure holds for all kinds.
using FigurePerKind = std::map<std::string, Figure>;

struct SpecSource {
    std::string title, publisher, url, section, read, note;
};

struct CoreGroup {
    std::string kind;  // "performance", "sm", "core"
    Figure count;
    std::optional<Figure> threads_per_core;
    std::string microarchitecture;
};

// Operations that one core of a kind does in one cycle of a clock.
struct OperationRate {
    std::string per;  // the kind of core
    double per_clock_count = 0;
    std::string clock;  // "boost", "sustained.avx512"
    std::string source, formula, note;
};

struct SpecClocks {
    std::map<std::string, FigurePerKind> by_class;  // "base", "boost", "sustained.amx"; in GHz
    std::optional<Figure> memory_ghz;
};

struct SpecMemory {
    std::string type;  // "HBM3"
    std::optional<Figure> capacity_gb, channels, bus_width_bits, rate_mtps, bandwidth_gbps;
};

struct SpecCache {
    int level = 0;
    std::string kind;
    Figure size_kb;
    std::string per;
};

// What differs from the product in one power mode.
struct PowerMode {
    std::string name;  // "25W"
    std::optional<Figure> tdp_w;
    SpecClocks clocks;
    std::vector<CoreGroup> cores;
    SpecMemory memory;
    std::map<std::string, Figure> theoretical_peaks_gops;
    std::string note;
};

// How a host shows the product: every key that is set must hold.
struct DetectionPattern {
    std::optional<std::string> cpu_model, gpu_model, product_name;  // regular expressions
    std::optional<std::string> pci_id, device_tree, cpu_vendor;
    std::optional<int> cpu_family, cpu_model_number, cpu_stepping, cores_per_socket;
    double confidence = 0;  // 0 to 1
    std::string reason;
    std::string source;  // where the name stands; "" when the reason says it all
};

struct HardwareSpec {
    int spec_version = 1;  // raised by every correction
    std::string id, name, kind, vendor;
    std::vector<std::string> aliases;
    std::string host_architecture;  // "" for any
    int devices = 1;                // as how many a host sees it: each has its part of every figure
    std::string launched;           // "2022-10", "" when unknown
    std::string launched_source;    // a key of sources
    std::map<std::string, SpecSource> sources;
    std::vector<DetectionPattern> detection;

    std::string architecture, microarchitecture, compute_capability;
    std::vector<std::string> isa;
    std::vector<CoreGroup> cores;
    SpecClocks clocks;
    std::map<std::string, std::vector<OperationRate>> operations_per_clock;  // by precision
    std::map<std::string, Figure> theoretical_peaks_gops, vector_peaks_gops, sparse_peaks_gops;
    std::optional<SpecMemory> memory;
    std::vector<SpecCache> caches;
    Figure tdp_w;
    std::map<std::string, PowerMode> power_modes;
    std::string default_power_mode;
    std::vector<std::string> contains;  // of a board: its parts
    std::string note;

    Json document;       // the file as it was read
    std::string origin;  // "" when compiled in, else the path of the user's file
    Json calibration;    // what export-calibration wrote for it, by power mode; null when nothing
};

// A design of cores: what a guest that hides its product can still be told to be. One entry of
// data/hardware/architectures.json.
struct Architecture {
    struct Pattern {
        std::string cpu_vendor;
        int family = 0, model_first = 0, model_last = 0;
        std::optional<int> stepping_first, stepping_last;
        std::vector<std::string> isa;  // what the host must be able to use
        double confidence = 0;
        std::string reason;
    };
    std::string id, name;
    std::vector<Pattern> detection;
};
// All of that file; `file` is how it is called in an error.
Result<std::vector<Architecture>> read_architectures(std::string_view text,
                                                     const std::string& file);

// Reads one product. The error is one sentence with the file and the line or the field: malformed
// JSON, a field that does not exist or is missing, a wrong type, a figure without a source.
// `file` is how the file is called in it.
Result<HardwareSpec> read_spec(std::string_view text, const std::string& file);
Result<HardwareSpec> spec_from_json(Json document, const std::string& file);

// What is wrong with an entry in itself, one sentence each: given and derived peaks that disagree
// by more than 2 %, figures 1000 times their neighbours', patterns that match everything, a default
// power mode that does not exist.
std::vector<std::string> problems_of(const HardwareSpec& spec);
// Of one pattern, which stands at `field`: no expression, not anchored, or more than the product
// would match it.
std::vector<std::string> problems_of(const DetectionPattern& pattern, const std::string& field);

// The same by the JSON Schema, through a library (docs/adr/0015-two-checks-of-a-product.md); empty
// as well where this program was built without it.
std::vector<std::string> schema_problems(const Json& document);
bool has_schema_library();
std::string_view schema_text();

// "Publisher, datasheet title, section 3" of a source's key.
std::string source_text(const HardwareSpec& spec, const std::string& key);
// Whether somebody read it for this entry: "read 2026-11-21", or "cited, not re-read".
std::string reading_text(const SpecSource& source);

// A year, month or day that the calendar has: "2022", "2022-10", "2022-10-04".
bool is_date(std::string_view text);

}  // namespace peakward
