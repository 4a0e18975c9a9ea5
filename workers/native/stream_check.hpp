// The data of a STREAM case and the check of its answer. STREAM's arrays are constant, so that a
// kernel that wrote an element to the wrong place would pass; these repeat with a prime period
// instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "native/stream_plan.hpp"

namespace peakward::native {

class StreamPattern {
public:
    StreamPattern(std::uint64_t seed, bool fp64);

    // Write the elements of `range` of an array that begins at `array`.
    void fill_left(std::byte* array, Range range) const;
    void fill_right(std::byte* array, Range range) const;
    void fill_unwritten(std::byte* array, Range range) const;  // a value no kernel yields

    // The largest relative deviation over the elements of `range` from the closed form of the
    // operation; each kernel is idempotent, so any number of sweeps gives the same.
    double error(std::string_view operation, double factor, const std::byte* destination,
                 Range range) const;

    // Makes the first element wrong.
    void corrupt(std::byte* destination) const;

private:
    template <typename T>
    void fill(std::byte* array, Range range, std::int64_t shift) const;
    template <typename T>
    double worst(std::string_view operation, double factor, const std::byte* destination,
                 Range range) const;

    std::vector<double> values_;
    bool fp64_;
};

}  // namespace peakward::native
