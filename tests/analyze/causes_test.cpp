#include "analyze/causes.hpp"

#include <gmock/gmock.h>

#include "analyze/planted.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

RunFacts facts(const std::string& driver, const std::string& torch) {
    RunFacts f;
    f.peakward_version = "0.1.0";
    f.components = {{"gpu_driver_version", driver}, {"pytorch_version", torch}};
    f.firmware = {{"cpu_microcode", "0x2c"}};
    f.environment = {
        {"power_mode", "performance"}, {"thermal_state", "cool"}, {"clock_mhz", "3000"}};
    return f;
}

LikelyCause cause_of(const RunFacts& before, const RunFacts& after,
                     const ChangeHistory* history = nullptr, bool suspected = false) {
    DropSides sides;
    sides.before = {&before};
    sides.after = {&after};
    sides.change_percent = -5;
    sides.key.device = "cuda:0";
    sides.key.backend = "pytorch";
    sides.suspected = suspected;
    return likely_cause(sides, history);
}

TEST(Causes, OneDifferenceIsNamed) {
    const auto found = cause_of(facts("560.35", "2.4.0"), facts("560.40", "2.4.0"));
    EXPECT_THAT(found.cause, HasSubstr("GPU driver 560.35 -> 560.40"));
    EXPECT_THAT(found.recommendation, HasSubstr("rollback to 560.35"));
    EXPECT_FALSE(found.confounded);
    EXPECT_TRUE(found.software_changed);
}

TEST(Causes, FirmwareIsADifference) {
    RunFacts after = facts("1", "2");
    after.firmware["cpu_microcode"] = "0x2d";
    EXPECT_THAT(cause_of(facts("1", "2"), after).cause, HasSubstr("CPU microcode 0x2c -> 0x2d"));
}

TEST(Causes, WithoutADifferenceTheSoftwareDidNotChange) {
    const auto found = cause_of(facts("1", "2"), facts("1", "2"));
    EXPECT_THAT(found.differences, IsEmpty());
    EXPECT_THAT(found.cause, HasSubstr("the software did not change"));
    EXPECT_THAT(found.recommendation, HasSubstr("clock"));
}

TEST(Causes, AShiftOfTheEnvironmentAloneIsNamedAsThat) {
    RunFacts after = facts("1", "2");
    after.environment["thermal_state"] = "throttled";
    const auto found = cause_of(facts("1", "2"), after);
    EXPECT_THAT(found.cause, HasSubstr("the software did not change"));
    EXPECT_THAT(found.cause, HasSubstr("thermal state cool -> throttled"));
    EXPECT_FALSE(found.software_changed);
}

TEST(Causes, ClocksDifferFromThreePercentOn) {
    RunFacts near_by = facts("1", "2"), slow = near_by;
    near_by.environment["clock_mhz"] = "2950";
    slow.environment["clock_mhz"] = "2600";
    EXPECT_THAT(cause_of(facts("1", "2"), near_by).differences, IsEmpty());
    EXPECT_THAT(cause_of(facts("1", "2"), slow).cause, HasSubstr("CPU clock in MHz 3000 -> 2600"));
}

TEST(Causes, SeveralAreConfoundedAndSaySo) {
    const auto found = cause_of(facts("560.35", "2.4.0"), facts("560.40", "2.5.0"));
    EXPECT_TRUE(found.confounded);
    EXPECT_THAT(found.cause, HasSubstr("confounded: 2 things"));
    EXPECT_THAT(found.recommendation, HasSubstr("one thing at a time"));
    EXPECT_EQ(found.differences.front().name, "pytorch_version") << "the backend itself, untested";
}

