// Lists of names, as requests and workers give them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace peakward {

inline bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace peakward
