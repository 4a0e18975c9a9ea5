#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <random>

#include "cli/fixture.hpp"
#include "core/records_json.hpp"
#include "core/series.hpp"
#include "core/text.hpp"
#include "golden.hpp"
#include "session/history.hpp"
#include "store/make_run.hpp"
#include "store/sqlite/connection.hpp"

namespace peakward::cli {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class ImportVerb : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        fs::create_directories(folder_ / "in");
    }
    std::string in(const std::string& name = "") const { return (folder_ / "in" / name).string(); }
    void copy(const std::string& name, const std::string& as = "") const {
        fs::copy_file(std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/legacy/" + name,
                      folder_ / "in" / (as.empty() ? name : as));
    }
    Json legacy(const std::string& name) const {
        std::ifstream file(std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/legacy/" + name);
        return Json::parse(file);
    }
    void put(const std::string& name, const Json& json) const {
        std::ofstream(folder_ / "in" / name) << json.dump();
    }
    static std::vector<std::string> files(const Json& notes) {
        std::vector<std::string> names;
        for (const Json& note : notes)
            names.push_back(fs::path(note["file"].get<std::string>()).filename().string());
        return names;
    }
    static std::string reason(const Json& notes, const std::string& file) {
        for (const Json& note : notes)
            if (fs::path(note["file"].get<std::string>()).filename() == file)
                return note["reason"].get<std::string>();
        return "";
    }
    std::vector<RunSummary> history() const {
        RunFilter all;
        all.limit = 0;
        return list_runs(database(), all).value_or(std::vector<RunSummary>{});
    }
    peakward::Run only_run() const {
        auto run = find_run(database(), "latest", Efficiencies::as_recorded);
        EXPECT_TRUE(run) << (run ? "" : run.error().message);
        return run.value_or(peakward::Run{});
    }
    // Without the folder, whose name is another in every test.
    std::string plain(std::string text) const {
        const std::string name = folder_.string();
        for (std::size_t at; (at = text.find(name)) != std::string::npos;)
            text.replace(at, name.size(), "/here");
        return text;
    }
};

const char* const cpu_file = "25W_nvidia_jetson_orin_nano_cpu_numpy.json";
const char* const gpu_file = "25W_nvidia_jetson_orin_nano_gpu_pytorch.json";

TEST_F(ImportVerb, BringsAFolderIn) {
    copy(cpu_file);
    copy(gpu_file);
    const Json reply = document({"import", in()});
    EXPECT_EQ(reply["imported"], 2);
    EXPECT_EQ(reply["duplicates"], 0);
    EXPECT_THAT(reply["flagged"], IsEmpty());
    EXPECT_THAT(reply["refused"], IsEmpty());
    EXPECT_THAT(history(), SizeIs(2));
}

TEST_F(ImportVerb, BringsTheSameContentInOnce) {
    copy(cpu_file);
    copy(cpu_file, "copy.json");
    std::ofstream(in("other_spelling.json")) << "\xEF\xBB\xBF" << legacy(cpu_file).dump(7);
    EXPECT_EQ(document({"import", in()})["imported"], 1);
    const Json again = document({"import", in()});
    EXPECT_EQ(again["imported"], 0);
    EXPECT_EQ(again["duplicates"], 3);
    EXPECT_THAT(history(), SizeIs(1));
    EXPECT_EQ(only_run().run_id.substr(14, 1), "8");
}

// A board without a battery starts in 1970; every milestone would take twenty thousand days.
TEST_F(ImportVerb, ATimeThatCannotBeIsDoubtedAndNoFirstDay) {
    fs::copy_file(std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/import/clock_not_set.json",
                  in("in_1970.json"));
    Json future = legacy(cpu_file);
    future["metadata"]["calibration_date"] = "2999-01-01T00:00:00";
    put("in_2999.json", future);
    const Json reply = document({"import", in()});
    EXPECT_EQ(reply["imported"], 2);
    EXPECT_THAT(reason(reply["flagged"], "in_1970.json"), HasSubstr("before 2010"));
    EXPECT_THAT(reason(reply["flagged"], "in_2999.json"), HasSubstr("in the future"));
    for (const RunSummary& run : history()) {
        EXPECT_THAT(run.flags, Contains("doubtful_import"));
        EXPECT_THAT(run.flags, Contains("time_impossible"));
    }
    EXPECT_THAT(run({"trajectory"}).out, Not(HasSubstr("First calibration")));
}

