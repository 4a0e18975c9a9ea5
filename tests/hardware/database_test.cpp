#include "hardware/database.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/posix.hpp"
#include "core/text.hpp"
#include "golden.hpp"
#include "hardware/calibration.hpp"
#include "hardware/edit.hpp"
#include "hardware/example.hpp"
#include "hardware/name_pattern.hpp"
#include "hardware/peaks.hpp"
#include "hardware/resource_model.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::example_json;

class UserFolder : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "pw-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }
    void write(const std::string& name, const std::string& content) const {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name) << content;
    }
    HardwareDatabase load() const { return load_hardware(folder_.string()); }

    fs::path folder_;
};

TEST_F(UserFolder, WinsOverWhatIsCompiledInAndIsShownAsSuch) {
    const HardwareDatabase before = load();
    const HardwareSpec* builtin = before.find("nvidia_l4");
    ASSERT_NE(builtin, nullptr);
    EXPECT_EQ(builtin->origin, "");
    Json changed = builtin->document;
    changed["name"] = "My own L4";
    write("gpu/nvidia/nvidia_l4.json", changed.dump());
    const HardwareDatabase after = load();
    EXPECT_EQ(after.specs.size(), before.specs.size());
    EXPECT_EQ(after.find("nvidia_l4")->name, "My own L4");
    EXPECT_EQ(after.find("nvidia_l4")->origin, (folder_ / "gpu/nvidia/nvidia_l4.json").string());
}

TEST_F(UserFolder, LeavesOutABrokenFileWithASentence) {
    write("broken.json", "{ \"id\": ");
    Json absurd = example_json();
    absurd["tdp_w"]["value"] = 1e9;
    write("absurd.json", absurd.dump());
    const HardwareDatabase database = load();
    EXPECT_EQ(database.specs.size(), builtin_hardware().specs.size());
    EXPECT_THAT(database.problems,
                testing::UnorderedElementsAre(HasSubstr("broken.json"), HasSubstr("absurd.json")));
}

TEST_F(UserFolder, IsWrittenInOneStepAndReadsBack) {
    const HardwareSpec spec = testing_support::read(example_json());
    const auto path = write_entry(folder_.string(), spec);
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(*path, (folder_ / "gpu/acme/acme_gpu_1.json").string());
    const HardwareDatabase database = load();
    ASSERT_NE(database.find("acme-1"), nullptr);
    EXPECT_EQ(database.find("acme-1")->document, spec.document);
    EXPECT_THAT(database.problems, IsEmpty());
}

TEST_F(UserFolder, ThatCannotBeWrittenIsOneSentence) {
    write("file", "in the way");
    const auto path =
        write_entry((folder_ / "file").string(), testing_support::read(example_json()));
    ASSERT_FALSE(path);
    EXPECT_THAT(path.error().message, HasSubstr("cannot be made"));
    EXPECT_EQ(*read_whole_file((folder_ / "file").string()), "in the way");
}

