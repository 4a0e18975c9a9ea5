// What a long-running stage tells while it works. The command line draws a bar or plain lines; a
// test records them. Implementations must not throw and may be called from one thread only.
#pragma once

#include <csignal>
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
    // The signal that asked to stop.
    virtual int signal_number() const { return SIGINT; }
    // The command line ends a process that does not end by itself soon after a signal, but not
    // between these two calls.
    virtual void begin_must_finish() const {}
    virtual void end_must_finish() const {}
};

// While it lives the process is writing what must not be lost: a measured run.
class MustFinish {
public:
    explicit MustFinish(const StopToken& stop) : stop_(stop) { stop_.begin_must_finish(); }
    ~MustFinish() { stop_.end_must_finish(); }
    MustFinish(const MustFinish&) = delete;
    MustFinish& operator=(const MustFinish&) = delete;

private:
    const StopToken& stop_;
};

}  // namespace peakward
