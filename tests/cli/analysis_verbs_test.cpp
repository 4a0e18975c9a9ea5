// maturity, impact, compare, export.
#include <filesystem>

#include "cli/history_fixture.hpp"
#include "core/text.hpp"
#include "golden.hpp"

namespace peakward::cli {
namespace {

using testing_support::expect_golden;

class AnalysisVerbs : public HistoryTest {
protected:
    // Two machines without a product, and one that the database knows.
    void SetUp() override {
        HistoryTest::SetUp();
        HistoryMachine slow, known;
        slow.cpu_model = "Example Processor 4";
        slow.lineage = "aaaa402abc4b2a76";
        slow.fingerprint = "bbbb40a080356806";
        slow.fingerprint_later = "bbbb40a080356807";
        slow.seed = 2;
        known.cpu_model = "12th Gen Intel(R) Core(TM) i7-12700K";
        known.lineage = "dddd402abc4b2a76";
        known.fingerprint = "eeee40a080356806";
        known.fingerprint_later = "eeee40a080356807";
        known.seed = 3;
        store_runs(history_of({}));
        store_runs(history_of(slow, 10));
        store_runs(history_of(known, 20));
    }
};

TEST_F(AnalysisVerbs, MaturityHasOneRowAProduct) {
    expect_golden(run({"maturity"}).out, "cli/golden/maturity.txt");
    const Json products = document({"maturity"})["products"];
    ASSERT_EQ(products.size(), 3u);
    EXPECT_EQ(products[0]["name"], "Example Processor 12");
    EXPECT_EQ(products[0]["milestones"]["90"], 119);
    EXPECT_EQ(products[0]["assessment"], "Slow optimization");
    EXPECT_EQ(products[0]["other_series"], 2);
    // The database knows this product's launch: years before its first run here.
    const Json recorded = document({"maturity", "--as-recorded"});
    for (const Json& product : recorded["products"]) {
        if (product["id"] != "intel_i7_12700k") continue;
        EXPECT_EQ(product["launched"], "2021-11-04");
        EXPECT_EQ(product["milestones"]["70"], 35);
        EXPECT_GT(product["milestones_from_launch"]["70"].get<int>(), 4 * 365);
    }
    const std::string csv = run({"maturity", "--format", "csv"}).out;
    EXPECT_EQ(csv.find("product,days_to_70,days_to_80,days_to_90,"), 0u);
    EXPECT_EQ(document({"maturity", "--precision", "fp64"})["products"][0]["precision"], "fp64");
}

TEST_F(AnalysisVerbs, MaturityTellsOfProductsWithOneRunInOneLine) {
    for (int i = 0; i < 3; ++i) {
        HistoryMachine once;
        once.cpu_model = fmt::format("Once {}", i);
        once.lineage = fmt::format("{}1ce402abc4b2a76", i);
        once.fingerprint = fmt::format("{}1ce40a080356806", i);
        once.seed = 10 + std::uint64_t(i);
        store_runs(history_of(once, 1));
    }
    const std::string page = run({"maturity"}).out;
    const std::string line = "3 products have one run only: Once 0 (61.3 %), Once 1 (61.3 %)";
    EXPECT_NE(page.find(line), std::string::npos) << page;
    EXPECT_EQ(page.find("One run only"), std::string::npos) << "a row\n" << page;
    EXPECT_EQ(page.find("Once 0: fp32"), std::string::npos) << "which series stands\n" << page;
    const std::string all = run({"maturity", "--all"}).out;
    EXPECT_EQ(all.find(line), std::string::npos) << all;
    EXPECT_NE(all.find("One run only"), std::string::npos) << all;
    EXPECT_EQ(document({"maturity"})["products"].size(), 6u);
    const std::string csv = run({"maturity", "--format", "csv"}).out;
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7);
}

TEST_F(AnalysisVerbs, ImpactNamesTheComponentThatMovedIt) {
    expect_golden(at_width(100, {"impact", "--hardware", "c3f840"}).out, "cli/golden/impact.txt");
    const Json document = this->document({"impact", "--hardware", "c3f840"});
    ASSERT_EQ(document["stacks"].size(), 6u);
    EXPECT_NEAR(document["total_improvement_percent"].get<double>(), 40, 1);
    EXPECT_EQ(document["cause"]["component"], "blas_library");
    EXPECT_EQ(document["cause"]["after"], "OpenBLAS 0.3.15");
    EXPECT_EQ(document["confounded"], false);
    EXPECT_EQ(document["stacks"][4]["moved"], false);
    EXPECT_EQ(document["stacks"][1]["components"]["numpy_version"], "2.2.6");
    EXPECT_EQ(document["stacks"][5]["changes"].size(), 2u);
    EXPECT_LT(document["stacks"][5]["change_percent"].get<double>(), -5);
}

TEST_F(AnalysisVerbs, CompareStandsSideBySide) {
    expect_golden(run({"compare", "5d41", "aaaa", "--precision", "fp32"}).out,
                  "cli/golden/compare.txt");
    const Json products = document({"compare", "5d41", "aaaa"})["products"];
    ASSERT_EQ(products.size(), 2u);
    EXPECT_EQ(products[0]["runs"], 36);
    EXPECT_EQ(products[1]["runs"], 10);
    EXPECT_EQ(products[1]["milestones"]["90"], nullptr);
    EXPECT_NEAR(products[0]["first_bandwidth_gbps"].get<double>(), 72.4, 1e-9);
    EXPECT_EQ(run({"compare", "5d41"}).code, 2);
    EXPECT_EQ(run({"compare", "5d41", "nothing"}).code, 2);
}

TEST_F(AnalysisVerbs, MaturityTellsDoubtfulRunsFromAnUnknownPeak) {
    HistoryMachine doubted;
    doubted.cpu_model = "Doubted";
    doubted.lineage = "d0ce402abc4b2a76";
    doubted.fingerprint = "d0ce40a080356806";
    doubted.seed = 10;
    std::vector<peakward::Run> runs = history_of(doubted, 2);
    for (peakward::Run& one : runs)
        for (Score& score : one.results) score.flags = {"contended"};
    store_runs(runs);
    const std::string page = run({"maturity"}).out;
    EXPECT_NE(page.find("All doubtful"), std::string::npos) << page;
    EXPECT_EQ(page.find("No efficiency"), std::string::npos) << page;
    // The list of series says so too, where it would else show nothing but blanks.
    const std::string list = run({"trajectory", "--hardware", "d0ce"}).out;
    EXPECT_NE(list.find("0 of 2 count"), std::string::npos) << list;
}

TEST_F(AnalysisVerbs, CompareNeedsTwo) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"compare", "5d41"}, {"compare", "5d41", "5d41"}}) {
        const Ended ended = run(words);
        EXPECT_EQ(ended.code, 2);
        EXPECT_NE(ended.err.find("5d41 is the only one named"), std::string::npos) << ended.err;
    }
}

