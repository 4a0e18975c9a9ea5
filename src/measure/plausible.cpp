#include "measure/plausible.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/records_json.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// The clocks of worker, host and device may differ a little: a crystal by 100 ppm, an adjusted
// clock by 500, and the host reads its own before the request is written.
constexpr double clock_share = 0.01;
constexpr double clock_slack_ns = 1e6;
// Between two blocks of one thread: a device's own clock may count a block a little longer than the
// host's does (workers/cuda/sampler.cpp).
constexpr double overlap_slack_ns = 1e4;
// CPU time comes in ticks of up to 10 ms where a kernel counts it by its timer (gVisor does).
constexpr double cpu_slack_ns = 2e7;
// The thread that did most did at least this much of one slice in a whole batch.
constexpr double slice_share_min = 0.1;
// Of all the time that was asked for, once that is enough to tell.
constexpr double blocks_share_min = 0.05;
constexpr double asked_s_min = 0.15;

// The highest clock ever reached is 9.1 GHz, under liquid helium; the lowest of a working core is
// some 10 MHz.
constexpr double clock_hz_min = 1e6, clock_hz_max = 2e10;
// Silicon ends at about 125 degrees, and no module draws ten kilowatts.
constexpr double temperature_c_max = 150;
constexpr double power_w_max = 1e4;
// A million TOPS: what import takes for beyond any device, too.
constexpr double rate_max = 1e9;
// An iteration is at least one operation: below a picosecond there is none, and nobody waits for
// one of 11 days.
constexpr double iteration_s_min = 1e-12, iteration_s_max = 1e6;

double ns_of(double seconds) { return seconds * 1e9; }
double with_slack(double ns) { return ns * (1 + clock_share) + clock_slack_ns; }
std::string ms_words(double ns) { return fmt::format("{:.4g} ms", ns * 1e-6); }

struct ThreadTotals {
    double wall_ns = 0, cpu_ns = 0;
    std::int64_t end_ns = 0;
};

// Why a block cannot follow the one before it in its thread; `totals` moves on.
std::string why_not_next(const Sample& sample, double waited_ns, ThreadTotals& totals) {
    const auto wall_ns = static_cast<double>(sample.wall_ns);
    if (wall_ns > with_slack(waited_ns) ||
        sample.start_ns > std::numeric_limits<std::int64_t>::max() - sample.wall_ns)
        return fmt::format("a block of {} in a run that took {}", ms_words(wall_ns),
                           ms_words(waited_ns));
    const auto behind_ns = static_cast<double>(totals.end_ns - sample.start_ns);
    if (behind_ns > clock_share * wall_ns + overlap_slack_ns)
        return fmt::format("a block of thread {} begins {} before the one before it has ended",
                           sample.thread, ms_words(behind_ns));
    totals.end_ns = sample.start_ns + sample.wall_ns;
    totals.wall_ns += wall_ns;
    if (sample.cpu_ns > 0) totals.cpu_ns += static_cast<double>(sample.cpu_ns);
    return "";
}

bool is_clock(double hz) { return hz >= clock_hz_min && hz <= clock_hz_max; }

bool drop_unless(std::optional<double>& reading, bool is_possible) {
    if (!reading || is_possible) return false;
    reading.reset();
    return true;
}

// The name of the first number that JSON cannot hold; "" when there is none.
std::string first_unstorable(const Json& value, const std::string& name) {
    if (value.is_number_float() && !std::isfinite(value.get<double>())) return name;
    if (!value.is_structured()) return "";
    for (const auto& [key, part] : value.items()) {
        std::string inner = first_unstorable(part, name.empty() ? key : name + "." + key);
        if (!inner.empty()) return inner;
    }
    return "";
}

}  // namespace

