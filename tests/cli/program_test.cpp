// The program itself, as a process: signals, pipes and what is left behind.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "cli/fixture.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

constexpr auto patience = std::chrono::seconds(60);

class Program : public CliTest {
protected:
    std::string path() const { return std::string(PEAKWARD_BINARY_DIR) + "/bin/peakward"; }

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
        EXPECT_EQ(child->ended(patience), "exit code 1");
        EXPECT_NE(said.find("interrupted: nothing was stored"), std::string::npos) << said;
        EXPECT_TRUE(is_gone(worker));
        set("FAKE_WORKER_MODE", "");
        EXPECT_EQ(document({"history"})["runs"].size(), 0u);
        EXPECT_EQ(document({"db", "verify"})["sound"], true);
    }
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
