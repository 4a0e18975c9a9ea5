// Rows in seed 000's columns, as an exported database, a calibrations_v2.db and our own export have
// them: one row per device and precision, those with one run_id are one run.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "core/device.hpp"
#include "core/text.hpp"
#include "import/fields.hpp"
#include "import/imported.hpp"

namespace peakward::older {
namespace {

constexpr const char* not_in_row = "not recorded by the exported row";
// A file comes in whole, so all of it is in memory at once: some 35 KB a run.
constexpr std::size_t runs_max = 50'000;

Fact<std::string> word(const Fields& row, const char* name) {
    const std::string text = row.text(name);
    if (text.empty() || text == "unknown" || text == "N/A")
        return Fact<std::string>::unknown(not_in_row);
    return Fact<std::string>::known(text, fmt::format("exported row: {}", name));
}

Fact<int> count(const Fields& row, const char* name) {
    const auto value = row.whole(name);
    if (!value || *value < 0 || *value > 1'000'000'000) return Fact<int>::unknown(not_in_row);
    return Fact<int>::known(static_cast<int>(*value), fmt::format("exported row: {}", name));
}

// No column says it, and a brand string or a vendor of CPUID is one of x86.
std::string architecture_of(const CpuInfo& cpu) {
    const std::string vendor = cpu.vendor.value_or(""), model = cpu.model.value_or("");
    const bool x86 = vendor == "GenuineIntel" || vendor == "AuthenticAMD" ||
                     model.find("Intel(R)") != std::string::npos || model.starts_with("AMD ");
    return x86 ? "x86_64" : vendor == "ARM" ? "aarch64" : "";
}

std::optional<GpuInfo> gpu_of_row(const Fields& row, const std::string& device) {
    const auto told = [&](const char* name) {
        const std::string text = row.text(name);
        return text == "N/A" || text == "no_gpu" || text == "none" ? "" : text;
    };
    const std::string model = told("gpu_model"), pci_id = to_lower(told("gpu_pci_id"));
    if (model.empty() && pci_id.empty()) return std::nullopt;
    GpuInfo gpu;
    gpu.vendor = vendor_of_gpu(pci_id, model);
    // PyTorch says "cuda" on ROCm too: what the GPU is called tells more.
    if (const auto name = parse_device(device); gpu.vendor.empty() && name)
        gpu.vendor = vendor_of_kind(name->kind);
    if (gpu.vendor.empty()) gpu.vendor = "nvidia";
    gpu.model = word(row, "gpu_model");
    gpu.pci_id = word(row, "gpu_pci_id");
    gpu.vbios = word(row, "gpu_vbios");
    gpu.memory_mb = count(row, "gpu_memory_mb");
    gpu.driver = word(row, "gpu_driver_version");
    gpu.pci_address = gpu.compute_capability = gpu.ecc = gpu.mig = gpu.throttle =
        Fact<std::string>::unknown(not_in_row);
    gpu.multiprocessors = gpu.other_processes = Fact<int>::unknown(not_in_row);
    gpu.clock_max_mhz = gpu.power_limit_w = gpu.power_limit_default_w = gpu.temperature_c =
        Fact<double>::unknown(not_in_row);
    return gpu;
}

// Each row tells of one GPU: that of its device, or the host's first one beside the CPU.
void add_gpu(const Fields& row, std::vector<GpuInfo>& gpus) {
    const std::string device = older_device(row.text("device"));
    const auto gpu = gpu_of_row(row, device);
    if (!gpu) return;
    if (device == "cpu") {
        if (gpus.empty()) gpus.push_back(*gpu);
        return;
    }
    const auto of_device = Fact<std::string>::known(device, "exported row: device");
    for (GpuInfo& known : gpus) {
        if (known.device == of_device) return;
        if (known.device || known.model != gpu->model) continue;
        known.device = of_device;  // a row of the CPU told of it first
        return;
    }
    gpus.push_back(*gpu);
    gpus.back().device = of_device;
}

void read_context(const Fields& row, Context& context) {
    Hardware& hardware = context.hardware;
    hardware.fingerprint = row.text("hardware_fingerprint");
    hardware.lineage = row.text("lineage");
    CpuInfo& cpu = hardware.cpu;
    cpu.model = word(row, "cpu_model");
    cpu.vendor = word(row, "cpu_vendor");
    cpu.architecture = architecture_of(cpu);
    cpu.stepping = count(row, "cpu_stepping");
    cpu.microcode = word(row, "cpu_microcode");
    cpu.cores_physical = count(row, "cpu_cores_physical");
    cpu.cores_logical = count(row, "cpu_cores_logical");
    cpu.family = cpu.model_number = cpu.sockets = cpu.numa_nodes = Fact<int>::unknown(not_in_row);
    if (const auto gib = row.number("memory_total_gb"); gib && *gib > 0)
        hardware.memory.total_gb = Fact<double>::known(*gib, "exported row: memory_total_gb");
    else
        hardware.memory.total_gb = Fact<double>::unknown(not_in_row);
    hardware.product_name = Fact<std::string>::unknown(not_in_row);
    context.install = row.text("install");
    context.software.fingerprint = row.text("software_fingerprint");
    context.software.stack_digest = row.text("stack_digest");
    for (const char* name : {"os_kernel", "os_distro", "gpu_driver_version", "cuda_version",
                             "pytorch_version", "numpy_version", "blas_library"})
        context.software.components[name] = word(row, name);
    Environment& environment = context.environment;
    environment.power_mode = word(row, "power_mode");
    environment.cpu_governor = word(row, "cpu_governor");
    environment.thermal_state = word(row, "thermal_state");
    environment.virtualization = word(row, "virtualization");
}

std::optional<double> rate(const Fields& row, const char* name, const char* what,
                           std::vector<Doubt>& doubts) {
    const auto value = row.number(name);
    if (!value || *value == 0) return std::nullopt;
    if (*value > 0 && *value <= 1e9) return value;
    add_doubt(doubts, "figure_impossible",
              fmt::format("{} is {:.4g}, which no {} can be: it is left out", name, *value, what));
    return std::nullopt;
}

Score score_of(const Fields& row, std::vector<Doubt>& doubts) {
    Score score;
    score.device = older_device(row.text("device"));
    score.backend = to_lower(row.text("backend"));
    if (score.backend.empty()) score.backend = to_lower(row.text("framework"));
    score.precision = to_lower(row.text("precision"));
    score.stream_best_gbps = rate(row, "stream_best_gbps", "bandwidth", doubts);
    score.blas3_gops = rate(row, "blas3_gops", "rate", doubts);
    score.peak_measured_gops = rate(row, "peak_measured_gops", "rate", doubts);
    score.peak_operation = row.text("peak_operation");
    score.efficiency = rate(row, "efficiency", "ratio", doubts);
    score.theoretical_peak.reason = not_in_row;
    score.theoretical_bandwidth.unit = "gbps";
    score.theoretical_bandwidth.reason = not_in_row;
    if (!score.efficiency) return score;
    if (score.peak_measured_gops) {
        Peak& peak = score.theoretical_peak;
        peak.kind = PeakKind::estimated;
        peak.value = *score.peak_measured_gops / *score.efficiency;
        peak.formula = "exported row: peak_measured_gops / efficiency";
        peak.reason.clear();
    }
    if (*score.efficiency <= efficiency_max) return score;
    score.theoretical_peak.doubtful = true;
    const std::string reason = fmt::format(
        "an efficiency of {:.1f} % ({} in {}) is above 102 %: the peak or the figure is wrong",
        *score.efficiency * 100, score.device, score.precision);
    score.flags.emplace_back("above_theoretical");
    score.notes.push_back(reason);
    add_doubt(doubts, "above_theoretical", reason);
    return score;
}

// The list of words that our own export writes, or one word.
std::vector<std::string> flags_of(const Fields& row, const Json& json) {
    const auto found = json.find("run_flags");
    if (found == json.end() || found->is_null()) return {};
    if (found->is_array()) {
        std::vector<std::string> flags;
        for (const Json& flag : *found)
            if (flag.is_string()) flags.push_back(flag.get<std::string>());
        return flags;
    }
    const std::string text = row.text("run_flags");
    const Json list = Json::parse(text, nullptr, false);
    return list.is_array() ? flags_of(row, Json{{"run_flags", list}}) : split_list(text);
}

bool same_result(const Score& a, const Score& b) {
    return a.device == b.device && a.backend == b.backend && a.precision == b.precision;
}

Status add_row(const Json& json, std::size_t index, ImportedRun& imported) {
    std::string trouble;
    const Fields row(json, fmt::format("runs[{}]", index), trouble);
    Run& run = imported.run;
    const bool first = run.results.empty();
    if (first) {
        run.timestamp = row.text("timestamp");
        imported.timestamp_unix = row.whole("timestamp_unix");
        run.suite = row.text("suite");
        if (run.suite.empty()) run.suite = "import-rows/1";
        run.flags = flags_of(row, json);
        if (const std::string by = row.text("superseded_by"); !by.empty())
            add_doubt(imported.doubts, "superseded", fmt::format("run {} supersedes it", by));
        read_context(row, run.context);
        imported.machine = run.context.hardware.fingerprint;
        imported.is_scored = true;
    } else if (run.timestamp != row.text("timestamp") ||
               run.context.hardware.fingerprint != row.text("hardware_fingerprint")) {
        return failed(fmt::format("runs[{}]: run {} is there already with another time or machine",
                                  index, run.run_id));
    }
    add_gpu(row, run.context.hardware.gpus);
    Score score = score_of(row, imported.doubts);
    if (!trouble.empty()) return failed(trouble);
    if (run.timestamp.empty() || run.context.hardware.fingerprint.empty())
        return failed(fmt::format("runs[{}]: timestamp or hardware_fingerprint is empty", index));
    for (const Score& known : run.results)
        if (same_result(known, score))
            return failed(fmt::format("runs[{}]: run {} has two results for {} in {}", index,
                                      run.run_id, score.device, score.precision));
    run.results.push_back(std::move(score));
    return {};
}

void finish(ImportedRun& imported) {
    Run& run = imported.run;
    run.origin->kind = "exported rows";
    std::sort(run.results.begin(), run.results.end(), [](const Score& a, const Score& b) {
        return std::tie(a.device, a.backend, a.precision) <
               std::tie(b.device, b.backend, b.precision);
    });
    const bool empty = std::none_of(run.results.begin(), run.results.end(), [](const Score& s) {
        return s.stream_best_gbps || s.blas3_gops || s.peak_measured_gops;
    });
    if (empty) add_doubt(imported.doubts, "no_operations", "it states no measured figure");
}

}  // namespace

Result<std::vector<ImportedRun>> read_exported_rows(const Json& rows) {
    std::vector<ImportedRun> runs;
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::string trouble;
        const std::string id = Fields(rows[i], fmt::format("runs[{}]", i), trouble).text("run_id");
        if (!trouble.empty()) return failed(trouble);
        // Without an id a row is a run of its own, named by its content.
        const std::string key = id.empty() ? content_hash(rows[i]) : id;
        const auto [at, is_new] = place.emplace(key, runs.size());
        if (!is_new && id.empty()) continue;  // the very same row again
        if (is_new && runs.size() == runs_max)
            return failed(fmt::format("has more than {} runs: split it", runs_max));
        if (is_new) {
            runs.emplace_back().run.run_id = id;
            runs.back().run.origin.emplace().content = id.empty() ? key : "";
        }
        if (auto added = add_row(rows[i], i, runs[at->second]); !added)
            return tl::make_unexpected(added.error());
    }
    for (ImportedRun& run : runs) finish(run);
    return runs;
}

}  // namespace peakward::older