std::string why_impossible(std::span<const Sample> samples, const BatchFrame& frame) {
    const auto waited_ns = static_cast<double>(frame.waited.count());
    if (with_slack(waited_ns) < ns_of(frame.min_s))
        return fmt::format("it answered after {} where {} were asked for", ms_words(waited_ns),
                           ms_words(ns_of(frame.min_s)));
    std::map<int, ThreadTotals> threads;
    std::int64_t first_ns = std::numeric_limits<std::int64_t>::max(), last_ns = 0;
    for (const Sample& sample : samples) {
        ThreadTotals& totals =
            threads.try_emplace(sample.thread, ThreadTotals{0, 0, frame.after_ns}).first->second;
        if (std::string why = why_not_next(sample, waited_ns, totals); !why.empty()) return why;
        first_ns = std::min(first_ns, sample.start_ns);
        last_ns = std::max(last_ns, totals.end_ns);
    }
    if (samples.empty()) return "";
    const auto span_ns = static_cast<double>(last_ns - first_ns);
    if (span_ns > with_slack(waited_ns))
        return fmt::format("its blocks span {}, and the host waited {}", ms_words(span_ns),
                           ms_words(waited_ns));
    for (const auto& [thread, totals] : threads)
        if (totals.cpu_ns > (1 + clock_share) * totals.wall_ns * frame.threads + cpu_slack_ns)
            return fmt::format("thread {} tells {} of CPU time in {} of wall time on {} threads",
                               thread, ms_words(totals.cpu_ns), ms_words(totals.wall_ns),
                               frame.threads);
    const double in_blocks_s = busiest_thread_s(samples);
    if (in_blocks_s < slice_share_min * std::min(frame.slice_s, frame.min_s))
        return fmt::format("its blocks last {} in all, where slices of {} for {} were asked for",
                           ms_words(ns_of(in_blocks_s)), ms_words(ns_of(frame.slice_s)),
                           ms_words(ns_of(frame.min_s)));
    return "";
}

double busiest_thread_s(std::span<const Sample> samples) {
    std::map<int, double> seconds;
    double most = 0;
    for (const Sample& sample : samples) {
        double& own = seconds[sample.thread];
        own += static_cast<double>(sample.wall_ns) * 1e-9;
        most = std::max(most, own);
    }
    return most;
}

std::string why_too_little(double in_blocks_s, double asked_s) {
    if (asked_s < asked_s_min || in_blocks_s >= blocks_share_min * asked_s) return "";
    return fmt::format("its blocks last {} in all, where {} were asked for",
                       ms_words(ns_of(in_blocks_s)), ms_words(ns_of(asked_s)));
}

bool drop_impossible_readings(std::vector<Sample>& samples, DeviceCondition& condition) {
    bool dropped = drop_unless(condition.temperature_c,
                               condition.temperature_c.value_or(0) <= temperature_c_max);
    dropped |= drop_unless(condition.power_w, condition.power_w.value_or(0) <= power_w_max);
    for (Sample& sample : samples) {
        if (sample.clock_hz == 0 || is_clock(sample.clock_hz)) continue;
        sample.clock_hz = 0;
        dropped = true;
    }
    return dropped;
}

bool drop_impossible_readings(PrepareReply& prepared) {
    return drop_unless(prepared.clock_nominal_hz, is_clock(prepared.clock_nominal_hz.value_or(0)));
}

std::string why_impossible_figures(const Measurement& measurement) {
    const double median_s = measurement.statistics.median_s;
    const bool has_median = measurement.statistics.kept > 0;
    if (has_median && !(median_s >= iteration_s_min && median_s <= iteration_s_max))
        return fmt::format("its samples make {:.3g} s for one iteration, which cannot be",
                           median_s);
    if (measurement.gops && !(*measurement.gops <= rate_max))
        return fmt::format("its samples make {:.3g} GOPS, beyond any device", *measurement.gops);
    for (const auto& rate : {measurement.gbps, measurement.bus_gbps})
        if (rate && !(*rate <= rate_max))
            return fmt::format("its samples make {:.3g} GB/s, beyond any device", *rate);
    const std::string name = first_unstorable(to_json(measurement), "");
    if (name.empty()) return "";
    return fmt::format("its samples give a figure that is not a number: {}", name);
}

}  // namespace peakward
