// Words of the earlier Python tool, and the calls that replace them.
#pragma once

#include <string>
#include <string_view>

namespace peakward::cli {

// "peakward calibrate --quick" for "--quick" or "calibrate_hardware.py"; "" for other words.
std::string_view call_of_today(std::string_view word);

}  // namespace peakward::cli
