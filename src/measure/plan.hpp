// Suite x layers x backends x devices x operations x precisions -> cases, in the order they run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/records.hpp"
#include "core/result.hpp"
#include "measure/measure.hpp"
#include "measure/worker_messages.hpp"

namespace peakward {

// Names of operations, precisions and layers, against the catalog and the suite. Usage errors offer
// the nearest names.
Status check_names(const MeasureOptions& options);

// The workers that were asked for by name, or all. Usage error for a name nobody knows.
// Those that a run on these devices uses when it names no backend.
std::vector<WorkerCommand> usual_workers(const std::vector<std::string>& devices,
                                         const std::vector<WorkerCommand>& workers);
Result<std::vector<WorkerCommand>> select_workers(const MeasureOptions& options,
                                                  const std::vector<WorkerCommand>& workers);

// "backend jax is not available: ..."
std::string unavailable_message(const BackendInfo& backend);

// Refused when one of the devices is on no selected backend, naming what it would take; usage error
// for a word that is no device.
Status check_devices(const MeasureOptions& options, const std::vector<BackendInfo>& backends);

struct Plan {
    std::vector<Case> probes;   // evidence for peaks; run first
    std::vector<Case> streams;  // memory operations that wait for the plateau's `elements`
    std::vector<Case> others;
    // What no worker can do, or was broken when it was asked (`failed`, `timed_out`).
    std::vector<Measurement> unsupported;
    std::vector<SkippedCase> skipped;  // what a worker could do and says is not worth its time
    std::vector<std::string> notes;    // what was asked and is not in the plan, one sentence each
};

// Whether a worker can do a case, and why not.
using AskSupport = std::function<SupportReply(const Case&)>;

struct PlanInput {
    const MeasureOptions& options;
    std::vector<Hello> backends;  // of the available selected workers
    int threads = 1;
    AskSupport supports;
};

// A combination that cannot run is left out, unless the user asked for it or its backend does the
// operation in general: then it is a row `unsupported` with the reason, one per operation,
// precision and backend (one per shape where only some shapes cannot run).
Plan make_plan(const PlanInput& input);

// Precisions in which the plan holds a rate of a CPU that is held against a peak (gemm), and
// nothing that says what the peak is. In the catalog's order.
std::vector<std::string> precisions_without_peak(const Plan& plan);

// The clock probes and register-resident kernels of `native` in these precisions: what a probed
// peak is made of (METHODS 1.4).
std::vector<Case> peak_evidence(const MeasureOptions& options, const Hello& native, int threads,
                                const AskSupport& supports,
                                const std::vector<std::string>& precisions);

// Elements of each array for a case of this precision, when the plateau was found at
// `fp64_elements` elements of 8 bytes: the same number of bytes.
std::int64_t elements_for(const std::string& precision, std::int64_t fp64_elements);

// A seeded order that is the same on every machine. Sizes of one blas3 operation, precision and
// backend keep their ascending order within the places they were dealt, so that a slow small size
// can spare the larger ones.
void shuffle_cases(std::vector<Case>& cases, std::uint64_t seed);

// "Below 50 GOPS at a size, larger sizes of that precision are skipped" (METHODS 2).
class SlowSizes {
public:
    // Looks at blas3 cases of at least 512 on every axis: smaller ones are slow for other reasons.
    void note(const Measurement& measurement);
    // Why this case is skipped; "" when it is to be measured.
    std::string skip_reason(const Case& what) const;

private:
    struct Slow {
        double work = 0;
        std::string reason;
    };
    std::map<std::string, Slow> slow_;
};

}  // namespace peakward
