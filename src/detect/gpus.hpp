// The list of GPUs while several sources add to it.
#pragma once

#include <string>

#include "core/records.hpp"

namespace peakward::detail {

// The GPU at a PCI address (parse.hpp's form); added with that vendor when it is new.
GpuInfo& gpu_at(Hardware& hardware, const std::string& address, const std::string& vendor);

// By PCI address, those without one last.
void sort_gpus(Hardware& hardware);

// A product's name by its PCI id, for when no driver is there to tell; "" when not in the table.
std::string gpu_name_by_pci_id(const std::string& pci_id);

}  // namespace peakward::detail
