// Every source of facts, one function each, defined in the file of the same name beside this one.
// The list that says in which order they are asked is sources.cpp.
#pragma once

#include "detect/detect.hpp"

namespace peakward::detail {

#define PEAKWARD_SOURCE(name)                                                            \
    void collect_##name(const SysRoot& root, Clock& clock, const DetectOptions& options, \
                        Context& context)

// Hardware
PEAKWARD_SOURCE(cpuinfo);      // /proc/cpuinfo, x86-64 and aarch64
PEAKWARD_SOURCE(cpuid);        // the instruction, where /proc/cpuinfo left gaps
PEAKWARD_SOURCE(topology);     // /sys/devices/system/{cpu,node}: sockets, cores, SMT, core kinds
PEAKWARD_SOURCE(caches);       // hwloc, else /sys/devices/system/cpu/cpu*/cache
PEAKWARD_SOURCE(smbios);       // /sys/firmware/dmi: installed memory, channels, speed
PEAKWARD_SOURCE(memory);       // /proc/meminfo, and the nominal size where SMBIOS was silent
PEAKWARD_SOURCE(product);      // DMI product name or device tree model
PEAKWARD_SOURCE(pci_gpus);     // /sys/bus/pci/devices: every NVIDIA and AMD GPU, with its PCI id
PEAKWARD_SOURCE(nvidia_proc);  // /proc/driver/nvidia: model, VBIOS, driver
PEAKWARD_SOURCE(amd);          // /sys/class/drm of amdgpu: VRAM, VBIOS, product name
PEAKWARD_SOURCE(jetson);       // device tree: integrated GPU, memory shared with the CPU
PEAKWARD_SOURCE(nvml);         // libnvidia-ml, asked in a child process with a time limit

// Software and environment
PEAKWARD_SOURCE(software);
PEAKWARD_SOURCE(python_stack);
PEAKWARD_SOURCE(blas);
PEAKWARD_SOURCE(compiler);
PEAKWARD_SOURCE(library_variables);  // /proc/self/environ: OPENBLAS_*, OMP_*, LD_PRELOAD, …
PEAKWARD_SOURCE(environment);

#undef PEAKWARD_SOURCE

}  // namespace peakward::detail
