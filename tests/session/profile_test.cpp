#include "session/profile.hpp"

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "session/fixture.hpp"
#include "session/import.hpp"

namespace peakward::session_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Profiles : public SessionTest {
protected:
    void SetUp() override {
        SessionTest::SetUp();
        add_worker("fake");
        out_ = (folder_ / "profiles").string();
        std::filesystem::create_directories(out_);
    }
    std::vector<ExportedProfile> exported(const peakward::Run& run) const {
        const auto files = export_profiles(run, out_);
        EXPECT_TRUE(files.has_value()) << (files ? "" : files.error().message);
        return files.value_or(std::vector<ExportedProfile>{});
    }
    std::string out_;
};

TEST_F(Profiles, AreOneFileForEachDeviceAndFramework) {
    add_worker("other");
    request_.backends = {"fake", "other"};
    const peakward::Run run = calibrated();
    const auto files = exported(run);
    ASSERT_THAT(files, SizeIs(2));
    EXPECT_THAT(files[0].path + files[1].path,
                AllOf(HasSubstr("_cpu_fake.json"), HasSubstr("_cpu_other.json")));
    for (const ExportedProfile& file : files) {
        EXPECT_TRUE(file.written);
        const auto read = load_profiles(file.path);
        ASSERT_TRUE(read) << read.error().message;
        ASSERT_THAT(*read, SizeIs(1));
        EXPECT_EQ(read->front().run_id, run.run_id);
        EXPECT_FALSE(read->front().points.empty());
    }
}

TEST_F(Profiles, WrittenAgainAreLeftAlone) {
    const peakward::Run run = calibrated();
    exported(run);
    const auto again = exported(latest());
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_FALSE(again[0].written);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(out_), {}), 1);
}

TEST_F(Profiles, NeverReplaceThatOfAnotherRun) {
    const auto first = exported(calibrated());
    ASSERT_THAT(first, SizeIs(1));
    const auto before = read_whole_file(first[0].path);
    const peakward::Run run = calibrated();
    const auto second = exported(run);
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_NE(second[0].path, first[0].path);
    EXPECT_THAT(second[0].path, HasSubstr(run.run_id.substr(0, 8)));
    ASSERT_TRUE(before);
    EXPECT_EQ(read_whole_file(first[0].path).value_or("gone"), *before);
}

TEST_F(Profiles, OfARunThatMeasuredNothingAreRefused) {
    peakward::Run run = calibrated();
    run.measurements.clear();
    run.results.clear();
    const auto files = export_profiles(run, out_);
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().message, HasSubstr("measured nothing"));
    EXPECT_TRUE(std::filesystem::is_empty(out_));
}

TEST_F(Profiles, NeedAFolderThatIsThere) {
    const auto files = export_profiles(calibrated(), out_ + "/missing");
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().message, AllOf(HasSubstr(out_ + "/missing"), HasSubstr("make it")));
}

TEST_F(Profiles, ComeOutOfAWholeRunToo) {
    const std::string path = (folder_ / "run.json").string();
    std::ofstream(path) << to_json(calibrated(), WithWindows::yes).dump();
    const auto read = load_profiles(path);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_THAT(*read, SizeIs(1));
    EXPECT_EQ(read->front().framework, "fake");
}

TEST_F(Profiles, ThatCannotBeReadSayWhyInOneSentence) {
    const auto why = [&](const std::string& name) {
        const auto read = load_profiles((folder_ / name).string());
        return read ? std::string("it was read") : read.error().message;
    };
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name) << text;
        return name;
    };
    EXPECT_THAT(why("nothing.json"), AllOf(HasSubstr("nothing.json"), HasSubstr("no such file")));
    EXPECT_THAT(why("workers"), HasSubstr("not a regular file"));
    const auto whole = read_whole_file(exported(calibrated())[0].path);
    ASSERT_TRUE(whole);
    EXPECT_THAT(why(write("cut.json", whole->substr(0, whole->size() / 2))),
                AllOf(HasSubstr("cut.json"), HasSubstr("cut short")));
    Json renamed = Json::parse(*whole);
    renamed.erase("schema_version");
    EXPECT_THAT(why(write("renamed.json", renamed.dump())), HasSubstr("renamed.json"));
}

