#include "catalog/operations/operations.hpp"

namespace peakward::catalog {

Operation clock_probe() {
    Operation op;
    op.name = "clock_probe";
    op.definition_version = 1;
    op.title = "core clock, by a serial chain of known latency";
    op.layer = "micro";
    op.kind = OperationClass::probe;
    op.axes = {{"isa",
                "class of instructions the core runs while it is asked",
                {"scalar", "avx2", "avx512", "amx", "neon", "sve"}}};
    op.precisions = {"fp64"};
    // "Operations" of a probe are core cycles, so that its rate is the clock.
    op.operations = [](const Case&) { return Operations(peak_operations_per_iteration); };
    op.bytes = [](const Case&) { return Bytes(0); };
    op.bus_bytes = [](const Case&) { return Bytes(0); };
    // The latency ratio to the xor chain must be within 5 % of a whole number (METHODS 1.3).
    op.tolerance = [](const Case&) { return 0.05; };
    op.reference = "latency of the class's chain over the one-cycle xor chain is a whole number";
    return op;
}

}  // namespace peakward::catalog
