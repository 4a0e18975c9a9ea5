// What is wrong with an entry in itself, beyond its form.
#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "hardware/name_pattern.hpp"
#include "hardware/peaks.hpp"
#include "hardware/spec.hpp"

namespace peakward {
namespace {

using Problems = std::vector<std::string>;

// Given and derived peaks that are one figure agree within this; datasheets round.
constexpr double agreement = 0.02;
// A slip of a prefix (GFLOPS for TFLOPS) is a factor of 1000; no real precision of a product is as
// far from the product's middle, except fp64, which may have next to no units (B300: 1/60 of fp32
// and 1/1800 of fp16): below the middle it is compared with fp32.
constexpr double absurd_factor = 1000;

void check_agreement(const HardwareSpec& spec, Problems& problems) {
    for (const auto& [precision, figure] : spec.theoretical_peaks_gops) {
        if (!figure) continue;
        const Peak derived = derived_peak(spec, precision);
        if (derived.kind == PeakKind::unknown) continue;
        const double ratio = *figure.value / derived.value;
        if (std::abs(ratio - 1) > agreement)
            problems.push_back(
                fmt::format("theoretical_peaks_gops.{}: {} is given and {:.6g} follows from "
                            "operations_per_clock ({}): they differ by {:.1f} %, more than 2 %",
                            precision, *figure.value, derived.value, derived.formula,
                            std::abs(ratio - 1) * 100));
    }
}

double middle_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void check_neighbours(const std::map<std::string, Figure>& figures, const std::string& field,
                      Problems& problems) {
    std::vector<double> values;
    for (const auto& [precision, figure] : figures)
        if (figure) values.push_back(*figure.value);
    if (values.size() < 2) return;
    const double middle = middle_of(std::move(values));
    const auto fp32 = figures.find("fp32");
    for (const auto& [precision, figure] : figures) {
        if (!figure) continue;
        const bool by_fp32 =
            precision == "fp64" && *figure.value < middle && fp32 != figures.end() && fp32->second;
        const double usual = by_fp32 ? *fp32->second.value : middle;
        const double factor = std::max(*figure.value / usual, usual / *figure.value);
        if (factor >= absurd_factor)
            problems.push_back(fmt::format(
                "{}.{}: {:.10g} is {:.0f} times {} than {} ({:.10g}): is it in 10^9 operations per "
                "second?",
                field, precision, *figure.value, factor, *figure.value > usual ? "more" : "less",
                by_fp32 ? "fp32" : "the middle of the entry's peaks", usual));
    }
}

// Wider than anything that was ever sold; a figure outside is in another unit.
void check_range(const std::string& field, const std::optional<Figure>& figure, double low,
                 double high, const char* unit, Problems& problems) {
    if (!figure || !*figure) return;
    if (*figure->value < low || *figure->value > high)
        problems.push_back(fmt::format("{}: {:.10g} {} is absurd (from {:g} to {:g} is possible)",
                                       field, *figure->value, unit, low, high));
}

void check_clocks(const SpecClocks& clocks, const std::string& field, Problems& problems) {
    for (const auto& [name, by_kind] : clocks.by_class)
        for (const auto& [kind, figure] : by_kind)
            check_range(field + "." + name + (kind.empty() ? "" : "." + kind), figure, 0.01, 10,
                        "GHz", problems);
    check_range(field + ".memory", clocks.memory_ghz, 0.01, 40, "GHz", problems);
}

void check_memory(const SpecMemory& memory, const std::string& field, Problems& problems) {
    check_range(field + ".capacity_gb", memory.capacity_gb, 0.001, 100'000, "GB", problems);
    check_range(field + ".channels", memory.channels, 1, 512, "channels", problems);
    check_range(field + ".bus_width_bits", memory.bus_width_bits, 8, 65'536, "bits", problems);
    check_range(field + ".rate_mtps", memory.rate_mtps, 100, 50'000, "MT/s", problems);
    check_range(field + ".bandwidth_gbps", memory.bandwidth_gbps, 0.1, 50'000, "GB/s", problems);
    // 1 byte per bit and transfer: the three figures are one.
    const bool all = memory.bus_width_bits && *memory.bus_width_bits && memory.rate_mtps &&
                     *memory.rate_mtps && memory.bandwidth_gbps && *memory.bandwidth_gbps;
    if (!all) return;
    const double derived = *memory.bus_width_bits->value / 8 * *memory.rate_mtps->value * 1e-3;
    if (std::abs(*memory.bandwidth_gbps->value / derived - 1) > agreement)
        problems.push_back(fmt::format(
            "{}.bandwidth_gbps: {} is given and {:.6g} follows from {} bits x {} MT/s: they differ "
            "by more than 2 %",
            field, *memory.bandwidth_gbps->value, derived, *memory.bus_width_bits->value,
            *memory.rate_mtps->value));
}

void check_ranges(const HardwareSpec& spec, Problems& problems) {
    check_clocks(spec.clocks, "clocks_ghz", problems);
    if (spec.memory) check_memory(*spec.memory, "memory", problems);
    check_range("tdp_w", spec.tdp_w, 0.05, 5'000, "W", problems);
    for (const CoreGroup& group : spec.cores)
        check_range("architecture.cores." + group.kind + ".count", group.count, 1, 1'000'000,
                    "cores", problems);
    check_neighbours(spec.theoretical_peaks_gops, "theoretical_peaks_gops", problems);
    check_neighbours(spec.sparse_peaks_gops, "sparse_peaks_gops", problems);
    for (const auto& [name, mode] : spec.power_modes) {
        check_clocks(mode.clocks, "power_modes." + name + ".clocks_ghz", problems);
        check_range("power_modes." + name + ".tdp_w", mode.tdp_w, 0.05, 5'000, "W", problems);
        check_range("power_modes." + name + ".memory.bandwidth_gbps", mode.memory.bandwidth_gbps,
                    0.1, 50'000, "GB/s", problems);
    }
}

// Kinds and clocks that rates speak of are there.
void check_references(const HardwareSpec& spec, Problems& problems) {
    for (const auto& [precision, rates] : spec.operations_per_clock)
        for (std::size_t i = 0; i < rates.size(); ++i) {
            const std::string field = fmt::format("operations_per_clock.{}[{}]", precision, i);
            const bool kind =
                std::any_of(spec.cores.begin(), spec.cores.end(),
                            [&](const CoreGroup& g) { return g.kind == rates[i].per; });
            if (!kind)
                problems.push_back(fmt::format("{}.per: '{}' is no kind of architecture.cores",
                                               field, rates[i].per));
            if (!spec.clocks.by_class.contains(rates[i].clock))
                problems.push_back(
                    fmt::format("{}.clock: '{}' is not in clocks_ghz", field, rates[i].clock));
        }
    for (const auto& [precision, figure] : spec.sparse_peaks_gops) {
        const auto dense = spec.theoretical_peaks_gops.find(precision);
        if (figure && dense != spec.theoretical_peaks_gops.end() && dense->second &&
            *dense->second.value > *figure.value)
            problems.push_back(fmt::format(
                "theoretical_peaks_gops.{}: {} is above the sparse peak {}: the two are swapped",
                precision, *dense->second.value, *figure.value));
    }
}

// Names of many vendors: an expression that matches several of them tells nothing apart.
bool matches_everything(const NamePattern& pattern) {
    constexpr const char* strangers[] = {"Intel(R) Xeon(R) Processor",
                                         "AMD EPYC 7B13",
                                         "Neoverse-N1",
                                         "NVIDIA A100-SXM4-80GB",
                                         "AMD Instinct MI300X",
                                         "NVIDIA Jetson AGX Orin Developer Kit",
                                         "QEMU Standard PC (Q35 + ICH9, 2009)",
                                         "zzz 0"};
    int matched = 0;
    for (const char* name : strangers) matched += pattern.matches(name) ? 1 : 0;
    return matched >= 3;
}

// The first of the names that many products share and the expression matches; null for none.
const char* anonymous_match(const NamePattern& pattern) {
    constexpr const char* shared[] = {"Intel(R) Xeon(R) Processor",
                                      "Intel(R) Xeon(R) Processor @ 2.60GHz",
                                      "Intel(R) Xeon(R) CPU @ 2.20GHz",
                                      "Intel Xeon Processor (Cascadelake)",
                                      "Intel Xeon Processor (Icelake)",
                                      "AMD EPYC Processor",
                                      "AMD EPYC-Rome Processor",
                                      "AMD EPYC-Milan Processor",
                                      "Neoverse-N1",
                                      "QEMU Virtual CPU version 2.5+",
                                      "Common KVM processor"};
    for (const char* name : shared)
        if (pattern.matches(name)) return name;
    return nullptr;
}

// Nothing but a name that every guest of a kind shows.
void check_anonymous(const DetectionPattern& pattern, const std::string& field,
                     Problems& problems) {
    const bool more =
        pattern.product_name || pattern.device_tree || pattern.pci_id || pattern.cores_per_socket;
    if (!pattern.cpu_model || more) return;
    const auto made = NamePattern::make(*pattern.cpu_model);
    const char* name = made ? anonymous_match(*made) : nullptr;
    if (name && !matches_everything(*made))
        problems.push_back(fmt::format(
            "{}.cpu_model: '{}' matches '{}', which every machine that hides its product shows; "
            "write the name that the product itself shows, or leave the pattern out",
            field, *pattern.cpu_model, name));
}

void check_pattern(const DetectionPattern& pattern, const std::string& field, Problems& problems) {
    for (const auto& [name, expression] : {std::pair{"cpu_model", &pattern.cpu_model},
                                           {"gpu_model", &pattern.gpu_model},
                                           {"product_name", &pattern.product_name}}) {
        if (!*expression) continue;
        const auto made = NamePattern::make(**expression);
        if (!made)
            problems.push_back(fmt::format("{}.{}: {}", field, name, made.error().message));
        else if (matches_everything(*made))
            problems.push_back(fmt::format("{}.{}: '{}' matches everything; name the product in it",
                                           field, name, **expression));
    }
    check_anonymous(pattern, field, problems);
    const bool names = pattern.cpu_model || pattern.gpu_model || pattern.product_name ||
                       pattern.pci_id || pattern.device_tree;
    const bool numbers = pattern.cpu_family && pattern.cpu_model_number;
    if (!names && !numbers)
        problems.push_back(fmt::format(
            "{}: matches everything of a vendor; give cpu_model, gpu_model, product_name, pci_id, "
            "device_tree, or cpu_family with cpu_model_number",
            field));
}

}  // namespace

std::vector<std::string> problems_of(const HardwareSpec& spec) {
    Problems problems;
    check_references(spec, problems);
    check_agreement(spec, problems);
    check_ranges(spec, problems);
    for (std::size_t i = 0; i < spec.detection.size(); ++i)
        check_pattern(spec.detection[i], fmt::format("detection[{}]", i), problems);
    return problems;
}

std::vector<std::string> problems_of(const DetectionPattern& pattern, const std::string& field) {
    Problems problems;
    check_pattern(pattern, field, problems);
    return problems;
}

}  // namespace peakward
