// The kernels of the native worker, as data: every ISA file offers a few, and the lists below hold
// them all. A kernel is a function of plain memory, so that its answer can be checked anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peakward::native {

// Work of one iteration of compute_peak (operations) and of clock_probe (core cycles): divisible by
// the operations of one turn of every kernel with a power-of-two vector length.
inline constexpr double iteration_operations = 3.0 * 1048576.0;
inline constexpr double iteration_cycles = 3.0 * 1048576.0;

// How an accumulator moves in one turn; reference.cpp does the same in scalar code. The four
// operand registers o0..o3 are used by two steps. The affine ones contract towards a cycle of two
// values far from zero and overflow; the accumulating ones are built to drift by a few units a
// turn, which is exact.
enum class Recurrence {
    affine,          // x = fma(x, o0, o1); x = fma(x, o2, o3)
    affine_unfused,  // the same with two roundings: multiply, then add
    self_affine,     // x = fma(x, o0, x); x = fma(o2, o3, x): for ISAs that only accumulate
    dot,             // x += dot(o0, o1); x += dot(o2, o3) over the group of elements of each lane
    matrix_segment,  // each 128-bit segment: 2x2 tile, x += A B^T twice (smmla, bfmmla)
    matrix_tile,     // 16x16 tile, x += A B once (AMX): operands are o0 = A, o1 = B only
};

// Operand elements as they lie in memory. uint8_int8: the left factor is unsigned (vpdpbusd).
enum class Element { fp64, fp32, fp16, bf16, int8, uint8_int8 };

// One block: loads all accumulators from `start`, takes `turns` turns, stores them to `result`.
using PeakFunction = void (*)(const void* operands, const void* start, void* result,
                              std::int64_t turns);

struct PeakKernel {
    std::string_view isa, precision;
    std::string_view text;  // "vfmadd213pd zmm"
    Recurrence recurrence = Recurrence::affine;
    Element element = Element::fp64;
    int register_bytes = 0;  // of one accumulator and of one operand
    int chains = 0;          // independent accumulators
    int instructions_per_turn = 0;
    int operations_per_instruction = 0;  // a multiply-add is 2
    PeakFunction execute = nullptr;

    std::int64_t operations_per_turn() const {
        return std::int64_t{instructions_per_turn} * operations_per_instruction;
    }
    int operand_count() const { return recurrence == Recurrence::matrix_tile ? 2 : 4; }
};

// A serial chain: every step waits for the one before. `operands` are two doubles, `value` is the
// chain's start and becomes its end.
using ChainFunction = void (*)(const double* operands, double* value, std::int64_t turns);

enum class ChainStep { exclusive_or, add, multiply, fma };

struct ChainKernel {
    std::string_view isa;
    ChainStep step = ChainStep::fma;  // x ^ o0, x + o0, x * o0 as 64-bit integers; fma(x, o0, o1)
    std::string_view text;            // "vfmadd213pd zmm"
    int steps_per_turn = 0;
    ChainFunction execute = nullptr;
};

// A burst of instructions that do nothing: it goes as fast as the core issues them.
inline constexpr std::int64_t burst_instructions = 124;  // of a turn
void issue_burst(std::int64_t turns);

// One thread's share of a pass: destination = left, s*left, left+right or left+s*right. All
// pointers are 64-byte aligned; any number of elements. Non-temporal kernels end with a store
// fence.
using StreamFunction = void (*)(void* destination, const void* left, const void* right,
                                double scalar, std::int64_t elements);

struct StreamKernel {
    std::string_view isa;
    std::string_view operation;  // "stream_triad"
    std::string_view precision;  // "fp64", "fp32"
    std::string_view store;      // "temporal", "nontemporal"
    std::string_view text;       // "avx512 vmovntpd"
    StreamFunction execute = nullptr;
};

// What each ISA file offers; files of another architecture are not built. A List is two words and
// the tables are constexpr, because an ISA file must emit no shared inline code (a vector's
// push_back): the linker could pick that copy, with its instructions, for the baseline.
template <typename T>
struct List {
    const T* first;
    std::size_t count;
};
List<PeakKernel> scalar_peaks();
List<PeakKernel> avx2_peaks();
List<PeakKernel> avx512_peaks();
List<PeakKernel> amx_peaks();
List<PeakKernel> neon_peaks();
List<PeakKernel> sve_peaks();  // for vectors of 128 bits; kernels.cpp scales them

// The explicit lists: everything this build can offer on this architecture, whether or not the CPU
// has it (features.hpp tells), in the order of the table in docs.
const std::vector<PeakKernel>& peak_kernels();
const std::vector<StreamKernel>& stream_kernels();

const PeakKernel* find_peak(std::string_view isa, std::string_view precision);
const ChainKernel* find_chain(std::string_view isa);

// The class whose serial chain and licence state belong to a kernel's ISA: avx512_vnni -> avx512.
std::string_view clock_class(std::string_view isa);
// The throughput kernel that brings a core into the state of a clock class.
const PeakKernel* warming_kernel(std::string_view clock_class);

// ISA words this architecture has kernels for, and the clock classes, each once, in list order.
std::vector<std::string_view> isa_words();
std::vector<std::string_view> clock_classes();

}  // namespace peakward::native
