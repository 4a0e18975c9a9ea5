// posix_launcher(): children that talk in lines, each in a process group of its own. Nothing of a
// child outlives its ChildProcess, and (on Linux) no child outlives us.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "core/posix.hpp"
#include "core/text.hpp"

extern char** environ;

namespace peakward {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr Nanoseconds term_grace = milliseconds(500);  // docs/worker-protocol.md
constexpr Nanoseconds write_limit = std::chrono::seconds(5);
constexpr std::size_t stderr_tail_bytes = 4096;
constexpr std::size_t read_chunk_bytes = 64 << 10;

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~Descriptor() { reset(); }
    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void reset() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

bool set_nonblocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

int poll_milliseconds(Nanoseconds left) {
    if (left <= Nanoseconds::zero()) return 0;
    // Rounded up, so that a wait never turns into a busy loop of zero-length polls.
    const auto ms = (left.count() + 999'999) / 1'000'000;
    return static_cast<int>(std::min<long long>(ms, 60'000));
}

std::string signal_words(int number) {
    const char* name = ::sigabbrev_np(number);
    if (name) return fmt::format("signal {} (SIG{})", number, name);
    return fmt::format("signal {}", number);
}

std::string ending_words(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return fmt::format("exit code {}", info.si_status);
    return signal_words(info.si_status);
}

class PosixChild final : public ChildProcess {
public:
    PosixChild(pid_t pid, Descriptor in, Descriptor out, Descriptor err, std::size_t line_bytes_max)
        : pid_(pid),
          in_(std::move(in)),
          out_(std::move(out)),
          err_(std::move(err)),
          line_bytes_max_(line_bytes_max) {}

    PosixChild(const PosixChild&) = delete;
    PosixChild& operator=(const PosixChild&) = delete;
    ~PosixChild() override { end_group(); }

    Status write_line(std::string_view line) override {
        std::string text(line);
        text.push_back('\n');
        const auto deadline = SteadyClock::now() + write_limit;
        std::size_t written = 0;
        while (written < text.size()) {
            const ssize_t n = in_.is_open()
                                  ? ::send(in_.get(), text.data() + written, text.size() - written,
                                           MSG_NOSIGNAL | MSG_DONTWAIT)
                                  : -1;
            if (n > 0) {
                written += static_cast<std::size_t>(n);
                continue;
            }
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && in_.is_open() && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                const Nanoseconds left = deadline - SteadyClock::now();
                if (left <= Nanoseconds::zero())
                    return failed(fmt::format("process {} does not read its input", pid_));
                wait_until_ready(left, POLLOUT);
                continue;
            }
            return failed(fmt::format("process {} has closed its input", pid_));
        }
        return {};
    }

    ReadOutcome read_line(Nanoseconds limit) override {
        const auto deadline = SteadyClock::now() + limit;
        while (true) {
            if (auto complete = take_line()) return std::move(*complete);
            if (!out_.is_open()) return {ReadStatus::closed, {}};
            const Nanoseconds left = deadline - SteadyClock::now();
            const bool last_look = left <= Nanoseconds::zero();
            wait_until_ready(left, 0);
            const bool moved = pump_out();
            if (last_look && !moved) return {ReadStatus::timed_out, {}};
        }
    }

    void kill() override { end_group(); }

    std::optional<std::string> ended(Nanoseconds limit) override {
        const auto deadline = SteadyClock::now() + limit;
        Nanoseconds pause = milliseconds(1);
        while (!look_whether_ended()) {
            pump_err();
            const Nanoseconds left = deadline - SteadyClock::now();
            if (left <= Nanoseconds::zero()) return std::nullopt;
            std::this_thread::sleep_for(std::min(pause, left));
            pause = std::min<Nanoseconds>(pause * 2, milliseconds(10));
        }
        pump_err();
        return ending_;
    }

    std::string stderr_tail() const override {
        const_cast<PosixChild*>(this)->pump_err();
        return tail_;
    }

    int pid() const override { return pid_; }

private:
    // A whole line of what was read so far, or the news that it is too long.
    std::optional<ReadOutcome> take_line() {
        const std::size_t newline = buffer_.find('\n', scanned_);
        if (newline == std::string::npos) {
            scanned_ = buffer_.size();
            if (buffer_.size() > line_bytes_max_) return ReadOutcome{ReadStatus::overlong, {}};
            return std::nullopt;
        }
        if (newline > line_bytes_max_) return ReadOutcome{ReadStatus::overlong, {}};
        ReadOutcome outcome{ReadStatus::line, buffer_.substr(0, newline)};
        buffer_.erase(0, newline + 1);
        scanned_ = 0;
        return outcome;
    }

    // stderr is emptied whenever we wait: a worker must never block on a full pipe.
    void wait_until_ready(Nanoseconds left, short input_events) {
        std::array<pollfd, 3> fds{};
        nfds_t count = 0;
        if (out_.is_open() && input_events == 0) fds[count++] = {out_.get(), POLLIN, 0};
        if (err_.is_open()) fds[count++] = {err_.get(), POLLIN, 0};
        if (input_events != 0 && in_.is_open()) fds[count++] = {in_.get(), input_events, 0};
        ::poll(fds.data(), count, poll_milliseconds(left));
        pump_err();
    }

    bool pump_out() {
        std::array<char, read_chunk_bytes> chunk;
        const ssize_t n = ::read(out_.get(), chunk.data(), chunk.size());
        if (n > 0) {
            buffer_.append(chunk.data(), static_cast<std::size_t>(n));
            return true;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
        out_.reset();
        return true;
    }

    void pump_err() {
        std::array<char, read_chunk_bytes> chunk;
        while (err_.is_open()) {
            const ssize_t n = ::read(err_.get(), chunk.data(), chunk.size());
            if (n > 0) {
                tail_.append(chunk.data(), static_cast<std::size_t>(n));
                if (tail_.size() > stderr_tail_bytes)
                    tail_.erase(0, tail_.size() - stderr_tail_bytes);
                continue;
            }
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            err_.reset();
        }
    }

    // WNOWAIT leaves the leader a zombie, so that its process group id cannot be given to
    // somebody else before the group has been killed.
    bool look_whether_ended() {
        if (ending_) return true;
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
            ending_ = "lost: it was reaped elsewhere";
            return true;
        }
        if (info.si_pid == 0) return false;
        ending_ = ending_words(info);
        return true;
    }

    void end_group() {
        if (reaped_) return;
        in_.reset();
        if (!look_whether_ended()) {
            ::kill(-pid_, SIGTERM);
            ended(term_grace);
        }
        ::kill(-pid_, SIGKILL);  // whatever ignored the request, and its children
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        if (!ending_) {
            siginfo_t info{};
            info.si_code = WIFEXITED(status) ? CLD_EXITED : CLD_KILLED;
            info.si_status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
            ending_ = ending_words(info);
        }
        reaped_ = true;
        pump_err();
        out_.reset();
        err_.reset();
    }

    pid_t pid_;
    Descriptor in_, out_, err_;
    std::size_t line_bytes_max_;
    std::string buffer_;
    std::size_t scanned_ = 0;
    std::string tail_;
    std::optional<std::string> ending_;
    bool reaped_ = false;
};

// The path of a program as execvp would find it; "" when there is none.
std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* path = std::getenv("PATH");
    for (const std::string& folder : split(path ? path : "/usr/bin:/bin", ':')) {
        std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

std::vector<std::string> merged_environment(
    const std::vector<std::pair<std::string, std::string>>& added) {
    std::vector<std::string> merged;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        bool replaced = false;
        for (const auto& [name, value] : added)
            if (text.substr(0, text.find('=')) == name) replaced = true;
        if (!replaced) merged.emplace_back(text);
    }
    for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
    return merged;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

struct ChildEnds {
    int in, out, err, failure;
};

// After fork in a process that may have threads only async-signal-safe calls are allowed: nothing
// here allocates. On failure errno goes up the `failure` pipe, which a successful exec closes.
[[noreturn]] void become(const ChildEnds& ends, pid_t parent, const char* program,
                         char* const* argv, char* const* env) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it died before PDEATHSIG was set
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGCHLD})
        ::signal(number, SIG_DFL);
    ::dup2(ends.in, STDIN_FILENO);
    ::dup2(ends.out, STDOUT_FILENO);
    ::dup2(ends.err, STDERR_FILENO);
#if defined(SYS_close_range)
    // Descriptors that somebody opened without close-on-exec; CLOSE_RANGE_CLOEXEC is 4.
    ::syscall(SYS_close_range, 3u, ~0u, 4u);
#endif
    ::execve(program, argv, env);
    const int reason = errno;
    [[maybe_unused]] const ssize_t told = ::write(ends.failure, &reason, sizeof reason);
    ::_exit(127);
}

struct Pipe {
    Descriptor read, write;
};

// Away from 0, 1 and 2, which the child is about to overwrite: ours may be closed.
Descriptor above_standard(int fd) {
    if (fd > STDERR_FILENO) return Descriptor(fd);
    Descriptor low(fd);
    return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Result<Pipe> make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
        return failed(fmt::format("no pipe for a child process: {}", std::strerror(errno)));
    return Pipe{above_standard(fds[0]), above_standard(fds[1])};
}

class PosixLauncher final : public ProcessLauncher {
public:
    Result<std::unique_ptr<ChildProcess>> spawn(const SpawnOptions& options) override {
        if (options.argv.empty()) return failed("no program to start was named");
        const std::string program = find_program(options.argv.front());
        if (program.empty())
            return failed(fmt::format("{}: no such program on the PATH", options.argv.front()));

        // A socket carries our requests: writing to a dead worker is then an error (MSG_NOSIGNAL)
        // and not a SIGPIPE for the whole program.
        int sockets[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
            return failed(
                fmt::format("{}: no socket for its input: {}", program, std::strerror(errno)));
        const Descriptor child_in = above_standard(sockets[1]);
        Descriptor our_in = above_standard(sockets[0]);
        auto out = make_pipe();
        auto err = make_pipe();
        auto failure = make_pipe();
        for (const auto* made : {&out, &err, &failure})
            if (!*made) return tl::make_unexpected(made->error());

        std::vector<std::string> argv_texts = options.argv;
        std::vector<std::string> env_texts = merged_environment(options.environment);
        const std::vector<char*> argv = pointers_to(argv_texts);
        const std::vector<char*> env = pointers_to(env_texts);
        const pid_t parent = ::getpid();
        const pid_t pid = ::fork();
        if (pid < 0)
            return failed(fmt::format("{}: cannot start it: {}", program, std::strerror(errno)));
        if (pid == 0)
            become({child_in.get(), out->write.get(), err->write.get(), failure->write.get()},
                   parent, program.c_str(), argv.data(), env.data());
        ::setpgid(pid, pid);  // in both processes: whoever comes first
        failure->write.reset();
        int reason = 0;
        ssize_t n = 0;
        while ((n = ::read(failure->read.get(), &reason, sizeof reason)) < 0 && errno == EINTR) {
        }
        if (n != 0) {
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
            }
            return failed(fmt::format("{}: cannot run it: {}", program, std::strerror(reason)));
        }
        set_nonblocking(out->read.get());
        set_nonblocking(err->read.get());
        return std::make_unique<PosixChild>(pid, std::move(our_in), std::move(out->read),
                                            std::move(err->read), options.line_bytes_max);
    }
};

}  // namespace

std::unique_ptr<ProcessLauncher> posix_launcher() { return std::make_unique<PosixLauncher>(); }

}  // namespace peakward