TEST(Causes, TheSameChangeElsewhereRanksThem) {
    // Elsewhere: the driver alone cost 5 %, PyTorch alone nothing.
    Series driver = planted::series({{3, 1000}, {3, 950}}, 0, 1);
    Series torch = planted::series({{3, 1000}, {3, 1001}}, 0, 2);
    for (SeriesPoint& point : driver.points) point.stack = point.stack == 0 ? 0 : 1;
    for (SeriesPoint& point : torch.points) point.stack = point.stack == 0 ? 0 : 2;
    // The drop itself: both at once, on another series. It must not count as evidence.
    Series both = planted::series({{3, 1000}, {3, 800}}, 0, 3);
    for (SeriesPoint& point : both.points) point.stack = point.stack == 0 ? 0 : 3;
    const std::vector<const Series*> all{&driver, &torch, &both};
    using Components = std::map<std::string, std::string>;
    const ChangeHistory history(
        all, {Components{{"gpu_driver_version", "560.35"}, {"pytorch_version", "2.4.0"}},
              Components{{"gpu_driver_version", "560.40"}, {"pytorch_version", "2.4.0"}},
              Components{{"gpu_driver_version", "560.35"}, {"pytorch_version", "2.5.0"}},
              Components{{"gpu_driver_version", "560.40"}, {"pytorch_version", "2.5.0"}}});
    const auto found = cause_of(facts("560.35", "2.4.0"), facts("560.40", "2.5.0"), &history);
    ASSERT_THAT(found.differences, SizeIs(2));
    EXPECT_EQ(found.differences[0].name, "gpu_driver_version");
    EXPECT_EQ(found.differences[0].places, 1);
    EXPECT_NEAR(found.differences[0].effect_percent, -5, 0.1);
    EXPECT_NEAR(found.differences[1].effect_percent, 0.1, 0.1);
    EXPECT_TRUE(found.confounded);
}

TEST(Causes, OnlyWhatHoldsOnAllRunsOfASideIsADifference) {
    RunFacts cool = facts("1", "2"), warm = cool, after = cool;
    warm.environment["thermal_state"] = "warm";
    after.environment["thermal_state"] = "warm";
    const std::vector<const RunFacts*> before{&warm, &cool}, now{&after};
    EXPECT_THAT(differences_between(before, now), IsEmpty());
}

TEST(Causes, WhatIsUnknownOnOneSideIsNoCauseBesideWhatIsKnown) {
    RunFacts before = facts("560.35", "2.4.0"), after = facts("560.40", "2.4.0");
    before.components["blas_library"] = std::nullopt;
    after.components["blas_library"] = "OpenBLAS 0.3.21";
    EXPECT_THAT(cause_of(before, after).differences, SizeIs(1));
}

TEST(Causes, ASuspicionAsksForAnotherRunFirst) {
    EXPECT_THAT(cause_of(facts("1", "2"), facts("2", "2"), nullptr, true).recommendation,
                HasSubstr("calibrate --confirm"));
    EXPECT_THAT(cause_of(facts("1", "2"), facts("2", "2")).recommendation,
                Not(HasSubstr("--confirm")));
}

TEST(Causes, WithoutFactsItIsUnknown) {
    EXPECT_THAT(likely_cause({}, nullptr).cause, HasSubstr("unknown"));
}

// A side whose products of matrices ran so.
RunFacts ran(const std::string& implementation, const std::string& variable = "") {
    RunFacts f = facts("560", "2.4.0");
    Case what;
    what.operation = "gemm";
    what.precision = "fp32";
    what.device = "cpu";
    what.backend = "blas";
    f.implementations = {{what, implementation}};
    if (!variable.empty()) f.components["OPENBLAS_CORETYPE"] = variable;
    return f;
}

LikelyCause cause_of_blas(const RunFacts& before, const RunFacts& after) {
    DropSides sides;
    sides.before = {&before};
    sides.after = {&after};
    sides.change_percent = -80;
    sides.key = planted::key();
    return likely_cause(sides, nullptr);
}

const std::string zen = "OpenBLAS 0.3.21 Zen pthreads";
const std::string prescott = "OpenBLAS 0.3.21 Prescott pthreads";

