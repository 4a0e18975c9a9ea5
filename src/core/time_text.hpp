// Instants as text.
#pragma once

#include <cstdint>
#include <string>

namespace peakward {

// "2026-11-20T14:30:00Z"
std::string iso_text(std::int64_t time_unix);

}  // namespace peakward
