// What leaves the machine: names of others are only text in every format of every verb, and nothing
// says who and where the user is.
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>

#include "cli/fixture.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"
#include "store/run_store.hpp"

namespace peakward::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// --- names from outside ----------------------------------------------------------------------

const std::vector<std::string> hostile_names{
    "=HYPERLINK(\"http://example.org/?\"&A1,\"x\")",
    "@SUM(1) ##[error]planted",
    "-2+3\n::error title=planted::x",
    "::error::planted, 100%",
    "\t=1+1\x1b[2J\xC2\x9B"
    "31m\u202E",
    "<script>alert(1)</script>|`[x](http://example.org)",
};

class HostileNames : public CliTest {
protected:
    // Two machines over ten weeks; stack and rate change in the middle.
    void fill(const std::string& name) {
        Json rows = Json::array();
        for (int week = 0; week < 10; ++week)
            for (const char* machine : {"c3f840a080356806", "a3f840a080356807"}) {
                const bool is_later = week >= 6;
                rows.push_back({{"timestamp", fmt::format("2025-03-{:02}T10:00:00Z", week * 3 + 1)},
                                {"hardware_fingerprint", machine},
                                {"software_fingerprint", is_later ? "b" + name : "a" + name},
                                {"precision", "fp32"},
                                {"device", "cpu"},
                                {"backend", "blas"},
                                {"cpu_model", name},
                                {"cpu_vendor", name},
                                {"power_mode", name},
                                {"cpu_governor", name},
                                {"os_kernel", name},
                                {"os_distro", name},
                                {"blas_library", name + (is_later ? " 2" : " 1")},
                                {"peak_measured_gops", (is_later ? 70.0 : 100.0) + week % 3 * 0.1},
                                {"stream_best_gbps", 10.0 + week % 2 * 0.01},
                                {"efficiency", is_later ? 0.7 : 0.95}});
            }
        const Ended ended = run({"import", write("rows.json", rows.dump())});
        ASSERT_EQ(ended.code, 0) << ended.err;
        expect_harmless(ended, {"import"});
    }

    static void expect_harmless(const Ended& ended, const std::vector<std::string>& arguments,
                                bool has_commands = false) {
        const std::string said = fmt::format("{}", fmt::join(arguments, " "));
        for (std::string line : split(ended.out + "\n" + ended.err, '\n')) {
            if (line.ends_with('\r')) line.pop_back();
            EXPECT_EQ(line.find("##["), std::string::npos) << said << ": " << line;
            for (const char c : line) EXPECT_FALSE(c >= 0 && c < ' ') << said << ": " << line;
            // Markup is only text here; the pages have tests of their own.
            for (const char* obeyed : {"\xC2\x9B", "\u202E"})
                EXPECT_THAT(line, Not(HasSubstr(obeyed))) << said;
            if (has_commands && (line.starts_with("::error title=cpu%2C blas%2C fp32%2C ") ||
                                 line.starts_with("::notice title=Peakward::")))
                continue;
            EXPECT_THAT(trim(line), Not(testing::StartsWith("::"))) << said;
        }
    }
};

// Cells as RFC 4180 has them.
std::vector<std::string> cells_of(std::string_view csv) {
    std::vector<std::string> cells(1);
    bool is_quoted = false;
    for (const char c : csv) {
        if (c == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && (c == ',' || c == '\n'))
            cells.emplace_back();
        else if (is_quoted || c != '\r')
            cells.back() += c;
    }
    return cells;
}

void expect_no_formula(const std::string& csv) {
    for (const std::string& cell : cells_of(csv))
        if (!cell.empty() && std::string_view("=+-@\t").find(cell[0]) != std::string_view::npos) {
            EXPECT_TRUE(parse_number(cell)) << cell;
        }
}

