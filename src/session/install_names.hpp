// What people call the hosts that imported runs come from: their installs are hashes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "session/analysis.hpp"
#include "store/run_store.hpp"

namespace peakward {

// Of each imported install of these subjects: the word of `import --from`, else what its file calls
// the hardware, else the beginning of its hardware fingerprint. Where two are called the same, the
// end of the install's id is added. Beyond some hundred hosts none is read.
std::map<std::string, std::string> imported_host_names(RunStore& store,
                                                       const std::vector<Subject>& subjects);

}  // namespace peakward
