#include "measure/plan.hpp"

#include <algorithm>
#include <cctype>
#include <random>

#include "core/device.hpp"
#include "core/text.hpp"
#include "measure/names.hpp"

namespace peakward {
namespace {

using catalog::Operation;
using catalog::OperationClass;

constexpr double slow_gops = 50;
constexpr std::int64_t slow_size_min = 512;
// Stands in for the plateau's size while workers are asked what they support.
constexpr std::int64_t nominal_elements = 1 << 20;

Status check_known(const char* kind, const std::vector<std::string>& names,
                   const std::vector<std::string>& known) {
    for (const std::string& name : names)
        if (!contains(known, name)) {
            const std::string_view today = catalog::name_of_today(name);
            if (!today.empty())
                return wrong_usage(fmt::format("unknown {} '{}': {}", kind, name, today));
            return wrong_usage(unknown_name_message(kind, name, known));
        }
    return {};
}

std::vector<std::string> operations_of(const catalog::Suite& suite) {
    std::vector<std::string> names;
    for (const catalog::SuiteEntry& entry : suite.entries)
        if (!contains(names, entry.operation)) names.push_back(entry.operation);
    return names;
}

// "cuda:0", "rocm", "gpu:1": a device of a kind that exists, whether or not it is here.
bool is_device_word(const std::string& name) {
    const auto parsed = parse_device(name);
    return parsed &&
           std::any_of(device_kinds.begin(), device_kinds.end(),
                       [&](const DeviceKind& known) { return known.kind == parsed->kind; });
}

// The shapes of an entry on a backend: as the suite says, or derived.
std::vector<Shape> shapes_of(const catalog::SuiteEntry& entry, const Operation& operation,
                             const Hello& backend) {
    if (!entry.shapes.empty()) return entry.shapes;
    std::vector<Shape> shapes;
    for (const catalog::Axis& axis : operation.axes) {
        if (axis.name == "isa") {
            for (const std::string& word : backend.isa)
                if (axis.words.empty() || contains(axis.words, word))
                    shapes.push_back({{"isa", word}});
        } else if (axis.name == "store") {
            for (const std::string& word : axis.words)
                shapes.push_back({{"elements", nominal_elements}, {"store", word}});
        }
    }
    return shapes;
}

bool waits_for_plateau(const catalog::SuiteEntry& entry, const Operation& operation) {
    return entry.shapes.empty() && operation.kind == OperationClass::memory;
}

// Collects the plan, one operation x backend x device x precision at a time.
class Planner {
public:
    explicit Planner(const PlanInput& input) : in_(input) {}

    Plan make() {
        for (const catalog::SuiteEntry& entry : in_.options.suite.entries) {
            const Operation* operation = catalog::find_operation(entry.operation);
            if (!operation || !is_wanted(*operation) || !is_for_devices(entry)) continue;
            bool offered = false;
            for (const Hello& backend : in_.backends)
                for (const std::string& device : in_.options.devices)
                    if (entry.cpu || device != "cpu")
                        offered |= add_backend(entry, *operation, backend, device);
            if (!offered && contains(in_.options.operations, entry.operation))
                plan_.notes.push_back(
                    fmt::format("operation {}: none of the available backends ({}) offers it",
                                entry.operation, backend_names()));
        }
        note_empty_layers();
        return std::move(plan_);
    }

private:
    bool is_for_devices(const catalog::SuiteEntry& entry) const {
        const auto& devices = in_.options.devices;
        return entry.cpu || std::any_of(devices.begin(), devices.end(),
                                        [](const std::string& device) { return device != "cpu"; });
    }

    bool is_wanted(const Operation& operation) const {
        const auto& options = in_.options;
        return contains(options.layers, operation.layer) &&
               (options.operations.empty() || contains(options.operations, operation.name));
    }

    std::string backend_names() const {
        std::vector<std::string> names;
        for (const Hello& backend : in_.backends) names.push_back(backend.backend);
        return fmt::format("{}", fmt::join(names, ", "));
    }

    Case case_of(const Operation& operation, const std::string& precision, const Hello& backend,
                 const std::string& device, Shape shape) const {
        return {operation.name, precision, std::move(shape), device, backend.backend, in_.threads};
    }

    void add_unsupported(Case what, std::string reason, Outcome outcome = Outcome::unsupported) {
        Measurement row;
        row.what = std::move(what);
        row.outcome = outcome;
        row.reason = std::move(reason);
        plan_.unsupported.push_back(std::move(row));
    }