TEST_F(HostileNames, AreOnlyTextInEveryFormatOfEveryVerb) {
    const std::vector<std::vector<std::string>> verbs{
        {"history"},
        {"show", "latest"},
        {"trajectory"},
        {"maturity"},
        {"impact"},
        {"regressions"},
        {"forecast"},
        {"compare", "c3f840a080356806", "a3f840a080356807"},
        {"export", "-"},
        {"db", "info"},
        {"history", "--hardware", "ffff"}};
    for (const std::string& name : hostile_names) {
        fill(name);
        for (const std::vector<std::string>& verb : verbs)
            for (const char* format : {"text", "json", "csv", "markdown"}) {
                std::vector<std::string> words = verb;
                words.insert(words.end(), {"--format", format});
                const Ended ended = run(words);
                expect_harmless(ended, words);
                if (format == std::string("csv")) expect_no_formula(ended.out);
                if (format == std::string("json") && !ended.out.empty()) {
                    EXPECT_TRUE(parse_json(ended.out, "stdout")) << ended.out;
                }
            }
        expect_harmless(run({"regressions", "--format", "junit"}), {"junit"});
        expect_harmless(run({"regressions", "--format", "github"}), {"github"}, true);
        for (const char* page : {"r.html", "r.md"}) {
            ASSERT_EQ(run({"report", "-o", file(page)}).code, 0);
            expect_harmless({0, *read_whole_file(file(page)), ""}, {"report", page});
        }
        std::filesystem::remove(database());
    }
}

TEST_F(HostileNames, TheCaseOfFormulasIsTextForSpreadsheets) {
    const std::string names = PEAKWARD_SOURCE_DIR "/tests/fixtures/hostile-names/formulas.json";
    ASSERT_EQ(run({"import", names}).code, 0);
    const std::string csv = run({"export", "-"}).out;
    expect_no_formula(csv);
    for (const char* cell : {"'+1+1", "'@SUM(1)", "'-2+3", "\"'=HYPERLINK("})
        EXPECT_THAT(csv, HasSubstr(cell));
    expect_no_formula(run({"history", "--format", "csv"}).out);
}

// Our own CSV read back: `changes` calls things what they were called.
TEST_F(HostileNames, ComeBackFromCsv) {
    std::string csv = "time,'=cmd,'@b\r\n";
    for (int i = 0; i < 12; ++i) csv += fmt::format("{},{},{}\r\n", i, i < 6 ? 100 : 50, i);
    const Json reply = document({"changes", write("a.csv", csv)});
    EXPECT_THAT(reply.dump(), HasSubstr("\"=cmd\""));
    EXPECT_THAT(reply.dump(), Not(HasSubstr("'=cmd")));
}

// --- what only this machine has --------------------------------------------------------------

class Private : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        home_ = folder_ / "home" / "ada-lovelace";
        std::filesystem::create_directories(home_ / "lab");
        std::filesystem::rename(folder_ / "workers", home_ / "workers");
        set("HOME", home_.string());
        set("USER", "ada-lovelace");
        set("LOGNAME", "ada-lovelace");
        set("PEAKWARD_WORKERS", (home_ / "workers").string());
        set("PEAKWARD_DB", (home_ / "lab" / "lab-runs.db").string());
        set("XDG_STATE_HOME", (home_ / "state").string());
    }

    // The made-up user, and what the real machine says of itself where it can be read.
    std::vector<std::string> secrets() const {
        std::vector<std::string> secrets{"ada-lovelace", home_.string(), folder_.string(),
                                         std::filesystem::current_path().string()};
        std::array<char, 256> host{};
        if (::gethostname(host.data(), host.size() - 1) == 0) secrets.emplace_back(host.data());
        const std::string dmi = "/sys/class/dmi/id/";
        std::vector<std::string> files{"/etc/machine-id", dmi + "product_uuid",
                                       dmi + "product_serial", dmi + "board_serial",
                                       dmi + "chassis_serial"};
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net", error))
            files.push_back(entry.path().string() + "/address");
        for (const std::string& path : files)
            if (const auto text = read_whole_file(path)) secrets.push_back(trim(*text));
        // Short words are in every text, and a network address of zeros is nobody's.
        std::erase_if(secrets, [](const std::string& secret) {
            return secret.size() < 6 || secret.find_first_not_of("0:- ") == std::string::npos;
        });
        return secrets;
    }

    void expect_nothing_private(const std::string& text, const std::string& said) const {
        for (const std::string& secret : secrets())
            EXPECT_THAT(text, Not(HasSubstr(secret))) << said;
    }

    std::filesystem::path home_;
};

