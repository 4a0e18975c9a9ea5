#include "present/context_view.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "present/device_view.hpp"

namespace peakward {
namespace {

// One fact on the page: its JSON path, what people call it, and its text or why it is unknown.
struct Line {
    std::string group, key, label;
    std::string text;
    std::string unknown;  // the reason; "" when known
    std::string source;
};

class Lines {
public:
    void group(std::string name) { group_ = std::move(name); }

    void plain(const std::string& key, const std::string& label, std::string text) {
        if (!text.empty()) lines_.push_back({group_, key, label, std::move(text), {}, {}});
    }
    template <typename T>
    void fact(const std::string& key, const std::string& label, const Fact<T>& fact,
              Unit unit = Unit::none) {
        Line line{group_, key, label, {}, {}, fact.source()};
        if (fact)
            line.text = text_of(*fact, unit);
        else
            line.unknown = fact.reason().empty() ? "no reason recorded" : fact.reason();
        if (fact && line.text.empty()) line.text = "none";
        lines_.push_back(std::move(line));
    }
    std::vector<Line> take() { return std::move(lines_); }

private:
    static std::string text_of(const std::string& value, Unit) { return value; }
    static std::string text_of(int value, Unit unit) {
        return unit == Unit::none ? fmt::format("{}", value) : format_with_unit(value, unit);
    }
    static std::string text_of(std::int64_t value, Unit unit) {
        return unit == Unit::none ? fmt::format("{}", value)
                                  : format_with_unit(static_cast<double>(value), unit);
    }
    static std::string text_of(double value, Unit unit) { return format_with_unit(value, unit); }

    std::string group_;
    std::vector<Line> lines_;
};

// "0-3,8": how kernels write CPU lists.
std::string cpu_list(const std::vector<int>& cpus) {
    std::vector<std::string> ranges;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t end = i;
        while (end + 1 < cpus.size() && cpus[end + 1] == cpus[end] + 1) ++end;
        ranges.push_back(end == i ? fmt::format("{}", cpus[i])
                                  : fmt::format("{}-{}", cpus[i], cpus[end]));
        i = end + 1;
    }
    return fmt::format("{}", fmt::join(ranges, ","));
}

void add_core_kinds(Lines& lines, const CpuInfo& cpu) {
    for (const CoreKind& kind : cpu.core_kinds) {
        if (cpu.core_kinds.size() < 2 && kind.microarchitecture == cpu.microarchitecture) continue;
        lines.plain("hardware.cpu.core_kinds", kind.name.empty() ? "Cores" : "Cores, " + kind.name,
                    fmt::format("{} {} (CPUs {})", kind.cores,
                                kind.unknown_design.empty()
                                    ? kind.microarchitecture
                                    : "of an unknown design: " + kind.unknown_design,
                                cpu_list(kind.cpus)));
    }
}

void add_caches(Lines& lines, const CpuInfo& cpu) {
    for (const CacheLevel& cache : cpu.caches)
        lines.plain("hardware.cpu.caches", fmt::format("Cache L{} {}", cache.level, cache.type),
                    fmt::format("{} x {}, one for {} CPU{}", cache.instances,
                                format_value(static_cast<double>(cache.size_bytes), Unit::bytes),
                                cache.shared_by_cpus, cache.shared_by_cpus == 1 ? "" : "s"));
}

void add_cpu(Lines& lines, const CpuInfo& cpu) {
    lines.fact("hardware.cpu.model", "CPU", cpu.model);
    lines.fact("hardware.cpu.vendor", "Vendor", cpu.vendor);
    lines.plain("hardware.cpu.architecture", "Architecture", cpu.architecture);
    lines.plain("hardware.cpu.microarchitecture", "Microarchitecture", cpu.microarchitecture);
    lines.fact("hardware.cpu.family", "Family", cpu.family);
    lines.fact("hardware.cpu.model_number", "Model number", cpu.model_number);
    lines.fact("hardware.cpu.stepping", "Stepping", cpu.stepping);
    lines.fact("hardware.cpu.microcode", "Microcode", cpu.microcode);
    lines.fact("hardware.cpu.sockets", "Sockets", cpu.sockets);
    lines.fact("hardware.cpu.cores_physical", "Cores", cpu.cores_physical);
    lines.fact("hardware.cpu.cores_logical", "Logical CPUs", cpu.cores_logical);
    lines.fact("hardware.cpu.numa_nodes", "NUMA nodes", cpu.numa_nodes);
    add_core_kinds(lines, cpu);
    lines.plain("hardware.cpu.isa", "Instruction sets", fmt::format("{}", fmt::join(cpu.isa, " ")));
    add_caches(lines, cpu);
}

void add_gpus(Lines& lines, const std::vector<GpuInfo>& gpus) {
    if (gpus.empty()) lines.plain("hardware.gpus", "GPU", "none found");
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        const GpuInfo& gpu = gpus[i];
        const std::string key = fmt::format("hardware.gpus[{}].", i);
        const std::string label = gpus.size() == 1 ? "GPU" : fmt::format("GPU {}", i);
        lines.fact(key + "model", label, gpu.model);
        // A number is no news; that a run cannot use it is.
        if (!gpu.device && gpu.device != Fact<std::string>())
            lines.fact(key + "device", label + " device", gpu.device);
        lines.fact(key + "pci_id", label + " PCI id", gpu.pci_id);
        lines.fact(key + "vbios", label + " VBIOS", gpu.vbios);
        lines.fact(key + "memory_mb", label + " memory, MB", gpu.memory_mb);
        lines.fact(key + "driver", label + " driver", gpu.driver);
        lines.fact(key + "compute_capability", label + " compute", gpu.compute_capability);
        lines.fact(key + "clock_max_mhz", label + " clock", gpu.clock_max_mhz, Unit::mhz);
        lines.fact(key + "power_limit_w", label + " power cap", gpu.power_limit_w, Unit::watts);
        lines.fact(key + "ecc", label + " ECC", gpu.ecc);
        lines.fact(key + "mig", label + " MIG", gpu.mig);
        lines.fact(key + "throttle", label + " throttle", gpu.throttle);
        lines.fact(key + "temperature_c", label + " temperature", gpu.temperature_c, Unit::celsius);
    }
}

