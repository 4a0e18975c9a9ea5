#include "measure/pressure.hpp"

#include <gtest/gtest.h>

#include "measure/fakes/fakes.hpp"

namespace peakward {
namespace {

class Pressure : public testing::Test {
protected:
    PressureReading read(const std::string& stat, const std::string& psi, double at_s) {
        root_.files.clear();
        if (!stat.empty()) root_.files["/proc/stat"] = stat;
        if (!psi.empty()) root_.files["/proc/pressure/cpu"] = psi;
        clock_.now = std::chrono::duration_cast<Nanoseconds>(Seconds(at_s));
        return read_pressure(root_, clock_);
    }
    fakes::FakeRoot root_;
    fakes::FakeClock clock_;
};

TEST_F(Pressure, IsTheShareOfStolenTicks) {
    const auto before = read("cpu  100 0 50 800 10 0 0 20 70 0\ncpu0 1 2 3\n", "", 0);
    const auto after = read("cpu  150 0 60 820 10 0 0 40 90 0\n", "", 1);
    // 50 + 10 + 20 + 20 ticks went by; guest time is in user time already.
    EXPECT_DOUBLE_EQ(*steal_percent(before, after), 20);
}

TEST_F(Pressure, IsTheShareOfTimeInWhichATaskWaited) {
    const auto before = read("", "some avg10=1.00 avg60=2.00 avg300=0.1 total=1000000\n", 10);
    const auto after =
        read("", "some avg10=1.00 avg60=2.00 avg300=0.1 total=1500000\nfull avg10=0 total=7\n", 12);
    EXPECT_DOUBLE_EQ(*psi_cpu_some_percent(before, after), 25);
}

TEST_F(Pressure, NeverExceedsAllOfTheTime) {
    const auto before = read("", "some avg10=0 total=0\n", 0);
    EXPECT_DOUBLE_EQ(*psi_cpu_some_percent(before, read("", "some avg10=0 total=1200000\n", 1)),
                     100);
}

TEST_F(Pressure, IsUnknownWhereItCannotBeRead) {
    const auto good = read("cpu 1 2 3 4 5 6 7 8\n", "some avg10=0 total=5\n", 1);
    const std::pair<const char*, const char*> bad_files[] = {
        {"", ""},
        {"cpu 1 2 3\n", "full total=9\n"},
        {"cpu a b c d e f g h\n", "some total=x\n"},
        {"cpux 1 2 3 4 5 6 7 8\n", "some total\n"},
        {"cpu 1 2 3 4 5 6 7 -8\n", "some total=-1\n"},
        {"\n", "\n"}};
    for (const auto& [stat, psi] : bad_files) {
        const auto bad = read(stat, psi, 2);
        EXPECT_FALSE(steal_percent(good, bad)) << stat;
        EXPECT_FALSE(steal_percent(bad, good)) << stat;
        EXPECT_FALSE(psi_cpu_some_percent(good, bad)) << psi;
        EXPECT_FALSE(psi_cpu_some_percent(bad, good)) << psi;
    }
}

TEST_F(Pressure, IsUnknownWhenNoTimeWentBy) {
    const auto reading = read("cpu 1 2 3 4 5 6 7 8\n", "some avg10=0 total=5\n", 1);
    EXPECT_FALSE(steal_percent(reading, reading));
    EXPECT_FALSE(psi_cpu_some_percent(reading, reading));
}

}  // namespace
}  // namespace peakward
