#include "measure/run_case.hpp"

#include <algorithm>
#include <cmath>

#include "catalog/catalog.hpp"
#include "catalog/isa.hpp"
#include "core/text.hpp"
#include "measure/plausible.hpp"
#include "measure/pressure.hpp"
#include "measure/statistics.hpp"

namespace peakward {
namespace {

// The first batch is just longer than the least kept time of the stopping rule: a calm kernel needs
// no second one. Later ones are longer, and short enough for Ctrl-C.
constexpr double first_batch_s = 0.06;
constexpr double batch_s = 0.1;
constexpr double slice_s = 0.001;
// Under load a thread has its CPU for a few milliseconds at a time, and several threads rarely have
// theirs together. Short slices use more of such a time share, and threads that are woken together
// after a pause run together for a while: with 15 busy processes on 2 CPUs, 100 ms batches of 1 ms
// slices kept 0.6 ms a second, 20 ms batches of 0.3 ms slices with pauses 13.4 ms (Linux 6.18, 250
// Hz). METHODS 1.1 asks for slices of 0.3 to 2 ms.
constexpr double contended_batch_s = 0.02;
constexpr double contended_slice_s = 0.0003;
// Where threads need no common window, each takes what it gets: still shorter slices, and no pause.
// At a CPU share of 20 % 67 % of 1.2 ms slices of one thread were clean, 97 % of 0.1 ms.
constexpr double contended_apart_slice_s = 0.0001;
// Without one clean window for this long there will be none: the case must not cost its full time.
constexpr double hopeless_s = 1;
constexpr double contended_pause_s = 0.02;
constexpr double preempted_share_contended = 0.3;
// How long to let a throttled core rest, doubling.
constexpr double rest_first_s = 0.05;
constexpr double rest_max_s = 0.4;
// Fewest probed windows of a case from which other cases are judged.
constexpr int steady_windows_min = 10;
// Flags.
// The worker told a clock, a temperature or a power that no device has; it was left out.
constexpr const char* impossible_reading = "impossible_reading";
constexpr double many_dropped_share = 0.5;
constexpr double throttled_share = 0.1;
constexpr double core_shared_share = 0.1;
constexpr double power_capped_share = 0.5;
// Threads whose windows were dropped more often than this did not run together.
constexpr double apart_share = 0.1;

double seconds_between(Nanoseconds from, Nanoseconds to) { return Seconds(to - from).count(); }

int count_of(std::span<const Window> windows, Verdict verdict) {
    return static_cast<int>(
        std::count_if(windows.begin(), windows.end(),
                      [verdict](const Window& window) { return window.verdict == verdict; }));
}

// What one worker process gave: a timeline for each thread where the threads need no common window
// (METHODS 1.1), else one for all.
struct ProcessResult {
    Timelines timelines;
    std::vector<std::size_t> batch_begin;  // of the newest batch, in each timeline
    std::vector<Window> windows;           // of the timelines together
    Exit exit = Exit::none;
    double elapsed_s = 0;
    double time_to_stable_s = 0;
    double steady_hz = 0;
    CoreShare core_share;

    void add(const Timelines& batch) {
        timelines.resize(std::max(timelines.size(), batch.size()));
        batch_begin.clear();
        for (const std::vector<Window>& timeline : timelines)
            batch_begin.push_back(timeline.size());
        for (std::size_t i = 0; i < batch.size(); ++i)
            timelines[i].insert(timelines[i].end(), batch[i].begin(), batch[i].end());
    }

    std::vector<Window> all_windows() const {
        std::vector<Window> all;
        for (const std::vector<Window>& timeline : timelines)
            all.insert(all.end(), timeline.begin(), timeline.end());
        return all;
    }

    std::vector<Window> newest_batch() const {
        std::vector<Window> batch;
        for (std::size_t i = 0; i < timelines.size(); ++i)
            batch.insert(batch.end(),
                         timelines[i].begin() + static_cast<std::ptrdiff_t>(batch_begin[i]),
                         timelines[i].end());
        return batch;
    }
};

// The worker's threads share nothing but the clock.
bool is_register_kernel(catalog::OperationClass kind) {
    return kind == catalog::OperationClass::compute_peak || kind == catalog::OperationClass::probe;
}

class CaseRun {
public:
    CaseRun(const Case& what, const CaseOptions& options, const CaseTools& tools)
        : options_(options), tools_(tools), operation_(catalog::find_operation(what.operation)) {
        measurement_.what = what;
    }

