#include "native/clock.hpp"

#include <time.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <vector>

#include "native/features.hpp"
#include "native/reference.hpp"

namespace peakward::native {
namespace {

// What an empty interval reads: part of every measured one, and 0.3 % of 10 µs.
double empty_interval_s() {
    double least = 1e-6;
    for (int i = 0; i < 200; ++i) {
        const double start = monotonic_s();
        least = std::min(least, monotonic_s() - start);
    }
    return least;
}

double seconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// As doubles: x -> -0.7 x + 2.5 settles near 1.47. As integers: odd, so that products do not become
// 0.
constexpr double chain_operands[2] = {std::bit_cast<double>(0xbfe6666666666667u), 2.5};
constexpr double chain_start = 1.5;

double chain_step(ChainStep step, double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto operand = std::bit_cast<std::uint64_t>(chain_operands[0]);
    switch (step) {
        case ChainStep::exclusive_or:
            return std::bit_cast<double>(bits ^ operand);
        case ChainStep::add:
            return std::bit_cast<double>(bits + operand);
        case ChainStep::multiply:
            return std::bit_cast<double>(bits * operand);
        default:
            return std::fma(x, chain_operands[0], chain_operands[1]);
    }
}

double error_of(const ChainKernel& chain) {
    constexpr std::int64_t turns = 3;
    double got = chain_start, want = chain_start;
    chain.execute(chain_operands, &got, turns);
    for (std::int64_t i = 0; i < turns * chain.steps_per_turn; ++i)
        want = chain_step(chain.step, want);
    // Integers are compared as bits: their patterns may be no numbers.
    if (chain.step != ChainStep::fma)
        return std::bit_cast<std::uint64_t>(got) == std::bit_cast<std::uint64_t>(want) ? 0 : 1;
    return std::fabs(got - want) / std::fabs(want);
}

// Chains that run right behind each other see one clock and agree within 1 %; beyond this the clock
// moves too much, or the latency is not what a chain measures.
constexpr double whole_tolerance = 0.05;

double deviation(const Latency& latency) {
    return std::fabs(latency.ratio - latency.cycles) / latency.cycles;
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

constexpr double probe_s = 10e-6;
constexpr int calibration_rounds = 41;
// A hyperthread neighbour delays a one-cycle chain more than a long one, and the ratios come out
// too small by up to a tenth. It comes and goes: a few milliseconds later a batch is undisturbed.
constexpr int calibration_batches = 10;
constexpr double agreement = 0.015;
// A neighbour on the core bends the ratios by 7 % and more, for as long as it runs: one who stays
// for some hundred milliseconds is outwaited.
constexpr double patience_s = 0.5;
// Turns of a calibration chunk: some 10 µs at 3 GHz for each chain (64 steps of 1, 32 of 3 or 4).
constexpr std::int64_t unit_turns = 512, chain_turns = 256;

}  // namespace

double monotonic_s() { return seconds_of(CLOCK_MONOTONIC); }
double thread_cpu_s() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

Latency judge_latency(double ratio) {
    Latency latency;
    latency.ratio = ratio;
    latency.cycles = std::max(1, static_cast<int>(std::lround(std::min(ratio, 1e6))));
    latency.whole = std::fabs(ratio - latency.cycles) <= whole_tolerance * latency.cycles;
    return latency;
}

ClockProbe::ClockProbe(std::string_view clock_class, std::function<void(double)> warm)
    : chain_(find_chain(clock_class)),
      unit_(find_chain("scalar")),
      factor_(find_chain("scalar_multiply")),
      warm_(std::move(warm)) {
    assert(chain_ != nullptr);
}

void ClockProbe::warm(double seconds) const {
    if (warm_) warm_(seconds);
}

double ClockProbe::seconds_per_step(const ChainKernel& chain, std::int64_t turns) {
    double value = chain_start;
    const double start = monotonic_s();
    chain.execute(chain_operands, &value, turns);
    const double elapsed = monotonic_s() - start - reading_s_;
    return elapsed / static_cast<double>(turns * chain.steps_per_turn);
}

void ClockProbe::calibrate() {
    reading_s_ = empty_interval_s();
    warm(2e-3);
    double best = std::numeric_limits<double>::infinity();
    const double patience_end = monotonic_s() + patience_s;
    for (int batch = 0; best > agreement; ++batch) {
        const bool usable = best <= whole_tolerance;
        if (batch >= calibration_batches && (usable || monotonic_s() > patience_end)) break;
        const Calibration found = calibration_batch();
        const double off = std::max(deviation(found.latency), deviation(found.multiply));
        if (off >= best) continue;
        best = off;
        latency_ = found.latency;
        multiply_ = found.multiply;
        hz_ = latency_.cycles / found.step_s;
    }
}

// Medians over rounds of the ratios within a round: the clock may move between rounds (a licence
// granted late), and a preempted chain spoils one round only.
ClockProbe::Calibration ClockProbe::calibration_batch() {
    std::vector<double> factors, ratios, steps;
    for (int round = 0; round < calibration_rounds; ++round) {
        warm(30e-6);
        const double unit = seconds_per_step(*unit_, unit_turns);
        const double step = seconds_per_step(*chain_, chain_turns);
        const double factor = seconds_per_step(*factor_, chain_turns);
        factors.push_back(factor / unit);
        ratios.push_back(step / unit);
        steps.push_back(step);
    }
    return {judge_latency(median(ratios)), judge_latency(median(factors)), median(steps)};
}

double ClockProbe::error() const {
    return std::max({error_of(*unit_), error_of(*factor_), error_of(*chain_), deviation(latency_),
                     deviation(multiply_)});
}

double ClockProbe::probe() {
    assert(hz_ > 0);
    const double cycles_per_turn = static_cast<double>(chain_->steps_per_turn) * latency_.cycles;
    const auto turns = std::max<std::int64_t>(1, std::llround(probe_s * hz_ / cycles_per_turn));
    double best = 0;
    // A clock that really fell is believed after three readings, and is then the one to compare
    // with.
    for (int attempt = 0; attempt < 3; ++attempt) {
        best = std::max(best, latency_.cycles / seconds_per_step(*chain_, turns));
        if (best >= 0.985 * hz_) break;
    }
    hz_ = best;
    return best;
}

double ClockProbe::run_cycles(double cycles) {
    const double cycles_per_turn = static_cast<double>(chain_->steps_per_turn) * latency_.cycles;
    const auto turns = std::max<std::int64_t>(1, std::llround(cycles / cycles_per_turn));
    double value = chain_start;
    chain_->execute(chain_operands, &value, turns);
    return static_cast<double>(turns) * cycles_per_turn;
}

std::string ClockProbe::describe() const {
    char text[200];
    std::snprintf(text, sizeof text, "%s chain, latency %d (%.2f x %s); %s %d (%.2f)",
                  std::string(chain_->text).c_str(), latency_.cycles, latency_.ratio,
                  std::string(unit_->text).c_str(), std::string(factor_->text).c_str(),
                  multiply_.cycles, multiply_.ratio);
    std::string all = text;
    if (doubtful()) all += "; doubtful: a ratio is not near a whole number";
    return all;
}

std::function<void(double)> warming_function(std::string_view clock_class) {
    const PeakKernel* kernel = warming_kernel(clock_class);
    if (kernel == nullptr || !why_not_runnable(kernel->isa, kernel->precision).empty()) return {};
    struct Work {
        PeakData data;
        AlignedBytes result;
    };
    auto work = std::make_shared<Work>(Work{make_peak_data(*kernel, 1), make_result(*kernel)});
    return [kernel, work](double seconds) {
        const double end = monotonic_s() + seconds;
        do {  // 64 turns: a few microseconds
            kernel->execute(work->data.operands.data(), work->data.start.data(),
                            work->result.data(), 64);
        } while (monotonic_s() < end);
    };
}

}  // namespace peakward::native
