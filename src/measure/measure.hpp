// cases x workers x budget -> measurements. The host decides when to stop, drops what was not ours
// (gate.hpp), and turns every misbehaviour of a worker into the outcome of one case.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/case_choice.hpp"
#include "core/ports.hpp"
#include "core/progress.hpp"
#include "core/records.hpp"
#include "core/result.hpp"
#include "measure/energy.hpp"
#include "measure/worker_messages.hpp"

namespace peakward {

// Where a run that names no backend uses one.
enum class UsualOn { everywhere, cpu, others, nowhere };

// How to start a worker.
struct WorkerCommand {
    std::string backend;  // "native"
    std::vector<std::string> argv;
    std::string interpreter;  // the Python that runs it; "" for a program of its own
    std::vector<std::pair<std::string, std::string>> environment;
    std::string unavailable;  // why it cannot be started; "" when it can
    UsualOn usual_on = UsualOn::everywhere;
};

// The path of the interpreter `asked`, a path or a name on the PATH. "" asks for python3. Returns
// "" if no such program exists.
std::string find_python(const std::string& asked);

struct WorkerSearch {
    std::vector<std::string> folders;  // libexec/peakward/workers, then $PEAKWARD_WORKERS (colons)
    std::string python;                // "": first python3 on the PATH
    std::string blas_library;          // handed to the blas worker
};
// Every backend this build knows or finds: executables named peakward-worker-NAME, and the Python
// backends under `python`. Unknown extra executables found are backends too.
std::vector<WorkerCommand> find_workers(const WorkerSearch& search);

// How long a worker may take to answer, and how much it may say (docs/worker-protocol.md). Past a
// limit it is killed.
struct WorkerLimits {
    Nanoseconds hello = std::chrono::seconds(60);  // a framework may import for long
    Nanoseconds prepare = std::chrono::seconds(60);
    Nanoseconds run_margin = std::chrono::seconds(30);  // beside min_s
    double run_factor = 5;                              // and this often the announced length
    Nanoseconds other = std::chrono::seconds(10);
    std::size_t line_bytes_max = 64u << 20;
};

// Starts each worker, asks hello, stops it.
std::vector<BackendInfo> probe_backends(const std::vector<WorkerCommand>& workers,
                                        ProcessLauncher& launcher, Clock& clock,
                                        const WorkerLimits& limits = {});

struct MeasureOptions {
    catalog::Suite suite;
    std::vector<std::string> layers = {"micro"};
    std::vector<std::string> backends;    // empty: the usual ones of the devices; "all": every one
    std::vector<std::string> operations;  // empty: all of the suite
    std::vector<std::string> precisions;  // empty: all
    std::vector<std::string> devices = {"cpu"};
    std::vector<CaseChoice> only;  // beside the lists above; empty: all that they leave
    int threads = 0;               // 0: one per physical core allowed
    double budget_s = 0;           // of measuring; 0: none. What does not fit is shown as such
    std::uint64_t seed = 0;
    // Elements of fp64 that the memory cases of earlier runs of this series used, by device.
    std::map<std::string, std::int64_t> known_plateau;
    // A case whose output lives on another device than asked for ends the run (refused); with this
    // it stands under the device that really worked, flagged `device_fallback`.
    bool allow_fallback = false;
    // Where nobody asked for what a peak is made of, measure it all the same, beside the cases that
    // are held against it: rows flagged `peak_evidence`. Without it their peak may be unknown.
    bool peak_evidence = false;
    // Gives the folder with the files of a case of the layers proxy and models. Without it, or when
    // it fails, the case is `failed` with the reason.
    std::function<Result<std::string>(const Case&)> network_folder;
    // Where the energy of a device other than the CPU is read.
    std::function<EnergySource(const std::string& device)> energy_of_device;
    WorkerLimits limits;
};

struct MeasureResult {
    std::vector<BackendInfo> backends;
    // Backend -> its device -> what that is, where the worker tells.
    std::map<std::string, std::map<std::string, DeviceId>> device_ids;
    std::vector<Measurement> measurements;
    std::vector<SkippedCase> skipped;  // a smaller size was slow already, or the budget was spent
    bool interrupted = false;
};

// Fails (usage) on names that no worker knows, (refused) when a device has no worker that can use
// it; else always returns, whatever the workers do. `root` gives steal and PSI over each case.
Result<MeasureResult> measure(const MeasureOptions& options,
                              const std::vector<WorkerCommand>& workers, const Context& context,
                              const SysRoot& root, ProcessLauncher& launcher, Clock& clock,
                              Observer& observer, const StopToken& stop);

}  // namespace peakward