TEST_F(UserFolder, KeepsSummariesBesideTheEntries) {
    write("gpu/acme/acme_gpu_1.json", example_json().dump());
    const HardwareDatabase before = load();
    const HardwareSpec& spec = *before.find("acme_gpu_1");
    const MeasuredProduct measured{
        {{"pytorch", {{"fp16", 102'400}}, 1'500}, {"blas", {{"fp16", 5}}, {}}},
        "2026-11-20T10:00:00Z",
        "run 1"};
    const auto summary = summarise(spec, only_mode, measured);
    ASSERT_TRUE(summary) << summary.error().message;
    ASSERT_TRUE(
        write_calibration(folder_.string(), spec.id, with_summary(spec, only_mode, *summary)));
    const HardwareDatabase after = load();
    const auto summaries = calibrations_of(*after.find("acme_gpu_1"));
    ASSERT_EQ(summaries.size(), 1u);
    EXPECT_DOUBLE_EQ(summaries[0].efficiency.at("fp16"), 0.5);
    EXPECT_EQ(summaries[0].backend.at("fp16"), "pytorch");
    EXPECT_DOUBLE_EQ(*summaries[0].bandwidth_efficiency, 0.75);
    EXPECT_EQ(summaries[0].last_calibrated, "2026-11-20T10:00:00Z");
    EXPECT_THAT(after.problems, IsEmpty());
}

TEST(Calibration, NeedsToKnowThePowerMode) {
    Json json = example_json();
    json["power_modes"] = {{"15W", Json::object()}, {"25W", Json::object()}};
    json["default_power_mode"] = "25W";
    const HardwareSpec spec = testing_support::read(json);
    EXPECT_EQ(*calibration_mode(spec, "15W", ""), "15W");
    EXPECT_EQ(*calibration_mode(spec, "", "25W"), "25W");
    EXPECT_THAT(calibration_mode(spec, "", "").error().message, HasSubstr("--power-mode"));
    EXPECT_THAT(calibration_mode(spec, "15W", "25W").error().message, HasSubstr("made in 25W"));
    EXPECT_THAT(calibration_mode(spec, "99W", "").error().message, HasSubstr("99W"));
    EXPECT_EQ(*calibration_mode(testing_support::read(example_json()), "", ""), only_mode);
}

TEST(Database, FindsByIdAliasAndEitherDash) {
    const HardwareDatabase database = builtin_hardware();
    EXPECT_EQ(database.find("H100-SXM5")->id, "h100_sxm5");
    EXPECT_EQ(database.find("h100_sxm5")->id, "h100_sxm5");
    EXPECT_EQ(database.find("h100"), nullptr);
    const auto none = need_product(database, "h100_sxm6");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::usage);
    EXPECT_THAT(none.error().message, HasSubstr("did you mean h100_sxm5"));
}

TEST(Database, SeesFiguresFarFromThoseOfTheirKind) {
    HardwareDatabase database;
    for (int i = 0; i < 4; ++i) {
        Json json = example_json();
        json["id"] = fmt::format("acme_gpu_{}", i);
        json["aliases"] = Json::array();
        json["detection"] = Json::array();
        if (i == 3) json["memory"]["bandwidth_gbps"]["value"] = 1.9;
        database.specs.push_back(testing_support::read(json));
    }
    EXPECT_THAT(problems_between(database),
                testing::ElementsAre(testing::AllOf(HasSubstr("acme_gpu_3"), HasSubstr("bandwidth"),
                                                    HasSubstr("less"))));
}

TEST(Correction, RaisesTheVersionAndNamesItsSource) {
    const HardwareSpec spec = testing_support::read(example_json());
    const auto made = corrected(spec, {{"memory.bandwidth_gbps", "2039"}},
                                "Acme, errata, https://example.org/errata", "2026-11-21");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->spec_version, 2);
    EXPECT_EQ(spec_bandwidth(*made).value, 2039);
    EXPECT_THAT(spec_bandwidth(*made).formula, HasSubstr("Acme, errata"));
    EXPECT_EQ(
        corrected(spec, {{"tdp_w", "unknown: not in the errata"}}, "", "2026-11-21")->tdp_w.unknown,
        "not in the errata");
}

TEST(Correction, RefusesAFigureWithoutASourceAndAFieldThatIsNone) {
    const HardwareSpec spec = testing_support::read(example_json());
    const auto refusal = [&](const Correction& correction, const char* source) {
        const auto made = corrected(spec, {correction}, source, "2026-11-21");
        return made ? "" : made.error().message;
    };
    EXPECT_THAT(refusal({"tdp_w", "450"}, ""), HasSubstr("--source"));
    EXPECT_THAT(refusal({"tdp_w", "much"}, "A, b, https://c.org"), HasSubstr("takes a number"));
    EXPECT_THAT(refusal({"memory.bandwith_gbps", "3"}, "A, b, https://c.org"),
                HasSubstr("did you mean bandwidth_gbps"));
    EXPECT_THAT(refusal({"id", "x"}, ""), HasSubstr("not corrected"));
    EXPECT_THAT(refusal({"name.x", "3"}, "A, b, https://c.org"), HasSubstr("no such field"));
}

TEST(ResourceModels, AreTheSameBytesForTheSameDatabase) {
    const HardwareDatabase database = builtin_hardware();
    std::vector<const HardwareSpec*> specs;
    for (const HardwareSpec& spec : database.specs) specs.push_back(&spec);
    const auto first = resource_models(specs);
    const HardwareDatabase again = builtin_hardware();
    specs.clear();
    for (const HardwareSpec& spec : again.specs) specs.push_back(&spec);
    const auto second = resource_models(specs);
    ASSERT_EQ(first.size(), 3u);
    for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_EQ(first[i].content, second[i].content);
        EXPECT_THAT(first[i].content, HasSubstr("h100_sxm5"));
    }
    const auto json = parse_json(first[2].content, "models");
    ASSERT_TRUE(json);
    bool seen = false;
    for (const Json& model : (*json)["models"])
        if (model["id"] == "h100_sxm5") {
            seen = true;
            EXPECT_EQ(model["peaks_gops"]["fp16"], 989'400);
        }
    EXPECT_TRUE(seen);
}

