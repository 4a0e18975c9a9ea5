#include "cli/made_fleet.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <random>
#include <stdexcept>

#include "core/json.hpp"
#include "core/text.hpp"
#include "store/make_run.hpp"

namespace peakward::cli::fleet {
namespace {

using Text = Fact<std::string>;

Product intel() {
    Product p;
    p.id = "intel_i7_12700k";
    p.device = "cpu";
    p.launched = "2021-11-04";
    p.cpu_model = "12th Gen Intel(R) Core(TM) i7-12700K";
    p.cpu_vendor = "GenuineIntel";
    p.isa = {"avx2", "fma", "f16c", "avx_vnni"};
    p.cores = 12;
    // A kernel that costs blas 9.5 %, until a newer blas takes it back.
    p.updates = {{6, "blas_library", "OpenBLAS 0.3.24"},  {14, "pytorch_version", "2.2.0"},
                 {22, "onednn_version", "3.4"},           {30, "os_kernel", "6.6.0-12"},
                 {38, "blas_library", "OpenBLAS 0.3.26"}, {44, "pytorch_version", "2.3.0"}};
    p.series = {{"native", "fp32", {{0, 0.955}}},
                {"native", "fp64", {{0, 0.962}}},
                {"blas", "fp32", {{0, 0.62}, {6, 0.84}, {30, 0.76}, {38, 0.93}}},
                {"blas", "fp64", {{0, 0.73}, {6, 0.865}, {38, 0.885}}},
                {"onednn", "fp32", {{0, 0.58}, {22, 0.78}}},
                {"onednn", "int8", {{0, 0.55}, {22, 0.66}}},
                {"pytorch", "fp32", {{0, 0.50}, {14, 0.62}, {44, 0.67}}}};
    p.bandwidth_efficiency = 0.92;
    // Two machines of one lineage; the second came later and is a little slower.
    p.hosts = {{"install-i7-a", "1a7a402abc4b2a76", "1a7af0a080356806", 0, 1},
               {"install-i7-b", "1a7a402abc4b2a76", "1a7af0a080356806", 8, 0.985}};
    return p;
}

Product epyc() {
    Product p;
    p.id = "amd_epyc_9654";
    p.device = "cpu";
    p.launched = "2022-11-10";
    p.cpu_model = "AMD EPYC 9654 96-Core Processor";
    p.cpu_vendor = "AuthenticAMD";
    p.isa = {"avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16"};
    p.cores = 96;
    p.updates = {{10, "onednn_version", "3.4"},
                 {20, "pytorch_version", "2.2.0"},
                 {26, "os_kernel", "6.6.0-12"},
                 {36, "onednn_version", "3.5"},
                 {46, "blas_library", "OpenBLAS 0.3.26"}};
    p.series = {{"native", "fp32", {{0, 0.94}}},
                {"blas", "fp32", {{0, 0.66}, {46, 0.78}}},
                {"blas", "fp64", {{0, 0.72}, {46, 0.83}}},
                {"onednn", "bf16", {{0, 0.48}, {10, 0.60}, {36, 0.76}}},
                {"pytorch", "fp32", {{0, 0.45}, {20, 0.57}}}};
    p.bandwidth_efficiency = 0.86;
    p.hosts = {{"install-epyc-a", "e9c0402abc4b2a76", "e9c0f0a080356806", 0, 1}};
    return p;
}

Product h100() {
    Product p;
    p.id = "h100_sxm5";
    p.device = "cuda:0";
    p.launched = "2022-03-22";
    p.cpu_model = "Example Host Processor";
    p.cpu_vendor = "GenuineIntel";
    p.cores = 32;
    p.gpu_model = "NVIDIA H100 80GB HBM3";
    p.gpu_pci_id = "10de:2330";
    p.gpu_memory_mb = 81559;
    // The last driver costs pytorch 6.5 % in bf16, and it stays so.
    p.updates = {{10, "pytorch_version", "2.2.0"},
                 {20, "cuda_version", "12.4"},
                 {32, "pytorch_version", "2.3.0"},
                 {42, "gpu_driver_version", "560.28"}};
    p.series = {{"cuda", "fp32", {{0, 0.97}}},
                {"cuda", "bf16", {{0, 0.74}, {20, 0.785}}},
                {"pytorch", "bf16", {{0, 0.52}, {10, 0.61}, {20, 0.72}, {32, 0.77}, {42, 0.72}}},
                {"pytorch", "tf32", {{0, 0.58}, {10, 0.66}}}};
    p.bandwidth_efficiency = 0.9;
    p.hosts = {{"install-h100-a", "b100402abc4b2a76", "b100f0a080356806", 0, 1},
               {"install-h100-b", "b200402abc4b2a76", "b200f0a080356806", 3, 0.99}};
    return p;
}

Product l4() {
    Product p;
    p.id = "nvidia_l4";
    p.device = "cuda:0";
    p.launched = "2023-03-21";
    p.cpu_model = "Example Host Processor";
    p.cpu_vendor = "GenuineIntel";
    p.cores = 16;
    p.gpu_model = "NVIDIA L4";
    p.gpu_pci_id = "10de:27b8";
    p.gpu_memory_mb = 23034;
    p.updates = {{5, "pytorch_version", "2.1.2"},  {12, "cuda_version", "12.3"},
                 {19, "pytorch_version", "2.2.0"}, {28, "gpu_driver_version", "555.42"},
                 {37, "pytorch_version", "2.3.0"}, {47, "pytorch_version", "2.4.0"}};
    p.series = {
        {"cuda", "fp32", {{0, 0.93}}},
        {"pytorch",
         "fp16",
         {{0, 0.50}, {5, 0.62}, {12, 0.715}, {19, 0.775}, {28, 0.82}, {37, 0.85}, {47, 0.87}}},
        {"pytorch", "fp32", {{0, 0.60}, {5, 0.68}}}};
    p.bandwidth_efficiency = 0.88;
    p.hosts = {{"install-l4-a", "14a0402abc4b2a76", "14a0f0a080356806", 0, 1}};
    return p;
}

std::uint64_t seed_of(const std::string& name) {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a: the same everywhere
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return hash;
}

// Normal, by Box and Muller: the distributions of the standard library differ between libraries.
class Normal {
public:
    explicit Normal(const std::string& name) : random_(seed_of(name)) {}
    double operator()() {
        const double u = (static_cast<double>(random_() >> 11) + 0.5) / 9007199254740992.0;
        const double v = static_cast<double>(random_() >> 11) / 9007199254740992.0;
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    }

private:
    std::mt19937_64 random_;
};

std::size_t place_of(const Product& product) {
    for (std::size_t i = 0; i < products().size(); ++i)
        if (products()[i].id == product.id) return i;
    throw std::logic_error(product.id);
}

std::size_t place_of(const Product& product, const Host& host) {
    for (std::size_t i = 0; i < product.hosts.size(); ++i)
        if (product.hosts[i].install == host.install) return i;
    throw std::logic_error(host.install);
}

std::string run_id_of(const Product& product, const Host& host, int week) {
    return store_test::make_run_id(5000 + 1000 * (2 * place_of(product) + place_of(product, host)) +
                                   static_cast<std::uint64_t>(week));
}

template <typename LevelOf>
std::vector<Made> draw(const Product& product, const Host& host, const std::string& name,
                       double noise, const LevelOf& level_of) {
    Normal normal("fleet 1 " + host.install + " " + name);
    std::vector<Made> values;
    for (int week = host.first_week; week < weeks; ++week)
        values.push_back({week, product.stack_of(week), time_of(product, host, week),
                          run_id_of(product, host, week), level_of(week) * (1 + noise * normal())});
    return values;
}

// Every week of one host and series is asked for a few times by each run.
double value_in(const std::vector<Made>& values, int week) {
    for (const Made& made : values)
        if (made.week == week) return made.value;
    throw std::logic_error("no such week");
}

const Json& product_document(const std::string& id) {
    static std::map<std::string, Json> read;
    if (const auto known = read.find(id); known != read.end()) return known->second;
    for (const char* folder : {"cpu/intel", "cpu/amd", "gpu/nvidia"}) {
        const std::string path =
            fmt::format("{}/data/hardware/{}/{}.json", PEAKWARD_SOURCE_DIR, folder, id);
        std::ifstream file(path);
        if (file) return read[id] = Json::parse(file);
    }
    throw std::runtime_error("no entry of " + id);
}

double clock_ghz(const Json& clocks, const std::string& name, const std::string& kind) {
    const Json& figure = clocks.at(name);
    return figure.contains(kind) ? figure.at(kind).at("value").get<double>()
                                 : figure.at("value").get<double>();
}

double stated_peak_gops(const std::string& product, const std::string& precision) {
    const Json& entry = product_document(product);
    if (!entry.contains("theoretical_peaks_gops")) return 0;
    const Json& stated = entry.at("theoretical_peaks_gops");
    return stated.contains(precision) ? stated.at(precision).at("value").get<double>() : 0;
}

// Operations of all cores of one kind.
struct RateTerm {
    double cores, per_clock, clock_ghz;
};
std::vector<RateTerm> rate_terms(const std::string& product, const std::string& precision) {
    const Json& entry = product_document(product);
    std::vector<RateTerm> terms;
    for (const Json& rate : entry.at("operations_per_clock").at(precision)) {
        const auto kind = rate.at("per").get<std::string>();
        for (const Json& cores : entry.at("architecture").at("cores"))
            if (cores.at("kind").get<std::string>() == kind)
                terms.push_back(
                    {cores.at("count").at("value").get<double>(), rate.at("value").get<double>(),
                     clock_ghz(entry.at("clocks_ghz"), rate.at("clock").get<std::string>(), kind)});
    }
    return terms;
}

void set_context(Run& run, const Product& product, int week) {
    CpuInfo& cpu = run.context.hardware.cpu;
    cpu.model = Text::known(product.cpu_model, "/proc/cpuinfo");
    cpu.vendor = Text::known(product.cpu_vendor, "/proc/cpuinfo");
    cpu.isa = product.isa;
    cpu.cores_physical = Fact<int>::known(product.cores, "/sys/devices/system/cpu");
    cpu.cores_logical = Fact<int>::known(2 * product.cores, "/sys/devices/system/cpu");
    auto& components = run.context.software.components;
    components["os_kernel"] = Text::known("6.1.0-13", "uname");
    components["pytorch_version"] = Text::known("2.1.0", "python3");
    components["onednn_version"] = Text::known("3.3", "libdnnl.so.3");
    if (product.is_gpu()) {
        components["gpu_driver_version"] = Text::known("550.54", "NVML");
        components["cuda_version"] = Text::known("12.2", "libcudart.so");
    }
    for (const Update& update : product.updates)
        if (update.week <= week)
            components[update.component] = Text::known(update.version, "the update");
    run.context.software.fingerprint = software_fingerprint_of(product, product.stack_of(week));
    run.context.software.stack_digest = stack_digest_of(product, product.stack_of(week));
    if (!product.is_gpu()) return;
    GpuInfo gpu;
    gpu.vendor = "nvidia";
    gpu.device = Text::known("cuda:0", "NVML");
    gpu.model = Text::known(product.gpu_model, "NVML");
    gpu.pci_id = Text::known(product.gpu_pci_id, "NVML");
    gpu.memory_mb = Fact<int>::known(product.gpu_memory_mb, "NVML");
    gpu.driver = components["gpu_driver_version"];
    run.context.hardware.gpus = {gpu};
}

Measurement gemm(const Product& product, const SeriesTruth& truth, std::int64_t n, double gops) {
    Measurement m;
    m.what = {"gemm",         truth.precision, {{"m", n}, {"n", n}, {"k", n}},
              product.device, truth.backend,   product.is_gpu() ? 1 : product.cores};
    m.outcome = Outcome::measured;
    const double operations = 2.0 * static_cast<double>(n) * static_cast<double>(n * n);
    m.gops = gops;
    m.statistics.kept = 80;
    m.statistics.dropped_preempted = 3;
    m.statistics.median_s = operations / (gops * 1e9);
    m.statistics.ci_low_s = m.statistics.median_s * (1 - time_spread);
    m.statistics.ci_high_s = m.statistics.median_s * (1 + time_spread);
    m.statistics.min_s = m.statistics.median_s * 0.99;
    m.statistics.elapsed_s = 0.25;
    m.statistics.time_to_stable_s = 0.125;
    m.statistics.exit = Exit::converged;
    m.implementation = truth.backend + " gemm";
    m.device_used = product.device;
    return m;
}

Measurement triad(const Product& product, double gbps) {
    const std::int64_t elements = 33554432;
    Measurement m = gemm(product, {product.memory_backend(), "fp64", {}}, size_large, 1);
    m.what.operation = "stream_triad";
    m.what.shape = {{"elements", elements}, {"store", std::string("nontemporal")}};
    m.gbps = gbps;
    m.statistics.median_s = 24.0 * static_cast<double>(elements) / (gbps * 1e9);
    m.gops = 2.0 * static_cast<double>(elements) / m.statistics.median_s * 1e-9;
    m.statistics.ci_low_s = m.statistics.median_s * (1 - time_spread);
    m.statistics.ci_high_s = m.statistics.median_s * (1 + time_spread);
    m.statistics.min_s = m.statistics.median_s * 0.99;
    m.implementation = "triad";
    return m;
}

Score score_of(const Product& product, const SeriesTruth& truth, double gops,
               std::optional<double> gbps) {
    Score score;
    score.device = product.device;
    score.backend = truth.backend;
    score.precision = truth.precision;
    score.peak_measured_gops = gops;
    score.peak_operation = truth.is_probe() ? "compute_peak" : "gemm";
    if (!truth.is_probe()) score.blas3_gops = gops;
    score.theoretical_peak.kind = PeakKind::datasheet;
    score.theoretical_peak.value =
        recorded_peak_factor * database_peak_gops(product.id, truth.precision);
    score.theoretical_peak.formula = "an earlier entry";
    score.efficiency = gops / score.theoretical_peak.value;
    score.theoretical_bandwidth.kind = PeakKind::datasheet;
    score.theoretical_bandwidth.unit = "gbps";
    score.theoretical_bandwidth.value = recorded_peak_factor * database_bandwidth_gbps(product.id);
    score.theoretical_bandwidth.formula = "an earlier entry";
    score.stream_best_gbps = gbps;
    if (gbps) score.bandwidth_efficiency = *gbps / score.theoretical_bandwidth.value;
    return score;
}

void measure(Run& run, const Product& product, const Host& host, int week) {
    const double gbps = value_in(made_bandwidths(product, host), week);
    for (const SeriesTruth& truth : product.series) {
        const double gops = value_in(made_values(product, host, truth), week);
        const bool has_memory = truth.backend == product.memory_backend();
        run.results.push_back(
            score_of(product, truth, gops, has_memory ? std::optional(gbps) : std::nullopt));
        run.precision_matrix.push_back({product.device, truth.backend, truth.precision,
                                        Capability::supported, "", gops, std::nullopt, "gemm",
                                        truth.backend + " gemm"});
        if (truth.is_probe()) continue;
        run.measurements.push_back(gemm(product, truth, size_large, gops));
        run.measurements.push_back(gemm(product, truth, size_small, small_size_share * gops));
    }
    run.measurements.push_back(triad(product, gbps));
}

}  // namespace

int Product::stack_of(int week) const {
    return static_cast<int>(std::count_if(updates.begin(), updates.end(),
                                          [&](const Update& one) { return one.week <= week; }));
}

const SeriesTruth& Product::truth(const std::string& backend, const std::string& precision) const {
    for (const SeriesTruth& one : series)
        if (one.backend == backend && one.precision == precision) return one;
    throw std::logic_error(id + " " + backend + " " + precision);
}

const Host& Product::host(const std::string& install) const {
    for (const Host& one : hosts)
        if (one.install == install) return one;
    throw std::logic_error(id + " " + install);
}

const std::vector<Product>& products() {
    static const std::vector<Product> all{intel(), epyc(), h100(), l4()};
    return all;
}

const Product& product(const std::string& id) {
    for (const Product& one : products())
        if (one.id == id) return one;
    throw std::logic_error(id);
}

double database_peak_gops(const std::string& product, const std::string& precision) {
    double sum = stated_peak_gops(product, precision);
    if (sum > 0) return sum;
    for (const RateTerm& term : rate_terms(product, precision))
        sum += term.cores * term.per_clock * term.clock_ghz;
    return sum;
}

double database_peak_clock_hz(const std::string& product, const std::string& precision) {
    double highest = 0;
    if (stated_peak_gops(product, precision) > 0) return highest;
    for (const RateTerm& term : rate_terms(product, precision))
        highest = std::max(highest, term.clock_ghz * 1e9);
    return highest;
}

double database_bandwidth_gbps(const std::string& product) {
    return product_document(product).at("memory").at("bandwidth_gbps").at("value").get<double>();
}

std::int64_t time_of(const Product& product, const Host& host, int week) {
    const auto hours = static_cast<std::int64_t>(2 * place_of(product) + place_of(product, host));
    return start_unix + week * week_s + hours * 3600;
}

double made_efficiency(const SeriesTruth& truth, const Host& host, int week) {
    double level = 0;
    for (const LevelFrom& from : truth.levels)
        if (from.week <= week) level = from.efficiency;
    return level * host.unit;
}

std::vector<Made> made_values(const Product& product, const Host& host, const SeriesTruth& truth) {
    const double peak = database_peak_gops(product.id, truth.precision);
    return draw(product, host, truth.backend + " " + truth.precision, noise_compute,
                [&](int week) { return peak * made_efficiency(truth, host, week); });
}

std::vector<Made> made_bandwidths(const Product& product, const Host& host) {
    const double level =
        database_bandwidth_gbps(product.id) * product.bandwidth_efficiency * host.unit;
    return draw(product, host, "memory", noise_memory, [&](int) { return level; });
}

std::string software_fingerprint_of(const Product& product, int stack) {
    return fmt::format("{:02}{:02}d41799aa0011", 10 + place_of(product), 10 + stack);
}

std::string stack_digest_of(const Product& product, int stack) {
    return fmt::format("{:02}{:02}6789abcdef01", 10 + place_of(product), 10 + stack);
}

Run made_run(const Product& product, const Host& host, int week) {
    Run run = store_test::make_run({.measurements = 0,
                                    .windows = 0,
                                    .timestamp_unix = time_of(product, host, week),
                                    .install = host.install,
                                    .fingerprint = host.fingerprint,
                                    .lineage = host.lineage});
    run.run_id = run_id_of(product, host, week);
    run.wall_s = 40 + 0.25 * week;
    set_context(run, product, week);
    run.products = {{product.device, product.id, 1, 0.98, "its name", ""}};
    run.backends.clear();
    run.results.clear();
    measure(run, product, host, week);
    return run;
}

std::vector<Run> made_runs() {
    std::vector<Run> runs;
    for (const Product& product : products())
        for (const Host& host : product.hosts)
            for (int week = host.first_week; week < weeks; ++week)
                runs.push_back(made_run(product, host, week));
    std::sort(runs.begin(), runs.end(),
              [](const Run& a, const Run& b) { return a.timestamp_unix < b.timestamp_unix; });
    return runs;
}

Run contended_run(const Product& product, const Host& host, int week) {
    Run run = made_run(product, host, week);
    run.run_id = store_test::make_run_id(4999);
    run.timestamp_unix += 3 * 86400;
    run.timestamp = store_test::iso_time(run.timestamp_unix);
    run.flags = {"forced"};
    run.preflight.verdict = CheckStatus::fail;
    run.preflight.checks.push_back(
        {"background_load", "Background load", CheckStatus::fail, "others had the CPUs", "top"});
    for (Measurement& m : run.measurements) {
        m.outcome = Outcome::contended;
        m.reason = "other work took the CPUs";
        for (std::optional<double>* rate : {&m.gops, &m.gbps})
            if (*rate) **rate /= 2;
        for (double* time : {&m.statistics.median_s, &m.statistics.ci_low_s,
                             &m.statistics.ci_high_s, &m.statistics.min_s})
            *time *= 2;
    }
    for (Score& score : run.results) {
        score.flags = {"contended", "forced"};
        for (std::optional<double>* figure :
             {&score.peak_measured_gops, &score.blas3_gops, &score.stream_best_gbps,
              &score.efficiency, &score.bandwidth_efficiency})
            if (*figure) **figure /= 2;
        // Its own probes would give another peak.
        score.theoretical_peak.value /= 8;
    }
    return run;
}

}  // namespace peakward::cli::fleet
