#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "core/bounded_calls.hpp"
#include "core/posix.hpp"
#include "core/text.hpp"
#include "emulated.hpp"

namespace peakward {
namespace {

using ::testing::HasSubstr;

constexpr auto generous = std::chrono::seconds(30);

class LiveSysRoot : public testing::Test {
protected:
    LiveSysRoot() {
        folder_ = fmt::format("{}/live_sys_root_{}", testing::TempDir(), ::getpid());
        std::filesystem::create_directories(folder_);
    }
    ~LiveSysRoot() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& content) {
        std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
        return folder_ + "/" + name;
    }

    std::string folder_;
    std::unique_ptr<SysRoot> root_ = live_sys_root();
};

TEST_F(LiveSysRoot, ReadsFilesFoldersAndLinks) {
    const std::string file = write("b", std::string("one\0two", 7));
    write("a", "");
    std::filesystem::create_symlink("b", folder_ + "/link");
    EXPECT_EQ(root_->read(file), std::string("one\0two", 7));
    EXPECT_EQ(*root_->list(folder_), (std::vector<std::string>{"a", "b", "link"}));
    EXPECT_EQ(root_->read_link(folder_ + "/link"), "b");
    EXPECT_TRUE(root_->exists(file));
    EXPECT_FALSE(root_->exists(file + "x"));
}

TEST_F(LiveSysRoot, TellsApartWhyAFileCannotBeRead) {
    EXPECT_EQ(root_->read(folder_ + "/none").error().absence, Absence::missing);
    EXPECT_EQ(root_->read(folder_).error().absence, Absence::failed);
    EXPECT_EQ(root_->read_link(write("plain", "")).error().absence, Absence::malformed);
    EXPECT_EQ(root_->list(folder_ + "/none").error().absence, Absence::missing);
    EXPECT_THAT(root_->read(folder_ + "/none").error().reason, HasSubstr(folder_ + "/none"));
}

TEST_F(LiveSysRoot, DoesNotWaitForTheOtherEndOfAPipe) {
    const std::string pipe = folder_ + "/pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(root_->read(pipe).error().absence, Absence::failed);
    EXPECT_EQ(root_->read("/dev/zero").error().absence, Absence::failed);
}

TEST_F(LiveSysRoot, GivesTheFirstMebibyteOfALargeFile) {
    const auto content = root_->read(write("large", std::string(3u << 20, 'x')));
    ASSERT_TRUE(content);
    EXPECT_EQ(content->size(), 1u << 20);
}

TEST(BoundedCalls, GiveUpACallThatNeverReturnsAndRememberIt) {
    std::promise<void> release;
    const auto released = release.get_future().share();
    BoundedCalls calls(std::chrono::milliseconds(20));
    int asked = 0;
    const std::function<ReadResult<int>()> hang = [released, &asked]() -> ReadResult<int> {
        ++asked;
        released.wait();
        return 1;
    };
    EXPECT_EQ(calls.within_limit<int>("/sys/slow", hang).error().absence, Absence::slow);
    EXPECT_EQ(calls.within_limit<int>("/sys/slow", hang).error().absence, Absence::slow);
    EXPECT_EQ(asked, 1);
    // The next file is served by a new helper.
    const std::function<ReadResult<int>()> quick = []() -> ReadResult<int> { return 2; };
    BoundedCalls patient(generous);
    EXPECT_EQ(patient.within_limit<int>("/sys/quick", quick), 2);
    release.set_value();
}

#if defined(__x86_64__)
TEST_F(LiveSysRoot, ExecutesCpuidOnTheCpuThatWasAsked) {
    const auto cpus = root_->affinity();
    ASSERT_TRUE(cpus);
    for (const int cpu : *cpus) {
        const auto identity = root_->cpuid(cpu, 1, 0);
        ASSERT_TRUE(identity) << identity.error().reason;
        const auto topology = root_->cpuid(cpu, 0xb, 0);
        if (!topology || cpus->size() < 2) continue;
        const auto other =
            root_->cpuid(cpu == cpus->front() ? cpus->back() : cpus->front(), 0xb, 0);
        ASSERT_TRUE(other);
        EXPECT_NE(topology->edx, other->edx) << "two CPUs with one APIC id";
    }
    EXPECT_EQ(root_->cpuid(cpus->front(), 0x3fffffff, 0).error().absence, Absence::missing);
    EXPECT_EQ(root_->cpuid(cpus->front(), 0x8fffffff, 0).error().absence, Absence::missing);
    EXPECT_FALSE(root_->cpuid(60000, 0, 0));
    EXPECT_FALSE(root_->cpuid(-1, 0, 0));
    // Asking has not pinned this process.
    EXPECT_EQ(*root_->affinity(), *cpus);
}
#else
TEST_F(LiveSysRoot, HasNoCpuidOffX86) {
    EXPECT_EQ(root_->cpuid(0, 0, 0).error().absence, Absence::missing);
}
#endif

TEST_F(LiveSysRoot, RunsACommandWithoutAShell) {
    SKIP_IF_EMULATED();
    const auto said = root_->run({"echo", "$HOME", "two words"}, generous);
    ASSERT_TRUE(said) << said.error().reason;
    EXPECT_EQ(said->out, "$HOME two words\n");
    EXPECT_EQ(said->exit_code, 0);
    const auto failing = root_->run({"sh", "-c", "echo oh >&2; exit 7"}, generous);
    ASSERT_TRUE(failing);
    EXPECT_EQ(failing->exit_code, 7);
    EXPECT_EQ(failing->err, "oh\n");
    EXPECT_EQ(root_->run({"sh", "-c", "kill -9 $$"}, generous)->exit_code, 128 + 9);
    EXPECT_EQ(root_->run({"no-such-command-here"}, generous).error().absence, Absence::missing);
    EXPECT_EQ(root_->run({}, generous).error().absence, Absence::missing);
    EXPECT_EQ(root_->run({write("not-executable", "x")}, generous).error().absence,
              Absence::denied);
}

TEST_F(LiveSysRoot, GivesCommandsAnEmptyInputAndBoundsTheirOutput) {
    EXPECT_EQ(root_->run({"cat"}, generous)->out, "");
    EXPECT_EQ(root_->run({"head", "-c", "3000000", "/dev/zero"}, generous)->out.size(), 1u << 20);
}

// True when the process is gone (or a zombie that its new parent has not collected yet).
bool is_gone(int pid) {
    std::ifstream status(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(status, line);
    return line.empty() || line.find(") Z ") != std::string::npos;
}

bool is_gone_soon(int pid) {
    for (int tries = 0; tries < 3000 && !is_gone(pid); ++tries) ::usleep(10000);
    return is_gone(pid);
}

TEST_F(LiveSysRoot, KillsASlowCommandWithEverythingItStarted) {
    const std::string file = folder_ + "/pids";
    const std::string script =
        fmt::format("sleep 1000 & echo $$ $! > {0}.new; mv {0}.new {0}; wait", file);
    // The limit is long enough for the shell to have started its child in every case that counts.
    std::vector<int> pids;
    for (int seconds = 1; pids.empty() && seconds <= 16; seconds *= 2) {
        const auto slow = root_->run({"sh", "-c", script}, std::chrono::seconds(seconds));
        ASSERT_FALSE(slow);
        EXPECT_EQ(slow.error().absence, Absence::slow);
        std::ifstream stream(file);
        for (int pid = 0; stream >> pid;) pids.push_back(pid);
    }
    ASSERT_EQ(pids.size(), 2u);
    EXPECT_TRUE(is_gone_soon(pids[0]));
    EXPECT_TRUE(is_gone_soon(pids[1]));
}

TEST_F(LiveSysRoot, DoesNotWaitForABackgroundChildThatKeepsThePipeOpen) {
    const auto said = root_->run({"sh", "-c", "sleep 1000 & echo $!"}, generous);
    ASSERT_TRUE(said) << said.error().reason;
    EXPECT_TRUE(is_gone_soon(static_cast<int>(parse_integer(said->out).value_or(0))));
}

TEST_F(LiveSysRoot, LetsNoPythonLookIntoTheCurrentFolder) {
    ::setenv("PYTHONPATH", ":/a:.", 1);
    const auto seen = root_->run({"sh", "-c", "echo $PYTHONPATH $PYTHONSAFEPATH"}, generous);
    ::unsetenv("PYTHONPATH");
    ASSERT_TRUE(seen) << seen.error().reason;
    EXPECT_EQ(seen->out, "/a 1\n");
}

TEST_F(LiveSysRoot, KnowsItsArchitectureAndCpus) {
    EXPECT_FALSE(root_->architecture().empty());
    ASSERT_TRUE(root_->affinity());
    EXPECT_FALSE(root_->affinity()->empty());
    EXPECT_TRUE(root_->is_live());
}

}  // namespace
}  // namespace peakward
