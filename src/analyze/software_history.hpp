// What changed along a series, and what each software stack was worth.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyze/pooled_noise.hpp"
#include "core/series.hpp"

namespace peakward {

struct ComponentChange {
    std::string name;                          // "pytorch_version"
    std::optional<std::string> before, after;  // none: unknown or not installed
    friend bool operator==(const ComponentChange&, const ComponentChange&) = default;
};
// "pytorch 2.1.0 -> 2.2.0"; the name without "_version".
std::string to_string(const ComponentChange& change);

// Components that differ, by name; a newer Peakward is one ("peakward"), for it measures.
std::vector<ComponentChange> changed_components(const RunFacts& before, const RunFacts& after);
std::vector<ComponentChange> changed_firmware(const RunFacts& before, const RunFacts& after);

struct HistoryEvent {
    enum class Kind { software, firmware };
    Kind kind = Kind::software;
    std::int64_t seq_before = 0, seq_after = 0;
    std::int64_t time_unix = 0;            // of the first run after it
    std::string before, after;             // software fingerprints, or hardware fingerprints
    std::vector<ComponentChange> changes;  // empty: the ids differ and no component tells why
};

// The runs whose facts events_of() and impact_of() need: both sides of every change of stack, both
// ends, and `firmware_unix`, the first runs of further hardware fingerprints of the lineage.
std::vector<std::int64_t> runs_at_changes(const Series& series,
                                          std::span<const std::int64_t> firmware_unix);

using FactsBySeq = std::map<std::int64_t, RunFacts>;
// By time. Runs without facts are passed over.
std::vector<HistoryEvent> events_of(const Series& series, const FactsBySeq& facts);

// The middle of some figures, and the 95 % interval of the level behind them by the learned noise;
// without interval where no noise is known, or where the figures are doubtful.
struct Middle {
    double median = 0;
    std::optional<double> ci_low, ci_high;
    std::size_t count = 0;
};

// One software stack of a series.
struct StackImpact {
    std::int32_t stack = -1;
    std::size_t runs = 0, counting = 0;
    std::int64_t first_unix = 0, last_unix = 0;
    std::int64_t first_seq = 0;
    std::vector<ComponentChange> changes;  // against the stack that ran before its first run
    std::optional<Middle> value;           // of the runs that count, else of all that were measured
    bool doubtful = false;                 // none counts: shown, and nothing is decided with it
    // Effect against that stack: 100 x (median / median before - 1), above 0 is better. The 95 %
    // interval is by the learned noise; none where that is unknown or a side is doubtful.
    std::optional<double> change_percent, ci_low_percent, ci_high_percent;
    bool moved = false;  // the interval leaves out zero, and neither side is doubtful
};

struct SoftwareImpact {
    NoiseUsed noise;                  // that the intervals are made of
    std::vector<StackImpact> stacks;  // by first run
    // From the first stack with runs that count to that of the newest such run; where no run of any
    // stack counts, between the doubtful ones.
    bool doubtful = false;
    std::optional<double> total_percent, total_ci_low_percent, total_ci_high_percent;
    std::optional<std::size_t> first, latest;  // places in `stacks`
    // The step that moved it most, of those that did; none: no step did.
    std::optional<std::size_t> strongest;
    // The one component that changed there; none where several did (confounded) or none is known.
    std::optional<ComponentChange> cause;
};
// `noise` is that of learned_noise() (series_levels.hpp).
SoftwareImpact impact_of(const Series& series, const FactsBySeq& facts, const NoiseUsed& noise);
// With the noise of this series alone.
SoftwareImpact impact_of(const Series& series, const FactsBySeq& facts);

}  // namespace peakward
