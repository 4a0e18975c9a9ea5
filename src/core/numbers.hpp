// Numbers as they were meant.
#pragma once

namespace peakward {

// The value without what arithmetic in binary left behind: 304.99999999999994 is 305. Twelve
// significant digits stay, far more than any datasheet or counter has. For figures that are
// written into a file; comparisons need none of it.
double without_noise(double value);
// With so many significant digits: six for what was measured, whose own spread is wider.
inline constexpr int measured_digits = 6;
double with_digits(double value, int digits);

}  // namespace peakward
