// Points packed and read again; damage is noticed and never read past.
#include "store/packed.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

#include "store/sqlite/points.hpp"

namespace peakward::store {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<SeriesPoint> some_points() {
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    return {{1, 1795000000, 244.5, 243.1, 246.0, 0, 0},
            {7, 1794000000, 1e-300, nan, nan, 3, doubt_forced | doubt_not_measured},
            {largest, -largest, -0.0, 5e-324, 1.7976931348623157e308, 2147483646, 0xffff},
            {8, 0, 1, 1, 1, -1, 1}};
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST(Packed, PointsComeBackAsTheyWere) {
    const auto points = some_points();
    std::vector<SeriesPoint> back;
    ASSERT_TRUE(unpack_points(pack_points(points, true), true, back));
    ASSERT_THAT(back, SizeIs(points.size()));
    for (std::size_t i = 0; i < points.size(); ++i) {
        EXPECT_EQ(back[i].seq, points[i].seq);
        EXPECT_EQ(back[i].time_unix, points[i].time_unix);
        EXPECT_EQ(back[i].stack, points[i].stack);
        EXPECT_EQ(back[i].doubts, points[i].doubts);
        EXPECT_TRUE(same(back[i].value, points[i].value));
        EXPECT_TRUE(same(back[i].ci_low, points[i].ci_low));
        EXPECT_TRUE(same(back[i].ci_high, points[i].ci_high));
    }
}

TEST(Packed, PointsThatWereNotMeasuredHaveNoNumbers) {
    std::vector<SeriesPoint> back;
    ASSERT_TRUE(unpack_points(pack_points(some_points(), false), false, back));
    ASSERT_THAT(back, SizeIs(4));
    for (const SeriesPoint& point : back) {
        EXPECT_TRUE(std::isnan(point.value));
        EXPECT_TRUE(std::isnan(point.ci_low));
    }
    EXPECT_EQ(back[1].doubts, doubt_forced | doubt_not_measured);
    back.clear();
    EXPECT_TRUE(unpack_points(pack_points({}, true), true, back));
    EXPECT_THAT(back, IsEmpty());
}

TEST(Packed, FiguresComeBackAsTheyWere) {
    const std::vector<PackedFigure> figures = {
        {1, 244.5, 243, 246, 0}, {300, -1.5, nan, nan, doubt_contended}, {2, 0, 0, 0, 0x8000}};
    std::vector<PackedFigure> back = {{9, 9, 9, 9, 9}};
    ASSERT_TRUE(unpack_figures(pack_figures(figures), back));
    ASSERT_THAT(back, SizeIs(3));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(back[i].metric_id, figures[i].metric_id);
        EXPECT_EQ(back[i].value, figures[i].value);
        EXPECT_TRUE(same(back[i].ci_low, figures[i].ci_low));
        EXPECT_TRUE(same(back[i].ci_high, figures[i].ci_high));
        EXPECT_EQ(back[i].doubts, figures[i].doubts);
    }
    EXPECT_TRUE(unpack_figures("", back));
    EXPECT_THAT(back, IsEmpty());
}

TEST(Packed, WhatIsCutShortOrGrownIsDamage) {
    const std::string points = pack_points(some_points(), true);
    const std::string figures = pack_figures({{1, 2, 3, 4, 0}, {2, 3, nan, nan, 5}});
    std::vector<SeriesPoint> points_back;
    std::vector<PackedFigure> figures_back;
    for (std::size_t size = 0; size < points.size(); ++size)
        EXPECT_FALSE(unpack_points(points.substr(0, size), true, points_back)) << size;
    EXPECT_FALSE(unpack_points(points + "x", true, points_back));
    EXPECT_FALSE(unpack_figures(figures.substr(0, figures.size() - 1), figures_back));
    EXPECT_FALSE(unpack_points("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", true, points_back))
        << "a count beyond the bytes";
    std::mt19937 random(3);
    for (int i = 0; i < 2000; ++i) {  // never past the end, whatever it says
        std::string changed = i % 2 == 0 ? points : figures;
        changed[random() % changed.size()] = char(random());
        points_back.clear();
        unpack_points(changed, i % 4 == 0, points_back);
        unpack_figures(changed, figures_back);
    }
}

TEST(Packed, NumbersBeyondTheirFieldsAreDamage) {
    constexpr std::uint64_t stack_id_max = std::uint64_t{1} << 31, doubts_max = 0xffff;
    const auto point = [](std::uint64_t stack_id, std::uint64_t doubts) {
        std::string bytes("\x01\x01\x02\x02", 4);  // one point of seq 1 at time 1
        put_count(bytes, stack_id);
        put_count(bytes, doubts * 2);
        std::vector<SeriesPoint> points;
        return unpack_points(bytes, false, points);
    };
    EXPECT_TRUE(point(stack_id_max, doubts_max));
    EXPECT_FALSE(point(stack_id_max + 1, 0));
    EXPECT_FALSE(point(std::uint64_t{1} << 32, 0));
    EXPECT_FALSE(point(0, doubts_max + 1));
    std::string figures = pack_figures({{1, 2, nan, nan, 0xffff}});
    std::vector<PackedFigure> back;
    EXPECT_TRUE(unpack_figures(figures, back));
    figures.pop_back();
    EXPECT_FALSE(unpack_figures(figures + "\x04", back)) << "doubts of 17 bits";
}

// The series of one run must not all be sealed by the same append.
TEST(Packed, SeriesAreSealedAtDifferentTimes) {
    std::map<std::int64_t, int> at;
    for (std::int64_t id = 1; id <= 640; ++id) {
        const std::int64_t first = first_unsealed(1, id);
        EXPECT_GE(first, 1);
        EXPECT_LE(first, sealed_runs);
        ++at[first];
    }
    EXPECT_THAT(at, SizeIs(sealed_runs));
    for (const auto& [first, count] : at) EXPECT_EQ(count, 10) << first;
    EXPECT_EQ(next_unsealed(sealed_runs), 1);
    EXPECT_EQ(next_unsealed(1), 2);
}

}  // namespace
}  // namespace peakward::store