    // True when the backend offers the operation on this device at all.
    bool add_backend(const catalog::SuiteEntry& entry, const Operation& operation,
                     const Hello& backend, const std::string& device) {
        if (!contains(backend.devices, device)) return false;
        if (!contains(backend.operations, operation.name)) {
            if (contains(in_.options.operations, operation.name) &&
                contains(in_.options.backends, backend.backend))
                add_unsupported(
                    case_of(operation, first_precision(operation), backend, device, {}),
                    fmt::format("{} does not offer {}", backend.backend, operation.name));
            return false;
        }
        for (const std::string& precision : precisions_of(entry, operation))
            add_precision(entry, operation, backend, device, precision);
        return true;
    }

    std::string first_precision(const Operation& operation) const {
        return in_.options.precisions.empty() ? operation.precisions.front()
                                              : in_.options.precisions.front();
    }

    // Probes are evidence for every precision: a choice of precisions does not concern them.
    std::vector<std::string> precisions_of(const catalog::SuiteEntry& entry,
                                           const Operation& operation) const {
        if (!in_.options.precisions.empty() && operation.kind != OperationClass::probe)
            return in_.options.precisions;
        return entry.precisions.empty() ? operation.precisions : entry.precisions;
    }

    bool is_chosen(const Operation& operation, const Hello& backend, const std::string& device,
                   const std::string& precision) const {
        const auto& only = in_.options.only;
        const auto fits = [](const std::string& wanted, const std::string& is) {
            return wanted.empty() || wanted == is;
        };
        return only.empty() || operation.kind == OperationClass::probe ||
               std::any_of(only.begin(), only.end(), [&](const CaseChoice& choice) {
                   return fits(choice.device, device) && fits(choice.backend, backend.backend) &&
                          fits(choice.precision, precision) &&
                          fits(choice.operation, operation.name);
               });
    }

    void add_precision(const catalog::SuiteEntry& entry, const Operation& operation,
                       const Hello& backend, const std::string& device,
                       const std::string& precision) {
        if (!is_chosen(operation, backend, device, precision)) return;
        const bool asked = contains(in_.options.precisions, precision);
        const std::vector<Shape> shapes = shapes_of(entry, operation, backend);
        const Shape shown = entry.shapes.empty() || shapes.empty() ? Shape{} : shapes.front();
        if (!contains(operation.precisions, precision)) {
            add_unsupported(case_of(operation, precision, backend, device, shown),
                            fmt::format("{} is defined in {}", operation.name,
                                        fmt::join(operation.precisions, ", ")));
            return;
        }
        if (!contains(backend.precisions, precision)) {
            if (asked)
                add_unsupported(case_of(operation, precision, backend, device, shown),
                                fmt::format("{} computes in {}", backend.backend,
                                            fmt::join(backend.precisions, ", ")));
            return;
        }
        std::vector<std::pair<Case, std::string>> refused;
        int supported = 0;
        for (const Shape& shape : shapes) {
            Case what = case_of(operation, precision, backend, device, shape);
            const SupportReply reply = in_.supports(what);
            if (!reply.supported && reply.not_measured) {
                plan_.skipped.push_back({std::move(what), reply.reason});
                ++supported;
                continue;
            }
            if (!reply.supported && reply.otherwise != Outcome::unsupported) {
                add_unsupported(std::move(what), reply.reason, reply.otherwise);
                continue;
            }
            if (!reply.supported) {
                refused.emplace_back(std::move(what), reply.reason);
                continue;
            }
            ++supported;
            place(entry, operation, std::move(what));
        }
        add_refused(entry, std::move(refused), supported, shown);
    }

    void place(const catalog::SuiteEntry& entry, const Operation& operation, Case what) {
        if (operation.kind == OperationClass::probe)
            plan_.probes.push_back(std::move(what));
        else if (waits_for_plateau(entry, operation))
            plan_.streams.push_back(std::move(what));
        else
            plan_.others.push_back(std::move(what));
    }

