#include "measure/energy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/memory_sys_root.hpp"
#include "measure/fakes/fakes.hpp"
#include "measure/run_case.hpp"

namespace peakward {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

// Two packages with their memory, and the zones that are parts of them or ways around them.
class Rapl : public testing::Test {
protected:
    Rapl() {
        zone("intel-rapl:0", "package-0", 1'000'000);
        zone("intel-rapl:0:0", "core", 700'000);
        zone("intel-rapl:0:1", "dram", 50'000);
        zone("intel-rapl:1", "package-1", 2'000'000);
        zone("intel-rapl:2", "psys", 9'000'000);
        zone("intel-rapl-mmio:0", "package-0", 1'000'000);
        root_.file("/sys/class/powercap/intel-rapl/enabled", "1\n");
    }
    void zone(const std::string& name, const std::string& domain, long energy_uj) {
        const std::string folder = "/sys/class/powercap/" + name;
        root_.file(folder + "/name", domain + "\n")
            .file(folder + "/energy_uj", std::to_string(energy_uj) + "\n")
            .file(folder + "/max_energy_range_uj", "262143328850\n");
    }
    ReadResult<EnergyReading> read() { return rapl_energy(root_, clock_).read(); }

    MemorySysRoot root_;
    fakes::FakeClock clock_;
};

TEST_F(Rapl, CountsEachPackageAndItsMemoryOnce) {
    clock_.now = std::chrono::seconds(5);
    const auto reading = read();
    ASSERT_TRUE(reading) << reading.error().reason;
    ASSERT_THAT(reading->counters, SizeIs(3));
    EXPECT_EQ(reading->counters[0].domain, "package-0");
    EXPECT_EQ(reading->counters[0].value_uj, 1'000'000u);
    EXPECT_EQ(reading->counters[1].domain, "dram-0");
    EXPECT_EQ(reading->counters[2].domain, "package-1");
    EXPECT_EQ(reading->counters[2].range_uj, 262143328850u);
    EXPECT_EQ(reading->at, std::chrono::seconds(5));
}

TEST_F(Rapl, SaysThatItIsNotAllowedToRead) {
    root_.absent("/sys/class/powercap/intel-rapl:0/energy_uj", Absence::denied);
    const auto reading = read();
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().absence, Absence::denied);
    EXPECT_THAT(reading.error().reason, HasSubstr("intel-rapl:0/energy_uj: permission denied"));
}

TEST_F(Rapl, RefusesWhatIsNoNumber) {
    root_.file("/sys/class/powercap/intel-rapl:1/energy_uj", "none\n");
    const auto reading = read();
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().absence, Absence::malformed);
}

TEST(Energy, IsMissingWhereTheKernelHasNoZones) {
    const MemorySysRoot guest;
    fakes::FakeClock clock;
    const auto reading = rapl_energy(guest, clock).read();
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().absence, Absence::missing);
}

EnergyReading at(std::uint64_t value_uj, std::uint64_t range_uj = 0) {
    return {Nanoseconds(0), {{"package-0", value_uj, range_uj}}};
}

TEST(Energy, IsTheDifferenceOfTwoReadings) {
    EXPECT_DOUBLE_EQ(joules_between(at(1'000'000), at(3'500'000)).value_or(-1), 2.5);
    EXPECT_DOUBLE_EQ(joules_between(at(7), at(7)).value_or(-1), 0);
}

TEST(Energy, GoesOnOverTheEndOfTheCounter) {
    EXPECT_DOUBLE_EQ(
        joules_between(at(9'000'000, 10'000'000), at(1'500'000, 10'000'000)).value_or(-1), 2.5);
}

TEST(Energy, OfACounterThatFellWithoutARangeIsNone) {
    EXPECT_FALSE(joules_between(at(9'000'000), at(1'000'000)));
    EXPECT_FALSE(joules_between(at(9'000'000, 5'000'000), at(1'000'000, 5'000'000)));
}