    std::optional<Measurement> run() {
        const PressureReading before = read_pressure(tools_.root, tools_.clock);
        const bool finished = run_processes();
        if (interrupted_) return std::nullopt;
        const PressureReading after = read_pressure(tools_.root, tools_.clock);
        measurement_.steal_percent = steal_percent(before, after);
        measurement_.psi_cpu_some_percent = psi_cpu_some_percent(before, after);
        if (finished) conclude();
        reject_impossible_figures();
        return std::move(measurement_);
    }

private:
    const Case& what() const { return measurement_.what; }
    bool on_cpu() const { return what().device == "cpu"; }

    bool run_processes() {
        for (int i = 0; i < std::max(1, options_.processes); ++i) {
            if (options_.processes > 1) tools_.pool.retire(what().backend);
            auto worker = tools_.pool.get(what().backend, what().threads);
            if (!worker) return give_up(worker.error());
            if (!prepare(**worker)) return false;
            auto result = sample(**worker);
            if (!result) return false;
            processes_.push_back(std::move(*result));
            if (!measure_energy_in(**worker)) return false;
            // A worker that cannot release is not asked again; the numbers stand.
            if (!(*worker)->release()) tools_.pool.retire(what().backend);
        }
        return true;
    }

    // Once a case, while its network is still prepared. False when the user interrupted.
    bool measure_energy_in(WorkerHost& worker) {
        if (!options_.energy || measurement_.energy) return true;
        if (fell_back_) {
            measurement_.energy.emplace().reason =
                "the work fell back to another device than the one whose counter is read";
            return true;
        }
        measurement_.energy = measure_energy(*options_.energy, worker, what(), iteration_s_,
                                             tools_.clock, tools_.stop, options_.energy_until);
        interrupted_ = !measurement_.energy;
        return !interrupted_;
    }

    bool give_up(const WorkerFault& fault) {
        interrupted_ = fault.interrupted;
        return give_up(fault.outcome, fault.reason);
    }
    bool give_up(Outcome outcome, std::string reason) {
        measurement_.outcome = outcome;
        measurement_.reason = std::move(reason);
        return false;
    }

    bool prepare(WorkerHost& worker) {
        const double tolerance = operation_->tolerance(what());
        auto prepared =
            worker.prepare(what(), {options_.seed, tolerance, options_.cpus, options_.network});
        if (!prepared) return give_up(prepared.error());
        measurement_.implementation = prepared->implementation;
        measurement_.device_used = prepared->device;
        measurement_.tolerance = tolerance;
        if (std::isfinite(prepared->error)) measurement_.error = prepared->error;
        iteration_s_ = prepared->iteration_s;
        measurement_.clock_nominal_hz = prepared->clock_nominal_hz;
        if (prepared->device != what().device) {
            if (!fall_back_to(prepared->device)) {
                worker.release();
                return false;
            }
        }
        if (!prepared->correct || prepared->error > tolerance) {
            worker.release();
            return give_up(Outcome::invalid,
                           fmt::format("wrong answer: it deviates by {:.3g} from the reference "
                                       "({}), more than the tolerance of {:.3g}",
                                       prepared->error, operation_->reference, tolerance));
        }
        return true;
    }

    // The row stands under the device that worked, where that was allowed.
    bool fall_back_to(const std::string& device) {
        if (measurement_.flags.empty()) measurement_.flags.emplace_back("device_fallback");
        const std::string where =
            fmt::format("asked for {}, the output lives on {}", what().device, excerpt(device));
        if (options_.allow_fallback) {
            fell_back_ = true;
            if (measurement_.reason.empty()) measurement_.reason = where;
            measurement_.what.device = device;
            return true;
        }
        return give_up(Outcome::failed, "device fallback: " + where);
    }

    std::optional<ProcessResult> sample(WorkerHost& worker) {
        ProcessResult result;
        StoppingRule rule(options_.stopping);
        const Nanoseconds started = tools_.clock.monotonic();
        double busy_s = 0, rest_s = rest_first_s;
        RunOrder order{1, std::min(first_batch_s, options_.stopping.seconds_max), slice_s,
                       std::max(iteration_s_, slice_s)};
        while (true) {
            if (tools_.stop.stop_requested()) {
                interrupted_ = true;
                return std::nullopt;
            }
            auto samples = worker.run(what(), order);
            if (!samples) {
                give_up(samples.error());
                return std::nullopt;
            }
            note_condition(worker.condition());
            busy_s += span_s(*samples);
            take_batch(*samples, result);
            // Time goes by for a worker's samples even where the injected clock stands still.
            result.elapsed_s = std::max(busy_s, seconds_between(started, tools_.clock.monotonic()));
            result.exit = rule.check(kept_seconds(result.windows), kept_wall_s(result.windows),
                                     result.elapsed_s);
            if (result.exit == Exit::none && is_hopeless(result)) result.exit = Exit::budget;
            if (result.exit != Exit::none) break;
            const std::vector<Window> last = result.newest_batch();
            if (plan_next(order, last)) pause(contended_pause_s, result.elapsed_s);
            if (is_throttled(last)) {
                pause(rest_s, result.elapsed_s);
                rest_s = std::min(2 * rest_s, rest_max_s);
            }
        }
        if (result.exit != Exit::budget) result.time_to_stable_s = result.elapsed_s;
        return result;
    }

