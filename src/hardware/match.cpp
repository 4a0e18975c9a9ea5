#include "hardware/match.hpp"

#include <algorithm>

#include "catalog/designs.hpp"
#include "core/device.hpp"
#include "core/text.hpp"
#include "hardware/name_pattern.hpp"

namespace peakward {

struct Matcher::Compiled {
    const HardwareSpec* spec = nullptr;
    const DetectionPattern* pattern = nullptr;
    std::optional<NamePattern> cpu_model, gpu_model, product_name;
};

namespace {

std::optional<int> number_of(const Fact<int>& fact) {
    return fact ? std::optional(*fact) : std::nullopt;
}

template <typename T>
bool holds(const std::optional<T>& wanted, const std::optional<T>& seen) {
    return !wanted || (seen && *wanted == *seen);
}

bool holds(const std::optional<NamePattern>& wanted, const std::string& seen) {
    return !wanted || (!seen.empty() && wanted->matches(seen));
}

// Equalities before expressions: they are cheap and settle most cases.
bool host_holds(const DetectionPattern& pattern, const HostFacts& host) {
    if (pattern.cpu_vendor && *pattern.cpu_vendor != host.cpu_vendor) return false;
    if (pattern.device_tree && std::find(host.device_tree.begin(), host.device_tree.end(),
                                         *pattern.device_tree) == host.device_tree.end())
        return false;
    return holds(pattern.cpu_family, host.cpu_family) &&
           holds(pattern.cpu_model_number, host.cpu_model_number) &&
           holds(pattern.cpu_stepping, host.cpu_stepping) &&
           holds(pattern.cores_per_socket, host.cores_per_socket);
}

void sort_by_confidence(std::vector<Candidate>& candidates) {
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        if (a.confidence != b.confidence) return a.confidence > b.confidence;
        return a.spec->id < b.spec->id;
    });
}

void keep_best(std::vector<Candidate>& candidates, const HardwareSpec& spec,
               const DetectionPattern& pattern) {
    for (Candidate& known : candidates)
        if (known.spec == &spec) {
            if (pattern.confidence > known.confidence)
                known = {&spec, pattern.confidence, pattern.reason};
            return;
        }
    candidates.push_back({&spec, pattern.confidence, pattern.reason});
}

bool holds(const Architecture::Pattern& pattern, const HostFacts& host) {
    if (pattern.cpu_vendor != host.cpu_vendor || host.cpu_family != pattern.family) return false;
    const int model = host.cpu_model_number.value_or(-1);
    if (model < pattern.model_first || model > pattern.model_last) return false;
    const int stepping = host.cpu_stepping.value_or(-1);
    if (pattern.stepping_first && stepping < *pattern.stepping_first) return false;
    if (pattern.stepping_last && stepping > *pattern.stepping_last) return false;
    return std::all_of(pattern.isa.begin(), pattern.isa.end(), [&](const std::string& name) {
        return std::find(host.isa.begin(), host.isa.end(), name) != host.isa.end();
    });
}

struct KnownDesign {
    const Architecture* architecture = nullptr;
    double confidence = 0;
    std::string reason;
};
KnownDesign design_of(const std::vector<Architecture>& architectures, const HostFacts& host) {
    KnownDesign best;
    for (const Architecture& architecture : architectures)
        for (const Architecture::Pattern& pattern : architecture.detection)
            if (pattern.confidence > best.confidence && holds(pattern, host))
                best = {&architecture, pattern.confidence, pattern.reason};
    return best;
}

// What the instruction sets say against a design that the numbers name: a hypervisor may show
// another model than the core's own.
std::string disowned(const std::string& design, std::string_view foreign) {
    return fmt::format(
        "; by family, model and stepping it would be {}, which has no {}: the hypervisor shows "
        "another model, and its architecture is not known",
        design, foreign);
}

// "Intel(R) Xeon(R) Processor" names no product: the sentence for that.
std::string no_product(const std::string& what, const std::string& name) {
    if (name.empty()) return fmt::format("the {} does not say what it is", what);
    return fmt::format("'{}' names no product of the database", name);
}