    // A derived shape (an ISA class, a kind of store) that cannot run is no row while another can.
    void add_refused(const catalog::SuiteEntry& entry,
                     std::vector<std::pair<Case, std::string>> refused, int supported,
                     const Shape& shown) {
        if (refused.empty()) return;
        if (supported > 0 && entry.shapes.empty()) return;
        if (supported > 0) {
            for (auto& [what, reason] : refused) add_unsupported(std::move(what), reason);
            return;
        }
        std::vector<std::string> reasons;
        for (const auto& [what, reason] : refused)
            if (!contains(reasons, reason)) reasons.push_back(reason);
        refused.front().first.shape = shown;
        add_unsupported(std::move(refused.front().first),
                        fmt::format("{}", fmt::join(reasons, "; ")));
    }

    void note_empty_layers() {
        for (const std::string& layer : in_.options.layers) {
            const auto& entries = in_.options.suite.entries;
            const bool any = std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
                const Operation* operation = catalog::find_operation(entry.operation);
                return operation && operation->layer == layer;
            });
            if (!any)
                plan_.notes.push_back(fmt::format("layer {}: suite {} has no operation in it",
                                                  layer, in_.options.suite.name()));
        }
    }

    const PlanInput& in_;
    Plan plan_;
};

double work_of(const Case& what) {
    const Operation* operation = catalog::find_operation(what.operation);
    return operation ? operation->operations(what).value() : 0;
}

bool is_blas3(const Case& what) {
    const Operation* operation = catalog::find_operation(what.operation);
    return operation && operation->kind == OperationClass::blas3;
}

std::string family_of(const Case& what) {
    return fmt::format("{}|{}|{}|{}|{}", what.operation, what.precision, what.device, what.backend,
                       what.threads);
}

}  // namespace

Status check_names(const MeasureOptions& options) {
    if (auto ok = check_known("operation", options.operations, catalog::operation_names()); !ok)
        return ok;
    if (auto ok = check_known("precision", options.precisions, catalog::precision_names()); !ok)
        return ok;
    if (auto ok = check_known("layer", options.layers, catalog::layer_names()); !ok) return ok;
    const std::vector<std::string> in_suite = operations_of(options.suite);
    for (const std::string& name : options.operations)
        if (!contains(in_suite, name))
            return wrong_usage(fmt::format("operation '{}' is not in suite {}; it has {}", name,
                                           options.suite.name(), fmt::join(in_suite, ", ")));
    return {};
}

std::vector<WorkerCommand> usual_workers(const std::vector<std::string>& devices,
                                         const std::vector<WorkerCommand>& workers) {
    const bool cpu = contains(devices, "cpu");
    const bool others = !cpu || devices.size() > 1;
    std::vector<WorkerCommand> usual;
    for (const WorkerCommand& worker : workers) {
        const bool wanted = worker.usual_on == UsualOn::everywhere ||
                            (worker.usual_on == UsualOn::cpu && cpu) ||
                            (worker.usual_on == UsualOn::others && others);
        if (wanted) usual.push_back(worker);
    }
    return usual;
}

Result<std::vector<WorkerCommand>> select_workers(const MeasureOptions& options,
                                                  const std::vector<WorkerCommand>& workers) {
    if (options.backends == std::vector<std::string>{"all"}) return workers;
    if (options.backends.empty()) return usual_workers(options.devices, workers);
    std::vector<std::string> known;
    for (const WorkerCommand& worker : workers) known.push_back(worker.backend);
    if (auto ok = check_known("backend", options.backends, known); !ok)
        return tl::make_unexpected(ok.error());
    std::vector<WorkerCommand> selected;
    for (const WorkerCommand& worker : workers)
        if (contains(options.backends, worker.backend)) selected.push_back(worker);
    return selected;
}

namespace {

// "pytorch runs on cpu only: PyTorch 2.13.0 is built without CUDA"
std::string why_no_other_device(const BackendInfo& backend) {
    if (!backend.available) return fmt::format("{}: {}", backend.backend, backend.reason);
    std::string text =
        fmt::format("{} runs on {} only", backend.backend, fmt::join(backend.devices, ", "));
    if (!backend.notes.empty()) text += fmt::format(": {}", fmt::join(backend.notes, "; "));
    return text;
}

}  // namespace

std::string unavailable_message(const BackendInfo& backend) {
    return fmt::format("backend {} is not available: {}", backend.backend, backend.reason);
}