    // A batch through the gate, and what all windows so far say of the clock and of the core.
    void take_batch(std::span<const Sample> samples, ProcessResult& result) {
        if (is_register_kernel(operation_->kind))
            result.add(gate_apart(samples, what().threads, options_.gate));
        else
            result.add({gate(samples, what().threads, options_.gate)});
        result.steady_hz = steady_hz(result.all_windows());
        for (std::vector<Window>& timeline : result.timelines)
            mark_throttled(timeline, result.steady_hz, options_.gate);
        if (operation_->kind == catalog::OperationClass::compute_peak)
            result.core_share = mark_core_shared(result.timelines, what(), options_.core_share);
        result.windows = join_threads(result.timelines);
    }

    // Long calls that waited a little still give a bounded figure, and a throttled core recovers.
    static bool is_hopeless(const ProcessResult& result) {
        return result.elapsed_s >= hopeless_s &&
               std::none_of(result.windows.begin(), result.windows.end(), [](const Window& window) {
                   return window.verdict == Verdict::kept || window.verdict == Verdict::throttled ||
                          (window.waited_ns >= 0 && disturbance(window) <= disturbed_width_max);
               });
    }

    // A figure that no device can have, or that cannot be stored, costs the case and not the run.
    void reject_impossible_figures() {
        std::string why = why_impossible_figures(measurement_);
        if (why.empty()) return;
        Measurement rejected;
        rejected.what = what();
        rejected.reason = std::move(why);
        rejected.implementation = measurement_.implementation;
        rejected.device_used = measurement_.device_used;
        measurement_ = std::move(rejected);
    }

    void note_condition(const DeviceCondition& condition) {
        auto& flags = measurement_.flags;
        if (condition.has_impossible_reading &&
            std::find(flags.begin(), flags.end(), impossible_reading) == flags.end())
            flags.emplace_back(impossible_reading);
        const auto raise = [](std::optional<double>& most, const std::optional<double>& now) {
            if (now && (!most || *now > *most)) most = now;
        };
        raise(measurement_.temperature_c, condition.temperature_c);
        raise(measurement_.power_w, condition.power_w);
    }

    // The run's steady clock; a handful of windows is no evidence for later cases.
    double steady_hz(std::span<const Window> windows) {
        if (!on_cpu()) return usual_clock_hz(windows);
        const auto probed = std::count_if(windows.begin(), windows.end(), [](const Window& window) {
            return window.clock_hz > 0 && window.verdict != Verdict::preempted &&
                   window.verdict != Verdict::settling;
        });
        const double own_hz = steady_clock_hz(windows);
        if (probed >= steady_windows_min) return tools_.steady.update(what(), own_hz);
        return std::max(own_hz, tools_.steady.update(what(), 0));
    }

    static double span_s(std::span<const Sample> samples) {
        std::int64_t first = samples.front().start_ns, last = 0;
        for (const Sample& sample : samples) {
            first = std::min(first, sample.start_ns);
            last = std::max(last, sample.start_ns + sample.wall_ns);
        }
        return static_cast<double>(last - first) * 1e-9;
    }

    // True when a pause before the next batch would help. A neighbour on the core, and a hypervisor
    // that takes the CPU for some microseconds, spoil fewer of the shorter slices, too.
    bool plan_next(RunOrder& order, std::span<const Window> last) const {
        const int dropped = count_of(last, Verdict::preempted) + count_of(last, Verdict::settling) +
                            count_of(last, Verdict::core_shared);
        const bool contended =
            last.empty() || dropped > preempted_share_contended * static_cast<double>(last.size());
        const bool apart = is_register_kernel(operation_->kind);
        order.min_s = contended && !apart ? contended_batch_s : batch_s;
        if (!contended)
            order.slice_s = slice_s;
        else if (apart && order.slice_s < slice_s)
            order.slice_s = contended_apart_slice_s;
        else
            order.slice_s = contended_slice_s;
        return contended && !apart && what().threads > 1;
    }

