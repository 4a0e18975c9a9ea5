#include "present/precision_view.hpp"

#include <algorithm>
#include <map>

#include "core/text.hpp"

namespace peakward {
namespace {

using Names = std::vector<std::string>;

void add_once(Names& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

Cell matrix_cell(const PrecisionCell* found) {
    if (!found) return {};
    if (found->status == Capability::unsupported) return cell("no", Tone::dim);
    if (found->status == Capability::not_measured || !found->peak_gops)
        return cell("not measured", Tone::doubtful);
    std::string text = format_value(*found->peak_gops, Unit::gops);
    if (found->speedup_over_fp32 && found->precision != "fp32")
        text += fmt::format(" {:>5}", fmt::format("{:.2g}x", *found->speedup_over_fp32));
    return cell(text, Tone::strong);
}

class MatrixView {
public:
    MatrixView(const Run& run, const std::string& device) {
        for (const PrecisionCell& found : run.precision_matrix) {
            if (found.device != device) continue;
            add_once(backends_, found.backend);
            add_once(precisions_, found.precision);
            cells_[{found.precision, found.backend}] = &found;
        }
    }

    bool empty() const { return cells_.empty(); }

    Table table() const {
        Table table;
        table.columns.push_back({"precision", "Precision"});
        for (const std::string& backend : backends_)
            table.columns.push_back({backend, backend, Unit::none, Align::right});
        for (const std::string& precision : precisions_) {
            if (!anyone_tried(precision)) continue;
            std::vector<Cell> row{cell(precision)};
            for (const std::string& backend : backends_)
                row.push_back(matrix_cell(at(precision, backend)));
            table.rows.push_back(std::move(row));
        }
        return table;
    }

    // "blas, no fp16 bf16 int8: blas computes in fp64, fp32"
    Names reasons() const {
        Names lines;
        for (const std::string& backend : backends_) {
            std::map<std::pair<Capability, std::string>, Names> by_reason;
            for (const std::string& precision : precisions_) {
                const PrecisionCell* found = at(precision, backend);
                if (found && found->status != Capability::supported)
                    by_reason[{found->status, found->reason}].push_back(precision);
            }
            for (const auto& [what, precisions] : by_reason) {
                const auto& [status, reason] = what;
                // A skipped case says by itself that it was not measured, and for which kind of
                // reason.
                std::string label = status == Capability::unsupported ? "no" : "not measured:";
                std::string why = reason;
                const std::size_t end = reason.find(": ");
                if (reason.starts_with("not measured") && end != reason.npos) {
                    label = reason.substr(0, end) + ":";
                    why = reason.substr(end + 2);
                }
                lines.push_back(
                    fmt::format("{}, {} {}: {}", backend, label, fmt::join(precisions, " "), why));
            }
        }
        return lines;
    }

private:
    const PrecisionCell* at(const std::string& precision, const std::string& backend) const {
        const auto found = cells_.find({precision, backend});
        return found == cells_.end() ? nullptr : found->second;
    }
    bool anyone_tried(const std::string& precision) const {
        return std::any_of(backends_.begin(), backends_.end(), [&](const std::string& backend) {
            const PrecisionCell* found = at(precision, backend);
            return found && found->status != Capability::unsupported;
        });
    }

    Names backends_, precisions_;
    std::map<std::pair<std::string, std::string>, const PrecisionCell*> cells_;
};

}  // namespace

Section precision_section(const Run& run, const std::string& device) {
    Section section;
    const MatrixView view(run, device);
    if (view.empty()) return section;
    section.title = "Precisions on " + device + ": GOPS, and times fp32";
    section.tables.push_back(view.table());
    for (std::string& line : view.reasons())
        section.paragraphs.push_back({std::move(line), Tone::dim, ""});
    return section;
}

}  // namespace peakward
