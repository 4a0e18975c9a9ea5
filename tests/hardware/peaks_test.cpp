#include "hardware/peaks.hpp"

#include <gmock/gmock.h>

#include "core/text.hpp"
#include "hardware/example.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing_support::example_json;
using testing_support::figure;

const HardwareDatabase& builtin() {
    static const HardwareDatabase database = builtin_hardware();
    return database;
}

TEST(SpecPeak, IsWhatTheVendorGivesWithItsSource) {
    const HardwareSpec spec = testing_support::read(example_json());
    const Peak peak = spec_peak(spec, "fp16");
    EXPECT_EQ(peak.kind, PeakKind::datasheet);
    EXPECT_EQ(peak.value, 204'800);
    EXPECT_THAT(peak.formula, HasSubstr("Acme GPU 1 datasheet"));
    EXPECT_EQ(peak.spec_version, "1");
    ASSERT_EQ(peak.inputs.size(), 1u);
}

TEST(SpecPeak, IsDerivedWhereNobodyGivesIt) {
    Json json = example_json();
    json["theoretical_peaks_gops"].erase("fp32");
    const HardwareSpec spec = testing_support::read(json);
    const Peak peak = spec_peak(spec, "fp32");
    EXPECT_EQ(peak.kind, PeakKind::computed);
    EXPECT_DOUBLE_EQ(peak.value, 100 * 256 * 2.0);
    EXPECT_EQ(peak.clock_hz, 2e9);
    ASSERT_EQ(peak.inputs.size(), 3u);
    for (const PeakInput& input : peak.inputs) EXPECT_FALSE(input.source.empty());
}

TEST(SpecPeak, OfANumberThatIsUnknownIsUnknownWithTheReason) {
    const HardwareSpec spec = testing_support::read(example_json());
    EXPECT_EQ(spec_peak(spec, "int4").kind, PeakKind::unknown);
    EXPECT_EQ(spec_peak(spec, "int4").reason, "not in the sheet");
    Json json = example_json();
    json["clocks_ghz"]["boost"] = {{"unknown", "not published"}};
    json["theoretical_peaks_gops"].erase("fp32");
    const Peak peak = spec_peak(testing_support::read(json), "fp32");
    EXPECT_EQ(peak.kind, PeakKind::unknown);
    EXPECT_THAT(peak.reason, HasSubstr("not published"));
}

TEST(SpecPeak, SumsTheKindsOfCore) {
    Json json = example_json();
    json["architecture"]["cores"] = {{{"kind", "performance"}, {"count", figure(8)}},
                                     {{"kind", "efficiency"}, {"count", figure(4)}}};
    json["clocks_ghz"] = {{"boost", {{"performance", figure(5)}, {"efficiency", figure(4)}}}};
    json["operations_per_clock"]["fp32"] = Json::array(
        {{{"per", "performance"}, {"value", 32}, {"clock", "boost"}, {"source", "sheet"}},
         {{"per", "efficiency"}, {"value", 16}, {"clock", "boost"}, {"source", "sheet"}}});
    json["theoretical_peaks_gops"].erase("fp32");
    EXPECT_DOUBLE_EQ(spec_peak(testing_support::read(json), "fp32").value,
                     8 * 32 * 5.0 + 4 * 16 * 4.0);
}

HardwareSpec with_modes() {
    Json json = example_json();
    json["power_modes"] = {{"15W",
                            {{"tdp_w", figure(15)},
                             {"clocks_ghz", {{"boost", figure(1)}}},
                             {"cores", {{{"kind", "sm"}, {"count", figure(50)}}}},
                             {"memory", {{"bandwidth_gbps", figure(1'000)}}}}},
                           {"MAXN", Json::object()}};
    json["default_power_mode"] = "MAXN";
    return testing_support::read(json);
}

TEST(PowerMode, ChoosesThePeak) {
    const HardwareSpec spec = with_modes();
    EXPECT_DOUBLE_EQ(spec_peak(spec, "fp32", "15W").value, 50 * 256 * 1.0);
    EXPECT_EQ(spec_bandwidth(spec, "15W").value, 1'000);
    EXPECT_EQ(spec_peak(spec, "fp32", "MAXN").value, 51'200);
    EXPECT_EQ(spec_bandwidth(spec, "MAXN").value, 2'000);
    // The sheet's fp16 holds at the full clock only, and nothing says what it is at another.
    EXPECT_EQ(spec_peak(spec, "fp16", "15W").kind, PeakKind::unknown);
    EXPECT_EQ(spec_peak(spec, "fp16", "MAXN").value, 204'800);
}

TEST(PowerMode, IsFoundUnderTheNamesThatHostsUse) {
    const HardwareSpec spec = with_modes();
    for (const char* name : {"15W", "MODE_15W", "mode 15w"})
        EXPECT_EQ(power_mode_of(spec, name), "15W") << name;
    EXPECT_EQ(power_mode_of(spec, "maxn"), "MAXN");
    EXPECT_EQ(power_mode_of(spec, "30W"), "");
    EXPECT_EQ(power_mode_of(spec, ""), "");
}

// Issue 4: V100, A100, L4, L40S, H100, H200 and Orin follow from SMs x rate x clock within 1 %.
TEST(Builtin, DatasheetsFollowFromUnitsRateAndClock) {
    int checked = 0;
    for (const char* id : {"nvidia_v100_sxm2_32gb", "nvidia_a100_sxm4_80gb", "nvidia_l4",
                           "nvidia_l40s", "h100_sxm5", "nvidia_h200_sxm", "jetson_orin_agx_gpu"}) {
        const HardwareSpec* spec = builtin().find(id);
        ASSERT_NE(spec, nullptr) << id;
        for (const auto& [precision, figure] : spec->theoretical_peaks_gops) {
            const Peak derived = derived_peak(*spec, precision);
            if (!figure || derived.kind == PeakKind::unknown) continue;
            EXPECT_NEAR(derived.value / *figure.value, 1, 0.01) << id << " " << precision;
            ++checked;
        }
    }
    EXPECT_GE(checked, 20);
}

TEST(Builtin, KnowsTheProductsOfTheSeeds) {
    EXPECT_TRUE(builtin().problems.empty())
        << fmt::format("{}", fmt::join(builtin().problems, "\n"));
    EXPECT_GE(builtin().specs.size(), 50u);
    for (const char* name :
         {"i7-12700k", "h100-sxm5", "jetson-orin-agx", "jetson-orin-nano", "ampere-altra-max",
          "i7-12700k-cpu", "h100-sxm5-gpu", "jetson-orin-agx-cpu", "jetson-orin-agx-gpu",
          "jetson-orin-nano-cpu", "jetson-orin-nano-gpu", "intel_i7_12700k", "jetson_orin_nano_gpu",
          "jetson_orin_nano_cpu", "h100_sxm5"})
        EXPECT_NE(builtin().find(name), nullptr) << name;
}

TEST(Builtin, HasNothingWrongInIt) {
    for (const HardwareSpec& spec : builtin().specs) {
        EXPECT_THAT(problems_of(spec), testing::IsEmpty()) << spec.id;
        EXPECT_THAT(schema_problems(spec.document), testing::IsEmpty()) << spec.id;
    }
    EXPECT_THAT(problems_between(builtin()), testing::IsEmpty());
}

}  // namespace
}  // namespace peakward
