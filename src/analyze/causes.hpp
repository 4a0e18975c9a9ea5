// What differs between the two sides of a drop, and which of it is the likely cause (METHODS 3.2).
// One difference is named; several are ranked by what the same change did elsewhere and called
// confounded; none means that the software did not change. Other kernels under unchanged versions
// are a difference too: a library chooses them by the CPU it sees and by variables.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/series.hpp"

namespace peakward {

// `implementation`: what really ran for the cases behind the series, versions left aside.
enum class DifferenceKind { component, firmware, environment, implementation };
std::string_view to_string(DifferenceKind kind);

struct Difference {
    DifferenceKind kind = DifferenceKind::component;
    std::string name;  // "gpu_driver_version"
    // "unknown" when it could not be read on that side; "not set" of a library variable.
    std::string before;
    std::string after;
    // What the same change did elsewhere: other hosts, or updates that it came in with other
    // companions. 0 places: it was not seen elsewhere.
    int places = 0;
    double effect_percent = 0;  // median over those places; below 0 is worse
};

// "GPU driver 560.35.03 -> 560.40.01", "OpenBLAS kernels Zen -> Prescott"
std::string difference_words(const Difference& difference);

// Components, firmware and environment: whatever holds on all runs of one side and on none of the
// other. Clocks differ from 3 % on. Library variables that the host overrides never differ.
std::vector<Difference> differences_between(std::span<const RunFacts* const> before,
                                            std::span<const RunFacts* const> after);

// What ran in the cases behind a series, when it differs in the same way: of several changes the
// one that most cases have. Versions and percentages within the texts are not looked at.
std::optional<Difference> implementation_change(std::span<const RunFacts* const> before,
                                                std::span<const RunFacts* const> after,
                                                const SeriesKey& key);

// What changes of single components did, over all series of a call.
class ChangeHistory {
public:
    // `stacks`: the components of each place that SeriesPoint::stack names; an empty map where
    // nothing is known of it.
    ChangeHistory(std::span<const Series* const> series,
                  std::vector<std::map<std::string, std::string>> stacks);

    // Effects of updates that held this change and not all of `companions`.
    std::vector<double> effects_percent(const Difference& change,
                                        std::span<const Difference> companions) const;

private:
    struct Update {
        std::int32_t from = 0, to = 0;
        double effect_percent = 0;  // below 0 is worse
    };
    using Changed = std::map<std::string, std::pair<std::string, std::string>>;
    const Changed& changed(std::int32_t from, std::int32_t to) const;

    std::map<std::pair<std::int32_t, std::int32_t>, Changed> changes_;
    std::vector<Update> updates_;
    std::map<std::string, std::vector<std::size_t>> by_change_;  // "name|before|after"
};

struct LikelyCause {
    std::vector<Difference> differences;  // the likeliest first
    bool confounded = false;              // several changed together
    bool software_changed = false;
    std::string cause;           // one sentence
    std::string recommendation;  // one sentence
};

struct DropSides {
    std::vector<const RunFacts*> before, after;
    double change_percent = 0;  // for the worse: below 0
    bool gradual = false;
    int stacks_between = 0;
    bool suspected = false;
    bool imported = false;  // no run of this program can continue the series
    SeriesKey key;          // whose implementation is compared; device and backend break ties
};

// `history` may be null: then several differences stay in the order of what the backend uses.
LikelyCause likely_cause(const DropSides& sides, const ChangeHistory* history);

}  // namespace peakward
