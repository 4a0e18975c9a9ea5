#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "import/profile_parts.hpp"

namespace peakward::older {
namespace {

enum class Generation { summary, precisions, kernels };

const char* word_of(Generation generation) {
    switch (generation) {
        case Generation::summary:
            return "summary";
        case Generation::precisions:
            return "precisions";
        case Generation::kernels:
            return "kernels";
    }
    return "summary";
}

Generation generation_of(const Json& operations) {
    Generation generation = Generation::summary;
    for (const auto& [key, entry] : operations.items()) {
        if (key.starts_with("stream_") || key.starts_with("blas")) return Generation::kernels;
        if (entry.is_object() && entry.contains("precision_results"))
            generation = Generation::precisions;
    }
    return generation;
}

// NumPy has no other device: a file whose operations were NumPy's ran on the CPU, whether or not it
// says so. Nothing else is concluded.
bool says_numpy(const Json& operations) {
    for (const auto& [key, entry] : operations.items()) {
        if (!entry.is_object() || !entry.contains("extra_params")) continue;
        const Json& extra = entry["extra_params"];
        if (!extra.is_object()) continue;
        const Json& implementation =
            extra.contains("implementation") ? extra["implementation"] : Json::object();
        if (implementation.is_string() && implementation.get<std::string>().starts_with("numpy"))
            return true;
    }
    return false;
}

void read_peaks(const Fields& top, ImportedRun& imported, std::string& trouble) {
    const Json& matrix_json = top.object("precision_matrix");
    const Fields matrix(matrix_json, "precision_matrix", trouble);
    const Json& peaks_json = matrix.object("theoretical_peaks");
    const Fields peaks(peaks_json, "precision_matrix.theoretical_peaks", trouble);
    for (const auto& [precision, value] : peaks_json.items()) {
        // 0.0 stands for "there is none".
        const double gops = peaks.number(precision.c_str()).value_or(0);
        if (gops > 0 && std::isfinite(gops)) imported.peaks_gops[to_lower(precision)] = gops;
    }
    const double fp32 = top.number("theoretical_peak_gflops").value_or(0);
    if (fp32 > 0 && !imported.peaks_gops.contains("fp32")) imported.peaks_gops["fp32"] = fp32;
    const double gbps = top.number("theoretical_bandwidth_gbps").value_or(0);
    if (gbps > 0) imported.peak_gbps = gbps;
}

// "stream_copy size_mb=8": without what else stands in the key.
std::string entry_words(const std::string& key, const Fields& entry, std::string& trouble) {
    std::string words = entry.text("operation_type");
    if (words.empty()) return key;
    const Fields extra(entry.object("extra_params"), entry.where() + ".extra_params", trouble);
    for (const char* name : {"size_mb", "matrix_size", "size"})
        if (const auto size = extra.number(name))
            return fmt::format("{} {}={}", words, name, *size);
    return words;
}

struct Worst {
    double efficiency = efficiency_max;
    std::string of;
    void look(std::optional<double> value, const std::string& what) {
        if (!value || *value <= efficiency) return;
        efficiency = *value;
        of = what;
    }
};

}  // namespace

void judge_efficiencies(const Json& document, ImportedRun& imported, std::string& trouble) {
    Worst worst;
    const Fields top(document, "", trouble);
    for (const auto& [key, json] : top.object("operation_profiles").items()) {
        const Fields entry(json, "operation_profiles." + key, trouble);
        const std::string what = entry_words(key, entry, trouble);
        worst.look(entry.number("efficiency"), what);
        for (const auto& [precision, result] : entry.object("precision_results").items())
            worst.look(
                Fields(result, entry.where() + "." + precision, trouble).number("efficiency"),
                fmt::format("{} in {}", what, precision));
    }
    for (const Measurement& m : imported.run.measurements) {
        const auto peak = imported.peaks_gops.find(m.what.precision);
        if (m.outcome == Outcome::measured && m.gops && peak != imported.peaks_gops.end())
            worst.look(*m.gops / peak->second,
                       fmt::format("{} {} in {}", m.what.operation, to_string(m.what.shape),
                                   m.what.precision));
    }
    // The summaries of the file, where no operation explains them.
    for (const char* name : {"best_efficiency", "bandwidth_efficiency"})
        worst.look(top.number(name), name);
    if (worst.of.empty()) return;
    add_doubt(
        imported.doubts, "above_theoretical",
        fmt::format("an efficiency of {:.1f} % ({}) is above 102 %: the peak is wrong, or the "
                    "figure is one of a cache",
                    worst.efficiency * 100, worst.of));
}

Result<ImportedRun> read_older_profile(const Json& document, int not_numbers) {
    ImportedRun imported;
    std::string trouble;
    Run& run = imported.run;
    run.origin.emplace();
    run.origin->kind = "older profile";
    run.origin->content = content_hash(document);
    const Fields top(document, "", trouble);
    const Json& operations = top.object("operation_profiles");
    ProfileFacts facts;
    if (says_numpy(operations)) facts.device = "cpu";
    read_metadata(document, facts, imported, trouble);
    read_peaks(top, imported, trouble);
    read_operations(document, facts, imported, trouble);
    judge_efficiencies(document, imported, trouble);
    if (!trouble.empty()) return failed(trouble);
    if (run.timestamp.empty())
        return failed(
            "metadata.calibration_date is missing: a measurement without a time has no "
            "place in a history");
    if (run.measurements.empty() && run.skipped.empty())
        add_doubt(imported.doubts, "no_operations",
                  "it has no operations: nothing in it says what was measured");
    if (not_numbers > 0)
        add_doubt(imported.doubts, "not_numbers",
                  fmt::format("{} of its figures {} NaN or Infinity", not_numbers,
                              not_numbers == 1 ? "is" : "are"));
    run.suite = fmt::format("import-{}-{}x{}/1", word_of(generation_of(operations)),
                            operations.size(), facts.trials);
    return imported;
}

}  // namespace peakward::older
