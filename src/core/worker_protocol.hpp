// The words of the worker protocol (docs/worker-protocol.md): the only header of src/ that a C++
// worker may include. One request and one reply per line, each a JSON object.
#pragma once

#include <string_view>

#include "core/json.hpp"

namespace peakward::protocol {

inline constexpr int version = 1;

// Verbs, in the order a worker sees them.
inline constexpr std::string_view hello = "hello";
inline constexpr std::string_view supports = "supports";
inline constexpr std::string_view prepare = "prepare";
inline constexpr std::string_view run = "run";
inline constexpr std::string_view release = "release";
inline constexpr std::string_view shutdown = "shutdown";

// Columns of a run reply, in this order: "samples": [[thread, start_ns, wall_ns, cpu_ns, switches,
// wait_ns, iterations, clock_hz], ...]. -1 (0 for clock_hz): the worker cannot tell. A worker that
// knows what holds its device back has a ninth, `throttle`: 0 nothing, 1 its power limit, 2 heat or
// a brake, 3 a neighbour on the core.
inline constexpr int sample_columns = 8;
inline constexpr int sample_columns_with_throttle = 9;

}  // namespace peakward::protocol
