#include <gtest/gtest.h>

#include <limits>

#include "present/table.hpp"

namespace peakward {
namespace {

TEST(FormatValue, RatesHaveOneDecimalAndSmallOnesThreeFigures) {
    EXPECT_EQ(format_value(107.43, Unit::gops), "107.4");
    EXPECT_EQ(format_value(1143.21, Unit::gops), "1143.2");
    EXPECT_EQ(format_value(4.26, Unit::gbps), "4.3");
    EXPECT_EQ(format_value(0.04321, Unit::gops), "0.0432");
    EXPECT_EQ(format_value(0, Unit::gops), "0.0");
}

TEST(FormatValue, SecondsTakeTheirScale) {
    EXPECT_EQ(format_value(3.2e-5, Unit::seconds), "32.0 us");
    EXPECT_EQ(format_value(0.0123, Unit::seconds), "12.3 ms");
    EXPECT_EQ(format_value(17.24, Unit::seconds), "17.2 s");
    EXPECT_EQ(format_value(2.5e-9, Unit::seconds), "2.5 ns");
    EXPECT_EQ(format_value(0, Unit::seconds), "0 s");
}

TEST(FormatValue, SecondsNeverRoundToAThousandOfTheSmallerUnit) {
    EXPECT_EQ(format_value(0.99996, Unit::seconds), "1.0 s");
    EXPECT_EQ(format_value(9.9996e-4, Unit::seconds), "1.0 ms");
}

TEST(FormatValue, BytesAreBinary) {
    EXPECT_EQ(format_value(512, Unit::bytes), "512 B");
    EXPECT_EQ(format_value(32 * 1024, Unit::bytes), "32 KiB");
    EXPECT_EQ(format_value(1.5 * (1 << 30), Unit::bytes), "1.5 GiB");
}

TEST(FormatValue, RatiosAndPercents) {
    EXPECT_EQ(format_value(0.991, Unit::ratio_as_percent), "99.1 %");
    EXPECT_EQ(format_value(1.773, Unit::ratio_as_percent), "177.3 %");
    EXPECT_EQ(format_value(0.04, Unit::percent), "0.04 %");
    EXPECT_EQ(format_value(0, Unit::percent), "0.0 %");
}

TEST(FormatValue, OtherUnits) {
    EXPECT_EQ(format_value(3392.4, Unit::mhz), "3392");
    EXPECT_EQ(format_value(7.75, Unit::gib), "7.75");
    EXPECT_EQ(format_value(32, Unit::gib), "32");
    EXPECT_EQ(format_value(125, Unit::watts), "125.0 W");
    EXPECT_EQ(format_value(0.0612, Unit::joules), "61.2 mJ");
    EXPECT_EQ(format_value(12.34, Unit::joules), "12.3 J");
    EXPECT_EQ(format_value(3.2e-5, Unit::joules), "32 uJ");
    EXPECT_EQ(format_value(45, Unit::celsius), "45.0 °C");
    EXPECT_EQ(format_value(45, Unit::days), "45 d");
    EXPECT_EQ(format_value(1000000, Unit::count), "1000000");
}

TEST(FormatValue, WhatIsNoNumberIsADash) {
    EXPECT_EQ(format_value(std::numeric_limits<double>::quiet_NaN(), Unit::gops), "-");
    EXPECT_EQ(format_value(std::numeric_limits<double>::infinity(), Unit::seconds), "-");
}

TEST(FormatWithUnit, SaysTheUnitOnce) {
    EXPECT_EQ(format_with_unit(107.4, Unit::gops), "107.4 GOPS");
    EXPECT_EQ(format_with_unit(8, Unit::gib), "8 GiB");
    EXPECT_EQ(format_with_unit(0.0123, Unit::seconds), "12.3 ms");
    EXPECT_EQ(format_with_unit(0.5, Unit::ratio_as_percent), "50.0 %");
}

}  // namespace
}  // namespace peakward
