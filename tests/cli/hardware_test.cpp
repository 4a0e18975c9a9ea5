#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli/fixture.hpp"
#include "core/text.hpp"
#include "detect/machines.hpp"
#include "hardware/match.hpp"
#include "present/display_text.hpp"

namespace peakward::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class HardwareVerb : public CliTest {
protected:
    // The test machine's processor as a product of its own: 4 cores at 2 GHz.
    std::string example_cpu(double per_clock = 16384) {
        const auto figure = [](double value) {
            return Json{{"value", value}, {"source", "sheet"}};
        };
        const Json entry{
            {"schema_version", 1},
            {"spec_version", 1},
            {"id", "example_cpu"},
            {"name", "Example CPU"},
            {"kind", "cpu"},
            {"vendor", "example"},
            {"aliases", {"example"}},
            {"host_architecture", "x86_64"},
            {"launched", {{"unknown", "never"}}},
            {"sources",
             {{"sheet",
               {{"title", "Sheet"}, {"publisher", "Example"}, {"url", "https://example.org"}}}}},
            {"detection",
             {{{"cpu_model", "^Example CPU @ 2\\.00GHz$"},
               {"confidence", 0.9},
               {"reason", "its name"}}}},
            {"architecture",
             {{"name", "Ex"}, {"cores", {{{"kind", "core"}, {"count", figure(cores_)}}}}}},
            {"clocks_ghz", {{"boost", figure(2)}}},
            {"operations_per_clock",
             {{"fp32",
               {{{"per", "core"}, {"value", per_clock}, {"clock", "boost"}, {"source", "sheet"}}}},
              {"fp64",
               {{{"per", "core"}, {"value", 8192}, {"clock", "boost"}, {"source", "sheet"}}}}}},
            {"memory", {{"type", "DDR4"}, {"bandwidth_gbps", figure(100)}}},
            {"tdp_w", figure(65)}};
        return write("example.json", entry.dump(1));
    }
    // Threads of the machine that the fixture describes.
    double cores_ = 2;
};

TEST_F(HardwareVerb, ListHasTheNamesOthersRelyOn) {
    const Json all = document({"hardware", "list"});
    EXPECT_EQ(all["schema_version"], 1);
    EXPECT_GE(all["hardware"].size(), 50u);
    for (const Json& entry : all["hardware"])
        for (const char* name : {"id", "name", "kind", "vendor", "origin", "theoretical_peaks"})
            EXPECT_TRUE(entry.contains(name)) << name;
    const Json gpus = document({"hardware", "list", "--kind", "gpu"});
    for (const Json& entry : gpus["hardware"]) EXPECT_EQ(entry["kind"], "gpu");
    const Ended text = run({"hardware", "list"});
    EXPECT_EQ(text.code, 0);
    for (const std::string& line : split(text.out, '\n'))
        EXPECT_LE(display_width(line), 80) << line;
    EXPECT_EQ(run({"hardware", "list", "--kind", "gpus"}).code, 2);
    EXPECT_EQ(run({"hardware", "list", "--columns", "fp17"}).code, 2);
    EXPECT_EQ(run({"hardware", "list", "--columns", "id,tdp_w", "--format", "csv"})
                  .out.find("id,tdp_w\r\n"),
              0u);
}

TEST_F(HardwareVerb, ShowGivesEveryFigureAndItsSource) {
    const Json h100 = document({"hardware", "show", "h100-sxm5"});
    EXPECT_EQ(h100["id"], "h100_sxm5");
    EXPECT_EQ(h100["theoretical_peaks"]["fp16"]["value"], 989'400);
    EXPECT_EQ(h100["origin"], "builtin");
    const Ended text = run({"hardware", "show", "jetson-orin-nano-gpu"});
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_THAT(text.out, AllOf(HasSubstr("Power modes"), HasSubstr("Sources")));
    const Ended unknown = run({"hardware", "show", "h100_sxm6"});
    EXPECT_EQ(unknown.code, 2);
    EXPECT_THAT(unknown.err, HasSubstr("did you mean h100_sxm5"));
    EXPECT_EQ(run({"hardware", "show", "jetson-orin-nano-gpu", "--power-mode", "99W"}).code, 2);
}

TEST_F(HardwareVerb, QueryAnswersAndSaysWhereItDoesNotParse) {
    const Json found = document({"hardware", "query", "fp16 > 900000 and memory_gb >= 24"});
    const auto has = [&](const char* id) {
        return std::any_of(found["hardware"].begin(), found["hardware"].end(),
                           [&](const Json& entry) { return entry["id"] == id; });
    };
    EXPECT_TRUE(has("h100_sxm5"));
    EXPECT_FALSE(has("nvidia_l4"));
    const Ended wrong = run({"hardware", "query", "fp16 >"});
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("column 7"));
}

