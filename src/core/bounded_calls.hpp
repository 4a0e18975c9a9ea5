// Calls that may block for ever, given up after a limit: a file of sysfs or of a network mount may
// never answer. They run on a helper thread that can be left behind.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "core/ports.hpp"
#include "core/text.hpp"

namespace peakward {

// One helper thread that does jobs in turn. It owns a share of this object, so that it can be left
// behind in a call that never returns.
class Lane {
public:
    static std::shared_ptr<Lane> start() {
        auto lane = std::make_shared<Lane>();
        std::thread([lane] { lane->serve(); }).detach();
        return lane;
    }

    // False when the job was not done within the limit; the lane must then be abandoned.
    bool perform(std::function<void()> job, Nanoseconds limit) {
        std::unique_lock lock(mutex_);
        job_ = std::move(job);
        started_ = done_ = false;
        changed_.notify_all();
        // The limit is the file's, not the scheduler's: on a busy machine the thread may wait for
        // its turn.
        changed_.wait(lock, [this] { return started_; });
        return changed_.wait_for(lock, limit, [this] { return done_; });
    }

    void retire() {
        const std::lock_guard lock(mutex_);
        retired_ = true;
        changed_.notify_all();
    }

private:
    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return job_ || retired_; });
            if (!job_) return;
            const auto job = std::exchange(job_, nullptr);
            started_ = true;
            changed_.notify_all();
            lock.unlock();
            job();
            lock.lock();
            done_ = true;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> job_;
    bool started_ = false;
    bool done_ = false;
    bool retired_ = false;
};

class BoundedCalls {
public:
    explicit BoundedCalls(Nanoseconds limit = std::chrono::seconds(1)) : limit_(limit) {}
    ~BoundedCalls() {
        if (lane_) lane_->retire();
    }

    // `call` runs on another thread and may outlive this object: it must own what it uses.
    template <typename T>
    ReadResult<T> within_limit(const std::string& what, std::function<ReadResult<T>()> call) {
        const std::lock_guard lock(mutex_);
        if (slow_.count(what) != 0)
            return refused_with(Absence::slow, fmt::format("{}: did not answer before", what));
        if (abandoned_ >= abandoned_max)
            return refused_with(Absence::slow,
                                fmt::format("{}: not tried, too many files hang", what));
        if (!lane_) lane_ = Lane::start();
        auto answer = std::make_shared<std::optional<ReadResult<T>>>();
        if (lane_->perform([answer, call] { answer->emplace(call()); }, limit_))
            return std::move(**answer);
        lane_->retire();
        lane_.reset();
        ++abandoned_;
        slow_.insert(what);
        return refused_with(Absence::slow, fmt::format("{}: no answer within {:.3g} s", what,
                                                       Seconds(limit_).count()));
    }

private:
    static tl::unexpected<ReadFailure> refused_with(Absence absence, std::string reason) {
        return tl::make_unexpected(ReadFailure{absence, std::move(reason)});
    }

    // Beyond this many helper threads that never came back the machine is beyond reading.
    static constexpr std::size_t abandoned_max = 16;

    Nanoseconds limit_;
    std::mutex mutex_;
    std::shared_ptr<Lane> lane_;
    std::size_t abandoned_ = 0;
    std::set<std::string> slow_;
};

}  // namespace peakward
