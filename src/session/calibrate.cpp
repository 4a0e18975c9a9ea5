#include <algorithm>
#include <ctime>
#include <filesystem>
#include <random>
#include <utility>

#include "catalog/catalog.hpp"
#include "core/private_paths.hpp"
#include "core/text.hpp"
#include "detect/detect.hpp"
#include "measure/measure.hpp"
#include "measure/plan.hpp"
#include "networks/networks.hpp"
#include "score/precision_matrix.hpp"
#include "score/score.hpp"
#include "session/internal.hpp"
#include "session/keep_run.hpp"
#include "session/probe_history.hpp"
#include "session/products.hpp"
#include "session/session.hpp"
#include "store/run_store.hpp"

namespace peakward {
namespace {

// RFC 9562, version 4: 122 random bits.
std::string random_uuid() {
    const std::uint64_t high = (random_seed() & ~0xf000ULL) | 0x4000ULL;
    const std::uint64_t low = (random_seed() & ~(3ULL << 62)) | (1ULL << 63);
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                       high & 0xffff, low >> 48, low & 0xffffffffffffULL);
}

std::string iso_utc(std::time_t seconds) {
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// Names are checked before the machine is touched: a typing error costs no measuring time.
// Before anything is detected: a mistyped option is answered at once.
Status check_request(const CalibrateRequest& request, const MeasureOptions& options,
                     const std::vector<WorkerCommand>& workers) {
    if (request.threads < 0)
        return wrong_usage(fmt::format("--threads {}: must be 1 or more", request.threads));
    if (request.budget_s < 0)
        return wrong_usage(fmt::format("--budget {}: must be positive", request.budget_s));
    if (!request.python.empty() && find_python(request.python).empty())
        return wrong_usage(fmt::format("--python {}: no such program", request.python));
    const std::string& blas = request.blas_library;
    if (blas.find('/') != std::string::npos && !std::filesystem::is_regular_file(blas))
        return wrong_usage(fmt::format("--blas-library {}: no such file", blas));
    if (auto ok = check_names(options); !ok) return ok;
    if (auto selected = select_workers(options, workers); !selected)
        return tl::make_unexpected(selected.error());
    return {};
}

// What was asked for by name and is not here. A busy machine is no answer to that.
Status check_choices(const MeasureOptions& options, const std::vector<WorkerCommand>& workers,
                     const Machine& machine) {
    const bool is_default =
        options.backends.empty() && options.devices == std::vector<std::string>{"cpu"};
    const auto selected = select_workers(options, workers);
    if (is_default || !selected) return {};
    const auto backends = probe_backends(*selected, machine.launcher, machine.clock);
    for (const BackendInfo& backend : backends)
        if (!backend.available && std::find(options.backends.begin(), options.backends.end(),
                                            backend.backend) != options.backends.end())
            return failed(unavailable_message(backend));
    return check_devices(options, backends);
}

Result<std::string> network_folder(const Case& what) {
    const std::string cache = usual_cache_folder();
    if (cache.empty())
        return failed("neither XDG_CACHE_HOME nor HOME is set: nowhere to write a network's files");
    auto files = materialise(what.operation, axis(what.shape, "batch", 1), cache);
    if (!files) return tl::make_unexpected(files.error());
    return files->folder;
}

// NVML's total is renewed every 20 to 100 ms (PETSc manual, PetscLogGpuEnergyMeter).
constexpr Nanoseconds nvml_period = std::chrono::milliseconds(100);

EnergySource energy_of_gpu(const SysRoot& root) {
    const auto read = [&root]() -> ReadResult<EnergyReading> {
        const auto total = gpu_energy(root);
        if (!total) return tl::make_unexpected(total.error());
        const auto microjoules = static_cast<std::uint64_t>(total->joules * 1e6);
        return EnergyReading{total->at, {{"GPU, by NVML", microjoules, 0}}};
    };
    return {read, nvml_period};
}

std::string refusal(const Preflight& preflight) {
    std::string text = "this machine is not fit to measure now:";
    for (const Check& check : preflight.checks) {
        if (check.status != CheckStatus::fail) continue;
        text += fmt::format("\n  {}: {}", check.title, check.evidence);
        if (!check.remedy.empty()) text += fmt::format("\n    mend it with: {}", check.remedy);
    }
    if (may_pass_with_time(preflight)) text += "\nWait until it is fit with --wait 10m.";
    return text + "\nMeasure all the same with --force; the run is then flagged.";
}

bool uses_gpu(const std::vector<std::string>& devices) {
    return std::any_of(devices.begin(), devices.end(), [](const auto& d) { return d != "cpu"; });
}

// What a worker says of a library, as a component of the run's software.
struct WorkerVersion {
    const char* backend;
    const char* version;
    const char* component;
    bool worker_alone;  // nothing but the worker knows which library it will load
};
constexpr WorkerVersion worker_versions[] = {
    {"numpy", "numpy", "numpy_version", false},
    {"pytorch", "torch", "pytorch_version", false},
    {"onnxruntime", "onnxruntime", "onnxruntime_version", false},
    {"jax", "jax", "jax_version", false},
    {"jax", "jaxlib", "jaxlib_version", false},
    {"onednn", "onednn", "onednn_version", true},
    {"cuda", "cublaslt", "cublaslt_version", true},
};

// Workers that alone know a component and that the run did not use. They are asked all the same:
// the stack of a machine must not depend on which backends a run was about.
std::vector<WorkerCommand> unasked_workers(const std::vector<WorkerCommand>& workers,
                                           const std::vector<BackendInfo>& met) {
    std::vector<WorkerCommand> unasked;
    for (const WorkerCommand& worker : workers) {
        const bool knows = std::any_of(
            std::begin(worker_versions), std::end(worker_versions),
            [&](const WorkerVersion& v) { return v.worker_alone && worker.backend == v.backend; });
        const bool asked = std::any_of(met.begin(), met.end(), [&](const BackendInfo& info) {
            return info.backend == worker.backend;
        });
        if (knows && !asked) unasked.push_back(worker);
    }
    return unasked;
}

// What a worker really loaded outranks what detection read beside it.
void take_versions_of_workers(Context& context, const std::vector<BackendInfo>& backends) {
    for (const BackendInfo& backend : backends)
        for (const WorkerVersion& source : worker_versions) {
            if (backend.backend != source.backend) continue;
            auto& components = context.software.components;
            const auto version = backend.versions.find(source.version);
            if (version == backend.versions.end()) {
                if (source.worker_alone)
                    components[source.component] = Fact<std::string>::unknown(
                        backend.available ? fmt::format("the {} worker names none", source.backend)
                                          : backend.reason);
                continue;
            }
            Fact<std::string>& component = components[source.component];
            // "1.18.0 (onnxruntime-gpu)" says more than the worker, and the same.
            if (component &&
                (*component == version->second || component->starts_with(version->second + " (")))
                continue;
            component = Fact<std::string>::known(
                version->second, fmt::format("loaded by the {} worker", source.backend));
        }
    context.software.fingerprint = software_fingerprint(context.software);
    context.software.stack_digest = stack_digest(context.software);
}

// The size of the memory cases on each device in the latest run of this install, suite (of any
// version) and thread count that found the plateau there. The size is part of the series, so it
// must not change with the noise of a run.
std::map<std::string, std::int64_t> known_plateau(RunStore& store, const Run& now, int threads) {
    constexpr int runs_looked_at = 10;
    std::map<std::string, std::int64_t> sizes;
    const auto runs =
        store.history({.limit = runs_looked_at, .hardware = now.context.hardware.fingerprint});
    if (!runs) return sizes;
    for (const RunSummary& summary : *runs) {
        if (suite_id(summary.suite) != suite_id(now.suite)) continue;
        const auto run = store.find(summary.run_id);
        if (!run) continue;
        for (const Measurement& row : run->measurements) {
            const bool decides = row.what.operation == "stream_copy" &&
                                 row.what.precision == "fp64" &&
                                 (threads == 0 || row.what.threads == threads);
            const bool doubted = std::find(row.flags.begin(), row.flags.end(),
                                           "plateau_not_reached") != row.flags.end();
            if (decides && row.outcome == Outcome::measured && !doubted)
                sizes.emplace(row.what.device, axis(row.what.shape, "elements"));
        }
    }
    return sizes;
}

// What the run is held against, and the devices of a preset. Refused when the host cannot be it.
Status choose_products(const HardwareDatabase& database, CalibrateRequest& request, Run& run,
                       Observer& observer) {
    for (const std::string& problem : database.problems)
        observer.note("hardware database: left out: " + problem);
    const auto preset = preset_of(database, request.preset);
    if (!preset) return tl::make_unexpected(preset.error());
    const HostFacts host = host_facts(run.context);
    const auto matches = Matcher(database).match(host);
    PresetVerdict verdict;
    if (*preset) {
        verdict = check_preset(**preset, host, matches);
        if (!verdict.mismatch.empty()) {
            if (!request.skip_platform_check)
                return refused(preset_refusal(request.preset, verdict, database, host, matches));
            run.flags.emplace_back("platform_check_skipped");
            observer.note(
                fmt::format("warning: {}; measuring because of --skip-platform-check, "
                            "and the run is flagged",
                            verdict.mismatch));
        } else if (!verdict.confirmed) {
            run.flags.emplace_back("preset_unconfirmed");
            observer.note(
                fmt::format("nothing on this machine shows that it is {}; the run is "
                            "flagged",
                            (*preset)->id));
        }
        if (request.devices.empty() && !verdict.device.empty()) request.devices = {verdict.device};
    }
    if (request.devices.empty()) request.devices = {"cpu"};
    run.products = products_of(matches, run.context, *preset, verdict, database);
    return {};
}

// With a run in hand: a backup or a rebuild of years of runs holds the lock for a minute.
constexpr std::chrono::seconds lock_wait_with_run{120};

Status append_patiently(const std::string& location, const Run& run, Observer& observer,
                        const StopToken& stop) {
    StoreOptions options;
    options.stop = &stop;
    options.lock_wait = lock_wait_with_run;
    options.on_wait = [&] {
        observer.note(
            fmt::format("the run is measured; waiting up to {} s for another process that holds "
                        "{}. Ctrl-C writes the run to a file instead",
                        lock_wait_with_run.count(), location));
    };
    // Opened again: the file may have been moved while this was measuring.
    auto store = open_store(location, OpenMode::append, options);
    if (!store) return tl::make_unexpected(store.error());
    if (auto appended = (*store)->append(run); !appended)
        return tl::make_unexpected(appended.error());
    return {};
}

void store_or_keep(CalibrateReply& reply, Observer& observer, const StopToken& stop) {
    auto stored = append_patiently(reply.store_location, reply.run, observer, stop);
    if (stored) return;
    const std::string location = std::exchange(reply.store_location, "");
    std::string message =
        fmt::format("run {} is not stored: {}", reply.run.run_id, stored.error().message);
    if (const auto file = keep_run(reply.run, location)) {
        reply.kept_in = *file;
        message += fmt::format("\nThe run is kept in {}; this command stores it:\n  {}", *file,
                               import_command(*file, location));
    } else {
        message += "\nNo file could be written to keep it either: " + file.error().message;
    }
    const bool by_signal = stop.stop_requested();
    reply.not_stored =
        Error{by_signal ? ErrorKind::interrupted : ErrorKind::failed, std::move(message)};
}

// Worker and detection must mean the same GPU by a device, or product, peak and preflight are those
// of another one. Called before they are chosen.
Status agree_on_gpus(const std::vector<WorkerCommand>& workers, const Machine& machine,
                     const std::vector<std::string>& devices, Hardware& hardware) {
    if (!needs_word_of_workers(hardware, devices)) return {};
    number_by_workers(probe_backends(workers, machine.launcher, machine.clock), hardware);
    const std::string obstacle = why_not_numbered(hardware, devices);
    if (obstacle.empty()) return {};
    return refused(fmt::format(
        "{}, and no backend tells the PCI address of its devices; name GPUs by number in the "
        "variable, each once",
        obstacle));
}

// Which GPUs are meant is part of the context.
Status detect_host(const Machine& machine, const std::vector<WorkerCommand>& workers,
                   const CalibrateRequest& request, Run& run) {
    run.context = read_context(machine, {request.python, request.blas_library, request.install});
    const std::vector<std::string> devices = request.devices.empty() && !request.preset.empty()
                                                 ? std::vector<std::string>{"cuda:0", "rocm:0"}
                                                 : request.devices;
    return agree_on_gpus(workers, machine, devices, run.context.hardware);
}

// Looks again every few seconds, until the machine is fit or --wait is over.
Status wait_until_fit(const Machine& machine, const std::vector<WorkerCommand>& workers,
                      const CalibrateRequest& request, Run& run, Observer& observer,
                      const StopToken& stop) {
    constexpr std::chrono::seconds between_looks{5};
    constexpr std::chrono::milliseconds nap{100};  // Ctrl-C ends it within a second
    Clock& clock = machine.clock;
    const Nanoseconds end =
        clock.monotonic() + std::chrono::duration_cast<Nanoseconds>(Seconds(request.wait_s));
    if (request.wait_s > 0 && may_pass_with_time(run.preflight))
        observer.note(fmt::format("waiting up to {:g} s until the machine is fit to measure",
                                  request.wait_s));
    while (run.preflight.verdict == CheckStatus::fail && may_pass_with_time(run.preflight) &&
           clock.monotonic() < end) {
        const Nanoseconds next = std::min(end, clock.monotonic() + between_looks);
        while (clock.monotonic() < next) {
            if (stop.stop_requested())
                return tl::make_unexpected(
                    Error{ErrorKind::interrupted, "interrupted: nothing was measured"});
            clock.sleep_for(nap);
        }
        if (auto ok = detect_host(machine, workers, request, run); !ok) return ok;
        run.preflight = check_fitness(run.context, request.threads, uses_gpu(request.devices));
    }
    return {};
}

// What this machine is, and whether it is fit to measure.
Status look_at_host(const Machine& machine, const HardwareDatabase& database,
                    const std::vector<WorkerCommand>& workers, MeasureOptions& options,
                    CalibrateRequest& request, Run& run, Observer& observer,
                    const StopToken& stop) {
    observer.stage_started("detect");
    // A captured machine has no installation.
    const bool uses_id = machine.root.is_live() && request.install.empty();
    const std::string note = uses_id ? put_damaged_install_id_aside("") : "";
    if (!note.empty()) {
        observer.note("warning: " + note);
        run.flags.emplace_back("install_id_replaced");
    }
    if (auto ok = detect_host(machine, workers, request, run); !ok) return ok;
    if (auto ok = choose_products(database, request, run, observer); !ok) return ok;
    options.devices = request.devices;  // a preset may have named them
    observer.stage_started("preflight");
    run.preflight = check_fitness(run.context, request.threads, uses_gpu(request.devices));
    if (run.preflight.verdict != CheckStatus::fail) return {};
    if (auto ok = check_choices(options, workers, machine); !ok) return ok;
    if (!request.force) {
        if (auto ok = wait_until_fit(machine, workers, request, run, observer, stop); !ok)
            return ok;
        if (run.preflight.verdict != CheckStatus::fail) return {};
        return refused(refusal(run.preflight));
    }
    run.flags.emplace_back("forced");
    observer.note("preflight failed; measuring because of --force, and the run is flagged");
    return {};
}

// Which run this is, when it was made and by what.
void sign(Run& run, Clock& clock) {
    run.run_id = random_uuid();
    const auto now = std::chrono::system_clock::to_time_t(clock.wall_now());
    run.timestamp = iso_utc(now);
    run.timestamp_unix = now;
    run.peakward_version = PEAKWARD_VERSION;
}

void take_measured(Run& run, MeasureResult measured) {
    run.backends = std::move(measured.backends);
    run.measurements = std::move(measured.measurements);
    run.skipped = std::move(measured.skipped);
    const auto fell_back = [](const Measurement& row) {
        return std::find(row.flags.begin(), row.flags.end(), "device_fallback") != row.flags.end();
    };
    if (std::any_of(run.measurements.begin(), run.measurements.end(), fell_back))
        run.flags.emplace_back("device_fallback");
}

}  // namespace

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

Result<MeasureOptions> measure_options(const CalibrateRequest& request, std::uint64_t seed) {
    auto suite = catalog::find_suite(request.suite);
    if (!suite) return tl::make_unexpected(suite.error());
    MeasureOptions options;
    options.suite = std::move(*suite);
    options.layers = request.layers;
    options.backends = request.backends;
    options.operations = request.operations;
    options.precisions = request.precisions;
    options.devices = request.devices;
    options.only = request.only;
    options.threads = request.threads;
    options.budget_s = request.budget_s;
    options.allow_fallback = request.allow_fallback;
    options.peak_evidence = request.peak_evidence;
    options.network_folder = network_folder;
    options.seed = seed;
    return options;
}

Result<CalibrateReply> calibrate(const Machine& machine, CalibrateRequest request,
                                 Observer& observer, const StopToken& stop) {
    const auto started = machine.clock.monotonic();
    const std::uint64_t seed = request.seed.value_or(random_seed());
    auto options = measure_options(request, seed);
    if (!options) return tl::make_unexpected(options.error());
    const std::vector<WorkerCommand> workers = workers_for(request);
    if (auto ok = check_request(request, *options, workers); !ok)
        return tl::make_unexpected(ok.error());
    const HardwareDatabase database = load_hardware(user_hardware_folder());
    if (auto known = preset_of(database, request.preset); !known)
        return tl::make_unexpected(known.error());

    CalibrateReply reply;
    std::unique_ptr<RunStore> store;
    if (request.keep) {
        reply.store_location = default_store_location(request.store_location);
        auto opened = open_store(reply.store_location, OpenMode::append);
        if (!opened) return tl::make_unexpected(opened.error());
        store = std::move(*opened);
        for (const std::string& notice : store->notices()) observer.note("warning: " + notice);
    }

    Run& run = reply.run;
    if (auto ok = look_at_host(machine, database, workers, *options, request, run, observer, stop);
        !ok)
        return tl::make_unexpected(ok.error());
    run.suite = options->suite.name();
    ProbeHistory probes;
    if (store) {
        options->known_plateau = known_plateau(*store, run, request.threads);
        if (auto read = ProbeHistory::read(*store, run.context)) probes = std::move(*read);
    }
    store.reset();
    options->energy_of_device = [&machine](const std::string& device) {
        return device.starts_with("cuda") ? energy_of_gpu(machine.root) : EnergySource{};
    };
    observer.stage_started("measure");
    auto measured = measure(*options, workers, run.context, machine.root, machine.launcher,
                            machine.clock, observer, stop);
    observer.finished();
    if (!measured) return tl::make_unexpected(measured.error());
    take_versions_of_workers(run.context, measured->backends);
    if (!measured->interrupted)
        take_versions_of_workers(run.context,
                                 probe_backends(unasked_workers(workers, measured->backends),
                                                machine.launcher, machine.clock));
    const MustFinish guard(stop);
    // Also when it came too late for the measuring stage to see: a worker that was killed by
    // Ctrl-C in the last case or the last probe would else be stored as one that crashed.
    if (measured->interrupted || stop.stop_requested())
        return tl::make_unexpected(
            Error{ErrorKind::interrupted, "interrupted: nothing was stored"});
    run.seed = seed;
    run.arguments = request.arguments;
    sign(run, machine.clock);
    take_measured(run, std::move(*measured));
    for (const std::string& mistaken : drop_mistaken_gpus(run)) observer.note(mistaken);
    probes.add(run);
    run.results = score(run.context, run.measurements, run.flags,
                        device_specs(run.products, database), probes.classes());
    run.precision_matrix = precision_matrix(run);
    run.wall_s = Seconds(machine.clock.monotonic() - started).count();
    drop_private_paths(run);
    if (request.keep) store_or_keep(reply, observer, stop);
    return reply;
}

}  // namespace peakward
