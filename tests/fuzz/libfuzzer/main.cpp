// One target under libFuzzer: PEAKWARD_FUZZ_TARGET is its name in fuzz/targets.hpp.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string broken = peakward::fuzz::PEAKWARD_FUZZ_TARGET(
        std::string_view(reinterpret_cast<const char*>(bytes), size));
    if (broken.empty()) return 0;
    std::fprintf(stderr, "broken: %s\n", broken.c_str());
    std::abort();
}
