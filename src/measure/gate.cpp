#include "measure/gate.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "measure/stopping.hpp"

namespace peakward {
namespace {

// A thread that had the CPU for the whole block has not waited for it.
bool is_wait_contradicted(const Sample& sample, const GateOptions& options) {
    if (sample.wait_ns < 0 || sample.cpu_ns < 0) return false;
    const double most = (1 + options.wait_share_max) * static_cast<double>(sample.wall_ns);
    return static_cast<double>(sample.cpu_ns) + static_cast<double>(sample.wait_ns) > most;
}

bool is_clean(const Sample& sample, const GateOptions& options) {
    if (sample.wall_ns <= 0 || !(sample.iterations > 0)) return false;
    const double wall = static_cast<double>(sample.wall_ns);
    if (sample.wait_ns >= 0)
        return static_cast<double>(sample.wait_ns) < options.wait_share_max * wall;
    if (sample.switches > 0) return false;
    return sample.cpu_ns < 0 || static_cast<double>(sample.cpu_ns) >= options.cpu_share_min * wall;
}

std::int64_t end_of(const Sample& sample) { return sample.start_ns + sample.wall_ns; }

struct Slice {
    Sample sample;
    Verdict verdict = Verdict::kept;
};
using Timeline = std::vector<Slice>;  // of one thread, in time order

// Samples of one thread. Time that a hypervisor took (no switch, too little CPU time) spoils its
// slice alone.
Timeline judged(std::vector<Sample> samples, const GateOptions& options) {
    std::stable_sort(samples.begin(), samples.end(),
                     [](const Sample& a, const Sample& b) { return a.start_ns < b.start_ns; });
    Timeline timeline;
    bool after_switch = false;
    for (Sample& sample : samples) {
        if (is_wait_contradicted(sample, options)) sample.wait_ns = -1;
        Verdict verdict = Verdict::kept;
        if (!is_clean(sample, options))
            verdict = Verdict::preempted;
        else if (after_switch && sample.wall_ns <= options.settling_wall_ns_max)
            verdict = Verdict::settling;
        else if (sample.throttle == Throttle::core_shared)
            verdict = Verdict::core_shared;
        else if (sample.throttle == Throttle::slowed)
            verdict = Verdict::throttled;
        after_switch = verdict == Verdict::preempted && sample.switches != 0;
        timeline.push_back({sample, verdict});
    }
    return timeline;
}

Window window_of(const Slice& slice) {
    const Sample& sample = slice.sample;
    return {sample.start_ns, sample.wall_ns,  sample.iterations, sample.clock_hz,
            slice.verdict,   sample.throttle, sample.wait_ns};
}

// The worse of two, as a place in this list: a preempted thread spoils the window, a shared core
// and a settling one delay it, and a slowed device is slow for all.
Verdict worse(Verdict a, Verdict b) {
    for (const Verdict verdict :
         {Verdict::preempted, Verdict::core_shared, Verdict::settling, Verdict::throttled})
        if (a == verdict || b == verdict) return verdict;
    return Verdict::kept;
}

// What one thread did inside a span.
struct Share {
    double iterations = 0;
    double clock_weight_ns = 0;  // of probed slices
    double clock_sum = 0;        // weighted with the time inside the span
    Verdict verdict = Verdict::kept;
};

// `first` moves along with the spans, which come in time order.
Share share_of(const Timeline& timeline, std::size_t& first, std::int64_t start, std::int64_t end,
               const GateOptions& options) {
    while (first < timeline.size() && end_of(timeline[first].sample) <= start) ++first;
    Share share;
    double covered = 0;
    for (std::size_t i = first; i < timeline.size(); ++i) {
        const Sample& sample = timeline[i].sample;
        if (sample.start_ns >= end) break;
        const double inside =
            static_cast<double>(std::min(end, end_of(sample)) - std::max(start, sample.start_ns));
        share.verdict = worse(share.verdict, timeline[i].verdict);
        if (sample.wall_ns <= 0) continue;
        covered += inside;
        share.iterations += sample.iterations * inside / static_cast<double>(sample.wall_ns);
        if (sample.clock_hz > 0) {
            share.clock_weight_ns += inside;
            share.clock_sum += sample.clock_hz * inside;
        }
    }
    const double span = static_cast<double>(end - start);
    if (covered < options.coverage_min * span)
        share.verdict = Verdict::preempted;
    else
        share.iterations *= span / covered;
    return share;
}

std::vector<Window> paired(const std::vector<Timeline>& timelines, const GateOptions& options) {
    std::int64_t common_start = timelines.front().front().sample.start_ns;
    std::int64_t common_end = end_of(timelines.front().back().sample);
    for (const Timeline& timeline : timelines) {
        common_start = std::max(common_start, timeline.front().sample.start_ns);
        common_end = std::min(common_end, end_of(timeline.back().sample));
    }
    std::vector<Window> windows;
    std::vector<std::size_t> first(timelines.size(), 0);
    for (const Slice& slice : timelines.front()) {
        Window window = window_of(slice);
        const std::int64_t end = window.start_ns + window.wall_ns;
        const bool at_edge = window.start_ns < common_start || end > common_end;
        // Threads do not wake at one instant. More than two slices apart is no edge any more:
        // then a thread was kept from running, and the windows without it are counted.
        const std::int64_t apart = std::max(common_start - window.start_ns, end - common_end);
        if (at_edge && apart <= 2 * window.wall_ns) continue;
        double clock_sum = window.clock_hz > 0 ? window.clock_hz : 0;
        int clocks = window.clock_hz > 0 ? 1 : 0;
        for (std::size_t i = 1; i < timelines.size(); ++i) {
            const Share share = share_of(timelines[i], first[i], window.start_ns, end, options);
            window.iterations += share.iterations;
            window.verdict = worse(window.verdict, share.verdict);
            if (share.clock_weight_ns > 0) {
                clock_sum += share.clock_sum / share.clock_weight_ns;
                ++clocks;
            }
        }
        window.clock_hz = clocks > 0 ? clock_sum / clocks : 0;
        windows.push_back(window);
    }
    return windows;
}

std::vector<Timeline> judged_by_thread(std::span<const Sample> samples,
                                       const GateOptions& options) {
    std::map<int, std::vector<Sample>> by_thread;
    for (const Sample& sample : samples) by_thread[sample.thread].push_back(sample);
    std::vector<Timeline> timelines;
    for (auto& [thread, own] : by_thread) timelines.push_back(judged(std::move(own), options));
    return timelines;
}

std::vector<Window> windows_of(const Timeline& timeline) {
    std::vector<Window> windows;
    for (const Slice& slice : timeline) windows.push_back(window_of(slice));
    return windows;
}

std::vector<Window> kept_only(const std::vector<Window>& windows) {
    std::vector<Window> kept;
    std::copy_if(windows.begin(), windows.end(), std::back_inserter(kept),
                 [](const Window& window) { return window.verdict == Verdict::kept; });
    return kept;
}

// What the others did while it lasted, each at the rate of its own i-th kept window.
void add_rates(Window& window, std::size_t i, std::span<const std::vector<Window>> others) {
    double clock_sum = window.clock_hz;
    int clocks = window.clock_hz > 0 ? 1 : 0;
    for (const std::vector<Window>& kept : others) {
        const Window& other = kept[i];
        window.iterations += other.iterations * static_cast<double>(window.wall_ns) /
                             static_cast<double>(other.wall_ns);
        clock_sum += other.clock_hz;
        clocks += other.clock_hz > 0 ? 1 : 0;
    }
    window.clock_hz = clocks > 0 ? clock_sum / clocks : 0;
}

// Clocks of the windows that were kept, or would be but for their clock.
std::vector<double> probed_clocks(std::span<const Window> windows) {
    std::vector<double> clocks;
    for (const Window& window : windows)
        if ((window.verdict == Verdict::kept || window.verdict == Verdict::throttled) &&
            window.clock_hz > 0)
            clocks.push_back(window.clock_hz);
    return clocks;
}

}  // namespace

std::vector<Window> gate(std::span<const Sample> samples, int threads, const GateOptions& options) {
    const std::vector<Timeline> timelines = judged_by_thread(samples, options);
    if (timelines.empty()) return {};
    // One thread that reports for all (a BLAS pool) is told by its run-queue waits.
    if (timelines.size() == 1) return windows_of(timelines.front());
    std::vector<Window> windows = paired(timelines, options);
    if (static_cast<int>(timelines.size()) < threads)
        for (Window& window : windows) window.verdict = Verdict::preempted;
    return windows;
}

Timelines gate_apart(std::span<const Sample> samples, int threads, const GateOptions& options) {
    GateOptions without_settling = options;
    without_settling.settling_wall_ns_max = 0;
    Timelines timelines;
    for (const Timeline& timeline : judged_by_thread(samples, without_settling))
        timelines.push_back(windows_of(timeline));
    if (timelines.size() > 1 && static_cast<int>(timelines.size()) < threads)
        for (std::vector<Window>& timeline : timelines)
            for (Window& window : timeline) window.verdict = Verdict::preempted;
    return timelines;
}

std::vector<Window> join_threads(const Timelines& timelines) {
    if (timelines.empty()) return {};
    if (timelines.size() == 1) return timelines.front();
    Timelines kept;
    for (const std::vector<Window>& timeline : timelines) kept.push_back(kept_only(timeline));
    const auto fewer = [](const auto& a, const auto& b) { return a.size() < b.size(); };
    const auto worst = std::min_element(kept.begin(), kept.end(), fewer) - kept.begin();
    std::swap(kept.front(), kept[static_cast<std::size_t>(worst)]);
    std::vector<Window> joined = timelines[static_cast<std::size_t>(worst)];
    std::size_t i = 0;
    for (Window& window : joined)
        if (window.verdict == Verdict::kept) add_rates(window, i++, std::span(kept).subspan(1));
    return joined;
}

double steady_clock_hz(std::span<const Window> windows) {
    std::vector<double> clocks = probed_clocks(windows);
    if (clocks.empty()) return 0;
    std::sort(clocks.begin(), clocks.end());
    const std::size_t half = clocks.size() / 2;
    return median_interval(std::span(clocks).subspan(half)).median;
}

int mark_throttled(std::span<Window> windows, double steady_hz, const GateOptions& options) {
    int throttled = 0;
    for (Window& window : windows) {
        if (window.verdict != Verdict::kept && window.verdict != Verdict::throttled) continue;
        if (!(window.clock_hz > 0) || !(steady_hz > 0)) continue;
        const bool slow = window.clock_hz < options.clock_share_min * steady_hz ||
                          window.throttle == Throttle::slowed;
        window.verdict = slow ? Verdict::throttled : Verdict::kept;
        throttled += slow ? 1 : 0;
    }
    return throttled;
}

double usual_clock_hz(std::span<const Window> windows) {
    const std::vector<double> clocks = probed_clocks(windows);
    return clocks.empty() ? 0 : median_interval(clocks).median;
}

double mark_throttled(std::span<Window> windows, const GateOptions& options) {
    const double steady_hz = steady_clock_hz(windows);
    mark_throttled(windows, steady_hz, options);
    return steady_hz;
}

}  // namespace peakward
