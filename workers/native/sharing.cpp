#include "native/sharing.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "native/clock.hpp"
#include "native/features.hpp"
#include "native/kernels.hpp"

namespace peakward::native {
namespace {

constexpr std::int64_t probe_turns = 96, burst_turns = 192;  // 2 µs each at 3 GHz
constexpr double clear_share = 0.95;
// Most readings of a usable probe agree within that share.
constexpr double steady_share_min = 0.6;
constexpr int proof_readings = 200;
constexpr std::size_t agreeing_min = 20;
constexpr double agreeing_share_min = 0.3;
constexpr std::size_t readings_kept_max = 4096;  // of a case
// Marked samples this close to the rate of the others were not slowed.
constexpr double slowed_share = 0.99;
constexpr std::size_t compared_min = 8;
// Every core with AVX2 issues at least four instructions a cycle; loop ends cost a little.
constexpr double wide_x86_rate = 3.8;
constexpr double sensible_rate_max = 20;

struct Times {
    double unit_s, slot_s;  // of one chain step, of one instruction of a burst
    double rate() const { return unit_s / slot_s; }
};

double unit_step_s() {
    static const ChainKernel* unit = find_chain("scalar");
    const double operands[2] = {1.0, 1.0};
    double value = 1.5;
    const double start = monotonic_s();
    unit->execute(operands, &value, probe_turns);
    return (monotonic_s() - start) / static_cast<double>(probe_turns * unit->steps_per_turn);
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

double quantile(std::vector<double> values, double share) {
    const auto at = values.begin() +
                    static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

double least_unshared_rate() {
#if defined(__x86_64__)
    if (why_not_runnable("avx2", "fp64").empty()) return wide_x86_rate;
#endif
    return 0;
}

// The samples that the readings beside them mark, as indices.
std::vector<std::size_t> below_unshared(const std::vector<std::size_t>& own,
                                        const std::vector<double>& readings, double unshared) {
    std::vector<std::size_t> marked;
    for (std::size_t i = 0; i < own.size() && i + 1 < readings.size(); ++i)
        if (std::min(readings[i], readings[i + 1]) < clear_share * unshared)
            marked.push_back(own[i]);
    return marked;
}

bool are_slowed(const std::vector<worker::RunSample>& samples, const std::vector<std::size_t>& own,
                const std::vector<std::size_t>& marked) {
    std::vector<double> slow, others;
    for (const std::size_t i : own) {
        const double rate = samples[i].iterations / static_cast<double>(samples[i].wall_ns);
        const bool is_marked = std::binary_search(marked.begin(), marked.end(), i);
        (is_marked ? slow : others).push_back(rate);
    }
    if (slow.size() < compared_min || others.size() < compared_min) return true;
    return quantile(slow, 0.5) < slowed_share * quantile(others, 0.5);
}

}  // namespace

ProbeProof judge_probe(const std::vector<double>& rates, double least_unshared) {
    ProbeProof proof;
    if (rates.empty()) return proof;
    const double upper = quantile(rates, 0.9);
    const auto near = std::count_if(rates.begin(), rates.end(), [&](double rate) {
        return rate >= clear_share * upper && rate <= upper / clear_share;
    });
    proof.steady_share = static_cast<double>(near) / static_cast<double>(rates.size());
    proof.unshared = std::max(upper, least_unshared);
    // Beyond the sensible rate an emulator answers.
    proof.usable = proof.steady_share >= steady_share_min && proof.unshared < sensible_rate_max;
    return proof;
}

const ProbeProof& sharing_proof() {
    static const ProbeProof proof = [] {
        std::vector<double> rates;
        for (int reading = 0; reading < proof_readings; ++reading)
            rates.push_back(measure().rate());
        return judge_probe(rates, least_unshared_rate());
    }();
    return proof;
}

std::string why_no_sharing_probe() {
    const ProbeProof& proof = sharing_proof();
    if (proof.usable) return "";
    return "the probe for a neighbour on the core is off: only " +
           std::to_string(static_cast<int>(100 * proof.steady_share)) +
           " % of its readings agree within 5 % on this CPU, so it cannot tell; the compute "
           "kernels "
           "are judged by their own operations per cycle";
}

double unshared_rate(double known, const std::vector<double>& rates) {
    if (rates.size() < agreeing_min) return known;
    const ProbeProof here = judge_probe(rates, known);
    const bool agree = here.steady_share >= agreeing_share_min && here.unshared < sensible_rate_max;
    return agree ? here.unshared : known;
}

void mark_shared(std::vector<worker::RunSample>& samples, int thread,
                 const std::vector<double>& readings, double unshared) {
    std::vector<std::size_t> own;
    for (std::size_t i = 0; i < samples.size(); ++i)
        if (samples[i].thread == thread) own.push_back(i);
    const std::vector<std::size_t> marked = below_unshared(own, readings, unshared);
    if (!are_slowed(samples, own, marked)) return;
    for (const std::size_t i : marked) samples[i].throttle = worker::Throttle::core_shared;
}

void SharingProbe::begin() {
    readings_.clear();
    after_block();
}

void SharingProbe::after_block() {
    if (enabled_) readings_.push_back(measure().rate());
}

void SharingProbe::mark(std::vector<worker::RunSample>& samples, int thread) {
    if (!enabled_) return;
    const std::size_t room = readings_kept_max - std::min(readings_kept_max, all_readings_.size());
    all_readings_.insert(
        all_readings_.end(), readings_.begin(),
        readings_.begin() + static_cast<std::ptrdiff_t>(std::min(room, readings_.size())));
    mark_shared(samples, thread, readings_, unshared_rate(sharing_proof().unshared, all_readings_));
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
