// Values of a case in memory of oneDNN: row-major without gaps, so that they can be filled, checked
// and spoiled from outside, and the same values in a layout of oneDNN's choice.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "sdk/worker.hpp"

namespace peakward::worker::onednn {

using Type = dnnl::memory::data_type;
using Dims = dnnl::memory::dims;

// Of operands and of results: int8 gives s32, the others themselves.
Type type_of(const std::string& precision);
Type result_type_of(const std::string& precision);

// Row-major without gaps, and whatever oneDNN prefers.
dnnl::memory::desc plain(const Dims& dims, Type type);
dnnl::memory::desc any(const Dims& dims, Type type);

// "aBcd16b", in the words of oneDNN's format tags: letters are axes in the order of their strides,
// a capital is split into blocks, and the blocks follow. "opaque" where it keeps it secret.
std::string layout_word(const dnnl::memory::desc& desc);

class Tensor {
public:
    // Memory without values.
    Tensor(const Dims& dims, Type type);
    // The values of a memory in any layout: a copy, unless it is row-major already.
    explicit Tensor(const dnnl::memory& memory);

    // Seeded values in (-1, 1), none of them zero, times `scale` (a power of two); all of them are
    // exact in the type. Integers: odd numbers in [-63, 63].
    void fill(Random& random, double scale = 1);
    // As fill(), but integers are even and in [-62, 62]. Where a CPU has no VNNI, one operand is
    // moved up by 128, sums of two products saturate at 16 bits, and oneDNN halves the weights of a
    // convolution to avoid it (its developer guide, "Nuances of int8 computations"). Which operand
    // is moved depends on the kernel, (63 + 128) 63 2 < 2^15, and halves of even numbers are whole:
    // 7 bits come out exact on all ways.
    void fill_weights(Random& random);

    double at(std::int64_t index) const;
    void set(std::int64_t index, double value);
    std::int64_t count() const { return count_; }
    Dims dims() const;
    std::vector<float> as_floats() const;
    template <typename T>
    const T* data() const {
        return static_cast<const T*>(memory_.get_data_handle());
    }
    const dnnl::memory& memory() const { return memory_; }
    // The values in this layout: a copy, unless it is row-major already.
    dnnl::memory laid_out(const dnnl::memory::desc& layout) const;
    // The same bytes under another description, such as that of the transposed matrix.
    dnnl::memory seen_as(const dnnl::memory::desc& desc) const;

private:
    void fill_odd(Random& random, int bits, double step);

    dnnl::memory memory_;
    Type type_;
    std::int64_t count_;
};

// Memory that holds in every element what no right answer holds, so that one that a primitive
// leaves unwritten shows.
dnnl::memory poisoned(const dnnl::memory::desc& desc);
// Whether a value read from such memory is still what was put there (or is not finite).
bool is_poison(double value);

}  // namespace peakward::worker::onednn
