// BLAS levels 1 to 3 as every backend offers them. Errors are measured relative to the norms of the
// inputs, |x|.|y| and |A||B|, which bounds a sum of k products by about k roundoffs whatever the
// signs (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1); random signs
// make it grow like sqrt(k), and the factor 16 leaves room for the order of summation.
#include "catalog/operations/operations.hpp"

namespace peakward::catalog {
namespace {

double n_of(const Case& what) { return static_cast<double>(axis(what.shape, "n")); }
double m_of(const Case& what) { return static_cast<double>(axis(what.shape, "m")); }
double k_of(const Case& what) { return static_cast<double>(axis(what.shape, "k")); }

Operation blas(const char* name, int definition_version, const char* title, OperationClass kind) {
    Operation op;
    op.name = name;
    op.definition_version = definition_version;
    op.title = title;
    op.layer = "micro";
    op.kind = kind;
    op.precisions = {"fp64", "fp32"};
    return op;
}

}  // namespace

Operation dot() {
    Operation op = blas("dot", 1, "vector . vector", OperationClass::blas1);
    op.axes = {{"n", "elements of each vector", {}}};
    op.operations = [](const Case& what) { return Operations(2 * n_of(what)); };
    op.bytes = [](const Case& what) { return Bytes(2 * n_of(what) * element_bytes(what)); };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(n_of(what), what); };
    op.reference = "the sum in higher precision";
    return op;
}

Operation axpy() {
    Operation op = blas("axpy", 1, "y = y + s x", OperationClass::blas1);
    op.axes = {{"n", "elements of each vector", {}}};
    op.operations = [](const Case& what) { return Operations(2 * n_of(what)); };
    op.bytes = [](const Case& what) { return Bytes(3 * n_of(what) * element_bytes(what)); };
    op.bus_bytes = op.bytes;  // y is read anyway: nothing more is allocated
    op.tolerance = [](const Case& what) { return sum_tolerance(2, what); };
    op.reference = "every element in higher precision";
    return op;
}

Operation gemv() {
    Operation op = blas("gemv", 1, "matrix x vector, y = A x", OperationClass::blas2);
    op.axes = {{"m", "rows", {}}, {"n", "columns", {}}};
    op.operations = [](const Case& what) { return Operations(2 * m_of(what) * n_of(what)); };
    op.bytes = [](const Case& what) {
        return Bytes((m_of(what) * n_of(what) + m_of(what) + n_of(what)) * element_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(n_of(what), what); };
    op.reference = "every element in higher precision";
    return op;
}

Operation gemm() {
    Operation op = blas("gemm", 1, "matrix x matrix, C = A B", OperationClass::blas3);
    op.axes = {{"m", "rows of A and C", {}},
               {"n", "columns of B and C", {}},
               {"k", "columns of A, rows of B", {}}};
    // Integers: sums and result in int32. tf32 and emulated formats stand under their own names.
    op.precisions = {"fp64",     "fp32",     "tf32",  "fp16",  "bf16",
                     "fp8_e4m3", "fp8_e5m2", "int32", "int16", "int8"};
    op.operations = [](const Case& what) {
        return Operations(2 * m_of(what) * n_of(what) * k_of(what));
    };
    op.bytes = [](const Case& what) {
        const double m = m_of(what), n = n_of(what), k = k_of(what);
        return Bytes((m * k + k * n) * element_bytes(what) + m * n * result_bytes(what));
    };
    op.bus_bytes = op.bytes;
    op.tolerance = [](const Case& what) { return sum_tolerance(k_of(what), what); };
    op.reference = "C x against A (B x) for random x in higher precision, and sampled elements";
    return op;
}

}  // namespace peakward::catalog
