#include "native/pool.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <stdexcept>
#include <system_error>

namespace peakward::native {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What the threads of one free run share.
struct Finish {
    explicit Finish(int threads) : meeting(threads) {}
    std::barrier<> meeting;
    std::atomic<int> satisfied{0};
    std::atomic<bool> stop{false};
};

}  // namespace

Pool::Pool(int threads, std::vector<int> cpus) {
    cpus.resize(static_cast<std::size_t>(threads), -1);
    running_ = threads;
    try {
        for (int i = 0; i < threads; ++i)
            threads_.emplace_back(
                [this, i, cpu = cpus[static_cast<std::size_t>(i)]] { work(i, cpu); });
    } catch (const std::system_error& error) {
        const std::string started = std::to_string(threads_.size());
        stop();
        throw std::runtime_error("only " + started + " of " + std::to_string(threads) +
                                 " threads could be started (" + error.what() +
                                 "): ask for fewer threads");
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ == 0; });
}

Pool::~Pool() { stop(); }

void Pool::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

std::string Pool::pinning_note() const {
    if (unpinned_ == 0) return "";
    return std::to_string(unpinned_) + " of " + std::to_string(size()) +
           " threads could not be pinned";
}

void Pool::run(const std::function<void(int)>& job) {
    std::unique_lock lock(mutex_);
    job_ = &job;
    running_ = size();
    failure_ = nullptr;
    ++round_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return running_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
}

void Pool::work(int thread, int cpu) {
    const bool pinned = cpu < 0 || worker::pin_this_thread(cpu);
    std::uint64_t done = 0;
    std::unique_lock lock(mutex_);
    if (!pinned) ++unpinned_;
    for (;;) {
        if (--running_ == 0) changed_.notify_all();
        changed_.wait(lock, [&] { return stopping_ || round_ != done; });
        if (stopping_) return;
        done = round_;
        const auto* job = job_;
        lock.unlock();
        std::exception_ptr failure;
        try {
            (*job)(thread);
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        if (failure && !failure_) failure_ = failure;
    }
}

std::vector<worker::RunSample> run_freely(Pool& pool, const worker::RunRequest& request,
                                          const Block& block) {
    const auto samples_min = static_cast<std::size_t>(std::max(1, request.samples));
    const auto duration = std::chrono::duration_cast<SteadyClock::duration>(
        std::chrono::duration<double>(std::max(0.0, request.min_s)));
    std::vector<std::vector<worker::RunSample>> samples(static_cast<std::size_t>(pool.size()));
    Finish finish(pool.size());
    pool.run([&](int thread) {
        auto& mine = samples[static_cast<std::size_t>(thread)];
        mine.reserve(samples_min + 4096);
        std::exception_ptr failure;
        try {
            finish.meeting.arrive_and_wait();
            block(thread, false);
        } catch (...) {  // the others are waiting at the second meeting
            failure = std::current_exception();
            finish.stop = true;
        }
        finish.meeting.arrive_and_wait();
        if (failure) std::rethrow_exception(failure);
        const auto deadline = SteadyClock::now() + duration;
        bool counted = false;
        while (!finish.stop.load(std::memory_order_relaxed)) {
            try {
                mine.push_back(block(thread, true));
            } catch (...) {
                finish.stop = true;
                throw;
            }
            if (!counted && mine.size() >= samples_min) {
                counted = true;
                ++finish.satisfied;
            }
            if (finish.satisfied.load(std::memory_order_relaxed) == pool.size() &&
                SteadyClock::now() >= deadline)
                finish.stop = true;
        }
    });
    std::vector<worker::RunSample> all;
    for (const auto& mine : samples) all.insert(all.end(), mine.begin(), mine.end());
    return all;
}

double slice_seconds(const worker::RunRequest& request) {
    if (request.slice_s <= 0) return 1e-3;
    return std::clamp(request.slice_s, 0.1e-3, 2e-3);
}

}  // namespace peakward::native
