#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "sdk/requests.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker {
namespace {

constexpr std::size_t request_bytes_max = 16u << 20;

// Lines of a descriptor. A line beyond request_bytes_max is given cut short (it cannot be a
// request of ours) and its rest is skipped, so that the conversation goes on.
class LineReader {
public:
    explicit LineReader(int descriptor) : descriptor_(descriptor) {}

    bool next(std::string& line) {
        line.clear();
        bool any = false;
        for (;;) {
            if (begin_ == end_ && !fill()) return any;  // a last line without newline counts
            any = true;
            const char* const end = std::find(buffer_ + begin_, buffer_ + end_, '\n');
            const auto count = static_cast<std::size_t>(end - (buffer_ + begin_));
            line.append(buffer_ + begin_, std::min(count, request_bytes_max - line.size()));
            begin_ += count;
            if (begin_ == end_) continue;
            ++begin_;  // the newline
            return true;
        }
    }

private:
    bool fill() {
        ssize_t count = 0;
        do {
            count = ::read(descriptor_, buffer_, sizeof buffer_);
        } while (count < 0 && errno == EINTR);
        begin_ = 0;
        end_ = count > 0 ? static_cast<std::size_t>(count) : 0;
        return count > 0;
    }

    int descriptor_;
    char buffer_[65536];
    std::size_t begin_ = 0, end_ = 0;
};

bool write_whole(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// Gives a private copy of `descriptor` and points `descriptor` itself at `replacement`.
int take_descriptor(int descriptor, int replacement) {
    const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (replacement >= 0) ::dup2(replacement, descriptor);
    return copy;
}

volatile sig_atomic_t parent_pid = 0;

// The kernel sends the parent-death signal when the *thread* that forked us ends (prctl(2)), which
// is no reason to stop while its process lives. By then we have been handed to a new parent, so
// getppid() tells the two apart.
void on_parent_death(int) {
    if (static_cast<sig_atomic_t>(::getppid()) != parent_pid) ::_exit(0);
}

void end_with_parent() {
    parent_pid = static_cast<sig_atomic_t>(::getppid());
    struct sigaction action = {};
    action.sa_handler = on_parent_death;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGHUP, &action, nullptr);
    // A parent that died before this line has closed our stdin: the first read ends the worker.
    ::prctl(PR_SET_PDEATHSIG, SIGHUP);
}

}  // namespace

int serve_descriptors(Worker& worker, int in, int out) {
    Conversation conversation(worker);
    LineReader reader(in);
    std::string line;
    while (!conversation.finished() && reader.next(line)) {
        if (!write_whole(out, conversation.answer(line) + "\n")) return 1;
    }
    return 0;
}

int serve(Worker& worker) {
    ::signal(SIGPIPE, SIG_IGN);  // a host that went away is a failed write, not a signal
    end_with_parent();
    const auto is_open = [](int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; };
    if (!is_open(STDIN_FILENO) || !is_open(STDOUT_FILENO)) {
        std::fputs(
            "peakward worker: stdin or stdout is closed; the host starts workers with both\n",
            stderr);
        return 1;
    }
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const bool has_stderr = is_open(STDERR_FILENO) && null != STDERR_FILENO;
    const int out = take_descriptor(STDOUT_FILENO, has_stderr ? STDERR_FILENO : null);
    const int in = take_descriptor(STDIN_FILENO, null);
    return serve_descriptors(worker, in, out);
}

}  // namespace peakward::worker
