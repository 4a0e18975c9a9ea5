#include "onednn/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "onednn/library.hpp"
#include "sdk/small_floats.hpp"

namespace peakward::worker::onednn {
namespace {

constexpr int poison_byte = 0x7f;  // 3.39e38 in fp32 and bf16, NaN in fp16, 2139062143 in s32

// Blocks of a layout: how many, of which axis, how long; and the strides of the rest.
struct Blocking {
    bool known = false;
    Dims strides;
    std::vector<std::int64_t> block_lengths, block_axes;
};

#if DNNL_VERSION_MAJOR >= 3
Blocking blocking_of(const dnnl::memory::desc& desc) {
    if (desc.get_format_kind() != dnnl::memory::format_kind::blocked) return {};
    return {true, desc.get_strides(), desc.get_inner_blks(), desc.get_inner_idxs()};
}
#else
Blocking blocking_of(const dnnl::memory::desc& desc) {
    if (desc.data.format_kind != dnnl_blocked) return {};
    const dnnl_blocking_desc_t& blocked = desc.data.format_desc.blocking;
    return {true,
            {blocked.strides, blocked.strides + desc.data.ndims},
            {blocked.inner_blks, blocked.inner_blks + blocked.inner_nblks},
            {blocked.inner_idxs, blocked.inner_idxs + blocked.inner_nblks}};
}
#endif

std::int64_t product(const Dims& dims) {
    return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

void reorder(const dnnl::memory& from, dnnl::memory to) {
    dnnl::stream stream(cpu_engine());
    dnnl::memory source = from;
    dnnl::reorder(source, to).execute(stream, source, to);
    stream.wait();
}

Dims dims_of(const dnnl::memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
    return desc.get_dims();
#else
    return desc.dims();
#endif
}

Type type_in(const dnnl::memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
    return desc.get_data_type();
#else
    return desc.data_type();
#endif
}

}  // namespace

Type type_of(const std::string& precision) {
    if (precision == "fp32") return Type::f32;
    if (precision == "bf16") return Type::bf16;
    if (precision == "fp16") return Type::f16;
    if (precision == "int8") return Type::s8;
    throw std::runtime_error("oneDNN has no precision '" + precision + "'");
}

Type result_type_of(const std::string& precision) {
    const Type type = type_of(precision);
    return type == Type::s8 ? Type::s32 : type;
}

dnnl::memory::desc plain(const Dims& dims, Type type) {
    Dims strides(dims.size(), 1);
    for (std::size_t axis = dims.size() - 1; axis > 0; --axis)
        strides[axis - 1] = strides[axis] * dims[axis];
    return {dims, type, strides};
}

dnnl::memory::desc any(const Dims& dims, Type type) {
    return {dims, type, dnnl::memory::format_tag::any};
}

std::string layout_word(const dnnl::memory::desc& desc) {
    const Blocking blocking = blocking_of(desc);
    if (!blocking.known) return "opaque";
    std::vector<std::size_t> order(blocking.strides.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return blocking.strides[a] > blocking.strides[b];
    });
    std::string word;
    for (const std::size_t axis : order) {
        const bool split = std::count(blocking.block_axes.begin(), blocking.block_axes.end(),
                                      static_cast<std::int64_t>(axis)) > 0;
        word += static_cast<char>((split ? 'A' : 'a') + static_cast<int>(axis));
    }
    for (std::size_t block = 0; block < blocking.block_axes.size(); ++block) {
        word += std::to_string(blocking.block_lengths[block]);
        word += static_cast<char>('a' + static_cast<int>(blocking.block_axes[block]));
    }
    return word;
}

Tensor::Tensor(const Dims& dims, Type type)
    : memory_(plain(dims, type), cpu_engine()), type_(type), count_(product(dims)) {}

Tensor::Tensor(const dnnl::memory& memory)
    : memory_(memory),
      type_(type_in(memory.get_desc())),
      count_(product(dims_of(memory.get_desc()))) {
    const dnnl::memory::desc wanted = plain(dims_of(memory.get_desc()), type_);
    if (memory.get_desc() == wanted) return;
    memory_ = dnnl::memory(wanted, cpu_engine());
    reorder(memory, memory_);
}

void Tensor::fill_odd(Random& random, int bits, double step) {
    for (std::int64_t i = 0; i < count_; ++i) {
        const auto drawn = static_cast<std::int64_t>(random.next() >> (63 - bits)) | 1;
        set(i, static_cast<double>(drawn - (std::int64_t{1} << bits)) * step);
    }
}

// Odd multiples of a power of two: as many bits as the type's significand holds, less the one that
// `set` would have to round.
void Tensor::fill(Random& random, double scale) {
    if (type_ == Type::s8) return fill_odd(random, 6, 1);
    const int bits = type_ == Type::f32 ? 23 : type_ == Type::f16 ? 10 : 7;
    fill_odd(random, bits, std::ldexp(scale, -bits));
}

void Tensor::fill_weights(Random& random) {
    if (type_ != Type::s8) return fill(random);
    fill_odd(random, 5, 2);
}

double Tensor::at(std::int64_t index) const {
    switch (type_) {
        case Type::f32:
            return static_cast<double>(data<float>()[index]);
        case Type::bf16:
            return from_bf16(data<std::uint16_t>()[index]);
        case Type::f16:
            return from_fp16(data<std::uint16_t>()[index]);
        case Type::s8:
            return data<std::int8_t>()[index];
        default:
            return data<std::int32_t>()[index];
    }
}

void Tensor::set(std::int64_t index, double value) {
    void* values = memory_.get_data_handle();
    switch (type_) {
        case Type::f32:
            static_cast<float*>(values)[index] = static_cast<float>(value);
            break;
        case Type::bf16:
            static_cast<std::uint16_t*>(values)[index] = to_bf16(value);
            break;
        case Type::f16:
            static_cast<std::uint16_t*>(values)[index] = to_fp16(value);
            break;
        case Type::s8:
            static_cast<std::int8_t*>(values)[index] = static_cast<std::int8_t>(value);
            break;
        default:
            static_cast<std::int32_t*>(values)[index] = static_cast<std::int32_t>(value);
    }
}

Dims Tensor::dims() const { return dims_of(memory_.get_desc()); }

std::vector<float> Tensor::as_floats() const {
    std::vector<float> values(static_cast<std::size_t>(count_));
    for (std::int64_t i = 0; i < count_; ++i)
        values[static_cast<std::size_t>(i)] = static_cast<float>(at(i));
    return values;
}

dnnl::memory Tensor::laid_out(const dnnl::memory::desc& layout) const {
    if (memory_.get_desc() == layout) return memory_;
    dnnl::memory copy(layout, cpu_engine());
    reorder(memory_, copy);
    return copy;
}

dnnl::memory Tensor::seen_as(const dnnl::memory::desc& desc) const {
    return {desc, cpu_engine(), memory_.get_data_handle()};
}

dnnl::memory poisoned(const dnnl::memory::desc& desc) {
    dnnl::memory memory(desc, cpu_engine());
    std::memset(memory.get_data_handle(), poison_byte, desc.get_size());
    return memory;
}

bool is_poison(double value) {
    constexpr double integer_poison = 0x7f7f7f7f;
    return !std::isfinite(value) || std::fabs(value) > 1e30 || value == integer_poison;
}

}  // namespace peakward::worker::onednn