TEST_F(AnalysisVerbs, HistoryShowsWhatHardwareTakes) {
    const std::string list = run({"history"}).out;
    for (const char* words : {"9d1e840a", "eeee40a0", "(the newest 20; --limit 0 shows all)"})
        EXPECT_NE(list.find(words), std::string::npos) << words << "\n" << list;
    EXPECT_EQ(run({"history", "--limit", "0"}).out.find("--limit 0"), std::string::npos);
    EXPECT_EQ(run({"history", "--limit", "66"}).out.find("--limit 0"), std::string::npos);
    EXPECT_EQ(document({"history"})["runs"].size(), 20u);
    // Of one machine it would be the same in every row.
    EXPECT_EQ(run({"history", "--hardware", "aaaa"}).out.find("Hardware"), std::string::npos);
}

TEST_F(AnalysisVerbs, CompareCountsTheRegressionsThatRegressionsShows) {
    HistoryMachine once;
    once.lineage = "91ce402abc4b2a76";
    once.fingerprint = "91ce40a080356806";
    once.seed = 9;
    store_runs(history_of(once, 1));
    const Json products = document({"compare", "5d41", "aaaa", "91ce"})["products"];
    ASSERT_EQ(products.size(), 3u);
    const Json shown = document({"regressions", "--hardware", "5d41", "--baseline", "best"});
    ASSERT_FALSE(shown["regressions"].empty()) << "the last software of this history is slower";
    EXPECT_EQ(products[0]["regressions"]["confirmed"], shown["regressions"].size());
    EXPECT_EQ(products[0]["regressions"]["suspected"], 0);
    EXPECT_EQ(products[0]["regressions"]["series"], shown["series"]);
    EXPECT_EQ(products[1]["regressions"]["confirmed"], 0);
    // One run: there is nothing to judge, and zero would be a claim.
    EXPECT_EQ(products[2]["regressions"]["confirmed"], nullptr);
    EXPECT_EQ(products[2]["regressions"]["judged"], 0);
    const std::string csv = run({"compare", "5d41", "aaaa", "91ce", "--format", "csv"}).out;
    EXPECT_NE(
        csv.find(fmt::format("\"Regressions, confirmed\",{},0,\r\n", shown["regressions"].size())),
        std::string::npos)
        << csv;
}

