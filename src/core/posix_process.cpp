// posix_launcher(): children that talk in lines, each in a process group of its own.
//
// Between us and each child is a keeper, a process that adopts whatever the child leaves behind. It
// kills all of it when the ChildProcess is destroyed, and also when we die without a word: it
// notices that its pipe from us is closed. A descendant that called setsid() is one of them. Only a
// keeper can do this: had we adopted orphans ourselves, the children of the program that we are a
// part of would be among them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "core/posix.hpp"
#include "core/text.hpp"

extern char** environ;

namespace peakward {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr Nanoseconds term_grace = milliseconds(500);  // docs/worker-protocol.md
constexpr Nanoseconds write_limit = std::chrono::seconds(5);
// Beyond the grace: a process that the kernel cannot kill (a hung driver) is left to its keeper.
constexpr Nanoseconds kill_limit = std::chrono::seconds(5);
constexpr std::size_t stderr_tail_bytes = 4096;
constexpr std::size_t read_chunk_bytes = 64 << 10;
constexpr std::string_view python_path = "PYTHONPATH=";

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

// What a keeper tells: the child's id when it has started, and once more when it has ended.
struct News {
    pid_t pid = 0;
    int code = 0;  // si_code of siginfo_t; 0: it runs
    int status = 0;
};

std::string ending_words(const News& news) {
    if (news.code == CLD_EXITED) return fmt::format("exit code {}", news.status);
    return signal_words(news.status);
}

// Our ends of what joins us to a child and its keeper.
struct OurEnds {
    Descriptor in, out, err;
    Descriptor news;  // from the keeper
    Descriptor life;  // the keeper ends everything when this is closed
};

class PosixChild final : public ChildProcess {
public:
    PosixChild(pid_t pid, pid_t keeper, OurEnds ends, std::size_t line_bytes_max)
        : pid_(pid), keeper_(keeper), ends_(std::move(ends)), line_bytes_max_(line_bytes_max) {}

    PosixChild(const PosixChild&) = delete;
    PosixChild& operator=(const PosixChild&) = delete;
    ~PosixChild() override { end_group(); }

    Status write_line(std::string_view line) override {
        std::string text(line);
        text.push_back('\n');
        const auto deadline = SteadyClock::now() + write_limit;
        std::size_t written = 0;
        while (written < text.size()) {
            const ssize_t n = ends_.in.is_open()
                                  ? ::send(ends_.in.get(), text.data() + written,
                                           text.size() - written, MSG_NOSIGNAL | MSG_DONTWAIT)
                                  : -1;
            if (n > 0) {
                written += static_cast<std::size_t>(n);
                continue;
            }
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && ends_.in.is_open() && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                const Nanoseconds left = deadline - SteadyClock::now();
                if (left <= Nanoseconds::zero())
                    return failed(fmt::format("process {} does not read its input", pid_));
                wait_for(left, {ends_.in.get(), POLLOUT, 0});
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
            if (!ends_.out.is_open()) return {ReadStatus::closed, {}};
            // Asked first: what a process wrote before it ended is in the pipe by then. A child of
            // its own may hold the pipe open for as long as it likes.
            const bool has_ended = look_whether_ended();
            if (pump_out()) continue;
            if (has_ended) return {ReadStatus::closed, {}};
            const Nanoseconds left = deadline - SteadyClock::now();
            if (left <= Nanoseconds::zero()) return {ReadStatus::timed_out, {}};
            wait_for(left, {ends_.out.get(), POLLIN, 0});
        }
    }

    void kill() override { end_group(); }

