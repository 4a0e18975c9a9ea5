// The program itself, as a process: signals, pipes and what is left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include "cli/fixture.hpp"
#include "core/text.hpp"
#include "store/sqlite/connection.hpp"

namespace peakward::cli {
namespace {

constexpr auto patience = std::chrono::seconds(60);

class Program : public CliTest {
protected:
    std::string path() const { return PEAKWARD_BINARY_DIR "/bin/peakward"; }

    std::unique_ptr<ChildProcess> start(const std::string& shell) {
        const auto launcher = posix_launcher();
        auto child = launcher->spawn({{"bash", "-c", shell}, {}});
        EXPECT_TRUE(child) << child.error().message;
        return child ? std::move(*child) : nullptr;
    }
    static std::string all_lines(ChildProcess& child) {
        std::string text;
        while (true) {
            const auto outcome = child.read_line(patience);
            if (outcome.status != ChildProcess::ReadStatus::line) return text;
            text += outcome.line + "\n";
        }
    }
    std::string shell_output(const std::string& shell) {
        const auto child = start(shell);
        return child ? all_lines(*child) : "";
    }
    // The process id that the slow worker tells when its first run begins; blocks until then.
    pid_t id_of_slow_worker() const {
        std::ifstream fifo(file("fifo"));
        pid_t id = 0;
        fifo >> id;
        return id;
    }
    // Gone, or dead and waiting for whoever adopted it.
    static bool is_gone(pid_t id) {
        std::ifstream stat("/proc/" + std::to_string(id) + "/stat");
        std::string number, name, state;
        if (!(stat >> number >> name >> state)) return true;
        return state == "Z" || state == "X";
    }
    std::unique_ptr<ChildProcess> start_slow_calibration() {
        EXPECT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
        set("FAKE_WORKER_MODE", "slow");
        set("FAKE_WORKER_FIFO", file("fifo"));
        return start("exec '" + path() +
                     "' calibrate --quick --force --backend fake --operations dot "
                     "--precision fp32 2>&1");
    }
};

TEST_F(Program, CtrlCStoresNothingAndLeavesNoChild) {
    for (const int signal : {SIGINT, SIGTERM}) {
        std::filesystem::remove(file("fifo"));
        const auto child = start_slow_calibration();
        ASSERT_TRUE(child);
        const pid_t worker = id_of_slow_worker();
        ASSERT_GT(worker, 0);
        EXPECT_FALSE(is_gone(worker));
        ASSERT_EQ(::kill(child->pid(), signal), 0);
        const std::string said = all_lines(*child);
        EXPECT_EQ(child->ended(patience), fmt::format("exit code {}", 128 + signal));
        EXPECT_NE(said.find("interrupted: nothing was stored"), std::string::npos) << said;
        EXPECT_TRUE(is_gone(worker));
        set("FAKE_WORKER_MODE", "");
        EXPECT_EQ(document({"history"})["runs"].size(), 0u);
        EXPECT_EQ(document({"db", "verify"})["sound"], true);
    }
}

// It waits for data that never come, where nothing looks at a token.
TEST_F(Program, OneSignalEndsAVerbThatWaits) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const std::string fifo = file(fmt::format("series{}.csv", signal));
        ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
        const auto child = start("exec '" + path() + "' changes '" + fifo + "' 2>&1");
        ASSERT_TRUE(child);
        const std::ofstream writer(fifo);  // blocks until the verb has opened its end
        ASSERT_EQ(::kill(child->pid(), signal), 0);
        EXPECT_EQ(all_lines(*child), "\npeakward: interrupted\n");
        EXPECT_EQ(child->ended(patience), fmt::format("exit code {}", 128 + signal));
    }
}

// Another process holds the database when the run is measured.
TEST_F(Program, ASignalWhileItWaitsForTheDatabaseKeepsTheRun) {
    ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo(file("go").c_str(), 0600), 0);
    set("FAKE_WORKER_HOOK",
        fmt::format("[[ -e {0}/seen ]] || {{ : > {0}/seen; echo 1 > {0}/fifo; read < {0}/go; }}",
                    folder_.string()));
    const auto child = start("exec '" + path() +
                             "' calibrate --quick --force --backend fake --operations dot "
                             "--precision fp32 2>&1");
    ASSERT_TRUE(child);
    ASSERT_GT(id_of_slow_worker(), 0);
    store::Connection other(database(), store::Connection::Access::read_write,
                            std::chrono::milliseconds(0));
    other.execute("BEGIN IMMEDIATE");
    ASSERT_TRUE(other.status());
    std::ofstream(file("go")) << "\n";
    std::string said;
    while (said.find("waiting up to 120 s") == std::string::npos) {
        const auto outcome = child->read_line(patience);
        ASSERT_EQ(outcome.status, ChildProcess::ReadStatus::line) << said;
        said += outcome.line + "\n";
    }
    ASSERT_EQ(::kill(child->pid(), SIGTERM), 0);
    said = all_lines(*child);
    EXPECT_EQ(child->ended(patience), "exit code 143");
    const std::string before = "this command stores it:\n  peakward ";
    const auto at = said.find(before);
    ASSERT_NE(at, std::string::npos) << said;
    other.execute("ROLLBACK");
    ASSERT_TRUE(other.status());
    const std::string command = said.substr(at + before.size());
    const Json reply = document(split(command.substr(0, command.find('\n')), ' '));
    EXPECT_EQ(reply["imported"], 1);
    EXPECT_EQ(document({"db", "verify"})["sound"], true);
    set("FAKE_WORKER_HOOK", "");
}