TEST_F(ImportVerb, ARunOfPeakwardOfATimeThatCannotBeIsRefused) {
    peakward::Run run = store_test::make_small_run(1);
    run.timestamp = "2999-01-01T00:00:00Z";
    run.timestamp_unix = 32'472'144'000;
    put("run.json", to_json(run, WithWindows::yes));
    const Json reply = document({"import", in("run.json")}, 1);
    EXPECT_THAT(reason(reply["refused"], "run.json"), HasSubstr("in the future"));
}

TEST_F(ImportVerb, KeepsATimeWithoutAZoneAsItIs) {
    copy(cpu_file);
    document({"import", in()});
    const peakward::Run run = only_run();
    EXPECT_EQ(run.timestamp, "2025-11-16T10:26:41.780372");
    EXPECT_EQ(run.timestamp_unix, 1763288801);
    EXPECT_THAT(run.flags, Contains("time_zone_unknown"));
    EXPECT_THAT(run.flags, Not(Contains("doubtful_import")));
    for (const Score& score : run.results)
        EXPECT_THAT(score.flags, Not(Contains("time_zone_unknown")));
}

TEST_F(ImportVerb, ScoresByTheRecordedPeak) {
    copy(gpu_file);
    document({"import", in()});
    const peakward::Run run = only_run();
    ASSERT_THAT(run.results, SizeIs(2));
    const Score& fp16 = run.results[0];
    EXPECT_EQ(fp16.precision, "fp16");
    EXPECT_EQ(fp16.backend, "pytorch");
    EXPECT_EQ(fp16.device, "cuda:0");
    EXPECT_EQ(fp16.theoretical_peak.kind, PeakKind::estimated);
    EXPECT_EQ(fp16.theoretical_peak.value, 7600);
    EXPECT_NEAR(fp16.efficiency.value_or(0), 7324.93 / 7600, 1e-4);
    EXPECT_NEAR(fp16.stream_best_gbps.value_or(0), 54.79, 0.01);  // of the largest copy
    ASSERT_THAT(run.products, SizeIs(1));
    EXPECT_EQ(run.products[0].product, "jetson_orin_nano_gpu");
    // The product has power modes, and the file does not say which: the recorded peak stays.
    const auto current = find_run(database(), "latest");
    ASSERT_TRUE(current);
    EXPECT_EQ(current->results[0].theoretical_peak.value, 7600);
    EXPECT_THAT(current->results[0].flags, Contains("power_mode_unknown"));
    EXPECT_THAT(run.flags, Contains("power_mode_unknown"));
    EXPECT_NE(doubt_of_flag("power_mode_unknown"), 0);
}

TEST_F(ImportVerb, IsNeverOfOneSeriesWithWhatWasMeasuredHere) {
    copy(cpu_file);
    document({"import", in()});
    const peakward::Run run = only_run();
    EXPECT_EQ(run.suite, "import-precisions-8x10/1");
    EXPECT_THAT(run.context.install, testing::StartsWith("imported-"));
    document({"import", in(), "--from", "lab2", "--db", file("other.db")});
    const auto other = find_run(file("other.db"), "latest");
    ASSERT_TRUE(other);
    EXPECT_EQ(other->run_id, run.run_id);
    EXPECT_NE(other->context.install, run.context.install);
}

