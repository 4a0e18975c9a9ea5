#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "cli/fixture.hpp"
#include "cli/hardware_actions.hpp"
#include "core/text.hpp"
#include "detect/machines.hpp"
#include "hardware/match.hpp"
#include "present/display_text.hpp"

namespace peakward::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

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

TEST_F(HardwareVerb, ShowHasEveryPeakWithItsKindAndItsSourceAt80Columns) {
    for (const char* id : {"h100-sxm5", "i7-12700k", "jetson-orin-nano-gpu"}) {
        const Json entry = document({"hardware", "show", id});
        const std::string out = run({"hardware", "show", id}).out;
        const std::vector<std::string> lines = split(out, '\n');
        const std::string flat = std::regex_replace(out, std::regex("\\s+"), " ");
        for (const std::string& line : lines) EXPECT_LE(display_width(line), 80) << line;
        for (const auto& [precision, peak] : entry["theoretical_peaks"].items()) {
            const std::string kind = peak.value("kind", "unknown");
            const std::regex row("^" + precision + " .*" + kind + " +\\[([0-9]+)\\].*");
            std::smatch found;
            const bool shown = std::any_of(lines.begin(), lines.end(), [&](const auto& line) {
                return std::regex_match(line, found, row);
            });
            ASSERT_TRUE(shown) << precision << " in\n" << out;
            const std::string number = "[" + found[1].str() + "] ";
            EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                                    [&](const auto& line) { return line.starts_with(number); }))
                << number << " is explained nowhere in\n"
                << out;
        }
        EXPECT_THAT(flat, AllOf(HasSubstr("Precision Dense peak Kind From"),
                                HasSubstr("cited, not re-read")));
    }
    const std::string i7 =
        std::regex_replace(run({"hardware", "show", "i7-12700k"}).out, std::regex("\\s+"), " ");
    EXPECT_THAT(i7, HasSubstr("8 performance x 32 op/clock x 4.9 GHz"));
}

TEST_F(HardwareVerb, ShowSaysOfEachSourceWhetherItWasRead) {
    Json entry = Json::parse(std::ifstream(example_cpu()));
    ASSERT_EQ(run({"hardware", "add", "--from", write("a.json", entry.dump())}).code, 0);
    EXPECT_THAT(run({"hardware", "show", "example"}).out,
                AllOf(HasSubstr("cited, not re-read"), HasSubstr("1 of 1 sources are cited")));
    entry["sources"]["sheet"]["read"] = "2026-11-20";
    ASSERT_EQ(run({"hardware", "add", "--replace", "--from", write("a.json", entry.dump())}).code,
              0);
    EXPECT_THAT(run({"hardware", "show", "example"}).out,
                AllOf(HasSubstr("read 2026-11-20"), testing::Not(HasSubstr("cited"))));
}

TEST_F(HardwareVerb, UpdateTakesTheDayOfTheLaunch) {
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    const auto update = [&](const std::string& setting) {
        return run({"hardware", "update", "example", "--set", setting, "--source",
                    "Example, announcement, https://example.org"});
    };
    for (const char* wrong : {"yesterday", "2022-13", "2022-02-30", "22-10-04", "2022-10-4", ""}) {
        const Ended ended = update("launched=" + std::string(wrong));
        EXPECT_EQ(ended.code, 2) << wrong;
        EXPECT_THAT(ended.err, HasSubstr("launched: takes a date as 2022"));
    }
    ASSERT_EQ(update("launched=2022-10-04").code, 0);
    const Json shown = document({"hardware", "show", "example"});
    EXPECT_EQ(shown["launched"]["value"], "2022-10-04");
    EXPECT_EQ(shown["spec_version"], 2);
    EXPECT_EQ(run({"hardware", "update", "example", "--set", "launched=2022"}).code, 2)
        << "a date needs its source as every figure does";
    EXPECT_EQ(update("launched=unknown: never sold").code, 0);
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
    Json other = Json::parse(std::ifstream(path));
    other["id"] = "example";  // an alias of the first
    other["aliases"] = Json::array();
    const Ended alias =
        run({"hardware", "add", "--from", write("other.json", other.dump()), "--replace"});
    EXPECT_EQ(alias.code, 1);
    EXPECT_THAT(alias.err, HasSubstr("example is another name of example_cpu"));
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

TEST_F(HardwareVerb, AddFromDetectionRefusesANameThatEveryGuestShows) {
    const std::vector<std::string> adding{"hardware", "add", "--from-detection"};
    const Ended refused = run(adding);
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("'Example CPU @ 2.00GHz' is no product's name"),
                                   HasSubstr("--pattern none")));
    EXPECT_EQ(run(with(adding, {"--pattern", "^Example CPU"})).code, 2) << "matches all the same";
    EXPECT_EQ(run(with(adding, {"--pattern", "Example 9000"})).code, 2) << "not anchored";
    EXPECT_EQ(run({"hardware", "add", "--pattern", "^Example 9000$"}).code, 2);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "data" / "peakward" / "hardware"));
    const Json draft = document(
        with(adding, {"--name", "Example 9000", "--pattern", "^Example 9000$", "--dry-run"}));
    EXPECT_EQ(draft["id"], "example_9000");
    EXPECT_EQ(draft["detection"][0]["cpu_model"], "^Example 9000$");
    ASSERT_EQ(run(with(adding, {"--name", "Example 9000", "--pattern", "none"})).code, 0);
    EXPECT_EQ(document({"hardware", "detect"})["hardware"].size(), 0u);
    EXPECT_EQ(document({"hardware", "show", "example_9000"})["detection"].size(), 0u);
    EXPECT_EQ(run(with(adding, {"--device", "cuda:0"})).code, 2);
}

