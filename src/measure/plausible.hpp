// What a worker says, held against what can be: its times against the host's clock, its readings
// and the figures computed of its samples against what any device can have. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/records.hpp"
#include "core/units.hpp"
#include "measure/worker_messages.hpp"

namespace peakward {

// One `run` request, as the host saw it.
struct BatchFrame {
    int threads = 1;
    double min_s = 0;       // asked for
    double slice_s = 0;     // asked for
    Nanoseconds waited{0};  // from the request to the reply
    std::int64_t after_ns =
        0;  // end of the last block of the batches before, by the worker's clock
};

// Why these blocks cannot have happened while the host waited; "" when they can.
std::string why_impossible(std::span<const Sample> samples, const BatchFrame& frame);

// Seconds in blocks of the thread that has most of them.
double busiest_thread_s(std::span<const Sample> samples);

// Over all batches of a case: why so little time in blocks is no measurement of the time that was
// asked for; "" when it is one, or when too little was asked to tell. Between two blocks a worker
// keeps its books, warms up and probes, and a thread may lose its CPU there: that explains a gap
// now and then and not one after the other.
std::string why_too_little(double in_blocks_s, double asked_s);

// Takes out clocks, temperatures and powers that no device has. True when there were some: the case
// is then flagged `impossible_reading`.
bool drop_impossible_readings(std::vector<Sample>& samples, DeviceCondition& condition);
bool drop_impossible_readings(PrepareReply& prepared);

// Why what was computed of a case can be no figure of a device, or cannot be stored; "" when it
// can.
std::string why_impossible_figures(const Measurement& measurement);

}  // namespace peakward