    static bool is_throttled(std::span<const Window> last) {
        return count_of(last, Verdict::throttled) > count_of(last, Verdict::kept);
    }

    // No longer than the budget lasts.
    void pause(double pause_s, double elapsed_s) {
        if (elapsed_s + pause_s > options_.stopping.seconds_max) return;
        tools_.clock.sleep_for(std::chrono::duration_cast<Nanoseconds>(Seconds(pause_s)));
    }

    void conclude() {
        std::vector<std::vector<Window>> all;
        double disturbed_low_s = 0;
        for (ProcessResult& process : processes_) {
            if (is_contended(summarize(process.windows), options_.stopping.samples_min))
                if (const auto low =
                        keep_least_disturbed(process.windows, options_.stopping.samples_min))
                    disturbed_low_s = disturbed_low_s > 0 ? std::min(disturbed_low_s, *low) : *low;
            all.push_back(process.windows);
        }
        Statistics& statistics = measurement_.statistics;
        statistics = combine(all);
        if (disturbed_low_s > 0) {
            statistics.ci_low_s = std::min(statistics.ci_low_s, disturbed_low_s);
            measurement_.flags.emplace_back("disturbed");
        }
        for (const ProcessResult& process : processes_) {
            statistics.elapsed_s += process.elapsed_s;
            statistics.time_to_stable_s =
                std::max(statistics.time_to_stable_s, process.time_to_stable_s);
            // The least sure exit speaks for all.
            statistics.exit = std::max(statistics.exit, process.exit);
            append_windows(process.windows);
        }
        if (statistics.exit == Exit::budget) statistics.time_to_stable_s = 0;
        measurement_.clock_hz = kept_clock_hz(measurement_.windows);
        fill_rates();
        judge();
    }

    // Raw windows count their time from the first of the measurement.
    void append_windows(const std::vector<Window>& windows) {
        for (Window window : windows) {
            if (measurement_.windows.empty()) first_start_ns_ = window.start_ns;
            window.start_ns -= first_start_ns_;
            measurement_.windows.push_back(window);
        }
    }

    void fill_rates() {
        const double median_s = measurement_.statistics.median_s;
        if (!(median_s > 0)) return;
        const Seconds median(median_s);
        const Operations work = operation_->operations(what());
        const Bytes moved = operation_->bytes(what());
        const Bytes on_bus = operation_->bus_bytes(what());
        if (work.value() > 0) measurement_.gops = gops(work / median);
        if (moved.value() > 0) measurement_.gbps = gbps(moved / median);
        if (on_bus.value() > 0) measurement_.bus_gbps = gbps(on_bus / median);
        if (!measurement_.gops) return;
        // A GPU has one clock, and the threads of the case only hand it work.
        const double per_thread = *measurement_.gops * 1e9 / (on_cpu() ? what().threads : 1);
        // The operations of a clock probe are cycles: its rate is the clock.
        if (operation_->kind == catalog::OperationClass::probe) measurement_.clock_hz = per_thread;
        if (!(measurement_.clock_hz > 0)) return;
        measurement_.operations_per_cycle = per_thread / measurement_.clock_hz;
        // The rate of what waits for memory does not follow this clock.
        if (measurement_.clock_nominal_hz && operation_->kind == catalog::OperationClass::blas3)
            measurement_.gops_at_nominal_clock =
                *measurement_.gops * *measurement_.clock_nominal_hz / measurement_.clock_hz;
    }

    void judge() {
        const Statistics& s = measurement_.statistics;
        const int dropped = dropped_windows(s);
        const int total = s.kept + dropped;
        measurement_.outcome = Outcome::measured;
        const int samples_min = options_.stopping.samples_min;
        auto& flags = measurement_.flags;
        const bool disturbed = std::find(flags.begin(), flags.end(), "disturbed") != flags.end();
        if (!disturbed && is_contended(s, samples_min)) {
            measurement_.outcome = Outcome::contended;
            measurement_.reason = why_contended(s, total);
        }
        if (what().threads > 1 && is_register_kernel(operation_->kind) &&
            dropped > apart_share * total)
            flags.emplace_back("threads_apart");
        if (dropped > many_dropped_share * total) flags.emplace_back("many_dropped");
        if (s.dropped_throttled > throttled_share * total) flags.emplace_back("throttled");
        if (s.dropped_core_shared > core_shared_share * total) flags.emplace_back("core_shared");
        if (is_power_capped()) flags.emplace_back("power_capped");
        if (is_probe_doubtful()) flags.emplace_back("probe_doubtful");
    }

