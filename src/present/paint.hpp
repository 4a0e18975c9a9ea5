// The last step before a screen: safe characters, ASCII where it must be, colour where it may be.
#pragma once

#include <string>
#include <string_view>

#include "present/table.hpp"

namespace peakward {

// safe_text(), and to_ascii() for a terminal without UTF-8.
std::string screen_text(std::string_view text, const Terminal& terminal);

// Text that went through screen_text() already, in the colour of its tone.
std::string paint(std::string_view screen_ready, Tone tone, const Terminal& terminal);

}  // namespace peakward
