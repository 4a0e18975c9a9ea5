// Progress on stderr: a bar that is redrawn in place on a terminal, plain lines otherwise, nothing
// when quiet. Drawn only when a case begins or ends: a thread that redraws would take the CPU from
// what is being measured.
#pragma once

#include <memory>

#include "cli/console.hpp"
#include "core/progress.hpp"

namespace peakward::cli {

// Destroying it clears the bar and leaves the cursor at the start of an empty line. After `stop` no
// case is shown any more: the workers were killed by us, and did not fail.
std::unique_ptr<Observer> make_progress(Console& console, bool quiet, const StopToken& stop);

}  // namespace peakward::cli
