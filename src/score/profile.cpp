#include "score/profile.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "catalog/catalog.hpp"
#include "catalog/older_names.hpp"
#include "catalog/roofline.hpp"
#include "core/device.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// What was measured for a peak alone ("peak_evidence") is in the peak's formula, and no point.
bool is_scored(const Measurement& m) {
    if (is_evidence(m)) return false;
    const bool has_time = m.statistics.median_s > 0 || m.mean_s.value_or(0) > 0;
    return m.outcome == Outcome::measured && has_time && (m.gops || m.gbps);
}

const Score* score_of(const Run& run, const Case& what) {
    for (const Score& score : run.results)
        if (score.device == what.device && score.backend == what.backend &&
            score.precision == what.precision)
            return &score;
    return nullptr;
}

// Over the samples that count. A sum of threads that never ran together has none of its own.
void set_spread(const Measurement& m, ProfilePoint& point) {
    point.samples = m.statistics.kept;
    point.mean_s = m.mean_s;
    point.deviation_s = m.deviation_s;
    if (m.statistics.min_s > 0) point.min_s = m.statistics.min_s;
    const auto& flags = m.flags;
    if (std::find(flags.begin(), flags.end(), "threads_apart") != flags.end()) return;
    std::vector<double> seconds;
    for (const Window& window : m.windows)
        if (window.verdict == Verdict::kept && window.iterations > 0)
            seconds.push_back(static_cast<double>(window.wall_ns) * 1e-9 / window.iterations);
    if (seconds.empty()) return;
    double sum = 0, squares = 0;
    for (const double value : seconds) sum += value;
    const double mean = sum / static_cast<double>(seconds.size());
    for (const double value : seconds) squares += (value - mean) * (value - mean);
    point.mean_s = mean;
    point.max_s = *std::max_element(seconds.begin(), seconds.end());
    if (seconds.size() > 1)
        point.deviation_s = std::sqrt(squares / static_cast<double>(seconds.size() - 1));
}

// None for a rate that no memory has: then a cache was measured.
std::optional<double> bandwidth_share(const Measurement& m, const Peak& bandwidth) {
    if (!m.gbps || bandwidth.kind == PeakKind::unknown || bandwidth.value <= 0) return std::nullopt;
    const double share = *m.gbps / bandwidth.value;
    return share <= efficiency_max ? std::optional(share) : std::nullopt;
}

ProfilePoint point_of(const Run& run, const Measurement& m) {
    ProfilePoint point;
    point.what = m.what;
    point.gops = m.gops.value_or(0);
    point.gbps = m.gbps.value_or(0);
    point.median_s = m.statistics.median_s;
    point.ci_low_s = m.statistics.ci_low_s;
    point.ci_high_s = m.statistics.ci_high_s;
    set_spread(m, point);
    if (run.origin)
        if (const auto longest = run.origin->recorded.find(catalog::longest_time_name(m.what));
            longest != run.origin->recorded.end())
            if (const auto longest_ms = parse_number(longest->second))
                point.max_s = *longest_ms * 1e-3;
    point.arithmetic_intensity = catalog::arithmetic_intensity(m.what);
    point.bound = catalog::bound_of(run, m.what);
    point.implementation = m.implementation;
    point.flags = m.flags;
    const Score* score = score_of(run, m.what);
    if (score && m.gops && score->theoretical_peak.kind != PeakKind::unknown &&
        score->theoretical_peak.value > 0)
        point.efficiency = *m.gops / score->theoretical_peak.value;
    const auto* operation = catalog::find_operation(m.what.operation);
    const bool memory = operation && operation->kind == catalog::OperationClass::memory;
    if (memory)
        point.efficiency = score ? bandwidth_share(m, score->theoretical_bandwidth) : std::nullopt;
    return point;
}

std::string hardware_name(const Run& run, const std::string& device) {
    const Hardware& hardware = run.context.hardware;
    // What an older profile calls its hardware is the name that its files go by.
    if (run.origin)
        if (const auto name = run.origin->recorded.find("hardware_name");
            name != run.origin->recorded.end() && !name->second.empty())
            return name->second;
    const GpuInfo* gpu = find_gpu(hardware, device);
    if (gpu && gpu->model) return *gpu->model;
    return hardware.cpu.model ? *hardware.cpu.model : "unknown";
}

Profile profile_of(const Run& run, const std::string& device, const std::string& backend) {
    Profile profile;
    const Hardware& hardware = run.context.hardware;
    profile.hardware_name = hardware_name(run, device);
    profile.device = device;
    profile.device_type = device.substr(0, device.find(':'));
    profile.platform_architecture = hardware.cpu.architecture;
    profile.framework = backend;
    for (const BackendInfo& info : run.backends)
        if (info.backend == backend) profile.framework_versions = info.versions;
    profile.run_id = run.run_id;
    profile.timestamp = run.timestamp;
    profile.suite = run.suite;
    profile.peakward_version = run.peakward_version;
    profile.hardware_fingerprint = hardware.fingerprint;
    profile.software_fingerprint = run.context.software.fingerprint;
    profile.flags = run.flags;
    for (const Score& score : run.results)
        if (score.device == device && score.backend == backend &&
            score.theoretical_peak.kind != PeakKind::unknown)
            profile.theoretical_peaks[score.precision] = {
                score.theoretical_peak.value, std::string(to_string(score.theoretical_peak.kind)),
                score.theoretical_peak.formula};
    for (const PrecisionCell& cell : run.precision_matrix)
        if (cell.device == device && cell.backend == backend)
            profile.precision_matrix.push_back(cell);
    for (const Measurement& m : run.measurements) {
        if (m.what.device != device || m.what.backend != backend || !is_scored(m)) continue;
        profile.threads = std::max(profile.threads, m.what.threads);
        profile.points.push_back(point_of(run, m));
    }
    return profile;
}

// "Intel(R) Core(TM) i7-12700K" -> "intel_core_i7_12700k": marks of registration say nothing.
std::string slug(std::string text) {
    for (const char* mark : {"(R)", "(TM)", "(r)", "(tm)"})
        for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
            text.erase(at, std::string(mark).size());
    std::string made;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte))
            made += static_cast<char>(std::tolower(byte));
        else if (!made.empty() && made.back() != '_')
            made += '_';
    }
    while (!made.empty() && made.back() == '_') made.pop_back();
    return made.empty() ? "unknown" : made;
}

}  // namespace

std::vector<Profile> profiles_of(const Run& run) {
    std::vector<std::pair<std::string, std::string>> keys;
    for (const Measurement& m : run.measurements) {
        if (!is_scored(m)) continue;
        const auto key = std::pair(m.what.device, m.what.backend);
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    std::vector<Profile> profiles;
    for (const auto& [device, backend] : keys) profiles.push_back(profile_of(run, device, backend));
    return profiles;
}

std::string profile_file_name(const Profile& profile) {
    return fmt::format("{}_{}_{}.json", slug(profile.hardware_name), slug(profile.device),
                       slug(profile.framework));
}

}  // namespace peakward
