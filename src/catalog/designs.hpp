// What a processor's instruction sets say of its design. A hypervisor may show the model number of
// another processor; it cannot give a core instructions that the core does not have.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peakward::catalog {

// The first instruction set of `isa` that no processor of `design` ("rocket_lake") has; "" when
// none speaks against it. Designs and instruction sets that are not in designs.cpp speak against
// nothing.
std::string_view foreign_instruction_set(std::string_view design, std::span<const std::string> isa);

}  // namespace peakward::catalog