TEST(Energy, OfOtherCountersIsNone) {
    EnergyReading other = at(2);
    other.counters[0].domain = "package-1";
    EXPECT_FALSE(joules_between(at(1), other));
    other.counters.push_back(other.counters[0]);
    EXPECT_FALSE(joules_between(at(1), other));
}

// A device of 10 W that takes 40 W while it works; 2 ms an iteration.
class NetworkEnergy : public testing::Test {
protected:
    NetworkEnergy() {
        backend_.clock = &clock_;
        backend_.operations = {"resnet18"};
        backend_.precisions = {"fp32"};
        backend_.seconds = [](const Json&) { return 2e-3; };
        launcher_.scripts["fake"] = [this](const Json& request) {
            const Nanoseconds before = clock_.now;
            Json reply = backend_(request);
            if (request.at("verb") == "run") busy_ += clock_.now - before;
            return reply;
        };
        command_.backend = "fake";
        command_.argv = {"fake"};
        source_.update_period = std::chrono::milliseconds(1);
        source_.read = [this]() -> ReadResult<EnergyReading> {
            ++reads_;
            const double joules = watts_idle_ * Seconds(clock_.now).count() +
                                  (40 - watts_idle_) * Seconds(busy_).count();
            const auto total_uj = static_cast<std::uint64_t>(joules * 1e6) + 900'000;
            return EnergyReading{clock_.now, {{"package-0", total_uj % range_uj_, range_uj_}}};
        };
    }

    Measurement run(std::int64_t batch = 1) {
        const Case what{"resnet18", "fp32", {{"batch", batch}}, "cpu", "fake", 1};
        CaseOptions options;
        options.energy = &source_;
        options.energy_until = until_;
        WorkerPool pool({command_}, launcher_, clock_, stop_, WorkerLimits{});
        const auto measured = run_case(what, options, {pool, root_, clock_, stop_, steady_});
        EXPECT_TRUE(measured.has_value());
        return measured.value_or(Measurement{});
    }
    Energy energy(std::int64_t batch = 1) { return run(batch).energy.value_or(Energy{}); }

    double watts_idle_ = 10;
    std::uint64_t range_uj_ = 1'000'000'000'000;
    Nanoseconds busy_{0};
    std::optional<Nanoseconds> until_;
    int reads_ = 0;
    fakes::FakeClock clock_;
    fakes::FakeRoot root_;
    fakes::ScriptedLauncher launcher_{clock_};
    fakes::Backend backend_;
    fakes::StopAfter stop_;
    SteadyClocks steady_;
    WorkerCommand command_;
    EnergySource source_;
};

TEST_F(NetworkEnergy, IsWhatRunningAddsToTheIdleDevice) {
    const Energy found = energy();
    EXPECT_EQ(found.reason, "");
    EXPECT_NEAR(found.inference_j.value_or(0), 30 * 2e-3, 1e-5);
    EXPECT_LE(found.ci_low_j, *found.inference_j);
    EXPECT_GE(found.ci_high_j, *found.inference_j);
    EXPECT_GT(found.ci_low_j, 0);
    EXPECT_NEAR(found.idle_w, 10, 0.01);
    EXPECT_EQ(found.blocks, 6);
    EXPECT_EQ(found.domain, "package-0");
}

TEST_F(NetworkEnergy, IsThatOfOneImageOfABatch) {
    EXPECT_NEAR(energy(8).inference_j.value_or(0), 30 * 2e-3 / 8, 1e-5);
}

TEST_F(NetworkEnergy, SurvivesACounterThatStartsAgain) {
    range_uj_ = 5'000'000;  // about every eighth of a second
    EXPECT_NEAR(energy().inference_j.value_or(0), 30 * 2e-3, 1e-5);
}

