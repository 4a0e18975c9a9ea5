#include "session/products.hpp"

#include <algorithm>

#include "core/device.hpp"
#include "core/text.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

bool is_gpu(const HardwareSpec& spec) { return spec.kind == "gpu" || spec.kind == "accelerator"; }

// The kind of device as which a product is used. Gaudi is Intel's, with a kind of its own.
std::string platform_of(const HardwareSpec& spec) {
    const bool gaudi = spec.vendor == "intel" && spec.kind == "accelerator";
    return gaudi ? "hpu" : std::string(kind_of_vendor(spec.vendor));
}

PresetVerdict check_gpu(const HardwareSpec& preset, const HostFacts& host,
                        const std::vector<DeviceMatch>& matches) {
    PresetVerdict verdict;
    const std::string platform = platform_of(preset) + ":";
    std::string seen;
    for (const HostFacts::Gpu& gpu : host.gpus) {
        const DeviceMatch* match = find_device(matches, gpu.device);
        if (match && match->product == &preset) {
            verdict.confirmed = true;
            verdict.device = gpu.device;
            return verdict;
        }
        seen += (seen.empty() ? "" : ", ") + (gpu.model.empty() ? gpu.pci_id : gpu.model);
        // A GPU of the vendor that no entry names may be this one.
        const bool nameless = !match || (!match->product && match->candidates.empty());
        const bool other = !preset.compute_capability.empty() && !gpu.compute_capability.empty() &&
                           gpu.compute_capability != preset.compute_capability;
        if (verdict.device.empty() && nameless && !other && gpu.unusable.empty() &&
            gpu.device.starts_with(platform))
            verdict.device = gpu.device;
    }
    if (!verdict.device.empty()) return verdict;
    verdict.mismatch =
        seen.empty()
            ? fmt::format("{} is a {}, and this machine shows none", preset.id, preset.kind)
            : fmt::format("{} is not in this machine, which has {}", preset.id, seen);
    return verdict;
}

// Vendors whose processors are nobody else's: a guest may hide its product, never its maker.
std::string maker_of(const HostFacts& host) {
    if (host.cpu_vendor == "GenuineIntel") return "intel";
    return host.cpu_vendor == "AuthenticAMD" ? "amd" : "";
}

PresetVerdict check_cpu(const HardwareSpec& preset, const HostFacts& host,
                        const std::vector<DeviceMatch>& matches) {
    PresetVerdict verdict;
    verdict.device = "cpu";
    const DeviceMatch* cpu = find_device(matches, "cpu");
    verdict.confirmed = cpu && cpu->product == &preset;
    const std::string maker = maker_of(host);
    if (!maker.empty() && maker != preset.vendor)
        verdict.mismatch = fmt::format("{} is made by {}, and this machine's CPU by {}", preset.id,
                                       preset.vendor, maker);
    if (cpu && !cpu->product && !cpu->architecture.empty() && !preset.microarchitecture.empty() &&
        cpu->architecture != preset.microarchitecture)
        verdict.mismatch = fmt::format("the cores of this machine are {}, and those of {} are {}",
                                       cpu->architecture, preset.id, preset.microarchitecture);
    if (cpu && cpu->product && !verdict.confirmed)
        verdict.mismatch = fmt::format("this machine's CPU is {} ({}), not {}", cpu->product->id,
                                       cpu->verdict, preset.id);
    return verdict;
}

PresetVerdict check_board(const HardwareSpec& preset, const std::vector<DeviceMatch>& matches) {
    PresetVerdict verdict;
    const DeviceMatch* board = find_device(matches, "board");
    verdict.confirmed = board && board->product == &preset;
    if (verdict.confirmed) return verdict;
    verdict.mismatch =
        board && board->product
            ? fmt::format("this machine is {}, not {}", board->product->id, preset.id)
            : fmt::format("nothing shows that this machine is {}", preset.id);
    return verdict;
}

