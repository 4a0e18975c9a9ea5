// `peakward report`: one file with every chapter, or one sentence why not.
#include <gmock/gmock.h>

#include "cli/fixture.hpp"
#include "cli/made_history.hpp"
#include "core/text.hpp"
#include "store/run_store.hpp"

namespace peakward::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReportVerb : public CliTest {
protected:
    void fill(const MadeHistory& history) {
        const auto runs = made_history(history);
        auto store = open_store(database(), OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto appended = (*store)->append_all(runs);
        ASSERT_TRUE(appended) << appended.error().message;
    }
    std::string written(const std::string& name) {
        const auto text = read_whole_file(file(name));
        return text ? *text : "no file: " + text.error().message;
    }
};

const std::vector<std::string> chapters{
    "Machine",          "Precision matrix",          "Roofline",    "Trajectory",
    "Time to maturity", "Impact of software",        "Regressions", "Forecast",
    "Environment",      "How the figures came about"};

TEST_F(ReportVerb, WritesEveryChapterAsHtmlAndAsMarkdown) {
    fill({.days = 30});
    for (const char* name : {"r.html", "r.md"}) {
        const Ended ended = run({"report", "-o", file(name)});
        ASSERT_EQ(ended.code, 0) << ended.err;
        EXPECT_THAT(ended.out, HasSubstr(file(name)));
        const std::string text = written(name);
        for (const std::string& chapter : chapters) EXPECT_THAT(text, HasSubstr(chapter));
        EXPECT_THAT(text, HasSubstr("i7-12700K"));
        EXPECT_THAT(text, HasSubstr("contended"));
        EXPECT_THAT(text, HasSubstr("Roofline of CPU"));
        EXPECT_THAT(text, HasSubstr("fp32, blas"));
    }
    EXPECT_THAT(written("r.html"), HasSubstr("<h2 id=\"roofline-title\">Roofline</h2>"));
    EXPECT_THAT(written("r.md"), HasSubstr("## Roofline"));
}

TEST_F(ReportVerb, ANameThatIsScriptIsTextInTheReport) {
    fill({.days = 60, .pytorch_suffix = "</script><img src=x onerror=alert(1)>"});
    ASSERT_EQ(run({"report", "-o", file("r.html")}).code, 0);
    const std::string html = written("r.html");
    EXPECT_THAT(html, Not(HasSubstr("<img")));
    EXPECT_THAT(html, HasSubstr("&lt;/script&gt;&lt;img src=x"));
}

TEST_F(ReportVerb, AMissingPartIsOneSentence) {
    ASSERT_EQ(run({"calibrate", "--quick", "--backend", "fake", "--force", "--quiet",
                   "--operations", "dot", "--precision", "fp32"})
                  .code,
              0);
    const Ended ended = run({"report", "-o", file("r.md")});
    ASSERT_EQ(ended.code, 0) << ended.err;
    const std::string text = written("r.md");
    for (const std::string& chapter : chapters) EXPECT_THAT(text, HasSubstr("## " + chapter));
    EXPECT_THAT(text, HasSubstr("No "));
}

TEST_F(ReportVerb, WrongPathsAreRefusedInOneSentenceAndNothingIsWritten) {
    fill({.days = 3});
    struct Wrong {
        std::string path, says;
    };
    std::filesystem::create_directory(folder_ / "folder.html");
    for (const auto& [path, says] :
         {Wrong{file("r.pdf"), ".html or .md"}, Wrong{file("r"), ".html or .md"},
          Wrong{file("nowhere/r.html"), "make it first"}, Wrong{file("folder.html"), "is a folder"},
          Wrong{"", "empty"}}) {
        const Ended ended = run({"report", "-o", path});
        EXPECT_EQ(ended.code, 2) << path;
        EXPECT_THAT(ended.err, HasSubstr(says)) << path;
        EXPECT_FALSE(std::filesystem::is_regular_file(path)) << path;
    }
    EXPECT_EQ(run({"report"}).code, 2);
}

TEST_F(ReportVerb, ReplacesAReportAndLeavesNothingBesideIt) {
    fill({.days = 3});
    write("r.md", "an older report");
    ASSERT_EQ(run({"report", "-o", file("r.md")}).code, 0);
    EXPECT_THAT(written("r.md"), Not(HasSubstr("an older report")));
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
        EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("r.md.")));
}

TEST_F(ReportVerb, UnknownHardwareAndEmptyFiltersAreRefusedAndNothingIsWritten) {
    fill({.days = 3});
    const Ended unknown = run({"report", "-o", file("r.md"), "--hardware", "ffff"});
    EXPECT_EQ(unknown.code, 2) << unknown.err;
    EXPECT_THAT(unknown.err, HasSubstr("ffff"));
    EXPECT_EQ(run({"report", "-o", file("r.md"), "--since", "2999-01-01"}).code, 1);
    EXPECT_EQ(run({"report", "-o", file("r.md"), "--precision", "fp99"}).code, 2);
    EXPECT_FALSE(std::filesystem::exists(file("r.md")));
}

TEST_F(ReportVerb, JsonSaysWhatWasWritten) {
    fill({.days = 3});
    const Json said = document({"report", "-o", file("r.html"), "--hardware", "intel_i7_12700k"});
    EXPECT_EQ(said["path"], file("r.html"));
    EXPECT_EQ(said["size_bytes"], std::filesystem::file_size(file("r.html")));
    EXPECT_EQ(said["runs"], 3);
}

// In a real browser, where there is one: no error, and every still became a plot.
TEST_F(ReportVerb, TheScriptBringsEveryPlotToLife) {
    if (std::system("command -v chromium >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "chromium is not installed";
    fill({.days = 30});
    ASSERT_EQ(run({"report", "-o", file("r.html")}).code, 0);
    const std::string command = fmt::format(
        "HOME={0} timeout 90 chromium --headless=new --no-sandbox --disable-gpu "
        "--user-data-dir={0}/profile --virtual-time-budget=2000 --enable-logging=stderr --dump-dom "
        "file://{0}/r.html > {0}/dom.html 2> {0}/log",
        folder_.string());
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "chromium does not run here";
    const std::string dom = written("dom.html");
    const auto count = [&](std::string_view what) {
        int found = 0;
        for (std::size_t at = dom.find(what); at != std::string::npos; at = dom.find(what, at + 1))
            ++found;
        return found;
    };
    EXPECT_GT(count("<figure class=\"plot"), 2);
    EXPECT_EQ(count("<figure class=\"plot has-live\""), count("<figure class=\"plot"));
    EXPECT_THAT(written("log"), Not(HasSubstr("CONSOLE")));
}

// Only where somebody wants to look: PEAKWARD_LOOK names a folder that gets the year as a database.
TEST_F(ReportVerb, AYearForEyes) {
    const char* folder = std::getenv("PEAKWARD_LOOK");
    if (!folder) GTEST_SKIP() << "PEAKWARD_LOOK names no folder";
    fill({});
    std::filesystem::copy_file(database(), std::filesystem::path(folder) / "year.db",
                               std::filesystem::copy_options::overwrite_existing);
}

}  // namespace
}  // namespace peakward::cli
