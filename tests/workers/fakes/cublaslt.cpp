// A cuBLASLt of three loops, over memory of the fake driver beside it. What is wrong with it,
// PEAKWARD_FAKE_CUDA says: "wrong_element", "tf32_for_fp32", "fp32_for_tf32", "no_algorithm",
// "no_library".
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sdk/small_floats.hpp"

namespace {

using peakward::worker::from_bf16;
using peakward::worker::from_fp16;
using peakward::worker::to_fp16;

constexpr int success = 0, invalid_value = 7, not_supported = 15, not_initialized = 1;
constexpr int r_32f = 0, r_64f = 1, r_16f = 2, r_8i = 3, r_32i = 10, r_16bf = 14, e4m3 = 28,
              e5m2 = 29;
constexpr int compute_tf32 = 77;

bool planted(std::string_view fault) {
    const char* set = std::getenv("PEAKWARD_FAKE_CUDA");
    return set != nullptr && fault == set;
}

struct Desc {
    int compute, scale;
    bool transposes_a = false, transposes_b = false;
};
struct Layout {
    int type;
    std::uint64_t rows, columns;
    std::int64_t leading;
};
struct Algo {
    std::uint64_t data[8];
};
struct Heuristic {
    Algo algo;
    std::size_t workspace_bytes;
    int state;
    float waves;
    int reserved[4];
};

// A sign, `exponent_bits`, the rest significand; no infinities are met here.
double from_fp8(std::uint8_t bits, int exponent_bits) {
    const int significand_bits = 7 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (bits & 0x7f) >> significand_bits;
    const int fraction = bits & ((1 << significand_bits) - 1);
    const double value = exponent == 0 ? std::ldexp(fraction, 1 - bias - significand_bits)
                                       : std::ldexp(fraction + (1 << significand_bits),
                                                    exponent - bias - significand_bits);
    return (bits & 0x80) != 0 ? -value : value;
}

template <typename T>
T load(const void* memory, std::int64_t at) {
    T value;
    std::memcpy(&value, static_cast<const char*>(memory) + at * std::int64_t{sizeof(T)}, sizeof(T));
    return value;
}
template <typename T>
void store(void* memory, std::int64_t at, T value) {
    std::memcpy(static_cast<char*>(memory) + at * std::int64_t{sizeof(T)}, &value, sizeof(T));
}

double element(const Layout& layout, const void* memory, std::int64_t row, std::int64_t column) {
    const std::int64_t at = row + column * layout.leading;
    switch (layout.type) {
        case r_64f:
            return load<double>(memory, at);
        case r_32f:
            return load<float>(memory, at);
        case r_16f:
            return from_fp16(load<std::uint16_t>(memory, at));
        case r_16bf:
            return from_bf16(load<std::uint16_t>(memory, at));
        case r_8i:
            return load<std::int8_t>(memory, at);
        case e4m3:
            return from_fp8(load<std::uint8_t>(memory, at), 4);
        case e5m2:
            return from_fp8(load<std::uint8_t>(memory, at), 5);
        default:
            return std::nan("");
    }
}

// To the nearest, as the real one does.
std::uint16_t rounded_bf16(double value) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
double rounded_tf32(double value) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    return std::bit_cast<float>((bits + 0xfff + ((bits >> 13) & 1)) & 0xffffe000u);
}

void set(const Layout& layout, void* memory, std::int64_t row, std::int64_t column, double value) {
    const std::int64_t at = row + column * layout.leading;
    if (layout.type == r_64f) store(memory, at, value);
    if (layout.type == r_32f) store(memory, at, static_cast<float>(value));
    if (layout.type == r_16f) store(memory, at, to_fp16(value));
    if (layout.type == r_16bf) store(memory, at, rounded_bf16(value));
    if (layout.type == r_32i) store(memory, at, static_cast<std::int32_t>(value));
}

std::uint64_t columns_of(const Layout& layout, bool transposes) {
    return transposes ? layout.rows : layout.columns;
}

}  // namespace

