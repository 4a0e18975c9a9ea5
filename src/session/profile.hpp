// Portable profiles: written from a run, and read back, for the command line and the bindings.
#pragma once

#include <string>
#include <vector>

#include "core/records.hpp"
#include "core/result.hpp"
#include "score/profile.hpp"

namespace peakward {

// The profiles in a file: one in a profile, one for each device and backend in a run that
// `calibrate --output` wrote. The error is one sentence with the file and the field.
Result<std::vector<Profile>> load_profiles(const std::string& path);

struct ExportedProfile {
    std::string path;
    bool written = true;  // false: the very same profile was there already
};
// One file for each device and backend of the run, in an existing folder. Never replaces a file:
// where another profile has the name, the run's id is added to it.
Result<std::vector<ExportedProfile>> export_profiles(const Run& run, const std::string& folder);

}  // namespace peakward
