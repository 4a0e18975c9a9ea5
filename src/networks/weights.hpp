// Seeded numbers: the same on every machine and with every compiler.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/networks/graph.hpp"

namespace peakward::detail {

// `count` numbers of mean 0 and deviation 1, bounded by 6, which the two names determine. The first
// n of a longer series are those of a shorter one.
std::vector<double> draw(std::string_view network, std::string_view tensor, std::int64_t count);

// The elements of an initialiser that is not made of integers.
std::vector<float> elements_of(const catalog::Graph& graph, const catalog::Initialiser& tensor);

// The input of a network: about normal, mean 0, deviation 1.
std::vector<float> input_of(const catalog::Graph& graph);

// Where each fp32 initialiser stands in weights.bin, in bytes.
struct WeightLayout {
    std::map<std::string, std::int64_t> offset_bytes;
    std::int64_t total_bytes = 0;
};
WeightLayout weight_layout(const catalog::Graph& graph);

// weights.bin.
std::string weight_bytes(const catalog::Graph& graph, const WeightLayout& layout);

// Little-endian fp32.
std::string bytes_of(const std::vector<float>& values);

}  // namespace peakward::detail
