#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "core/posix.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

class SystemClock final : public Clock {
public:
    Nanoseconds monotonic() override {
        return std::chrono::duration_cast<Nanoseconds>(
            std::chrono::steady_clock::now().time_since_epoch());
    }
    std::chrono::system_clock::time_point wall_now() override {
        return std::chrono::system_clock::now();
    }
    void sleep_for(Nanoseconds duration) override { std::this_thread::sleep_for(duration); }
};

std::string why() { return std::strerror(errno); }

// Writes all of it, or leaves errno.
bool write_all(int descriptor, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::unique_ptr<Clock> system_clock_port() { return std::make_unique<SystemClock>(); }

Status write_file_atomically(const std::string& path, std::string_view content) {
    const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
    const std::string folder = folder_of(path);
    // Without a name until it is whole: whatever ends this process, nothing of it stays behind.
    // Not every file system has such files, and they get their name by way of /proc.
    int descriptor = ::access("/proc/self/fd", X_OK) == 0
                         ? ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644)
                         : -1;
    const bool is_nameless = descriptor >= 0;
    if (!is_nameless)
        descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) return failed(fmt::format("cannot write {}: {}", path, why()));
    const std::string nameless = fmt::format("/proc/self/fd/{}", descriptor);
    bool ok = write_all(descriptor, content) && ::fsync(descriptor) == 0 &&
              (!is_nameless || ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, temporary.c_str(),
                                        AT_SYMLINK_FOLLOW) == 0);
    std::string reason = ok ? "" : why();
    if (::close(descriptor) != 0 && ok) {
        ok = false;
        reason = why();
    }
    if (ok && ::rename(temporary.c_str(), path.c_str()) != 0) {
        ok = false;
        reason = why();
    }
    if (!ok) {
        ::unlink(temporary.c_str());
        return failed(fmt::format("cannot write {}: {}; nothing was left behind", path, reason));
    }
    // The rename itself is durable only once its folder is.
    const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened >= 0) {
        ::fsync(opened);
        ::close(opened);
    }
    return {};
}

Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return failed(fmt::format("cannot read {}: {}", path, why()));
    struct stat info {};
    if (::fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode)) {
        ::close(descriptor);
        return failed(fmt::format("cannot read {}: it is a folder", path));
    }
    auto content = read_descriptor(descriptor, path, bytes_max);
    ::close(descriptor);
    return content;
}

Result<std::string> read_descriptor(int descriptor, const std::string& name,
                                    std::size_t bytes_max) {
    std::string content;
    char buffer[1 << 16];
    while (true) {
        const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(fmt::format("cannot read {}: {}", name, why()));
        if (got == 0) return content;
        content.append(buffer, static_cast<std::size_t>(got));
        if (content.size() > bytes_max)
            return failed(fmt::format("{} is larger than {} MiB", name, bytes_max >> 20));
    }
}

}  // namespace peakward
