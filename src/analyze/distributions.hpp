// Tails and quantiles of the distributions that verdicts are made with. Accurate to about 1e-9 in
// the body and to six figures in the tails, which is more than any verdict needs.
#pragma once

namespace peakward {

// P(Z > z) of the standard normal.
double normal_upper_tail(double z);
// z with P(Z <= z) = p, 0 < p < 1 (Acklam's rational approximation, one Halley step).
double normal_quantile(double p);

// P(T > t) of Student's t with `df` > 0 degrees of freedom, by the regularised incomplete beta
// function (continued fraction of Lentz; Numerical Recipes 6.4).
double student_upper_tail(double t, double df);
// t with P(T <= t) = p, 0 < p < 1.
double student_quantile(double p, double df);

}  // namespace peakward
