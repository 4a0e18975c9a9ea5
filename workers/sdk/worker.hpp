// The C++ side of the worker protocol: a backend implements Worker, and serve() does the rest
// (lines, ids, errors, keeping stray prints of libraries off the protocol's stdout).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/worker_protocol.hpp"

namespace peakward::worker {

struct PrepareRequest {
    Json what;  // the case, as in the protocol
    std::string operation, precision;
    Json shape;
    int threads = 1;
    std::vector<int> cpus;  // one per thread to pin to; may be empty
    std::uint64_t seed = 0;
    double tolerance = 0;
};

struct Prepared {
    std::string device = "cpu";   // where the output lives
    std::string implementation;   // what will run
    double error = 0;             // largest deviation from the reference; NaN or infinity where
                                  // the answer is not a number: sent as the largest double
    bool correct = false;         // error <= tolerance; serve() holds it to that
    double iteration_s = 0;       // rough time of one iteration, for the host's planning
    double clock_nominal_hz = 0;  // what the device is rated at; 0 where it does not say
};

struct RunRequest {
    int samples = 0;         // at least this many per thread (0: by time alone)
    double min_s = 0;        // and at least this long
    double slice_s = 0.001;  // aim for the length of one sample where an iteration is shorter
};

// What held the device back while a block ran, where the worker can tell.
enum class Throttle {
    unknown = -1,
    none = 0,
    power_cap = 1,    // its own power limit, which heavy work meets on every such device
    slowed = 2,       // heat, or a brake from outside
    core_shared = 3,  // another hardware thread took a part of the core
};

struct RunSample {
    int thread = 0;
    std::int64_t start_ns = 0, wall_ns = 0, cpu_ns = -1, switches = -1, wait_ns = -1;
    double iterations = 1;
    double clock_hz = 0;
    Throttle throttle = Throttle::unknown;
};

struct Support {
    bool supported = false;
    std::string reason;
};

// Throw std::runtime_error with one sentence where something fails; it becomes the reply's error.
class Worker {
public:
    virtual ~Worker() = default;
    virtual Json hello() = 0;  // backend, versions, devices, precisions, operations
    virtual Support supports(const Json& what) = 0;
    virtual Prepared prepare(const PrepareRequest& request) = 0;
    virtual std::vector<RunSample> run(const RunRequest& request) = 0;
    // What the device says of itself after a run: `temperature_c`, `power_w`; empty where it does
    // not.
    virtual Json condition() { return Json::object(); }
    virtual void release() = 0;
};

// Reads requests until shutdown or end of input; returns the exit code of main(). Takes the
// process's stdin and stdout for itself first: whatever a library prints afterwards goes to stderr,
// so load libraries from hello(), not before. Ends the process when its parent dies.
int serve(Worker& worker);

// Wall time, thread CPU time and context switches around a block: what the gate needs. The wall
// clock is read last in start() and first in stop(), so that wall encloses the block alone.
class BlockTimer {
public:
    void start();
    RunSample stop(double iterations, int thread = 0);  // start_ns.. switches filled; wait_ns -1

private:
    std::int64_t start_ns_ = 0, cpu_ns_ = 0, switches_ = 0;
};

// Run-queue wait of all threads of this process so far, ns (/proc/self/task/*/schedstat); -1 when
// the kernel does not tell. Never falls: what an ended thread had waited stays in the sum. Keeps
// descriptors open; costs a few microseconds, so call it around blocks, not inside them.
std::int64_t total_wait_ns();

// False when the CPU does not exist or may not be used; the thread then stays where it was.
bool pin_this_thread(int cpu);

// Seeded values in [-1, 1), never all zero: splitmix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    double uniform();  // [-1, 1)

private:
    std::uint64_t state_;
};

}  // namespace peakward::worker
