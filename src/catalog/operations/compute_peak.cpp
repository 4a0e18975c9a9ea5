#include "catalog/operations/operations.hpp"

namespace peakward::catalog {

Operation compute_peak() {
    Operation op;
    op.name = "compute_peak";
    op.definition_version = 1;
    op.title = "multiply-adds in registers, independent chains";
    op.layer = "micro";
    op.kind = OperationClass::compute_peak;
    op.axes = {{"isa",
                "instructions that compute",
                {"scalar", "avx2", "avx_vnni", "avx512", "avx512_fp16", "avx512_bf16",
                 "avx512_vnni", "amx", "neon", "neon_fp16", "neon_dotprod", "neon_i8mm",
                 "neon_bf16", "sve", "sve_i8mm", "sve_bf16"}}};
    op.precisions = {"fp64", "fp32", "fp16", "bf16", "int8"};
    op.operations = [](const Case&) { return Operations(peak_operations_per_iteration); };
    op.bytes = [](const Case&) { return Bytes(0); };
    op.bus_bytes = [](const Case&) { return Bytes(0); };
    // The chain is short enough for the reference to follow it step by step; a fused and an
    // unfused multiply-add differ by a rounding per step, integers must be equal.
    op.tolerance = [](const Case& what) {
        const double u = unit_roundoff(what);
        return u == 0 ? 0.0 : 64 * u;
    };
    op.reference = "the same recurrence, step by step in scalar arithmetic";
    return op;
}

}  // namespace peakward::catalog
