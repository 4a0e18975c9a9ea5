#include "measure/measure.hpp"

#include <algorithm>

#include "core/records_json.hpp"
#include "core/text.hpp"
#include "measure/cores.hpp"
#include "measure/names.hpp"
#include "measure/plan.hpp"
#include "measure/plateau.hpp"
#include "measure/run_case.hpp"

namespace peakward {
namespace {

using catalog::OperationClass;

constexpr double half_width_peak = 0.005;  // METHODS 1.2
// A size of the sweep has to be known to the 5 % of the plateau rule, not better.
constexpr double sweep_seconds_max = 0.3;
constexpr double sweep_half_width = 0.02;
// So many cases in a row without one clean window: the others would have none either.
constexpr int hopeless_cases_max = 8;
// Before the first case is measured: what one takes on a calm machine.
constexpr double case_seconds_guess = 0.4;

const char* const sweep_operation = "stream_triad";
// Whose kernels and clock probes a peak of the CPU is made of.
const char* const evidence_backend = "native";

class Conductor {
public:
    Conductor(const MeasureOptions& options, const Context& context, const SysRoot& root,
              ProcessLauncher& launcher, Clock& clock, Observer& observer, const StopToken& stop,
              std::vector<WorkerCommand> workers, const std::vector<WorkerCommand>& all)
        : options_(options),
          context_(context),
          root_(root),
          clock_(clock),
          observer_(observer),
          stop_(stop),
          workers_(std::move(workers)),
          all_(all),
          pool_(all_, launcher, clock, stop, options.limits),
          tools_{pool_, root, clock, stop, steady_} {}

    Result<MeasureResult> run(std::vector<int> cpus) {
        cpus_ = std::move(cpus);
        if (auto ok = meet_backends(); !ok) return tl::make_unexpected(ok.error());
        if (result_.interrupted) return finish();
        if (auto ok = check_devices(options_, result_.backends); !ok)
            return tl::make_unexpected(ok.error());
        tell_devices();
        Plan plan = make_plan(
            {options_, hellos_, threads(), [this](const Case& what) { return ask_support(what); }});
        for (const std::string& note : plan.notes) observer_.note(note);
        if (plan.probes.empty() && plan.streams.empty() && plan.others.empty() &&
            plan.unsupported.empty() && plan.skipped.empty() && !result_.interrupted)
            return failed(plan.notes.empty()
                              ? "nothing to measure: no available backend offers any of this suite"
                              : "nothing to measure: " + plan.notes.front());
        add_peak_evidence(plan);
        carry_out(plan);
        if (!fallback_.empty()) {
            pool_.retire_all();
            return refused(fallback_);
        }
        return finish();
    }

private:
    int threads() const { return static_cast<int>(cpus_.size()); }

    // Before anything runs: what will run where.
    void tell_devices() {
        for (const std::string& variable : ignored_variables())
            observer_.note(variable + " is ignored: peakward binds the threads itself");
        for (const std::string& device : options_.devices) {
            observer_.note(fmt::format("requested device {}: running on {}", device,
                                       device_words(context_.hardware, device)));
            for (const Hello& hello : hellos_) {
                if (!contains(hello.devices, device)) continue;
                std::vector<std::string> versions;
                for (const auto& [name, version] : hello.versions)
                    versions.push_back(name + " " + version);
                observer_.note(fmt::format("framework {} on {}{}{}", hello.backend, device,
                                           versions.empty() ? "" : ": ",
                                           fmt::join(versions, ", ")));
            }
        }
    }

