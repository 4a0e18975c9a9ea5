#include <utility>

#include "core/records_json.hpp"
#include "fuzz/targets.hpp"
#include "session/import_parts.hpp"

namespace peakward::fuzz {
namespace {

struct Products {
    HardwareDatabase database = builtin_hardware();
    Matcher matcher{database};
};

// What is stored is what was read, to the last digit: the chain of hashes stands on it.
std::string broken_run(const Run& run) {
    if (run.run_id.empty()) return "a run without an id";
    if (run.timestamp.empty()) return "a run without a time";
    if (run.context.hardware.fingerprint.empty() || run.context.hardware.lineage.empty())
        return "a run of no hardware";
    const std::string text = canonical_json(to_json(run));
    const auto json = parse_json(text, "the run");
    if (!json) return "a run that is written as no JSON: " + json.error().message;
    const auto again = run_from_json(*json);
    if (!again) return "a run that cannot be read again: " + again.error().message;
    if (canonical_json(to_json(*again)) != text) return "a run that changes when it is stored";
    return "";
}

}  // namespace

std::string import_document(std::string_view bytes) {
    static const Products products;
    auto content = read_importable_text(bytes);
    if (!content) return content.error().message.empty() ? "an error without a sentence" : "";
    if (content->older.empty() && content->runs.empty()) return "a file came in without a run";
    for (const Run& run : content->runs)
        if (std::string broken = broken_run(run); !broken.empty()) return broken;
    for (older::ImportedRun& imported : content->older) {
        const auto run = complete_import(std::move(imported), "", products.database,
                                         products.matcher, system_time_unix());
        if (!run && run.error().message.empty()) return "a refusal without a sentence";
        if (!run) continue;
        if (std::string broken = broken_run(*run); !broken.empty()) return broken;
    }
    return "";
}

}  // namespace peakward::fuzz