TEST_F(Private, NothingThatIsSharedSaysWhoAndWhereTheUserIs) {
    const std::string db = (home_ / "lab" / "lab-runs.db").string();
    const std::string written = (home_ / "lab" / "run.json").string();
    const std::vector<std::string> calibrate{"calibrate", "--quick",      "--force",  "--backend",
                                             "fake",      "--operations", "gemm,dot", "--precision",
                                             "fp32",      "--db=" + db,   "--output", written};
    const Ended measured = run(calibrate);
    ASSERT_EQ(measured.code, 0) << measured.err;
    expect_nothing_private(*read_whole_file(written), "calibrate --output");
    const Json arguments = document({"show", "latest"})["arguments"];
    EXPECT_THAT(arguments.dump(), HasSubstr("\"--db=lab-runs.db\",\"--output\",\"run.json\""));
    const std::vector<std::vector<std::string>> shared{{"show", "latest", "--json", "--raw"},
                                                       {"show", "latest"},
                                                       {"show", "latest", "--format", "csv"},
                                                       {"show", "latest", "--format", "markdown"},
                                                       {"export", "-", "--format", "csv"},
                                                       {"export", "-", "--format", "json"},
                                                       {"history", "--json"},
                                                       {"trajectory", "--json"},
                                                       {"regressions", "--format", "junit"},
                                                       {"regressions", "--format", "github"}};
    for (const auto& words : shared) {
        const std::string out = run(words).out;
        EXPECT_FALSE(out.empty()) << words[0];
        expect_nothing_private(out, fmt::format("{}", fmt::join(words, " ")));
    }
    for (const char* page : {"r.html", "r.md"}) {
        const std::string path = (home_ / page).string();
        ASSERT_EQ(run({"report", "-o", path}).code, 0);
        expect_nothing_private(*read_whole_file(path), page);
    }
    const std::filesystem::path profiles = home_ / "profiles";
    std::filesystem::create_directory(profiles);
    ASSERT_EQ(run({"profile", "export", "latest", "--directory", profiles.string()}).code, 0);
    for (const auto& profile : std::filesystem::directory_iterator(profiles))
        expect_nothing_private(*read_whole_file(profile.path().string()), "profile");
}

// Stored runs do not change; a report of one from before says nothing either.
TEST_F(Private, AReportOfAnOlderRunIsCleanToo) {
    ASSERT_EQ(run({"calibrate", "--quick", "--force", "--backend", "fake", "--operations", "dot",
                   "--precision", "fp32", "--quiet"})
                  .code,
              0);
    Json older = document({"show", "latest", "--raw"});
    older["run_id"] = "0a1b2c3d-0000-4000-8000-000000000001";
    older["arguments"] = {"calibrate", "--db", (home_ / "runs.db").string()};
    older["backends"][0]["path"] = (home_ / "w").string();
    older["measurements"][0]["reason"] = "see " + (home_ / "log").string();
    older["measurements"][0]["outcome"] = "failed";
    const std::string db = (home_ / "older.db").string();
    ASSERT_EQ(run({"import", write("older.json", older.dump()), "--db", db}).code, 0);
    for (const char* page : {"r.html", "r.md"}) {
        const std::string path = (home_ / page).string();
        ASSERT_EQ(run({"report", "-o", path, "--db", db}).code, 0);
        const std::string text = *read_whole_file(path);
        expect_nothing_private(text, page);
        EXPECT_THAT(text, HasSubstr("older.db"));
    }
}

}  // namespace
}  // namespace peakward::cli
