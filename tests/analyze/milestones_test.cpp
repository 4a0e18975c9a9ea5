#include "analyze/milestones.hpp"

#include <gtest/gtest.h>

#include "make_series.hpp"

namespace peakward {
namespace {

using namespace analyze_test;

// Places from which 70, 80 and 90 % were held; -1: not.
std::vector<int> held(const Series& series, const std::vector<double>& efficiency) {
    std::vector<int> places;
    for (const Milestone& m : find_milestones(series, efficiency))
        places.push_back(m.held_from ? static_cast<int>(*m.held_from) : -1);
    return places;
}
std::vector<int> held(const std::vector<double>& percents) {
    const Series series = make_series(percents);
    return held(series, efficiencies(series));
}
using Places = std::vector<int>;

TEST(Milestones, AreTheFirstPointFromWhichTheLevelHolds) {
    EXPECT_EQ(held({62, 68, 71, 74, 81, 84, 91, 92, 92, 92}), (Places{2, 4, 6}));
    EXPECT_EQ(held({95, 95}), (Places{0, 0, 0}));
}

TEST(Milestones, OneLuckyRunMeetsNothing) {
    EXPECT_EQ(held({62, 95, 63, 62, 63, 62}), (Places{-1, -1, -1}));
    const Series series = make_series({62, 95, 63, 62, 63, 62});
    EXPECT_TRUE(find_milestones(series, efficiencies(series))[2].touched);
}

TEST(Milestones, TheNewestRunAloneIsNotYetHeld) {
    EXPECT_EQ(held({62, 71, 73, 91}), (Places{1, -1, -1}));
    EXPECT_EQ(held({91}), (Places{-1, -1, -1}));
    EXPECT_EQ(held({}), (Places{-1, -1, -1}));
}

TEST(Milestones, NoiseBelowTheLevelDoesNotMeetItAndNoiseAboveDoes) {
    std::vector<double> below, above;
    for (int i = 0; i < 100; ++i) {
        below.push_back(89.5 + (i % 5 - 2) * 0.4);  // two of five runs lie above 90
        above.push_back(90.5 + (i % 5 - 2) * 0.4);
    }
    EXPECT_EQ(held(below)[2], -1);
    EXPECT_EQ(held(above)[2], 1);  // point 0 lies at 89.7
}

TEST(Milestones, ADropBelowForOneRunIsNoLoss) {
    EXPECT_EQ(held({91, 92, 85, 92, 92, 91}), (Places{0, 0, 0}));
}

TEST(Milestones, DoubtfulPointsMeetNothing) {
    for (const std::uint16_t doubt : {doubt_contended, doubt_forced, doubt_above_theoretical,
                                      doubt_incomplete, doubt_imported, doubt_fallback}) {
        Series series = make_series({95, 95, 95});
        for (SeriesPoint& point : series.points) point.doubts = doubt;
        EXPECT_EQ(held(series, efficiencies(series)), (Places{-1, -1, -1})) << doubt;
    }
    // Above the theoretical peak without a flag of the run: by today's peak.
    EXPECT_EQ(held({177, 245, 177}), (Places{-1, -1, -1}));
}

TEST(Milestones, GapsAndUnknownEfficienciesArePassedOver) {
    EXPECT_EQ(held({62, nan, 81, nan, 82}), (Places{2, 2, -1}));
    const Series series = make_series({95, 95});
    EXPECT_EQ(held(series, {nan, nan}), (Places{-1, -1, -1}));
}

}  // namespace
}  // namespace peakward