TEST_F(ImportVerb, FlagsWhatIsDoubtful) {
    copy("profiles_i7_12700k_with_fusion.json");  // a recorded efficiency of 103.9 %
    Json x86 = legacy(gpu_file);
    x86["metadata"]["cpu_model"] = x86["metadata"]["platform_architecture"] = "x86_64";
    put("x86.json", x86);
    Json empty = legacy(cpu_file);
    empty["operation_profiles"] = Json::object();
    put("empty.json", empty);
    const Json reply = document({"import", in()});
    EXPECT_EQ(reply["imported"], 3);
    EXPECT_THAT(files(reply["flagged"]), UnorderedElementsAre("profiles_i7_12700k_with_fusion.json",
                                                              "x86.json", "empty.json"));
    EXPECT_THAT(reason(reply["flagged"], "x86.json"), HasSubstr("x86_64"));
    EXPECT_THAT(reason(reply["flagged"], "empty.json"), HasSubstr("no operations"));
    EXPECT_THAT(reason(reply["flagged"], "profiles_i7_12700k_with_fusion.json"),
                HasSubstr("103.9 %"));
    for (const RunSummary& run : history()) EXPECT_THAT(run.flags, Contains("doubtful_import"));
    EXPECT_THAT(run({"show", history().front().run_id}).out, HasSubstr("doubtful_import"));
}

TEST_F(ImportVerb, FlagsAGpuThatIsSlowerThanItsOwnCpu) {
    copy(cpu_file);
    Json slow = legacy(gpu_file);
    for (auto& [key, entry] : slow["operation_profiles"].items())
        if (entry.contains("precision_results"))
            for (auto& [precision, result] : entry["precision_results"].items())
                if (result["supported"] == true) {
                    result["measured_gops"] = result["measured_gops"].get<double>() / 20;
                    result["mean_latency_ms"] = result["mean_latency_ms"].get<double>() * 20;
                }
    put("slow.json", slow);
    copy(gpu_file);
    const Json reply = document({"import", in()});
    EXPECT_THAT(files(reply["flagged"]), UnorderedElementsAre("slow.json"));
    EXPECT_THAT(reason(reply["flagged"], "slow.json"), HasSubstr("slower than the 114.2 GOPS"));
    // The CPU's profile may have come in before.
    document({"import", in(cpu_file), "--db", file("other.db")});
    const Json later = document({"import", in("slow.json"), "--db", file("other.db")});
    EXPECT_THAT(reason(later["flagged"], "slow.json"), HasSubstr("its own CPU"));
}

TEST_F(ImportVerb, StoresInTheOrderOfTime) {
    copy("profiles_i7_12700k_with_fusion.json", "z_oldest.json");
    copy("i7_12700k_performance_1531MHz_numpy.json", "a_newest.json");
    const Json reply = document({"import", in()});
    EXPECT_THAT(reply["files"][0]["file"].get<std::string>(), HasSubstr("z_oldest"));
    EXPECT_THAT(reply["files"][1]["file"].get<std::string>(), HasSubstr("a_newest"));
}

TEST_F(ImportVerb, RefusesWhatItCannotReadAndGoesOn) {
    copy(cpu_file);
    std::ofstream(in("binary.json"), std::ios::binary) << std::string(100, '\0') << "\xff\x01";
    std::ofstream(in("empty.json"));
    std::ofstream(in("cut.json")) << legacy(gpu_file).dump().substr(0, 5000);
    std::ofstream(in("deep.json")) << std::string(100000, '[');
    std::ofstream(in("sqlite.db")) << "SQLite format 3" << std::string(1, '\0') << "and no more";
    std::ofstream(in("huge.json"));
    fs::resize_file(in("huge.json"), 2ull << 30);  // sparse
    put("spec.json", {{"vendor", "Intel"}, {"theoretical_peaks", Json::object()}});
    Json no_time = legacy(cpu_file);
    no_time["metadata"]["calibration_date"] = "yesterday";
    put("no_time.json", no_time);
    fs::create_symlink("nowhere.json", in("dangling.json"));
    std::ofstream(in("LICENSE.txt")) << "x";
    const Json reply = document({"import", in(), file("missing.json")});
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_EQ(reply["passed_over"], 1);
    EXPECT_THAT(files(reply["refused"]),
                UnorderedElementsAre("binary.json", "empty.json", "cut.json", "deep.json",
                                     "sqlite.db", "huge.json", "spec.json", "no_time.json",
                                     "dangling.json", "missing.json"));
    const Json& refused = reply["refused"];
    EXPECT_THAT(reason(refused, "binary.json"), HasSubstr("binary"));
    EXPECT_EQ(reason(refused, "empty.json"), "is empty");
    EXPECT_THAT(reason(refused, "cut.json"), HasSubstr("cut short"));
    EXPECT_THAT(reason(refused, "huge.json"), HasSubstr("2048 MiB"));
    EXPECT_THAT(reason(refused, "no_time.json"), HasSubstr("'yesterday'"));
    EXPECT_THAT(history(), SizeIs(1));
}