    std::optional<std::string> ended(Nanoseconds limit) override {
        const auto deadline = SteadyClock::now() + limit;
        while (!look_whether_ended()) {
            const Nanoseconds left = deadline - SteadyClock::now();
            if (left <= Nanoseconds::zero()) return std::nullopt;
            wait_for(left, {-1, 0, 0});
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

    // Until this descriptor is ready or the child has ended. stderr is emptied whenever we wait: a
    // worker must never block on a full pipe.
    void wait_for(Nanoseconds left, pollfd wanted) {
        std::array<pollfd, 3> fds{wanted};
        nfds_t count = 1;
        if (ends_.err.is_open()) fds[count++] = {ends_.err.get(), POLLIN, 0};
        if (!ending_) fds[count++] = {ends_.news.get(), POLLIN, 0};
        ::poll(fds.data(), count, poll_milliseconds(left));
        pump_err();
    }

    bool pump_out() {
        std::array<char, read_chunk_bytes> chunk;
        const ssize_t n = ::read(ends_.out.get(), chunk.data(), chunk.size());
        if (n > 0) {
            buffer_.append(chunk.data(), static_cast<std::size_t>(n));
            return true;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
        ends_.out.reset();
        return true;
    }

    void pump_err() {
        std::array<char, read_chunk_bytes> chunk;
        while (ends_.err.is_open()) {
            const ssize_t n = ::read(ends_.err.get(), chunk.data(), chunk.size());
            if (n > 0) {
                tail_.append(chunk.data(), static_cast<std::size_t>(n));
                if (tail_.size() > stderr_tail_bytes)
                    tail_.erase(0, tail_.size() - stderr_tail_bytes);
                continue;
            }
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            ends_.err.reset();
        }
    }

    bool look_whether_ended() {
        if (ending_) return true;
        News news;
        const ssize_t n = ::read(ends_.news.get(), &news, sizeof news);
        if (n == static_cast<ssize_t>(sizeof news))
            ending_ = ending_words(news);
        else if (n == 0)
            ending_ = "lost: the process that watched it was killed";
        return ending_.has_value();
    }

    void end_group() {
        if (reaped_) return;
        ends_.in.reset();
        ends_.life.reset();
        const auto deadline = SteadyClock::now() + term_grace + kill_limit;
        // The end of the news is the end of the keeper: nothing is left then.
        std::optional<News> last;
        bool keeper_ends = false;
        for (News news; !keeper_ends && SteadyClock::now() < deadline;) {
            const ssize_t n = ::read(ends_.news.get(), &news, sizeof news);
            keeper_ends = n == 0;
            if (n > 0) {
                last = news;
                continue;
            }
            if (keeper_ends) break;
            pollfd fd{ends_.news.get(), POLLIN, 0};
            ::poll(&fd, 1, poll_milliseconds(deadline - SteadyClock::now()));
        }
        while (::waitpid(keeper_, nullptr, keeper_ends ? 0 : WNOHANG) < 0 && errno == EINTR) {
        }
        if (!ending_) ending_ = last ? ending_words(*last) : "it could not be killed";
        reaped_ = true;
        pump_err();
        ends_.out.reset();
        ends_.err.reset();
    }

    pid_t pid_, keeper_;
    OurEnds ends_;
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
    for (std::string& entry : child_environment()) {
        const std::string name = entry.substr(0, entry.find('='));
        const bool is_replaced = std::any_of(added.begin(), added.end(), [&](const auto& variable) {
            return variable.first == name;
        });
        if (!is_replaced) merged.push_back(std::move(entry));
    }
    for (const auto& [name, value] : added)
        if (!value.empty()) merged.push_back(name + "=" + value);
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
    int life, news;  // of its keeper
};

struct Program {
    const char* path;
    char* const* argv;
    char* const* environment;
};

// After fork in a process that may have threads only async-signal-safe calls are allowed: nothing
// from here to keep() allocates. On failure errno goes up the `failure` pipe, which a successful
// exec closes.
[[noreturn]] void become(const ChildEnds& ends, pid_t keeper, const Program& program) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper) ::_exit(127);  // it died before PDEATHSIG was set
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
    ::execve(program.path, program.argv, program.environment);
    const int reason = errno;
    [[maybe_unused]] const ssize_t told = ::write(ends.failure, &reason, sizeof reason);
    ::_exit(127);
}

// The keeper's two descriptors, once it has closed all others.
constexpr int keeper_life = 0, keeper_news = 1;
constexpr int keeper_descriptors = 2;
constexpr Nanoseconds keeper_look = milliseconds(20);

void tell(pid_t pid, int code, int status) {
    const News news{pid, code, status};
    [[maybe_unused]] const ssize_t told = ::write(keeper_news, &news, sizeof news);
}

void close_all_others() {
#if defined(SYS_close_range)
    if (::syscall(SYS_close_range, static_cast<unsigned>(keeper_descriptors), ~0u, 0u) == 0) return;
#endif
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = keeper_descriptors; fd < static_cast<int>(limit.rlim_cur); ++fd) ::close(fd);
}

extern "C" void on_child_signal(int) {}  // it only wakes the keeper

// Waits for a signal about a child, or for the end of `life` when that is watched.
bool life_has_ended(bool watched, const timespec* limit) {
    sigset_t all_but_children;
    ::sigfillset(&all_but_children);
    ::sigdelset(&all_but_children, SIGCHLD);
    pollfd life{keeper_life, POLLIN, 0};
    return ::ppoll(&life, watched ? 1 : 0, limit, &all_but_children) > 0;
}

// True once the child has ended. It stays a zombie, so that the id of its process group cannot be
// given to somebody else before the group has been killed.
bool child_has_ended(pid_t child) {
    while (true) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            return false;
        if (info.si_pid == child) {
            tell(child, info.si_code, info.si_status);
            return true;
        }
        ::waitpid(info.si_pid, nullptr, 0);
    }
}

