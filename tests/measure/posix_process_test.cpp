#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "core/posix.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

using ReadStatus = ChildProcess::ReadStatus;

// Long enough for a loaded machine; no test waits for it when the code is right.
constexpr Nanoseconds patience = std::chrono::seconds(30);

std::unique_ptr<ChildProcess> shell(const std::string& script, std::size_t line_bytes_max = 1000) {
    auto child = posix_launcher()->spawn(
        {{"/bin/sh", "-c", script}, {{"PEAKWARD_WORD", "from the host"}}, line_bytes_max});
    EXPECT_TRUE(child.has_value()) << (child ? "" : child.error().message);
    return child ? std::move(*child) : nullptr;
}

// False once nobody has this id any more; a zombie that is not ours to reap counts as gone.
bool is_running(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(file, text)) return false;
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

bool ends_in_time(pid_t pid) {
    const auto clock = system_clock_port();
    const auto deadline = clock->monotonic() + patience;
    while (is_running(pid) && clock->monotonic() < deadline)
        clock->sleep_for(std::chrono::milliseconds(1));
    return !is_running(pid);
}

std::string line_of(ChildProcess& child) {
    const auto outcome = child.read_line(patience);
    EXPECT_EQ(outcome.status, ReadStatus::line);
    return outcome.line;
}

int open_descriptors() {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

TEST(PosixProcess, TalksInLines) {
    auto child = shell("while read -r line; do echo \"got $line\"; done");
    ASSERT_TRUE(child->write_line("one"));
    EXPECT_EQ(line_of(*child), "got one");
    ASSERT_TRUE(child->write_line("two"));
    EXPECT_EQ(line_of(*child), "got two");
}

TEST(PosixProcess, SplitsWhatComesInOnePiece) {
    auto child = shell("printf 'a\\n\\nb\\nrest'");
    EXPECT_EQ(line_of(*child), "a");
    EXPECT_EQ(line_of(*child), "");
    EXPECT_EQ(line_of(*child), "b");
    EXPECT_EQ(child->read_line(patience).status, ReadStatus::closed);
}

TEST(PosixProcess, AddsToTheEnvironmentAndKeepsOurs) {
    ::setenv("PEAKWARD_WORD", "ours", 1);
    ::setenv("PEAKWARD_OTHER", "kept", 1);
    auto child = shell("echo \"$PEAKWARD_WORD, $PEAKWARD_OTHER\"");
    EXPECT_EQ(line_of(*child), "from the host, kept");
    ::unsetenv("PEAKWARD_WORD");
    ::unsetenv("PEAKWARD_OTHER");
}

TEST(PosixProcess, FindsProgramsOnThePath) {
    auto child = posix_launcher()->spawn({{"echo", "found"}, {}, 1000});
    ASSERT_TRUE(child.has_value());
    EXPECT_EQ(line_of(**child), "found");
}

TEST(PosixProcess, SaysWhyAProgramCannotBeStarted) {
    const auto start = [](const std::string& program) {
        auto child = posix_launcher()->spawn({{program}, {}, 1000});
        return child ? std::string("started") : child.error().message;
    };
    EXPECT_EQ(start("peakward-no-such-program"),
              "peakward-no-such-program: no such program on the PATH");
    EXPECT_EQ(start("/nowhere/at/all"),
              "/nowhere/at/all: cannot run it: No such file or directory");
    EXPECT_EQ(start("/etc/passwd"), "/etc/passwd: cannot run it: Permission denied");
    EXPECT_FALSE(posix_launcher()->spawn({{}, {}, 1000}).has_value());
}

TEST(PosixProcess, TimesOutAndGoesOnReading) {
    auto child = shell("printf half; read -r line; echo ' and half'");
    EXPECT_EQ(child->read_line(std::chrono::milliseconds(1)).status, ReadStatus::timed_out);
    ASSERT_TRUE(child->write_line("go"));
    EXPECT_EQ(line_of(*child), "half and half");
}

TEST(PosixProcess, TellsAnOverlongLine) {
    auto exact = shell("printf '%010d\\n' 1", 10);
    EXPECT_EQ(line_of(*exact), "0000000001");
    auto longer = shell("printf '%011d\\n' 1", 10);
    EXPECT_EQ(longer->read_line(patience).status, ReadStatus::overlong);
    auto endless = shell("printf '%020d' 1; exec sleep 1000", 10);
    EXPECT_EQ(endless->read_line(patience).status, ReadStatus::overlong);
}

TEST(PosixProcess, TellsHowItEnded) {
    auto done = shell("exit 3");
    EXPECT_EQ(done->ended(patience), "exit code 3");
    EXPECT_EQ(done->ended(std::chrono::milliseconds(0)), "exit code 3");
    auto crashed = shell("kill -SEGV $$");
    EXPECT_EQ(crashed->ended(patience), "signal 11 (SIGSEGV)");
    auto alive = shell("read -r line");
    EXPECT_EQ(alive->ended(std::chrono::milliseconds(1)), std::nullopt);
}

TEST(PosixProcess, WritingToADeadProcessIsAnErrorAndNoSignal) {
    auto child = shell("exit 0");
    ASSERT_TRUE(child->ended(patience));
    Status status = child->write_line("hello");
    for (int i = 0; i < 3 && status; ++i) status = child->write_line("hello");
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("has closed its input"), std::string::npos);
}

