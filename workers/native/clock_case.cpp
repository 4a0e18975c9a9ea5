// clock_probe: how fast a core runs in the licence state of an ISA class.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "native/cases.hpp"
#include "native/clock.hpp"
#include "native/features.hpp"
#include "native/pool.hpp"

namespace peakward::native {
namespace {

// A core leaves a heavy licence some 0.67 ms after the last heavy instruction (Skylake-SP): chain
// blocks stay well below that, and throughput work comes before each.
constexpr double licensed_block_s = 0.3e-3, warming_s = 0.1e-3;

class ClockCase : public PreparedCase {
public:
    ClockCase(const worker::PrepareRequest& request, std::string isa, Plant plant)
        : isa_(std::move(isa)),
          plant_(plant),
          tolerance_(request.tolerance),
          pool_(request.threads, request.cpus),
          cores_(static_cast<std::size_t>(request.threads)) {
        pool_.run([&](int thread) {
            auto core = std::make_unique<Core>(
                isa_, isa_ == "scalar" ? std::function<void(double)>{} : warming_function(isa_));
            core->probe.calibrate();
            core->error = core->probe.error();
            cores_[static_cast<std::size_t>(thread)] = std::move(core);
        });
        if (plant_ == Plant::wrong_answer) cores_.front()->error += 1;
    }

    worker::Prepared prepared() const override {
        worker::Prepared prepared;
        const Core& first = *cores_.front();
        prepared.implementation = first.probe.describe();
        if (const std::string note = pool_.pinning_note(); !note.empty())
            prepared.implementation += "; " + note;
        prepared.iteration_s = iteration_cycles / first.probe.hz();
        for (const auto& core : cores_) prepared.error = std::max(prepared.error, core->error);
        prepared.correct = prepared.error <= tolerance_;
        return prepared;
    }

    std::vector<worker::RunSample> run(const worker::RunRequest& request) override {
        const double slice_s = isa_ == "scalar" ? slice_seconds(request) : licensed_block_s;
        for (auto& core : cores_) core->blocks = 0;
        return run_freely(pool_, request,
                          [&](int thread, bool /*counted*/) { return block(thread, slice_s); });
    }

private:
    struct Core {
        Core(std::string_view isa, std::function<void(double)> warm)
            : probe(isa, std::move(warm)) {}
        ClockProbe probe;
        double error = 0;
        std::int64_t blocks = 0;
    };

    worker::RunSample block(int thread, double slice_s) {
        Core& core = *cores_[static_cast<std::size_t>(thread)];
        const bool planted = plant_ == Plant::throttle && core.blocks++ % 3 == 2;
        core.probe.warm(warming_s);
        worker::BlockTimer timer;
        timer.start();
        const double start = monotonic_s();
        const double cycles = core.probe.run_cycles(slice_s * core.probe.hz());
        if (planted) {  // as if the core had run at 0.8 of its clock
            const double now = monotonic_s();
            const double end = now + 0.25 * (now - start);
            while (monotonic_s() < end) {
            }
        }
        worker::RunSample sample = timer.stop(cycles / iteration_cycles, thread);
        sample.clock_hz = cycles / (1e-9 * static_cast<double>(sample.wall_ns));
        return sample;
    }

    std::string isa_;
    Plant plant_;
    double tolerance_;
    Pool pool_;
    std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace

std::string why_not_clock(std::string_view precision, const Json& shape) {
    const std::string isa = isa_of(shape);
    if (precision != "fp64") return "a clock probe is listed under fp64 only";
    std::string known;
    for (std::string_view word : clock_classes()) {
        if (word == isa) return why_not_runnable(isa, isa == "amx" ? "bf16" : "fp64");
        known += (known.empty() ? "" : ", ") + std::string(word);
    }
    return "no clock class '" + isa + "' on this architecture; known: " + known;
}

std::unique_ptr<PreparedCase> prepare_clock(const worker::PrepareRequest& request, Plant plant) {
    if (const std::string reason = why_not_clock(request.precision, request.shape); !reason.empty())
        throw std::runtime_error(reason);
    const std::string isa = isa_of(request.shape);
    acquire(isa);
    return std::make_unique<ClockCase>(request, isa, plant);
}

}  // namespace peakward::native
