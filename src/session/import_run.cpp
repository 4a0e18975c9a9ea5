// A run from elsewhere, completed: its time, whose it is, which products, what it scores.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "catalog/catalog.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "detect/detect.hpp"
#include "hardware/match.hpp"
#include "hardware/peaks.hpp"
#include "score/precision_matrix.hpp"
#include "score/score.hpp"
#include "session/import_parts.hpp"
#include "session/products.hpp"
#include "store/period.hpp"

namespace peakward {
namespace {

using older::ImportedRun;

constexpr std::int64_t day_s = 86400;
// 2010-01-01. No tool that this program imports from is that old.
constexpr std::int64_t first_time_unix = 1'262'304'000;

// "…Z", "…+01:00": after the time of day.
bool has_zone(const std::string& timestamp) {
    const auto time = timestamp.find_first_of("T ");
    return time != std::string::npos && timestamp.find_first_of("Zz+-", time) != std::string::npos;
}

std::string zone_words(std::int64_t offset_s) {
    const std::int64_t minutes = std::abs(offset_s) / 60;
    return offset_s == 0
               ? "Z"
               : fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

// Of a time without a zone, by the seconds since 1970 that stand beside it: zones are whole
// quarters of an hour, at most 14 h.
std::optional<std::int64_t> zone_of(std::int64_t as_utc, std::int64_t unix_s) {
    const std::int64_t offset = as_utc - unix_s;
    const std::int64_t quarters = (offset + (offset < 0 ? -450 : 450)) / 900;
    if (std::abs(offset - quarters * 900) > 1 || std::abs(offset) > 14 * 3600 + 1)
        return std::nullopt;
    return quarters * 900;
}

Status set_time(ImportedRun& imported) {
    Run& run = imported.run;
    auto when = store::parse_period(run.timestamp);
    if (!when)
        return failed(
            fmt::format("its time '{}' is none that can be read: it should be like "
                        "2026-11-20T14:30:00Z",
                        run.timestamp));
    if (when->end - when->begin == day_s && run.timestamp.size() == 10) {
        run.timestamp += "T00:00:00";
        run.flags.emplace_back("time_of_day_unknown");
    } else if (when->end - when->begin != 1) {
        return failed(fmt::format("its time '{}' is not exact to a second", run.timestamp));
    }
    const auto& stated = imported.timestamp_unix;
    run.timestamp_unix = when->begin;
    if (has_zone(run.timestamp)) {
        if (stated && std::abs(*stated - run.timestamp_unix) > 1)
            older::add_doubt(imported.doubts, "time_disagrees",
                             "timestamp and timestamp_unix name different times: the first counts");
        return {};
    }
    const auto zone = stated ? zone_of(when->begin, *stated) : std::nullopt;
    if (zone) {
        run.timestamp += zone_words(*zone);
        run.timestamp_unix -= *zone;
        return {};
    }
    run.flags.emplace_back("time_zone_unknown");
    if (stated)
        older::add_doubt(imported.doubts, "time_disagrees",
                         "timestamp and timestamp_unix name different times: the first counts");
    return {};
}

std::string short_hash(std::initializer_list<std::string> parts) {
    return sha256_hex(fmt::format("{}", fmt::join(parts, "|"))).substr(0, 16);
}

// An older profile names few of the parts of seed 000's fingerprint: by the formula alone, machines
// of different names would be one. So what it calls its hardware is a part, too.
void identify_profile(const ImportedRun& imported, Hardware& hardware) {
    MemoryInfo& memory = hardware.memory;
    if (memory.total_bytes) {
        const double nominal = nominal_memory_gb(*memory.total_bytes);
        if (nominal > 0)
            memory.total_gb = Fact<double>::known(nominal, memory.total_bytes.source());
    }
    const auto word = [](const auto& fact) {
        return fact ? fmt::format("{}", *fact) : std::string("unknown");
    };
    hardware.lineage = short_hash({"imported", imported.machine, hardware.cpu.architecture,
                                   word(hardware.cpu.cores_physical), word(memory.total_gb)});
    hardware.fingerprint = hardware.lineage;
}

void identify(ImportedRun& imported, const std::string& from, Context& context) {
    Hardware& hardware = context.hardware;
    if (hardware.fingerprint.empty()) identify_profile(imported, hardware);
    if (hardware.lineage.empty()) hardware.lineage = hardware_lineage(hardware);
    Software& software = context.software;
    if (software.fingerprint.empty()) software.fingerprint = software_fingerprint(software);
    if (software.stack_digest.empty()) software.stack_digest = stack_digest(software);
    // Never like the random id of an installation, so that nothing imported is taken for native.
    if (context.install.empty())
        context.install =
            imported_install(from, imported.is_scored ? hardware.lineage : imported.machine);
    if (!from.empty() && imported.run.origin) imported.run.origin->recorded["from"] = from;
}

// Names as people give them to presets and files: "NVIDIA-Jetson-Orin-Nano-GPU".
std::string id_words(const std::string& name) {
    std::string id;
    for (const char c : to_lower(name)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain)
            id += c;
        else if (!id.empty() && id.back() != '_')
            id += '_';
    }
    while (!id.empty() && id.back() == '_') id.pop_back();
    return id;
}

bool stands_for(const HardwareSpec& spec, const std::string& device) {
    const bool gpu = spec.kind == "gpu" || spec.kind == "accelerator";
    return device == "cpu" ? spec.kind == "cpu" : gpu;
}

// By what detection patterns say of the names in the file, else by a name that is an id or an
// alias.
void set_products(const std::string& hardware_name, const HardwareDatabase& database,
                  const Matcher& matcher, Run& run) {
    run.products =
        products_of(matcher.match(host_facts(run.context)), run.context, nullptr, {}, database);
    if (!run.products.empty() || hardware_name.empty()) return;
    std::string device = "cpu";
    for (const Measurement& m : run.measurements)
        if (m.what.device != "cpu" && !m.what.device.empty()) device = m.what.device;
    const HardwareSpec* spec = product_called(hardware_name, database);
    if (!spec || !stands_for(*spec, device)) return;
    const std::string& architecture = run.context.hardware.cpu.architecture;
    if (!spec->host_architecture.empty() && spec->host_architecture != architecture) return;
    MatchedProduct product;
    product.device = device;
    product.product = spec->id;
    product.spec_version = spec->spec_version;
    product.confidence = 0.5;
    product.reason = fmt::format("'{}' is what the imported file calls it", hardware_name);
    product.power_mode = power_mode_of(*spec, run.context.environment.power_mode.value_or(""));
    run.products.push_back(std::move(product));
}

void set_scores(const ImportedRun& imported, Run& run) {
    const RecordedPeaks peaks{imported.peaks_gops, imported.peak_gbps,
                              "as the older profile states it, without a source"};
    run.results = score(run.context, run.measurements, run.flags);
    take_recorded_peaks(run.results, peaks);
    // A precision of which the file says nothing was not measured. It is not unsupported either,
    // which is what a backend that does not list it would mean.
    std::vector<BackendInfo> backends = run.backends;
    for (BackendInfo& backend : run.backends) backend.precisions = catalog::precision_names();
    run.precision_matrix = precision_matrix(run);
    run.backends = std::move(backends);
}

// The older tool did not record the mode of every board. Runs of two modes are not comparable, and
// nothing tells which these are: they are shown, and decide nothing.
bool lacks_power_mode(const Run& run, const HardwareDatabase& database) {
    return std::any_of(run.products.begin(), run.products.end(),
                       [&](const MatchedProduct& product) {
                           const HardwareSpec* spec = database.find(product.product);
                           return spec && !spec->power_modes.empty() && product.power_mode.empty();
                       });
}

}  // namespace

std::string uuid_of_content(const std::string& sha256) {
    std::string digits = sha256.substr(0, 32);
    digits[12] = '8';
    const char variant = "89ab"[std::strtol(digits.substr(16, 1).c_str(), nullptr, 16) & 3];
    digits[16] = variant;
    return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4),
                       digits.substr(12, 4), digits.substr(16, 4), digits.substr(20));
}

