#include <array>

#include "catalog/catalog.hpp"

namespace peakward::catalog {
namespace {

// Unit roundoff 2^-p with p the significand bits including the hidden one (IEEE 754-2019; bf16 and
// tf32: vendor manuals; fp8: OCP OFP8 rev 1.0; nvfp4 and mxfp4: E2M1 in blocks with a scale, PTX
// ISA and OCP MX 1.0).
const std::array<Precision, 13> all_precisions{{
    {"fp64", 64, false, 0x1p-53, "fp64"},
    {"fp32", 32, false, 0x1p-24, "fp32"},
    {"tf32", 19, false, 0x1p-11, "fp32"},
    {"fp16", 16, false, 0x1p-11, "fp32"},
    {"bf16", 16, false, 0x1p-8, "fp32"},
    {"fp8_e4m3", 8, false, 0x1p-4, "fp32"},
    {"fp8_e5m2", 8, false, 0x1p-3, "fp32"},
    {"nvfp4", 4, false, 0x1p-2, "fp32"},
    {"mxfp4", 4, false, 0x1p-2, "fp32"},
    {"int32", 32, true, 0, "int32"},
    {"int16", 16, true, 0, "int32"},
    {"int8", 8, true, 0, "int32"},
    {"int4", 4, true, 0, "int32"},
}};

}  // namespace

std::span<const Precision> precisions() { return all_precisions; }

const Precision* find_precision(std::string_view name) {
    for (const Precision& precision : all_precisions)
        if (precision.name == name) return &precision;
    return nullptr;
}

std::vector<std::string> precision_names() {
    std::vector<std::string> names;
    for (const Precision& precision : all_precisions) names.push_back(precision.name);
    return names;
}

}  // namespace peakward::catalog