TEST(HardwarePage, ShowsAllProducts) {
    testing_support::expect_golden(hardware_page(builtin_hardware()), "../docs/hardware.md");
}

// A file in the older tool's form, made for this test: its figures are nobody's.
TEST(OlderEntry, BecomesAnEntryWithItsFileAsSource) {
    const Json older{{"id", "acme_cpu_9"},
                     {"vendor", "Acme"},
                     {"model", "Acme(R) CPU 9"},
                     {"device_type", "cpu"},
                     {"ops_per_clock", {{"fp32", 256}, {"fp16", 0}, {"int64", 128}, {"fp8", 512}}},
                     {"theoretical_peaks", {{"fp32", 1280.0}}},
                     {"peak_bandwidth_gbps", 89.6},
                     {"architecture", "Road"},
                     {"compute_units", 8},
                     {"tdp_watts", 125},
                     {"base_clock_mhz", 3600.0},
                     {"boost_clock_mhz", 5000.0},
                     {"platform", "arm64"}};
    const auto file = read_older(older.dump(), "old/acme.json");
    ASSERT_TRUE(file) << file.error().message;
    const auto entry = older_entry({*file}, "2026-11-21");
    ASSERT_TRUE(entry) << entry.error().message;
    EXPECT_EQ(entry->spec.host_architecture, "aarch64");
    EXPECT_DOUBLE_EQ(spec_peak(entry->spec, "fp32").value, 256 * 5.0);
    EXPECT_DOUBLE_EQ(spec_peak(entry->spec, "fp8_e4m3").value, 512 * 5.0);
    EXPECT_EQ(spec_peak(entry->spec, "fp16").kind, PeakKind::unknown);
    EXPECT_THAT(entry->remarks, testing::Contains(HasSubstr("int64")));
    EXPECT_THAT(problems_of(entry->spec), IsEmpty());
    EXPECT_THAT(schema_problems(entry->spec.document), IsEmpty());
    EXPECT_FALSE(read_older("{\"id\": \"x\"}", "x.json"));
}

OlderFile older_file(const std::string& name) {
    const std::string path =
        std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/older-hardware/" + name;
    const auto text = read_whole_file(path);
    if (!text) throw std::runtime_error(text.error().message);
    auto file = read_older(*text, path);
    if (!file) throw std::runtime_error(file.error().message);
    return *file;
}

TEST(OlderEntry, SpecificationAndDatabaseEntryCompleteEachOther) {
    const auto entry = older_entry(
        {older_file("intel_i7_12700k.database.json"), older_file("intel_i7_12700k.spec.json")},
        "2026-11-21");
    ASSERT_TRUE(entry) << entry.error().message;
    const HardwareSpec& spec = entry->spec;
    EXPECT_EQ(spec_peak(spec, "fp32").value, 1'280) << "256 / 12 cores is no rate";
    EXPECT_EQ(spec_bandwidth(spec).value, 89.6);
    EXPECT_EQ(spec.detection.size(), 2u);
    EXPECT_EQ(spec.memory->type, "DDR5") << "of the database entry";
    EXPECT_EQ(spec.tdp_w.value, 125) << "of the specification";
    EXPECT_THAT(problems_of(spec), IsEmpty());
    EXPECT_THAT(schema_problems(spec.document), IsEmpty());
}

TEST(OlderEntry, FilesThatDisagreeAreRefused) {
    OlderFile flat = older_file("intel_i7_12700k.spec.json");
    flat.document["boost_clock_mhz"] = 4'900.0;
    const auto entry =
        older_entry({older_file("intel_i7_12700k.database.json"), flat}, "2026-11-21");
    EXPECT_TRUE(entry) << "2 % are one figure";
    flat.document["boost_clock_mhz"] = 4'500.0;
    const auto refused =
        older_entry({older_file("intel_i7_12700k.database.json"), flat}, "2026-11-21");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("boost clock in GHz is 4.5"));
}

