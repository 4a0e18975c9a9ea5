// Vocabulary of the cases: operations, their axes as src/catalog/operations has them, what of a
// shape makes sense, and how much memory it takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/worker_protocol.hpp"

namespace peakward::worker::onednn {

const std::vector<std::string>& operation_names();
const std::vector<std::string>& precision_names();

// Precisions that oneDNN is asked for; of the others the catalog has no case.
bool takes_integers(const std::string& operation);

// Why this shape cannot be run, "" when it can.
std::string refuses_shape(const std::string& operation, const std::string& precision,
                          const Json& shape);

// A number of a shape that refuses_shape() has let pass.
std::int64_t axis_of(const Json& shape, const char* name);

// A convolution with all that follows from its shape. Absent: stride 1, pad 0, groups 1.
struct Convolution {
    explicit Convolution(const Json& shape);
    std::int64_t n, c, h, w, k, r, s, stride, pad, groups;
    std::int64_t rows, columns;  // of the result; below 1 where the filter is larger than the image
    std::int64_t terms;          // products that one result sums up
};

// A pooling, likewise.
struct Pooling {
    explicit Pooling(const Json& shape);
    std::int64_t n, c, h, w, window, stride;
    bool average;
    std::int64_t rows, columns;
};

}  // namespace peakward::worker::onednn
