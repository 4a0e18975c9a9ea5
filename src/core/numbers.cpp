#include "core/numbers.hpp"

#include <cmath>

#include "core/text.hpp"

namespace peakward {

double without_noise(double value) { return with_digits(value, 12); }

double with_digits(double value, int digits) {
    if (!std::isfinite(value)) return value;
    return parse_number(fmt::format("{:.{}g}", value, digits)).value_or(value);
}

}  // namespace peakward
