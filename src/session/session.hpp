// The only place where stages are put together. The command line, the Python binding and the tests
// all come through here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/case_choice.hpp"
#include "core/ports.hpp"
#include "core/progress.hpp"
#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward {

// Everything a session takes from outside; the command line fills it with the real ports.
struct Machine {
    const SysRoot& root;
    ProcessLauncher& launcher;
    Clock& clock;
};

struct ContextRequest {
    std::string python;
    std::string blas_library;
    std::string install = {};  // as install_name() gives it
};

// The name that runs are recorded under: `from_option` where it is given, else $PEAKWARD_INSTALL;
// "" where neither is, which means the random id of this installation. A name of other characters
// than letters, digits, '.', '_' and '-', or of more than 64, is a usage error.
Result<std::string> install_name(const std::string& from_option);

struct CalibrateRequest {
    std::string suite = "standard";  // "quick", "standard", "full"
    std::vector<std::string> layers = {"micro"};
    std::vector<std::string> backends;  // empty: all available
    std::vector<std::string> operations;
    std::vector<std::string> precisions;
    std::vector<std::string> devices = {"cpu"};  // empty: the preset's device
    std::vector<CaseChoice> only;                // of what the lists leave; empty: all of it
    std::string preset;                          // an id or alias of the hardware database
    bool skip_platform_check = false;            // measure although the host is not the preset
    int threads = 0;
    double budget_s = 0;
    bool force = false;
    double wait_s = 0;  // how long to wait until the machine is fit to measure
    bool allow_fallback = false;
    // Probe the peak that a framework alone is held against (ADR 17). Probes run on the machine we
    // run on: false where the context is that of a captured one.
    bool peak_evidence = true;
    std::optional<std::uint64_t> seed;  // none: drawn, and recorded
    std::string python;
    std::string blas_library;
    std::string install = {};                 // as install_name() gives it
    std::string store_location;               // as given with --db; "": the default
    bool keep = true;                         // false: measure and show, store nothing
    std::vector<std::string> worker_folders;  // "": the install's, then $PEAKWARD_WORKERS
    std::vector<std::string> arguments;       // the command line, for the record
};

struct CalibrateReply {
    Run run;
    std::string store_location;  // "" when not stored
    // Why the run is not stored although it should be, where it is kept and the command that stores
    // it; the kind is `interrupted` where a signal ended the waiting.
    std::optional<Error> not_stored;
    std::string kept_in;  // the file; "" with `not_stored`: no file could be written
};

// The install's libexec/peakward/workers, then the folders in $PEAKWARD_WORKERS (colons between).
std::vector<std::string> default_worker_folders();

// Writes what detection reads as a fixture folder; see capture_machine() in detect.
Status capture_context(const Machine& machine, const std::string& folder);

Context read_context(const Machine& machine, const ContextRequest& request);
// Whether a run on `threads` cores (0: all) could be trusted now.
Preflight check_fitness(const Context& context, int threads, bool uses_gpu);
std::vector<BackendInfo> list_backends(const Machine& machine, const CalibrateRequest& request);

// Everything is checked before anything is measured: names, the store (it is opened and written to
// first, so that a full disk or a newer schema costs no measuring time), the preset against the
// host (refused unless `skip_platform_check`), preflight (refused unless `force`). Interrupted runs
// are not stored. A run that was measured to its end is never lost: while another process holds the
// database it waits two minutes, and where the database cannot take the run a file keeps it.
Result<CalibrateReply> calibrate(const Machine& machine, CalibrateRequest request,
                                 Observer& observer, const StopToken& stop);

// --self-test: plants a hog, a throttle, a wrong peak and a wrong answer, and reports for each
// whether it was caught.
struct PlantedFault {
    std::string name;      // "hog"
    std::string planted;   // what was done
    std::string expected;  // what must be seen
    std::string seen;
    bool caught = false;
};
Result<std::vector<PlantedFault>> self_test(const Machine& machine, const CalibrateRequest& request,
                                            Observer& observer, const StopToken& stop);

}  // namespace peakward