    // Starts every selected worker and keeps it for its cases.
    Status meet_backends() {
        for (const WorkerCommand& command : workers_) {
            auto host = pool_.get(command.backend, threads());
            if (!host && host.error().interrupted) {
                result_.interrupted = true;
                return {};
            }
            BackendInfo info = host ? backend_info(command, (*host)->hello())
                                    : backend_info(command, tl::make_unexpected(host.error()));
            if (host) {
                hellos_.push_back((*host)->hello());
                result_.device_ids[command.backend] = hellos_.back().device_ids;
            }
            const std::string sentence = unavailable_message(info);
            const bool asked = contains(options_.backends, info.backend);
            if (!info.available && asked) return failed(sentence);
            if (!info.available) observer_.note(sentence);
            result_.backends.push_back(std::move(info));
        }
        if (hellos_.empty() && contains(options_.devices, "cpu"))
            return failed("no backend is available; 'peakward backends' says why");
        return {};
    }

    // A worker that fails at this question is not asked the same again: the case says why. One that
    // does not answer it is asked nothing more: each question would cost the whole time limit.
    SupportReply ask_support(const Case& what) {
        const auto silent = silent_.find(what.backend);
        if (silent != silent_.end()) return silent->second;
        auto worker = pool_.get(what.backend, what.threads);
        WorkerResult<SupportReply> reply =
            worker ? (*worker)->supports(what) : tl::make_unexpected(worker.error());
        if (reply) return *reply;
        const WorkerFault& fault = reply.error();
        result_.interrupted |= fault.interrupted;
        SupportReply refusal{false, fault.reason, fault.outcome};
        if (fault.outcome == Outcome::timed_out) silent_.emplace(what.backend, refusal);
        return refusal;
    }

    // The native probes of a precision that only others were asked to compute in. Their worker is
    // no backend of the run's choice: it is met here and offers nothing else.
    void add_peak_evidence(Plan& plan) {
        const bool several_kinds = context_.hardware.cpu.core_kinds.size() > 1;
        // The peak of a hybrid processor is a sum over its kinds of core, which no probe gives.
        if (!options_.peak_evidence || several_kinds || result_.interrupted) return;
        const std::vector<std::string> precisions = precisions_without_peak(plan);
        if (precisions.empty()) return;
        auto native = pool_.get(evidence_backend, threads());
        if (!native) {
            result_.interrupted |= native.error().interrupted;
            observer_.note(fmt::format("no peak to compare {} with: {} is not available: {}",
                                       fmt::join(precisions, ", "), evidence_backend,
                                       native.error().reason));
            return;
        }
        const Hello hello = (*native)->hello();
        evidence_ = peak_evidence(
            options_, hello, threads(), [this](const Case& what) { return ask_support(what); },
            precisions);
        if (evidence_.empty()) return;
        observer_.note(fmt::format("{} is probed beside it, for the peak of {}", evidence_backend,
                                   fmt::join(precisions, ", ")));
        const auto known =
            std::find_if(result_.backends.begin(), result_.backends.end(),
                         [](const BackendInfo& info) { return info.backend == evidence_backend; });
        if (known == result_.backends.end()) {
            const auto command = std::find_if(all_.begin(), all_.end(), [](const auto& c) {
                return c.backend == evidence_backend;
            });
            result_.backends.push_back(backend_info(*command, hello));
        }
        for (const Case& what : evidence_)
            if (std::find(plan.probes.begin(), plan.probes.end(), what) == plan.probes.end())
                plan.probes.push_back(what);
    }

    bool is_evidence(const Case& what) const {
        return std::find(evidence_.begin(), evidence_.end(), what) != evidence_.end();
    }

    void carry_out(Plan& plan) {
        const SweepDepth depth =
            options_.suite.id == "quick" ? SweepDepth::plateau : SweepDepth::caches;
        started_ = clock_.monotonic();
        shuffle_cases(plan.probes, options_.seed);
        total_ = static_cast<int>(plan.probes.size() + plan.streams.size() + plan.others.size());
        for (const Case& what : plan.probes) measure_case(what);
        for (const std::string& device : options_.devices) {
            std::vector<Case> streams;
            for (const Case& what : plan.streams)
                if (what.device == device) streams.push_back(what);
            if (streams.empty()) continue;
            find_plateau(streams, depth);
            plan.others.insert(plan.others.end(), streams.begin(), streams.end());
        }
        shuffle_cases(plan.others, options_.seed);
        for (const Case& what : plan.others) measure_case(what);
        for (Measurement& row : plan.unsupported) add_row(std::move(row));
        for (SkippedCase& skipped : plan.skipped) result_.skipped.push_back(std::move(skipped));
    }

