// The roofline of a run (Williams, Waterman, Patterson 2009): what was measured, under the roofs
// that memory and arithmetic put over it.
#pragma once

#include <string>

#include "core/records.hpp"
#include "present/plot.hpp"

namespace peakward {

struct Roofline {
    Plot plot;    // log-log: operations per byte against GOPS; without points when nothing has both
    Table roofs;  // each with its value, kind and where it comes from
    std::vector<std::string> missing;  // a sentence for each roof that could not be drawn
};

// Of one device. A point is a measured case; its operations per byte are those of its definition in
// the catalog (caches may well move less). A roof is theoretical where the peak is known; a
// measured one, named so, stands in where only the bandwidth's theory is missing.
Roofline roofline_of(const Run& run, const std::string& device);

}  // namespace peakward
