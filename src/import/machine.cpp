// The machine, its software and its state, as an older profile's metadata tells them.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "core/device.hpp"
#include "core/text.hpp"
#include "import/profile_parts.hpp"

namespace peakward::older {
namespace {

Fact<std::string> known(const std::string& value, const char* field) {
    if (value.empty()) return Fact<std::string>::unknown(not_recorded);
    return Fact<std::string>::known(value, fmt::format("older profile: {}", field));
}

template <typename T>
Fact<T> unknown() {
    return Fact<T>::unknown(not_recorded);
}

// A name of a board, which is not the name of its processor.
bool is_board(const std::string& machine) {
    for (const char* word : {"jetson", "raspberry", "orin", "xavier"})
        if (machine.find(word) != std::string::npos) return true;
    return false;
}

void forget(CpuInfo& cpu) {
    cpu.model = cpu.vendor = cpu.microcode = unknown<std::string>();
    cpu.family = cpu.model_number = cpu.stepping = cpu.sockets = unknown<int>();
    cpu.cores_physical = cpu.cores_logical = cpu.numa_nodes = unknown<int>();
}

void forget(Environment& e) {
    e.power_mode = e.cpu_governor = e.frequency_driver = e.energy_preference = e.turbo =
        e.thermal_state = e.virtualization = e.transparent_huge_pages = e.numa_balancing =
            unknown<std::string>();
    e.temperature_c = e.load_average_1m = e.busy_percent = e.steal_percent =
        e.psi_cpu_some_avg10_percent = e.psi_memory_some_avg10_percent = e.cpu_quota_cpus =
            unknown<double>();
    e.memory_limit_bytes = unknown<std::int64_t>();
}

void forget(GpuInfo& gpu) {
    gpu.model = gpu.pci_id = gpu.pci_address = gpu.vbios = gpu.driver = gpu.compute_capability =
        gpu.ecc = gpu.mig = gpu.throttle = unknown<std::string>();
    gpu.memory_mb = gpu.multiprocessors = gpu.other_processes = unknown<int>();
    gpu.clock_max_mhz = gpu.power_limit_w = gpu.power_limit_default_w = gpu.temperature_c =
        unknown<double>();
}

void read_hardware(const Fields& metadata, const ProfileFacts& facts, ImportedRun& imported) {
    Hardware& hardware = imported.run.context.hardware;
    forget(hardware.cpu);
    hardware.product_name = unknown<std::string>();
    MemoryInfo& memory = hardware.memory;
    memory.total_gb = memory.configured_mts = unknown<double>();
    memory.total_bytes = memory.available_bytes = unknown<std::int64_t>();
    memory.channels = unknown<int>();
    memory.type = unknown<std::string>();

    // The older tool wrote platform.machine() into cpu_model: an architecture is no model.
    const std::string cpu_model = metadata.text("cpu_model");
    hardware.cpu.architecture = architecture_word(metadata.text("platform_architecture"));
    if (hardware.cpu.architecture.empty()) hardware.cpu.architecture = architecture_word(cpu_model);
    if (architecture_word(cpu_model).empty()) hardware.cpu.model = known(cpu_model, "cpu_model");
    const auto device = parse_device(facts.device);
    const bool gpu = device && device->kind != "cpu";
    if (is_board(imported.machine))
        hardware.product_name = known(facts.name, "hardware_name");
    else if (!gpu && !hardware.cpu.model)
        hardware.cpu.model = known(facts.name, "hardware_name");
    if (gpu) {
        GpuInfo& card = hardware.gpus.emplace_back();
        forget(card);
        card.vendor = vendor_of_gpu("", facts.name);
        if (card.vendor.empty()) card.vendor = vendor_of_kind(device->kind);
        card.device = known(facts.device, "device_type");
        card.model = known(facts.name, "hardware_name");
    }
    // psutil's count of physical cores: 12 for a processor whose clocks are listed 20 times.
    if (const auto cores = metadata.whole("cpu_count"); cores && *cores > 0 && *cores < 1'000'000)
        hardware.cpu.cores_physical =
            Fact<int>::known(static_cast<int>(*cores), "older profile: cpu_count");
    const double gib = metadata.number("total_memory_gb").value_or(0);
    if (gib > 0 && gib < 1e6)
        memory.total_bytes = Fact<std::int64_t>::known(std::int64_t{std::llround(gib * 0x1p30)},
                                                       "older profile: total_memory_gb");
}

void read_software(const Fields& metadata, const ProfileFacts& facts, ImportedRun& imported) {
    auto& components = imported.run.context.software.components;
    for (const char* name : {"os_kernel", "os_distro", "gpu_driver_version", "cuda_version",
                             "pytorch_version", "numpy_version", "blas_library"})
        components[name] = unknown<std::string>();
    for (const char* name : {"python_version", "pytorch_version", "numpy_version"})
        components[name] = known(metadata.text(name), name);
    if (facts.framework.empty()) return;
    BackendInfo backend;
    backend.backend = facts.framework;
    backend.available = true;
    backend.devices = {facts.device};
    const auto version = components.find(facts.framework + "_version");
    if (version != components.end() && version->second)
        backend.versions[facts.framework] = *version->second;
    imported.run.backends.push_back(std::move(backend));
}

void record(Origin& origin, const Fields& from, const std::string& prefix,
            std::initializer_list<const char*> names, const Json& json) {
    for (const char* name : names)
        if (from.has(name)) {
            const Json& value = json.at(name);
            origin.recorded[prefix + name] =
                value.is_string() ? value.get<std::string>() : value.dump();
        }
}

void read_clocks(const Json& json, const Fields& metadata, ImportedRun& imported,
                 std::string& trouble) {
    Environment& environment = imported.run.context.environment;
    Origin& origin = *imported.run.origin;
    const Json& cpu_json = metadata.object("cpu_clock");
    const Fields cpu(cpu_json, "metadata.cpu_clock", trouble);
    environment.cpu_governor = known(cpu.text("governor"), "cpu_clock.governor");
    environment.frequency_driver = known(cpu.text("driver"), "cpu_clock.driver");
    if (const auto turbo = cpu.flag("turbo_enabled"))
        environment.turbo = known(*turbo ? "enabled" : "disabled", "cpu_clock.turbo_enabled");
    record(origin, cpu, "cpu_clock.",
           {"current_freq_mhz", "min_freq_mhz", "max_freq_mhz", "base_freq_mhz",
            "per_core_freq_mhz", "query_method"},
           cpu_json);

    const Json& gpu_json = metadata.object("gpu_clock");
    const Fields gpu(gpu_json, "metadata.gpu_clock", trouble);
    environment.power_mode = known(gpu.text("power_mode_name"), "gpu_clock.power_mode_name");
    const double clock_mhz = gpu.number("max_sm_clock_mhz").value_or(0);
    if (clock_mhz > 0 && !imported.run.context.hardware.gpus.empty())
        imported.run.context.hardware.gpus.front().clock_max_mhz =
            Fact<double>::known(clock_mhz, "older profile: gpu_clock.max_sm_clock_mhz");
    record(origin, gpu, "gpu_clock.",
           {"sm_clock_mhz", "max_sm_clock_mhz", "mem_clock_mhz", "nvpmodel_mode", "query_method"},
           gpu_json);
    record(origin, metadata, "",
           {"hardware_name", "num_warmup_runs", "num_measurement_runs", "device_type"}, json);
}

// "46°C (cool)" -> 46 and "cool".
void read_thermal(const std::string& message, Environment& environment) {
    const auto digits = message.find_first_not_of("0123456789.");
    if (const auto degrees = parse_number(message.substr(0, digits)))
        environment.temperature_c = Fact<double>::known(*degrees, "older profile: preflight");
    const auto open = message.find('('), close = message.find(')');
    if (open != std::string::npos && close != std::string::npos && close > open + 1)
        environment.thermal_state = known(message.substr(open + 1, close - open - 1), "preflight");
}

void read_preflight(const Fields& metadata, ImportedRun& imported, std::string& trouble) {
    Run& run = imported.run;
    const Fields preflight(metadata.object("preflight"), "metadata.preflight", trouble);
    if (const auto passed = preflight.flag("passed"))
        run.preflight.verdict = *passed ? CheckStatus::pass : CheckStatus::fail;
    if (preflight.flag("forced").value_or(false)) run.flags.emplace_back("forced");
    const Json& checks = preflight.list("checks");
    for (std::size_t i = 0; i < checks.size() && trouble.empty(); ++i) {
        const Fields check(checks[i], fmt::format("metadata.preflight.checks[{}]", i), trouble);
        Check made;
        made.title = check.text("name");
        made.id = to_lower(made.title);
        std::replace(made.id.begin(), made.id.end(), ' ', '_');
        const std::string status = check.text("status"), message = check.text("message");
        if (status == "passed") made.status = CheckStatus::pass;
        if (status == "failed") made.status = CheckStatus::fail;
        // A warning of the older tool is neither: it went on and said so.
        made.evidence =
            status == "passed" || status == "failed" ? message : status + ": " + message;
        if (made.id == "thermal_state") read_thermal(message, run.context.environment);
        run.preflight.checks.push_back(std::move(made));
    }
}

}  // namespace

std::string architecture_word(const std::string& text) {
    const std::string word = to_lower(trim(text));
    if (word == "x86_64" || word == "amd64" || word == "x64") return "x86_64";
    if (word == "aarch64" || word == "arm64") return "aarch64";
    return "";
}

std::string machine_words(const std::string& hardware_name) {
    static const std::set<std::string> empty_words{"cpu", "gpu", "nvidia", "r", "tm"};
    std::string words, word;
    const auto finish = [&] {
        if (!word.empty() && !empty_words.contains(word))
            words += (words.empty() ? "" : " ") + word;
        word.clear();
    };
    for (const char c : hardware_name) {
        if (std::isalnum(static_cast<unsigned char>(c)))
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else
            finish();
    }
    finish();
    return words;
}

void read_metadata(const Json& document, ProfileFacts& facts, ImportedRun& imported,
                   std::string& trouble) {
    const Fields top(document, "", trouble);
    const Json& json = top.object("metadata");
    const Fields metadata(json, "metadata", trouble);
    Run& run = imported.run;
    run.origin->tool = metadata.text("calibration_tool_version");
    facts.name = metadata.text("hardware_name");
    facts.framework = to_lower(metadata.text("framework"));
    const std::string device = metadata.text("device_type");
    if (!device.empty()) facts.device = older_device(device);
    facts.trials = static_cast<int>(
        std::clamp<std::int64_t>(metadata.whole("num_measurement_runs").value_or(0), 0, 1'000'000));
    imported.machine = machine_words(facts.name);
    run.timestamp = metadata.text("calibration_date");
    forget(run.context.environment);
    read_hardware(metadata, facts, imported);
    read_software(metadata, facts, imported);
    read_clocks(json, metadata, imported, trouble);
    read_preflight(metadata, imported, trouble);

    const std::string& architecture = run.context.hardware.cpu.architecture;
    if (is_board(imported.machine) && architecture == "x86_64")
        add_doubt(
            imported.doubts, "platform_mismatch",
            fmt::format("it is called '{}', and its CPU is x86_64: it was measured on another "
                        "machine than it is named after",
                        facts.name));
    if (imported.machine.empty())
        add_doubt(imported.doubts, "hardware_unnamed", "it does not say what hardware it is of");
}

}  // namespace peakward::older
