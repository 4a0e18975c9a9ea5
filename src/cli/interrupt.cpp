#include "cli/interrupt.hpp"

#include <unistd.h>
#include <csignal>

#include <array>
#include <atomic>
#include <cerrno>

namespace peakward::cli {
namespace {

// A signal handler may touch nothing but lock-free atomics and a few system calls, so this is the
// one place of the program with state that is not passed along.
std::atomic<int> signals_seen{0};
std::array<std::atomic<pid_t>, 64> groups{};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

void kill_groups() {
    for (auto& slot : groups) {
        const pid_t group = slot.load();
        if (group > 0) ::kill(-group, SIGKILL);
    }
}

extern "C" void on_signal(int) {
    const int saved = errno;
    const int seen = signals_seen.fetch_add(1);
    kill_groups();
    if (seen > 0) {
        // Leaves the terminal on a line of its own, whatever stood on the last one.
        static constexpr char last_words[] = "\ninterrupted twice: ended at once\n";
        [[maybe_unused]] const auto told =
            ::write(STDERR_FILENO, last_words, sizeof last_words - 1);
        ::_exit(1);
    }
    errno = saved;
}

class SignalStop final : public StopToken {
public:
    bool stop_requested() const override { return signals_seen.load() > 0; }
};

class Slot {
public:
    explicit Slot(pid_t group) {
        for (auto& slot : groups) {
            pid_t empty = 0;
            if (!slot.compare_exchange_strong(empty, group)) continue;
            slot_ = &slot;
            break;
        }
        // A signal that came between the fork and here has not seen this group.
        if (signals_seen.load() > 0 && group > 0) ::kill(-group, SIGKILL);
    }
    ~Slot() { clear(); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    // Once the process is reaped its id may be somebody else's.
    void clear() {
        if (slot_) slot_->store(0);
        slot_ = nullptr;
    }

private:
    std::atomic<pid_t>* slot_ = nullptr;
};

class TrackedChild final : public ChildProcess {
public:
    explicit TrackedChild(std::unique_ptr<ChildProcess> inner)
        : inner_(std::move(inner)), slot_(inner_->pid()) {}
    ~TrackedChild() override { slot_.clear(); }
    TrackedChild(const TrackedChild&) = delete;
    TrackedChild& operator=(const TrackedChild&) = delete;

    Status write_line(std::string_view line) override { return inner_->write_line(line); }
    ReadOutcome read_line(Nanoseconds limit) override { return inner_->read_line(limit); }
    void kill() override {
        slot_.clear();
        inner_->kill();
    }
    std::optional<std::string> ended(Nanoseconds limit) override { return inner_->ended(limit); }
    std::string stderr_tail() const override { return inner_->stderr_tail(); }
    int pid() const override { return inner_->pid(); }

private:
    std::unique_ptr<ChildProcess> inner_;
    Slot slot_;
};

class TrackingLauncher final : public ProcessLauncher {
public:
    explicit TrackingLauncher(ProcessLauncher& inner) : inner_(inner) {}
    Result<std::unique_ptr<ChildProcess>> spawn(const SpawnOptions& options) override {
        if (signals_seen.load() > 0) return failed("interrupted");
        auto child = inner_.spawn(options);
        if (!child) return child;
        return std::make_unique<TrackedChild>(std::move(*child));
    }

private:
    ProcessLauncher& inner_;
};

}  // namespace

void install_signal_handlers() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigemptyset(&action.sa_mask);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        // nohup and background shells set them to be ignored; that is somebody's wish.
        if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        ::sigaction(number, &action, nullptr);
    }
    ::signal(SIGPIPE, SIG_IGN);
}

const StopToken& stop_token() {
    static const SignalStop token;
    return token;
}

std::unique_ptr<ProcessLauncher> tracking_launcher(ProcessLauncher& inner) {
    return std::make_unique<TrackingLauncher>(inner);
}

}  // namespace peakward::cli
