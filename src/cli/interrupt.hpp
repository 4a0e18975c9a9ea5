// Ctrl-C, SIGTERM and SIGHUP. The first one kills the workers at once, so that nobody waits for a
// long call, and asks the verb to stop. A verb that is still at work 0.8 s later is ended, unless
// it is storing a measured run. A second signal ends the program on the spot, with the same
// exception. The exit code is 128 + the signal's number (DESIGN section 6).
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
