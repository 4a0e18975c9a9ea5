// Ports: what the stages need from the outside world, so that tests can put a named machine, a
// fake clock or a misbehaving process in its place. posix.hpp gives the real ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/units.hpp"

namespace peakward {

class Clock {
public:
    virtual ~Clock() = default;
    virtual Nanoseconds monotonic() = 0;                           // never jumps back
    virtual std::chrono::system_clock::time_point wall_now() = 0;  // UTC
    virtual void sleep_for(Nanoseconds duration) = 0;
};

// Why a file, a tool or a register could not be read. Each is a different piece of evidence.
enum class Absence { missing, denied, slow, malformed, failed };

struct ReadFailure {
    Absence absence = Absence::missing;
    std::string reason;  // "/sys/…/scaling_governor: no such file"
};

template <typename T>
using ReadResult = tl::expected<T, ReadFailure>;

inline tl::unexpected<ReadFailure> absent(Absence absence, std::string reason) {
    return tl::make_unexpected(ReadFailure{absence, std::move(reason)});
}

// Of a file, its beginning is read: /proc/cpuinfo of a thousand CPUs is longer.
inline constexpr std::size_t read_bytes_max = 1u << 20;

struct CommandOutput {
    int exit_code = 0;
    std::string out;
    std::string err;
};

struct CpuidRegisters {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// The machine as seen through files, CPUID and commands. Paths are absolute ("/proc/cpuinfo").
// Nothing here throws; reads are bounded (1 MiB, one second) because a sysfs file may hang or lie.
class SysRoot {
public:
    virtual ~SysRoot() = default;

    virtual ReadResult<std::string> read(std::string_view path) const = 0;
    // Names in a folder, sorted; without "." and "..".
    virtual ReadResult<std::vector<std::string>> list(std::string_view path) const = 0;
    virtual ReadResult<std::string> read_link(std::string_view path) const = 0;
    virtual bool exists(std::string_view path) const = 0;

    // CPUID leaf on one logical CPU; missing on other architectures.
    virtual ReadResult<CpuidRegisters> cpuid(int cpu, std::uint32_t leaf,
                                             std::uint32_t subleaf) const = 0;

    // Runs a program found on the PATH (or given by path) without a shell; slow after `limit`.
    virtual ReadResult<CommandOutput> run(const std::vector<std::string>& argv,
                                          Nanoseconds limit) const = 0;

    // The machine's architecture as uname says it: x86_64, aarch64.
    virtual std::string architecture() const = 0;
    // Logical CPUs this process may run on, ascending.
    virtual ReadResult<std::vector<int>> affinity() const = 0;
    // The folder that stands for "/" ("" on the live machine): for libraries that read files
    // themselves (hwloc).
    virtual std::string root_folder() const = 0;
    // True on the machine we run on; false for a captured one. Libraries that ask the running
    // kernel (NVML, dlopen) are only asked when live.
    virtual bool is_live() const = 0;
};

// A child process that talks in lines. Destroying it kills the whole process group and reaps it.
class ChildProcess {
public:
    virtual ~ChildProcess() = default;

    virtual Status write_line(std::string_view line) = 0;

    enum class ReadStatus { line, timed_out, closed, overlong };
    struct ReadOutcome {
        ReadStatus status = ReadStatus::closed;
        std::string line;  // without the newline
    };
    // Waits at most `limit` for one line on the child's stdout.
    virtual ReadOutcome read_line(Nanoseconds limit) = 0;

    // SIGTERM, a short grace, then SIGKILL, to the whole process group; then reaps.
    virtual void kill() = 0;
    // How the process ended, in words ("signal 11 (SIGSEGV)", "exit code 3"), once it has ended;
    // waits up to `limit` for it.
    virtual std::optional<std::string> ended(Nanoseconds limit) = 0;
    // The last few KiB it wrote to stderr: the reason behind a crash.
    virtual std::string stderr_tail() const = 0;
    virtual int pid() const = 0;
};

struct SpawnOptions {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> environment;  // added to ours; "" removes
    std::size_t line_bytes_max = 64u << 20;
};

class ProcessLauncher {
public:
    virtual ~ProcessLauncher() = default;
    virtual Result<std::unique_ptr<ChildProcess>> spawn(const SpawnOptions& options) = 0;
};

}  // namespace peakward
