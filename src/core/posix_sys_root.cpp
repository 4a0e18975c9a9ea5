// The machine this program runs on. Everything that may block is done by a helper thread that can
// be left behind, because a file of sysfs or of a network mount may never answer.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/bounded_calls.hpp"
#include "core/posix.hpp"
#include "core/text.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define PEAKWARD_HAS_CPUID 1
#endif

namespace peakward {
namespace {

constexpr std::size_t command_bytes_max = 1u << 20;

tl::unexpected<ReadFailure> absent_by_errno(const std::string& what, int error) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
        case ENODEV:
        case ENXIO:
            return absent(Absence::missing, fmt::format("{}: no such file", what));
        case EACCES:
        case EPERM:
            return absent(Absence::denied, fmt::format("{}: permission denied", what));
        default:
            return absent(Absence::failed, fmt::format("{}: {}", what, std::strerror(error)));
    }
}

class OpenFile {
public:
    explicit OpenFile(int value = -1) : value_(value) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() { reset(); }
    int get() const { return value_; }
    void reset(int value = -1) {
        if (value_ >= 0) ::close(value_);
        value_ = value;
    }

private:
    int value_;
};

// ---------------------------------------------------------------------------------------------
// Files
// ---------------------------------------------------------------------------------------------

// The first MiB of a file: /proc/cpuinfo of a thousand CPUs is longer, and its beginning is what
// counts. O_NONBLOCK keeps a FIFO or a terminal from waiting for its other end.
ReadResult<std::string> read_file(const std::string& path) {
    const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return absent_by_errno(path, errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return absent_by_errno(path, errno);
    if (!S_ISREG(status.st_mode))
        return absent(Absence::failed, fmt::format("{}: not a regular file", path));
    std::string content;
    std::array<char, 16384> chunk;
    while (content.size() < read_bytes_max) {
        const std::size_t wanted = std::min(chunk.size(), read_bytes_max - content.size());
        const ssize_t got = ::read(file.get(), chunk.data(), wanted);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return absent_by_errno(path, errno);
        if (got == 0) break;
        content.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return content;
}

ReadResult<std::vector<std::string>> list_folder(const std::string& path) {
    std::error_code error;
    std::filesystem::directory_iterator entries(path, error);
    if (error) return absent_by_errno(path, error.value());
    std::vector<std::string> names;
    while (entries != std::filesystem::directory_iterator()) {
        names.push_back(entries->path().filename().string());
        entries.increment(error);
        if (error) return absent_by_errno(path, error.value());
    }
    std::sort(names.begin(), names.end());
    return names;
}

ReadResult<std::string> link_target(const std::string& path) {
    std::array<char, 4096> target;
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0 && errno == EINVAL)
        return absent(Absence::malformed, fmt::format("{}: not a symbolic link", path));
    if (length < 0) return absent_by_errno(path, errno);
    return std::string(target.data(), static_cast<std::size_t>(length));
}

// ---------------------------------------------------------------------------------------------
// CPUID
// ---------------------------------------------------------------------------------------------

#ifdef PEAKWARD_HAS_CPUID
CpuidRegisters cpuid_here(std::uint32_t leaf, std::uint32_t subleaf) {
    CpuidRegisters r;
    __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
    return r;
}

// A leaf above the largest one answers with another leaf's content on Intel: never ask for it.
bool leaf_exists(std::uint32_t leaf) {
    if (leaf < 0x40000000) return leaf <= cpuid_here(0, 0).eax;
    if (leaf < 0x80000000) {
        const bool hypervisor = (cpuid_here(1, 0).ecx >> 31) != 0;
        return hypervisor && leaf <= std::max(cpuid_here(0x40000000, 0).eax, 0x40000000u);
    }
    const std::uint32_t largest = cpuid_here(leaf & 0xffff0000u, 0).eax;
    return leaf <= largest && (largest & 0xffff0000u) == (leaf & 0xffff0000u);
}

ReadResult<CpuidRegisters> cpuid_on(int cpu, std::uint32_t leaf, std::uint32_t subleaf) {
    const std::string what = fmt::format("CPUID leaf {:#x} on CPU {}", leaf, cpu);
    if (cpu < 0 || cpu >= 1 << 16)
        return absent(Absence::missing, fmt::format("{}: no such CPU", what));
    const auto count = static_cast<std::size_t>(std::max(cpu + 1, 4096));
    const std::size_t bytes = CPU_ALLOC_SIZE(count);
    std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> before(CPU_ALLOC(count),
                                                            [](cpu_set_t* s) { CPU_FREE(s); });
    std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> pinned(CPU_ALLOC(count),
                                                            [](cpu_set_t* s) { CPU_FREE(s); });
    CPU_ZERO_S(bytes, pinned.get());
    CPU_SET_S(static_cast<std::size_t>(cpu), bytes, pinned.get());
    if (::sched_getaffinity(0, bytes, before.get()) != 0) return absent_by_errno(what, errno);
    if (::sched_setaffinity(0, bytes, pinned.get()) != 0)
        return absent(errno == EINVAL ? Absence::missing : Absence::denied,
                      fmt::format("{}: this process may not run there", what));
    ReadResult<CpuidRegisters> answer =
        leaf_exists(leaf) ? ReadResult<CpuidRegisters>(cpuid_here(leaf, subleaf))
                          : absent(Absence::missing, fmt::format("{}: no such leaf", what));
    ::sched_setaffinity(0, bytes, before.get());
    return answer;
}
#endif

// ---------------------------------------------------------------------------------------------
// Commands
// ---------------------------------------------------------------------------------------------

// A command in its own process group, so that whatever it started ends with it.
class Command {
public:
    explicit Command(const std::vector<std::string>& argv) : name_(argv.front()) {
        int out[2] = {-1, -1};
        int err[2] = {-1, -1};
        if (::pipe2(out, O_CLOEXEC) != 0) {
            error_ = errno;
            return;
        }
        out_.reset(out[0]);
        const OpenFile out_end(out[1]);
        if (::pipe2(err, O_CLOEXEC) != 0) {
            error_ = errno;
            return;
        }
        err_.reset(err[0]);
        const OpenFile err_end(err[1]);
        error_ = spawn(argv, out_end.get(), err_end.get());
    }

    ~Command() {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        // One second for the kernel to let it go; a process stuck in a driver stays behind.
        for (int tries = 0; !ended_ && tries < 100 && !reap(); ++tries) ::poll(nullptr, 0, 10);
    }

    ReadResult<CommandOutput> finish(Nanoseconds limit) {
        if (error_ != 0) return absent_by_errno(name_, error_);
        const auto deadline = std::chrono::steady_clock::now() + limit;
        ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
        ::fcntl(err_.get(), F_SETFL, O_NONBLOCK);
        bool exited = false;
        while (true) {
            // What a process wrote before it ended is in the pipe: look once more afterwards, but
            // do not wait for a grandchild that keeps the pipe open.
            drain(out_, output_.out);
            drain(err_, output_.err);
            if (exited) return std::move(output_);
            exited = reap();
            if (exited) continue;
            if (std::chrono::steady_clock::now() >= deadline)
                return absent(Absence::slow,
                              fmt::format("{}: did not end within {:.1f} s", name_,
                                          std::chrono::duration<double>(limit).count()));
            std::array<pollfd, 2> watched{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
            ::poll(watched.data(), watched.size(), 5);
        }
    }

private:
    int spawn(const std::vector<std::string>& argv, int out, int err) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_adddup2(&actions, err, 2);
        sigset_t none, usual;
        sigemptyset(&none);
        sigfillset(&usual);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &usual);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        std::vector<char*> arguments;
        for (const std::string& argument : argv)
            arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        // Tools translate their output; what we parse is the untranslated form.
        std::vector<std::string> kept{"LC_ALL=C"};
        for (std::string& entry : child_environment())
            if (!entry.starts_with("LC_ALL=")) kept.push_back(std::move(entry));
        std::vector<char*> environment;
        for (std::string& entry : kept) environment.push_back(entry.data());
        environment.push_back(nullptr);
        const int error = ::posix_spawnp(&pid_, arguments.front(), &actions, &attributes,
                                         arguments.data(), environment.data());
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        if (error != 0) pid_ = -1;
        return error;
    }

    bool reap() {
        if (ended_) return true;
        int status = 0;
        const pid_t got = ::waitpid(pid_, &status, WNOHANG);
        if (got == 0 || (got < 0 && errno == EINTR)) return false;
        ended_ = true;
        if (got > 0)
            output_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return true;
    }

    static void drain(OpenFile& pipe, std::string& into) {
        std::array<char, 16384> chunk;
        while (pipe.get() >= 0) {
            const ssize_t got = ::read(pipe.get(), chunk.data(), chunk.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return;
            if (got == 0) return pipe.reset();
            const std::size_t room = command_bytes_max - std::min(command_bytes_max, into.size());
            into.append(chunk.data(), std::min(room, static_cast<std::size_t>(got)));
        }
    }

    std::string name_;
    OpenFile out_, err_;
    pid_t pid_ = -1;
    int error_ = 0;
    bool ended_ = false;
    CommandOutput output_;
};

class LiveSysRoot final : public SysRoot {
public:
    ReadResult<std::string> read(std::string_view path) const override {
        const std::string file(path);
        return calls_.within_limit<std::string>(file, [file] { return read_file(file); });
    }

    ReadResult<std::vector<std::string>> list(std::string_view path) const override {
        const std::string folder(path);
        return calls_.within_limit<std::vector<std::string>>(
            folder, [folder] { return list_folder(folder); });
    }

    ReadResult<std::string> read_link(std::string_view path) const override {
        const std::string link(path);
        return calls_.within_limit<std::string>(link, [link] { return link_target(link); });
    }

    bool exists(std::string_view path) const override {
        const std::string file(path);
        const auto answer = calls_.within_limit<bool>(
            file, [file]() -> ReadResult<bool> { return ::access(file.c_str(), F_OK) == 0; });
        return answer.value_or(false);
    }

    ReadResult<CpuidRegisters> cpuid(int cpu, std::uint32_t leaf,
                                     std::uint32_t subleaf) const override {
#ifdef PEAKWARD_HAS_CPUID
        return calls_.within_limit<CpuidRegisters>(
            fmt::format("CPUID on CPU {}", cpu),
            [cpu, leaf, subleaf] { return cpuid_on(cpu, leaf, subleaf); });
#else
        (void)cpu, (void)leaf, (void)subleaf;
        return absent(Absence::missing, "CPUID: not an x86 processor");
#endif
    }

    ReadResult<CommandOutput> run(const std::vector<std::string>& argv,
                                  Nanoseconds limit) const override {
        if (argv.empty() || argv.front().empty())
            return absent(Absence::missing, "no command was named");
        return Command(argv).finish(limit);
    }

    std::string architecture() const override {
        struct utsname name {};
        return ::uname(&name) == 0 ? name.machine : "";
    }

    ReadResult<std::vector<int>> affinity() const override {
        for (std::size_t count = 1024; count <= 1u << 16; count *= 2) {
            std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(count),
                                                                 [](cpu_set_t* s) { CPU_FREE(s); });
            const std::size_t bytes = CPU_ALLOC_SIZE(count);
            CPU_ZERO_S(bytes, set.get());
            if (::sched_getaffinity(0, bytes, set.get()) != 0) {
                if (errno == EINVAL) continue;
                return absent_by_errno("sched_getaffinity", errno);
            }
            std::vector<int> cpus;
            for (std::size_t cpu = 0; cpu < count; ++cpu)
                if (CPU_ISSET_S(cpu, bytes, set.get())) cpus.push_back(static_cast<int>(cpu));
            return cpus;
        }
        return absent(Absence::failed, "sched_getaffinity: more than 65536 CPUs");
    }

    std::string root_folder() const override { return ""; }
    bool is_live() const override { return true; }

private:
    mutable BoundedCalls calls_;
};

}  // namespace

std::unique_ptr<SysRoot> live_sys_root() { return std::make_unique<LiveSysRoot>(); }

}  // namespace peakward
