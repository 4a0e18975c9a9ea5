#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sys/wait.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/posix.hpp"
#include "core/records_json.hpp"
#include "detect/machines.hpp"

namespace peakward {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Scratch : public testing::Test {
protected:
    Scratch() {
        static int count = 0;
        folder_ = fmt::format("{}/detect_{}_{}", testing::TempDir(), ::getpid(), ++count);
        std::filesystem::create_directories(folder_);
    }
    ~Scratch() override { std::filesystem::remove_all(folder_); }
    std::string folder_;
};

class Capture : public Scratch {
protected:
    // Everything that was written, names and contents.
    static std::string all_text(const std::string& folder) {
        std::ostringstream all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            all << entry.path().lexically_relative(folder).string() << "\n";
            if (entry.is_regular_file())
                all << std::ifstream(entry.path(), std::ios::binary).rdbuf() << "\n";
        }
        return all.str();
    }
};

class CaptureOf : public Capture, public testing::WithParamInterface<const char*> {};

TEST_P(CaptureOf, IsDetectedAsTheMachineItWasMadeOf) {
    const std::string folder = folder_ + "/machine";
    const Status captured = capture_machine(*machine(GetParam()), folder);
    ASSERT_TRUE(captured) << captured.error().message;
    const auto again = captured_sys_root(folder);
    ASSERT_TRUE(again) << again.error().message;
    const Context before = detect_on(GetParam()), after = detect_on(**again);
    EXPECT_EQ(after.hardware.fingerprint, before.hardware.fingerprint);
    EXPECT_EQ(after.hardware.cpu.caches, before.hardware.cpu.caches);
    EXPECT_EQ(after.hardware.cpu.core_kinds, before.hardware.cpu.core_kinds);
    EXPECT_EQ(after.software.stack_digest, before.software.stack_digest);
}

