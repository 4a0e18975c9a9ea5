// compute_peak: the most operations a core can do, from registers alone.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "native/cases.hpp"
#include "native/clock.hpp"
#include "native/features.hpp"
#include "native/pool.hpp"
#include "native/reference.hpp"

namespace peakward::native {
namespace {

// Checked after this many turns as well, when the recurrence has not settled yet.
constexpr std::int64_t few_turns = 5;
// A clock probe costs 10 to 30 µs: every block may have one when that is under a twentieth of it.
constexpr double probed_block_min_s = 0.5e-3;

class PeakCase : public PreparedCase {
public:
    PeakCase(const worker::PrepareRequest& request, const PeakKernel& kernel, Plant plant)
        : kernel_(kernel),
          plant_(plant),
          tolerance_(request.tolerance),
          pool_(request.threads, request.cpus),
          cores_(static_cast<std::size_t>(request.threads)) {
        pool_.run([&](int thread) { prepare_core(thread, request.seed); });
        if (plant_ == Plant::wrong_answer) {
            Core& core = *cores_.front();
            execute(core, few_turns);
            corrupt(kernel_, core.result);
            core.error =
                std::max(core.error, peak_error(kernel_, core.data, core.result, few_turns));
        }
    }

    worker::Prepared prepared() const override {
        worker::Prepared prepared;
        const Core& first = *cores_.front();
        prepared.implementation = std::string(kernel_.isa) + " " + std::string(kernel_.text) +
                                  ", " + std::to_string(kernel_.chains) + " chains; clock by " +
                                  first.probe.describe();
        if (const std::string note = pool_.pinning_note(); !note.empty())
            prepared.implementation += "; " + note;
        for (const auto& core : cores_) {
            prepared.error = std::max(prepared.error, core->error);
            prepared.iteration_s = std::max(prepared.iteration_s,
                                            core->turn_s * iteration_operations /
                                                static_cast<double>(kernel_.operations_per_turn()));
        }
        prepared.correct = prepared.error <= tolerance_;
        return prepared;
    }

    std::vector<worker::RunSample> run(const worker::RunRequest& request) override {
        const double slice_s = slice_seconds(request);
        for (auto& core : cores_) core->blocks = 0;
        auto samples = run_freely(
            pool_, request, [&](int thread, bool /*counted*/) { return block(thread, slice_s); });
        for (const auto& core : cores_) {
            const double error = peak_error(kernel_, core->data, core->result, core->last_turns);
            if (!(error <= tolerance_))
                throw std::runtime_error("the answer of the last timed block of " +
                                         std::string(kernel_.text) + " is wrong by " +
                                         std::to_string(error));
        }
        return samples;
    }

private:
    // One thread's own memory and clock.
    struct Core {
        Core(const PeakKernel& kernel, std::uint64_t seed)
            : data(make_peak_data(kernel, seed)),
              result(make_result(kernel)),
              probe(clock_class(kernel.isa), warming_function(clock_class(kernel.isa))) {}
        PeakData data;
        AlignedBytes result;
        ClockProbe probe;
        double error = 0, turn_s = 0;
        std::int64_t last_turns = 0, blocks = 0;
    };

    void execute(Core& core, std::int64_t turns) const {
        kernel_.execute(core.data.operands.data(), core.data.start.data(), core.result.data(),
                        turns);
    }

    void prepare_core(int thread, std::uint64_t seed) {
        auto made = std::make_unique<Core>(kernel_, seed + static_cast<std::uint64_t>(thread));
        Core& core = *made;
        const auto whole = std::max<std::int64_t>(
            1, std::llround(iteration_operations /
                            static_cast<double>(kernel_.operations_per_turn())));
        for (const std::int64_t turns : {few_turns, whole}) {
            execute(core, turns);
            core.error = std::max(core.error, peak_error(kernel_, core.data, core.result, turns));
        }
        core.probe.calibrate();
        // The least of some tries: one that was preempted is not the least.
        core.turn_s = 1;
        for (int attempt = 0; attempt < 20; ++attempt) {
            const double start = monotonic_s();
            execute(core, whole);
            core.turn_s =
                std::min(core.turn_s, (monotonic_s() - start) / static_cast<double>(whole));
        }
        cores_[static_cast<std::size_t>(thread)] = std::move(made);
    }

    // Whole iterations where one is shorter than a slice.
    std::int64_t turns_for(const Core& core, double slice_s) const {
        const double turns_per_iteration =
            iteration_operations / static_cast<double>(kernel_.operations_per_turn());
        const double iterations = slice_s / (core.turn_s * turns_per_iteration);
        const double turns = iterations >= 1 ? std::round(iterations) * turns_per_iteration
                                             : iterations * turns_per_iteration;
        return std::max<std::int64_t>(1, std::llround(turns));
    }

    worker::RunSample block(int thread, double slice_s) {
        Core& core = *cores_[static_cast<std::size_t>(thread)];
        core.last_turns = turns_for(core, slice_s);
        const bool planted = plant_ == Plant::throttle && core.blocks % 3 == 2;
        worker::BlockTimer timer;
        timer.start();
        const double start = monotonic_s();
        execute(core, core.last_turns);
        if (planted) {  // as if the core had run at 0.8 of its clock
            const double now = monotonic_s();
            const double end = now + 0.25 * (now - start);
            while (monotonic_s() < end) {
            }
        }
        const double operations = static_cast<double>(core.last_turns) *
                                  static_cast<double>(kernel_.operations_per_turn());
        worker::RunSample sample = timer.stop(operations / iteration_operations, thread);
        const auto every = static_cast<std::int64_t>(std::ceil(probed_block_min_s / slice_s));
        if (core.blocks % every == 0 || planted) sample.clock_hz = core.probe.probe();
        if (planted) sample.clock_hz *= 0.8;
        ++core.blocks;
        return sample;
    }

    PeakKernel kernel_;
    Plant plant_;
    double tolerance_;
    Pool pool_;
    std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace

std::string why_not_peak(std::string_view precision, const Json& shape) {
    const std::string isa = isa_of(shape);
    if (find_peak(isa, precision) == nullptr) {
        std::string offered;
        for (const PeakKernel& kernel : peak_kernels())
            if (kernel.isa == isa)
                offered += (offered.empty() ? "" : ", ") + std::string(kernel.precision);
        if (!offered.empty())
            return isa + " has no " + std::string(precision) + " kernel, only " + offered;
        for (std::string_view word : isa_words())
            offered += (offered.empty() ? "" : ", ") + std::string(word);
        return "no kernel for isa '" + isa + "' on this architecture; known: " + offered;
    }
    return why_not_runnable(isa, precision);
}

std::unique_ptr<PreparedCase> prepare_peak(const worker::PrepareRequest& request, Plant plant) {
    if (const std::string reason = why_not_peak(request.precision, request.shape); !reason.empty())
        throw std::runtime_error(reason);
    const std::string isa = isa_of(request.shape);
    acquire(isa);
    return std::make_unique<PeakCase>(request, *find_peak(isa, request.precision), plant);
}

}  // namespace peakward::native
