// How large the arrays of a memory measurement have to be (METHODS 1.5): the working set is doubled
// until the bandwidth stays the same. Sizes are powers of two, so that a series keeps its key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/records.hpp"

namespace peakward {

// Elements (of 8 bytes) of each of the three arrays; all are powers of two.
struct SweepRange {
    std::int64_t first = 0;  // where the sweep begins
    std::int64_t least = 0;  // the plateau's size is at least this
    std::int64_t most = 0;   // what memory allows
};

enum class SweepDepth {
    plateau,  // from half the least size of the plateau on
    caches,   // from L1 on: the sweep shows the cache levels, too
};

// `least` is 4 x the private L2 of all threads, and 4 x the last-level cache they can use (the rule
// of STREAM), the latter up to 256 MiB (plateau) or 1 GiB (caches) of working set: a guest may be
// shown the cache of a whole socket. `most` is a quarter of what memory and cgroup leave free, and
// no more than 4 (plateau) or 8 (caches) times the least: a search that goes on further finds
// noise.
SweepRange sweep_range(const Context& context, int threads, SweepDepth depth);

// The same for a GPU of this memory. The search begins at 4 x the largest cache of any GPU and ends
// at 4 GiB or a quarter of the memory, so that it needs no caches of the machine.
SweepRange gpu_sweep_range(std::int64_t memory_bytes);

// Working set of three arrays of `elements` 8-byte elements, in bytes.
std::int64_t working_set_bytes(std::int64_t elements);

// Last-level cache that `threads` threads can use, in bytes; 0 when it is not known.
std::int64_t last_level_bytes(const CpuInfo& cpu, int threads);

// Decides which size is measured next and when the plateau is found: the smallest size s from
// `least` up with two successive doublings that agree within 5 % (s/2, s, 2s or s, 2s, 4s). Where
// two sizes that decide disagree, each is measured once more before the search moves on, and the
// better rate counts: what disturbs a measurement makes it slower.
class PlateauSearch {
public:
    // `known` is the size that an earlier run of this machine settled on: while it still lies on
    // the plateau it is kept, and kept too where nothing can be confirmed, because another size
    // would start another series.
    explicit PlateauSearch(const SweepRange& range,
                           std::optional<std::int64_t> known = std::nullopt);

    // Elements to measure next; none when the search is over.
    std::optional<std::int64_t> next();
    // The rate at a size; none when it could not be measured.
    void report(std::int64_t elements, std::optional<double> gbps);

    // The size that memory operations use. Never smaller than `least`, unless memory is.
    std::int64_t elements() const { return confirmed_ ? chosen_ : known_.value_or(chosen_); }
    // False when memory ended, or measuring failed, before two doublings agreed.
    bool is_confirmed() const { return confirmed_; }

private:
    struct Seen {
        double gbps = 0;  // 0: not measured well
        int times = 0;
    };
    std::optional<std::int64_t> try_size(std::int64_t size);
    std::optional<std::int64_t> unmeasured(std::initializer_list<std::int64_t> sizes) const;
    std::optional<std::int64_t> unrepeated(std::initializer_list<std::int64_t> sizes) const;
    bool agree(std::int64_t a, std::int64_t b) const;

    SweepRange range_;
    std::optional<std::int64_t> known_;
    std::map<std::int64_t, Seen> seen_;
    std::int64_t sweep_at_;   // the next size of the way up
    std::int64_t candidate_;  // the size that is looked at for the plateau
    std::int64_t chosen_;
    bool confirmed_ = false;
    bool over_ = false;
};

}  // namespace peakward