Status check_devices(const MeasureOptions& options, const std::vector<BackendInfo>& backends) {
    std::vector<std::string> known, cannot;
    for (const BackendInfo& backend : backends) {
        for (const std::string& device : backend.devices)
            if (!contains(known, device)) known.push_back(device);
        cannot.push_back(why_no_other_device(backend));
    }
    for (const std::string& device : options.devices) {
        if (contains(known, device)) continue;
        if (device != "cpu" && !is_device_word(device)) {
            std::vector<std::string> offered = known;
            for (const char* usual : {"cpu", "cuda:0"})
                if (!contains(offered, usual)) offered.emplace_back(usual);
            return wrong_usage(unknown_name_message("device", device, offered));
        }
        return refused(fmt::format(
            "no selected backend can use device {}, and nothing else is measured in its "
            "place:\n  {}\nA GPU takes its driver and a framework built for it, such as "
            "PyTorch with CUDA in the interpreter of --python; 'peakward backends' lists "
            "what there is.",
            device, fmt::join(cannot, "\n  ")));
    }
    return {};
}

Plan make_plan(const PlanInput& input) { return Planner(input).make(); }

std::vector<std::string> precisions_without_peak(const Plan& plan) {
    std::vector<std::string> rated, probed, without;
    for (const Case& what : plan.others) {
        if (what.device != "cpu") continue;
        if (is_blas3(what)) rated.push_back(what.precision);
        if (what.operation == "compute_peak") probed.push_back(what.precision);
    }
    for (const std::string& precision : catalog::precision_names())
        if (contains(rated, precision) && !contains(probed, precision))
            without.push_back(precision);
    return without;
}

std::vector<Case> peak_evidence(const MeasureOptions& options, const Hello& native, int threads,
                                const AskSupport& supports,
                                const std::vector<std::string>& precisions) {
    MeasureOptions alone;
    alone.suite.id = options.suite.id;
    alone.suite.version = options.suite.version;
    alone.suite.entries = {{"clock_probe", {}, {}}, {"compute_peak", {}, {}}};
    alone.precisions = precisions;
    Plan plan = make_plan({alone, {native}, threads, supports});
    plan.probes.insert(plan.probes.end(), plan.others.begin(), plan.others.end());
    return std::move(plan.probes);
}

std::int64_t elements_for(const std::string& precision, std::int64_t fp64_elements) {
    const catalog::Precision* known = catalog::find_precision(precision);
    return known && known->bits > 0 ? fp64_elements * 64 / known->bits : fp64_elements;
}

void shuffle_cases(std::vector<Case>& cases, std::uint64_t seed) {
    // Fisher and Yates with the raw generator: std::shuffle may differ between libraries.
    std::mt19937_64 random(seed);
    for (std::size_t i = cases.size(); i > 1; --i) std::swap(cases[i - 1], cases[random() % i]);

    std::map<std::string, std::vector<std::size_t>> places;
    for (std::size_t i = 0; i < cases.size(); ++i)
        if (is_blas3(cases[i])) places[family_of(cases[i])].push_back(i);
    for (const auto& [family, indices] : places) {
        std::vector<Case> sizes;
        for (const std::size_t i : indices) sizes.push_back(cases[i]);
        std::stable_sort(sizes.begin(), sizes.end(),
                         [](const Case& a, const Case& b) { return work_of(a) < work_of(b); });
        for (std::size_t i = 0; i < indices.size(); ++i) cases[indices[i]] = std::move(sizes[i]);
    }
}

void SlowSizes::note(const Measurement& measurement) {
    const Case& what = measurement.what;
    if (!is_blas3(what)) return;
    for (const auto& [name, value] : what.shape)
        if (axis(what.shape, name) < slow_size_min) return;
    std::string reason;
    if (measurement.outcome == Outcome::measured && measurement.gops &&
        *measurement.gops < slow_gops)
        reason = fmt::format("not measured (slow): {:.3g} GOPS at {}, below {:g}",
                             *measurement.gops, to_string(what.shape), slow_gops);
    else if (measurement.outcome == Outcome::timed_out)
        reason = fmt::format("not measured (slow): {} timed out", to_string(what.shape));
    if (reason.empty()) return;
    slow_.try_emplace(family_of(what), Slow{work_of(what), reason});
}

std::string SlowSizes::skip_reason(const Case& what) const {
    if (!is_blas3(what)) return {};
    const auto slow = slow_.find(family_of(what));
    if (slow == slow_.end() || work_of(what) <= slow->second.work) return {};
    return slow->second.reason;
}

}  // namespace peakward