// Answers in the order of the questions; what the wizard asked and complained about.
struct Asked {
    std::vector<std::string> answers, questions, complaints;
    Result<HardwareSpec> run() {
        std::size_t next = 0;
        const AskLine ask = [&](const std::string& question) -> std::optional<std::string> {
            questions.push_back(question);
            return next < answers.size() ? std::optional(answers[next++]) : std::nullopt;
        };
        return product_from_answers(hardware_database(), ask, [&](const std::string& complaint) {
            complaints.push_back(complaint);
        });
    }
};

TEST_F(HardwareVerb, TheWizardChecksEachAnswerWhenItIsGiven) {
    Asked asked{{"",
                 "NVIDIA H100 SXM5",  // an alias of what is there
                 "Example 9000",
                 "cup",
                 "cpu",
                 "Example",
                 "Road",
                 "arm",
                 "aarch64",
                 "Example 9000",
                 "^Intel\\(R\\) Xeon\\(R\\) Processor$",
                 "^Example 9000$",
                 "Example",
                 "Sheet",
                 "example.org",
                 "https://example.org",
                 "2022-02-30",
                 "2022-03",
                 "-5",
                 "100",
                 "",
                 "a lot",
                 "",
                 "",
                 "50",
                 ""},
                {},
                {}};
    const auto made = asked.run();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->id, "example_9000");
    EXPECT_EQ(made->launched, "2022-03");
    EXPECT_EQ(asked.complaints.size(), 10u) << fmt::format("{}", fmt::join(asked.complaints, "\n"));
    EXPECT_EQ(asked.questions[3], asked.questions[4]) << "asked again, and nothing else";
    EXPECT_THAT(problems_of(*made), testing::IsEmpty());
    EXPECT_EQ(spec_peak(*made, "fp64").value, 100);
}

TEST_F(HardwareVerb, TheWizardEndsWithItsInput) {
    Asked asked{{"Example 9000", "cup"}, {}, {}};
    const auto made = asked.run();
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message, HasSubstr("nothing was written"));
    EXPECT_EQ(asked.questions.size(), 3u);
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

TEST_F(HardwareVerb, ImportReadsTheFilesOfOneProductTogether) {
    const std::string older = std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/older-hardware/";
    const std::string spec = older + "jetson_orin_nano_gpu.spec.json",
                      database = older + "jetson_orin_nano_gpu.database.json";
    for (const auto& files : {std::vector{spec, database}, std::vector{database, spec}}) {
        const Json imported =
            document({"hardware", "import", "--replace", files[0], files[1], files[0]});
        EXPECT_EQ(imported["imported"], 1) << imported.dump(1);
        EXPECT_EQ(imported["duplicates"].size(), 1u) << "the same file twice";
        const auto peak = [&](const char* mode) -> Json {
            const Json entry =
                document({"hardware", "show", "jetson_orin_nano_gpu", "--power-mode", mode});
            return {entry["theoretical_peaks"]["fp32"]["value"],
                    entry["theoretical_bandwidth_gbps"]};
        };
        EXPECT_EQ(peak("7W"), (Json{626.688, 68}));
        EXPECT_EQ(peak("25W"), (Json{1880.064, 102}));
        EXPECT_EQ(peak("MAXNSUPER"), (Json{2088.96, 102}));
        const Json whole = document({"hardware", "show", "jetson_orin_nano_gpu"});
        EXPECT_EQ(whole["theoretical_bandwidth_gbps"], 102) << "68 is another mode's";
        EXPECT_EQ(whole["theoretical_peaks"]["fp32"]["value"], 2088.96);
        EXPECT_EQ(whole["default_power_mode"], "MAXNSUPER");
        EXPECT_EQ(whole["launched"]["value"], "2022-09-20") << "of the database entry";
    }
    const Ended alone = run({"hardware", "import", "--replace", database});
    EXPECT_EQ(alone.code, 1);
    EXPECT_THAT(alone.out, HasSubstr("refused"));
    EXPECT_THAT(
        document({"hardware", "import", database}, 1)["refused"][0]["reason"].get<std::string>(),
        AllOf(HasSubstr("25W"), HasSubstr("power_profiles")));
}

