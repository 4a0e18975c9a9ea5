// A series: one figure of one case on one install, run after run. The store hands series out, the
// analyses read them. Only a series is compared with itself (DESIGN section 1).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/records.hpp"

namespace peakward {

// A figure that is not known.
inline constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

// Two kinds share all that follows: the scores of device x backend x precision (peak_measured_gops,
// blas3_gops, stream_best_gbps, …) and the metrics of one case (gops, gbps, median_s, …).
enum class SeriesKind { score, measurement };

struct SeriesKey {
    SeriesKind kind = SeriesKind::score;
    std::string install;
    std::string lineage;
    std::optional<std::string> power_mode;  // none: it could not be read
    // What was measured: "quick/4", the suite of a score; "gemm/1", the operation of a measurement
    // and the version of its definition; "import-…/1", the suite of an imported measurement.
    std::string definition;
    std::string suite;  // of the newest run: shown, and not part of the identity
    std::string device;
    std::string backend;    // "" where an imported profile does not tell
    std::string precision;  // the same
    std::string operation;  // "" for scores
    Shape shape;            // empty for scores
    int threads = 0;        // 0 for scores
    std::string metric;     // "peak_measured_gops", "gops", …
    std::string unit;       // "GOP/s", "GB/s", "s", "ratio", …
    friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
};

// The suite that tells the series apart from others; "" of a case, which is one series in all of
// them.
std::string keyed_suite(const SeriesKey& key);

// Whether more of a metric is better: rates and ratios, against times, watts and degrees.
bool larger_is_better(const SeriesKey& key);

// Why a point is shown and yet never a baseline, a milestone or a verdict (METHODS 3.1). Bits of
// SeriesPoint::doubts; 0 is a point to decide with.
enum Doubt : std::uint16_t {
    doubt_contended = 1,          // other work took the CPUs
    doubt_forced = 2,             // preflight failed and the run went on
    doubt_above_theoretical = 4,  // above 102 % of the peak: the peak or the figure is wrong
    doubt_incomplete = 8,         // the run was interrupted
    doubt_imported = 16,          // import found the file doubtful
    doubt_fallback = 32,          // it ran on another device than was asked for
    doubt_platform = 64,          // measured under a preset that the host is not
    doubt_not_measured = 128,     // value is NaN: failed, timed out, invalid
    doubt_power_mode = 256,       // the product has power modes, and which one it was is unknown
};
// "contended, forced"; "" for 0.
std::string doubt_words(std::uint16_t doubts);
// The doubt that a flag of a run, score or measurement stands for; 0 for flags that cast none.
std::uint16_t doubt_of_flag(const std::string& flag);

struct SeriesPoint {
    std::int64_t seq = 0;        // of the run in this store
    std::int64_t time_unix = 0;  // of the run, seconds
    double value = 0;            // in SeriesKey::unit; NaN: not measured, and `doubts` says so
    double ci_low = 0;           // 95 % interval; NaN where the figure has none
    double ci_high = 0;
    std::int32_t stack = -1;  // the software that was measured: place in SoftwareStacks
    std::uint16_t doubts = 0;
    friend bool operator==(const SeriesPoint&, const SeriesPoint&) = default;
};

struct Series {
    SeriesKey key;
    std::vector<SeriesPoint> points;  // by time, then by seq; superseded runs are left out
    // Of a series that several installs of a lineage share: the install of each point, as a number.
    // Empty: all points are of key.install.
    std::vector<std::int32_t> units = {};
};

// A software stack, named by both of its ids; SeriesPoint::stack is a place in a list of these.
struct SoftwareStack {
    std::string software_fingerprint;
    std::string stack_digest;
    friend bool operator==(const SoftwareStack&, const SoftwareStack&) = default;
};

// What really ran for a case: "OpenBLAS 0.3.21 Zen pthreads".
struct CaseImplementation {
    Case what;
    std::string implementation;
};

// What a run ran on, as far as analyses compare it (METHODS 3.2).
struct RunFacts {
    std::int64_t seq = 0;
    std::string run_id;
    std::string timestamp;
    std::int64_t time_unix = 0;
    std::string hardware_fingerprint;
    std::string lineage;
    std::string software_fingerprint;
    std::string stack_digest;
    std::string suite;
    std::string peakward_version;
    std::map<std::string, std::optional<std::string>> components;  // none: unknown
    std::map<std::string, std::optional<std::string>> firmware;    // cpu_microcode, gpu_vbios
    // power_mode, cpu_governor, thermal_state, virtualization, and clock_mhz where it was probed.
    std::map<std::string, std::optional<std::string>> environment;
    std::vector<CaseImplementation> implementations;  // of the cases that were measured
    std::vector<std::string> flags;
};

// One lineage as a store knows it: what "--hardware X" can name.
struct KnownHardware {
    std::string lineage;
    // Each with the time of its first run, oldest first: a firmware change is a second one.
    std::vector<std::pair<std::string, std::int64_t>> fingerprints;
    std::vector<std::string> installs;
    std::string cpu_model;                        // "unknown" when it is
    std::string gpu_model;                        // "N/A" without one
    std::map<std::string, std::string> products;  // device -> product id, of the newest run
    std::int64_t runs = 0;
    std::int64_t first_unix = 0, last_unix = 0;
    std::int64_t newest_seq = 0;
};

}  // namespace peakward
