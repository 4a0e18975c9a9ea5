#include "native/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include "sdk/small_floats.hpp"
#include "sdk/worker.hpp"

namespace peakward::native {
namespace {

using worker::from_bf16;
using worker::from_fp16;
using worker::Random;
using worker::to_bf16;
using worker::to_fp16;

template <typename T>
T load(const std::byte* from, std::size_t index) {
    T value;
    std::memcpy(&value, from + index * sizeof(T), sizeof(T));
    return value;
}
template <typename T>
void store(std::byte* to, std::size_t index, T value) {
    std::memcpy(to + index * sizeof(T), &value, sizeof(T));
}

bool is_affine(Recurrence how) {
    return how == Recurrence::affine || how == Recurrence::affine_unfused ||
           how == Recurrence::self_affine;
}
bool is_integer(Element element) {
    return element == Element::int8 || element == Element::uint8_int8;
}
std::size_t element_bytes(Element element) {
    switch (element) {
        case Element::fp64:
            return 8;
        case Element::fp32:
            return 4;
        case Element::fp16:
        case Element::bf16:
            return 2;
        default:
            return 1;
    }
}
// What an accumulator register holds: the element itself, or 32-bit sums.
Element accumulator_element(const PeakKernel& kernel) {
    if (is_affine(kernel.recurrence)) return kernel.element;
    return is_integer(kernel.element) ? kernel.element : Element::fp32;
}

double get(Element element, const std::byte* from, std::size_t index) {
    switch (element) {
        case Element::fp64:
            return load<double>(from, index);
        case Element::fp32:
            return load<float>(from, index);
        case Element::fp16:
            return from_fp16(load<std::uint16_t>(from, index));
        case Element::bf16:
            return from_bf16(load<std::uint16_t>(from, index));
        default:
            return load<std::int8_t>(from, index);
    }
}
void put(Element element, std::byte* to, std::size_t index, double value) {
    switch (element) {
        case Element::fp64:
            return store(to, index, value);
        case Element::fp32:
            return store(to, index, static_cast<float>(value));
        case Element::fp16:
            return store(to, index, to_fp16(value));
        case Element::bf16:
            return store(to, index, to_bf16(value));
        default:
            return store(to, index, static_cast<std::int8_t>(value));
    }
}

double between(Random& random, double low, double high) {
    return low + (high - low) * 0.5 * (random.uniform() + 1);
}
int whole_between(Random& random, int low, int high) {
    return low + static_cast<int>(random.next() % static_cast<std::uint64_t>(high - low + 1));
}

// x -> m1 x + a1 -> m2 x + a2 with both m negative in (-0.9, -0.5), a1 in (2, 3), a2 in (-3, -2): x
// swings between values of opposite sign, 2 < |x| < 30, and the product of the m is positive, so
// that rounding cannot make the cycle wander. The self-affine form x (1 + m) + b c stays in (2,
// 20).
void fill_affine(const PeakKernel& kernel, PeakData& data, Random& random) {
    const bool self = kernel.recurrence == Recurrence::self_affine;
    const std::size_t lanes =
        static_cast<std::size_t>(kernel.register_bytes) / element_bytes(kernel.element);
    std::byte* operands = data.operands.data();
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const double o0 = self ? between(random, -0.6, -0.3) : between(random, -0.9, -0.5);
        const double o1 = between(random, 2, 3);
        const double o2 = self ? between(random, 1, 2) : between(random, -0.9, -0.5);
        const double o3 = self ? between(random, 2, 3) : between(random, -3, -2);
        put(kernel.element, operands, lane, o0);
        put(kernel.element, operands, lanes + lane, o1);
        put(kernel.element, operands, 2 * lanes + lane, o2);
        put(kernel.element, operands, 3 * lanes + lane, o3);
    }
    for (std::size_t i = 0; i < lanes * static_cast<std::size_t>(kernel.chains); ++i)
        put(kernel.element, data.start.data(), i, between(random, 2, 4));
}

// Small whole numbers, exact in bf16, fp16 and in sums below 2^24: left factors come in equal pairs
// (p, p), right ones in pairs (q, d - q), so that a turn moves an accumulator by d p only. d is 1
// in every group of a dot product or segment, and in one pair of eight of a tile, whose groups are
// long.
void fill_products(const PeakKernel& kernel, PeakData& data, Random& random) {
    const std::size_t pairs =
        static_cast<std::size_t>(kernel.register_bytes) / element_bytes(kernel.element) / 2;
    const bool tile = kernel.recurrence == Recurrence::matrix_tile;
    const std::size_t group_pairs = kernel.recurrence == Recurrence::matrix_segment ? 2 : 1;
    for (std::size_t factor = 0; factor < static_cast<std::size_t>(kernel.operand_count());
         ++factor) {
        for (std::size_t pair = 0; pair < pairs; ++pair) {
            const std::size_t at = (factor * pairs + pair) * 2;
            int first = whole_between(random, 1, 4), second = first;
            if (random.next() % 2 == 0) first = second = -first;
            if (factor % 2 == 1) {
                const bool drifts = tile ? random.next() % 8 == 0 : pair % group_pairs == 0;
                first = whole_between(random, 2, 8);
                second = (drifts ? 1 : 0) - first;
            }
            put(kernel.element, data.operands.data(), at, first);
            put(kernel.element, data.operands.data(), at + 1, second);
        }
    }
    const std::size_t sums = data.start.size() / 4;
    for (std::size_t i = 0; i < sums; ++i)
        store(data.start.data(), i, static_cast<float>(whole_between(random, 1, 100)));
}

// Any bytes: 32-bit sums wrap around, and the reference wraps with them.
void fill_integers(PeakData& data, Random& random) {
    for (std::size_t i = 0; i < data.operands.size(); ++i)
        data.operands.data()[i] = static_cast<std::byte>(1 + random.next() % 255);
    for (std::size_t i = 0; i < data.start.size() / 4; ++i)
        store(data.start.data(), i, static_cast<std::int32_t>(whole_between(random, 1, 1 << 20)));
}

// One rounding where the hardware fuses; the fp16 product and sum are exact in double.
double multiply_add(Element element, double x, double m, double a) {
    if (element == Element::fp64) return std::fma(x, m, a);
    if (element == Element::fp32)
        return std::fma(static_cast<float>(x), static_cast<float>(m), static_cast<float>(a));
    return from_fp16(to_fp16(x * m + a));
}
double multiply_then_add(Element element, double x, double m, double a) {
    // volatile: the compiler must not contract what the hardware rounds twice.
    if (element == Element::fp64) {
        volatile double product = x * m;
        return product + a;
    }
    volatile float product = static_cast<float>(x) * static_cast<float>(m);
    return product + static_cast<float>(a);
}

double affine_turns(const PeakKernel& kernel, double x, const double (&o)[4], std::int64_t turns) {
    for (std::int64_t turn = 0; turn < turns; ++turn) {
        const double before = x;
        switch (kernel.recurrence) {
            case Recurrence::affine:
                x = multiply_add(kernel.element, x, o[0], o[1]);
                x = multiply_add(kernel.element, x, o[2], o[3]);
                break;
            case Recurrence::affine_unfused:
                x = multiply_then_add(kernel.element, x, o[0], o[1]);
                x = multiply_then_add(kernel.element, x, o[2], o[3]);
                break;
            default:
                x = multiply_add(kernel.element, x, o[0], x);
                x = multiply_add(kernel.element, o[2], o[3], x);
        }
        if (x == before) break;  // the cycle is reached: every further turn gives the same
    }
    return x;
}

// Where the factors of accumulator `sum` lie in a register: the element index of the k-th pair of
// factors, left and right.
struct Factors {
    std::size_t left, right;
};
Factors factors_of(const PeakKernel& kernel, std::size_t sum, std::size_t k) {
    const std::size_t size = element_bytes(kernel.element);
    switch (kernel.recurrence) {
        case Recurrence::matrix_segment: {  // 128 bits: two rows of 8 bytes in A, two in B
            const std::size_t depth = 8 / size, segment = sum / 4, row = sum % 4 / 2,
                              column = sum % 2;
            const std::size_t base = segment * 16 / size;
            return {base + row * depth + k, base + column * depth + k};
        }
        case Recurrence::matrix_tile: {  // A: 16 rows of 64 bytes; B: 4-byte groups per column
            const std::size_t group = 4 / size, row = sum / 16, column = sum % 16;
            return {row * 64 / size + k, k / group * 64 / size + column * group + k % group};
        }
        default: {
            const std::size_t group = 4 / size;
            return {sum * group + k, sum * group + k};
        }
    }
}
std::size_t depth_of(const PeakKernel& kernel) {
    const std::size_t size = element_bytes(kernel.element);
    if (kernel.recurrence == Recurrence::matrix_tile) return 64 / size;
    return (kernel.recurrence == Recurrence::matrix_segment ? 8 : 4) / size;
}

// What one turn adds to accumulator `sum`; a whole number for all product kernels.
std::int64_t increment(const PeakKernel& kernel, const PeakData& data, std::size_t sum) {
    const std::size_t elements =
        static_cast<std::size_t>(kernel.register_bytes) / element_bytes(kernel.element);
    std::int64_t total = 0;
    for (int step = 0; step < kernel.operand_count() / 2; ++step) {
        const std::size_t base = static_cast<std::size_t>(step) * 2 * elements;
        for (std::size_t k = 0; k < depth_of(kernel); ++k) {
            const Factors at = factors_of(kernel, sum, k);
            double left = get(kernel.element, data.operands.data(), base + at.left);
            if (kernel.element == Element::uint8_int8 && left < 0) left += 256;
            const double right =
                get(kernel.element, data.operands.data(), base + elements + at.right);
            total += static_cast<std::int64_t>(left * right);
        }
    }
    return total;
}

double deviation(double got, double want) {
    if (!std::isfinite(got)) return std::numeric_limits<double>::infinity();
    return std::fabs(got - want) / std::max(1.0, std::fabs(want));
}

double affine_error(const PeakKernel& kernel, const PeakData& data, const AlignedBytes& result,
                    std::int64_t turns) {
    const std::size_t lanes =
        static_cast<std::size_t>(kernel.register_bytes) / element_bytes(kernel.element);
    double worst = 0;
    for (std::size_t i = 0; i < lanes * static_cast<std::size_t>(kernel.chains); ++i) {
        double o[4];
        for (std::size_t j = 0; j < 4; ++j)
            o[j] = get(kernel.element, data.operands.data(), j * lanes + i % lanes);
        const double want =
            affine_turns(kernel, get(kernel.element, data.start.data(), i), o, turns);
        worst = std::max(worst, deviation(get(kernel.element, result.data(), i), want));
    }
    return worst;
}

double product_error(const PeakKernel& kernel, const PeakData& data, const AlignedBytes& result,
                     std::int64_t turns) {
    const std::size_t sums = static_cast<std::size_t>(kernel.register_bytes) / 4;
    std::vector<std::int64_t> moves(sums);
    for (std::size_t sum = 0; sum < sums; ++sum) moves[sum] = increment(kernel, data, sum);
    double worst = 0;
    for (std::size_t i = 0; i < sums * static_cast<std::size_t>(kernel.chains); ++i) {
        const std::int64_t moved = moves[i % sums] * turns;
        if (is_integer(kernel.element)) {
            const auto want = static_cast<std::int32_t>(load<std::uint32_t>(data.start.data(), i) +
                                                        static_cast<std::uint32_t>(moved));
            const std::int32_t got = load<std::int32_t>(result.data(), i);
            // Whole numbers are right or wrong: one unit off in a large sum is wrong.
            if (got != want) worst = std::max({worst, 1.0, deviation(got, want)});
        } else {
            const double want = load<float>(data.start.data(), i) + static_cast<double>(moved);
            worst = std::max(worst, deviation(load<float>(result.data(), i), want));
        }
    }
    return worst;
}

}  // namespace

