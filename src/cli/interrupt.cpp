#include "cli/interrupt.hpp"

#include <unistd.h>
#include <csignal>
#include <ctime>

#include <array>
#include <atomic>
#include <cerrno>

namespace peakward::cli {
namespace {

// A signal handler may touch nothing but lock-free atomics and a few system calls, so this is the
// one place of the program with state that is not passed along.
std::atomic<int> first_signal{0};  // its number; 0: none came
std::atomic<int> must_finish{0};   // how many pieces of work may not be cut off
std::array<std::atomic<pid_t>, 64> groups{};
std::atomic<bool> has_timer{false};
timer_t timer{};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

// A verb that has not ended by itself so long after the signal is ended: with what it has to do
// then, less than the second that DESIGN section 6 grants.
constexpr long patience_ns = 800'000'000;
constexpr long look_again_ns = 20'000'000;

void kill_groups() {
    for (auto& slot : groups) {
        const pid_t group = slot.load();
        if (group > 0) ::kill(-group, SIGKILL);
    }
}

void set_timer(long nanoseconds) {
    if (!has_timer.load()) return;
    itimerspec when{};
    when.it_value.tv_nsec = nanoseconds;
    ::timer_settime(timer, 0, &when, nullptr);
}

// Files are written beside their place and renamed, and a transaction is whole or not there: what
// is cut off here leaves nothing half-written.
[[noreturn]] void end_now(int number) {
    kill_groups();
    // Leaves the terminal on a line of its own, whatever stood on the last one.
    static constexpr char last_words[] = "\npeakward: interrupted\n";
    [[maybe_unused]] const auto told = ::write(STDERR_FILENO, last_words, sizeof last_words - 1);
    ::_exit(128 + number);
}

extern "C" void on_signal(int number) {
    const int saved = errno;
    int none = 0;
    const bool is_first = first_signal.compare_exchange_strong(none, number);
    kill_groups();
    if (is_first)
        set_timer(patience_ns);
    else if (must_finish.load() == 0)
        end_now(number);
    errno = saved;
}

extern "C" void on_timer(int) {
    const int saved = errno;
    if (must_finish.load() == 0) end_now(first_signal.load());
    set_timer(look_again_ns);
    errno = saved;
}

class SignalStop final : public StopToken {
public:
    bool stop_requested() const override { return first_signal.load() != 0; }
    int signal_number() const override { return first_signal.load(); }
    void begin_must_finish() const override { ++must_finish; }
    void end_must_finish() const override { --must_finish; }
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
        if (first_signal.load() != 0 && group > 0) ::kill(-group, SIGKILL);
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
        if (first_signal.load() != 0)
            return tl::make_unexpected(Error{ErrorKind::interrupted, "interrupted"});
        auto child = inner_.spawn(options);
        if (!child) return child;
        return std::make_unique<TrackedChild>(std::move(*child));
    }

private:
    ProcessLauncher& inner_;
};

}  // namespace

void install_signal_handlers() {
    sigevent expiry{};
    expiry.sigev_notify = SIGEV_SIGNAL;
    expiry.sigev_signo = SIGALRM;
    has_timer = ::timer_create(CLOCK_MONOTONIC, &expiry, &timer) == 0;
    struct sigaction action {};
    action.sa_handler = on_timer;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGALRM, &action, nullptr);
    action.sa_handler = on_signal;
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