TEST_F(HardwareVerb, ImportRefusesFilesThatSayDifferentThingsOfOneProduct) {
    const auto older = [](double tdp_w) {
        return Json{{"id", "old_cpu"},
                    {"vendor", "Old"},
                    {"model", "Old CPU"},
                    {"device_type", "cpu"},
                    {"theoretical_peaks", {{"fp32", 100.0}}},
                    {"tdp_watts", tdp_w},
                    {"peak_bandwidth_gbps", 20.0},
                    {"architecture", "Old"}}
            .dump();
    };
    const Json imported =
        document({"hardware", "import", write("a.json", older(65)), write("b.json", older(95))}, 1);
    EXPECT_EQ(imported["imported"], 0);
    EXPECT_EQ(imported["refused"].size(), 2u) << "neither is known to be the right one";
    const auto reason = imported["refused"][1]["reason"].get<std::string>();
    EXPECT_THAT(reason, HasSubstr("differ"));
    const std::string shown = run({"hardware", "import", file("a.json"), file("b.json")}).out;
    for (const std::string& word : split(reason, ' '))
        EXPECT_THAT(shown, HasSubstr(word)) << "the reason is cut at 80 columns";
    EXPECT_EQ(run({"hardware", "show", "old_cpu"}).code, 2);
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

const std::vector<std::string> quick_fake{"calibrate", "--quick", "--backend", "fake"};

TEST_F(HardwareVerb, APresetThatThisMachineCannotBeIsRefused) {
    const Ended arm = run(with(quick_fake, {"--preset", "ampere-altra-max"}));
    EXPECT_EQ(arm.code, 3);
    EXPECT_THAT(arm.err, AllOf(HasSubstr("aarch64"), HasSubstr("intel_xeon_gold_6230 (xeon-6230)"),
                               HasSubstr("--skip-platform-check")));
    EXPECT_THAT(arm.err, testing::Not(HasSubstr("i7-12700k"))) << "its cores are of another design";
    const Ended design = run(with(quick_fake, {"--preset", "i7-12700k"}));
    EXPECT_EQ(design.code, 3);
    EXPECT_THAT(design.err, AllOf(HasSubstr("cascade_lake"), HasSubstr("alder_lake")));
    const Ended gpu = run(with(quick_fake, {"--preset", "h100-sxm5"}));
    EXPECT_EQ(gpu.code, 3);
    EXPECT_THAT(gpu.err, HasSubstr("this machine shows none"));
    EXPECT_EQ(run(with(quick_fake, {"--preset", "h200-sxm9"})).code, 2);
    EXPECT_EQ(run(with(quick_fake, {"--skip-platform-check"})).code, 2);
    EXPECT_TRUE(document({"history"})["runs"].empty()) << "nothing was stored";
}

TEST_F(HardwareVerb, SkippingThePlatformCheckFlagsTheRun) {
    const Json run = document(with(
        quick_fake, {"--preset", "ampere-altra-max", "--device", "cpu", "--skip-platform-check"}));
    EXPECT_THAT(run["flags"], testing::Contains("platform_check_skipped"));
    EXPECT_EQ(run["products"][0]["product"], "ampere_altra_max_m128_30");
    EXPECT_EQ(run["products"][0]["confidence"], 0);
    EXPECT_THAT(this->run({"show", "latest"}).out, HasSubstr("named by --preset"));
}

TEST_F(HardwareVerb, ShowNamesThePresetThatTheMachineIs) {
    Json entry = Json::parse(std::ifstream(example_cpu()));
    entry["vendor"] = "intel";  // as the machine's CPU says
    ASSERT_EQ(run({"hardware", "add", "--from", write("intel.json", entry.dump())}).code, 0);
    ASSERT_EQ(run(quick_fake).code, 0);
    EXPECT_THAT(run({"show", "latest"}).out,
                AllOf(HasSubstr("example_cpu on cpu"), testing::Not(HasSubstr("--preset"))));
    ASSERT_EQ(run(with(quick_fake, {"--preset", "example"})).code, 0);
    EXPECT_THAT(run({"show", "latest"}).out, HasSubstr("named by --preset example_cpu"));
}

TEST_F(HardwareVerb, ScoresFollowTheEntryOnReadAndTheStoredRunStays) {
    ASSERT_EQ(run({"hardware", "add", "--from", example_cpu()}).code, 0);
    const auto peak_in = [](const Json& run) -> Json {
        for (const Json& row : run["results"])
            if (row["precision"] == "fp32" || row["precision"] == "fp64")
                return row["theoretical_peak"]["spec_version"];
        return nullptr;
    };
    const Json made = document(quick_fake);
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
    ASSERT_EQ(run(quick_fake).code, 0);
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
    ASSERT_EQ(run(quick_fake).code, 0);
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
