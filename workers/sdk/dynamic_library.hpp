// Libraries that a worker loads at run time: what the loader says of them.
#pragma once

#include <string>

namespace peakward::worker {

// Why the last dlopen() or dlsym() of this thread failed.
std::string loader_error();

// The file that a symbol comes from, links followed; `otherwise` where the loader does not say.
std::string file_of_symbol(const void* symbol, const std::string& otherwise);

}  // namespace peakward::worker
