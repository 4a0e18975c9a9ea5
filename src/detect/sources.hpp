// One file per source of facts in sources/; this is the one list. A source fills what it can into
// the context and leaves the rest alone; a later source fills only what is still unknown.
#pragma once

#include <span>

#include "detect/detect.hpp"

namespace peakward::detail {

struct Source {
    const char* name;
    void (*collect)(const SysRoot& root, Clock& clock, const DetectOptions& options,
                    Context& context);
};

// In the order they are asked.
std::span<const Source> sources();

}  // namespace peakward::detail
