// What a worker says, checked field by field: a reply either is what docs/worker-protocol.md
// promises, or it is a protocol error in one sentence. Nothing of a reply is believed unchecked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward {

// Which device of the machine a worker means by "cuda:0": an environment variable may hide GPUs and
// renumber the others. What the worker does not tell is "".
struct DeviceId {
    std::string pci_address;  // "0000:01:00.0"
    std::string uuid;         // "GPU-8f0a…", as the driver writes it
    friend bool operator==(const DeviceId&, const DeviceId&) = default;
};

struct Hello {
    std::string backend;
    std::map<std::string, std::string> versions;
    std::vector<std::string> devices, precisions, operations;
    std::vector<std::string> isa;    // classes its kernels can run here; empty for libraries
    std::vector<std::string> notes;  // what it cannot use here, one sentence each
    std::map<std::string, DeviceId> device_ids;  // by the name in `devices`, where it tells
};

struct SupportReply {
    bool supported = false;
    std::string reason;  // when it is not
    // What the case becomes when it is not: a worker that could not be asked refuses nothing.
    Outcome otherwise = Outcome::unsupported;
    // It could run, and the worker says why it is not worth its time: the case is skipped.
    bool not_measured = false;
};

struct PrepareReply {
    std::string device;          // where the output lives
    std::string implementation;  // what will run
    double error = 0;            // largest deviation from the reference; infinite when not a number
    bool correct = false;
    double iteration_s = 0;                                 // rough time of one iteration
    std::optional<double> clock_nominal_hz = std::nullopt;  // what the device is rated at
};

// What a device said of itself after a run, where it does.
struct DeviceCondition {
    std::optional<double> temperature_c, power_w;
    bool has_impossible_reading = false;  // since the case was prepared; what was so is left out
};

// What a reply says beside its own fields: an object, our id, and whether it worked.
struct ReplyHead {
    bool ok = false;
    std::string error;  // the worker's own sentence when not ok
};
Result<ReplyHead> parse_head(const Json& reply, std::int64_t id);
Result<Hello> parse_hello(const Json& reply);
Result<SupportReply> parse_supports(const Json& reply);
Result<PrepareReply> parse_prepare(const Json& reply);
// Samples of threads 0 .. threads-1.
Result<std::vector<Sample>> parse_run(const Json& reply, int threads);
Result<DeviceCondition> parse_condition(const Json& run_reply);

// The start of a line for a sentence: printable, at most 80 characters.
std::string excerpt(std::string_view line);

}  // namespace peakward
