// A regular expression over the name of a processor, anchored at its start. A match takes time
// linear in the name (ADR 29).
#pragma once

#include <memory>
#include <string>

#include "core/result.hpp"

namespace re2 {
class RE2;
}

namespace peakward {

class NamePattern {
public:
    // Fails with a sentence when it is no regular expression (syntax of RE2) or not anchored by
    // "^".
    static Result<NamePattern> make(const std::string& expression);

    // Names longer than any real one do not match: the expression is never run over them.
    bool matches(const std::string& name) const;

private:
    std::shared_ptr<const re2::RE2> expression_;
};

// Whether a CPU's or GPU's name is one that many products share, as hypervisors and kernels give
// it: "Intel(R) Xeon(R) Processor", "QEMU Virtual CPU version 2.5+", "Neoverse-N1". A product's
// name has a number of its own in it.
bool names_no_product(const std::string& name);

}  // namespace peakward
