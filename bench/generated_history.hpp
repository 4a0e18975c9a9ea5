// A history of many machines over years, the same for the same seed: every machine is measured once
// a day, its software changes once a month, and some changes move a rate by a few percent.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "store/make_run.hpp"

namespace peakward::bench {

struct HistoryShape {
    std::uint64_t seed = 1;
    int machines = 100;
    int machines_per_lineage = 10;  // of one kind
    int days_per_stack = 30;
    std::int64_t first_unix = 1640995200;  // 2022-01-01
};

class GeneratedHistory {
public:
    explicit GeneratedHistory(const HistoryShape& shape) : shape_(shape) {
        template_ = store_test::make_run({.measurements = 4, .windows = 1});
        for (int i = 0; i < 4; ++i) {
            Case& what = template_.measurements[std::size_t(i)].what;
            what.operation = "gemm";
            what.shape = {{"m", 2048}, {"n", 2048}, {"k", 2048}};
            what.backend = i < 2 ? "native" : "blas";
            what.precision = i % 2 == 0 ? "fp64" : "fp32";
            what.threads = 20;
        }
        template_.preflight.checks.clear();
        template_.backends.clear();
    }

    static std::string lineage_of(int kind) {
        return fmt::format("{:08x}00000000", 0x10000 + kind);
    }

    // The run of a machine on a day; days of all machines may be asked for in any order.
    const Run& run(int machine, int day) {
        static constexpr const char* products[] = {"intel_i7_12700k", "amd_epyc_9654",
                                                   "amd_epyc_7763", "amd_ryzen_7_7840hs"};
        const int kind = machine / shape_.machines_per_lineage;
        const auto number =
            std::uint64_t(day) * std::uint64_t(shape_.machines) + std::uint64_t(machine);
        std::mt19937_64 random(shape_.seed * 1000003 + number);
        std::normal_distribution<double> noise(0, 0.01);
        Run& run = template_;
        run.run_id = store_test::make_run_id(shape_.seed * 1000000007 + number);
        run.timestamp_unix = shape_.first_unix + std::int64_t{day} * 86400 + machine;
        run.timestamp = store_test::iso_time(run.timestamp_unix);
        run.context.install = fmt::format("install-{:06}", machine);
        run.context.hardware.lineage = lineage_of(kind);
        run.context.hardware.fingerprint = fmt::format("{:08x}ffffffff", 0x20000 + kind);
        run.products = {{"cpu", products[kind % 4], 1, 0.98, "its name", ""}};
        const int stack = day / shape_.days_per_stack;
        run.context.software.fingerprint = fmt::format("{:016x}", 0xabc000 + stack);
        run.context.software.stack_digest = fmt::format("{:016x}", 0xdef000 + stack);
        run.context.software.components["blas_library"] =
            Fact<std::string>::known(fmt::format("OpenBLAS 0.3.{}", 20 + stack), "libblas.so.3");
        for (std::size_t i = 0; i < 4; ++i) {
            const double gops =
                (i % 2 == 0 ? 300 : 600) * level(machine, stack, int(i)) * (1 + noise(random));
            Measurement& m = run.measurements[i];
            m.gops = gops;
            m.gbps = gops / 100;
            m.bus_gbps.reset();
            m.operations_per_cycle.reset();
            m.clock_hz = 0;
            m.statistics.median_s = 2 * std::pow(2048, 3) / (gops * 1e9);
            m.statistics.ci_low_s = m.statistics.median_s * 0.997;
            m.statistics.ci_high_s = m.statistics.median_s * 1.003;
            Score& score = run.results[i];
            score.backend = m.what.backend;
            score.precision = m.what.precision;
            score.blas3_gops = score.peak_measured_gops = gops;
            score.peak_operation = "gemm";
            score.stream_best_gbps.reset();
            score.efficiency = gops / 1000;
        }
        return run;
    }

private:
    // Two months in ten bring a step of 2 to 5 % to a tenth of the series; all creep upwards.
    double level(int machine, int stack, int series) const {
        double level = 1;
        for (int i = 1; i <= stack; ++i) {
            std::mt19937_64 random(shape_.seed + std::uint64_t(machine) * 7919 +
                                   std::uint64_t(series) * 104729 + std::uint64_t(i) * 1299709);
            std::uniform_real_distribution<double> uniform(0, 1);
            level *= 1.002;
            if (i % 5 == 0 && uniform(random) < 0.1)
                level *= 1 + (uniform(random) < 0.5 ? -1 : 1) * (0.02 + 0.03 * uniform(random));
        }
        return level;
    }

    HistoryShape shape_;
    Run template_;
};

}  // namespace peakward::bench