// What shows that a CPU is not this product; "" when nothing does.
std::string cpu_contradiction(const HardwareSpec& spec, const HostFacts& host) {
    const std::string& seen = host.microarchitecture;
    const bool known_design =
        seen.empty() || spec.microarchitecture.empty() || seen == spec.microarchitecture ||
        std::any_of(spec.cores.begin(), spec.cores.end(),
                    [&](const CoreGroup& group) { return group.microarchitecture == seen; });
    if (!known_design)
        return fmt::format("its cores are {}, and those of {} are {}", seen, spec.id,
                           spec.microarchitecture);
    const std::string_view foreign =
        catalog::foreign_instruction_set(spec.microarchitecture, host.isa);
    if (!foreign.empty()) return fmt::format("it has {}, which {} lacks", foreign, spec.id);
    const auto other_revision = [&](const DetectionPattern& pattern) {
        return pattern.cpu_stepping && host.cpu_stepping &&
               *pattern.cpu_stepping != *host.cpu_stepping;
    };
    const auto states_revision = [](const DetectionPattern& pattern) {
        return pattern.cpu_stepping.has_value();
    };
    const auto& patterns = spec.detection;
    if (std::any_of(patterns.begin(), patterns.end(), states_revision) &&
        std::all_of(patterns.begin(), patterns.end(), [&](const DetectionPattern& pattern) {
            return !states_revision(pattern) || other_revision(pattern);
        }))
        return fmt::format("its stepping is {}, which is none of {}", *host.cpu_stepping, spec.id);
    return "";
}

// A driver leaves out what ECC and the firmware take, at most an eighth (15 of the 16 GB of a T4),
// and vendors call both GB and GiB "GB".
constexpr double memory_share_least = 0.85;
constexpr double memory_share_most = 1.12;

std::string memory_contradiction(const HardwareSpec& spec, const HostFacts::Gpu& gpu) {
    if (!gpu.memory_gb || !spec.memory || !spec.memory->capacity_gb || !*spec.memory->capacity_gb)
        return "";
    const double whole = *spec.memory->capacity_gb->value / spec.devices;
    const double share = *gpu.memory_gb / whole;
    if (share >= memory_share_least && share <= memory_share_most) return "";
    return fmt::format("it has {:.1f} GB of memory, and {} has {:.4g}", *gpu.memory_gb, spec.id,
                       whole);
}

void settle(DeviceMatch& match, const std::string& what, const std::string& name,
            const std::vector<std::string>& contradictions) {
    sort_by_confidence(match.candidates);
    if (match.candidates.empty()) {
        match.verdict = no_product(what, name);
        for (const std::string& contradiction : contradictions)
            match.verdict += "; " + contradiction;
        return;
    }
    const Candidate& best = match.candidates.front();
    if (match.candidates.size() > 1 && match.candidates[1].confidence == best.confidence) {
        match.verdict =
            fmt::format("{} and {} match it equally well ({:.2f}), so it is taken for neither",
                        best.spec->id, match.candidates[1].spec->id, best.confidence);
        return;
    }
    if (best.confidence < confidence_least) {
        match.verdict = fmt::format("it may be {} ({:.2f}: {}), which is too doubtful to name it",
                                    best.spec->id, best.confidence, best.reason);
        return;
    }
    match.product = best.spec;
    match.confidence = best.confidence;
    match.verdict = best.reason;
    if (!best.spec->microarchitecture.empty()) match.architecture = best.spec->microarchitecture;
}

// A product that shows itself as several devices (the dies of an MI250X) has them side by side on
// the bus.
void tell_parts(std::vector<DeviceMatch>& matches) {
    std::map<const HardwareSpec*, std::vector<DeviceMatch*>> by_product;
    for (DeviceMatch& match : matches)
        if (match.product && match.product->devices > 1)
            by_product[match.product].push_back(&match);
    for (auto& [spec, devices] : by_product) {
        const auto each = static_cast<std::size_t>(spec->devices);
        for (std::size_t i = 0; i < devices.size(); ++i) {
            std::vector<std::string> together;
            const std::size_t first = i - i % each;
            for (std::size_t k = first; k < std::min(first + each, devices.size()); ++k)
                together.push_back(devices[k]->device);
            devices[i]->verdict += fmt::format(
                "; {} {} one {}, of which each device has 1/{}", fmt::join(together, " and "),
                together.size() == each ? "are" : "is a part of", spec->id, each);
        }
    }
}

}  // namespace