TEST_F(HardwareVerb, DetectSaysWhatItFoundAndWhy) {
    const Json before = document({"hardware", "detect"});
    ASSERT_EQ(before["devices"].size(), 1u);
    EXPECT_EQ(before["devices"][0]["id"], nullptr);
    EXPECT_THAT(before["devices"][0]["reason"].get<std::string>(), HasSubstr("names no product"));
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    const Json after = document({"hardware", "detect"});
    EXPECT_EQ(after["hardware"][0]["id"], "example_cpu");
    EXPECT_EQ(after["hardware"][0]["confidence"], 0.9);
    EXPECT_EQ(after["hardware"][0]["origin"], "user");
}

TEST_F(HardwareVerb, AddRefusesAnIdThatExistsAndUpdateAndDeleteFollow) {
    const std::string path = example_cpu();
    ASSERT_EQ(run({"hardware", "add", "--from", path}).code, 0);
    const Ended again = run({"hardware", "add", "--from", path});
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("the id exists already"));
    EXPECT_EQ(run({"hardware", "add", "--from", path, "--replace"}).code, 0);
    const Json updated =
        document({"hardware", "update", "example", "--set", "memory.bandwidth_gbps=120", "--source",
                  "Example, errata, https://example.org"});
    EXPECT_EQ(updated["spec_version"], 2);
    EXPECT_EQ(document({"hardware", "show", "example"})["theoretical_bandwidth_gbps"], 120);
    EXPECT_EQ(run({"hardware", "delete", "example"}).code, 0);
    EXPECT_EQ(run({"hardware", "show", "example"}).code, 2);
    EXPECT_EQ(run({"hardware", "delete", "h100_sxm5"}).code, 2);
}

TEST_F(HardwareVerb, AddRefusesWhatIsWrongAndWritesNothing) {
    for (const auto& [content, sentence] :
         {std::pair{"{ \"id\": }", "line 1, column 9"}, {"{}", "is missing"}, {"[]", "object"}}) {
        const Ended ended = run({"hardware", "add", "--from", write("bad.json", content)});
        EXPECT_EQ(ended.code, 1) << content;
        EXPECT_THAT(ended.err, AllOf(HasSubstr("bad.json"), HasSubstr(sentence)));
    }
    EXPECT_EQ(run({"hardware", "add", "--from", file("none.json")}).code, 1);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "data" / "peakward" / "hardware"));
    write("data", "a file in the way");
    const Ended blocked = run({"hardware", "add", "--from", example_cpu()});
    EXPECT_EQ(blocked.code, 1);
    EXPECT_THAT(blocked.err, HasSubstr("cannot be made"));
}

TEST_F(HardwareVerb, AddFromDetectionMakesAnEntryThatMatchesThisMachine) {
    const Json draft = document({"hardware", "add", "--from-detection", "--dry-run"});
    EXPECT_EQ(draft["name"], "Example CPU @ 2.00GHz");
    EXPECT_EQ(document({"hardware", "detect"})["hardware"].size(), 0u);
    ASSERT_EQ(run({"hardware", "add", "--from-detection"}).code, 0);
    EXPECT_EQ(document({"hardware", "detect"})["hardware"][0]["id"], draft["id"]);
    EXPECT_EQ(run({"hardware", "add", "--from-detection", "--device", "cuda:0"}).code, 2);
}

TEST_F(HardwareVerb, ValidateFindsNothingInTheTreeAndEverythingInABadFile) {
    EXPECT_EQ(run({"hardware", "validate"}).code, 0) << run({"hardware", "validate"}).out;
    EXPECT_EQ(document({"hardware", "validate", write("bad.json", "{}")}, 1)["sound"], false);
}

TEST_F(HardwareVerb, SyncIsReproducibleAndCheckTells) {
    std::filesystem::create_directories(folder_ / "models");
    const std::string out = file("models");
    EXPECT_EQ(run({"hardware", "sync", "--output", out, "--check"}).code, 1);
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "models"));
    EXPECT_EQ(run({"hardware", "sync", "--output", out}).code, 0);
    EXPECT_EQ(run({"hardware", "sync", "--output", out, "--check"}).code, 0);
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    EXPECT_EQ(run({"hardware", "sync", "--output", out, "--check"}).code, 1);
    EXPECT_EQ(run({"hardware", "sync", "--output", file("nowhere")}).code, 1);
}

