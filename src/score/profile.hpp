// A portable profile: what one framework reaches on one device, in a file that travels without the
// database. Derived from a run, and read back to say how efficient an operation of another size is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward {

struct ProfilePoint {
    Case what;
    double gops = 0;  // 0: the operation is one of memory alone
    double gbps = 0;
    double median_s = 0, ci_low_s = 0, ci_high_s = 0;  // 0: an older profile, which has a mean
    // Of one execution, over the samples that count; absent where they are not recorded one by one.
    std::optional<double> mean_s, deviation_s, min_s, max_s;
    int samples = 0;  // 0: not recorded
    // Of the theoretical peak, of a memory operation of the bandwidth; absent: that is unknown, or
    // a cache was measured.
    std::optional<double> efficiency;
    // Operations per byte, and what that makes of the case on this device: "compute" or "memory".
    std::optional<double> arithmetic_intensity;
    std::string bound;  // "": unknown
    std::string implementation;
    std::vector<std::string> flags;
};

struct ProfilePeak {
    double gops = 0;
    std::string kind;     // "probed"
    std::string formula;  // where the figure comes from
};

struct Profile {
    static constexpr int current_schema = 1;

    // Who, where, with what: names of seeds 003 and 004.
    std::string hardware_name;          // "Intel(R) Xeon(R) Processor @ 2.50GHz"
    std::string device;                 // "cpu", "cuda:0"
    std::string device_type;            // "cpu", "cuda"
    std::string platform_architecture;  // "x86_64", "aarch64"
    std::string framework;              // the backend
    std::map<std::string, std::string> framework_versions;
    std::string run_id, timestamp, suite, peakward_version;
    std::string hardware_fingerprint, software_fingerprint;
    int threads = 0;                                       // 0: not recorded
    std::vector<std::string> flags;                        // of the run: "forced"
    std::map<std::string, ProfilePeak> theoretical_peaks;  // by precision; none: unknown
    std::vector<PrecisionCell> precision_matrix;
    std::vector<ProfilePoint> points;  // measured cases alone
};

// One for each device and backend with a measured case.
std::vector<Profile> profiles_of(const Run& run);

// "<hardware>_<device>_<framework>.json" in lower case, with letters, digits and underscores.
std::string profile_file_name(const Profile& profile);

// `precision_results` groups the points by precision.
Json to_json(const Profile& profile);
// Fails with the field's name on a document of another kind, another schema version, or with a
// field that is missing, renamed or of the wrong type.
Result<Profile> profile_from_json(const Json& document);

enum class Basis { measured, interpolated, extrapolated };
std::string_view to_string(Basis basis);

struct EfficiencyEstimate {
    double gops = 0, ci_low_gops = 0, ci_high_gops = 0;
    // The same over the theoretical peak; absent where that is unknown.
    std::optional<double> efficiency, ci_low, ci_high;
    Basis basis = Basis::measured;
    std::string explanation;  // which sizes it stands on
};

// GOPS and efficiency of an operation at a size (every axis of the operation has this value: gemm's
// m, n and k, dot's n).
//
// A measured size gives its median and interval; of an older profile the mean, and the interval
// that deviation and samples give it. `precision` "" is fp32, or the only one that was measured.
// `operation` may be an older name ("matmul"). Between two measured sizes the rate is
// interpolated linearly in the logarithm of the size, and the interval spans both neighbours'. Up
// to twice the largest or half the smallest size the nearest rate is taken, and the interval is
// widened by what the rate changes over a doubling at that end. Further away, for a precision or an
// operation without points, and for operations with unlike axes, the answer is an error that says
// what was measured.
Result<EfficiencyEstimate> estimate_efficiency(const Profile& profile, const std::string& operation,
                                               std::int64_t size, const std::string& precision);

// The names of the catalog behind that question.
struct RateQuestion {
    std::string operation, precision;
};
RateQuestion rate_question(const Profile& profile, const std::string& operation,
                           const std::string& precision);

}  // namespace peakward