TEST_F(NetworkEnergy, LastsTwentyUpdatesOfASlowCounter) {
    source_.update_period = std::chrono::milliseconds(100);
    energy();
    EXPECT_GE(busy_, std::chrono::seconds(12)) << "six blocks of 2 s";
}

TEST_F(NetworkEnergy, IsNotBegunThatTheBudgetHasNoRoomFor) {
    source_.update_period = std::chrono::milliseconds(100);  // 0.5 s to settle, 2 s idle, 6 x 2 s
    until_ = clock_.now + std::chrono::seconds(10);
    const int reads = reads_;
    const Measurement m = run();
    EXPECT_EQ(m.outcome, Outcome::measured) << "its time is as good as ever";
    ASSERT_TRUE(m.energy);
    EXPECT_FALSE(m.energy->inference_j);
    EXPECT_THAT(m.energy->reason, HasSubstr("the budget has no room"));
    EXPECT_EQ(reads_, reads) << "nothing was begun";
    EXPECT_LE(clock_.now, *until_);
}

TEST_F(NetworkEnergy, StopsWithTheBudgetWhenBlocksAreDisturbed) {
    source_.update_period = std::chrono::milliseconds(100);
    backend_.alter = [](Json& row, int) { row[4] = 3; };  // no block counts
    run();                                                // how long the case itself takes
    const Nanoseconds begin = clock_.now;
    run();
    const Nanoseconds whole = clock_.now - begin;
    until_ = clock_.now + whole - std::chrono::seconds(5);
    const Energy found = energy();
    EXPECT_THAT(found.reason, HasSubstr("the budget has no room"));
    EXPECT_LE(clock_.now, *until_);
}

TEST_F(NetworkEnergy, ThatCannotBeReadIsAReasonAndNoZero) {
    source_.read = []() -> ReadResult<EnergyReading> {
        return tl::make_unexpected(
            ReadFailure{Absence::denied, "/sys/class/powercap/x/energy_uj: permission denied"});
    };
    const Measurement m = run();
    EXPECT_EQ(m.outcome, Outcome::measured) << "its time is as good as ever";
    ASSERT_TRUE(m.energy);
    EXPECT_FALSE(m.energy->inference_j);
    EXPECT_THAT(m.energy->reason, AllOf(HasSubstr("permission denied"), HasSubstr("sudo chmod")));
}

TEST_F(NetworkEnergy, OfACounterThatStandsStillIsAReason) {
    source_.read = [this]() -> ReadResult<EnergyReading> {
        return EnergyReading{clock_.now, {{"package-0", 5, 10}}};
    };
    const Energy found = energy();
    EXPECT_FALSE(found.inference_j);
    EXPECT_THAT(found.reason, HasSubstr("stands still"));
}

TEST_F(NetworkEnergy, OfBlocksThatOthersDisturbedDoesNotCount) {
    backend_.alter = [](Json& row, int) { row[4] = 3; };  // switched away in every run
    const Energy found = energy();
    EXPECT_FALSE(found.inference_j);
    EXPECT_THAT(found.reason, HasSubstr("other work took the CPUs in 12 of 12 blocks"));
}

TEST_F(NetworkEnergy, OfADeviceThatIdlesAtNoLessPowerIsAReason) {
    watts_idle_ = 41;
    const Energy found = energy();
    EXPECT_FALSE(found.inference_j);
    EXPECT_THAT(found.reason, HasSubstr("no more than the 41.0 W"));
}

TEST_F(NetworkEnergy, IsNotAskedForWhereNobodyGaveASource) {
    const Case what{"resnet18", "fp32", {{"batch", std::int64_t{1}}}, "cpu", "fake", 1};
    WorkerPool pool({command_}, launcher_, clock_, stop_, WorkerLimits{});
    const auto measured = run_case(what, {}, {pool, root_, clock_, stop_, steady_});
    ASSERT_TRUE(measured);
    EXPECT_FALSE(measured->energy);
    EXPECT_EQ(reads_, 0);
}

}  // namespace
}  // namespace peakward