TEST_F(ImportVerb, EndsWith1WhenAllIsRefusedAndMakesNoDatabase) {
    std::ofstream(in("empty.json"));
    const Json reply = document({"import", in()}, 1);
    EXPECT_EQ(reply["imported"], 0);
    EXPECT_THAT(reply["refused"], SizeIs(1));
    EXPECT_FALSE(fs::exists(database()));
    EXPECT_EQ(run({"import", file("none")}).code, 1);
    EXPECT_EQ(run({"import"}).code, 2);
    fs::create_directories(file("bare"));
    const Ended bare = run({"import", file("bare")});
    EXPECT_EQ(bare.code, 1);
    EXPECT_THAT(bare.err, HasSubstr("holds no file that ends in .json"));
}

TEST_F(ImportVerb, ADryRunWritesNothing) {
    copy(cpu_file);
    copy(cpu_file, "twice.json");
    const Json reply = document({"import", in(), "--dry-run"});
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_EQ(reply["duplicates"], 1);
    EXPECT_FALSE(fs::exists(database()));
    document({"import", in()});
    EXPECT_EQ(document({"import", in(), "--dry-run"})["duplicates"], 2);
    EXPECT_THAT(history(), SizeIs(1));
}

TEST_F(ImportVerb, FollowsLinksAndLeavesLoops) {
    fs::create_directories(in("a/b"));
    copy(cpu_file, "a/b/x.json");
    fs::create_directory_symlink(in(), in("a/b/up"));
    fs::create_directory_symlink(in("a"), in("again"));
    fs::create_symlink(in("a/b/x.json"), in("link.json"));
    const Json reply = document({"import", in(), in("a")});
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_EQ(reply["duplicates"], 0);
    EXPECT_THAT(reply["refused"], IsEmpty());
}

// ---------------------------------------------------------------------------------------------

Json row(const std::string& id, double gops) {
    return {{"run_id", id},
            {"timestamp", "2025-12-31T09:30:00.25"},
            {"timestamp_unix", 1767191400},  // 14:30 UTC
            {"hardware_fingerprint", "c3f840a080356806"},
            {"software_fingerprint", "6286d41799aabbcc"},
            {"cpu_model", "12th Gen Intel(R) Core(TM) i7-12700K"},
            {"cpu_cores_physical", 12},
            {"precision", "fp32"},
            {"device", "cpu"},
            {"peak_measured_gops", gops},
            {"efficiency", gops / 1000}};
}

TEST_F(ImportVerb, ReadsExportedRowsByTheirIds) {
    put("export.json", {{"runs", {row("a1", 600), row("a2", 700), row("a3", 1200)}}});
    put("bare.json", Json::array({row("a2", 700), row("a4", 800)}));
    const Json reply = document({"import", in()});
    EXPECT_EQ(reply["imported"], 4);
    EXPECT_EQ(reply["duplicates"], 1);
    EXPECT_THAT(reason(reply["flagged"], "export.json"), HasSubstr("120.0 %"));
    const auto run = find_run(database(), "a1");
    ASSERT_TRUE(run);
    EXPECT_EQ(run->timestamp, "2025-12-31T09:30:00.25-05:00");
    EXPECT_EQ(run->timestamp_unix, 1767191400);
    EXPECT_THAT(run->flags, IsEmpty());
    EXPECT_EQ(run->context.hardware.fingerprint, "c3f840a080356806");
    EXPECT_EQ(run->context.hardware.lineage.size(), 16u);
    ASSERT_THAT(run->products, SizeIs(1));
    EXPECT_EQ(run->products[0].product, "intel_i7_12700k");
}

