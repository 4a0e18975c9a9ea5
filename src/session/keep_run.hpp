// A measured run that the database does not take, kept in a file until it does.
#pragma once

#include <string>

#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward {

// Writes the whole run, in one step and down to the disk, beside the database, else to the state
// folder, else to $TMPDIR (/tmp). Returns the file's path; the error has a reason for each folder.
Result<std::string> keep_run(const Run& run, const std::string& store_location);

// The command line that brings the file into the database.
std::string import_command(const std::string& file, const std::string& store_location);

}  // namespace peakward
