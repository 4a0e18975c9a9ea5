// The files that `calibrate --output` and `export` write.
#pragma once

#include <string>

#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward::cli {

// Whether `path` could be written, asked before anything is measured: its folder is there and
// writable, and it would not replace a file that holds something (unless `overwrite`). `what` is
// how the option is called in the error.
Status check_output(const std::string& path, bool overwrite, const std::string& what = "--output");

// The run with all its samples as indented JSON, in one step: the old file or the new one is there
// at every moment, never a half.
Status write_profile(const std::string& path, const Run& run);

}  // namespace peakward::cli