    // Memory cases of one device.
    void find_plateau(std::vector<Case>& streams, SweepDepth depth) {
        Case what = streams.front();
        const SweepRange range = range_for(what.device, depth);
        const auto known = options_.known_plateau.find(what.device);
        PlateauSearch search(range, known == options_.known_plateau.end()
                                        ? std::nullopt
                                        : std::optional<std::int64_t>(known->second));
        const auto hello = std::find_if(hellos_.begin(), hellos_.end(),
                                        [&](const Hello& h) { return h.backend == what.backend; });
        // The triad's sweep is in the store that the front case has: device_copy has another.
        if (contains(hello->operations, sweep_operation) && what.operation != "device_copy")
            what.operation = sweep_operation;
        const int after = total_ - done_;
        total_ += sweep_sizes(range);
        while (!result_.interrupted && skip_reason(what).empty()) {
            const auto elements = search.next();
            if (!elements) break;
            what.shape["elements"] = elements_for(what.precision, *elements);
            const Measurement* row = measure_case(what, true);
            if (!row) break;
            const bool good = row->outcome == Outcome::measured;
            search.report(*elements, good ? row->gbps : std::nullopt);
        }
        total_ = done_ + after;
        settle_on(streams, search.elements(), search.is_confirmed());
    }

    SweepRange range_for(const std::string& device, SweepDepth depth) const {
        if (device == "cpu") return sweep_range(context_, threads(), depth);
        // Which of several is meant, detection does not know; the smallest has room for the search.
        std::int64_t least_mb = 0;
        for (const GpuInfo& gpu : context_.hardware.gpus)
            if (gpu.memory_mb && (least_mb == 0 || *gpu.memory_mb < least_mb))
                least_mb = *gpu.memory_mb;
        return gpu_sweep_range(least_mb << 20);
    }

    static int sweep_sizes(const SweepRange& range) {
        int sizes = 2;
        for (std::int64_t size = range.first; size < range.least; size *= 2) ++sizes;
        return sizes;
    }

    // Gives the memory cases their size. One that the sweep has measured well enough is done.
    void settle_on(std::vector<Case>& streams, std::int64_t elements, bool confirmed) {
        std::string doubt;
        if (!confirmed)
            doubt = "plateau_not_reached";
        else if (streams.front().device == "cpu" &&
                 working_set_bytes(elements) < last_level_bytes(context_.hardware.cpu, threads()))
            doubt = "within_last_level_cache";
        std::vector<Case> left;
        for (Case what : streams) {
            what.shape["elements"] = elements_for(what.precision, elements);
            const Measurement* row = find_row(what);
            if (row && row->statistics.exit == Exit::converged && doubt.empty() &&
                options_.suite.restarts <= 1 &&
                half_width(*row) <= StoppingOptions{}.half_width_max)
                --total_;
            else
                left.push_back(std::move(what));
        }
        doubts_[streams.front().device] = doubt;
        streams = std::move(left);
    }

    // Flag of the memory cases of a device when their size is in doubt.
    std::string doubt_of(const std::string& device) const {
        const auto doubt = doubts_.find(device);
        return doubt == doubts_.end() ? "" : doubt->second;
    }

    static double half_width(const Measurement& row) {
        const Statistics& s = row.statistics;
        return s.median_s > 0 ? (s.ci_high_s - s.ci_low_s) / 2 / s.median_s : 1;
    }