TEST_F(ImportVerb, ReadsADatabaseOfRowsAsTheirExport) {
    {
        store::Connection made(in("calibrations_v2.db"), store::Connection::Access::create,
                               std::chrono::milliseconds(0));
        made.execute(
            "CREATE TABLE calibration_runs (run_id TEXT PRIMARY KEY, timestamp TEXT, "
            "timestamp_unix INTEGER, hardware_fingerprint TEXT, software_fingerprint TEXT, "
            "cpu_model TEXT, cpu_cores_physical INTEGER, precision TEXT, device TEXT, "
            "peak_measured_gops REAL, efficiency REAL);"
            "INSERT INTO calibration_runs VALUES ('a1', '2025-12-31T09:30:00.25', 1767191400, "
            "'c3f840a080356806', '6286d41799aabbcc', '12th Gen Intel(R) Core(TM) i7-12700K', 12, "
            "'fp32', 'cpu', 600, 0.6)");
        ASSERT_TRUE(made.status());
    }
    EXPECT_EQ(document({"import", in()})["imported"], 1);
    const peakward::Run from_database = only_run();
    put("export.json", {{"runs", {row("a1", 600)}}});
    EXPECT_EQ(document({"import", in("export.json")})["duplicates"], 1);
    document({"import", in("export.json"), "--db", file("other.db")});
    const auto from_export = find_run(file("other.db"), "a1", Efficiencies::as_recorded);
    ASSERT_TRUE(from_export);
    EXPECT_EQ(to_json(*from_export), to_json(from_database));
}

// Whatever a disk did to them: each file is one whole run or one sentence, and the store holds.
TEST_F(ImportVerb, DamagedFilesAreNeverHalfImported) {
    const std::string whole = legacy("profiles_test_fusion_integration.json").dump();
    std::mt19937_64 random(3);
    constexpr std::int64_t tries = 120;
    for (std::int64_t i = 0; i < tries; ++i) {
        std::string damaged = i % 3 == 0 ? whole.substr(0, random() % whole.size()) : whole;
        for (int byte = 0; byte < 2 && !damaged.empty(); ++byte)
            damaged[random() % damaged.size()] = static_cast<char>(random() & 0xFF);
        std::ofstream(in(fmt::format("{}.json", i)), std::ios::binary) << damaged;
    }
    const Json reply = document({"import", in()});
    const auto imported = reply["imported"].get<std::int64_t>();
    EXPECT_EQ(imported + reply["duplicates"].get<std::int64_t>() + std::ssize(reply["refused"]),
              tries);
    EXPECT_GT(imported, 0);
    EXPECT_GT(std::ssize(reply["refused"]), tries / 4);
    EXPECT_EQ(std::ssize(history()), imported);
    EXPECT_EQ(run({"db", "verify"}).code, 0);
}

TEST_F(ImportVerb, AFileWithOneBadRunBringsNoneIn) {
    Json bad = row("b2", 700);
    bad["timestamp"] = "soon";
    put("export.json", {{"runs", {row("b1", 600), bad}}});
    put("good.json", {{"runs", {row("b3", 600)}}});
    const Json reply = document({"import", in()});
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_THAT(files(reply["refused"]), UnorderedElementsAre("export.json"));
    EXPECT_THAT(history(), SizeIs(1));
}

TEST_F(ImportVerb, TakesRunsOfPeakwardAsTheyAre) {
    ASSERT_EQ(
        run({"calibrate", "--backend", "fake", "--force", "--quiet", "--output", in("run.json")})
            .code,
        0);
    const peakward::Run original = only_run();
    EXPECT_EQ(document({"import", in()})["duplicates"], 1);
    const Json elsewhere = document({"import", in("run.json"), "--db", file("other.db")});
    EXPECT_EQ(elsewhere["imported"], 1);
    const auto copied = find_run(file("other.db"), "latest", Efficiencies::as_recorded);
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->run_id, original.run_id);
    EXPECT_EQ(copied->context.install, original.context.install);
    // The whole database, into a third one and back into itself.
    EXPECT_EQ(document({"import", database(), "--db", file("third.db")})["imported"], 1);
    EXPECT_EQ(document({"import", database()})["duplicates"], 1);
    EXPECT_EQ(run({"db", "verify", "--db", file("third.db")}).code, 0);
}

