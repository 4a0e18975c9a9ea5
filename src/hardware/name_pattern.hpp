// A regular expression over the name of a processor, anchored at its start.
#pragma once

#include <regex>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace peakward {

class NamePattern {
public:
    // Fails with a sentence when it is no regular expression (ECMAScript) or not anchored by "^".
    static Result<NamePattern> make(const std::string& expression);

    // Names longer than any real one do not match: the expression is never run over them.
    bool matches(const std::string& name) const;

private:
    // What every match begins with, read off the expression: nearly every name of a foreign
    // product is told by comparing a few letters.
    std::string prefix_;
    bool whole_ = false;  // the expression is "^prefix$" and nothing else
    std::regex expression_;
};

// Whether a CPU's or GPU's name is one that many products share, as hypervisors and kernels give
// it: "Intel(R) Xeon(R) Processor", "QEMU Virtual CPU version 2.5+", "Neoverse-N1". A product's
// name has a number of its own in it.
bool names_no_product(const std::string& name);

}  // namespace peakward