    // The largest of the three disturbances names the reason.
    std::string why_contended(const Statistics& s, int total) const {
        if (s.dropped_core_shared >= std::max(s.dropped_preempted, s.dropped_throttled))
            return core_shared_reason(s, total);
        if (s.dropped_throttled > s.dropped_preempted) return throttled_reason(s, total);
        return contended_reason(s, total);
    }
    std::string core_shared_reason(const Statistics& s, int total) const {
        const double legal = processes_.back().core_share.legal;
        if (!(legal > 0))
            return fmt::format(
                "kept {} of {} windows, dropped {} in which another hardware thread took a part of "
                "the core (on a rented machine, a stranger's)",
                s.kept, total, s.dropped_core_shared);
        return fmt::format(
            "kept {} of {} windows, dropped {} in which the core did less per cycle than the legal "
            "{:.0f} operations: another hardware thread shares it (on a rented machine, a "
            "stranger's), or the clock probe is wrong",
            s.kept, total, s.dropped_core_shared, legal);
    }
    static std::string contended_reason(const Statistics& s, int total) {
        return fmt::format(
            "kept {} of {} windows, dropped {}: other work took the CPUs; free them or use fewer "
            "threads",
            s.kept, total, total - s.kept);
    }
    std::string throttled_reason(const Statistics& s, int total) const {
        if (!on_cpu())
            return fmt::format(
                "kept {} of {} windows, dropped {} in which {} was slowed by heat or a power "
                "brake, or ran below 97 % of its usual clock of {:.2f} GHz: see to its cooling and "
                "power supply",
                s.kept, total, total - s.kept, what().device, processes_.back().steady_hz * 1e-9);
        return fmt::format(
            "kept {} of {} windows, dropped {} that ran below 97 % of the steady clock of {:.2f} "
            "GHz: the CPU is throttled",
            s.kept, total, total - s.kept, processes_.back().steady_hz * 1e-9);
    }

    bool is_power_capped() const {
        const auto& windows = measurement_.windows;
        const auto capped = std::count_if(windows.begin(), windows.end(), [](const Window& w) {
            return w.verdict == Verdict::kept && w.throttle == Throttle::power_cap;
        });
        return static_cast<double>(capped) >
               power_capped_share * static_cast<double>(measurement_.statistics.kept);
    }

    // METHODS 1.3: at or under the legal maximum, and near a legal value.
    bool is_probe_doubtful() const {
        if (operation_->kind != catalog::OperationClass::compute_peak ||
            measurement_.outcome != Outcome::measured || !measurement_.operations_per_cycle)
            return false;
        const std::string isa = axis_word(what().shape, "isa");
        if (catalog::legal_operations_per_cycle(isa, what().precision).empty()) return false;
        const auto legal =
            catalog::round_to_legal(*measurement_.operations_per_cycle, isa, what().precision);
        return !legal || !legal->agrees;
    }

    const CaseOptions& options_;
    const CaseTools& tools_;
    const catalog::Operation* operation_;
    Measurement measurement_;
    std::vector<ProcessResult> processes_;
    double iteration_s_ = 0;
    std::int64_t first_start_ns_ = 0;
    bool interrupted_ = false;
    bool fell_back_ = false;  // from the device asked for, in this process or one before it
};

}  // namespace

double SteadyClocks::update(const Case& what, double steady_hz) {
    const std::string isa = axis_word(what.shape, "isa");
    const std::string clock_class =
        isa.empty() ? what.precision : std::string(catalog::clock_class(isa));
    const std::string key = fmt::format("{}|{}|{}|{}|{}", what.device, what.backend, what.operation,
                                        clock_class, what.threads);
    double& known = by_class_[key];
    known = std::max(known, steady_hz);
    return known;
}

bool is_contended(const Statistics& statistics, int samples_min) {
    const int dropped = dropped_windows(statistics);
    if (statistics.kept > 0 && dropped == 0) return false;
    if (statistics.kept >= samples_min) return false;
    const bool long_calls = statistics.kept + dropped < samples_min;
    return !(long_calls && statistics.kept >= 3 && statistics.kept >= dropped);
}

std::optional<Measurement> run_case(const Case& what, const CaseOptions& options,
                                    const CaseTools& tools) {
    return CaseRun(what, options, tools).run();
}

}  // namespace peakward
