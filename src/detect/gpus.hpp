// The list of GPUs while several sources add to it.
#pragma once

#include <string>

#include "core/records.hpp"

namespace peakward::detail {

// The GPU at a PCI address (parse.hpp's form); added with that vendor when it is new.
GpuInfo& gpu_at(Hardware& hardware, const std::string& address, const std::string& vendor);

// Those of NVIDIA and AMD first, then by PCI address, those without one last.
void sort_gpus(Hardware& hardware);

// Calls `change` with every fact about the GPU itself, whatever its type.
template <typename Change>
void for_each_fact(GpuInfo& gpu, const Change& change) {
    for (Fact<std::string>* fact : {&gpu.model, &gpu.pci_id, &gpu.vbios, &gpu.driver,
                                    &gpu.compute_capability, &gpu.ecc, &gpu.mig, &gpu.throttle})
        change(*fact);
    for (Fact<int>* fact : {&gpu.memory_mb, &gpu.multiprocessors, &gpu.other_processes})
        change(*fact);
    for (Fact<double>* fact :
         {&gpu.clock_max_mhz, &gpu.power_limit_w, &gpu.power_limit_default_w, &gpu.temperature_c})
        change(*fact);
}
// For a generic lambda: a fact of the type of `slot`, unknown for this reason.
template <typename T>
Fact<T> unknown_like(const Fact<T>&, const std::string& reason) {
    return Fact<T>::unknown(reason);
}

// A product's name by its PCI id, for when no driver is there to tell; "" when not in the table.
std::string gpu_name_by_pci_id(const std::string& pci_id);

}  // namespace peakward::detail
