// All targets in one program, so that it is linked once: peakward_fuzz --target=NAME, with the
// options and files of libFuzzer behind it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/libfuzzer/mutate_json.hpp"
#include "fuzz/targets.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size, std::size_t max);

namespace {

const peakward::fuzz::Target* chosen = nullptr;

const peakward::fuzz::Target* find_target(std::string_view name) {
    for (const auto& target : peakward::fuzz::targets())
        if (target.name == name) return &target;
    return nullptr;
}

}  // namespace

// libFuzzer leaves options alone that begin with two dashes.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
    constexpr std::string_view option = "--target=";
    for (int i = 1; i < *count; ++i)
        if (const std::string_view argument = (*arguments)[i]; argument.starts_with(option))
            chosen = find_target(argument.substr(option.size()));
    if (chosen != nullptr) return 0;
    std::fputs("peakward_fuzz: name a target with --target=NAME, one of:", stderr);
    for (const auto& target : peakward::fuzz::targets()) std::fprintf(stderr, " %s", target.name);
    std::fputs("\n", stderr);
    std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string broken =
        chosen->broken(std::string_view(reinterpret_cast<const char*>(bytes), size));
    if (broken.empty()) return 0;
    std::fprintf(stderr, "broken: %s\n", broken.c_str());
    std::abort();
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size,
                                               std::size_t max, unsigned seed) {
    const bool json = chosen->form == peakward::fuzz::Form::json;
    const std::size_t changed =
        json && seed % 4 != 0 ? peakward::fuzz::mutate_json(bytes, size, max, seed) : 0;
    return changed != 0 ? changed : LLVMFuzzerMutate(bytes, size, max);
}
