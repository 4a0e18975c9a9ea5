// Whether two runs of one id say the same.
#include <algorithm>

#include "session/import_parts.hpp"
#include "store/stored_run.hpp"

namespace peakward {
namespace {

bool is_part_of(const RunContent& rows, const RunContent& run) {
    return rows.timestamp_unix == run.timestamp_unix &&
           rows.hardware_fingerprint == run.hardware_fingerprint &&
           std::all_of(rows.figures.begin(), rows.figures.end(), [&](const auto& row) {
               const auto whole = run.figures.find(row.first);
               return whole != run.figures.end() && whole->second == row.second;
           });
}

}  // namespace

Result<RunContent> content_of(const Run& run) {
    const auto stored = store::stored_form(run);
    if (!stored) return tl::make_unexpected(stored.error());
    RunContent content;
    content.digest = stored->sha256;
    if (run.origin) {
        content.source = run.origin->content;
        content.is_rows = content.source.empty();
    }
    content.timestamp_unix = run.timestamp_unix;
    content.hardware_fingerprint = run.context.hardware.fingerprint;
    for (const Score& score : run.results)
        content.figures[{score.device, score.backend, score.precision}] = {
            score.stream_best_gbps, score.blas3_gops, score.peak_measured_gops};
    return content;
}

bool same_content(const RunContent& known, const RunContent& given) {
    if (known.digest == given.digest) return true;
    if (!known.source.empty() && !given.source.empty()) return known.source == given.source;
    if (given.is_rows) return is_part_of(given, known);
    return known.is_rows && is_part_of(known, given);
}

}  // namespace peakward
