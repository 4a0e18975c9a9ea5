// What mappers take from the database: the same figures as a C++ header, a Python module and JSON.
#pragma once

#include <string>
#include <vector>

#include "hardware/database.hpp"

namespace peakward {

struct GeneratedFile {
    std::string name;  // "peakward_hardware.hpp"
    std::string content;
};
// Of these entries (boards have no figures of their own and are left out), with the calibrated
// efficiencies where there are any. The same database gives the same bytes.
std::vector<GeneratedFile> resource_models(const std::vector<const HardwareSpec*>& specs);

// docs/hardware.md: all products, as Markdown.
std::string hardware_page(const HardwareDatabase& database);

}  // namespace peakward
