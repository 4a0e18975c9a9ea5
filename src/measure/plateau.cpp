#include "measure/plateau.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace peakward {
namespace {

constexpr std::int64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;
constexpr std::int64_t element_bytes = 8, arrays = 3;
constexpr double agreement = 0.05;
constexpr int measured_times_max = 2;
// Where the caches or the memory are not known: usual sizes of one core, and a set that any machine
// has room for.
constexpr std::int64_t l1_usual = 32 * kib, l2_usual = mib, last_level_usual = 32 * mib;
constexpr std::int64_t memory_unknown = gib;

std::int64_t power_below(std::int64_t value) {
    return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(value)));
}
std::int64_t power_above(std::int64_t value) {
    return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(value)));
}

// What `threads` threads share of a cache level, each on a core of its own; 0 when it is not known.
std::int64_t level_bytes(const CpuInfo& cpu, int level, int threads) {
    std::int64_t bytes = 0;
    for (const CacheLevel& cache : cpu.caches)
        if (cache.level == level && cache.type != "instruction")
            bytes += cache.size_bytes * std::clamp(cache.instances, 1, threads);
    return bytes;
}

}  // namespace

std::int64_t working_set_bytes(std::int64_t elements) { return arrays * element_bytes * elements; }

std::int64_t last_level_bytes(const CpuInfo& cpu, int threads) {
    for (int level = 4; level >= 3; --level)
        if (const std::int64_t bytes = level_bytes(cpu, level, threads); bytes > 0) return bytes;
    return 0;
}

SweepRange sweep_range(const Context& context, int threads, SweepDepth depth) {
    const CpuInfo& cpu = context.hardware.cpu;
    const auto known_or = [](std::int64_t bytes, std::int64_t usual) {
        return bytes > 0 ? bytes : usual;
    };
    const std::int64_t l1 = known_or(level_bytes(cpu, 1, threads), l1_usual * threads);
    const std::int64_t l2 = known_or(level_bytes(cpu, 2, threads), l2_usual * threads);
    // No L3 is a fact where the other caches are known, else it was not found out.
    const std::int64_t last =
        cpu.caches.empty() ? last_level_usual : last_level_bytes(cpu, threads);
    const std::int64_t last_cap = depth == SweepDepth::caches ? gib : 256 * mib;
    const std::int64_t least_bytes = std::max(4 * l2, std::min(4 * last, last_cap));

    std::int64_t free_bytes = context.hardware.memory.available_bytes.value_or(memory_unknown);
    if (const auto& limit = context.environment.memory_limit_bytes; limit && *limit > 0)
        free_bytes = std::min(free_bytes, *limit);
    const std::int64_t one_element = working_set_bytes(1);

    SweepRange range;
    const std::int64_t room = power_below(std::max<std::int64_t>(free_bytes / 4 / one_element, 1));
    range.least = std::min(power_above((least_bytes + one_element - 1) / one_element), room);
    range.most = std::min(room, range.least * (depth == SweepDepth::caches ? 8 : 4));
    const std::int64_t in_l1 = power_below(std::max<std::int64_t>(l1 / one_element, 1));
    range.first = depth == SweepDepth::caches ? std::min(in_l1, range.least)
                                              : std::max<std::int64_t>(range.least / 2, 1);
    return range;
}

SweepRange gpu_sweep_range(std::int64_t memory_bytes) {
    // 256 MB of AMD's MI300X; NVIDIA's B200 has 126 MB.
    constexpr std::int64_t least_bytes = 4 * 256 * mib, most_bytes = 4 * gib;
    const std::int64_t known_bytes = memory_bytes > 0 ? memory_bytes : 4 * least_bytes;
    const std::int64_t one_element = working_set_bytes(1);
    const std::int64_t room = power_below(std::max<std::int64_t>(known_bytes / 4 / one_element, 1));
    SweepRange range;
    range.least = std::min(power_above((least_bytes + one_element - 1) / one_element), room);
    range.most = std::max(range.least, std::min(room, power_below(most_bytes / one_element)));
    range.first = std::max<std::int64_t>(range.least / 2, 1);
    return range;
}

PlateauSearch::PlateauSearch(const SweepRange& range, std::optional<std::int64_t> known)
    : range_(range), sweep_at_(range.first), candidate_(range.least), chosen_(range.least) {
    if (!known || *known < range.least || *known > range.most) return;
    known_ = known;
    candidate_ = chosen_ = *known;
    // The way up from the caches stays whole; without it, only what decides is measured.
    if (2 * range.first >= range.least) sweep_at_ = std::max(range.first, *known / 2);
}

std::optional<std::int64_t> PlateauSearch::next() {
    while (!over_) {
        if (sweep_at_ <= candidate_) {
            const std::int64_t size = sweep_at_;
            sweep_at_ *= 2;
            if (!seen_.contains(size)) return size;
            continue;
        }
        if (auto size = try_size(candidate_)) return size;
        if (over_) break;
        candidate_ *= 2;
        chosen_ = candidate_;
    }
    return std::nullopt;
}

// What has to be measured before this size can be judged; none when it was judged: then the search
// is over, or the size is not on the plateau.
std::optional<std::int64_t> PlateauSearch::try_size(std::int64_t size) {
    const std::int64_t half = size / 2, twice = 2 * size, four = 4 * size;
    if (twice > range_.most) {
        chosen_ = size;
        over_ = true;
        return std::nullopt;
    }
    if (auto more = unmeasured({size, twice})) return more;
    if (!agree(size, twice)) {
        if (auto more = unrepeated({size, twice})) return more;
        // Larger sizes will not fare better where nothing can be measured.
        over_ = seen_.at(size).gbps <= 0 || seen_.at(twice).gbps <= 0;
        return std::nullopt;
    }
    if (seen_.contains(half) && agree(half, size)) {
        chosen_ = size;
        confirmed_ = over_ = true;
        return std::nullopt;
    }
    if (four > range_.most) {
        chosen_ = size;
        over_ = true;
        return std::nullopt;
    }
    if (auto more = unmeasured({four})) return more;
    if (!agree(twice, four)) {
        if (auto more = unrepeated({twice, four})) return more;
        return std::nullopt;
    }
    chosen_ = size;
    confirmed_ = over_ = true;
    return std::nullopt;
}

std::optional<std::int64_t> PlateauSearch::unmeasured(
    std::initializer_list<std::int64_t> sizes) const {
    for (const std::int64_t size : sizes)
        if (!seen_.contains(size)) return size;
    return std::nullopt;
}

std::optional<std::int64_t> PlateauSearch::unrepeated(
    std::initializer_list<std::int64_t> sizes) const {
    for (const std::int64_t size : sizes)
        if (seen_.at(size).times < measured_times_max) return size;
    return std::nullopt;
}

bool PlateauSearch::agree(std::int64_t a, std::int64_t b) const {
    const double rate_a = seen_.at(a).gbps, rate_b = seen_.at(b).gbps;
    return rate_a > 0 && rate_b > 0 &&
           std::abs(rate_a - rate_b) <= agreement * std::max(rate_a, rate_b);
}

void PlateauSearch::report(std::int64_t elements, std::optional<double> gbps) {
    Seen& seen = seen_[elements];
    seen.gbps = std::max(seen.gbps, gbps.value_or(0));
    ++seen.times;
}

}  // namespace peakward
