#include "hardware/match.hpp"

#include <algorithm>

#include "catalog/designs.hpp"
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

void settle(DeviceMatch& match, const std::string& what, const std::string& name) {
    sort_by_confidence(match.candidates);
    if (match.candidates.empty()) {
        match.verdict = no_product(what, name);
        return;
    }
    const Candidate& best = match.candidates.front();
    if (match.candidates.size() > 1 && match.candidates[1].confidence == best.confidence) {
        match.verdict =
            fmt::format("{} and {} match it equally well ({:.2f}), so it is taken for neither",
                        best.spec->id, match.candidates[1].spec->id, best.confidence);
        return;
    }
    match.product = best.spec;
    match.confidence = best.confidence;
    match.verdict = best.reason;
    if (!best.spec->microarchitecture.empty()) match.architecture = best.spec->microarchitecture;
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
        const std::string platform = gpu.vendor == "nvidia" ? "cuda"
                                     : gpu.vendor == "amd"  ? "rocm"
                                                            : "gpu";
        host.gpus.push_back({fmt::format("{}:{}", platform, counts[platform]++),
                             gpu.model.value_or(""), to_lower(gpu.pci_id.value_or("")),
                             gpu.compute_capability.value_or("")});
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

std::vector<DeviceMatch> Matcher::match(const HostFacts& host) const {
    DeviceMatch board, cpu;
    board.device = "board";
    cpu.device = "cpu";
    cpu.architecture = host.microarchitecture;
    std::vector<DeviceMatch> gpus(host.gpus.size());
    for (std::size_t i = 0; i < gpus.size(); ++i) gpus[i].device = host.gpus[i].device;
    for (const Compiled& compiled : patterns_) {
        const HardwareSpec& spec = *compiled.spec;
        const bool elsewhere =
            !spec.host_architecture.empty() && spec.host_architecture != host.architecture;
        const bool of_gpu = spec.kind == "gpu" || spec.kind == "accelerator";
        if (elsewhere || (of_gpu && gpus.empty()) || !host_holds(*compiled.pattern, host) ||
            !holds(compiled.cpu_model, host.cpu_model) ||
            !holds(compiled.product_name, host.product_name))
            continue;
        if (!of_gpu) {
            const bool needs_gpu = compiled.gpu_model || compiled.pattern->pci_id;
            const bool has_gpu =
                std::any_of(host.gpus.begin(), host.gpus.end(), [&](const HostFacts::Gpu& gpu) {
                    return holds(compiled.gpu_model, gpu.model) &&
                           (!compiled.pattern->pci_id || *compiled.pattern->pci_id == gpu.pci_id);
                });
            if (!needs_gpu || has_gpu)
                keep_best((spec.kind == "board" ? board : cpu).candidates, spec, *compiled.pattern);
            continue;
        }
        for (std::size_t i = 0; i < gpus.size(); ++i)
            if (holds(compiled.gpu_model, host.gpus[i].model) &&
                (!compiled.pattern->pci_id || *compiled.pattern->pci_id == host.gpus[i].pci_id))
                keep_best(gpus[i].candidates, spec, *compiled.pattern);
    }
    std::vector<DeviceMatch> matches;
    if (!board.candidates.empty()) {
        settle(board, "board", host.product_name);
        matches.push_back(std::move(board));
    }
    settle(cpu, "CPU", host.cpu_model);
    if (!cpu.product) {
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
    matches.push_back(std::move(cpu));
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        settle(gpus[i], "GPU",
               host.gpus[i].model.empty() ? host.gpus[i].pci_id : host.gpus[i].model);
        matches.push_back(std::move(gpus[i]));
    }
    return matches;
}

const DeviceMatch* find_device(const std::vector<DeviceMatch>& matches, const std::string& device) {
    for (const DeviceMatch& match : matches)
        if (match.device == device) return &match;
    return nullptr;
}

}  // namespace peakward
