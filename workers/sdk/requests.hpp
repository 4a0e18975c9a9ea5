// From a line of the protocol to the line that answers it. serve() moves the lines; tests call
// this directly.
#pragma once

#include <string>
#include <string_view>

#include "sdk/worker.hpp"

namespace peakward::worker {

// The whole state of the conversation: whether a case is prepared and whether the host said
// goodbye.
class Conversation {
public:
    explicit Conversation(Worker& worker) : worker_(worker) {}

    // The reply to one request, without newline. Never throws: what goes wrong, a garbled request
    // or an exception of the worker, is a reply with "ok": false and one sentence in "error".
    std::string answer(std::string_view line);

    // True after the reply to `shutdown`.
    bool finished() const { return finished_; }

private:
    Json reply_to(const Json& request);
    Json hello(const Json& request);
    Json supports(const Json& request);
    Json prepare(const Json& request);
    Json run(const Json& request);
    Json release();

    Worker& worker_;
    bool prepared_ = false;
    bool finished_ = false;
};

// Answers the lines of descriptor `in` on descriptor `out` until shutdown or the end of `in`.
// Returns 0, or 1 when the host no longer reads.
int serve_descriptors(Worker& worker, int in, int out);

}  // namespace peakward::worker
