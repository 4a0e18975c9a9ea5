// Operands for a peak kernel, and the scalar reference that its answer is checked against.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "native/kernels.hpp"

namespace peakward::native {

// 64-byte aligned memory of a fixed size, zeroed.
class AlignedBytes {
public:
    explicit AlignedBytes(std::size_t size);
    std::byte* data() { return bytes_.get(); }
    const std::byte* data() const { return bytes_.get(); }
    std::size_t size() const { return size_; }

private:
    struct Free {
        void operator()(std::byte* bytes) const { std::free(bytes); }
    };
    std::size_t size_;
    std::unique_ptr<std::byte, Free> bytes_;
};

struct PeakData {
    AlignedBytes operands, start;
};

// Seeded operands and starting accumulators: never zero, no overflow and no subnormals in any
// number of turns.
PeakData make_peak_data(const PeakKernel& kernel, std::uint64_t seed);
AlignedBytes make_result(const PeakKernel& kernel);

// The largest relative deviation of `result` from the recurrence taken `turns` times in scalar
// code, over all accumulators (relative to at least 1); infinity when one is not a number.
double peak_error(const PeakKernel& kernel, const PeakData& data, const AlignedBytes& result,
                  std::int64_t turns);

// Adds a clearly wrong amount to one accumulator: what PEAKWARD_PLANT=wrong_answer does.
void corrupt(const PeakKernel& kernel, AlignedBytes& result);

}  // namespace peakward::native