TEST(Causes, OtherKernelsUnderTheSameVersionsAreTheCause) {
    const auto found = cause_of_blas(ran(zen), ran(prescott));
    EXPECT_THAT(found.cause, HasSubstr("OpenBLAS kernels Zen -> Prescott"));
    EXPECT_THAT(found.cause, Not(HasSubstr("did not change")));
    EXPECT_THAT(found.recommendation, HasSubstr("OPENBLAS_CORETYPE"));
    EXPECT_TRUE(found.software_changed);
    EXPECT_FALSE(found.confounded);
    ASSERT_THAT(found.differences, SizeIs(1));
    EXPECT_EQ(found.differences[0].kind, DifferenceKind::implementation);
    EXPECT_EQ(found.differences[0].after, prescott);
}

TEST(Causes, KernelsOutrankAShiftOfTheEnvironment) {
    RunFacts after = ran(prescott);
    after.environment["clock_mhz"] = "3400";
    const auto found = cause_of_blas(ran(zen), after);
    EXPECT_THAT(found.cause, testing::StartsWith("another implementation ran: OpenBLAS kernels"));
    EXPECT_THAT(found.cause, HasSubstr("CPU clock in MHz 3000 -> 3400"));
    EXPECT_TRUE(found.confounded);
}

TEST(Causes, AVariableThatChoseOtherKernelsIsNamed) {
    const auto found = cause_of_blas(ran(zen), ran(prescott, "Prescott"));
    EXPECT_THAT(found.cause, HasSubstr("OPENBLAS_CORETYPE not set -> Prescott"));
    EXPECT_THAT(found.cause, HasSubstr("with it OpenBLAS kernels Zen -> Prescott"));
    EXPECT_THAT(found.recommendation, HasSubstr("unset OPENBLAS_CORETYPE"));
    EXPECT_FALSE(found.confounded);
}

TEST(Causes, OfSeveralTheVariableOfTheLibraryThatChoseOthersComesFirst) {
    RunFacts after = ran(prescott, "Prescott");
    after.components["os_kernel"] = "6.9";
    RunFacts before = ran(zen);
    before.components["os_kernel"] = "6.8";
    const auto found = cause_of_blas(before, after);
    EXPECT_TRUE(found.confounded);
    EXPECT_EQ(found.differences.front().name, "OPENBLAS_CORETYPE");
    EXPECT_THAT(found.cause, HasSubstr("confounded: 2 things"));
}

TEST(Causes, AVersionWithinAnImplementationIsNoOtherImplementation) {
    RunFacts before = ran(zen), after = ran("OpenBLAS 0.3.26 Zen pthreads");
    before.components["blas_library"] = "OpenBLAS 0.3.21";
    after.components["blas_library"] = "OpenBLAS 0.3.26";
    const auto found = cause_of_blas(before, after);
    EXPECT_THAT(found.differences, SizeIs(1));
    EXPECT_THAT(found.cause, HasSubstr("BLAS library"));
    EXPECT_THAT(cause_of_blas(ran("scalar, huge pages 97 %"), ran("scalar, huge pages 12 %")).cause,
                HasSubstr("did not change"));
}

TEST(Causes, AnImplementationOfAnotherBackendIsNotLookedAt) {
    RunFacts after = ran(prescott);
    after.implementations[0].what.backend = "numpy";
    RunFacts before = ran(zen);
    before.implementations[0].what.backend = "numpy";
    EXPECT_THAT(cause_of_blas(before, after).differences, IsEmpty());
}

TEST(Causes, AnImplementationThatRanOnBothSidesIsNoDifference) {
    const RunFacts one = ran(zen), other = ran(prescott);
    const std::vector<const RunFacts*> before{&one, &other}, after{&other};
    EXPECT_FALSE(implementation_change(before, after, planted::key()));
}

TEST(Causes, VariablesThatTheHostOverridesAreNoCause) {
    RunFacts after = facts("1", "2");
    after.components["OMP_NUM_THREADS"] = "4";
    EXPECT_THAT(cause_of(facts("1", "2"), after).differences, IsEmpty());
    after.components["OMP_WAIT_POLICY"] = "active";
    EXPECT_THAT(cause_of(facts("1", "2"), after).cause,
                HasSubstr("OMP_WAIT_POLICY not set -> active"));
}

}  // namespace
}  // namespace peakward