HostFacts host_facts(const Context& context) {
    const Hardware& hardware = context.hardware;
    const CpuInfo& cpu = hardware.cpu;
    HostFacts host;
    host.architecture = cpu.architecture;
    host.cpu_model = cpu.model.value_or("");
    host.cpu_vendor = cpu.vendor.value_or("");
    host.product_name = hardware.product_name.value_or("");
    host.microarchitecture = cpu.microarchitecture;
    if (host.microarchitecture.empty() && cpu.core_kinds.size() == 1)
        host.microarchitecture = cpu.core_kinds.front().microarchitecture;
    host.cpu_family = number_of(cpu.family);
    host.cpu_model_number = number_of(cpu.model_number);
    host.cpu_stepping = number_of(cpu.stepping);
    if (cpu.cores_physical && cpu.sockets && *cpu.sockets > 0)
        host.cores_per_socket = *cpu.cores_physical / *cpu.sockets;
    host.isa = cpu.isa;
    host.device_tree = hardware.device_tree;
    std::map<std::string, int> counts;
    for (const GpuInfo& gpu : hardware.gpus) {
        HostFacts::Gpu facts;
        const std::string kind(kind_of_vendor(gpu.vendor));
        if (gpu.device) {
            facts.device = *gpu.device;
        } else if (gpu.device == Fact<std::string>()) {
            // A record from before devices were numbered.
            facts.device = fmt::format("{}:{}", kind, counts[kind]++);
        } else {
            facts.device = gpu.pci_address.value_or(gpu.vendor);
            facts.unusable = gpu.device.reason();
        }
        facts.model = gpu.model.value_or("");
        facts.is_named_by_driver = gpu.model.source() != named_by_pci_id;
        facts.pci_id = to_lower(gpu.pci_id.value_or(""));
        facts.compute_capability = gpu.compute_capability.value_or("");
        if (gpu.memory_mb && gpu.memory_mb.source() != shared_memory)
            facts.memory_gb = *gpu.memory_mb / 1024.0;
        host.gpus.push_back(std::move(facts));
    }
    return host;
}

Matcher::Matcher(const HardwareDatabase& database) : architectures_(database.architectures) {
    const auto compile = [](const std::optional<std::string>& text, bool& sound) {
        std::optional<NamePattern> made;
        if (!text) return made;
        auto pattern = NamePattern::make(*text);
        if (pattern)
            made = std::move(*pattern);
        else
            sound = false;
        return made;
    };
    for (const HardwareSpec& spec : database.specs)
        for (const DetectionPattern& pattern : spec.detection) {
            bool sound = true;
            Compiled compiled{&spec, &pattern, compile(pattern.cpu_model, sound),
                              compile(pattern.gpu_model, sound),
                              compile(pattern.product_name, sound)};
            if (sound) patterns_.push_back(std::move(compiled));
        }
}

Matcher::~Matcher() = default;

bool Matcher::names(const HardwareSpec& spec, const std::string& model) const {
    bool has_name = false;
    for (const Compiled& compiled : patterns_) {
        if (compiled.spec != &spec || !compiled.gpu_model) continue;
        has_name = true;
        if (compiled.gpu_model->matches(model)) return true;
    }
    return !has_name;
}

std::string Matcher::gpu_contradiction(const HardwareSpec& spec, const HostFacts::Gpu& gpu) const {
    if (!gpu.model.empty() && gpu.is_named_by_driver && !names(spec, gpu.model))
        return fmt::format("its driver calls it '{}', which is no name of {}", gpu.model, spec.id);
    return memory_contradiction(spec, gpu);
}

void Matcher::match_gpus(const Compiled& compiled, const HostFacts& host,
                         std::vector<Matching>& gpus) const {
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        const HostFacts::Gpu& gpu = host.gpus[i];
        if (!gpu.unusable.empty() || !holds(compiled.gpu_model, gpu.model) ||
            (compiled.pattern->pci_id && *compiled.pattern->pci_id != gpu.pci_id))
            continue;
        keep(compiled, gpu_contradiction(*compiled.spec, gpu), gpus[i]);
    }
}

