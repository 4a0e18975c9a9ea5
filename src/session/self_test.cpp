// The self-test plants what must never pass unseen, with the real workers on the real machine.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "core/text.hpp"
#include "score/score.hpp"
#include "session/internal.hpp"
#include "session/session.hpp"

namespace peakward {
namespace {

// One busy loop pinned to each CPU, for as long as it lives.
class Hog {
public:
    explicit Hog(const std::vector<int>& cpus) {
        for (const int cpu : cpus) threads_.emplace_back([this, cpu] { spin(cpu); });
    }
    ~Hog() {
        stop_ = true;
        for (std::thread& thread : threads_) thread.join();
    }
    Hog(const Hog&) = delete;
    Hog& operator=(const Hog&) = delete;

private:
    void spin(int cpu) {
        // Of its own size: a `cpu_set_t` ends at 1024.
        const auto bits = static_cast<std::size_t>(cpu) + 1;
        const std::size_t bytes = CPU_ALLOC_SIZE(bits);
        cpu_set_t* set = CPU_ALLOC(bits);
        CPU_ZERO_S(bytes, set);
        CPU_SET_S(static_cast<std::size_t>(cpu), bytes, set);
        ::pthread_setaffinity_np(::pthread_self(), bytes, set);
        CPU_FREE(set);
        while (!stop_.load(std::memory_order_relaxed)) {
        }
    }
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

struct Bench {
    const Machine& machine;
    const Context& context;
    MeasureOptions options;
    std::vector<WorkerCommand> workers;
    Observer& observer;
    const StopToken& stop;
};

// The native kernels of one precision, with `plant` in the worker's environment.
Result<std::vector<Measurement>> run_kernels(const Bench& bench, const char* plant) {
    auto workers = bench.workers;
    if (*plant != '\0')
        for (WorkerCommand& worker : workers)
            worker.environment.emplace_back("PEAKWARD_PLANT", plant);
    auto result = measure(bench.options, workers, bench.context, bench.machine.root,
                          bench.machine.launcher, bench.machine.clock, bench.observer, bench.stop);
    if (!result) return tl::make_unexpected(result.error());
    if (result->interrupted) return failed("interrupted: the self-test did not finish");
    std::vector<Measurement> kernels;
    for (Measurement& m : result->measurements)
        if (m.what.operation == "compute_peak") kernels.push_back(std::move(m));
    if (kernels.empty()) return failed("the native worker has no compute kernel for the self-test");
    return kernels;
}

double largest_gap(const std::vector<Measurement>& calm, const std::vector<Measurement>& other) {
    double gap = 0;
    for (const Measurement& a : calm)
        for (const Measurement& b : other)
            if (a.what == b.what && b.outcome == Outcome::measured && a.gops && b.gops)
                gap = std::max(gap, std::abs(*b.gops / *a.gops - 1));
    return gap;
}

int count(const std::vector<Measurement>& all, Outcome outcome) {
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const auto& m) { return m.outcome == outcome; }));
}

// Either the truth comes out all the same, or the case is contended and has no score.
PlantedFault judge_hog(const Bench& bench, const std::vector<Measurement>& calm,
                       const std::vector<Measurement>& hogged) {
    PlantedFault fault{"hog", "a busy loop on every CPU",
                       "disturbed samples are dropped; every peak is within 1 % of its calm value, "
                       "or contended and not scored",
                       "", false};
    int dropped = 0;
    for (const Measurement& m : hogged) dropped += m.statistics.dropped_preempted;
    const double gap = largest_gap(calm, hogged);
    bool scored_contended = false;
    for (const Score& s : score(bench.context, hogged, {}))
        if (count(hogged, Outcome::measured) == 0 && s.peak_measured_gops) scored_contended = true;
    fault.seen =
        fmt::format("{} samples dropped, {} measured (largest gap {:.2f} %), {} contended", dropped,
                    count(hogged, Outcome::measured), gap * 100, count(hogged, Outcome::contended));
    const int judged = count(hogged, Outcome::measured) + count(hogged, Outcome::contended);
    fault.caught = dropped > 0 && gap <= 0.01 && !scored_contended &&
                   judged == static_cast<int>(hogged.size());
    return fault;
}