TEST_F(HardwareVerb, ImportTakesTheOlderFormatAndRefusesTheRest) {
    write("older.json",
          R"({"id": "old_cpu", "vendor": "Old", "model": "Old CPU", "device_type": "cpu",
              "theoretical_peaks": {"fp32": 100.0, "fp16": 0}, "peak_bandwidth_gbps": 20.0,
              "architecture": "Old", "platform": "x86_64", "detection_patterns": ["Old CPU"]})");
    const Json first =
        document({"hardware", "import", file("older.json"), write("bad.json", "{}")}, 1);
    EXPECT_EQ(first["imported"], 1);
    EXPECT_EQ(first["refused"].size(), 1u);
    EXPECT_EQ(document({"hardware", "import", file("older.json")})["duplicates"][0], "old_cpu");
    EXPECT_EQ(document({"hardware", "show", "old_cpu"})["theoretical_peaks"]["fp32"]["value"], 100);
}

TEST_F(HardwareVerb, SummaryComparesEveryAspect) {
    for (const char* aspect : {"peaks", "bandwidth", "efficiency", "calibration"})
        EXPECT_EQ(run({"hardware", "summary", "--compare", aspect}).code, 0) << aspect;
    EXPECT_EQ(run({"hardware", "summary", "--compare", "colour"}).code, 2);
    EXPECT_THAT(run({"hardware", "summary", "h100-sxm5"}).out,
                AllOf(HasSubstr("Theoretical fp16"), HasSubstr("never")));
}

// ---------------------------------------------------------------------------------------------

// Real machines of tests/fixtures, by the id that each of their devices has in the database.
TEST(RealMachines, AreTakenForTheProductsThatTheyAre) {
    const HardwareDatabase database = builtin_hardware();
    const Matcher matcher(database);
    for (const auto& [folder, device, id] :
         {std::tuple{"intel-i7-12700k", "cpu", "intel_i7_12700k"},
          {"amd-7950x-rx7900xtx", "cpu", "amd_ryzen_9_7950x"},
          {"amd-7950x-rx7900xtx", "rocm:0", "amd_rx_7900_xtx"},
          {"amd-epyc-7763-2s", "cpu", "amd_epyc_7763"},
          {"amd-epyc-9654-2s-cpuid", "cpu", "amd_epyc_9654"},
          {"dell-r740-xeon-6230-2s", "cpu", "intel_xeon_gold_6230"},
          {"intel-xeon-max-9460-2s-cpuid", "cpu", "intel_xeon_max_9460"},
          {"nvidia-dgx-h100", "cuda:0", "h100_sxm5"},
          {"nvidia-jetson-orin-nano", "cuda:0", "jetson_orin_nano_gpu"},
          {"nvidia-jetson-orin-nano", "cpu", "jetson_orin_nano_cpu"},
          {"nvidia-jetson-orin-nano", "board", "jetson_orin_nano"},
          {"kvm-guest-cascade-lake", "cpu", ""}}) {
        const Context context = detect_on(folder);
        const auto matches = matcher.match(host_facts(context));
        const DeviceMatch* match = find_device(matches, device);
        ASSERT_NE(match, nullptr) << folder << " " << device;
        EXPECT_EQ(match->product ? match->product->id : "", id)
            << folder << " " << device << ": " << match->verdict;
        if (std::string(id).empty()) {
            EXPECT_EQ(match->architecture, "cascade_lake");
        }
    }
}

const std::vector<std::string> quick{"calibrate", "--quick", "--backend", "fake"};

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

TEST_F(HardwareVerb, APresetThatThisMachineCannotBeIsRefused) {
    const Ended arm = run(with(quick, {"--preset", "ampere-altra-max"}));
    EXPECT_EQ(arm.code, 3);
    EXPECT_THAT(arm.err, AllOf(HasSubstr("aarch64"), HasSubstr("intel_xeon_gold_6230 (xeon-6230)"),
                               HasSubstr("--skip-platform-check")));
    EXPECT_THAT(arm.err, testing::Not(HasSubstr("i7-12700k"))) << "its cores are of another design";
    const Ended design = run(with(quick, {"--preset", "i7-12700k"}));
    EXPECT_EQ(design.code, 3);
    EXPECT_THAT(design.err, AllOf(HasSubstr("cascade_lake"), HasSubstr("alder_lake")));
    const Ended gpu = run(with(quick, {"--preset", "h100-sxm5"}));
    EXPECT_EQ(gpu.code, 3);
    EXPECT_THAT(gpu.err, HasSubstr("this machine shows none"));
    EXPECT_EQ(run(with(quick, {"--preset", "h200-sxm9"})).code, 2);
    EXPECT_EQ(run(with(quick, {"--skip-platform-check"})).code, 2);
    EXPECT_TRUE(document({"history"})["runs"].empty()) << "nothing was stored";
}

