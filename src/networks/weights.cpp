#include "networks/weights.hpp"

#include <bit>
#include <cstring>

namespace peakward::detail {
namespace {

static_assert(std::endian::native == std::endian::little, "weights.bin is little-endian");

// Changes every weight of every network, and with it the name of their folders.
constexpr std::uint64_t seed = 0x7065616b77617264;  // "peakward"

// Runtimes map the file and want tensors on whole cache lines.
constexpr std::int64_t alignment_bytes = 64;

// Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014): SplitMix64's
// output function, here of a counter.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

// FNV-1a, 64 bits.
std::uint64_t hash(std::string_view text, std::uint64_t state) {
    for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return state;
}

std::int64_t sum_of_quarters(std::uint64_t bits) {
    return static_cast<std::int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) +
                                     (bits >> 32 & 0xffff) + (bits >> 48));
}

}  // namespace

// The sum of twelve uniform numbers has variance 1 and is normal to the eye. Unlike the logarithms
// and cosines of exact methods it is whole numbers, which no library computes differently.
std::vector<double> draw(std::string_view network, std::string_view tensor, std::int64_t count) {
    constexpr std::uint64_t step = 0x9e3779b97f4a7c15;
    std::uint64_t state = hash(tensor, hash("/", hash(network, seed)));
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) {
        std::int64_t sum = -6 * 65535;
        for (int i = 0; i < 3; ++i) sum += sum_of_quarters(mix(state += step));
        value = static_cast<double>(sum) / 65536;
    }
    return values;
}

std::vector<float> elements_of(const catalog::Graph& graph, const catalog::Initialiser& tensor) {
    const std::int64_t count = catalog::elements(tensor.shape);
    std::vector<float> values(static_cast<std::size_t>(count), static_cast<float>(tensor.mean));
    if (tensor.deviation == 0) return values;
    const std::vector<double> drawn = draw(graph.name, tensor.name, count);
    for (std::size_t i = 0; i < drawn.size(); ++i)
        values[i] = static_cast<float>(tensor.mean + tensor.deviation * drawn[i]);
    return values;
}

std::vector<float> input_of(const catalog::Graph& graph) {
    const std::vector<double> drawn =
        draw(graph.name, graph.input, catalog::elements(graph.shapes.at(graph.input)));
    return {drawn.begin(), drawn.end()};
}

WeightLayout weight_layout(const catalog::Graph& graph) {
    WeightLayout layout;
    for (const catalog::Initialiser& tensor : graph.initialisers) {
        if (!tensor.integers.empty()) continue;
        layout.offset_bytes[tensor.name] = layout.total_bytes;
        const std::int64_t size = catalog::elements(tensor.shape) * 4;
        layout.total_bytes += (size + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
    }
    return layout;
}

std::string weight_bytes(const catalog::Graph& graph, const WeightLayout& layout) {
    std::string bytes(static_cast<std::size_t>(layout.total_bytes), '\0');
    for (const catalog::Initialiser& tensor : graph.initialisers) {
        const auto offset = layout.offset_bytes.find(tensor.name);
        if (offset == layout.offset_bytes.end()) continue;
        const std::vector<float> values = elements_of(graph, tensor);
        std::memcpy(bytes.data() + offset->second, values.data(), values.size() * sizeof(float));
    }
    return bytes;
}

std::string bytes_of(const std::vector<float>& values) {
    std::string bytes(values.size() * sizeof(float), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

}  // namespace peakward::detail
