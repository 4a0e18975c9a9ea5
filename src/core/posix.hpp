// The real ports: this machine's clock, files, CPUID, commands and processes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/ports.hpp"

namespace peakward {

std::unique_ptr<Clock> system_clock_port();
std::unique_ptr<SysRoot> live_sys_root();
std::unique_ptr<ProcessLauncher> posix_launcher();

// Our environment as children get it. No Python among them looks into the current folder: empty and
// relative parts of PYTHONPATH stand for that folder and are left out, and PYTHONSAFEPATH is set.
std::vector<std::string> child_environment();

// A captured machine: a folder with proc/, sys/, etc/ and so on as on the host, and optionally
//   cpuid/puN            lines "MASK eax ebx ecx edx => eax ebx ecx edx" in hexadecimal, as
//                        hwloc-gather-cpuid writes them; bit n of MASK: input n counts
//   commands/NAME.txt    what the command NAME printed (first line "# exit N" optional)
//   commands/NAME-HASH.txt  the same for one argument list only; HASH is the first 8 digits of the
//                        SHA-256 of the arguments, NAME included, each followed by a zero byte
//   nvml.jsonl           what NVIDIA's library said (src/detect/nvml.hpp)
//   machine.json         {"architecture": "aarch64", "affinity": [0,1], "denied": ["/path"],
//                         "slow": ["/path", "command:nvidia-smi"], "malformed": [...],
//                         "missing": [...]}; a folder stands for everything below it, "cpuid" for
//                        the instruction. Without "affinity" it is every CPU that has a cpuid/puN.
// Symbolic links are followed as if the folder were "/": nothing leads out of it.
Result<std::unique_ptr<SysRoot>> captured_sys_root(const std::string& folder);

// Replaces `path` by `content` in one step (temporary file beside it, fsync, rename).
Status write_file_atomically(const std::string& path, std::string_view content);
Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max = 256u << 20);
// What is left to read of an open file, a pipe or a terminal, which `name` calls in errors. The
// descriptor stays open.
Result<std::string> read_descriptor(int descriptor, const std::string& name,
                                    std::size_t bytes_max = 256u << 20);

}  // namespace peakward
