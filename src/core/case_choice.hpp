// Some of the cases of a suite, by name.
#pragma once

#include <string>

namespace peakward {

// Cases that are meant by name; an empty part means all. Probes, which are evidence and nobody's
// result, are always meant.
struct CaseChoice {
    std::string device, backend, precision, operation;
};

}  // namespace peakward
