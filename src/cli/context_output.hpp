// The context in every format: shared by `context` and `calibrate --show-context`.
#pragma once

#include "cli/options.hpp"

namespace peakward::cli {

void show_context(Call& call, Format format, const ContextRequest& request, bool with_sources);

}  // namespace peakward::cli
