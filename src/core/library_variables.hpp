// Environment variables that steer the libraries under test: which kernels they choose, how many
// threads they start, what is loaded before them. A run records those that are set, each as a
// component of its software under the variable's own name.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace peakward {

// Where the threaded libraries in use look for their number of threads. The host sets all of them
// for each worker, so the user's values have no effect.
inline constexpr const char* thread_variables[] = {"OMP_NUM_THREADS",     "OPENBLAS_NUM_THREADS",
                                                   "MKL_NUM_THREADS",     "BLIS_NUM_THREADS",
                                                   "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"};

// Where OpenMP runtimes and the libraries on top of them look for CPUs to bind their threads to. A
// runtime that obeys them binds the first thread before a worker reads what it may use, and the
// host pins the threads itself: on CPUs of its choice, within what taskset or a cpuset leaves it.
// The host removes all of them for each worker.
inline constexpr const char* binding_variables[] = {
    "OMP_PROC_BIND", "OMP_PLACES",        "GOMP_CPU_AFFINITY", "KMP_AFFINITY",
    "KMP_HW_SUBSET", "KMP_PLACE_THREADS", "MP_BIND",           "MP_BLIST",
};

// OPENBLAS_*, MKL_*, ONEDNN_*, OMP_*, CUDA_VISIBLE_DEVICES, LD_PRELOAD, … No component of another
// kind has such a name: those are in lower case.
bool is_library_variable(std::string_view name);

// False for the variables that the host sets or removes for each worker: they are recorded and are
// never the cause of anything.
bool reaches_workers(std::string_view variable);

// The library variables of an environment as /proc/PID/environ holds it (NAME=VALUE, each ended by
// a zero byte), by name. Values are cut to what may leave the machine: folders of paths are left
// out (private_paths.hpp), and what is not printable ASCII becomes '?'. A folder is not part of the
// value, so that a fresh folder for each run is no change of the software. An empty value counts as
// not set; an empty CUDA_VISIBLE_DEVICES is "\"\"".
std::map<std::string, std::string> library_variables_in(std::string_view environment);

}  // namespace peakward
