// One case, ready to run: its buffers, the call, the check of the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "blas/library.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker::blas {

class Problem {
public:
    virtual ~Problem() = default;

    // `calls` whole calls, one after the other; an iteration of the case is one call.
    virtual void call(std::int64_t calls) = 0;

    // One call on the inputs as they were made, then the largest relative deviation from the
    // reference (check.hpp). `plant` spoils one element of the answer before it is looked at.
    virtual double check(Random& random, bool plant) = 0;
};

// Vocabulary of the cases: dot {"n"}, axpy {"n"}, gemv {"m","n"}, gemm {"m","n","k"}.
const std::vector<std::string>& operation_names();

// The axes of an operation; empty when it is not one of ours.
std::vector<std::string> axes_of(const std::string& operation);

// Bytes of all buffers of a case whose axes are known to be whole numbers of at least 1; infinity
// rather than an overflow.
double bytes_of(const std::string& operation, const std::string& precision, const Json& shape);

// Allocates (64-byte aligned, first touched by the calling thread, as a user's program does) and
// fills with seeded values in (-1, 1), none of them zero. Matrices are column-major without gaps
// and not transposed; gemv is y = A x, gemm C = A B (alpha 1, beta 0). axpy adds and subtracts the
// same vector in turn, so that y stays bounded however long it runs.
// Throws std::bad_alloc.
std::unique_ptr<Problem> make_problem(const Library& library, const std::string& operation,
                                      const std::string& precision, const Json& shape,
                                      Random& random);

}  // namespace peakward::worker::blas