TEST(PosixProcess, WritesALineLargerThanThePipe) {
    auto child = shell("wc -c", 1000);
    const std::string large(300'000, 'x');
    ASSERT_TRUE(child->write_line(large));
    EXPECT_EQ(child->ended(std::chrono::milliseconds(1)), std::nullopt);
}

TEST(PosixProcess, KeepsTheEndOfStderrAndNeverBlocksOnIt) {
    auto child = shell(
        "i=0; while [ $i -lt 3000 ]; do echo \"a line of noise that fills the pipe $i\" >&2; "
        "i=$((i+1)); done; echo 'the reason' >&2; echo done");
    EXPECT_EQ(line_of(*child), "done");
    ASSERT_TRUE(child->ended(patience));
    const std::string tail = child->stderr_tail();
    EXPECT_LE(tail.size(), 4096u);
    EXPECT_GE(tail.size(), 4000u);
    EXPECT_EQ(tail.substr(tail.size() - 11), "the reason\n");
}

TEST(PosixProcess, KillsOneThatIgnoresTheRequestAndItsChildren) {
    auto child = shell(
        "trap '' TERM; (trap '' TERM; echo $$ >/dev/null; exec sleep 1000) & echo $!; sleep 1000; "
        "sleep 1000");
    const auto grandchild = static_cast<pid_t>(*parse_integer(line_of(*child)));
    const pid_t pid = child->pid();
    EXPECT_TRUE(is_running(grandchild));
    child->kill();
    EXPECT_FALSE(is_running(pid));
    EXPECT_TRUE(ends_in_time(grandchild));
    EXPECT_EQ(child->ended(std::chrono::milliseconds(0)), "signal 9 (SIGKILL)");
}

TEST(PosixProcess, KillsTheChildrenOfOneThatHasEnded) {
    auto child = shell("(trap '' TERM; exec sleep 1000 >/dev/null) & echo $!");
    const auto grandchild = static_cast<pid_t>(*parse_integer(line_of(*child)));
    ASSERT_EQ(child->ended(patience), "exit code 0");
    EXPECT_TRUE(is_running(grandchild));
    child->kill();
    EXPECT_TRUE(ends_in_time(grandchild));
}

TEST(PosixProcess, DestructionLeavesNoProcessZombieOrDescriptor) {
    const int descriptors = open_descriptors();
    pid_t pid = 0;
    {
        auto child = shell("echo up; exec sleep 1000");
        line_of(*child);
        pid = child->pid();
        EXPECT_EQ(::getpgid(pid), pid);
    }
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(PosixProcess, HandsDownNothingButTheThreeStandardStreams) {
    // Even one that was opened without close-on-exec.
    const int leaked = ::open("/dev/null", O_RDONLY);
    ASSERT_EQ(::dup2(leaked, 77), 77);
    auto child = shell("if [ -e /proc/$$/fd/77 ]; then echo leaked; else echo clean; fi");
    EXPECT_EQ(line_of(*child), "clean");
    ::close(77);
    ::close(leaked);
}

TEST(PosixProcess, NoticesItsEndThoughAChildHoldsItsOutput) {
    auto child = shell("sleep 1000 & echo up; exit 3");
    EXPECT_EQ(line_of(*child), "up");
    EXPECT_EQ(child->read_line(patience).status, ReadStatus::closed);
    EXPECT_EQ(child->ended(std::chrono::milliseconds(0)), "exit code 3");
}

TEST(PosixProcess, GivesAllLinesThatWereWrittenBeforeTheEnd) {
    auto child = shell("sleep 1000 & echo one; echo two; exit 3");
    ASSERT_EQ(child->ended(patience), "exit code 3");
    EXPECT_EQ(line_of(*child), "one");
    EXPECT_EQ(line_of(*child), "two");
    EXPECT_EQ(child->read_line(patience).status, ReadStatus::closed);
}

// In a session of its own, with another parent and nothing of our environment.
constexpr const char* runaway =
    "setsid sh -c 'env -i sh -c \"echo \\$\\$; exec sleep 1000\" & exit' ; ";

TEST(PosixProcess, KillsWhatLeftItsSession) {
    for (const char* then : {"read -r line", "exit 3", "kill -9 $$"}) {
        auto child = shell(std::string(runaway) + "read -r line; " + then);
        const auto far = static_cast<pid_t>(*parse_integer(line_of(*child)));
        ASSERT_TRUE(child->write_line("go on"));
        if (std::string(then) != "read -r line") {
            ASSERT_TRUE(child->ended(patience)) << then;
        }
        EXPECT_TRUE(is_running(far)) << then;
        child->kill();
        EXPECT_TRUE(ends_in_time(far)) << then;
    }
}

TEST(PosixProcess, LeavesChildrenOfOthersAlone) {
    const pid_t other = ::fork();
    if (other == 0) {
        ::setsid();
        ::execlp("sleep", "sleep", "1000", nullptr);
        ::_exit(1);
    }
    auto child = shell("sleep 1000 & read -r line");
    child->kill();
    EXPECT_TRUE(is_running(other));
    ::kill(other, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(other, &status, 0), other) << "and they are theirs to wait for";
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(PosixProcess, IsToldWhenItsKeeperIsKilled) {
    auto child = shell("echo $PPID; read -r line");
    const auto keeper = static_cast<pid_t>(*parse_integer(line_of(*child)));
    ASSERT_EQ(::kill(keeper, SIGKILL), 0);
    EXPECT_EQ(child->ended(patience), "lost: the process that watched it was killed");
    EXPECT_TRUE(ends_in_time(child->pid()));
}

TEST(PosixProcess, AddsReplacesAndRemovesVariables) {
    ::setenv("PEAKWARD_KEPT", "kept", 1);
    ::setenv("PEAKWARD_REMOVED", "old", 1);
    auto child = posix_launcher()->spawn(
        {{"/bin/sh", "-c", "echo $PEAKWARD_KEPT-$PEAKWARD_WORD-${PEAKWARD_REMOVED-none}"},
         {{"PEAKWARD_WORD", "new"}, {"PEAKWARD_REMOVED", ""}},
         1000});
    ::unsetenv("PEAKWARD_KEPT");
    ::unsetenv("PEAKWARD_REMOVED");
    ASSERT_TRUE(child.has_value());
    EXPECT_EQ(line_of(**child), "kept-new-none");
}

TEST(PosixProcess, LetsNoPythonLookIntoTheCurrentFolder) {
    const auto python_path = [](const char* value) {
        value ? ::setenv("PYTHONPATH", value, 1) : ::unsetenv("PYTHONPATH");
        std::string path = "unset";
        bool safe = false;
        for (const std::string& entry : child_environment()) {
            if (entry.starts_with("PYTHONPATH=")) path = entry.substr(entry.find('=') + 1);
            safe = safe || entry == "PYTHONSAFEPATH=1";
        }
        ::unsetenv("PYTHONPATH");
        EXPECT_TRUE(safe);
        return path;
    };
    EXPECT_EQ(python_path(nullptr), "unset");
    EXPECT_EQ(python_path("/a:/b c"), "/a:/b c");
    EXPECT_EQ(python_path(":/a:"), "/a");
    EXPECT_EQ(python_path("/a::.:lib:./x:/b"), "/a:/b");
    EXPECT_EQ(python_path(""), "unset");
    EXPECT_EQ(python_path(":"), "unset");
}

// Also what left its session.
TEST(PosixProcess, DiesWithUs) {
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    const pid_t host = ::fork();
    if (host == 0) {
        auto child = shell(std::string(runaway) + "read -r line");
        const pid_t pids[]{child->pid(), static_cast<pid_t>(*parse_integer(line_of(*child)))};
        [[maybe_unused]] const auto told = ::write(fds[1], pids, sizeof pids);
        ::kill(::getpid(), SIGKILL);
    }
    pid_t orphans[]{-1, -1};
    ASSERT_EQ(::read(fds[0], orphans, sizeof orphans), static_cast<ssize_t>(sizeof orphans));
    ::waitpid(host, nullptr, 0);
    for (const pid_t orphan : orphans) {
        ASSERT_GT(orphan, 0);
        EXPECT_TRUE(ends_in_time(orphan));
    }
    ::close(fds[0]);
    ::close(fds[1]);
}

}  // namespace
}  // namespace peakward
