// A network of the catalog as files that every runtime can run: the same nodes, the same weights,
// one input and the answer that our own interpreter gives.
//
//   model.onnx     for ONNX Runtime; the weights stand in weights.bin beside it (external data)
//   graph.json     the same nodes for PyTorch, and where each weight stands in weights.bin
//   weights.bin    fp32, little-endian
//   input.bin      fp32, the whole batch
//   output.bin     fp32, the answer to the first image or sequence of input.bin
//   manifest.json  bytes and SHA-256 of each of them
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace peakward {

struct NetworkFiles {
    std::string folder;    // the one with model.onnx, what a worker's `prepare` gets as "network"
    bool written = false;  // false: good files were there
    std::int64_t total_bytes = 0;  // of all files
};

// The files of a network of the catalog at a batch size, in CACHE/networks/NAME-bBATCH-HASH. HASH
// is of the graph, the seeds and the format, so that another definition never meets older files.
// Good files that are there are used; damaged ones (by their checksums) are written again. Files
// appear all at once or not at all, and several processes may ask at the same time.
// ResNet-50 takes some seconds the first time and some tenths afterwards. An error is one sentence:
// an unknown network, a batch below 1, a folder that cannot be written, a build without ONNX.
Result<NetworkFiles> materialise(const std::string& network, std::int64_t batch,
                                 const std::string& cache_folder);

// $XDG_CACHE_HOME/peakward, else ~/.cache/peakward; "" when neither variable is set.
std::string usual_cache_folder();

// Whether this build can write networks at all (libonnx was there).
bool networks_can_be_written();

}  // namespace peakward