MatchedProduct matched(const std::string& device, const HardwareSpec& spec, double confidence,
                       std::string reason, const Context& context) {
    return {device,
            spec.id,
            spec.spec_version,
            confidence,
            std::move(reason),
            power_mode_of(spec, context.environment.power_mode.value_or(""))};
}

void put(std::vector<MatchedProduct>& products, MatchedProduct product) {
    for (MatchedProduct& known : products)
        if (known.device == product.device) {
            known = std::move(product);
            return;
        }
    products.push_back(std::move(product));
}

}  // namespace

Result<const HardwareSpec*> preset_of(const HardwareDatabase& database, const std::string& name) {
    if (name.empty()) return nullptr;
    auto spec = need_product(database, name);
    if (!spec) return wrong_usage("--preset: " + spec.error().message);
    return *spec;
}

PresetVerdict check_preset(const HardwareSpec& preset, const HostFacts& host,
                           const std::vector<DeviceMatch>& matches) {
    if (!preset.host_architecture.empty() && preset.host_architecture != host.architecture) {
        PresetVerdict verdict;
        verdict.mismatch = fmt::format("{} needs an {} machine, and this one is {}", preset.id,
                                       preset.host_architecture, host.architecture);
        verdict.device = is_gpu(preset)         ? platform_of(preset) + ":0"
                         : preset.kind == "cpu" ? "cpu"
                                                : "";
        return verdict;
    }
    if (is_gpu(preset)) {
        PresetVerdict verdict = check_gpu(preset, host, matches);
        if (verdict.device.empty()) verdict.device = platform_of(preset) + ":0";
        return verdict;
    }
    return preset.kind == "board" ? check_board(preset, matches) : check_cpu(preset, host, matches);
}

std::string preset_refusal(const std::string& asked, const PresetVerdict& verdict,
                           const HardwareDatabase& database, const HostFacts& host,
                           const std::vector<DeviceMatch>& matches) {
    std::string text = fmt::format("--preset {}: platform mismatch: {}. ", asked, verdict.mismatch);
    std::vector<std::string> fitting;
    for (const HardwareSpec& spec : database.specs)
        if (check_preset(spec, host, matches).mismatch.empty())
            fitting.push_back(spec.aliases.empty()
                                  ? spec.id
                                  : fmt::format("{} ({})", spec.id, spec.aliases.front()));
    text += fitting.empty() ? std::string("No product of the database fits this machine.")
                            : "Presets that fit this machine:";
    for (const std::string& name : fitting) text += "\n  " + name;
    return text +
           "\nWithout --preset the machine is detected; --skip-platform-check measures all "
           "the same, and the run is then flagged.";
}

std::vector<MatchedProduct> products_of(const std::vector<DeviceMatch>& matches,
                                        const Context& context, const HardwareSpec* preset,
                                        const PresetVerdict& verdict,
                                        const HardwareDatabase& database) {
    std::vector<MatchedProduct> products;
    for (const DeviceMatch& match : matches)
        if (match.product && match.device != "board")
            products.push_back(
                matched(match.device, *match.product, match.confidence, match.verdict, context));
    if (!preset) return products;
    if (verdict.confirmed) {
        const auto& parts = preset->contains;
        for (MatchedProduct& product : products)
            if (product.product == preset->id ||
                std::find(parts.begin(), parts.end(), product.product) != parts.end())
                product.reason += fmt::format("; named by --preset {}", preset->id);
        return products;
    }
    const std::string reason =
        fmt::format("named by --preset {}; the host does not show it", preset->id);
    if (preset->kind != "board") {
        put(products, matched(verdict.device, *preset, 0, reason, context));
        return products;
    }
    for (const std::string& id : preset->contains)
        if (const HardwareSpec* part = database.find(id))
            put(products, matched(is_gpu(*part) ? platform_of(*part) + ":0" : "cpu", *part, 0,
                                  reason, context));
    return products;
}