PlantedFault judge_throttle(const std::vector<Measurement>& calm,
                            const std::vector<Measurement>& throttled) {
    PlantedFault fault{
        "throttle", "a third of the blocks at 0.8 of the clock",
        "throttled samples are dropped and flagged; every peak is within 1 % of its calm value", "",
        false};
    int dropped = 0, flagged = 0;
    for (const Measurement& m : throttled) {
        dropped += m.statistics.dropped_throttled;
        flagged += std::find(m.flags.begin(), m.flags.end(), "throttled") != m.flags.end() ? 1 : 0;
    }
    const double gap = largest_gap(calm, throttled);
    fault.seen = fmt::format("{} samples dropped, {} of {} kernels flagged, largest gap {:.2f} %",
                             dropped, flagged, throttled.size(), gap * 100);
    fault.caught = dropped > 0 && flagged == static_cast<int>(throttled.size()) && gap <= 0.01;
    return fault;
}

PlantedFault judge_wrong_answer(const Bench& bench, const std::vector<Measurement>& wrong) {
    PlantedFault fault{"wrong answer", "one corrupted result before the check",
                       "outcome invalid, and no score", "", false};
    const auto scores = score(bench.context, wrong, {});
    const bool scored = std::any_of(scores.begin(), scores.end(), [](const Score& s) {
        return s.peak_measured_gops.has_value();
    });
    fault.seen = fmt::format("{} of {} kernels invalid, {}", count(wrong, Outcome::invalid),
                             wrong.size(), scored ? "scored" : "none scored");
    fault.caught = count(wrong, Outcome::invalid) == static_cast<int>(wrong.size()) && !scored;
    return fault;
}

// The clock of the probes is halved, so the peak is half of what the machine does.
PlantedFault judge_wrong_peak(const Bench& bench, std::vector<Measurement> calm) {
    PlantedFault fault{"wrong peak",
                       "the best kernel's share of the evidence replaced by half its rate",
                       "the row is flagged above_theoretical and the peak doubtful", "", false};
    std::vector<Measurement> evidence;
    for (Measurement m : calm) {
        Measurement honest = m;
        honest.what.operation = "gemm";  // the same rate, judged against a peak from bad evidence
        honest.what.backend = "planted";
        honest.clock_hz = 0;
        evidence.push_back(std::move(honest));
        if (m.gops) *m.gops /= 2;
        evidence.push_back(std::move(m));
    }
    int flagged = 0, rows = 0;
    for (const Score& s : score(bench.context, evidence, {})) {
        if (s.backend != "planted" || !s.peak_measured_gops) continue;
        ++rows;
        const bool marked =
            std::find(s.flags.begin(), s.flags.end(), "above_theoretical") != s.flags.end();
        if (marked && s.theoretical_peak.doubtful) ++flagged;
    }
    fault.seen = fmt::format("{} of {} rows flagged", flagged, rows);
    fault.caught = rows > 0 && flagged == rows;
    return fault;
}

}  // namespace

Result<std::vector<PlantedFault>> self_test(const Machine& machine, const CalibrateRequest& request,
                                            Observer& observer, const StopToken& stop) {
    CalibrateRequest kernels = request;
    kernels.suite = "quick";
    kernels.backends = {"native"};
    kernels.operations = {"compute_peak"};
    kernels.layers = {"micro"};
    kernels.devices = {"cpu"};
    if (kernels.precisions.empty()) kernels.precisions = {"fp64"};
    auto options = measure_options(kernels, request.seed.value_or(random_seed()));
    if (!options) return tl::make_unexpected(options.error());
    observer.stage_started("detect");
    const Context context = read_context(machine, {request.python, request.blas_library});
    const Bench bench{machine, context, *options, workers_for(kernels), observer, stop};

    std::vector<PlantedFault> faults;
    observer.stage_started("calm");
    const auto calm = run_kernels(bench, "");
    if (!calm) return tl::make_unexpected(calm.error());

    observer.stage_started("hog");
    Result<std::vector<Measurement>> hogged = failed("not run");
    {
        const Hog hog(context.environment.cpus_allowed);
        hogged = run_kernels(bench, "");
    }
    if (!hogged) return tl::make_unexpected(hogged.error());
    faults.push_back(judge_hog(bench, *calm, *hogged));

    observer.stage_started("throttle");
    const auto throttled = run_kernels(bench, "throttle");
    if (!throttled) return tl::make_unexpected(throttled.error());
    faults.push_back(judge_throttle(*calm, *throttled));

    observer.stage_started("wrong answer");
    const auto wrong = run_kernels(bench, "wrong_answer");
    if (!wrong) return tl::make_unexpected(wrong.error());
    faults.push_back(judge_wrong_answer(bench, *wrong));

    observer.stage_started("wrong peak");
    faults.push_back(judge_wrong_peak(bench, *calm));
    observer.finished();
    return faults;
}

}  // namespace peakward
