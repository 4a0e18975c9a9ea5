// The vocabulary: what a calibration run is made of. Plain data; DESIGN section 1 defines the
// words, docs/glossary.md repeats them for readers. JSON forms are in records_json.hpp.
//
// Units stand in the names. A Fact is a value with its source or the reason it is unknown.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/fact.hpp"

namespace peakward {

// ---------------------------------------------------------------------------------------------
// Context: what the machine is and runs
// ---------------------------------------------------------------------------------------------

// Cores of one design: a hybrid processor has several kinds, every other has one.
struct CoreKind {
    std::string name;               // "performance", "efficiency", or "" where there is one kind
    std::string microarchitecture;  // "golden_cove", "neoverse_n1"; "" when not recognised
    std::string unknown_design;     // why microarchitecture is ""; "" where no source was expected
    int cores = 0;                  // physical cores of this kind that are visible
    std::vector<int> cpus;          // their logical CPUs
    Fact<double> clock_max_mhz;     // what the system says; a peak prefers a probe
    friend bool operator==(const CoreKind&, const CoreKind&) = default;
};

struct CacheLevel {
    int level = 0;
    std::string type;             // "data", "instruction", "unified"
    std::int64_t size_bytes = 0;  // of one instance
    int instances = 0;
    int shared_by_cpus = 0;  // logical CPUs that share one instance
    friend bool operator==(const CacheLevel&, const CacheLevel&) = default;
};

struct CpuInfo {
    std::string architecture;  // "x86_64", "aarch64"
    Fact<std::string> model;   // "Intel(R) Core(TM) i7-12700K"
    Fact<std::string> vendor;  // "GenuineIntel", "ARM"
    Fact<int> family;
    Fact<int> model_number;
    Fact<int> stepping;
    Fact<std::string> microcode;  // "0x2c"
    Fact<int> sockets;
    Fact<int> cores_physical;
    Fact<int> cores_logical;
    Fact<int> numa_nodes;
    std::string microarchitecture;  // "cascade_lake", "zen4"; "" when not recognised
    std::vector<CoreKind> core_kinds;
    std::vector<std::string>
        isa;  // what kernels can use: "avx2","avx512f","avx512_vnni","amx_int8","asimd","sve"
    std::vector<CacheLevel> caches;
};

// A GPU or another device that computes: accelerators of all vendors on the PCI bus are in the
// list.
struct GpuInfo {
    std::string vendor;  // "nvidia", "amd", "habana"; a PCI vendor id where it has no name here
    // "cuda:0", as backends number it (device.hpp); unknown: no run can use it, and why.
    Fact<std::string> device;
    Fact<std::string> model;
    Fact<std::string> pci_id;       // "10de:2684"
    Fact<std::string> pci_address;  // "0000:01:00.0"
    // Its UUID, then those of its MIG slices. Used and not recorded: as good as a serial number.
    std::vector<std::string> uuids;
    Fact<std::string> vbios;
    Fact<int> memory_mb;
    Fact<std::string> driver;
    Fact<std::string> compute_capability;  // "9.0"
    Fact<int> multiprocessors;
    Fact<double> clock_max_mhz;
    Fact<double> power_limit_w;
    Fact<double> power_limit_default_w;  // what it is without a cap
    Fact<std::string> ecc;               // "enabled", "disabled"
    Fact<std::string> mig;               // "enabled", "disabled"
    Fact<std::string> throttle;          // active throttle reasons, "" when none
    Fact<int> other_processes;           // compute processes that are not ours
    Fact<double> temperature_c;
};

struct MemoryInfo {
    Fact<double> total_gb;           // nominal installed size (DESIGN 7), in GiB as vendors print
    Fact<std::int64_t> total_bytes;  // MemTotal
    Fact<std::int64_t> available_bytes;
    Fact<int> channels;           // populated, where SMBIOS tells
    Fact<double> configured_mts;  // megatransfers/s, where SMBIOS tells
    Fact<std::string> type;       // "DDR5"
};

struct Hardware {
    std::string fingerprint;  // 16 hexadecimal digits, seed 000's formula
    std::string lineage;      // the same without microcode and VBIOS
    CpuInfo cpu;
    std::vector<GpuInfo> gpus;  // sorted by PCI address, those of NVIDIA and AMD first
    MemoryInfo memory;
    Fact<std::string> product_name;        // DMI or device tree: "NVIDIA Jetson Orin Nano"
    std::vector<std::string> device_tree;  // its "compatible" names: "nvidia,p3767-0005"
};

struct Software {
    std::string fingerprint;   // 16 hexadecimal digits, seed 000's five components
    std::string stack_digest;  // SHA-256[:16] over all components
    // name -> version; a component that is not installed is unknown with that reason.
    // Seed 000's names are always there: os_kernel, os_distro, gpu_driver_version, cuda_version,
    // pytorch_version, numpy_version, blas_library.
    std::map<std::string, Fact<std::string>> components;
};

// What may differ from run to run on the same machine with the same software.
struct Environment {
    Fact<std::string> power_mode;        // "25W", "performance", "TDP"
    Fact<std::string> cpu_governor;      // "performance"; "mixed: schedutil on 4 CPUs, ..."
    Fact<std::string> frequency_driver;  // "intel_pstate": what a governor's name means
    Fact<std::string> energy_preference;
    Fact<std::string> turbo;           // "enabled", "disabled"
    Fact<std::string> thermal_state;   // "cool", "warm", "throttled"
    Fact<double> temperature_c;        // hottest CPU sensor
    Fact<std::string> virtualization;  // "none", "kvm", "docker"
    Fact<double> load_average_1m;
    Fact<double> busy_percent;   // of all visible CPUs, by others, while detect watched
    Fact<double> steal_percent;  // since boot or over the watch window
    Fact<double> psi_cpu_some_avg10_percent;
    Fact<double> psi_memory_some_avg10_percent;
    Fact<double> cpu_quota_cpus;  // cgroup cpu.max as a number of CPUs; unknown: no limit found
    Fact<std::int64_t> memory_limit_bytes;
    std::vector<int> cpus_allowed;             // affinity and cpuset
    Fact<std::string> transparent_huge_pages;  // "always", "madvise", "never"
    Fact<std::string> numa_balancing;          // "on", "off"
};

struct Context {
    std::string install;  // random id of this installation, kept locally; never from hardware
    Hardware hardware;
    Software software;
    Environment environment;
};

// ---------------------------------------------------------------------------------------------
// Preflight
// ---------------------------------------------------------------------------------------------

enum class CheckStatus { pass, fail, unknown };

struct Check {
    std::string id;     // "cpu_governor"
    std::string title;  // "CPU governor"
    CheckStatus status = CheckStatus::unknown;
    std::string evidence;  // what was seen and where
    std::string remedy;    // the command that would mend it; "" when it passes
};

struct Preflight {
    CheckStatus verdict =
        CheckStatus::unknown;  // fail if one failed, else pass (unknowns are shown)
    std::vector<Check> checks;
};

// ---------------------------------------------------------------------------------------------
// Cases and measurements
// ---------------------------------------------------------------------------------------------

// A shape names its axes: {"m":1024,"n":1024,"k":1024}, {"elements":..., "store":"nontemporal"}.
using AxisValue = std::variant<std::int64_t, std::string>;
using Shape = std::map<std::string, AxisValue>;

struct Case {
    std::string operation;
    std::string precision;
    Shape shape;
    std::string device = "cpu";
    std::string backend;
    int threads = 1;
    friend bool operator==(const Case&, const Case&) = default;
};

// What stands behind "cpu" or "cuda:0": the model, in brackets after the kind: "CPU (Intel …)".
// Only the kind where it is unknown, or where several GPUs differ in a record that does not number
// them.
std::string device_words(const Hardware& hardware, const std::string& device);

std::string to_string(const AxisValue& value);
// "m=1024 n=1024 k=1024"
std::string to_string(const Shape& shape);
// The integer on an axis, or `fallback` when it is missing or a word.
std::int64_t axis(const Shape& shape, const std::string& name, std::int64_t fallback = 0);
std::string axis_word(const Shape& shape, const std::string& name,
                      const std::string& fallback = "");

// What held a device back during a block, where the worker can tell.
enum class Throttle {
    unknown,
    none,
    power_cap,    // its own power limit, which heavy work meets on every such device
    slowed,       // heat, or a brake from outside
    core_shared,  // another hardware thread took a part of the core
};

// One timed execution, or block of `iterations` of them, as a worker reports it.
struct Sample {
    int thread = 0;
    std::int64_t start_ns = 0;  // monotonic clock
    std::int64_t wall_ns = 0;
    std::int64_t cpu_ns = -1;    // this thread's CPU time; -1: the worker cannot tell
    std::int64_t switches = -1;  // this thread's context switches during the block
    std::int64_t wait_ns = -1;   // run-queue wait of all threads of the worker
    double iterations = 1;       // of the case; a fraction when the block was part of one pass
    double clock_hz = 0;         // the core's clock right after the block; 0: not probed
    Throttle throttle = Throttle::unknown;
};

// What the gate made of a window (one sample, or the samples of all threads at one time).
enum class Verdict { kept, preempted, throttled, settling, core_shared };
inline constexpr Verdict verdict_last = Verdict::core_shared;

struct Window {
    std::int64_t start_ns = 0;  // since the first window of the measurement
    std::int64_t wall_ns = 0;
    double iterations = 0;  // over all threads, for the window
    double clock_hz = 0;
    Verdict verdict = Verdict::kept;
    // While it is judged; what is stored is the verdict.
    Throttle throttle = Throttle::unknown;
    std::int64_t waited_ns = -1;  // run-queue wait of a long call; -1: unknown
};

enum class Outcome { measured, unsupported, invalid, contended, failed, timed_out };
enum class Exit { none, converged, noisy_stable, fair, budget };

struct Statistics {
    int kept = 0;
    int dropped_preempted = 0;
    int dropped_throttled = 0;
    int dropped_core_shared = 0;  // another hardware thread had a share of the core
    int outliers = 0;             // counted, never deleted (beyond 3 IQR of the median)
    double median_s = 0;          // of one iteration
    double ci_low_s = 0;          // 95 % confidence interval of the median, by order statistics
    double ci_high_s = 0;
    double min_s = 0;
    double elapsed_s = 0;         // measuring time of this case
    double time_to_stable_s = 0;  // when the stopping rule was first met
    Exit exit = Exit::none;
    // With several worker processes (--full): relative spread within and between them.
    int processes = 1;
    std::optional<double> spread_within;
    std::optional<double> spread_between;
};

// What one inference of a network took, by a counter of the machine (METHODS 1.8). A counter that
// cannot be read leaves a reason and no figure.
struct Energy {
    std::optional<double> inference_j;  // median over blocks, the idle baseline taken off
    double ci_low_j = 0;                // 95 % confidence interval of the median
    double ci_high_j = 0;
    double idle_w = 0;   // the baseline: the device with the network loaded and nothing running
    int blocks = 0;      // that count; each lasts 20 updates of the counter or more
    std::string domain;  // what the counter covers: "package-0 + dram-0"
    std::string reason;  // why there is no figure
};

struct Measurement {
    Case what;
    // Of the operation (src/catalog). None: the run is older than this field, and the version is 1.
    std::optional<int> definition_version;
    Outcome outcome = Outcome::failed;
    std::string reason;  // why it is not `measured`
    Statistics statistics;
    std::optional<double> gops;      // operations of the catalog / median
    std::optional<double> gbps;      // bytes of the catalog / median
    std::optional<double> bus_gbps;  // estimated, with write-allocate where the store was temporal
    double clock_hz = 0;             // median clock of kept windows; 0: not probed
    std::optional<double> operations_per_cycle;  // per thread (of a GPU: of all of it)
    // A device that is rated at a clock, and ran at another: what the rate would be at the first.
    std::optional<double> clock_nominal_hz;
    std::optional<double> gops_at_nominal_clock;
    std::optional<double> temperature_c;  // hottest of the device during this case
    std::optional<double> power_w;        // largest that the device drew during this case
    std::string implementation;           // what really ran: "avx512 fma 24x", "openblas SkylakeX"
    std::string device_used;              // where the output lived
    std::optional<double> error;  // largest deviation from the reference, as the worker found it
    std::optional<double> tolerance;
    std::optional<double> steal_percent;         // over this case
    std::optional<double> psi_cpu_some_percent;  // share of this case's time in which a task waited
    // Of an imported summary, which has these in place of a median and its interval.
    std::optional<double> mean_s;
    std::optional<double> deviation_s;  // standard deviation of one execution
    // "throttled", "many_dropped", "probe_doubtful", …; "peak_evidence": nobody asked for the case,
    // it was measured so that the rates of others have a peak.
    std::vector<std::string> flags;
    std::optional<Energy> energy;  // of the layers proxy and models; none where nobody tried
    std::vector<Window> windows;   // raw, in time order
};

// Measured for a peak and asked for by nobody: says nothing about the backends of the run.
inline bool is_evidence(const Measurement& m) {
    return std::find(m.flags.begin(), m.flags.end(), "peak_evidence") != m.flags.end();
}

// ---------------------------------------------------------------------------------------------
// Scores
// ---------------------------------------------------------------------------------------------

enum class PeakKind { datasheet, computed, probed, estimated, unknown };

struct PeakInput {
    std::string name;  // "operations_per_cycle"
    double value = 0;
    std::string unit;    // "op/cycle"
    std::string source;  // "probe: 62.9 measured / nearest legal 64"
};

struct Peak {
    PeakKind kind = PeakKind::unknown;
    double value = 0;           // in `unit`; meaningless when unknown
    std::string unit = "gops";  // "gops" or "gbps"
    std::string formula;        // "cores x operations per cycle x clock"
    std::vector<PeakInput> inputs;
    bool sparse = false;
    std::string accumulator;  // "fp32", "int32"
    double clock_hz = 0;
    std::string spec_version;  // of the hardware database entry; "" when computed here
    std::string reason;        // why it is unknown
    bool doubtful = false;     // something was measured above 1.02 x value
};

// Above this efficiency the peak or the figure is wrong (METHODS 1.4).
inline constexpr double efficiency_max = 1.02;

// One row per device x precision x backend.
struct Score {
    std::string device;
    std::string backend;
    std::string precision;
    std::optional<double> stream_best_gbps;
    std::optional<double> blas3_gops;
    std::optional<double> peak_measured_gops;
    std::string peak_operation;  // the operation class of peak_measured_gops
    Peak theoretical_peak;       // compute
    Peak theoretical_bandwidth;
    std::optional<double> efficiency;  // peak_measured / theoretical; absent: peak unknown
    std::optional<double> bandwidth_efficiency;
    std::vector<std::string> flags;  // "above_theoretical", "forced", "contended", …
    std::vector<std::string> notes;  // the reason behind each flag, one sentence each
};

// Whether a precision works on a device through a backend: three values, each with its evidence.
enum class Capability { supported, unsupported, not_measured };

struct PrecisionCell {
    std::string device;
    std::string backend;
    std::string precision;
    Capability status = Capability::not_measured;
    std::string reason = {};                                 // why it is not `supported`
    std::optional<double> peak_gops = std::nullopt;          // best median of `operation`
    std::optional<double> speedup_over_fp32 = std::nullopt;  // of the same operation and backend
    std::string operation = {};
    std::string implementation = {};  // what ran: integer kernels, or NumPy's scalar loops
};

// ---------------------------------------------------------------------------------------------
// The run
// ---------------------------------------------------------------------------------------------

// What a worker said of itself, kept with the run.
struct BackendInfo {
    std::string backend;
    bool available = false;
    std::string reason;                           // why not
    std::map<std::string, std::string> versions;  // of what it really loaded
    std::vector<std::string> devices;
    std::vector<std::string> precisions;
    std::vector<std::string> operations;
    std::vector<std::string> notes;  // what it cannot use here: "CUDA cannot be used: …"
    // Which GPU each device is, where it tells: "cuda:0" -> "0000:01:00.0", or a UUID. Used and not
    // recorded: GpuInfo::device is.
    std::map<std::string, std::string> device_ids;
    std::string path;  // the executable or script
};

// A case that was planned and not measured: "not measured (slow)", "not measured (budget)". That is
// not an outcome: nothing was asked of the device, so nothing is known of it.
struct SkippedCase {
    Case what;
    std::string reason;
};

// The entry of the hardware database that a device was taken for (src/hardware).
struct MatchedProduct {
    std::string device;      // "cpu", "cuda:0"
    std::string product;     // "intel_i7_12700k"
    int spec_version = 0;    // of the entry when the run was made
    double confidence = 0;   // of the match, 0 to 1; 0: named by --preset and not seen on the host
    std::string reason;      // what showed it
    std::string power_mode;  // of the entry, as the host was set; "": the entry has none
};

// Where a run came from that Peakward did not measure (src/import).
struct Origin {
    std::string kind;     // "older profile", "exported rows"
    std::string tool;     // the version of the program that measured; "" where it is not recorded
    std::string content;  // SHA-256 of the content, whatever its spelling; "": it has a run_id
    // Why the run is doubtful, one sentence each; empty: it is not.
    std::vector<std::string> doubts;
    // What the source says and no other field of the record can hold: "sm_clock_mhz" -> "612".
    std::map<std::string, std::string> recorded;
};

struct Run {
    int schema_version = 1;
    std::string run_id;  // UUID v4; v8, made of the content, for an imported profile
    // ISO 8601, UTC: "2026-11-20T14:30:00Z". Of an import it stands as the source wrote it; the
    // flag time_zone_unknown then says that it is the clock of a machine somewhere.
    std::string timestamp;
    std::int64_t timestamp_unix = 0;
    std::string peakward_version;
    std::string suite;  // "quick/1"; "import-…/1" of runs that came from elsewhere
    std::uint64_t seed = 0;
    std::vector<std::string> arguments;
    double wall_s = 0;
    Context context;
    Preflight preflight;
    std::vector<MatchedProduct> products;  // at most one for each device
    std::vector<BackendInfo> backends;
    std::vector<Measurement> measurements;
    std::vector<Score> results;
    std::vector<PrecisionCell> precision_matrix;
    std::vector<SkippedCase> skipped;
    std::vector<std::string> flags;  // "forced", "interrupted", …
    std::optional<std::string> supersedes;
    std::optional<Origin> origin;  // none: measured by Peakward itself
};

// Runs of other tools have suites of their own, which nothing here measures.
inline bool is_imported_suite(std::string_view suite) { return suite.starts_with("import-"); }
// "quick" of "quick/4".
inline std::string_view suite_id(std::string_view suite) {
    return suite.substr(0, suite.find('/'));
}

// ---------------------------------------------------------------------------------------------
// Words of the enumerations, as they stand in JSON and tables
// ---------------------------------------------------------------------------------------------

std::string_view to_string(CheckStatus value);
std::string_view to_string(Outcome value);  // "timed_out"
std::string_view to_string(Exit value);     // "noisy_stable"
std::string_view to_string(Verdict value);
std::string_view to_string(PeakKind value);
std::string_view to_string(Capability value);  // "not_measured"
std::optional<CheckStatus> check_status_from(std::string_view word);
std::optional<Outcome> outcome_from(std::string_view word);
std::optional<Exit> exit_from(std::string_view word);
std::optional<Verdict> verdict_from(std::string_view word);
std::optional<PeakKind> peak_kind_from(std::string_view word);
std::optional<Capability> capability_from(std::string_view word);

}  // namespace peakward
