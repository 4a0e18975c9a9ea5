// What a long-running stage tells while it works. The command line draws a bar or plain lines; a
// test records them. Implementations must not throw and may be called from one thread only.
#pragma once

#include <string>

#include "core/records.hpp"
#include "core/units.hpp"

namespace peakward {

class Observer {
public:
    virtual ~Observer() = default;
    virtual void stage_started(const std::string& what) = 0;  // "detect", "preflight", …
    // Before each case: done of total cases, and the estimated time left.
    virtual void case_started(const Case& what, int done, int total, Seconds left) = 0;
    virtual void case_finished(const Measurement& measurement) = 0;
    virtual void note(const std::string& sentence) = 0;
    virtual void finished() = 0;
};

// Set once by the signal handler of the command line; stages look at it between steps.
class StopToken {
public:
    virtual ~StopToken() = default;
    virtual bool stop_requested() const = 0;
};

}  // namespace peakward
