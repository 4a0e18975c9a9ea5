#include "import/legacy.hpp"

namespace peakward::older {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Json row(const std::string& id = "3f2a9c1e", const std::string& precision = "fp32") {
    return {{"run_id", id},
            {"timestamp", "2025-12-31T14:30:00Z"},
            {"timestamp_unix", 1767191400},
            {"hardware_fingerprint", "c3f840a080356806"},
            {"software_fingerprint", "6286d41799aabbcc"},
            {"cpu_model", "12th Gen Intel(R) Core(TM) i7-12700K"},
            {"cpu_vendor", "GenuineIntel"},
            {"cpu_stepping", 2},
            {"cpu_microcode", "0x2c"},
            {"cpu_cores_physical", 12},
            {"gpu_model", "N/A"},
            {"memory_total_gb", 32.0},
            {"numpy_version", "2.2.6"},
            {"power_mode", "performance"},
            {"precision", precision},
            {"device", "cpu"},
            {"stream_best_gbps", 81.7},
            {"blas3_gops", 177.3},
            {"peak_measured_gops", 177.3},
            {"efficiency", 0.78}};
}

std::vector<ImportedRun> read_rows(const Json& rows) {
    auto runs = read_exported_rows(rows);
    EXPECT_TRUE(runs) << (runs ? "" : runs.error().message);
    return runs.value_or(std::vector<ImportedRun>{});
}

TEST(ExportedRows, OfOneRunIdAreOneRun) {
    const auto runs = read_rows({row("a", "fp32"), row("b", "fp32"), row("a", "fp64")});
    ASSERT_THAT(runs, SizeIs(2));
    EXPECT_EQ(runs[0].run.run_id, "a");
    EXPECT_THAT(runs[0].run.results, SizeIs(2));
    EXPECT_THAT(runs[1].run.results, SizeIs(1));
}

TEST(ExportedRows, KeepTheirColumns) {
    const auto runs = read_rows(Json::array({row()}));
    ASSERT_THAT(runs, SizeIs(1));
    const peakward::Run& run = runs[0].run;
    EXPECT_EQ(run.context.hardware.fingerprint, "c3f840a080356806");
    EXPECT_EQ(run.context.software.fingerprint, "6286d41799aabbcc");
    EXPECT_EQ(run.context.hardware.cpu.microcode.value_or(""), "0x2c");
    EXPECT_THAT(run.context.hardware.gpus, IsEmpty());
    EXPECT_FALSE(run.context.software.components.at("pytorch_version"));
    const Score& score = run.results.at(0);
    EXPECT_EQ(score.backend, "");
    EXPECT_EQ(score.stream_best_gbps, 81.7);
    EXPECT_EQ(score.efficiency, 0.78);
    EXPECT_DOUBLE_EQ(score.theoretical_peak.value, 177.3 / 0.78);
    EXPECT_EQ(score.theoretical_peak.kind, PeakKind::estimated);
    EXPECT_THAT(runs[0].doubts, IsEmpty());
}

TEST(ExportedRows, AboveTheirPeakAreDoubted) {
    Json above = row();
    above["efficiency"] = 1.773;
    EXPECT_THAT(doubt_flags(read_rows(Json::array({above})).at(0)), Contains("above_theoretical"));
    Json nothing = row();
    for (const char* name : {"stream_best_gbps", "blas3_gops", "peak_measured_gops", "efficiency"})
        nothing[name] = nullptr;
    EXPECT_THAT(doubt_flags(read_rows(Json::array({nothing})).at(0)), Contains("no_operations"));
    Json superseded = row();
    superseded["superseded_by"] = "b";
    EXPECT_THAT(doubt_flags(read_rows(Json::array({superseded})).at(0)), Contains("superseded"));
    Json negative = row();
    negative["blas3_gops"] = -1;
    EXPECT_THAT(doubt_flags(read_rows(Json::array({negative})).at(0)),
                Contains("figure_impossible"));
}

Json gpu_row(const std::string& device, const std::string& model, const Json& pci_id = nullptr,
             const std::string& precision = "bf16") {
    Json json = row("gpu", precision);
    json["device"] = device;
    json["gpu_model"] = model;
    json["gpu_pci_id"] = pci_id;
    return json;
}

TEST(ExportedRows, KeepTheVendorAndTheNumberOfTheirGpu) {
    struct Case {
        const char* device;
        const char* model;
        Json pci_id;
        const char* vendor;
        const char* canonical;
    };
    const Case cases[] = {
        {"cuda", "NVIDIA H100 80GB HBM3", "10de:2330", "nvidia", "cuda:0"},
        {"cuda", "AMD Instinct MI300X", "1002:74a1", "amd", "cuda:0"},
        {"cuda:0", "AMD Instinct MI300X", nullptr, "amd", "cuda:0"},
        {"rocm", "MI300X", nullptr, "amd", "rocm:0"},
        {"hip:1", "N/A", "1002:74a1", "amd", "hip:1"},
        {"hpu", "Intel Gaudi 3", nullptr, "habana", "hpu:0"},
        {"hpu", "HL-325L", "1da3:1060", "habana", "hpu:0"},
        {"qaic", "Qualcomm Cloud AI 100 Ultra", "17cb:a100", "qualcomm", "qaic:0"},
        {"xpu", "Intel Arc B580", nullptr, "intel", "xpu:0"},
        {"gpu", "a GPU of no name", nullptr, "nvidia", "cuda:0"},
    };
    for (const Case& each : cases) {
        const auto runs = read_rows(Json::array({gpu_row(each.device, each.model, each.pci_id)}));
        ASSERT_THAT(runs, SizeIs(1));
        const auto& gpus = runs[0].run.context.hardware.gpus;
        ASSERT_THAT(gpus, SizeIs(1)) << each.model;
        EXPECT_EQ(gpus[0].vendor, each.vendor) << each.model;
        EXPECT_EQ(gpus[0].device.value_or(""), each.canonical);
        EXPECT_EQ(runs[0].run.results.at(0).device, each.canonical);
    }
}

TEST(ExportedRows, OfOneRunMayTellOfSeveralGpus) {
    Json cpu = gpu_row("cpu", "AMD Instinct MI300X", "1002:74a1");
    const auto runs = read_rows({cpu, gpu_row("cuda:0", "AMD Instinct MI300X", "1002:74a1"),
                                 gpu_row("cuda:1", "AMD Instinct MI210", "1002:740f"),
                                 gpu_row("cuda:1", "AMD Instinct MI210", "1002:740f", "fp32")});
    ASSERT_THAT(runs, SizeIs(1));
    const auto& gpus = runs[0].run.context.hardware.gpus;
    ASSERT_THAT(gpus, SizeIs(2));
    EXPECT_EQ(gpus[0].device.value_or(""), "cuda:0");
    EXPECT_EQ(gpus[1].model.value_or(""), "AMD Instinct MI210");
    EXPECT_EQ(gpus[1].device.value_or(""), "cuda:1");
}

TEST(ExportedRows, AreRefusedByTheirNumber) {
    const auto refusal = [](const Json& rows) {
        const auto runs = read_exported_rows(rows);
        return runs ? "" : runs.error().message;
    };
    Json wrong = row("b");
    wrong["cpu_stepping"] = "two";
    EXPECT_THAT(refusal({row("a"), wrong}), HasSubstr("runs[1].cpu_stepping is a text"));
    EXPECT_THAT(refusal({row("a"), row("a")}), HasSubstr("runs[1]: run a has two results"));
    Json elsewhere = row("a", "fp64");
    elsewhere["hardware_fingerprint"] = "0000000000000000";
    EXPECT_THAT(refusal({row("a"), elsewhere}), HasSubstr("another time or machine"));
}

}  // namespace
}  // namespace peakward::older
