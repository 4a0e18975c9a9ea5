#include "core/numbers.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace peakward {
namespace {

TEST(Numbers, LoseTheNoiseAndNothingElse) {
    EXPECT_EQ(without_noise(304.99999999999994), 305);
    EXPECT_EQ(without_noise(0.1 + 0.2), 0.3);
    EXPECT_EQ(without_noise(989'429.76), 989'429.76);
    EXPECT_EQ(without_noise(-2.5e-9), -2.5e-9);
    EXPECT_EQ(without_noise(0), 0);
    EXPECT_TRUE(std::isnan(without_noise(std::numeric_limits<double>::quiet_NaN())));
}

TEST(Numbers, KeepAsManyDigitsAsAskedFor) {
    EXPECT_EQ(with_digits(1'199.0501893086514, measured_digits), 1'199.05);
    EXPECT_EQ(with_digits(0.9367579603973839, measured_digits), 0.936758);
}

}  // namespace
}  // namespace peakward