extern "C" {

std::size_t cublasLtGetVersion() { return 130002; }
const char* cublasLtGetStatusString(int status) {
    return status == not_supported     ? "CUBLAS_STATUS_NOT_SUPPORTED"
           : status == not_initialized ? "CUBLAS_STATUS_NOT_INITIALIZED"
                                       : "CUBLAS_STATUS_INVALID_VALUE";
}
int cublasLtCreate(void** handle) {
    if (planted("no_library")) return not_initialized;
    *handle = new char;
    return success;
}
int cublasLtDestroy(void* handle) {
    delete static_cast<char*>(handle);
    return success;
}
int cublasLtMatmulDescCreate(void** desc, int compute, int scale) {
    *desc = new Desc{compute, scale};
    return success;
}
int cublasLtMatmulDescDestroy(void* desc) {
    delete static_cast<Desc*>(desc);
    return success;
}
int cublasLtMatmulDescSetAttribute(void* desc, int attribute, const void* value,
                                   std::size_t bytes) {
    if (bytes != sizeof(int)) return invalid_value;
    const bool transposes = *static_cast<const int*>(value) == 1;
    if (attribute == 3) static_cast<Desc*>(desc)->transposes_a = transposes;
    if (attribute == 4) static_cast<Desc*>(desc)->transposes_b = transposes;
    return attribute == 3 || attribute == 4 ? success : invalid_value;
}
int cublasLtMatrixLayoutCreate(void** layout, int type, std::uint64_t rows, std::uint64_t columns,
                               std::int64_t leading) {
    *layout = new Layout{type, rows, columns, leading};
    return success;
}
int cublasLtMatrixLayoutDestroy(void* layout) {
    delete static_cast<Layout*>(layout);
    return success;
}
int cublasLtMatmulPreferenceCreate(void** preference) {
    *preference = new char;
    return success;
}
int cublasLtMatmulPreferenceDestroy(void* preference) {
    delete static_cast<char*>(preference);
    return success;
}
int cublasLtMatmulPreferenceSetAttribute(void*, int attribute, const void*, std::size_t bytes) {
    return attribute == 1 && bytes == sizeof(std::size_t) ? success : invalid_value;
}
// As the real one: 8-bit formats take A transposed, and e5m2 x e5m2 is no pair of its.
int cublasLtMatmulAlgoGetHeuristic(void*, void* desc, void* a, void* b, void* c, void*, void*,
                                   int wanted, Heuristic* results, int* found) {
    const auto& of = *static_cast<Desc*>(desc);
    const auto &of_a = *static_cast<Layout*>(a), &of_b = *static_cast<Layout*>(b);
    const bool narrow = of_a.type == r_8i || of_a.type == e4m3 || of_a.type == e5m2;
    *found = 0;
    if (planted("no_algorithm") || wanted < 1 || (narrow && !of.transposes_a) ||
        (of_a.type == e5m2 && of_b.type == e5m2))
        return not_supported;
    if (static_cast<Layout*>(c)->columns != columns_of(of_b, of.transposes_b)) return invalid_value;
    *results = {{{66, 21, 36, 1, 0, 0, 0, 0}}, 0, success, 1, {}};
    *found = 1;
    return success;
}
int cublasLtMatmulAlgoConfigGetAttribute(const Algo* algo, int attribute, void* value,
                                         std::size_t bytes, std::size_t* written) {
    constexpr int places[] = {0, 1, 3, -1, 4, -1, 2};  // of each attribute in our algorithm
    if (attribute < 0 || attribute > 6 || places[attribute] < 0 || bytes != 4) return invalid_value;
    const auto number = static_cast<std::uint32_t>(algo->data[places[attribute]]);
    std::memcpy(value, &number, sizeof number);
    *written = sizeof number;
    return success;
}
int cublasLtMatmul(void*, void* desc, const void*, const void* a, void* a_layout, const void* b,
                   void* b_layout, const void*, const void*, void*, void* d, void* d_layout,
                   const Algo*, void*, std::size_t, void*) {
    const auto& of = *static_cast<Desc*>(desc);
    const auto &of_a = *static_cast<Layout*>(a_layout), &of_b = *static_cast<Layout*>(b_layout),
               &of_d = *static_cast<Layout*>(d_layout);
    const auto rows = static_cast<std::int64_t>(of_d.rows),
               columns = static_cast<std::int64_t>(of_d.columns),
               terms = static_cast<std::int64_t>(columns_of(of_a, of.transposes_a));
    const bool rounds = (of.compute == compute_tf32 && !planted("fp32_for_tf32")) ||
                        (of_a.type == r_32f && planted("tf32_for_fp32"));
    const auto seen = [rounds](double value) { return rounds ? rounded_tf32(value) : value; };
    for (std::int64_t j = 0; j < columns; ++j)
        for (std::int64_t i = 0; i < rows; ++i) {
            double sum = 0;
            for (std::int64_t l = 0; l < terms; ++l)
                sum += seen(of.transposes_a ? element(of_a, a, l, i) : element(of_a, a, i, l)) *
                       seen(element(of_b, b, l, j));
            // "wrong_element": one of them is off by as much as an element is large.
            if (planted("wrong_element") && i == rows / 2 && j == columns / 2)
                sum += std::sqrt(static_cast<double>(terms));
            set(of_d, d, i, j, sum);
        }
    return success;
}

}  // extern "C"
