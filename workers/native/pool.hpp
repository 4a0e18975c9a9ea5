// Pinned threads that live from prepare to release, and the free run: every thread times blocks of
// its own until all have enough.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sdk/worker.hpp"

namespace peakward::native {

class Pool {
public:
    // Starts `threads` threads; thread i is pinned to cpus[i] where there is one. Throws
    // std::runtime_error when the system refuses so many.
    Pool(int threads, std::vector<int> cpus);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int size() const { return static_cast<int>(threads_.size()); }
    // "" or what could not be pinned, as a phrase for the implementation text.
    std::string pinning_note() const;

    // Calls job(thread) on every thread at once and waits for all; rethrows the first exception.
    void run(const std::function<void(int)>& job);

private:
    void work(int thread, int cpu);
    void stop();

    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<void(int)>* job_ = nullptr;
    std::uint64_t round_ = 0;
    int running_ = 0, unpinned_ = 0;
    bool stopping_ = false;
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
};

// One timed block of one thread. What is not to be timed (a clock probe) comes after the timer
// stops. `counted` is false for the first block of a run, which only brings the core into its
// state.
using Block = std::function<worker::RunSample(int thread, bool counted)>;

// All threads meet, take one block that does not count (it brings the core into the state of the
// kernel), meet again, and then take blocks freely, with no meeting in between, until every thread
// has request.samples of them (at least one) and request.min_s is over.
std::vector<worker::RunSample> run_freely(Pool& pool, const worker::RunRequest& request,
                                          const Block& block);

// The length to aim for: slices of 0.1 to 2 ms (METHODS 1.1); 0 asks for 1 ms.
double slice_seconds(const worker::RunRequest& request);

}  // namespace peakward::native
