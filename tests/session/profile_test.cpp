#include "session/profile.hpp"

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "session/fixture.hpp"

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

}  // namespace
}  // namespace peakward::session_test
