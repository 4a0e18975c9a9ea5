#include "detect/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/text.hpp"

namespace peakward::detail {
namespace {

constexpr std::size_t said_bytes_max = 1u << 20;

[[noreturn]] void live_as_child(int pipe_end, const std::function<void(const Speaker&)>& ask) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int number : {SIGINT, SIGTERM, SIGSEGV, SIGILL, SIGABRT, SIGBUS, SIGPIPE})
        ::signal(number, SIG_DFL);
    // Drivers print what they dislike; the user's terminal is not theirs.
    if (const int null = ::open("/dev/null", O_RDWR); null >= 0)
        for (const int standard : {0, 1, 2}) ::dup2(null, standard);
    try {
        ask(Speaker(pipe_end));
    } catch (...) {
        ::_exit(125);
    }
    // Neither destructors nor exit handlers: they belong to the parent.
    ::_exit(0);
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) return fmt::format("ended with signal {}", WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return fmt::format("ended with exit code {}", WEXITSTATUS(status));
    return "";
}

// Reads until the child closes the pipe. False when it was silent for too long.
bool listen(int pipe_end, Nanoseconds silence_max, std::string& said) {
    const auto now = [] { return std::chrono::steady_clock::now(); };
    auto deadline = now() + silence_max;
    std::array<char, 4096> chunk;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now()).count();
        if (left <= 0 || said.size() > said_bytes_max) return false;
        pollfd watched{pipe_end, POLLIN, 0};
        const int ready = ::poll(&watched, 1, static_cast<int>(left));
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        const ssize_t got = ::read(pipe_end, chunk.data(), chunk.size());
        if (got < 0 && errno != EINTR) return false;
        if (got == 0) return true;
        if (got > 0) said.append(chunk.data(), static_cast<std::size_t>(got));
        deadline = now() + silence_max;
    }
}

}  // namespace

void Speaker::say(std::string_view line) const {
    std::string text = fmt::format("{}\n", line);
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t written = ::write(descriptor_, text.data() + sent, text.size() - sent);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return;
        sent += static_cast<std::size_t>(written);
    }
}

ChildReport ask_in_child(const std::function<void(const Speaker&)>& ask, Nanoseconds silence_max) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return {"", fmt::format("could not be asked: {}", std::strerror(errno))};
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        live_as_child(ends[1], ask);
    }
    const int fork_error = errno;
    ::close(ends[1]);
    if (child < 0) {
        ::close(ends[0]);
        return {"", fmt::format("could not be asked: {}", std::strerror(fork_error))};
    }
    ::setpgid(child, child);  // also here: whoever comes first
    ChildReport report;
    const bool finished = listen(ends[0], silence_max, report.said);
    ::close(ends[0]);
    if (!finished) {
        ::kill(-child, SIGKILL);
        ::kill(child, SIGKILL);
    }
    int status = 0;
    pid_t reaped = 0;
    // A process stuck inside a driver cannot be killed: after a second it is left to init.
    for (int tries = 0; tries < 100 && reaped == 0; ++tries) {
        reaped = ::waitpid(child, &status, WNOHANG);
        if (reaped == 0) ::poll(nullptr, 0, tries < 10 ? 1 : 10);
    }
    if (reaped == 0) ::kill(-child, SIGKILL);
    report.misfortune =
        finished ? (reaped > 0 ? how_it_ended(status) : "")
                 : fmt::format("did not answer within {:.1f} s", Seconds(silence_max).count());
    report.said.resize(report.said.rfind('\n') == std::string::npos ? 0
                                                                    : report.said.rfind('\n') + 1);
    return report;
}

}  // namespace peakward::detail
