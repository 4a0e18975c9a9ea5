#include "present/device_view.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "core/text.hpp"

namespace peakward {
namespace {

using Names = std::vector<std::string>;

struct Described {
    std::string_view backend, words;
};
constexpr Described described[] = {
    {"native", "kernels of our own: what the cores and the memory give"},
    {"blas", "a BLAS library, called from C"},
    {"onednn", "layers of networks on the CPU, called from C++"},
    {"cuda", "CUDA libraries, called from C++"},
    {"numpy", "arrays in Python, CPU only: signal processing as programs do it"},
    {"pytorch", "deep learning in Python, on CPU and GPU"},
    {"onnxruntime", "runs networks written as ONNX"},
    {"jax", "array programs in Python, compiled by XLA"},
};

bool has(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string framework_words(const Run& run, const std::string& backend) {
    std::string words = backend;
    for (const BackendInfo& info : run.backends)
        if (info.backend == backend)
            for (const auto& [name, version] : info.versions)
                words += fmt::format("{} {} {}", words == backend ? ":" : ",", name, version);
    if (backend.empty()) return "unknown: not recorded";
    const std::string kind = backend_words(backend);
    return kind.empty() ? words : fmt::format("{} ({})", words, kind);
}

// A device of the run, with what was found there.
struct Used {
    Names frameworks, probes;
    std::set<std::string> asked_elsewhere;  // why its rows stand here and not where they were asked
};

std::map<std::string, Used> used_devices(const Run& run) {
    std::map<std::string, Used> devices;
    for (const Measurement& m : run.measurements) {
        if (m.outcome == Outcome::unsupported) continue;
        Used& used = devices[m.what.device];
        Names& names = is_evidence(m) ? used.probes : used.frameworks;
        if (!has(names, m.what.backend)) names.push_back(m.what.backend);
        if (has(m.flags, "device_fallback")) used.asked_elsewhere.insert(m.reason);
    }
    return devices;
}

Field lines(const char* label, const Names& all) {
    Field field{label, all.front(), Tone::plain, {}, {}};
    field.details.assign(all.begin() + 1, all.end());
    return field;
}

}  // namespace

std::string backend_words(const std::string& backend) {
    for (const Described& known : described)
        if (known.backend == backend) return std::string(known.words);
    return {};
}

Section execution_section(const Run& run) {
    Section section;
    for (const auto& [device, used] : used_devices(run)) {
        section.title = "Execution device";
        const std::string model = device_words(run.context.hardware, device);
        if (used.asked_elsewhere.empty()) {
            section.fields.push_back(
                {"Requested", device.empty() ? "unknown" : device, Tone::plain, {}, {}});
            section.fields.push_back({"Running on", model, Tone::good, {}, {}});
        } else {
            Field fallback{
                "Running on", fmt::format("⚠ {}, a fallback", model), Tone::doubtful, {}, {}};
            for (const std::string& why : used.asked_elsewhere)
                if (!why.empty()) fallback.details.push_back(why);
            fallback.details.emplace_back(
                "These are figures of this device, not of the one that was asked for.");
            section.fields.push_back(std::move(fallback));
        }
        Names frameworks;
        for (const std::string& backend : used.frameworks)
            frameworks.push_back(framework_words(run, backend));
        if (!frameworks.empty()) section.fields.push_back(lines("Framework", frameworks));
        Names probes;
        for (const std::string& backend : used.probes)
            probes.push_back(backend + ", beside it: its probes say what the peak is");
        if (!probes.empty()) section.fields.push_back(lines("Peak from", probes));
    }
    return section;
}

Section explanations_section(const Run& run) {
    Section section;
    const bool above = std::any_of(run.results.begin(), run.results.end(), [](const Score& score) {
        return has(score.flags, "above_theoretical");
    });
    const bool slow =
        std::any_of(run.skipped.begin(), run.skipped.end(), [](const SkippedCase& skipped) {
            return skipped.reason.starts_with("not measured (slow)");
        });
    if (above)
        section.paragraphs.push_back(
            {"Efficiency above 102 %: no chip does more than it can, so the peak is in doubt and "
             "not the measurement. Usual causes: a boost clock above the one in the peak's "
             "formula, a specification written for sustained clocks, or a figure for sparse "
             "matrices. Such a row is shown as it is and meets no milestone.",
             Tone::plain, ""});
    if (slow)
        section.paragraphs.push_back(
            {"Below 50 GOPS at one size, the larger sizes of that precision are left out: they "
             "take long and say no more. That is not measured, which is not unsupported.",
             Tone::plain, ""});
    if (!section.paragraphs.empty()) section.title = "How to read these figures";
    return section;
}

}  // namespace peakward
