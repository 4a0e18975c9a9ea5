#include "native/sharing.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>
#include <string>

#include "native/clock.hpp"
#include "native/features.hpp"
#include "native/kernels.hpp"

namespace peakward::native {
namespace {

constexpr std::int64_t unit_turns = 96, burst_turns = 192;  // 2 µs each at 3 GHz
constexpr double clear_share = 0.95;
// Every core with AVX2 issues at least four instructions a cycle; loop ends cost a little.
constexpr double wide_x86_rate = 3.8;
constexpr double sensible_rate_max = 20;

struct Times {
    double unit_s, slot_s;  // of one chain step, of one instruction of a burst
};

double unit_step_s() {
    static const ChainKernel* unit = find_chain("scalar");
    const double operands[2] = {1.0, 1.0};
    double value = 1.5;
    const double start = monotonic_s();
    unit->execute(operands, &value, unit_turns);
    return (monotonic_s() - start) / static_cast<double>(unit_turns * unit->steps_per_turn);
}

double slot_s() {
    const double start = monotonic_s();
    issue_burst(burst_turns);
    return (monotonic_s() - start) / static_cast<double>(burst_turns * burst_instructions);
}

// Twice each: the first burst behind a context switch finds cold caches, and a preempted chain
// would make the core look wider than it is.
Times measure() {
    const Times first{unit_step_s(), slot_s()};
    const Times second{unit_step_s(), slot_s()};
    return {std::min(first.unit_s, second.unit_s), std::min(first.slot_s, second.slot_s)};
}

}  // namespace

double unshared_rate(double known, std::vector<double> rates) {
    if (rates.empty()) return known;
    const auto ninth = rates.begin() + static_cast<std::ptrdiff_t>((rates.size() - 1) * 9 / 10);
    std::nth_element(rates.begin(), ninth, rates.end());
    return std::max(known, *ninth);
}

void mark_shared(worker::RunSample& sample, double before, double after, double unshared) {
    if (!(unshared > 0)) return;
    const double share = std::min(before, after) / unshared;
    if (share >= clear_share) return;
    sample.wait_ns =
        static_cast<std::int64_t>((1 - std::max(0.0, share)) * static_cast<double>(sample.wall_ns));
}

void SharingProbe::calibrate() {
    if (!enabled_) return;
    Times least{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    for (int round = 0; round < 200; ++round) {
        const Times times = measure();
        least.unit_s = std::min(least.unit_s, times.unit_s);
        least.slot_s = std::min(least.slot_s, times.slot_s);
    }
    unshared_ = least.unit_s / least.slot_s;
#if defined(__x86_64__)
    if (why_not_runnable("avx2", "fp64").empty()) unshared_ = std::max(unshared_, wide_x86_rate);
#endif
    if (!(unshared_ < sensible_rate_max)) enabled_ = false;  // an emulator
}

double SharingProbe::read() const {
    if (!enabled_) return 0;
    const Times times = measure();
    return times.unit_s / times.slot_s;
}

void SharingProbe::begin() {
    readings_.clear();
    readings_.push_back(read());
}

void SharingProbe::after_block() { readings_.push_back(read()); }

void SharingProbe::mark(std::vector<worker::RunSample>& samples, int thread) {
    if (!enabled_) return;
    unshared_ = std::min(sensible_rate_max, unshared_rate(unshared_, readings_));
    std::size_t at = 0;
    for (worker::RunSample& sample : samples) {
        if (sample.thread != thread || at + 1 >= readings_.size()) continue;
        mark_shared(sample, readings_[at], readings_[at + 1], unshared_);
        ++at;
    }
}

bool cores_are_separate(const std::vector<int>& cpus, int threads) {
    if (cpus.size() != static_cast<std::size_t>(threads)) return false;
    std::set<std::string> cores;
    for (const int cpu : cpus) {
        std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                           "/topology/thread_siblings_list");
        std::string siblings;
        if (!std::getline(file, siblings)) siblings = "cpu " + std::to_string(cpu);
        if (!cores.insert(siblings).second) return false;
    }
    return true;
}

}  // namespace peakward::native