std::string why_impossible_time(std::int64_t time_unix, std::int64_t now_unix) {
    if (time_unix < first_time_unix)
        return "its time is before 2010, when no such tool existed: the clock was not set";
    // Clocks of two machines differ a little, and a time without a zone by hours.
    if (time_unix > now_unix + day_s)
        return "its time is in the future: the clock was not set, or this machine's is not";
    return "";
}

std::int64_t system_time_unix() {
    using std::chrono::system_clock;
    return system_clock::to_time_t(system_clock::now());
}

const HardwareSpec* product_called(const std::string& name, const HardwareDatabase& database) {
    const std::string id = id_words(name);
    const HardwareSpec* spec = database.find(id);
    if (!spec && id.starts_with("nvidia_")) spec = database.find(id.substr(7));
    return spec;
}

std::string imported_install(const std::string& from, const std::string& machine) {
    return "imported-" + short_hash({"install", from, machine});
}

std::optional<double> fp32_gemm_gops(const Run& run) {
    std::optional<double> best;
    for (const Measurement& m : run.measurements)
        if (m.what.operation == "gemm" && m.what.precision == "fp32" &&
            m.outcome == Outcome::measured && m.gops && (!best || *m.gops > *best))
            best = m.gops;
    return best;
}

Result<Run> complete_import(ImportedRun imported, const std::string& from,
                            const HardwareDatabase& database, const Matcher& matcher,
                            std::int64_t now_unix) {
    if (auto status = set_time(imported); !status) return tl::make_unexpected(status.error());
    if (auto why = why_impossible_time(imported.run.timestamp_unix, now_unix); !why.empty())
        older::add_doubt(imported.doubts, "time_impossible", why);
    Run& run = imported.run;
    identify(imported, from, run.context);
    const auto name = run.origin->recorded.find("hardware_name");
    set_products(name == run.origin->recorded.end() ? "" : name->second, database, matcher, run);
    std::vector<std::string> about_time = std::exchange(run.flags, {});
    for (std::string& flag : about_time)
        if (!flag.starts_with("time_")) run.flags.push_back(flag);
    std::erase_if(about_time, [](const std::string& flag) { return !flag.starts_with("time_"); });
    if (!imported.doubts.empty()) run.flags.emplace_back("doubtful_import");
    for (const older::Doubt& doubt : imported.doubts) {
        run.flags.push_back(doubt.flag);
        run.origin->doubts.push_back(doubt.reason);
    }
    if (lacks_power_mode(run, database)) run.flags.emplace_back("power_mode_unknown");
    // A time that is local says nothing against a score, which the flags given to score() would.
    if (!imported.is_scored) set_scores(imported, run);
    run.flags.insert(run.flags.end(), about_time.begin(), about_time.end());
    if (run.run_id.empty()) run.run_id = uuid_of_content(run.origin->content);
    return std::move(run);
}

}  // namespace peakward