std::string import_fixture(const std::string& name) {
    return std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/import/" + name;
}

// Seed 001: get_efficiency('matmul', matrix_size=2048) returns 0.785 (78.5 %).
TEST_F(Profiles, OfTheOlderToolAreReadDirectly) {
    const auto read = load_profiles(import_fixture("intel_i7_12700k.json"));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_THAT(*read, SizeIs(1));
    const Profile& profile = read->front();
    EXPECT_EQ(profile.hardware_name, "Intel-i7-12700K");
    const auto efficiency = estimate_efficiency(profile, "matmul", 2048, "");
    ASSERT_TRUE(efficiency) << efficiency.error().message;
    EXPECT_NEAR(*efficiency->efficiency, 0.785, 0.0005);
    EXPECT_EQ(efficiency->basis, Basis::measured);
    // "Memory copy 256 MB: 70.1 %", of 75 GB/s.
    const auto is_large_copy = [](const ProfilePoint& point) {
        return axis(point.what.shape, "elements") == 1 << 26;
    };
    const auto copy = std::find_if(profile.points.begin(), profile.points.end(), is_large_copy);
    ASSERT_NE(copy, profile.points.end());
    EXPECT_NEAR(copy->efficiency.value_or(0), 0.701, 0.0005);
    for (const ProfilePoint& point : profile.points) {
        EXPECT_EQ(point.samples, 10);
        EXPECT_TRUE(point.mean_s && point.deviation_s && point.min_s && point.max_s);
        EXPECT_LT(*point.min_s, *point.mean_s);
        EXPECT_GT(*point.max_s, *point.mean_s);
        EXPECT_EQ(point.bound, point.what.operation == "gemm" ? "compute" : "memory");
    }
}

TEST_F(Profiles, OfEveryOlderGenerationAreShown) {
    const auto folder = std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/legacy";
    int shown = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        const auto read = load_profiles(entry.path().string());
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_FALSE(read->front().points.empty()) << entry.path();
        ++shown;
    }
    EXPECT_GE(shown, 9);
}

TEST_F(Profiles, ComeOutOfImportedRunsAsOfMeasuredOnes) {
    ImportRequest request;
    request.paths = {import_fixture("intel_i7_12700k.json")};
    request.db = database();
    const auto reply = import_files(request, never_);
    ASSERT_TRUE(reply) << reply.error().message;
    const auto files = exported(latest());
    ASSERT_THAT(files, SizeIs(1));
    const auto read = load_profiles(files[0].path);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_THAT(read->front().points, SizeIs(4));
    EXPECT_TRUE(read->front().points.front().max_s);
}

TEST_F(Profiles, OfARunThatHasScoresAloneAreRefusedWithThatReason) {
    peakward::Run run = calibrated();
    run.measurements.clear();
    run.results.resize(1);
    const auto files = export_profiles(run, out_);
    ASSERT_FALSE(files);
    EXPECT_THAT(files.error().message, HasSubstr("exported rows"));
}

TEST_F(Profiles, ThatAreListsOfRunsOrPackedAreRefusedWithTheTrueReason) {
    const auto why = [&](const std::string& text) {
        std::ofstream(folder_ / "other.json") << text;
        const auto read = load_profiles((folder_ / "other.json").string());
        return read ? std::string("it was read") : read.error().message;
    };
    EXPECT_THAT(why(R"({"runs": [{"timestamp": "2025-01-01", "hardware_fingerprint": "a",
                     "precision": "fp32", "device": "cpu"}]})"),
                AllOf(HasSubstr("other.json"), HasSubstr("peakward import takes it")));
    EXPECT_THAT(why("\x1f\x8b\x08"), HasSubstr("gzip"));
    EXPECT_THAT(why("{}"), HasSubstr("no profile, run or list of runs"));
}

}  // namespace
}  // namespace peakward::session_test
