// Synthetic runs of a realistic size, the same for the same seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>

#include "core/records.hpp"
#include "core/text.hpp"

namespace peakward::store_test {

struct RunShape {
    std::uint64_t seed = 1;  // run_id and every number follow from it
    int measurements = 40;
    int windows = 300;                         // raw windows per measurement
    std::int64_t timestamp_unix = 1795000000;  // 2026-11-18
    std::string install = "install-a";
    std::string fingerprint = "c3f840a080356806";
    std::string lineage = "5d41402abc4b2a76";
    std::string suite = "standard/1";
    bool gpu = false;
};

inline std::string iso_time(std::int64_t unix_s) {
    using namespace std::chrono;
    const sys_seconds when{seconds{unix_s}};
    const auto midnight = floor<days>(when);
    const year_month_day date{midnight};
    const hh_mm_ss clock{when - midnight};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

inline std::string make_run_id(std::uint64_t seed) {
    std::mt19937_64 random(seed * 7919 + 17);
    const std::uint64_t a = random(), b = random();
    return fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff,
                       a & 0xfff, b >> 52, b & 0xffffffffffff);
}

inline Context make_context(const RunShape& shape) {
    using Text = Fact<std::string>;
    Context context;
    context.install = shape.install;
    Hardware& hardware = context.hardware;
    hardware.fingerprint = shape.fingerprint;
    hardware.lineage = shape.lineage;
    CpuInfo& cpu = hardware.cpu;
    cpu.architecture = "x86_64";
    cpu.model = Text::known("12th Gen Intel(R) Core(TM) i7-12700K", "/proc/cpuinfo");
    cpu.vendor = Text::known("GenuineIntel", "/proc/cpuinfo");
    cpu.stepping = Fact<int>::known(2, "/proc/cpuinfo");
    cpu.microcode = Text::known("0x2c", "/proc/cpuinfo");
    cpu.cores_physical = Fact<int>::known(12, "/sys/devices/system/cpu");
    cpu.cores_logical = Fact<int>::known(20, "/sys/devices/system/cpu");
    for (int level = 1; level <= 3; ++level)
        cpu.caches.push_back({level, "unified", std::int64_t{1} << (15 + 4 * level), 8, 2});
    cpu.isa = {"avx2", "fma", "avx_vnni"};
    hardware.memory.total_gb = Fact<double>::known(32, "DMI");
    if (shape.gpu) {
        GpuInfo gpu;
        gpu.vendor = "nvidia";
        gpu.model = Text::known("NVIDIA GeForce RTX 4090", "NVML");
        gpu.pci_id = Text::known("10de:2684", "NVML");
        gpu.vbios = Text::known("95.02.18.40.84", "NVML");
        gpu.memory_mb = Fact<int>::known(24564, "NVML");
        hardware.gpus.push_back(gpu);
    }
    Software& software = context.software;
    software.fingerprint = "6286d41799aa0011";
    software.stack_digest = "0123456789abcdef";
    software.components = {{"os_kernel", Text::known("6.8.0-90-generic", "uname")},
                           {"os_distro", Text::known("Ubuntu 24.04", "/etc/os-release")},
                           {"gpu_driver_version", Text::unknown("no GPU was found")},
                           {"cuda_version", Text::unknown("libcudart.so is not installed")},
                           {"pytorch_version", Text::known("2.7.1", "python3")},
                           {"numpy_version", Text::known("2.2.6", "python3")},
                           {"blas_library", Text::known("OpenBLAS 0.3.21", "libblas.so.3")},
                           {"glibc", Text::known("2.39", "gnu_get_libc_version")}};
    Environment& environment = context.environment;
    environment.power_mode = Text::known("performance", "power profile");
    environment.cpu_governor = Text::known("performance", "/sys");
    environment.thermal_state = Text::known("cool", "/sys/class/thermal");
    environment.virtualization = Text::known("none", "CPUID");
    environment.cpus_allowed = {0, 1, 2, 3};
    return context;
}

inline Measurement make_measurement(std::mt19937_64& random, int index, int windows) {
    static const char* operations[] = {"gemm", "stream_triad", "fma_peak", "dot", "gemv"};
    static const char* precisions[] = {"fp64", "fp32"};
    std::uniform_real_distribution<double> noise(0.995, 1.005);
    Measurement m;
    m.what.operation = operations[index % 5];
    m.what.precision = precisions[(index / 5) % 2];
    const std::int64_t size = std::int64_t{64} << (index / 10);
    m.what.shape = {{"m", size}, {"n", size}, {"k", size}};
    m.what.backend = index % 2 == 0 ? "native" : "blas";
    m.what.threads = 2;
    m.outcome = Outcome::measured;
    const double iteration_s = 1e-4 * noise(random);
    std::int64_t at = 0;
    for (int i = 0; i < windows; ++i) {
        Window window;
        window.start_ns = at;
        window.wall_ns = std::int64_t(1e6 * noise(random));
        window.iterations = 10;
        window.clock_hz = index % 5 == 2 ? 3.39e9 * noise(random) : 0;
        window.verdict = random() % 16 == 0 ? Verdict::preempted : Verdict::kept;
        at = window.start_ns + window.wall_ns + std::int64_t(random() % 20000);
        m.windows.push_back(window);
    }
    m.statistics.kept = windows * 15 / 16;
    m.statistics.dropped_preempted = windows - m.statistics.kept;
    m.statistics.median_s = iteration_s;
    m.statistics.ci_low_s = iteration_s * 0.997;
    m.statistics.ci_high_s = iteration_s * 1.003;
    m.statistics.min_s = iteration_s * 0.99;
    m.statistics.elapsed_s = double(at) * 1e-9;
    m.statistics.time_to_stable_s = 0.21 * noise(random);
    m.statistics.exit = Exit::converged;
    m.gops = 100 * noise(random);
    m.gbps = 20 * noise(random);
    m.bus_gbps = 26.6 * noise(random);
    m.clock_hz = 3.39e9;
    m.operations_per_cycle = 31.9;
    m.implementation = "avx2 fma 12x";
    m.device_used = "cpu";
    m.error = 1e-7;
    m.tolerance = 1e-5;
    m.steal_percent = 0.0;
    m.psi_cpu_some_percent = 0.3;
    return m;
}

inline Score make_score(std::mt19937_64& random, const std::string& precision,
                        const std::string& backend) {
    std::uniform_real_distribution<double> noise(0.98, 1.02);
    Score score;
    score.device = "cpu";
    score.backend = backend;
    score.precision = precision;
    score.stream_best_gbps = 72.4 * noise(random);
    score.blas3_gops = 156.3 * noise(random);
    score.peak_measured_gops = 244.5 * noise(random);
    score.peak_operation = "fma_peak";
    score.theoretical_peak.kind = PeakKind::probed;
    score.theoretical_peak.value = 300;
    score.theoretical_peak.formula = "cores x operations per cycle x clock";
    score.theoretical_peak.inputs = {{"operations_per_cycle", 32, "op/cycle", "probe"},
                                     {"clock_hz", 3.39e9, "Hz", "probe"}};
    score.theoretical_bandwidth.unit = "gbps";
    score.theoretical_bandwidth.reason = "no SMBIOS in this guest";
    score.efficiency = *score.peak_measured_gops / 300;
    return score;
}

inline Run make_run(const RunShape& shape = {}) {
    std::mt19937_64 random(shape.seed);
    Run run;
    run.run_id = make_run_id(shape.seed);
    run.timestamp_unix = shape.timestamp_unix;
    run.timestamp = iso_time(shape.timestamp_unix);
    run.peakward_version = "0.1.0";
    run.suite = shape.suite;
    run.seed = shape.seed;
    run.arguments = {"peakward", "calibrate"};
    run.wall_s = 41.5;
    run.context = make_context(shape);
    run.preflight.verdict = CheckStatus::pass;
    for (const char* id : {"cpu_governor", "thermal", "load", "power_mode"})
        run.preflight.checks.push_back({id, id, CheckStatus::pass, "as it should be", ""});
    for (const char* backend : {"native", "blas"}) {
        BackendInfo info;
        info.backend = backend;
        info.available = true;
        info.versions = {{"library", "0.3.21"}};
        info.devices = {"cpu"};
        info.precisions = {"fp64", "fp32"};
        info.operations = {"gemm", "dot", "gemv"};
        info.path = "/usr/libexec/peakward/workers/peakward-worker-native";
        run.backends.push_back(info);
    }
    for (int i = 0; i < shape.measurements; ++i)
        run.measurements.push_back(make_measurement(random, i, shape.windows));
    for (const char* precision : {"fp64", "fp32"})
        for (const char* backend : {"native", "blas"})
            run.results.push_back(make_score(random, precision, backend));
    return run;
}

// For tests that do not care about size.
inline Run make_small_run(std::uint64_t seed) {
    return make_run({.seed = seed,
                     .measurements = 3,
                     .windows = 5,
                     .timestamp_unix = 1795000000 + std::int64_t(seed) * 60});
}

}  // namespace peakward::store_test
