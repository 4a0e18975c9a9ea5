// fp16 and bf16 as bits, for the scalar references: the baseline build has no such types.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace peakward::worker {

// IEEE binary16 of a value, rounded to nearest even. Callers stay inside its range.
inline std::uint16_t to_fp16(double value) {
    if (value == 0) return std::signbit(value) ? 0x8000 : 0;
    int exponent = 0;
    const double fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
    exponent -= 1;
    const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    if (exponent > 15) return static_cast<std::uint16_t>(sign | 0x7c00);
    if (exponent < -14) {  // subnormal: steps of 2^-24
        const auto steps =
            static_cast<std::uint16_t>(std::nearbyint(std::ldexp(std::fabs(value), 24)));
        return static_cast<std::uint16_t>(sign | steps);
    }
    const auto significand = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(fraction, 11)));
    // A significand that rounded up to 2^11 carries into the exponent by itself.
    const std::uint32_t bits =
        (static_cast<std::uint32_t>(exponent + 15) << 10) + (significand - 1024);
    return static_cast<std::uint16_t>(sign | bits);
}

inline double from_fp16(std::uint16_t bits) {
    const int exponent = (bits >> 10) & 0x1f;
    const int significand = bits & 0x3ff;
    double value = 0;
    if (exponent == 31)
        value = significand == 0 ? HUGE_VAL : std::nan("");
    else if (exponent == 0)
        value = std::ldexp(significand, -24);
    else
        value = std::ldexp(1024 + significand, exponent - 25);
    return (bits & 0x8000) != 0 ? -value : value;
}

// bf16 is the upper half of an fp32; exact for the small whole numbers that operands are made of.
inline std::uint16_t to_bf16(double value) {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >>
                                      16);
}
inline double from_bf16(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

// Formats of 8 bits (Open Compute Project, OFP8 revision 1.0): a sign, `exponent_bits`, the rest
// significand. Only for values that the format holds exactly, and that are not subnormal in it.
inline std::uint8_t to_fp8(double value, int exponent_bits) {
    if (value == 0) return std::signbit(value) ? 0x80 : 0;
    const int significand_bits = 7 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = 0;
    const double fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
    const auto significand =
        static_cast<std::uint32_t>(std::ldexp(fraction, significand_bits + 1)) -
        (1u << significand_bits);
    const auto biased = static_cast<std::uint32_t>(exponent - 1 + bias);
    return static_cast<std::uint8_t>((std::signbit(value) ? 0x80u : 0u) |
                                     (biased << significand_bits) | significand);
}
inline std::uint8_t to_fp8_e4m3(double value) { return to_fp8(value, 4); }
inline std::uint8_t to_fp8_e5m2(double value) { return to_fp8(value, 5); }

}  // namespace peakward::worker