TEST(NamePattern, TellsNamesOfProductsFromNamesThatManyShow) {
    for (const char* name :
         {"12th Gen Intel(R) Core(TM) i7-12700K", "AMD EPYC 7763 64-Core Processor",
          "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Intel(R) Xeon(R) w9-3495X",
          "AMD Ryzen AI 9 HX 370 w/ Radeon 890M", "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz",
          "AMD Opteron(tm) Processor 6134", "Intel(R) Core(TM) Ultra 7 155H"})
        EXPECT_FALSE(names_no_product(name)) << name;
    for (const char* name :
         {"Intel(R) Xeon(R) Processor", "Intel(R) Xeon(R) Processor @ 2.60GHz",
          "Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon Processor (Cascadelake)",
          "Intel Core i7 9xx (Nehalem Class Core i7)", "AMD EPYC-Rome Processor",
          "Westmere E56xx/L56xx/X56xx (Nehalem-C)", "AMD EPYC Processor (with IBPB)",
          "QEMU Virtual CPU version 2.5+", "Common 32-bit KVM processor", "Neoverse-N1",
          "Cortex-A76", "AMD EPYC 64-Core Processor", "Intel Xeon Processor v4", ""})
        EXPECT_TRUE(names_no_product(name)) << name;
}

TEST(NamePattern, ThatMatchesEveryGuestIsAProblem) {
    DetectionPattern pattern;
    pattern.cpu_model = "^Intel\\(R\\) Xeon\\(R\\) Processor";
    pattern.confidence = 0.9;
    EXPECT_THAT(problems_of(pattern, "detection[0]"),
                testing::ElementsAre(HasSubstr("every machine that hides its product")));
    pattern.product_name = "^Example Board";
    EXPECT_THAT(problems_of(pattern, "detection[0]"), IsEmpty());
}

TEST(HardwareSpec, DatesAreThoseOfTheCalendar) {
    for (const char* date : {"2022", "2022-10", "2022-10-04", "2024-02-29"})
        EXPECT_TRUE(is_date(date)) << date;
    for (const char* date : {"", "22", "2022-13", "2022-00", "2023-02-29", "2022-10-4",
                             "2022/10/04", "1999", "2022-10-04T00:00:00Z"})
        EXPECT_FALSE(is_date(date)) << date;
}

TEST(ResourceModels, HoldTheNumbersThatWereMeant) {
    Json json = example_json();
    json["clocks_ghz"]["boost"] = testing_support::figure(0.305);
    json["operations_per_clock"]["fp32"][0]["value"] = 10;
    json["architecture"]["cores"][0]["count"] = testing_support::figure(61);
    json["theoretical_peaks_gops"].erase("fp32");
    const HardwareSpec spec = testing_support::read(json);
    EXPECT_EQ(spec_peak(spec, "fp32").value, 186.05) << "61 x 10 x 0.305 is 186.04999999999998";
    for (const GeneratedFile& file : resource_models({&spec}))
        EXPECT_THAT(file.content, testing::Not(HasSubstr("99999"))) << file.name;
}

TEST(Draft, StatesWhatTheHostShowsAndNoPeak) {
    Context context;
    CpuInfo& cpu = context.hardware.cpu;
    cpu.architecture = "x86_64";
    cpu.model = Fact<std::string>::known("Acme(R) CPU 9 (rev 2)", "cpuinfo");
    cpu.vendor = Fact<std::string>::known("GenuineIntel", "cpuinfo");
    CoreKind kind;
    kind.cores = 8;
    kind.clock_max_mhz = Fact<double>::known(4'000, "cpufreq");
    cpu.core_kinds = {kind};
    const auto draft = draft_entry(context, "cpu", "2026-11-21");
    ASSERT_TRUE(draft) << draft.error().message;
    const HardwareSpec spec = testing_support::read(*draft);
    EXPECT_EQ(spec.id, "acme_cpu_9_rev_2");
    EXPECT_THAT(problems_of(spec), IsEmpty());
    EXPECT_THAT(schema_problems(spec.document), IsEmpty());
    EXPECT_THAT(precisions_of(spec), IsEmpty());
    HardwareDatabase database;
    database.specs.push_back(spec);
    EXPECT_EQ(find_device(Matcher(database).match(host_facts(context)), "cpu")->product->id,
              spec.id);
    EXPECT_FALSE(draft_entry(context, "cuda:0", "2026-11-21"));
}

}  // namespace
}  // namespace peakward