void Matcher::keep(const Compiled& compiled, std::string contradiction, Matching& matching) {
    if (contradiction.empty())
        keep_best(matching.match.candidates, *compiled.spec, *compiled.pattern);
    else if (std::find(matching.contradictions.begin(), matching.contradictions.end(),
                       contradiction) == matching.contradictions.end())
        matching.contradictions.push_back(std::move(contradiction));
}

std::vector<DeviceMatch> Matcher::match(const HostFacts& host) const {
    Matching board, cpu;
    board.match.device = "board";
    cpu.match.device = "cpu";
    cpu.match.architecture = host.microarchitecture;
    std::vector<Matching> gpus(host.gpus.size());
    for (std::size_t i = 0; i < gpus.size(); ++i) gpus[i].match.device = host.gpus[i].device;
    for (const Compiled& compiled : patterns_) {
        const HardwareSpec& spec = *compiled.spec;
        const bool elsewhere =
            !spec.host_architecture.empty() && spec.host_architecture != host.architecture;
        const bool of_gpu = spec.kind == "gpu" || spec.kind == "accelerator";
        if (elsewhere || (of_gpu && gpus.empty()) || !host_holds(*compiled.pattern, host) ||
            !holds(compiled.cpu_model, host.cpu_model) ||
            !holds(compiled.product_name, host.product_name))
            continue;
        if (of_gpu) {
            match_gpus(compiled, host, gpus);
            continue;
        }
        const bool needs_gpu = compiled.gpu_model || compiled.pattern->pci_id;
        const bool has_gpu =
            std::any_of(host.gpus.begin(), host.gpus.end(), [&](const HostFacts::Gpu& gpu) {
                return holds(compiled.gpu_model, gpu.model) &&
                       (!compiled.pattern->pci_id || *compiled.pattern->pci_id == gpu.pci_id);
            });
        if (needs_gpu && !has_gpu) continue;
        if (spec.kind == "board")
            keep(compiled, "", board);
        else
            keep(compiled, cpu_contradiction(spec, host), cpu);
    }
    std::vector<DeviceMatch> matches;
    if (!board.match.candidates.empty()) {
        settle(board.match, "board", host.product_name, {});
        matches.push_back(std::move(board.match));
    }
    settle(cpu.match, "CPU", host.cpu_model, cpu.contradictions);
    if (!cpu.match.product) name_design(host, cpu.match);
    matches.push_back(std::move(cpu.match));
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        const HostFacts::Gpu& gpu = host.gpus[i];
        settle(gpus[i].match, "GPU", gpu.model.empty() ? gpu.pci_id : gpu.model,
               gpus[i].contradictions);
        if (!gpu.unusable.empty()) gpus[i].match.verdict = gpu.unusable;
        matches.push_back(std::move(gpus[i].match));
    }
    tell_parts(matches);
    return matches;
}

void Matcher::name_design(const HostFacts& host, DeviceMatch& cpu) const {
    // What the numbers say is all that is left, and it is no product.
    const KnownDesign design = design_of(architectures_, host);
    const std::string id = design.architecture ? design.architecture->id : cpu.architecture;
    const std::string_view foreign = catalog::foreign_instruction_set(id, host.isa);
    if (!foreign.empty()) {
        cpu.architecture.clear();
        cpu.verdict += disowned(design.architecture ? design.architecture->name : id, foreign);
    } else if (design.architecture) {
        cpu.architecture = design.architecture->id;
        cpu.architecture_confidence = design.confidence;
        cpu.verdict += fmt::format("; its architecture is {} ({:.2f}: {})",
                                   design.architecture->name, design.confidence, design.reason);
    } else if (!cpu.architecture.empty()) {
        cpu.verdict += fmt::format("; its architecture is {}, by family, model and stepping",
                                   cpu.architecture);
    }
}

const DeviceMatch* find_device(const std::vector<DeviceMatch>& matches, const std::string& device) {
    for (const DeviceMatch& match : matches)
        if (match.device == device) return &match;
    return nullptr;
}

}  // namespace peakward
