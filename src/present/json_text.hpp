// JSON as it leaves the program.
#pragma once

#include <string>

#include "core/json.hpp"

namespace peakward {

// ASCII only, since a document may end on a terminal and C1 controls are valid UTF-8; with nothing
// that the log of a build service obeys; bytes that are no UTF-8 become U+FFFD. The values stay the
// same for every reader of JSON. `indent` -1: one line.
std::string json_text(const Json& document, int indent);

}  // namespace peakward
