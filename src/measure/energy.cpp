#include "measure/energy.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "measure/gate.hpp"
#include "measure/stopping.hpp"
#include "measure/worker_host.hpp"

namespace peakward {
namespace {

constexpr Nanoseconds settling = std::chrono::milliseconds(500);
constexpr const char* powercap = "/sys/class/powercap";
// Intel SDM volume 3B, "RAPL Interfaces": the counters move about once a millisecond.
constexpr Nanoseconds rapl_period = std::chrono::milliseconds(1);
// METHODS 1.8: over at least 20 updates, so that the edges weigh 5 % at most. More where that is
// cheap: a reply and a file take a tenth of a millisecond.
constexpr int updates_min = 20;
constexpr double block_s_min = 0.1;
// The smallest number of blocks whose range is a 95 % interval of the median (1 - 2 / 2^6).
constexpr int blocks_wanted = 6;
constexpr int blocks_tried_max = 12;
// The share of a block's runs that the gate must keep. A run that another process disturbed has the
// other's energy in it.
constexpr double kept_share_min = 0.9;

// "intel-rapl:0" and "intel-rapl:0:1", not the constraints' folders or "intel-rapl-mmio:0", which
// is a second way to the same counter.
bool is_zone(const std::string& name) { return name.starts_with("intel-rapl:"); }

ReadResult<std::uint64_t> number_in(const SysRoot& root, const std::string& path) {
    const auto text = root.read(path);
    if (!text) return tl::make_unexpected(text.error());
    const auto value = parse_integer(trim(*text));
    if (!value || *value < 0)
        return tl::make_unexpected(
            ReadFailure{Absence::malformed, path + ": holds no number of microjoules"});
    return static_cast<std::uint64_t>(*value);
}

ReadResult<EnergyReading> read_rapl(const SysRoot& root, Clock& clock) {
    const auto zones = root.list(powercap);
    if (!zones) return tl::make_unexpected(zones.error());
    EnergyReading reading;
    for (const std::string& zone : *zones) {
        if (!is_zone(zone)) continue;
        const std::string folder = fmt::format("{}/{}", powercap, zone);
        const auto name = root.read(folder + "/name");
        if (!name) continue;
        std::string domain = trim(*name);
        // The cores and the graphics unit are parts of the package; "psys" holds it whole.
        const bool memory = domain == "dram";
        if (!memory && !domain.starts_with("package")) continue;
        // Memory stands below its package: intel-rapl:1:0 is dram of package 1.
        if (memory) domain += "-" + split(zone, ':').at(1);
        const auto value = number_in(root, folder + "/energy_uj");
        if (!value) return tl::make_unexpected(value.error());
        const auto range = number_in(root, folder + "/max_energy_range_uj");
        if (!range) return tl::make_unexpected(range.error());
        reading.counters.push_back({domain, *value, *range});
    }
    if (reading.counters.empty())
        return tl::make_unexpected(ReadFailure{
            Absence::missing, fmt::format("{} has no zone of a processor package", powercap)});
    reading.at = clock.monotonic();
    return reading;
}

std::string why_not(const ReadFailure& failure) {
    if (failure.absence != Absence::denied) return failure.reason;
    return failure.reason +
           "; the kernel lets root alone read it: sudo chmod a+r "
           "/sys/class/powercap/intel-rapl:*/energy_uj";
}

Energy unmeasurable(std::string reason) {
    Energy energy;
    energy.reason = std::move(reason);
    return energy;
}

// One stretch between two readings.
struct Stretch {
    double joules = 0;
    double seconds = 0;
};

class EnergyRun {
public:
    EnergyRun(const EnergySource& source, WorkerHost& worker, const Case& what, double iteration_s,
              Clock& clock, const StopToken& stop, std::optional<Nanoseconds> deadline)
        : source_(source),
          worker_(worker),
          what_(what),
          iteration_s_(iteration_s),
          clock_(clock),
          stop_(stop),
          deadline_(deadline),
          block_s_(std::max(block_s_min, Seconds(source.update_period).count() * updates_min)) {}

    std::optional<Energy> run() {
        // Not even begun where the least of it has no room: half an answer is none.
        if (!fits(Seconds(settling).count() + block_s_ + blocks_wanted * longest_block_s()))
            return out_of_time();
        if (!idle()) return unmeasurable(reason_);
        for (int tried = 0; tried < blocks_tried_max; ++tried) {
            if (static_cast<int>(inferences_j_.size()) == blocks_wanted) break;
            if (stop_.stop_requested()) return std::nullopt;
            if (!fits(longest_block_s())) return out_of_time();
            if (!block()) {
                if (interrupted_) return std::nullopt;
                return unmeasurable(reason_);
            }
        }
        const int blocks = static_cast<int>(inferences_j_.size());
        if (blocks < blocks_wanted)
            return unmeasurable(fmt::format("other work took the CPUs in {} of {} blocks",
                                            blocks_tried_max - blocks, blocks_tried_max));
        return conclude();
    }

private:
    // A block is whole runs: the last may begin just before its time is up.
    double longest_block_s() const { return block_s_ + iteration_s_; }
    bool fits(double seconds) const {
        return !deadline_ || Seconds(*deadline_ - clock_.monotonic()).count() >= seconds;
    }
    Energy out_of_time() const {
        return unmeasurable(
            fmt::format("the budget has no room for it: {:.1f} s are left, and {} blocks of {:.1f} "
                        "s and an idle stretch are needed",
                        std::max(0.0, Seconds(*deadline_ - clock_.monotonic()).count()),
                        blocks_wanted - static_cast<int>(inferences_j_.size()), longest_block_s()));
    }

