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
        store_run(sockets, {{"cpu", "example_cpu", 1, 0.9, "its name", ""}});
    }
    void store_run(int sockets, std::vector<MatchedProduct> products, double gops = 2'000) {
        peakward::Run run = store_test::make_small_run(1);
        run.context.hardware.cpu.sockets = Fact<int>::known(sockets, "topology");
        run.products = std::move(products);
        for (Measurement& m : run.measurements) m.what.threads = 4 * sockets;
        Score score;
        score.device = "cpu";
        score.backend = "blas";
        score.precision = "fp32";
        score.peak_measured_gops = gops;
        score.stream_best_gbps = 0.07 * gops;
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
// With two power modes, of 3 and 1.5 GHz.
HardwareSpec example_board_cpu() {
    Json entry = example_cpu().document;
    const auto mode = [](double clock) {
        return Json{{"clocks_ghz", {{"boost", figure(clock)}}}, {"tdp_w", figure(20)}};
    };
    entry["power_modes"] = {{"15W", mode(1.5)}, {"25W", mode(3)}};
    entry["default_power_mode"] = "25W";
    auto spec = spec_from_json(entry, "example_cpu");
    if (!spec) throw std::runtime_error(spec.error().message);
    return *spec;
}

class PowerMode : public ExportCalibration {
protected:
    // A run of 1000 GOPS that did not record its mode.
    void SetUp() override {
        ExportCalibration::SetUp();
        ASSERT_TRUE(add_product(example_board_cpu(), false));
        store_run(1, {{"cpu", "example_cpu", 1, 0.9, "its name", ""}}, 1'000);
    }
    Result<CalibrationExport> in_mode(const std::string& mode) const {
        return export_calibration({database(), "latest", "", "example_cpu", mode, true});
    }
};

TEST_F(PowerMode, ThatTheRunDidNotRecordIsSupplied) {
    const auto without = in_mode("");
    EXPECT_FALSE(without);
    const auto with = in_mode("25W");
    ASSERT_TRUE(with) << with.error().message;
    EXPECT_EQ(with->mode, "25W");
    EXPECT_EQ(with->summary["measured_peaks_gops"]["fp32"], 1'000);
    EXPECT_EQ(with->summary["efficiency"]["fp32"], 0.833333);
}

TEST_F(PowerMode, InWhichTheFiguresCannotBeIsRefused) {
    const auto wrong = in_mode("15W");
    ASSERT_FALSE(wrong) << "1000 GOPS of 600";
    EXPECT_THAT(wrong.error().message,
                AllOf(HasSubstr("not measured in 15W"), HasSubstr("166.7 % of its peak")));
}

class Assign : public ExportCalibration {
protected:
    void SetUp() override {
        ExportCalibration::SetUp();
        ASSERT_TRUE(add_product(example_cpu(), false));
        store_run(1, {}, 1'000);
        first_ = latest();
        ASSERT_TRUE(first_.products.empty());
    }
    Result<AssignedRun> assigned(const std::string& run, const std::string& device = "") const {
        return assign_product({database(), run, "example_cpu", device, ""});
    }
    peakward::Run first_;
};

TEST_F(Assign, MakesANewRecordAndRewritesNothing) {
    const auto made = assigned(first_.run_id);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->supersedes, first_.run_id);
    EXPECT_EQ(made->device, "cpu");
    const auto kept = find_run(database(), first_.run_id, Efficiencies::as_recorded);
    ASSERT_TRUE(kept);
    EXPECT_TRUE(kept->products.empty());
    const auto record = find_run(database(), made->run_id, Efficiencies::as_recorded);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->supersedes, first_.run_id);
    EXPECT_EQ(record->timestamp, first_.timestamp);
    ASSERT_THAT(record->products, SizeIs(1));
    EXPECT_EQ(record->products[0].product, "example_cpu");
    EXPECT_EQ(record->results[0].theoretical_peak.value, 1'200);
    const auto export_of =
        export_calibration({database(), made->run_id, "", "example_cpu", "", true});
    EXPECT_TRUE(export_of) << export_of.error().message;
    const auto verified = verify_store(database(), "");
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->problems.empty());
}

TEST_F(Assign, OfTheSameProductAgainWritesNothing) {
    const auto made = assigned(first_.run_id);
    ASSERT_TRUE(made);
    const auto again = assigned(made->run_id);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->run_id, made->run_id);
    EXPECT_EQ(again->supersedes, "");
    EXPECT_THAT(stored(), SizeIs(2));
}

TEST_F(Assign, OfARunThatWasCorrectedNamesTheNewerOne) {
    const auto made = assigned(first_.run_id);
    ASSERT_TRUE(made);
    const auto twice = assigned(first_.run_id);
    ASSERT_FALSE(twice);
    EXPECT_THAT(twice.error().message, HasSubstr("was corrected by run " + made->run_id));
}

TEST_F(Assign, RefusesADeviceThatTheRunDoesNotHave) {
    const auto made = assigned(first_.run_id, "cuda:0");
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message, AllOf(HasSubstr("--device cuda:0"), HasSubstr("has cpu")));
    EXPECT_THAT(stored(), SizeIs(1));
}

class Sync : public SessionTest {
protected:
    void SetUp() override {
        SessionTest::SetUp();
        out_ = (folder_ / "models").string();
        std::filesystem::create_directories(out_);
    }
    Json models() const {
        std::ifstream file(out_ + "/peakward_hardware.json");
        return Json::parse(file)["models"];
    }
    static bool all_same(const std::vector<SyncedFile>& files) {
        return std::all_of(files.begin(), files.end(), [](const auto& file) { return file.same; });
    }
    std::string out_;
};

TEST_F(Sync, OfOneProductKeepsAllOthers) {
    ASSERT_TRUE(sync_resource_models(out_, {}, false));
    const Json before = models();
    const auto check = sync_resource_models(out_, {"intel_i7_12700k"}, true);
    ASSERT_TRUE(check) << check.error().message;
    EXPECT_TRUE(all_same(*check)) << "all files are up to date";
    ASSERT_TRUE(add_product(example_cpu(), false));
    ASSERT_TRUE(update_product("intel_i7_12700k", {{"tdp_w", "120"}},
                               "Intel, a sheet, https://example.org", {root_, launcher_, clock_}));
    ASSERT_TRUE(sync_resource_models(out_, {"intel_i7_12700k"}, false));
    const Json after = models();
    ASSERT_EQ(after.size(), before.size());
    int changed = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
        EXPECT_EQ(after[i]["id"], before[i]["id"]) << "the order of the database";
        if (after[i] == before[i]) continue;
        ++changed;
        EXPECT_EQ(after[i]["id"], "intel_i7_12700k");
        EXPECT_EQ(after[i]["tdp_w"], 120);
    }
    EXPECT_EQ(changed, 1);
}

TEST_F(Sync, OfOneProductRefusesAFileThatItCannotKeep) {
    std::ofstream(out_ + "/peakward_hardware.json") << R"({"models": [{"id": "mine"}]})";
    const auto files = sync_resource_models(out_, {"intel_i7_12700k"}, false);
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().message,
                AllOf(HasSubstr("peakward_hardware.json"), HasSubstr("sync without --id")));
    EXPECT_TRUE(sync_resource_models(out_, {}, false)) << "a full sync writes it anew";
}

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