    std::string skip_reason(const Case& what) const {
        if (options_.budget_s > 0 && elapsed_s() >= options_.budget_s)
            return fmt::format("not measured (budget): the {:g} s were spent", options_.budget_s);
        if (hopeless_cases_ >= hopeless_cases_max)
            return fmt::format(
                "not measured (busy): {} cases in a row had no clean window; free the CPUs, or "
                "wait "
                "until they are free with --wait",
                hopeless_cases_max);
        return slow_.skip_reason(what);
    }

    double elapsed_s() const { return Seconds(clock_.monotonic() - started_).count(); }

    Seconds time_left() const {
        const double each = done_ > 0 ? elapsed_s() / done_ : case_seconds_guess;
        double left = each * std::max(0, total_ - done_);
        if (options_.budget_s > 0)
            left = std::min(left, std::max(0.0, options_.budget_s - elapsed_s()));
        return Seconds(left);
    }

    CaseOptions options_for(const Case& what, bool of_sweep) const {
        CaseOptions options;
        options.seed = options_.seed;
        options.cpus = cpus_;
        options.core_share.one_kind_of_core = context_.hardware.cpu.core_kinds.size() < 2;
        options.allow_fallback = options_.allow_fallback;
        options.processes = of_sweep ? 1 : options_.suite.restarts;
        options.stopping.seconds_max = options_.suite.case_seconds_max;
        options.stopping.seconds_enough = options_.suite.case_seconds_enough;
        const OperationClass kind = catalog::find_operation(what.operation)->kind;
        // A fair figure is not enough for what all others are compared with.
        if (kind == OperationClass::compute_peak || kind == OperationClass::probe) {
            options.stopping.half_width_max = half_width_peak;
            options.stopping.seconds_enough = 0;
        }
        if (of_sweep) {
            options.stopping.half_width_max = sweep_half_width;
            options.stopping.seconds_max =
                std::min(options.stopping.seconds_max, sweep_seconds_max);
        }
        if (options_.budget_s > 0)
            options.stopping.seconds_max =
                std::min(options.stopping.seconds_max, options_.budget_s - elapsed_s());
        return options;
    }

    const EnergySource& energy_of(const std::string& device) {
        const auto known = energy_.find(device);
        if (known != energy_.end()) return known->second;
        EnergySource source;
        if (device == "cpu")
            source = rapl_energy(root_, clock_);
        else if (options_.energy_of_device)
            source = options_.energy_of_device(device);
        if (!source.read)
            source.read = [device]() -> ReadResult<EnergyReading> {
                return tl::make_unexpected(
                    ReadFailure{Absence::missing, "no energy counter of " + device + " is known"});
            };
        return energy_.emplace(device, std::move(source)).first->second;
    }

    // A network's files are there before its worker is asked to prepare it.
    std::optional<Measurement> run_with_files(const Case& what, bool of_sweep) {
        CaseOptions options = options_for(what, of_sweep);
        if (catalog::find_operation(what.operation)->layer != "micro") {
            const Result<std::string> folder =
                options_.network_folder ? options_.network_folder(what)
                                        : failed("nobody writes the files of networks here");
            if (!folder) {
                Measurement row;
                row.what = what;
                row.reason = folder.error().message;
                return row;
            }
            options.network = *folder;
            options.energy = &energy_of(what.device);
            if (options_.budget_s > 0)
                options.energy_until =
                    started_ + std::chrono::duration_cast<Nanoseconds>(Seconds(options_.budget_s));
        }
        return run_case(what, options, tools_);
    }

