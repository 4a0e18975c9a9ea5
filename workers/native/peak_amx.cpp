// AMX: 16x16 tiles of 32-bit accumulators. A tile product has a latency of 52 cycles and a
// throughput of 16 (Intel optimization manual, 20.5), so six chains fill the unit; two tiles are
// left for A and B.
#include "native/kernels.hpp"

namespace peakward::native {
namespace {

// Palette 1, all eight tiles 16 rows of 64 bytes (Intel SDM, LDTILECFG).
struct alignas(64) TileConfig {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

// The compiler never puts anything into tile registers by itself, so no clobbers name them.
#define PEAKWARD_AMX_PEAK(NAME, INSTRUCTION)                                                     \
    void NAME(const void* operands, const void* start, void* result, std::int64_t turns) {       \
        static const TileConfig config;                                                          \
        asm volatile(                                                                            \
            "ldtilecfg (%[config])\n"                                                            \
            "tileloadd (%[operands],%[stride],1), %%tmm6\n"                                      \
            "tileloadd 1024(%[operands],%[stride],1), %%tmm7\n"                                  \
            ".irp i,0,1,2,3,4,5\n tileloadd \\i*1024(%[start],%[stride],1), %%tmm\\i\n.endr\n"   \
            ".p2align 6\n"                                                                       \
            "1:\n"                                                                               \
            ".irp i,0,1,2,3,4,5\n " INSTRUCTION                                                  \
            " %%tmm7, %%tmm6, %%tmm\\i\n.endr\n"                                                 \
            "dec %[turns]\n jnz 1b\n"                                                            \
            ".irp i,0,1,2,3,4,5\n tilestored %%tmm\\i, \\i*1024(%[result],%[stride],1)\n.endr\n" \
            "tilerelease\n"                                                                      \
            : [turns] "+r"(turns)                                                                \
            : [config] "r"(&config), [operands] "r"(operands), [start] "r"(start),               \
              [result] "r"(result), [stride] "r"(std::int64_t{64})                               \
            : "memory", "cc");                                                                   \
    }

PEAKWARD_AMX_PEAK(peak_bf16, "tdpbf16ps")
PEAKWARD_AMX_PEAK(peak_int8, "tdpbssd")
PEAKWARD_AMX_PEAK(peak_fp16, "tdpfp16ps")

// Two tiles of bf16 ones: the probe does the work whose clock it reads.
struct alignas(64) Ones {
    std::uint16_t values[2 * 512];
    constexpr Ones() : values() {
        for (std::uint16_t& value : values) value = 0x3f80;
    }
};

// The clock while the tile unit works: a core lowers it for as long as tiles are multiplied, so a
// chain behind the block reads too much (94.9 % of the legal rate was the best against it [seen]).
// A serial chain of one-cycle steps runs among independent tile products, of which six take at
// least 96 cycles; 109 steps a turn keep the chain the longer of the two. An odd number leaves a
// mark.
void chain_among_tiles(const double* operands, double* value, std::int64_t turns) {
    static const TileConfig config;
    static constexpr Ones ones;
    asm volatile(
        "ldtilecfg (%[config])\n"
        "tileloadd (%[ones],%[stride],1), %%tmm6\n"
        "tileloadd 1024(%[ones],%[stride],1), %%tmm7\n"
        ".irp i,0,1,2,3,4,5\n tilezero %%tmm\\i\n.endr\n"
        "mov (%[operands]), %%rcx\n"
        "mov (%[value]), %%rax\n"
        ".p2align 6\n"
        "1:\n"
        ".irp i,0,1,2,3,4,5\n"
        "tdpbf16ps %%tmm7, %%tmm6, %%tmm\\i\n"
        ".rept 18\n xor %%rcx, %%rax\n.endr\n"
        ".endr\n"
        "xor %%rcx, %%rax\n"
        "dec %[turns]\n jnz 1b\n"
        "tilerelease\n"
        "mov %%rax, (%[value])\n"
        : [turns] "+r"(turns)
        : [config] "r"(&config), [ones] "r"(&ones), [operands] "r"(operands), [value] "r"(value),
          [stride] "r"(std::int64_t{64})
        : "memory", "cc", "rax", "rcx");
}

}  // namespace

extern const ChainKernel chain_amx;
constinit const ChainKernel chain_amx{"amx", ChainStep::exclusive_or, "xor r64 among tdpbf16ps",
                                      109, chain_among_tiles};

List<PeakKernel> amx_peaks() {
    constexpr auto tile = Recurrence::matrix_tile;
    static constexpr PeakKernel all[] = {
        {"amx", "bf16", "tdpbf16ps", tile, Element::bf16, 1024, 6, 6, 16384, peak_bf16},
        {"amx", "int8", "tdpbssd", tile, Element::int8, 1024, 6, 6, 32768, peak_int8},
        {"amx", "fp16", "tdpfp16ps", tile, Element::fp16, 1024, 6, 6, 16384, peak_fp16},
    };
    return {all, sizeof all / sizeof all[0]};
}

}  // namespace peakward::native