AlignedBytes::AlignedBytes(std::size_t size)
    : size_(size), bytes_(static_cast<std::byte*>(std::aligned_alloc(64, (size + 63) / 64 * 64))) {
    if (!bytes_) throw std::bad_alloc();
    std::memset(bytes_.get(), 0, (size + 63) / 64 * 64);
}

PeakData make_peak_data(const PeakKernel& kernel, std::uint64_t seed) {
    const auto bytes = static_cast<std::size_t>(kernel.register_bytes);
    PeakData data{AlignedBytes(bytes * static_cast<std::size_t>(kernel.operand_count())),
                  AlignedBytes(bytes * static_cast<std::size_t>(kernel.chains))};
    Random random(seed);
    if (is_affine(kernel.recurrence))
        fill_affine(kernel, data, random);
    else if (is_integer(kernel.element))
        fill_integers(data, random);
    else
        fill_products(kernel, data, random);
    return data;
}

AlignedBytes make_result(const PeakKernel& kernel) {
    return AlignedBytes(static_cast<std::size_t>(kernel.register_bytes) *
                        static_cast<std::size_t>(kernel.chains));
}

double peak_error(const PeakKernel& kernel, const PeakData& data, const AlignedBytes& result,
                  std::int64_t turns) {
    return is_affine(kernel.recurrence) ? affine_error(kernel, data, result, turns)
                                        : product_error(kernel, data, result, turns);
}

void corrupt(const PeakKernel& kernel, AlignedBytes& result) {
    const Element element = accumulator_element(kernel);
    if (is_integer(element))
        store(result.data(), 0, load<std::int32_t>(result.data(), 0) ^ 0x40000000);
    else
        put(element, result.data(), 0, get(element, result.data(), 0) * 2 + 8);
}

}  // namespace peakward::native