bool needs_word_of_workers(const Hardware& hardware, const std::vector<std::string>& devices) {
    return std::any_of(devices.begin(), devices.end(), [&](const std::string& device) {
        const auto name = parse_device(device);
        if (!name || name->kind == "cpu") return false;
        const std::string_view vendor = vendor_of_kind(name->kind);
        const auto of_kind = [&](const GpuInfo& gpu) { return gpu.vendor == vendor; };
        return std::count_if(hardware.gpus.begin(), hardware.gpus.end(), of_kind) > 1 ||
               !why_not_numbered(hardware, {device}).empty();
    });
}

void number_by_workers(const std::vector<BackendInfo>& backends, Hardware& hardware) {
    for (const BackendInfo& backend : backends)
        for (const auto& [device, id] : backend.device_ids) {
            const std::string address = pci_address(id);
            const auto is_meant = [&](const GpuInfo& gpu) {
                return address.empty() ? std::any_of(gpu.uuids.begin(), gpu.uuids.end(),
                                                     [&](const std::string& uuid) {
                                                         return to_lower(uuid) == to_lower(id);
                                                     })
                                       : gpu.pci_address.value_or("") == address;
            };
            const auto meant = std::find_if(hardware.gpus.begin(), hardware.gpus.end(), is_meant);
            if (meant == hardware.gpus.end() || meant->device.value_or("") == device) continue;
            const std::string source = fmt::format("the {} worker: {}", backend.backend, id);
            for (GpuInfo& gpu : hardware.gpus)
                if (gpu.device.value_or("") == device)
                    gpu.device = Fact<std::string>::unknown(
                        fmt::format("{} is another GPU, by {}", device, source));
            meant->device = Fact<std::string>::known(device, source);
        }
}

std::string why_not_numbered(const Hardware& hardware, const std::vector<std::string>& devices) {
    for (const std::string& device : devices) {
        const auto name = parse_device(device);
        if (!name || name->kind == "cpu" || find_gpu(hardware, device)) continue;
        for (const GpuInfo& gpu : hardware.gpus)
            if (gpu.vendor == vendor_of_kind(name->kind) && is_not_numbered(gpu))
                return fmt::format("{}: {}", device, gpu.device.reason());
    }
    return "";
}

std::vector<std::string> drop_mistaken_gpus(Run& run) {
    std::vector<std::string> said;
    const HostFacts host = host_facts(run.context);
    const auto is_mistaken = [&](const MatchedProduct& product) {
        const auto gpu =
            std::find_if(host.gpus.begin(), host.gpus.end(),
                         [&](const HostFacts::Gpu& at) { return at.device == product.device; });
        if (gpu == host.gpus.end() || gpu->model.empty()) return false;
        for (const BackendInfo& backend : run.backends) {
            const auto name = backend.versions.find(product.device);
            if (name == backend.versions.end() || name->second == gpu->model) continue;
            said.push_back(
                fmt::format("{} calls itself {}, and {} stands at its place on the bus: it is not "
                            "held against {}",
                            product.device, name->second, gpu->model, product.product));
            return true;
        }
        return false;
    };
    std::erase_if(run.products, is_mistaken);
    return said;
}

std::vector<DeviceSpec> device_specs(const std::vector<MatchedProduct>& products,
                                     const HardwareDatabase& database) {
    std::vector<DeviceSpec> specs;
    for (const MatchedProduct& product : products)
        if (const HardwareSpec* spec = database.find(product.product))
            specs.push_back({product.device, spec, product.power_mode});
    return specs;
}

void use_current_specs(Run& run, const HardwareDatabase& database,
                       std::span<const ProbedClass> history) {
    std::vector<MatchedProduct> products = run.products;
    if (products.empty())
        products = products_of(Matcher(database).match(host_facts(run.context)), run.context,
                               nullptr, {}, database);
    rescore(run, device_specs(products, database), history);
}

}  // namespace peakward