// A run and a copy of it in which somebody changed a figure.
class OtherContent : public ImportVerb {
protected:
    static std::string fixture(int number) {
        return fmt::format("{}/tests/fixtures/import/same_id_{}.json", PEAKWARD_SOURCE_DIR, number);
    }
    static Json read(int number) {
        std::ifstream stream(fixture(number));
        return Json::parse(stream);
    }
    static void expect_refused(const Json& reply) {
        ASSERT_THAT(reply["refused"], SizeIs(1));
        EXPECT_THAT(reply["refused"][0]["reason"].get<std::string>(),
                    testing::ContainsRegex("has run 8dc98764-[0-9a-f-]+ with other content "
                                           "\\(SHA-256 [0-9a-f]{64}\\).*\\(SHA-256 [0-9a-f]{64}"));
    }
};

TEST_F(OtherContent, UnderAKnownIdIsRefused) {
    EXPECT_EQ(document({"import", fixture(1)})["imported"], 1);
    expect_refused(document({"import", fixture(2)}, 1));
    expect_refused(document({"import", fixture(2), "--dry-run"}, 1));
    EXPECT_EQ(document({"import", fixture(1)})["duplicates"], 1);
    EXPECT_THAT(history(), SizeIs(1));
}

TEST_F(OtherContent, InOneCallIsRefusedToo) {
    for (const bool dry_run : {true, false}) {
        std::vector<std::string> words{"import", fixture(1), fixture(2)};
        if (dry_run) words.emplace_back("--dry-run");
        const Json reply = document(words, 1);
        EXPECT_EQ(reply["imported"], 1);
        expect_refused(reply);
    }
}

TEST_F(OtherContent, InOneListRefusesTheList) {
    put("list.json", {{"runs", {read(1), read(2)}}});
    expect_refused(document({"import", in("list.json")}, 1));
    EXPECT_THAT(history(), IsEmpty());
    put("same.json", {{"runs", {read(1), read(1)}}});
    const Json reply = document({"import", in("same.json")});
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_EQ(reply["duplicates"], 1);
}

TEST_F(OtherContent, OfAWholeDatabaseIsRefused) {
    document({"import", fixture(1)});
    document({"import", fixture(2), "--db", file("copy.db")});
    expect_refused(document({"import", file("copy.db")}, 1));
    expect_refused(document({"import", file("copy.db"), "--dry-run"}, 1));
    EXPECT_THAT(history(), SizeIs(1));
}

TEST_F(OtherContent, OfExportedRowsIsRefused) {
    put("rows.json", {{"runs", {row("a1", 600), row("a2", 700)}}});
    document({"import", in("rows.json")});
    put("rows.json", {{"runs", {row("a1", 601)}}});
    const Json reply = document({"import", in("rows.json")}, 1);
    EXPECT_THAT(reply["refused"][0]["reason"].get<std::string>(),
                HasSubstr("has run a1 with other content"));
}

// Rows tell a part of what the run does.
TEST_F(OtherContent, IsNotWhatOurOwnExportHas) {
    const std::string original = file("original.json");
    ASSERT_EQ(
        run({"calibrate", "--backend", "fake", "--force", "--quiet", "--output", original}).code,
        0);
    ASSERT_EQ(run({"export", in("export.json")}).code, 0);
    EXPECT_EQ(document({"import", in("export.json")})["duplicates"], 1);
    document({"import", in("export.json"), "--db", file("other.db")});
    EXPECT_EQ(document({"import", original, "--db", file("other.db")})["duplicates"], 1);
}

TEST_F(ImportVerb, RefusesAKeyThatStandsTwice) {
    for (const auto& [name, key] :
         {std::pair{"date", "calibration_date"}, {"figure", "measured_gflops"}}) {
        const Json reply =
            document({"import", fmt::format("{}/tests/fixtures/import/duplicate_key_{}.json",
                                            PEAKWARD_SOURCE_DIR, name)},
                     1);
        EXPECT_THAT(reply["refused"][0]["reason"].get<std::string>(),
                    HasSubstr(fmt::format(
                        "is ambiguous: one object has the key '{}' twice, at line ", key)));
    }
}

