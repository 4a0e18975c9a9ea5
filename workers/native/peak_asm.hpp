// The frame of every peak kernel, in inline assembly: which registers are used and what is in the
// loop must not depend on the compiler, its version or the build type. Only for the ISA files.
//
// Load four operands and all accumulators, then turn: step one on every accumulator, step two on
// every accumulator. `\\i` in a step is the accumulator's number.
#pragma once

#include <cstdint>

#define PEAKWARD_12 "0,1,2,3,4,5,6,7,8,9,10,11"
#define PEAKWARD_24 PEAKWARD_12 ",12,13,14,15,16,17,18,19,20,21,22,23"

#if defined(__x86_64__)
#define PEAKWARD_REPEAT "dec %[turns]\n jnz 1b\n"
#define PEAKWARD_FLAGS "cc"
#else
#define PEAKWARD_REPEAT "subs %[turns], %[turns], #1\n b.ne 1b\n"
#define PEAKWARD_FLAGS "cc"
#endif

#define PEAKWARD_PEAK(NAME, LIST, OPERANDS, LOAD, STEP_ONE, STEP_TWO, STORE, END, ...)     \
    void NAME(const void* operands, const void* start, void* result, std::int64_t turns) { \
        asm volatile(OPERANDS ".irp i," LIST "\n" LOAD                                     \
                              "\n.endr\n"                                                  \
                              ".p2align 6\n"                                               \
                              "1:\n"                                                       \
                              ".irp i," LIST "\n" STEP_ONE                                 \
                              "\n.endr\n"                                                  \
                              ".irp i," LIST "\n" STEP_TWO "\n.endr\n" PEAKWARD_REPEAT     \
                              ".irp i," LIST "\n" STORE "\n.endr\n" END                    \
                     : [turns] "+r"(turns)                                                 \
                     : [operands] "r"(operands), [start] "r"(start), [result] "r"(result)  \
                     : "memory", PEAKWARD_FLAGS, __VA_ARGS__);                             \
    }
