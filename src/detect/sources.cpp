#include "detect/sources.hpp"

#include <array>

#include "detect/sources/collect.hpp"

namespace peakward::detail {

std::span<const Source> sources() {
    // Files of the kernel come before tools and drivers, so that a missing or slow tool cannot
    // change what the fingerprint is made of. SMBIOS comes before /proc/meminfo because it knows
    // what is installed, not what the kernel left over.
    static constexpr auto list = std::to_array<Source>({
        {"cpuinfo", collect_cpuinfo},
        {"cpuid", collect_cpuid},
        {"topology", collect_topology},
        {"caches", collect_caches},
        {"smbios", collect_smbios},
        {"memory", collect_memory},
        {"product", collect_product},
        {"pci_gpus", collect_pci_gpus},
        {"nvidia_proc", collect_nvidia_proc},
        {"amd", collect_amd},
        {"jetson", collect_jetson},
        {"nvml", collect_nvml},
        {"software", collect_software},
        {"python_stack", collect_python_stack},
        {"blas", collect_blas},
        {"compiler", collect_compiler},
        {"library_variables", collect_library_variables},
        {"environment", collect_environment},
    });
    return list;
}

}  // namespace peakward::detail