TEST_F(HardwareVerb, SkippingThePlatformCheckFlagsTheRun) {
    const Json run = document(
        with(quick, {"--preset", "ampere-altra-max", "--device", "cpu", "--skip-platform-check"}));
    EXPECT_THAT(run["flags"], testing::Contains("platform_check_skipped"));
    EXPECT_EQ(run["products"][0]["product"], "ampere_altra_max_m128_30");
    EXPECT_EQ(run["products"][0]["confidence"], 0);
}

TEST_F(HardwareVerb, ScoresFollowTheEntryOnReadAndTheStoredRunStays) {
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    const auto peak_in = [](const Json& run) -> Json {
        for (const Json& row : run["results"])
            if (row["precision"] == "fp32" || row["precision"] == "fp64")
                return row["theoretical_peak"]["spec_version"];
        return nullptr;
    };
    const Json made = document(quick);
    ASSERT_EQ(made["products"][0]["product"], "example_cpu");
    EXPECT_EQ(peak_in(made), "1") << made["results"].dump(1);
    ASSERT_EQ(run({"hardware", "update", "example", "--set", "memory.bandwidth_gbps=50", "--source",
                   "Example, errata, https://example.org"})
                  .code,
              0);
    EXPECT_EQ(peak_in(document({"show", "latest"})), "2");
    EXPECT_EQ(peak_in(document({"show", "latest", "--as-recorded"})), "1");
    EXPECT_EQ(document({"db", "verify"})["sound"], true);
}

TEST_F(HardwareVerb, ExportCalibrationKeepsWhatARunReached) {
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    ASSERT_EQ(run(quick).code, 0);
    const std::vector<std::string> exporting{
        "hardware", "export-calibration", "--hardware-id", "example", "--run", "latest"};
    const Json dry = document(with(exporting, {"--dry-run"}));
    EXPECT_EQ(dry["file"], nullptr);
    EXPECT_EQ(document({"hardware", "summary", "example"})["hardware"][0]["last_calibrated"],
              nullptr);
    const Json written = document(exporting);
    EXPECT_EQ(written["calibration_summary"], dry["calibration_summary"]);
    EXPECT_FALSE(written["calibration_summary"]["measured_peaks_gops"].empty());
    EXPECT_NE(document({"hardware", "summary", "example"})["hardware"][0]["last_calibrated"],
              nullptr);
    EXPECT_THAT(run({"hardware", "summary", "example"}).out, HasSubstr("Measured:"));
    const Ended other =
        run({"hardware", "export-calibration", "--hardware-id", "h100-sxm5", "--run", "latest"});
    EXPECT_EQ(other.code, 1);
    EXPECT_THAT(other.err, HasSubstr("was not made on h100_sxm5"));
    EXPECT_EQ(run({"hardware", "export-calibration", "--hardware-id", "example"}).code, 2);
}

TEST_F(HardwareVerb, AProfileOfAnotherMachineSaysNothingOfAProduct) {
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    ASSERT_EQ(run(quick).code, 0);
    const std::string folder = file("profiles");
    std::filesystem::create_directories(folder);
    const Ended exported = run({"profile", "export", "latest", "--directory", folder});
    ASSERT_EQ(exported.code, 0) << exported.err;
    const std::string profile = std::filesystem::directory_iterator(folder)->path().string();
    const auto exporting = [&](const char* id) {
        return run(
            {"hardware", "export-calibration", "--calibration", profile, "--hardware-id", id});
    };
    const Ended other = exporting("i7-12700k");
    EXPECT_EQ(other.code, 1);
    EXPECT_THAT(other.err, AllOf(HasSubstr("no profile of intel_i7_12700k"),
                                 HasSubstr("which is example_cpu")));
    EXPECT_EQ(exporting("example").code, 0);
}

TEST_F(HardwareVerb, ABoardIsSyncedAsItsParts) {
    const std::string folder = file("models");
    std::filesystem::create_directories(folder);
    ASSERT_EQ(run({"hardware", "sync", "--id", "jetson-orin-nano", "--output", folder}).code, 0);
    std::ifstream models(folder + "/peakward_hardware.json");
    const std::string text{std::istreambuf_iterator<char>(models), {}};
    EXPECT_THAT(text, AllOf(HasSubstr("jetson_orin_nano_gpu"), HasSubstr("jetson_orin_nano_cpu")));
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        EXPECT_NE(entry.path().extension(), ".new") << "left beside its place";
}

TEST_F(HardwareVerb, AVendorThatNoProductHasIsRefused) {
    const Ended ended = run({"hardware", "list", "--vendor", "nvidea"});
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, HasSubstr("nvidia"));
}

}  // namespace
}  // namespace peakward::cli