    bool read(EnergyReading& into) {
        auto reading = source_.read();
        if (!reading) {
            reason_ = why_not(reading.error());
            return false;
        }
        into = std::move(*reading);
        return true;
    }

    bool stretch(const EnergyReading& before, Stretch& into) {
        EnergyReading after;
        if (!read(after)) return false;
        const auto joules = joules_between(before, after);
        if (!joules) {
            reason_ = "the energy counters changed while they were read";
            return false;
        }
        into = {*joules, Seconds(after.at - before.at).count()};
        if (into.seconds > 0 && into.joules > 0) return true;
        reason_ = "the energy counter stands still";
        return false;
    }

    bool idle() {
        // Pools of threads spin after their last work: Intel's OpenMP for 0.2 s (KMP_BLOCKTIME).
        clock_.sleep_for(settling);
        EnergyReading before;
        if (!read(before)) return false;
        for (const EnergyCounter& counter : before.counters)
            domain_ += (domain_.empty() ? "" : " + ") + counter.domain;
        clock_.sleep_for(std::chrono::duration_cast<Nanoseconds>(Seconds(block_s_)));
        Stretch idle;
        if (!stretch(before, idle)) return false;
        idle_w_ = idle.joules / idle.seconds;
        return true;
    }

    // False when it cannot go on; a disturbed block only does not count.
    bool block() {
        EnergyReading before;
        if (!read(before)) return false;
        auto samples = worker_.run(what_, {1, block_s_, block_s_ / 100, iteration_s_});
        if (!samples) {
            interrupted_ = samples.error().interrupted;
            reason_ = samples.error().reason;
            return false;
        }
        Stretch whole;
        if (!stretch(before, whole)) return false;
        const std::vector<Window> windows = gate(*samples, what_.threads, GateOptions{});
        // All runs of the stretch took energy, also those at its edges that are no window.
        double iterations = 0;
        for (const Sample& sample : *samples) iterations += sample.iterations;
        const auto kept = std::count_if(windows.begin(), windows.end(), [](const Window& window) {
            return window.verdict == Verdict::kept;
        });
        if (iterations <= 0 ||
            static_cast<double>(kept) < kept_share_min * static_cast<double>(windows.size()))
            return true;
        const auto batch =
            static_cast<double>(std::max<std::int64_t>(1, axis(what_.shape, "batch", 1)));
        inferences_j_.push_back((whole.joules - idle_w_ * whole.seconds) / (iterations * batch));
        return true;
    }

    Energy conclude() const {
        const MedianInterval interval = median_interval(inferences_j_);
        if (interval.low <= 0)
            return unmeasurable(
                fmt::format("running took no more than the {:.1f} W of the idle device", idle_w_));
        Energy energy;
        energy.inference_j = interval.median;
        energy.ci_low_j = interval.low;
        energy.ci_high_j = interval.high;
        energy.idle_w = idle_w_;
        energy.blocks = static_cast<int>(inferences_j_.size());
        energy.domain = domain_;
        return energy;
    }

    const EnergySource& source_;
    WorkerHost& worker_;
    const Case& what_;
    double iteration_s_;
    Clock& clock_;
    const StopToken& stop_;
    std::optional<Nanoseconds> deadline_;
    double block_s_;
    std::string domain_, reason_;
    double idle_w_ = 0;
    std::vector<double> inferences_j_;
    bool interrupted_ = false;
};

}  // namespace

EnergySource rapl_energy(const SysRoot& root, Clock& clock) {
    return {[&root, &clock] { return read_rapl(root, clock); }, rapl_period};
}

std::optional<double> joules_between(const EnergyReading& before, const EnergyReading& after) {
    if (before.counters.size() != after.counters.size()) return std::nullopt;
    double joules = 0;
    for (std::size_t i = 0; i < before.counters.size(); ++i) {
        const EnergyCounter& from = before.counters[i];
        const EnergyCounter& to = after.counters[i];
        if (from.domain != to.domain) return std::nullopt;
        const bool wrapped = to.value_uj < from.value_uj;
        if (wrapped && from.range_uj < from.value_uj) return std::nullopt;
        const std::uint64_t delta_uj =
            wrapped ? from.range_uj - from.value_uj + to.value_uj : to.value_uj - from.value_uj;
        joules += static_cast<double>(delta_uj) * 1e-6;
    }
    return joules;
}

std::optional<Energy> measure_energy(const EnergySource& source, WorkerHost& worker,
                                     const Case& what, double iteration_s, Clock& clock,
                                     const StopToken& stop, std::optional<Nanoseconds> deadline) {
    return EnergyRun(source, worker, what, iteration_s, clock, stop, deadline).run();
}

}  // namespace peakward
