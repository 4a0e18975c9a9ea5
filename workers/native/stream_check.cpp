#include "native/stream_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sdk/worker.hpp"

namespace peakward::native {
namespace {

constexpr std::int64_t period = 4099;  // prime
constexpr std::int64_t right_shift = 1777;
constexpr double unwritten = -7;

// Walks i, i + 1, … modulo the period without a division for each.
class Position {
public:
    explicit Position(std::int64_t start) : at_(start % period) {}
    std::size_t next() {
        const auto now = static_cast<std::size_t>(at_);
        if (++at_ == period) at_ = 0;
        return now;
    }

private:
    std::int64_t at_;
};

}  // namespace

StreamPattern::StreamPattern(std::uint64_t seed, bool fp64) : fp64_(fp64) {
    worker::Random random(seed);
    for (std::int64_t i = 0; i < period; ++i) {
        const double value = 1 + 0.5 * random.uniform();  // in [0.5, 1.5)
        values_.push_back(fp64 ? value : static_cast<double>(static_cast<float>(value)));
    }
}

template <typename T>
void StreamPattern::fill(std::byte* array, Range range, std::int64_t shift) const {
    T* to = reinterpret_cast<T*>(array);
    Position position(range.begin + shift);
    for (std::int64_t i = range.begin; i < range.end; ++i)
        to[i] = static_cast<T>(values_[position.next()]);
}

void StreamPattern::fill_left(std::byte* array, Range range) const {
    fp64_ ? fill<double>(array, range, 0) : fill<float>(array, range, 0);
}

void StreamPattern::fill_right(std::byte* array, Range range) const {
    fp64_ ? fill<double>(array, range, right_shift) : fill<float>(array, range, right_shift);
}

void StreamPattern::fill_unwritten(std::byte* array, Range range) const {
    if (fp64_)
        std::fill(reinterpret_cast<double*>(array) + range.begin,
                  reinterpret_cast<double*>(array) + range.end, unwritten);
    else
        std::fill(reinterpret_cast<float*>(array) + range.begin,
                  reinterpret_cast<float*>(array) + range.end, static_cast<float>(unwritten));
}

template <typename T>
double StreamPattern::worst(std::string_view operation, double factor, const std::byte* destination,
                            Range range) const {
    // destination = l * left + r * right
    const double l = operation == "stream_scale" ? factor : 1;
    const double r = operation == "stream_add" ? 1 : operation == "stream_triad" ? factor : 0;
    const T* got = reinterpret_cast<const T*>(destination);
    Position left(range.begin), right(range.begin + right_shift);
    double most = 0;
    for (std::int64_t i = range.begin; i < range.end; ++i) {
        const double want = l * values_[left.next()] + r * values_[right.next()];
        const double off = std::fabs(static_cast<double>(got[i]) - want) / want;
        if (!(off <= most))
            most = std::isfinite(off) ? off : std::numeric_limits<double>::infinity();
    }
    return most;
}

double StreamPattern::error(std::string_view operation, double factor, const std::byte* destination,
                            Range range) const {
    return fp64_ ? worst<double>(operation, factor, destination, range)
                 : worst<float>(operation, factor, destination, range);
}

void StreamPattern::corrupt(std::byte* destination) const {
    if (fp64_)
        *reinterpret_cast<double*>(destination) = unwritten;
    else
        *reinterpret_cast<float*>(destination) = static_cast<float>(unwritten);
}

}  // namespace peakward::native