TEST_F(ImportVerb, ReadsALongListOfSmallObjects) {
    std::string text = "[";
    for (int i = 1; i < 200'000; ++i) text += "{},";
    std::ofstream(in("objects.json")) << text << "{}]";
    EXPECT_THAT(reason(document({"import", in()}, 1)["refused"], "objects.json"),
                HasSubstr("is a list whose entries are not all runs"));
}

TEST_F(ImportVerb, RefusesMorePrecisionsThanAnyMachineHas) {
    Json rows = Json::array();
    for (int i = 0; i < 300; ++i) {
        rows.push_back(row("a1", 600));
        rows.back()["precision"] = fmt::format("fp{}", i);
    }
    put("rows.json", rows);
    EXPECT_THAT(reason(document({"import", in()}, 1)["refused"], "rows.json"),
                HasSubstr("has a run of 300 precisions"));
}

TEST_F(ImportVerb, SaysThatARunIdIsTooLong) {
    Json whole = to_json(store_test::make_run({.seed = 5, .measurements = 1, .windows = 0}));
    whole["run_id"] = std::string(300, 'a');
    put("long.json", whole);
    EXPECT_THAT(reason(document({"import", in()}, 1)["refused"], "long.json"),
                HasSubstr("has a run_id of 300 letters, which is too long: at most 128"));
}

TEST_F(ImportVerb, TakesNoRunOfPeakwardWithoutAnIdOrATime) {
    Json whole = to_json(store_test::make_run({.seed = 5, .measurements = 1, .windows = 0}));
    put("good.json", whole);
    whole["run_id"] = "";
    put("nameless.json", whole);
    whole["run_id"] = store_test::make_run_id(6);
    whole["timestamp"] = "soon";
    put("some_day.json", whole);
    const Json reply = document({"import", in()});
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_THAT(reason(reply["refused"], "nameless.json"), HasSubstr("without a run_id"));
    EXPECT_THAT(reason(reply["refused"], "some_day.json"), HasSubstr("has the time 'soon'"));
}

TEST_F(ImportVerb, ABoardsCpuAndGpuAreBothKnownAlthoughEachFileTellsOfOne) {
    copy(cpu_file);
    copy(gpu_file);
    ASSERT_EQ(run({"import", in()}).code, 0);
    const std::string page = run({"maturity"}).out;
    EXPECT_THAT(page, HasSubstr("NVIDIA Jetson Orin Nano 8GB (CPU)"));
    EXPECT_THAT(page, HasSubstr("NVIDIA Jetson Orin Nano 8GB (GPU)"));
    EXPECT_EQ(run({"trajectory", "--hardware", "jetson_orin_nano_cpu"}).code, 0);
    EXPECT_EQ(run({"trajectory", "--hardware", "jetson_orin_nano_gpu"}).code, 0);
}

TEST_F(ImportVerb, AllForecastsAreListedWhenAllAreAskedFor) {
    copy("i7_12700k_performance_1531MHz_numpy.json");
    ASSERT_EQ(run({"import", in()}).code, 0);
    const auto series = document({"forecast", "--hardware", "intel_i7_12700k"})["forecasts"].size();
    ASSERT_GT(series, 6u) << "more than a page has sections";
    const std::string all = run({"forecast", "--hardware", "intel_i7_12700k", "--all"}).out;
    std::size_t sections = 0;
    for (std::size_t at = 0; (at = all.find("Forecast  none", at)) != std::string::npos; ++at)
        ++sections;
    EXPECT_EQ(sections, series) << all;
    EXPECT_THAT(run({"forecast", "--hardware", "intel_i7_12700k"}).out,
                HasSubstr(fmt::format("No forecast for {} series", series)));
}

TEST_F(ImportVerb, WhatIsNotThereIsListedWithoutBlanks) {
    copy("profiles_i7_12700k_with_fusion.json");
    ASSERT_EQ(run({"import", in()}).code, 0);
    const std::string nothing = run({"trajectory", "--backend", "jax"}).err;
    EXPECT_THAT(nothing, HasSubstr("backends unknown;"));
    EXPECT_THAT(nothing, Not(HasSubstr("precisions ,")));
    EXPECT_THAT(run({"forecast", "--help"}).out, HasSubstr("Needed: a hardware fingerprint"));
}

TEST_F(ImportVerb, SaysTheFolderOfItsNotesOnce) {
    fs::create_directories(in("years of profiles"));
    std::ofstream(in("years of profiles/cut.json")) << "{";
    std::ofstream(in("years of profiles/list.json")) << "[]";
    const std::string page = run({"import", in()}).out;
    EXPECT_THAT(page, HasSubstr("in/years of profiles/\n"));
    EXPECT_THAT(page, HasSubstr("✗ cut.json\n"));
    EXPECT_THAT(page, HasSubstr("✗ list.json\n"));
    // Of one file the whole path, which can be copied.
    terminal_.columns = 200;
    EXPECT_THAT(run({"import", in("years of profiles/cut.json")}).out,
                HasSubstr("✗ " + in("years of profiles/cut.json")));
}

TEST_F(ImportVerb, TellsWhatCameInOnOnePage) {
    for (const auto& entry :
         fs::directory_iterator(std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/legacy"))
        copy(entry.path().filename().string());
    std::ofstream(in("cut.json")) << legacy(gpu_file).dump().substr(0, 300);
    terminal_.columns = 140;  // wherever the folder is, no path is broken
    testing_support::expect_golden(plain(run({"import", in()}).out), "cli/golden/import.txt");
    terminal_.columns = 80;
    testing_support::expect_golden(plain(run({"history", "--limit", "0"}).out),
                                   "cli/golden/import_history.txt");
}

// The question of seed 000's "Vendor Assessment": each vendor's rows name their device its own way.
TEST_F(ImportVerb, ProductsOfThreeVendorsAreCompared) {
    struct Vendor {
        const char *product, *device, *model, *pci_id;
        double first_gops, gain;  // a month, of the first
    };
    const Vendor vendors[] = {
        {"nvidia_h100", "cuda", "NVIDIA H100 80GB HBM3", "10de:2330", 550e3, 0.01},
        {"amd_mi300x", "rocm", "AMD Instinct MI300X", "1002:74a1", 500e3, 0.04},
        {"intel_gaudi3", "hpu", "Intel Gaudi 3", "1da3:1060", 900e3, 0.02}};
    constexpr int months = 10;
    Json rows = Json::array();
    for (const Vendor& vendor : vendors)
        for (int month = 0; month < months; ++month) {
            const std::chrono::sys_seconds at =
                std::chrono::sys_days(std::chrono::year(2025) / (month + 1) / 3);
            const double gops = vendor.first_gops * (1 + vendor.gain * month);
            rows.push_back({{"run_id", fmt::format("{}-{}", vendor.product, month)},
                            {"timestamp", fmt::format("2025-{:02}-03T00:00:00Z", month + 1)},
                            {"timestamp_unix", at.time_since_epoch().count()},
                            {"hardware_fingerprint",
                             fmt::format("{:016x}", static_cast<int>(vendor.first_gops))},
                            {"software_fingerprint", fmt::format("{:016x}", month)},
                            {"cpu_model", "AMD EPYC 9654 96-Core Processor"},
                            {"gpu_model", vendor.model},
                            {"gpu_pci_id", vendor.pci_id},
                            {"pytorch_version", fmt::format("2.{}.0", month)},
                            {"precision", "bf16"},
                            {"device", vendor.device},
                            {"peak_measured_gops", gops}});
        }
    put("rows.json", {{"runs", rows}});
    ASSERT_EQ(document({"import", in()})["imported"], 3 * months);
    std::vector<std::string> call{"compare"};
    for (const Vendor& vendor : vendors) call.emplace_back(vendor.product);
    const Json products = document(call)["products"];
    ASSERT_THAT(products, SizeIs(3));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(products[i]["asked"].get<std::string>(), vendors[i].product);
        EXPECT_EQ(products[i]["device"].get<std::string>(), std::string(vendors[i].device) + ":0");
        EXPECT_EQ(products[i]["runs"], months);
        EXPECT_NEAR(products[i]["improvement_percent"].get<double>(),
                    100 * vendors[i].gain * (months - 1), 1e-6);
        EXPECT_GT(products[i]["current_efficiency"].get<double>(), 0.4);
    }
}

}  // namespace
}  // namespace peakward::cli
