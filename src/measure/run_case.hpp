// One case: prepare, then batches of samples through the gate and the throttle rule until the
// stopping rule has enough. Always gives a row, whatever the worker does.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/ports.hpp"
#include "core/progress.hpp"
#include "core/records.hpp"
#include "measure/core_share.hpp"
#include "measure/energy.hpp"
#include "measure/gate.hpp"
#include "measure/stopping.hpp"
#include "measure/worker_host.hpp"

namespace peakward {

// The steady clock of the run for each class of work, shared by the cases of that class: a case
// that is throttled from its first to its last sample shows only against the others.
//
// A class is what runs at one clock when nothing throttles: an ISA class under a full load of
// multiply-adds (compute_peak), the same under a serial chain (clock_probe: a core grants it a
// higher clock), or an operation and precision of a library; each with its number of threads.
class SteadyClocks {
public:
    // Notes what this case shows and returns the steady clock of its class so far, in Hz.
    double update(const Case& what, double steady_hz);

private:
    std::map<std::string, double> by_class_;
};

struct CaseOptions {
    StoppingOptions stopping;
    GateOptions gate;
    CoreShareOptions core_share;
    int processes = 1;  // worker processes, each started fresh when more than one
    std::uint64_t seed = 0;
    std::vector<int> cpus;  // to pin threads to; as many as the case has threads
    bool allow_fallback = false;
    std::string network;                   // folder of its files, for the layers proxy and models
    const EnergySource* energy = nullptr;  // where the energy of its device is read; or not at all
    std::optional<Nanoseconds> energy_until;  // monotonic: the end of the run's budget
};

// What run_case works with; references outlive the call.
struct CaseTools {
    WorkerPool& pool;
    const SysRoot& root;
    Clock& clock;
    const StopToken& stop;
    SteadyClocks& steady;
};

// None when the user interrupted.
std::optional<Measurement> run_case(const Case& what, const CaseOptions& options,
                                    const CaseTools& tools);

// The rule by which few clean windows make a case `contended`: with nothing dropped there is
// nothing to complain about; else `samples_min` clean ones are needed, or, for calls so long that
// not even an idle machine would give as many, three and at least half of all.
bool is_contended(const Statistics& statistics, int samples_min);

}  // namespace peakward
