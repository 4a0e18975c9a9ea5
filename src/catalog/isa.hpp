// What a core can do per cycle with a class of instructions: the legal values that a probe is
// rounded to (METHODS 1.4). CPUID does not tell how many units a core has; a probe does, and these
// are the only answers that exist.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace peakward::catalog {

// Legal operations per cycle of one core, ascending; a multiply-add counts two. Empty for a pair
// that does not exist. Source per line in isa.cpp.
std::vector<double> legal_operations_per_cycle(std::string_view isa, std::string_view precision);

// The classes that have a kernel of this precision, narrow to wide.
std::vector<std::string_view> isa_classes(std::string_view precision);

// The word for a class among the CPU's instruction sets (core/records.hpp, CpuInfo::isa); "" where
// every CPU has it.
std::string_view cpu_flag_of(std::string_view isa);

// The smallest legal value that a measured rate does not exceed by more than 2 %; none when it is
// above them all: then the probe is wrong. `agrees` says whether the measured rate is within 6 % of
// it.
struct LegalRate {
    double operations_per_cycle = 0;
    bool agrees = false;
};
std::optional<LegalRate> round_to_legal(double measured, std::string_view isa,
                                        std::string_view precision);

// The class whose clock a kernel of this class runs at: "avx512" for avx512_vnni, "neon" for
// neon_dotprod.
std::string_view clock_class(std::string_view isa);

}  // namespace peakward::catalog
