#include "core/state_folder.hpp"

#include <cstdlib>

namespace peakward {

std::string usual_state_folder() {
    // The XDG Base Directory Specification wants relative paths to be ignored.
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && state[0] == '/') return std::string(state) + "/peakward";
    const char* home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') return std::string(home) + "/.local/state/peakward";
    return "";
}

}  // namespace peakward
