// Thin strong types for rates and amounts, so that a bandwidth is never added to a clock. Only the
// physical operators exist. Time is std::chrono; Seconds below is its double form.
#pragma once

#include <chrono>
#include <compare>

namespace peakward {

using Seconds = std::chrono::duration<double>;
using Nanoseconds = std::chrono::nanoseconds;

template <typename Tag>
class Quantity {
public:
    constexpr Quantity() = default;
    constexpr explicit Quantity(double value) : value_(value) {}
    constexpr double value() const { return value_; }

    constexpr auto operator<=>(const Quantity&) const = default;
    friend constexpr Quantity operator+(Quantity a, Quantity b) {
        return Quantity(a.value_ + b.value_);
    }
    friend constexpr Quantity operator-(Quantity a, Quantity b) {
        return Quantity(a.value_ - b.value_);
    }
    friend constexpr Quantity operator*(Quantity a, double factor) {
        return Quantity(a.value_ * factor);
    }
    friend constexpr Quantity operator*(double factor, Quantity a) { return a * factor; }
    // The ratio of two like quantities is a plain number (an efficiency, a speed-up).
    friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }

private:
    double value_ = 0;
};

using Operations = Quantity<struct OperationsTag>;  // arithmetic operations
using Bytes = Quantity<struct BytesTag>;            // bytes moved
using Hertz = Quantity<struct HertzTag>;            // cycles per second
using OperationsPerSecond = Quantity<struct OperationsPerSecondTag>;
using BytesPerSecond = Quantity<struct BytesPerSecondTag>;

constexpr OperationsPerSecond operator/(Operations ops, Seconds t) {
    return OperationsPerSecond(ops.value() / t.count());
}
constexpr BytesPerSecond operator/(Bytes bytes, Seconds t) {
    return BytesPerSecond(bytes.value() / t.count());
}

// At the edges where units are in the name: 1 gops = 1e9 operations/s, 1 gbps = 1e9 bytes/s.
constexpr double gops(OperationsPerSecond rate) { return rate.value() * 1e-9; }
constexpr double gbps(BytesPerSecond rate) { return rate.value() * 1e-9; }

}  // namespace peakward
