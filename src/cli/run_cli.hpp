// A whole command line, from its words to its exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"
#include "core/progress.hpp"
#include "session/session.hpp"

namespace peakward::cli {

// `arguments` without the program's name. Returns the exit code of DESIGN section 6; nothing
// throws. With --json an error is a document on stdout as well as a sentence on stderr.
int run_cli(const std::vector<std::string>& arguments, const Machine& machine, Console& console,
            const StopToken& stop);

}  // namespace peakward::cli