INSTANTIATE_TEST_SUITE_P(Named, CaptureOf,
                         testing::Values("intel-i7-12700k", "amd-7950x-rx7900xtx",
                                         "nvidia-jetson-orin-nano", "kvm-guest-cascade-lake",
                                         "intel-i7-1370p-cpuid"),
                         [](const auto& tested) {
                             std::string name = tested.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST_F(Capture, LeavesOutWhoTheMachineBelongsTo) {
    ChangedMachine root("amd-7950x-rx7900xtx");
    root.file("/etc/hostname", "lab42.example.org\n");
    root.file("/sys/class/dmi/id/product_name", "box of lab42, 52:54:00:12:34:56\n");
    root.file("/etc/os-release", "ID=debian\nVERSION_ID=12\nHOME_URL=/home/alice/x\n");
    root.file("/proc/self/cgroup",
              "0::/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
    root.rewrite("/proc/cpuinfo",
                 [](const std::string& text) { return text + "\nSerial\t\t: 100000003d1d1c36\n"; });
    const Status captured = capture_machine(root, folder_ + "/machine");
    ASSERT_TRUE(captured) << captured.error().message;
    const std::string all = all_text(folder_ + "/machine");
    for (const char* secret :
         {"lab42", "52:54:00", "alice", "0123456789abcdef", "3d1d1c36", "12345678", "ASSET"})
        EXPECT_THAT(all, Not(HasSubstr(secret)));
    EXPECT_THAT(all, HasSubstr("Ryzen 9 7950X"));
}

TEST_F(Capture, LeavesIdentitiesOutOfWordsAndFilesOfAnyLength) {
    constexpr std::size_t letters = 200'000;
    ChangedMachine root("docker-half-cpu");
    root.file("/etc/os-release", "ID=debian\nHOME_URL=/home/alice" + std::string(letters, 'x') +
                                     "/y\nBUILD_ID=" + std::string(letters, 'e') + "\n");
    root.file("/proc/self/cgroup", std::string(2 * letters, ' ') +
                                       "/Users/bob/z 52:54:00:12:34:56 " +
                                       "3f2a9c1e-7b1d-4c55-9a43-0d1e2f3a4b5c");
    const Status captured = capture_machine(root, folder_ + "/machine");
    ASSERT_TRUE(captured) << captured.error().message;
    const std::string all = all_text(folder_ + "/machine");
    for (const char* secret : {"alice", "eeee", "bob", "52:54:00", "3f2a9c1e"})
        EXPECT_THAT(all, Not(HasSubstr(secret))) << secret;
    EXPECT_THAT(all, HasSubstr("HOME_URL=/home/user/y"));
}

TEST_F(Capture, KeepsWhatWasDenied) {
    const std::string folder = folder_ + "/machine";
    ASSERT_TRUE(capture_machine(*machine("docker-half-cpu"), folder));
    EXPECT_EQ((*captured_sys_root(folder))->read("/sys/firmware/dmi/tables/DMI").error().absence,
              Absence::denied);
}

TEST_F(Capture, DoesNotMixTwoMachines) {
    std::ofstream(folder_ + "/mine") << "x";
    const Status refused = capture_machine(*machine("docker-half-cpu"), folder_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("is not empty"));
    const Status below_a_file = capture_machine(*machine("docker-half-cpu"), folder_ + "/mine/x");
    ASSERT_FALSE(below_a_file);
    EXPECT_THAT(below_a_file.error().message, HasSubstr("mine/x"));
}

TEST_F(Capture, SaysThatTheDiskIsFull) {
    // A file that may not grow is what a full disk looks like to a program. In a child, whose
    // limits nobody else shares.
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit none{16, 16};
        ::setrlimit(RLIMIT_FSIZE, &none);
        const Status status = capture_machine(*machine("docker-half-cpu"), folder_ + "/machine");
        ::_exit(!status && status.error().message.find("cannot write") == 0 ? 42 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 42);
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/machine/machine.json"))
        << "half a capture must not look whole";
}

class InstallIdTest : public Scratch {};

TEST_F(InstallIdTest, IsMadeOnceAndKept) {
    const InstallId first = install_id(folder_ + "/deep/state");
    EXPECT_EQ(first.id.size(), 36u);
    EXPECT_EQ(first.id[14], '4') << "a random UUID is version 4";
    EXPECT_EQ(first.note, "");
    EXPECT_EQ(install_id(folder_ + "/deep/state").id, first.id);
    EXPECT_NE(install_id(folder_ + "/other").id, first.id) << "same hardware, another installation";
    TickingClock clock;
    DetectOptions options;
    options.state_folder = folder_ + "/deep/state";
    EXPECT_EQ(detect(*machine("docker-half-cpu"), clock, options).install, first.id);
}

TEST_F(InstallIdTest, IsOneForProcessesThatStartTogether) {
    constexpr int processes = 16;
    std::vector<pid_t> children;
    for (int i = 0; i < processes; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            std::ofstream(fmt::format("{}/seen{}", folder_, i))
                << install_id(folder_ + "/state").id;
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    std::set<std::string> seen;
    for (int i = 0; i < processes; ++i) {
        std::ifstream file(fmt::format("{}/seen{}", folder_, i));
        std::string id;
        std::getline(file, id);
        seen.insert(id);
    }
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_EQ(*seen.begin(), install_id(folder_ + "/state").id);
    // No temporary file stays behind.
    const auto left = std::filesystem::directory_iterator(folder_ + "/state");
    EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

TEST_F(InstallIdTest, SaysThatItCannotBeKept) {
    std::ofstream(folder_ + "/file") << "x";
    const InstallId first = install_id(folder_ + "/file/state");
    EXPECT_EQ(first.id.size(), 36u);
    EXPECT_THAT(first.note, HasSubstr("cannot be kept"));
    EXPECT_NE(install_id(folder_ + "/file/state").id, first.id);
}

TEST_F(InstallIdTest, ADamagedFileIsNeitherUsedNorReplaced) {
    std::filesystem::create_directories(folder_ + "/state");
    std::ofstream(folder_ + "/state/install_id") << "not an id\n";
    const InstallId first = install_id(folder_ + "/state");
    EXPECT_THAT(first.note, HasSubstr("is damaged"));
    EXPECT_NE(install_id(folder_ + "/state").id, first.id);
    EXPECT_EQ(*read_whole_file(folder_ + "/state/install_id"), "not an id\n");
}

TEST_F(InstallIdTest, ADamagedFileIsPutAsideAndSaid) {
    std::filesystem::create_directories(folder_ + "/state");
    std::ofstream(folder_ + "/state/install_id") << "not an id\n";
    const std::string note = put_damaged_install_id_aside(folder_ + "/state");
    EXPECT_THAT(note, HasSubstr("was damaged and is replaced"));
    std::string aside;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/state"))
        aside = entry.path().string();
    EXPECT_THAT(aside, HasSubstr("/install_id.damaged-"));
    EXPECT_THAT(note, HasSubstr(aside));
    EXPECT_EQ(*read_whole_file(aside), "not an id\n");
    const InstallId made = install_id(folder_ + "/state");
    EXPECT_EQ(made.note, "");
    EXPECT_EQ(install_id(folder_ + "/state").id, made.id);
    EXPECT_EQ(put_damaged_install_id_aside(folder_ + "/state"), "");
    EXPECT_EQ(put_damaged_install_id_aside(folder_ + "/none"), "");
}

TEST_F(InstallIdTest, AFileThatCannotBeReadIsNotDamaged) {
    std::filesystem::create_directories(folder_ + "/state/install_id");
    EXPECT_THAT(install_id(folder_ + "/state").note, HasSubstr("cannot be kept"));
    EXPECT_EQ(put_damaged_install_id_aside(folder_ + "/state"), "");
}

}  // namespace
}  // namespace peakward