    // Its row, or none when it was skipped or the user interrupted.
    const Measurement* measure_case(const Case& what, bool of_sweep = false) {
        result_.interrupted |= stop_.stop_requested();
        if (result_.interrupted || !fallback_.empty()) return nullptr;
        if (std::string reason = skip_reason(what); !reason.empty()) {
            result_.skipped.push_back({what, std::move(reason)});
            ++done_;
            return nullptr;
        }
        observer_.case_started(what, done_, std::max(total_, done_ + 1), time_left());
        auto measurement = run_with_files(what, of_sweep);
        if (!measurement) {
            result_.interrupted = true;
            return nullptr;
        }
        ++done_;
        if (contains(measurement->flags, "device_fallback") && !options_.allow_fallback) {
            fallback_ = fmt::format(
                "{} {} {}: {}\nNothing was stored. --allow-fallback keeps the run under the device "
                "that really worked, and flags it.",
                what.backend, what.operation, what.precision, measurement->reason);
            return nullptr;
        }
        if (is_evidence(what)) measurement->flags.emplace_back("peak_evidence");
        const bool at_plateau = !of_sweep && what.shape.contains("store");
        const std::string doubt = at_plateau ? doubt_of(what.device) : "";
        if (!doubt.empty()) measurement->flags.push_back(doubt);
        slow_.note(*measurement);
        const bool is_hopeless =
            measurement->outcome == Outcome::contended && measurement->statistics.kept == 0;
        hopeless_cases_ = is_hopeless ? hopeless_cases_ + 1 : 0;
        observer_.case_finished(*measurement);
        return add_row(std::move(*measurement));
    }

    const Measurement* find_row(const Case& what) const {
        const auto same = std::find_if(result_.measurements.begin(), result_.measurements.end(),
                                       [&](const Measurement& m) { return m.what == what; });
        return same == result_.measurements.end() ? nullptr : &*same;
    }

    // A run has one row per case. A size of the sweep may be measured again: the later row stands,
    // unless only the earlier one is a measurement.
    const Measurement* add_row(Measurement measurement) {
        measurement.definition_version =
            catalog::find_operation(measurement.what.operation)->definition_version;
        auto& rows = result_.measurements;
        const auto same = std::find_if(rows.begin(), rows.end(), [&](const Measurement& m) {
            return m.what == measurement.what;
        });
        if (same == rows.end()) return &rows.emplace_back(std::move(measurement));
        if (measurement.outcome == Outcome::measured || same->outcome != Outcome::measured)
            *same = std::move(measurement);
        return &*same;
    }

    Result<MeasureResult> finish() {
        pool_.retire_all();
        return std::move(result_);
    }

    const MeasureOptions& options_;
    const Context& context_;
    const SysRoot& root_;
    Clock& clock_;
    Observer& observer_;
    const StopToken& stop_;
    std::vector<WorkerCommand> workers_;     // whose cases were asked for
    const std::vector<WorkerCommand>& all_;  // that there are
    WorkerPool pool_;
    SteadyClocks steady_;
    CaseTools tools_;
    std::vector<Hello> hellos_;
    std::map<std::string, SupportReply> silent_;  // backends that did not say what they support
    std::map<std::string, EnergySource> energy_;  // by device
    std::vector<Case> evidence_;                  // for peaks; asked for by nobody
    std::vector<int> cpus_;
    SlowSizes slow_;
    MeasureResult result_;
    Nanoseconds started_{0};
    int done_ = 0, total_ = 0;
    int hopeless_cases_ = 0;  // in a row, up to the newest
    std::string fallback_;    // why the run is refused: a case left the device it was asked for
    std::map<std::string, std::string> doubts_;
};

}  // namespace

Result<MeasureResult> measure(const MeasureOptions& options,
                              const std::vector<WorkerCommand>& workers, const Context& context,
                              const SysRoot& root, ProcessLauncher& launcher, Clock& clock,
                              Observer& observer, const StopToken& stop) {
    if (auto ok = check_names(options); !ok) return tl::make_unexpected(ok.error());
    auto selected = select_workers(options, workers);
    if (!selected) return tl::make_unexpected(selected.error());
    auto cpus = choose_cpus(context, root, options.threads);
    if (!cpus) return tl::make_unexpected(cpus.error());
    Conductor conductor(options, context, root, launcher, clock, observer, stop,
                        std::move(*selected), workers);
    return conductor.run(std::move(*cpus));
}

}  // namespace peakward