void add_hardware(Lines& lines, const Hardware& hardware) {
    lines.group("Hardware");
    lines.plain("hardware.fingerprint", "Fingerprint", hardware.fingerprint);
    lines.plain("hardware.lineage", "Lineage", hardware.lineage);
    lines.fact("hardware.product_name", "Product", hardware.product_name);
    add_cpu(lines, hardware.cpu);
    lines.fact("hardware.memory_total_gb", "Memory", hardware.memory.total_gb, Unit::gib);
    lines.fact("hardware.memory.total_bytes", "Memory seen", hardware.memory.total_bytes,
               Unit::bytes);
    lines.fact("hardware.memory.available_bytes", "Memory free", hardware.memory.available_bytes,
               Unit::bytes);
    lines.fact("hardware.memory.type", "Memory type", hardware.memory.type);
    lines.fact("hardware.memory.channels", "Memory channels", hardware.memory.channels);
    lines.fact("hardware.memory.configured_mts", "Memory rate, MT/s",
               hardware.memory.configured_mts);
    add_gpus(lines, hardware.gpus);
}

void add_software(Lines& lines, const Software& software) {
    lines.group("Software");
    lines.plain("software.fingerprint", "Fingerprint", software.fingerprint);
    lines.plain("software.stack_digest", "Stack digest", software.stack_digest);
    for (const auto& [name, version] : software.components)
        lines.fact("software.components." + name, name, version);
}

void add_environment(Lines& lines, const Environment& e) {
    lines.group("Environment");
    const std::string k = "environment.";
    lines.fact(k + "power_mode", "Power mode", e.power_mode);
    lines.fact(k + "cpu_governor", "CPU governor", e.cpu_governor);
    lines.fact(k + "frequency_driver", "Frequency driver", e.frequency_driver);
    lines.fact(k + "energy_preference", "Energy preference", e.energy_preference);
    lines.fact(k + "turbo", "Turbo", e.turbo);
    lines.fact(k + "thermal_state", "Thermal state", e.thermal_state);
    lines.fact(k + "temperature_c", "Temperature", e.temperature_c, Unit::celsius);
    lines.fact(k + "virtualization", "Virtualization", e.virtualization);
    lines.fact(k + "load_average_1m", "Load, 1 min", e.load_average_1m);
    lines.fact(k + "busy_percent", "Busy, by others", e.busy_percent, Unit::percent);
    lines.fact(k + "steal_percent", "Steal", e.steal_percent, Unit::percent);
    lines.fact(k + "psi_cpu_some_avg10_percent", "CPU pressure", e.psi_cpu_some_avg10_percent,
               Unit::percent);
    lines.fact(k + "psi_memory_some_avg10_percent", "Memory pressure",
               e.psi_memory_some_avg10_percent, Unit::percent);
    lines.fact(k + "cpu_quota_cpus", "CPU quota, CPUs", e.cpu_quota_cpus);
    lines.fact(k + "memory_limit_bytes", "Memory limit", e.memory_limit_bytes, Unit::bytes);
    lines.plain(k + "cpus_allowed", "CPUs allowed", cpu_list(e.cpus_allowed));
    lines.fact(k + "transparent_huge_pages", "Huge pages", e.transparent_huge_pages);
    lines.fact(k + "numa_balancing", "NUMA balancing", e.numa_balancing);
}

std::vector<Line> lines_of(const Context& context) {
    Lines lines;
    add_hardware(lines, context.hardware);
    add_software(lines, context.software);
    add_environment(lines, context.environment);
    lines.group("Install");
    lines.plain("install", "Id", context.install);
    return lines.take();
}

std::string_view mark_of(CheckStatus status) {
    if (status == CheckStatus::pass) return "✓";
    return status == CheckStatus::fail ? "✗" : "?";
}
Tone tone_of(CheckStatus status) {
    if (status == CheckStatus::pass) return Tone::good;
    return status == CheckStatus::fail ? Tone::bad : Tone::doubtful;
}