TEST_F(AnalysisVerbs, ExportHasTheColumnsThatDatabasesAlwaysHadFirst) {
    const std::string csv = run({"export", "-"}).out;
    EXPECT_EQ(csv.find("run_id,hardware_fingerprint,software_fingerprint,timestamp,timestamp_unix,"
                       "cpu_model,cpu_vendor,cpu_stepping,cpu_microcode,cpu_cores_physical,"
                       "cpu_cores_logical,gpu_model,gpu_pci_id,gpu_vbios,gpu_memory_mb,"
                       "memory_total_gb,os_kernel,os_distro,gpu_driver_version,cuda_version,"
                       "pytorch_version,numpy_version,blas_library,power_mode,cpu_governor,"
                       "thermal_state,precision,device,stream_best_gbps,blas3_gops,"
                       "peak_measured_gops,efficiency,"),
              0u);
    EXPECT_EQ(split(csv, '\n').size(), std::size_t{3 * (36 + 10 + 20) + 2});
    const auto few =
        parse_json(run({"export", "-", "--format", "json", "--hardware", "c3f840", "--backend",
                        "blas", "--precision", "fp32", "--until", "2026-01-31"})
                       .out,
                   "stdout");
    ASSERT_TRUE(few) << few.error().message;
    ASSERT_EQ((*few)["runs"].size(), 4u);
    EXPECT_NEAR((*few)["runs"][0]["efficiency"].get<double>(), 0.615, 0.01);
    EXPECT_EQ((*few)["runs"][0]["gpu_pci_id"], nullptr);
    EXPECT_TRUE((*few)["runs"][0]["flags"].is_array());
}

TEST_F(AnalysisVerbs, ExportWritesAWholeFileAndReplacesNothing) {
    const std::string path = file("runs.json");
    EXPECT_EQ(run({"export", path}).code, 0);
    const auto text = read_whole_file(path);
    ASSERT_TRUE(text);
    EXPECT_EQ((*parse_json(*text, path))["runs"].size(), std::size_t{3 * 66});
    const Ended again = run({"export", path, "--precision", "fp64"});
    EXPECT_EQ(again.code, 2);
    EXPECT_NE(again.err.find("--overwrite"), std::string::npos) << again.err;
    EXPECT_EQ(*read_whole_file(path), *text);
    EXPECT_EQ(document({"export", path, "--overwrite"})["rows"], 198);
    for (const char* name : {"runs.txt", "runs", "no/such/folder.csv", ""})
        EXPECT_EQ(run({"export", *name ? file(name) : ""}).code, 2) << name;
    EXPECT_EQ(run({"export", file("none.csv"), "--backend", "onednn"}).code, 1);
    EXPECT_EQ(run({"export", file("none.json"), "--format", "csv"}).code, 2);
    EXPECT_FALSE(std::filesystem::exists(file("none.csv")));
}

}  // namespace
}  // namespace peakward::cli