TEST_F(Program, ADamagedInstallIdIsPutAsideAndFlagsTheRun) {
    std::filesystem::create_directories(folder_ / "state/peakward");
    std::ofstream(folder_ / "state/peakward/install_id") << "1234\n";
    const std::string command = "'" + path() +
                                "' calibrate --quick --force --backend fake --operations dot "
                                "--precision fp32 2>&1 >/dev/null";
    const std::string said = shell_output(command);
    EXPECT_NE(said.find("the id of this installation was damaged"), std::string::npos) << said;
    const Json first = document({"show", "latest"});
    EXPECT_THAT(first["flags"].get<std::vector<std::string>>(),
                testing::Contains("install_id_replaced"));
    EXPECT_EQ(shell_output(command).find("damaged"), std::string::npos);
    const Json second = document({"show", "latest"});
    EXPECT_EQ(second["context"]["install"], first["context"]["install"]);
}

TEST_F(Program, AReaderThatGoesAwayIsNoFailure) {
    EXPECT_EQ(
        shell_output("'" + path() + "' --help | head -n 1; echo ${PIPESTATUS[0]}"),
        "peakward: Measures how much of a chip's promise its software delivers, and keeps\n0\n");
    // Nobody reads at all.
    EXPECT_EQ(shell_output("'" + path() + "' man calibrate | true; echo ${PIPESTATUS[0]}"), "0\n");
}

TEST_F(Program, AResultThatCannotBeWrittenIsAFailure) {
    const std::string said =
        shell_output("'" + path() + "' --help 2>&1 > /dev/full; echo \"code $?\"");
    EXPECT_NE(said.find("cannot write the result to stdout: No space left on device"),
              std::string::npos)
        << said;
    EXPECT_NE(said.find("code 1"), std::string::npos);
}

TEST_F(Program, SpeaksAsciiOutsideUtf8AndNeverInColourIntoAPipe) {
    const std::string context = shell_output("LC_ALL=C '" + path() + "' doctor");
    for (const char c : context) EXPECT_GE(c, 0);
    EXPECT_EQ(context.find('\x1b'), std::string::npos);
}

TEST_F(Program, AManPageHasNoWarnings) {
    if (shell_output("command -v groff").empty()) GTEST_SKIP() << "groff is not installed";
    for (const char* page : {"", "calibrate", "context", "doctor", "backends", "history", "show",
                             "db", "completion", "man", "help"}) {
        const std::string command =
            "'" + path() + "' man " + page + " | groff -man -Tutf8 -ww -z -rCHECKSTYLE=3 2>&1";
        EXPECT_EQ(shell_output(command), "") << page;
    }
}

TEST_F(Program, BashCompletesVerbsOptionsAndWords) {
    // What would be offered after these words, the last one being typed.
    const auto offered = [this](const std::string& words) {
        return shell_output("source <('" + path() + "' completion bash); COMP_WORDS=(" + words +
                            "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _peakward; "
                            "printf '%s ' \"${COMPREPLY[@]}\"; echo");
    };
    EXPECT_EQ(offered("peakward cal"), "calibrate \n");
    EXPECT_EQ(offered("peakward calibrate --prec"), "--precision \n");
    EXPECT_EQ(offered("peakward calibrate --precision fp6"), "fp64 \n");
    EXPECT_EQ(offered("peakward calibrate --precision fp64 fp3"), "fp32 \n");
    EXPECT_EQ(offered("peakward calibrate --precision fp64,fp3"), "fp64,fp32 \n");
    EXPECT_EQ(offered("peakward calibrate --operations gem"), "gemv gemm \n");
    EXPECT_EQ(offered("peakward calibrate --layers pro"), "proxy \n");
    EXPECT_EQ(offered("peakward history --format = mark"), "markdown \n");
    EXPECT_EQ(offered("peakward history --format csv ma"), " \n");
    EXPECT_EQ(offered("peakward db ver"), "verify \n");
    EXPECT_EQ(offered("peakward help doc"), "doctor \n");
    EXPECT_EQ(offered("peakward history --db " + file("wor")), file("workers") + " \n");
}

TEST_F(Program, CompletionScriptsOfOtherShellsParse) {
    for (const auto& [shell, check] : {std::pair{"zsh", "zsh -n"}, {"fish", "fish --no-execute"}}) {
        if (shell_output(std::string("command -v ") + shell).empty()) continue;
        const std::string script = file(std::string("script.") + shell);
        EXPECT_EQ(shell_output("'" + path() + "' completion " + shell + " > " + script + " && " +
                               check + " " + script + " 2>&1; echo $?"),
                  "0\n")
            << shell;
    }
}

}  // namespace
}  // namespace peakward::cli
