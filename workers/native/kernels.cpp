#include "native/kernels.hpp"

#include <algorithm>

#include "native/features.hpp"
#include "native/stream_kernels.hpp"

namespace peakward::native {

extern const ChainKernel chain_scalar, chain_scalar_multiply;
#if defined(__x86_64__)
extern const ChainKernel chain_avx2, chain_avx512, chain_amx;
#else
extern const ChainKernel chain_neon, chain_sve;
#endif

namespace {

template <typename T>
void append(std::vector<T>& all, List<T> more) {
    all.insert(all.end(), more.first, more.first + more.count);
}

std::vector<PeakKernel> list_peaks() {
    std::vector<PeakKernel> all;
    append(all, scalar_peaks());
#if defined(__x86_64__)
    append(all, avx2_peaks());
    append(all, avx512_peaks());
    append(all, amx_peaks());
#else
    append(all, neon_peaks());
    append(all, sve_peaks());
    const int segments = std::max(1, sve_vector_bytes() / 16);
    for (PeakKernel& kernel : all) {
        if (!kernel.isa.starts_with("sve")) continue;
        kernel.register_bytes *= segments;
        kernel.operations_per_instruction *= segments;
    }
#endif
    return all;
}

// Narrow to wide: the widest that runs here is chosen.
std::vector<StreamKernel> list_streams() {
    std::vector<StreamKernel> all;
#if defined(__x86_64__)
    append(all, sse2_fp64_streams());
    append(all, sse2_fp32_streams());
    append(all, avx2_fp64_streams());
    append(all, avx2_fp32_streams());
    append(all, avx512_fp64_streams());
    append(all, avx512_fp32_streams());
#else
    append(all, neon_fp64_streams());
    append(all, neon_fp32_streams());
    append(all, sve_fp64_streams());
    append(all, sve_fp32_streams());
#endif
    return all;
}

#if defined(__x86_64__)
const ChainKernel* const chains[] = {&chain_scalar, &chain_scalar_multiply, &chain_avx2,
                                     &chain_avx512, &chain_amx};
#else
const ChainKernel* const chains[] = {&chain_scalar, &chain_scalar_multiply, &chain_neon,
                                     &chain_sve};
#endif

void add_once(std::vector<std::string_view>& words, std::string_view word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

}  // namespace

const std::vector<PeakKernel>& peak_kernels() {
    static const std::vector<PeakKernel> all = list_peaks();
    return all;
}

const std::vector<StreamKernel>& stream_kernels() {
    static const std::vector<StreamKernel> all = list_streams();
    return all;
}

const PeakKernel* find_peak(std::string_view isa, std::string_view precision) {
    for (const PeakKernel& kernel : peak_kernels())
        if (kernel.isa == isa && kernel.precision == precision) return &kernel;
    return nullptr;
}

const ChainKernel* find_chain(std::string_view isa) {
    for (const ChainKernel* kernel : chains)
        if (kernel->isa == isa) return kernel;
    return nullptr;
}

const StreamKernel* widest_stream(std::string_view operation, std::string_view precision,
                                  std::string_view store) {
    const StreamKernel* widest = nullptr;
    for (const StreamKernel& kernel : stream_kernels()) {
        if (kernel.operation != operation || kernel.precision != precision || kernel.store != store)
            continue;
        // 128-bit SVE has nothing over NEON's paired stores.
        if (kernel.isa == "sve" && sve_vector_bytes() <= 16) continue;
        if (kernel.isa == "sse2" || why_not_runnable(kernel.isa, precision).empty())
            widest = &kernel;
    }
    return widest;
}

std::string_view clock_class(std::string_view isa) {
    if (isa == "avx_vnni") return "avx2";
    for (std::string_view wide : {"avx512", "neon", "sve"})
        if (isa.starts_with(wide)) return wide;
    return isa;
}

const PeakKernel* warming_kernel(std::string_view isa) {
    return find_peak(isa, isa == "amx" ? "bf16" : "fp64");
}

std::vector<std::string_view> isa_words() {
    std::vector<std::string_view> words;
    for (const PeakKernel& kernel : peak_kernels()) add_once(words, kernel.isa);
    return words;
}

std::vector<std::string_view> clock_classes() {
    std::vector<std::string_view> words;
    for (const PeakKernel& kernel : peak_kernels()) add_once(words, clock_class(kernel.isa));
    return words;
}

}  // namespace peakward::native
