// Ctrl-C. The first one asks the run to stop and kills the workers at once, so that nobody waits
// for a long call; the run then ends by itself, with nothing stored. The second one ends the
// program on the spot.
#pragma once

#include <memory>

#include "core/ports.hpp"
#include "core/progress.hpp"

namespace peakward::cli {

// Catches SIGINT, SIGTERM and SIGHUP for the rest of the program, and ignores SIGPIPE: a reader
// that went away (`peakward show | head`) is then an error of the stream and no sudden death.
void install_signal_handlers();

// Set by the first signal.
const StopToken& stop_token();

// Starts processes with `inner` and keeps their ids where a signal handler can reach them.
std::unique_ptr<ProcessLauncher> tracking_launcher(ProcessLauncher& inner);

}  // namespace peakward::cli
