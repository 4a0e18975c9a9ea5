// Changes one JSON document into another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peakward::fuzz {

// Writes another document of at most `max` bytes in place and returns its size; 0, with nothing
// changed, when the bytes are not JSON or the document would be too long.
std::size_t mutate_json(std::uint8_t* bytes, std::size_t size, std::size_t max, unsigned seed);

}  // namespace peakward::fuzz
