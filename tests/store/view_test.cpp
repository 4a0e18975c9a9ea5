// What people, Grafana and notebooks read with plain SQL.
#include <gmock/gmock.h>

#include "store/scratch.hpp"

namespace peakward {
namespace {

using ::testing::ElementsAre;

class View : public ::testing::Test {
protected:
    View() {
        auto store = open_store(path_, OpenMode::append);
        auto run = store_test::make_run({.seed = 1, .measurements = 5, .windows = 3, .gpu = true});
        run.context.hardware.cpu.stepping = Fact<int>::unknown("not in /proc/cpuinfo");
        GpuInfo amd;
        amd.vendor = "amd";
        amd.model = Fact<std::string>::known("Instinct MI300X", "sysfs");
        GpuInfo second = run.context.hardware.gpus[0];
        second.model = Fact<std::string>::known("NVIDIA L4", "NVML");
        run.context.hardware.gpus.push_back(amd);
        run.context.hardware.gpus.push_back(second);
        run.results[1].device = "cuda:1";
        run.results[2].device = "hip:0";
        run.results[3].device = "cuda:7";
        run.results[0].flags = {"forced"};
        EXPECT_TRUE((*store)->append(run));
        auto correction = store_test::make_small_run(2);
        correction.supersedes = run.run_id;
        EXPECT_TRUE((*store)->append(correction));
    }
    std::vector<std::string> column(const std::string& sql) {
        auto connection = store_test::raw_connection(path_);
        std::vector<std::string> values;
        store::Statement rows = connection.prepare(sql);
        while (rows.step()) values.push_back(rows.optional_text(0).value_or("NULL"));
        EXPECT_TRUE(connection.ok()) << sql << ": " << connection.status().error().message;
        return values;
    }
    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_F(View, HasTheColumnsOfSeed000InItsOrderFirst) {
    const std::vector<std::string> seed = {"run_id",
                                           "hardware_fingerprint",
                                           "software_fingerprint",
                                           "timestamp",
                                           "timestamp_unix",
                                           "cpu_model",
                                           "cpu_vendor",
                                           "cpu_stepping",
                                           "cpu_microcode",
                                           "cpu_cores_physical",
                                           "cpu_cores_logical",
                                           "gpu_model",
                                           "gpu_pci_id",
                                           "gpu_vbios",
                                           "gpu_memory_mb",
                                           "memory_total_gb",
                                           "os_kernel",
                                           "os_distro",
                                           "gpu_driver_version",
                                           "cuda_version",
                                           "pytorch_version",
                                           "numpy_version",
                                           "blas_library",
                                           "power_mode",
                                           "cpu_governor",
                                           "thermal_state",
                                           "precision",
                                           "device",
                                           "stream_best_gbps",
                                           "blas3_gops",
                                           "peak_measured_gops",
                                           "efficiency"};
    auto columns = column("SELECT name FROM pragma_table_info('calibration_runs') ORDER BY cid");
    ASSERT_GE(columns.size(), seed.size());
    EXPECT_THAT(columns, ::testing::IsSupersetOf({"backend", "flags", "suite", "lineage", "install",
                                                  "supersedes", "superseded_by"}));
    columns.resize(seed.size());
    EXPECT_EQ(columns, seed);
}

TEST_F(View, HasOneRowPerDevicePrecisionAndBackend) {
    EXPECT_THAT(column("SELECT device || ' ' || precision || ' ' || backend FROM calibration_runs "
                       "WHERE seq = 1"),
                ElementsAre("cpu fp64 native", "cuda:1 fp64 blas", "hip:0 fp32 native",
                            "cuda:7 fp32 blas"));
}

TEST_F(View, ShowsTheGpuOfTheDevice) {
    EXPECT_THAT(column("SELECT gpu_model FROM calibration_runs WHERE seq = 1"),
                ElementsAre("NVIDIA GeForce RTX 4090", "NVIDIA L4", "Instinct MI300X", "N/A"));
    EXPECT_THAT(column("SELECT DISTINCT gpu_model FROM calibration_runs WHERE seq = 2"),
                ElementsAre("N/A"));
    EXPECT_THAT(column("SELECT gpu_memory_mb FROM calibration_runs WHERE seq = 1 LIMIT 1"),
                ElementsAre("24564"));
}

TEST_F(View, ShowsValuesUnderTheirNamesAndNullForTheUnknown) {
    EXPECT_THAT(column("SELECT cpu_model || '|' || cpu_vendor || '|' || cpu_microcode || '|' || "
                       "cpu_cores_physical || '|' || cpu_cores_logical || '|' || memory_total_gb "
                       "FROM calibration_runs WHERE seq = 1 LIMIT 1"),
                ElementsAre("12th Gen Intel(R) Core(TM) i7-12700K|GenuineIntel|0x2c|12|20|32.0"));
    EXPECT_THAT(column("SELECT os_kernel || '|' || os_distro || '|' || pytorch_version || '|' || "
                       "numpy_version || '|' || blas_library FROM calibration_runs LIMIT 1"),
                ElementsAre("6.8.0-90-generic|Ubuntu 24.04|2.7.1|2.2.6|OpenBLAS 0.3.21"));
    EXPECT_THAT(column("SELECT power_mode || '|' || cpu_governor || '|' || thermal_state "
                       "FROM calibration_runs LIMIT 1"),
                ElementsAre("performance|performance|cool"));
    EXPECT_THAT(column("SELECT DISTINCT coalesce(cpu_stepping, cuda_version, gpu_driver_version) "
                       "FROM calibration_runs WHERE seq = 1"),
                ElementsAre("NULL"));
    EXPECT_THAT(column("SELECT abs(efficiency - peak_measured_gops / 300) < 1e-12 "
                       "FROM calibration_runs WHERE seq = 2 LIMIT 1"),
                ElementsAre("1"));
    EXPECT_THAT(column("SELECT flags FROM calibration_runs WHERE seq = 1 AND device = 'cpu'"),
                ElementsAre("[\"forced\"]"));
}

TEST_F(View, TellsWhichRunReplacedWhich) {
    EXPECT_THAT(column("SELECT DISTINCT superseded_by FROM calibration_runs WHERE seq = 1"),
                ElementsAre(store_test::make_run_id(2)));
    EXPECT_THAT(column("SELECT DISTINCT supersedes FROM calibration_runs WHERE seq = 2"),
                ElementsAre(store_test::make_run_id(1)));
}

TEST_F(View, TrajectoryPointsHaveAMetricPerRowWithItsInterval) {
    EXPECT_THAT(column("SELECT metric || ' ' || unit FROM trajectory_points "
                       "WHERE seq = 1 AND operation = 'gemm'"),
                ElementsAre("bus_gbps GB/s", "clock_hz Hz", "gbps GB/s", "gops GOP/s", "median_s s",
                            "min_s s", "operations_per_cycle op/cycle"));
    EXPECT_THAT(column("SELECT ci_low < value AND value < ci_high FROM trajectory_points "
                       "WHERE seq = 1 AND operation = 'gemm' AND metric IN ('gops', 'median_s')"),
                ElementsAre("1", "1"));
    EXPECT_THAT(column("SELECT shape FROM trajectory_points WHERE seq = 1 AND operation = 'gemm' "
                       "AND metric = 'gops'"),
                ElementsAre("{\"k\":64,\"m\":64,\"n\":64}"));
}

TEST_F(View, TheSameCaseOfTwoInstallsIsTwoSeriesAndOfTwoRunsOne) {
    EXPECT_THAT(column("SELECT count(*) FROM series"), ElementsAre("5"))
        << "5 cases, of which 3 in both runs";
    auto store = open_store(path_, OpenMode::append);
    auto again = store_test::make_run({.seed = 3, .measurements = 5, .windows = 1});
    ASSERT_TRUE((*store)->append(again));
    EXPECT_THAT(column("SELECT count(*) FROM series"), ElementsAre("5"));
    auto elsewhere =
        store_test::make_run({.seed = 4, .measurements = 5, .windows = 1, .install = "install-b"});
    ASSERT_TRUE((*store)->append(elsewhere));
    EXPECT_THAT(column("SELECT count(*) FROM series"), ElementsAre("10"));
}

// One trajectory must not cost a scan of the database.
TEST_F(View, ATrajectoryIsFoundThroughIndexes) {
    const auto plan = [&](const std::string& sql) {
        auto connection = store_test::raw_connection(path_);
        std::string text;
        store::Statement rows = connection.prepare("EXPLAIN QUERY PLAN " + sql);
        while (rows.step()) text += rows.text(3) + "\n";
        return text;
    };
    EXPECT_THAT(plan("SELECT timestamp, value FROM trajectory_points WHERE lineage = 'x' "
                     "AND operation = 'gemm' AND precision = 'fp32' AND metric = 'gops'"),
                ::testing::Not(::testing::HasSubstr("SCAN")));
    EXPECT_THAT(plan("SELECT efficiency FROM calibration_runs WHERE hardware_fingerprint = 'x' "
                     "ORDER BY timestamp_unix"),
                ::testing::Not(::testing::HasSubstr("SCAN")));
}

}  // namespace
}  // namespace peakward
