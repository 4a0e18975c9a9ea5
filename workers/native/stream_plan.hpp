// How a pass over N elements is divided: contiguous parts, one per thread; chunks of a part, one
// per sample.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace peakward::native {

struct Range {
    std::int64_t begin = 0, end = 0;
    std::int64_t size() const { return end - begin; }
};

// Part `index` of `parts` of a range, as equal as whole lines of `line` elements allow (the last
// part takes the rest). Parts touch and do not overlap.
inline Range divide(Range whole, std::int64_t parts, std::int64_t index, std::int64_t line) {
    const std::int64_t lines = whole.size() / line;
    const auto cut = [&](std::int64_t i) {
        if (i >= parts) return whole.end;
        // lines * i may not fit 64 bits for huge ranges; quotient and remainder do.
        return whole.begin + line * (lines / parts * i + lines % parts * i / parts);
    };
    return {cut(index), cut(index + 1)};
}

// What one sample of a thread covers: one of `chunks` chunks of its part, `sweeps` times.
struct ChunkPlan {
    std::int64_t chunks = 1;
    std::int64_t sweeps = 1;
};

// Chunks of about slice_s where a sweep over the part takes longer, else whole sweeps that fill it.
inline ChunkPlan plan_chunks(std::int64_t part_elements, double element_s, double slice_s,
                             std::int64_t line) {
    const double part_s = std::max(1e-12, static_cast<double>(part_elements) * element_s);
    const std::int64_t lines = std::max<std::int64_t>(1, part_elements / line);
    const auto rounded = [](double x) { return std::max<std::int64_t>(1, std::llround(x)); };
    if (part_s > slice_s) return {std::min(lines, rounded(part_s / slice_s)), 1};
    return {1, std::min<std::int64_t>(rounded(slice_s / part_s), 1 << 24)};
}

}  // namespace peakward::native
