// A run with a bit of everything that a page must show.
#pragma once

#include "core/records.hpp"

namespace peakward {

inline Measurement sample_measurement(const char* operation, const char* precision, Shape shape,
                                      const char* backend, double gops) {
    Measurement m;
    m.what = {operation, precision, std::move(shape), "cpu", backend, 2};
    m.outcome = Outcome::measured;
    m.gops = gops;
    m.statistics.kept = 120;
    m.statistics.dropped_preempted = 7;
    m.statistics.median_s = 0.0021;
    m.statistics.ci_low_s = 0.00209;
    m.statistics.ci_high_s = 0.00212;
    m.statistics.exit = Exit::converged;
    m.device_used = "cpu";
    m.implementation = "openblas SkylakeX";
    return m;
}

inline Context sample_context() {
    Context c;
    c.install = "0c7e3a52d9f14b61";
    c.hardware.fingerprint = "c3f840a080356806";
    c.hardware.lineage = "91d2a7b3c4e5f607";
    CpuInfo& cpu = c.hardware.cpu;
    cpu.architecture = "x86_64";
    cpu.model = Fact<std::string>::known("Intel(R) Xeon(R) Processor @ 2.60GHz", "/proc/cpuinfo");
    cpu.vendor = Fact<std::string>::known("GenuineIntel", "/proc/cpuinfo");
    cpu.cores_physical = Fact<int>::known(2, "/sys/devices/system/cpu");
    cpu.cores_logical = Fact<int>::known(4, "/sys/devices/system/cpu");
    cpu.microcode = Fact<std::string>::unknown("/proc/cpuinfo: no line microcode");
    cpu.isa = {"avx2", "avx512f", "avx512_vnni"};
    cpu.caches = {{1, "data", 32768, 2, 2}, {3, "unified", 33554432, 1, 4}};
    c.hardware.memory.total_gb = Fact<double>::known(8, "MemTotal, nominal");
    c.software.fingerprint = "6286d41799aabbcc";
    c.software.stack_digest = "1122334455667788";
    c.software.components["os_kernel"] = Fact<std::string>::known("6.1.0-18-amd64", "uname");
    c.software.components["os_distro"] = Fact<std::string>::known("Debian 12", "/etc/os-release");
    c.software.components["pytorch_version"] = Fact<std::string>::unknown("not installed");
    c.environment.virtualization = Fact<std::string>::known("kvm", "CPUID");
    c.environment.cpu_governor = Fact<std::string>::unknown("no cpufreq in this guest");
    c.environment.cpus_allowed = {0, 1, 2, 3};
    return c;
}

inline void add_sample_results(Run& run) {
    Score native;
    native.device = "cpu";
    native.backend = "native";
    native.precision = "fp32";
    native.stream_best_gbps = 18.24;
    native.peak_measured_gops = 214.9;
    native.peak_operation = "compute_peak";
    native.theoretical_peak.kind = PeakKind::probed;
    native.theoretical_peak.value = 217.0;
    native.theoretical_peak.formula = "cores x rate x clock";
    native.efficiency = 214.9 / 217.0;
    native.theoretical_bandwidth.reason = "SMBIOS is not readable in this guest";
    Score blas = native;
    blas.backend = "blas";
    blas.stream_best_gbps.reset();
    blas.blas3_gops = 250.1;
    blas.peak_measured_gops = 250.1;
    blas.peak_operation = "gemm";
    blas.theoretical_peak.doubtful = true;
    blas.efficiency = 250.1 / 217.0;
    blas.flags = {"above_theoretical"};
    blas.notes = {"compute of 250.1 is 115.3 % of the probed peak: the peak is doubtful"};
    Score int8 = native;
    int8.precision = "int8";
    int8.peak_measured_gops = 800.0;
    int8.theoretical_peak = {};
    int8.theoretical_peak.reason = "no clock of this class was probed";
    int8.efficiency.reset();
    run.results = {native, blas, int8};
}

inline void add_sample_measurements(Run& run) {
    const auto cube = [](std::int64_t n) { return Shape{{"m", n}, {"n", n}, {"k", n}}; };
    run.measurements.push_back(sample_measurement("gemm", "fp32", cube(1024), "blas", 250.1));
    Measurement contended = sample_measurement("gemm", "fp64", cube(2048), "blas", 60.3);
    contended.outcome = Outcome::contended;
    contended.reason = "4 clean samples of 10";
    contended.statistics.kept = 4;
    contended.statistics.dropped_preempted = 211;
    contended.statistics.exit = Exit::budget;
    contended.flags = {"many_dropped"};
    run.measurements.push_back(contended);
    Measurement peak = sample_measurement("compute_peak", "fp32", {{"isa", std::string("avx512")}},
                                          "native", 214.9);
    peak.operations_per_cycle = 63.4;
    peak.clock_hz = 3.392e9;
    run.measurements.push_back(peak);
    Measurement triad = sample_measurement(
        "stream_triad", "fp64",
        {{"elements", std::int64_t{33554432}}, {"store", std::string("nontemporal")}}, "native",
        1.5);
    triad.gbps = 18.24;
    run.measurements.push_back(triad);
    for (const char* precision : {"bf16", "fp16"}) {
        Measurement m;
        m.what = {"compute_peak", precision, {{"isa", std::string("amx")}}, "cpu", "native", 2};
        m.outcome = Outcome::unsupported;
        m.reason = "this CPU has no AMX";
        run.measurements.push_back(m);
    }
    Measurement crashed;
    crashed.what = {"dot", "fp32", {{"n", std::int64_t{1048576}}}, "cpu", "numpy", 2};
    crashed.outcome = Outcome::failed;
    crashed.reason = "the worker ended: signal 11 (SIGSEGV)";
    run.measurements.push_back(crashed);
    run.skipped.push_back(
        {{"gemm", "fp64", cube(4096), "cpu", "numpy", 2}, "over the budget of 20 s"});
}

inline Run sample_run() {
    Run run;
    run.run_id = "3f2a9c1e-0000-4000-8000-000000000001";
    run.timestamp = "2026-11-20T14:30:00Z";
    run.timestamp_unix = 1795185000;
    run.peakward_version = "0.1.0";
    run.suite = "quick/1";
    run.seed = 42;
    run.wall_s = 17.24;
    run.context = sample_context();
    run.preflight.verdict = CheckStatus::fail;
    run.preflight.checks = {
        {"cpu_governor", "CPU governor", CheckStatus::unknown, "no cpufreq in this guest", ""},
        {"background_load", "Background load", CheckStatus::fail,
         "load average 2.31 on 2 CPUs (/proc/loadavg)", "stop other programs"},
        {"cgroup_quota", "CPU quota", CheckStatus::pass, "no limit (/sys/fs/cgroup/cpu.max)", ""}};
    run.flags = {"forced"};
    add_sample_measurements(run);
    add_sample_results(run);
    return run;
}

}  // namespace peakward