std::string versions_text(const BackendInfo& backend) {
    std::vector<std::string> parts;
    for (const auto& [name, version] : backend.versions) parts.push_back(name + " " + version);
    return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

Report context_report(const Context& context, WithSources with_sources) {
    Report report{"CONTEXT: what a calibration would record", {}};
    for (const Line& line : lines_of(context)) {
        if (report.sections.empty() || report.sections.back().title != line.group)
            report.sections.push_back({line.group, {}, {}, {}});
        Field field{line.label, line.text, Tone::plain, {}, {}};
        if (!line.unknown.empty()) {
            field.value = "unknown (" + line.unknown + ")";
            field.tone = Tone::dim;
        } else if (with_sources == WithSources::yes && !line.source.empty()) {
            field.details.push_back("from " + line.source);
        }
        report.sections.back().fields.push_back(std::move(field));
    }
    return report;
}

Table context_table(const Context& context) {
    Table table;
    table.columns = {
        {"fact", "Fact"}, {"value", "Value"}, {"unknown", "Unknown because"}, {"source", "Source"}};
    for (const Line& line : lines_of(context))
        table.rows.push_back(
            {cell(line.key), cell(line.text), cell(line.unknown), cell(line.source)});
    return table;
}

std::string preflight_summary(const Preflight& preflight) {
    int passed = 0, failed = 0, unknown = 0;
    for (const Check& check : preflight.checks) {
        if (check.status == CheckStatus::pass) ++passed;
        if (check.status == CheckStatus::fail) ++failed;
        if (check.status == CheckStatus::unknown) ++unknown;
    }
    std::string text = fmt::format("{}: {} passed", to_string(preflight.verdict), passed);
    if (failed > 0) text += fmt::format(", {} failed", failed);
    if (unknown > 0) text += fmt::format(", {} unknown", unknown);
    return text;
}

Report preflight_report(const Preflight& preflight) {
    Section section;
    for (const Check& check : preflight.checks) {
        Field field{check.title,
                    check.evidence,
                    tone_of(check.status),
                    std::string(mark_of(check.status)),
                    {}};
        if (!check.remedy.empty()) field.details.push_back("→ " + check.remedy);
        section.fields.push_back(std::move(field));
    }
    return {"PREFLIGHT " + preflight_summary(preflight), {std::move(section)}};
}

Table preflight_table(const Preflight& preflight) {
    Table table;
    table.columns = {
        {"id", "Check"}, {"status", "Status"}, {"evidence", "Evidence"}, {"remedy", "Remedy"}};
    for (const Check& check : preflight.checks)
        table.rows.push_back({cell(check.id),
                              cell(std::string(to_string(check.status)), tone_of(check.status)),
                              cell(check.evidence), cell(check.remedy)});
    return table;
}

Report backends_report(std::span<const BackendInfo> backends) {
    Section section;
    int available = 0;
    for (const BackendInfo& backend : backends) {
        Field field{backend.backend, {}, Tone::good, "✓", {}};
        if (backend.available) {
            ++available;
            field.value = versions_text(backend);
            if (field.value.empty()) field.value = "available";
            if (const std::string words = backend_words(backend.backend); !words.empty())
                field.details.push_back(words);
            field.details.push_back(fmt::format("devices: {}", fmt::join(backend.devices, " ")));
            field.details.push_back(
                fmt::format("precisions: {}", fmt::join(backend.precisions, " ")));
            field.details.push_back(
                fmt::format("operations: {}", fmt::join(backend.operations, " ")));
            for (const std::string& note : backend.notes) field.details.push_back("? " + note);
        } else {
            field.mark = "✗";
            field.tone = Tone::bad;
            field.value = "not available: " + backend.reason;
        }
        if (!backend.path.empty()) field.details.push_back("worker: " + backend.path);
        section.fields.push_back(std::move(field));
    }
    if (backends.empty())
        section.paragraphs.push_back(
            {"No workers were found. They stand in libexec/peakward/workers beside the program; "
             "more folders can be named in PEAKWARD_WORKERS.",
             Tone::bad, "✗"});
    return {fmt::format("BACKENDS {} of {} available", available, backends.size()),
            {std::move(section)}};
}

Table backends_table(std::span<const BackendInfo> backends) {
    Table table;
    table.columns = {
        {"backend", "Backend"},       {"available", "Available"}, {"reason", "Reason"},
        {"versions", "Versions"},     {"devices", "Devices"},     {"precisions", "Precisions"},
        {"operations", "Operations"}, {"notes", "Notes"},         {"path", "Worker"}};
    for (const BackendInfo& b : backends)
        table.rows.push_back({cell(b.backend), cell(b.available ? "yes" : "no"), cell(b.reason),
                              cell(versions_text(b)),
                              cell(fmt::format("{}", fmt::join(b.devices, " "))),
                              cell(fmt::format("{}", fmt::join(b.precisions, " "))),
                              cell(fmt::format("{}", fmt::join(b.operations, " "))),
                              cell(fmt::format("{}", fmt::join(b.notes, "; "))), cell(b.path)});
    return table;
}

}  // namespace peakward