// SIGKILL to all children, the adopted ones too; false where the kernel does not list them.
bool kill_children() {
    const int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (list < 0) return false;
    char text[4096];
    pid_t pid = 0;
    for (ssize_t n = 0; (n = ::read(list, text, sizeof text)) > 0;) {
        for (ssize_t i = 0; i < n; ++i) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
                continue;
            }
            if (pid > 0) ::kill(pid, SIGKILL);
            pid = 0;
        }
    }
    if (pid > 0) ::kill(pid, SIGKILL);
    ::close(list);
    return true;
}

// Each that dies hands its own children to us, until none is left.
void end_descendants(pid_t child, bool has_ended) {
    const timespec look{0, keeper_look.count()};
    if (!has_ended) {
        ::kill(-child, SIGTERM);
        for (Nanoseconds waited{0}; !has_ended && waited < term_grace; waited += keeper_look) {
            has_ended = child_has_ended(child);
            if (!has_ended) life_has_ended(false, &look);
        }
    }
    ::kill(-child, SIGKILL);  // whatever ignored the request, and its children
    while (true) {
        const bool listed = kill_children();
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) return;  // none is left
        if (info.si_pid == child && !has_ended) tell(child, info.si_code, info.si_status);
        has_ended = has_ended || info.si_pid == child;
        if (!listed && has_ended) return;
        if (info.si_pid == 0) life_has_ended(false, &look);
    }
}

// What the keeper does with its life: it starts the child and outlives all that comes of it.
[[noreturn]] void keep(const ChildEnds& ends, const Program& program) {
    ::setpgid(0, 0);  // a Ctrl-C on the terminal is not meant for it
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::signal(SIGCHLD, on_child_signal);
    const pid_t keeper = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) become(ends, keeper, program);
    if (child < 0) {
        const int reason = errno;
        [[maybe_unused]] const ssize_t told = ::write(ends.failure, &reason, sizeof reason);
        ::_exit(127);
    }
    ::dup2(ends.life, keeper_life);
    ::dup2(ends.news, keeper_news);
    close_all_others();
    tell(child, 0, 0);
    bool has_ended = false;
    do {
        has_ended = has_ended || child_has_ended(child);
    } while (!life_has_ended(true, nullptr));
    end_descendants(child, has_ended);
    ::_exit(0);
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

// False at the end of the pipe.
template <typename Record>
bool read_whole(int fd, Record& record) {
    ssize_t n = 0;
    while ((n = ::read(fd, &record, sizeof record)) < 0 && errno == EINTR) {
    }
    return n == static_cast<ssize_t>(sizeof record);
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
        auto news = make_pipe();
        auto life = make_pipe();
        for (const auto* pipe : {&out, &err, &failure, &news, &life})
            if (!*pipe) return tl::make_unexpected(pipe->error());

        std::vector<std::string> argv_texts = options.argv;
        std::vector<std::string> env_texts = merged_environment(options.environment);
        const std::vector<char*> argv = pointers_to(argv_texts);
        const std::vector<char*> env = pointers_to(env_texts);
        const pid_t keeper = ::fork();
        if (keeper < 0)
            return failed(fmt::format("{}: cannot start it: {}", program, std::strerror(errno)));
        if (keeper == 0)
            keep({child_in.get(), out->write.get(), err->write.get(), failure->write.get(),
                  life->read.get(), news->write.get()},
                 {program.c_str(), argv.data(), env.data()});
        failure->write.reset();
        news->write.reset();
        int reason = 0;
        const bool has_failed = read_whole(failure->read.get(), reason);
        News started;
        if (has_failed || !read_whole(news->read.get(), started)) {
            life->write.reset();
            while (::waitpid(keeper, nullptr, 0) < 0 && errno == EINTR) {
            }
            return failed(fmt::format("{}: cannot run it: {}", program,
                                      std::strerror(has_failed ? reason : ECHILD)));
        }
        for (const Descriptor* end : {&out->read, &err->read, &news->read})
            set_nonblocking(end->get());
        OurEnds ends{std::move(our_in), std::move(out->read), std::move(err->read),
                     std::move(news->read), std::move(life->write)};
        return std::make_unique<PosixChild>(started.pid, keeper, std::move(ends),
                                            options.line_bytes_max);
    }
};

}  // namespace

std::vector<std::string> child_environment() {
    std::vector<std::string> kept{"PYTHONSAFEPATH=1"};
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        if (text.starts_with("PYTHONSAFEPATH=")) continue;
        if (!text.starts_with(python_path)) {
            kept.emplace_back(text);
            continue;
        }
        std::vector<std::string> folders = split(text.substr(python_path.size()), ':');
        std::erase_if(folders, [](const std::string& folder) { return !folder.starts_with('/'); });
        if (!folders.empty())
            kept.push_back(fmt::format("{}{}", python_path, fmt::join(folders, ":")));
    }
    return kept;
}

std::unique_ptr<ProcessLauncher> posix_launcher() { return std::make_unique<PosixLauncher>(); }

}  // namespace peakward
