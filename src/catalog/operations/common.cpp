#include <cassert>
#include <cmath>

#include "catalog/operations/operations.hpp"

namespace peakward::catalog {

double element_bytes(const Case& what) {
    const Precision* precision = find_precision(what.precision);
    assert(precision);
    return precision->bits / 8.0;
}

double result_bytes(const Case& what) {
    const Precision* precision = find_precision(what.precision);
    assert(precision);
    if (precision->integer) return 4;
    return precision->bits < 16 ? 2 : precision->bits / 8.0;
}

double unit_roundoff(const Case& what) {
    const Precision* precision = find_precision(what.precision);
    assert(precision);
    return precision->epsilon;
}

double sum_tolerance(double terms, const Case& what) {
    const Precision* precision = find_precision(what.precision);
    if (precision->integer) return 0;
    const double epsilon = find_precision(precision->accumulator)->epsilon;
    const double summed = 16 * epsilon * std::sqrt(terms < 1 ? 1 : terms);
    // The result is rounded once more; formats below 16 bits give their results in bf16.
    const double result =
        precision->bits < 16 ? find_precision("bf16")->epsilon : precision->epsilon;
    return precision->epsilon == epsilon ? summed : summed + 8 * result;
}

}  // namespace peakward::catalog
