// A year of one machine, made from a seed: software that matures, a firmware change, doubtful runs
// and a drop at the end. For tests of what looks back, and to look at.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/records.hpp"
#include "store/make_run.hpp"

namespace peakward::cli {

struct MadeHistory {
    std::uint64_t seed = 1;
    int days = 365;
    std::int64_t first_unix = 1767261600;  // 2026-01-01 10:00 UTC
    std::string pytorch_suffix = {};       // put behind every version of it
};

inline Measurement made_measurement(const char* operation, const char* precision, Shape shape,
                                    const char* backend, double median_s) {
    Measurement m;
    m.what = {operation, precision, std::move(shape), "cpu", backend, 20};
    m.outcome = Outcome::measured;
    m.statistics.kept = 100;
    m.statistics.median_s = median_s;
    m.statistics.ci_low_s = median_s * 0.996;
    m.statistics.ci_high_s = median_s * 1.004;
    m.statistics.min_s = median_s * 0.99;
    m.statistics.exit = Exit::converged;
    m.implementation = backend == std::string("blas") ? "openblas Haswell" : "avx2 fma 12x";
    m.device_used = "cpu";
    return m;
}

// What backend and precision reach when nothing is left to gain, in GOPS, and how soon.
struct MadeSeries {
    const char* backend;
    const char* precision;
    double start_gops, end_gops, tau_days;
};
inline const std::vector<MadeSeries>& made_series() {
    static const std::vector<MadeSeries> all{
        {"blas", "fp32", 930, 1330, 70},     {"blas", "fp64", 440, 640, 50},
        {"native", "fp32", 1410, 1410, 1},   {"native", "fp64", 703, 703, 1},
        {"onednn", "fp32", 800, 1290, 110},  {"onednn", "int8", 2100, 4100, 90},
        {"pytorch", "fp32", 600, 1240, 130}, {"pytorch", "bf16", 300, 700, 60},
        {"numpy", "fp32", 900, 1310, 80},    {"numpy", "fp64", 430, 620, 60}};
    return all;
}

inline void add_made_measurements(Run& run, double level) {
    for (const std::int64_t n : {256, 512, 1024, 2048, 4096})
        for (const char* precision : {"fp32", "fp64"}) {
            const double gops = (precision[2] == '3' ? 1330 : 640) * level *
                                (1 - 60.0 / static_cast<double>(n + 60));
            const double work =
                2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
            run.measurements.push_back(made_measurement(
                "gemm", precision, {{"m", n}, {"n", n}, {"k", n}}, "blas", work / gops / 1e9));
            run.measurements.back().gops = gops;
        }
    for (const std::int64_t n : {1024, 4096, 8192}) {
        run.measurements.push_back(made_measurement("gemv", "fp32", {{"m", n}, {"n", n}}, "blas",
                                                    4.0 * double(n) * double(n) / 68e9));
        run.measurements.push_back(made_measurement("dot", "fp32", {{"n", n * 4096}}, "blas",
                                                    8.0 * double(n) * 4096 / 71e9));
    }
    const std::int64_t elements = 33554432;
    run.measurements.push_back(made_measurement(
        "stream_triad", "fp64", {{"elements", elements}, {"store", std::string("nontemporal")}},
        "native", 24.0 * double(elements) / 73.1e9));
}

inline Run made_run(const MadeHistory& history, int day, std::mt19937_64& random) {
    std::normal_distribution<double> noise(0, 0.006);
    const int stack = day / 52;
    Run run = store_test::make_run({.seed = history.seed * 100000 + std::uint64_t(day),
                                    .measurements = 0,
                                    .windows = 0,
                                    .timestamp_unix = history.first_unix + day * 86400});
    Hardware& hardware = run.context.hardware;
    if (day >= history.days / 2) {
        hardware.fingerprint = "d41f40a080356877";
        hardware.cpu.microcode = Fact<std::string>::known("0x32", "/proc/cpuinfo");
    }
    Software& software = run.context.software;
    software.fingerprint =
        store_test::make_run_id(77 + std::uint64_t(stack)).substr(0, 8) + "00000000";
    software.stack_digest =
        store_test::make_run_id(177 + std::uint64_t(stack)).substr(0, 8) + "00000000";
    software.components["pytorch_version"] =
        Fact<std::string>::known(fmt::format("2.{}.0{}", stack, history.pytorch_suffix), "python3");
    if (stack >= 3)
        software.components["blas_library"] =
            Fact<std::string>::known("OpenBLAS 0.3.29", "libblas.so.3");
    run.products = {{"cpu", "intel_i7_12700k", 1, 0.98, "its name", ""}};
    run.results.clear();
    run.precision_matrix.clear();
    const bool contended = day % 41 == 17;
    for (const MadeSeries& made : made_series()) {
        double level =
            made.end_gops - (made.end_gops - made.start_gops) * std::exp(-day / made.tau_days);
        if (day >= history.days - 12 && std::string(made.backend) == "pytorch") level *= 0.93;
        if (contended) level *= 0.8;
        Score score;
        score.device = "cpu";
        score.backend = made.backend;
        score.precision = made.precision;
        score.peak_measured_gops = level * (1 + noise(random));
        score.peak_operation = "gemm";
        if (std::string(made.backend) == "native") {
            score.stream_best_gbps = 72.4 * (1 + noise(random) / 3);
            score.peak_operation = "compute_peak";
        } else {
            score.blas3_gops = score.peak_measured_gops;
        }
        score.theoretical_peak.reason = "the product's entry says it";
        score.theoretical_bandwidth.reason = "the product's entry says it";
        if (contended) score.flags = {"contended"};
        run.results.push_back(score);
        run.precision_matrix.push_back({"cpu", made.backend, made.precision, Capability::supported,
                                        "", score.peak_measured_gops, std::nullopt, "gemm",
                                        "avx2"});
    }
    for (const char* backend : {"blas", "numpy"})
        run.precision_matrix.push_back({"cpu", backend, "bf16", Capability::unsupported,
                                        std::string(backend) + " has no bf16 product"});
    run.measurements.clear();
    if (day == history.days - 1) add_made_measurements(run, 0.97);
    return run;
}

inline std::vector<Run> made_history(const MadeHistory& history) {
    std::mt19937_64 random(history.seed);
    std::vector<Run> runs;
    for (int day = 0; day < history.days; ++day) runs.push_back(made_run(history, day, random));
    return runs;
}

}  // namespace peakward::cli
