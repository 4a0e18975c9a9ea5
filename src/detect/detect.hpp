// host -> Context. Reads only through SysRoot; never fails: what cannot be had is unknown with its
// reason. Preflight judges a Context: is this machine fit to measure now?
#pragma once

#include <optional>
#include <string>

#include "core/ports.hpp"
#include "core/records.hpp"
#include "detect/visible_devices.hpp"

namespace peakward {

struct DetectOptions {
    std::string python;        // interpreter whose stack is tracked; "": first python3 on the PATH
    std::string blas_library;  // path or soname; "": what the system's alternatives choose
    std::string state_folder;  // where the install id is kept; "": $XDG_STATE_HOME/peakward
    std::string install = {};  // a name in place of that id; "": none
    // Instead of CUDA_VISIBLE_DEVICES and its like of this process.
    std::optional<detail::VisibleDevices> visible_devices = std::nullopt;
    Nanoseconds watch = std::chrono::milliseconds(300);  // how long to watch load and steal
};

Context detect(const SysRoot& root, Clock& clock, const DetectOptions& options);

// The id of this installation: a random UUID in `state_folder`/install_id ("": the folder
// $XDG_STATE_HOME or ~/.local/state, then peakward), made at the first call. Where it cannot be
// kept each call gives a fresh one, so that runs of different machines are never taken for one
// series, and `note` is a sentence for the user. Never derived from hardware.
struct InstallId {
    std::string id;
    std::string note;  // "" when the id is kept
};
// A damaged id is not replaced: each call gives a fresh one, with a note.
InstallId install_id(const std::string& state_folder);
// Renames a damaged id to "install_id.damaged-…", so that the next install_id() makes another.
// Returns the sentence for the user; "" where the id is whole or missing.
std::string put_damaged_install_id_aside(const std::string& state_folder);
// The install of a captured machine (the nil UUID): it is none.
inline constexpr const char* no_install = "00000000-0000-0000-0000-000000000000";

// Seed 000's formula over the detected facts: SHA-256[:16] of the parts joined by "|". A part that
// is not known is the word "unknown"; without a GPU its two parts are "no_gpu"; several GPUs are
// sorted and joined by ","; memory is "32", an integer where it is whole. The lineage leaves out
// microcode and VBIOS. The stack digest joins "name=version" of all components, sorted by name.
std::string hardware_fingerprint(const Hardware& hardware);
std::string hardware_lineage(const Hardware& hardware);
std::string software_fingerprint(const Software& software);
std::string stack_digest(const Software& software);

// The nominal installed size in GiB: the smallest usual size that MemTotal fills to at least 90 %
// (DESIGN 7). 0 when nothing was read.
double nominal_memory_gb(std::int64_t mem_total_bytes);

struct PreflightOptions {
    int threads = 0;  // how many CPUs the run will use; 0: all allowed
    bool uses_gpu = false;
};
Preflight preflight(const Context& context, const PreflightOptions& options);

// True when nothing but what other programs do, or heat, stands against measuring: waiting may
// help.
bool may_pass_with_time(const Preflight& preflight);

// What the GPU has taken since its driver was loaded, by NVIDIA's library; a counter that is read
// before and after. Asked where there is one GPU only: which of several is "cuda:0" cannot be told
// from outside the process that computes.
struct EnergyTotal {
    double joules = 0;
    Nanoseconds at{0};  // CLOCK_MONOTONIC
};
ReadResult<EnergyTotal> gpu_energy(const SysRoot& root);

// Writes the files detection reads from `root` into `folder` as a fixture (see posix.hpp), with
// serial numbers, host names, MAC addresses and user names left out.
Status capture_machine(const SysRoot& root, const std::string& folder);

}  // namespace peakward
