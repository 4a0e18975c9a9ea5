// The compute probes of a lineage over all its runs: what its peaks are taken from where the
// hardware database has no entry. A peak belongs to the hardware and not to one run (METHODS 1.4).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "score/score.hpp"
#include "store/run_store.hpp"

namespace peakward {

class ProbeHistory {
public:
    // Reads the undoubted probes of the lineage in a power mode (none: it could not be read).
    static Result<ProbeHistory> read(RunStore& store, const std::string& lineage,
                                     const std::optional<std::string>& power_mode);
    static Result<ProbeHistory> read(RunStore& store, const Context& context);

    // The probes of a run that is not stored yet; those of a run with a flag do not count.
    void add(const Run& run);

    // The medians, as the scoring stage takes them.
    std::vector<ProbedClass> classes() const;

private:
    struct Probe {
        double operations_per_cycle = 0, clock_hz = 0;
        std::int64_t time_unix = 0;
    };
    using Key = std::tuple<std::string, std::string, int>;  // precision, isa, threads
    void add(const Key& key, const Probe& probe);

    std::map<Key, std::vector<Probe>> probes_;
};

}  // namespace peakward
