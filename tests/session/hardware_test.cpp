#include "session/hardware.hpp"

#include "session/fixture.hpp"
#include "session/products.hpp"
#include "store/make_run.hpp"

namespace peakward::session_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Json figure(double value) { return {{"value", value}, {"source", "sheet"}}; }

// A processor of 4 cores: 1200 GOPS and 100 GB/s.
HardwareSpec example_cpu() {
    const Json entry{
        {"schema_version", 1},
        {"spec_version", 1},
        {"id", "example_cpu"},
        {"name", "Example CPU 9000"},
        {"kind", "cpu"},
        {"vendor", "example"},
        {"aliases", Json::array()},
        {"host_architecture", "x86_64"},
        {"launched", {{"unknown", "never"}}},
        {"sources",
         {{"sheet",
           {{"title", "Sheet"}, {"publisher", "Example"}, {"url", "https://example.org"}}}}},
        {"detection", Json::array()},
        {"architecture", {{"name", "Ex"}, {"cores", {{{"kind", "core"}, {"count", figure(4)}}}}}},
        {"clocks_ghz", {{"boost", figure(3)}}},
        {"operations_per_clock",
         {{"fp32", {{{"per", "core"}, {"value", 100}, {"clock", "boost"}, {"source", "sheet"}}}}}},
        {"memory", {{"type", "DDR4"}, {"bandwidth_gbps", figure(100)}}},
        {"tdp_w", figure(65)}};
    auto spec = spec_from_json(entry, "example_cpu");
    if (!spec) throw std::runtime_error(spec.error().message);
    return *spec;
}

class ExportCalibration : public SessionTest {
protected:
    // A run that used all cores of so many sockets and reached 2000 GOPS and 140 GB/s.
    void store_run(int sockets) {
        peakward::Run run = store_test::make_small_run(1);
        run.context.hardware.cpu.sockets = Fact<int>::known(sockets, "topology");
        run.products = {{"cpu", "example_cpu", 1, 0.9, "its name", ""}};
        for (Measurement& m : run.measurements) m.what.threads = 4 * sockets;
        Score score;
        score.device = "cpu";
        score.backend = "blas";
        score.precision = "fp32";
        score.peak_measured_gops = 2'000;
        score.stream_best_gbps = 140;
        run.results = {score};
        auto store = open_store(database(), OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto kept = (*store)->append(run);
        ASSERT_TRUE(kept) << kept.error().message;
    }
    Result<CalibrationExport> exported() const {
        return export_calibration({database(), "latest", "", "example_cpu", "", true});
    }
};

TEST_F(ExportCalibration, OfTwoSocketsIsThatOfOneProcessor) {
    ASSERT_TRUE(add_product(example_cpu(), false));
    store_run(2);
    const auto made = exported();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->summary["measured_peaks_gops"]["fp32"], 1'000);
    EXPECT_EQ(made->summary["measured_bandwidth_gbps"], 70);
    EXPECT_EQ(made->summary["efficiency"]["fp32"], 0.833333) << "1000 of 1200, and not of 2400";
    EXPECT_EQ(made->summary["bandwidth_efficiency"], 0.7);
}

TEST_F(ExportCalibration, OfMoreThanOneProcessorCanIsRefused) {
    ASSERT_TRUE(add_product(example_cpu(), false));
    store_run(1);
    const auto made = exported();
    ASSERT_FALSE(made) << "2000 GOPS of one processor of 1200";
    EXPECT_THAT(made.error().message, HasSubstr("says nothing of example_cpu"));
}

// Detection lists GPUs by their place on the bus; the driver's cuda:N may be another one.
TEST(MistakenGpus, AreNotHeldAgainstTheProductAtTheirPlace) {
    peakward::Run run;
    for (const auto& [model, pci_id] :
         {std::pair{"NVIDIA H100 80GB HBM3", "10de:2330"}, {"NVIDIA L4", "10de:27b8"}}) {
        GpuInfo gpu;
        gpu.vendor = "nvidia";
        gpu.model = Fact<std::string>::known(model, "nvml");
        gpu.pci_id = Fact<std::string>::known(pci_id, "nvml");
        run.context.hardware.gpus.push_back(gpu);
    }
    const std::vector<MatchedProduct> detected{{"cuda:0", "h100_sxm5", 1, 0.98, "its name", ""},
                                               {"cuda:1", "nvidia_l4", 1, 0.98, "its name", ""}};
    const auto called = [&](const std::string& first, const std::string& second) {
        run.products = detected;
        BackendInfo cuda;
        cuda.backend = "cuda";
        cuda.versions = {{"cuda", "13.0"}, {"cuda:0", first}, {"cuda:1", second}};
        run.backends = {cuda};
        return drop_mistaken_gpus(run);
    };
    EXPECT_THAT(called("NVIDIA H100 80GB HBM3", "NVIDIA L4"), SizeIs(0));
    EXPECT_THAT(run.products, SizeIs(2));
    EXPECT_THAT(called("NVIDIA L4", "NVIDIA H100 80GB HBM3"), SizeIs(2));
    EXPECT_THAT(run.products, SizeIs(0));
    EXPECT_THAT(called("NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"),
                ElementsAre(AllOf(HasSubstr("cuda:1 calls itself NVIDIA H100"),
                                  HasSubstr("not held against nvidia_l4"))));
    ASSERT_THAT(run.products, SizeIs(1));
    EXPECT_EQ(run.products[0].device, "cuda:0");
}

}  // namespace
}  // namespace peakward::session_test
