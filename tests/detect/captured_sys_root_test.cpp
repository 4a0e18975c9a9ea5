#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/posix.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

using ::testing::HasSubstr;

class CapturedSysRoot : public testing::Test {
protected:
    CapturedSysRoot() {
        outside_ = fmt::format("{}/captured_{}", testing::TempDir(), ::getpid());
        folder_ = outside_ + "/machine";
        std::filesystem::create_directories(folder_);
    }
    ~CapturedSysRoot() override { std::filesystem::remove_all(outside_); }

    void write(const std::string& path, const std::string& content) {
        const std::filesystem::path host = folder_ + path;
        std::filesystem::create_directories(host.parent_path());
        std::ofstream(host, std::ios::binary) << content;
    }
    void link(const std::string& path, const std::string& target) {
        const std::filesystem::path host = folder_ + path;
        std::filesystem::create_directories(host.parent_path());
        std::filesystem::create_symlink(target, host);
    }
    std::unique_ptr<SysRoot> open() {
        auto root = captured_sys_root(folder_);
        EXPECT_TRUE(root) << root.error().message;
        return std::move(*root);
    }

    std::string outside_, folder_;
};

TEST_F(CapturedSysRoot, FollowsLinksAsIfTheFolderWereTheRoot) {
    write("/sys/devices/pci/card/vendor", "0x10de\n");
    link("/sys/bus/pci/0000:01:00.0", "../../devices/pci/card");
    link("/sys/class/drm/card0/device", "/sys/devices/pci/card");
    const auto root = open();
    EXPECT_EQ(root->read("/sys/bus/pci/0000:01:00.0/vendor"), "0x10de\n");
    EXPECT_EQ(root->read("/sys/class/drm/card0/device/vendor"), "0x10de\n");
    EXPECT_EQ(root->read_link("/sys/bus/pci/0000:01:00.0"), "../../devices/pci/card");
    EXPECT_EQ(root->list("/sys/bus/pci/0000:01:00.0/"), std::vector<std::string>{"vendor"});
    EXPECT_TRUE(root->exists("/sys/class/drm/card0/device"));
}

TEST_F(CapturedSysRoot, LetsNothingLeadOutOfTheFolder) {
    std::ofstream(outside_ + "/secret") << "secret";
    link("/absolute", outside_ + "/secret");
    link("/relative", "../secret");
    link("/folder", "../..");
    link("/loop", "loop");
    write("/inside", "inside");
    const auto root = open();
    for (const char* path :
         {"/../secret", "/../../../../../../etc/passwd", "/absolute", "/relative", "/folder/secret",
          "/inside/../../secret", "../secret", "/loop"})
        EXPECT_FALSE(root->read(path)) << path;
    EXPECT_FALSE(root->exists("/../secret"));
    EXPECT_EQ(*root->list("/folder"), *root->list("/"));
    EXPECT_EQ(root->read("/../inside"), "inside");
    EXPECT_FALSE(root->run({"../../secret"}, Nanoseconds(0)));
    EXPECT_FALSE(root->run({".."}, Nanoseconds(0)));
}

TEST_F(CapturedSysRoot, RefusesWhatTheHostRefused) {
    write("/proc/cpuinfo", "x");
    write("/sys/firmware/dmi/tables/DMI", "x");
    write("/sys/firmware/dmi-other", "x");
    write("/commands/nvidia-smi.txt", "x");
    write("/machine.json", R"({"denied": ["/sys/firmware/dmi", "cpuid"], "slow": ["/proc/cpuinfo",
        "command:nvidia-smi"], "malformed": ["/a"], "missing": ["/machine.json"]})");
    write("/cpuid/pu0", "1 0 0 0 0 => 1 2 3 4\n");
    const auto root = open();
    EXPECT_EQ(root->read("/proc/cpuinfo").error().absence, Absence::slow);
    EXPECT_EQ(root->read("/sys/firmware/dmi/tables/DMI").error().absence, Absence::denied);
    EXPECT_EQ(root->list("/sys/firmware/dmi").error().absence, Absence::denied);
    EXPECT_TRUE(root->read("/sys/firmware/dmi-other"));
    EXPECT_EQ(root->read("/a").error().absence, Absence::malformed);
    EXPECT_EQ(root->read("/machine.json").error().absence, Absence::missing);
    EXPECT_EQ(root->run({"/usr/bin/nvidia-smi"}, Nanoseconds(0)).error().absence, Absence::slow);
    EXPECT_EQ(root->cpuid(0, 0, 0).error().absence, Absence::denied);
}

TEST_F(CapturedSysRoot, AnswersCpuidByTheInputsThatTheMaskNames) {
    write("/cpuid/pu1",
          "# mask e[abcd]x => e[abcd]x\n1 0 0 0 0 => 20 756e6547 6c65746e 49656e69\n"
          "5 4 0 1 0 => a b c d\n5 4 0 2 0 => e f 10 11\nbroken line\n1 zz 0 0 0 => 1 1 1 1\n");
    const auto root = open();
    // Leaf 0 does not look at the sub-leaf.
    EXPECT_EQ(root->cpuid(1, 0, 77)->ebx, 0x756e6547u);
    EXPECT_EQ(root->cpuid(1, 4, 2)->eax, 0xeu);
    EXPECT_EQ(root->cpuid(1, 4, 3).error().absence, Absence::missing);
    EXPECT_EQ(root->cpuid(0, 0, 0).error().absence, Absence::missing);
    EXPECT_EQ(*root->affinity(), std::vector<int>{1});
}

TEST_F(CapturedSysRoot, PlaysBackCommands) {
    write("/commands/python3.txt", "usual\n");
    const std::string argv("python3\0-V\0", 11);
    write("/commands/python3-" + sha256_hex(argv).substr(0, 8) + ".txt", "# exit 3\nversion\n");
    const auto root = open();
    EXPECT_EQ(root->run({"/opt/bin/python3"}, Nanoseconds(0))->out, "usual\n");
    const auto exact = root->run({"python3", "-V"}, Nanoseconds(0));
    EXPECT_EQ(exact->out, "version\n");
    EXPECT_EQ(exact->exit_code, 3);
    EXPECT_EQ(root->run({"gcc"}, Nanoseconds(0)).error().absence, Absence::missing);
}

TEST_F(CapturedSysRoot, SaysWhatIsWrongWithAFolder) {
    EXPECT_THAT(captured_sys_root("/no/such/folder").error().message, HasSubstr("/no/such/folder"));
    write("/machine.json", "{\"affinity\": \"all\"}");
    EXPECT_THAT(captured_sys_root(folder_).error().message, HasSubstr("machine.json"));
    write("/machine.json", "{");
    EXPECT_FALSE(captured_sys_root(folder_));
}

}  // namespace
}  // namespace peakward
