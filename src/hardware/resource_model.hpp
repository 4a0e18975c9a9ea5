// What mappers take from the database: the same figures as a C++ header, a Python module and JSON.
#pragma once

#include <string>
#include <string_view>
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

// The same in two steps: a list of models, one for each power mode of an entry, and the files.
Json resource_model_list(const std::vector<const HardwareSpec*>& specs);
std::vector<GeneratedFile> resource_files(const Json& models);

// The list in the JSON file of an earlier call, which errors call `file`.
inline constexpr const char* resource_document_name = "peakward_hardware.json";
Result<Json> read_resource_models(std::string_view text, const std::string& file);

// docs/hardware.md: all products, as Markdown.
std::string hardware_page(const HardwareDatabase& database);

}  // namespace peakward
