// Where the program keeps what it must remember between runs.
#pragma once

#include <string>

namespace peakward {

// $XDG_STATE_HOME/peakward or ~/.local/state/peakward; "" where neither variable is set.
std::string usual_state_folder();

}  // namespace peakward
