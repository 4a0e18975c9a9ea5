#include "score/precision_matrix.hpp"

#include <algorithm>
#include <set>

#include "catalog/catalog.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

using catalog::OperationClass;

// Memory kernels and vector operations say how fast memory is, not what a precision reaches.
bool computes(const Case& what) {
    const auto* operation = catalog::find_operation(what.operation);
    if (!operation) return false;
    return operation->kind == OperationClass::compute_peak ||
           operation->kind == OperationClass::blas3 || operation->kind == OperationClass::network;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Peaks of one class only are compared: a convolution is no GEMM.
int rank_of(const Case& what) {
    switch (catalog::find_operation(what.operation)->kind) {
        case OperationClass::compute_peak:
            return 2;
        case OperationClass::blas3:
            return 1;
        default:
            return 0;
    }
}

class MatrixOf {
public:
    explicit MatrixOf(const Run& run) : run_(run) {}

    std::vector<PrecisionCell> cells() const {
        std::vector<PrecisionCell> cells;
        for (const std::string& device : devices())
            for (const BackendInfo& backend : run_.backends) {
                if (!backend.available || !has(backend.devices, device)) continue;
                if (!measured_anything(device, backend.backend)) continue;
                const std::size_t first = cells.size();
                for (const std::string& precision : catalog::precision_names())
                    cells.push_back(cell(device, backend, precision));
                compare_with_fp32(cells, first);
            }
        return cells;
    }

private:
    std::vector<std::string> devices() const {
        std::vector<std::string> devices;
        for (const Measurement& m : run_.measurements)
            if (!has(devices, m.what.device)) devices.push_back(m.what.device);
        return devices;
    }

    bool measured_anything(const std::string& device, const std::string& backend) const {
        return std::any_of(run_.measurements.begin(), run_.measurements.end(), [&](const auto& m) {
            return m.what.device == device && m.what.backend == backend && computes(m.what) &&
                   !is_evidence(m);
        });
    }

    PrecisionCell cell(const std::string& device, const BackendInfo& backend,
                       const std::string& precision) const {
        PrecisionCell cell{device, backend.backend, precision};
        const auto concerns = [&](const Case& what) {
            return what.device == device && what.backend == backend.backend &&
                   what.precision == precision && computes(what);
        };
        const Measurement* best = nullptr;
        std::set<std::string> refusals, troubles;
        for (const Measurement& m : run_.measurements) {
            if (!concerns(m.what) || is_evidence(m)) continue;
            if (m.outcome == Outcome::measured && m.gops) {
                if (!best || is_better(m, *best)) best = &m;
            } else if (m.outcome == Outcome::unsupported) {
                refusals.insert(m.reason);
            } else {
                troubles.insert(fmt::format("{}: {}", to_string(m.outcome), m.reason));
            }
        }
        if (best) {
            cell.status = Capability::supported;
            cell.peak_gops = best->gops;
            cell.operation = best->what.operation;
            cell.implementation = best->implementation;
            return cell;
        }
        for (const SkippedCase& skipped : run_.skipped)
            if (concerns(skipped.what)) troubles.insert(skipped.reason);
        if (!troubles.empty()) {
            cell.reason = *troubles.begin();
        } else if (!refusals.empty()) {
            cell.status = Capability::unsupported;
            cell.reason = *refusals.begin();
        } else if (!has(backend.precisions, precision)) {
            cell.status = Capability::unsupported;
            cell.reason = fmt::format("{} computes in {}", backend.backend,
                                      fmt::join(backend.precisions, ", "));
        } else {
            cell.reason = "no operation of this run asked for it";
        }
        return cell;
    }

    static bool is_better(const Measurement& a, const Measurement& b) {
        const int of_a = rank_of(a.what), of_b = rank_of(b.what);
        return of_a != of_b ? of_a > of_b : *a.gops > *b.gops;
    }

    static void compare_with_fp32(std::vector<PrecisionCell>& cells, std::size_t first) {
        const auto of_backend = cells.begin() + static_cast<std::ptrdiff_t>(first);
        const auto fp32 = std::find_if(of_backend, cells.end(),
                                       [](const auto& cell) { return cell.precision == "fp32"; });
        if (fp32 == cells.end() || !fp32->peak_gops || *fp32->peak_gops <= 0) return;
        const double base = *fp32->peak_gops;
        const std::string operation = fp32->operation;
        std::for_each(of_backend, cells.end(), [&](PrecisionCell& cell) {
            if (cell.peak_gops && cell.operation == operation)
                cell.speedup_over_fp32 = *cell.peak_gops / base;
        });
    }

    const Run& run_;
};

}  // namespace

std::vector<PrecisionCell> precision_matrix(const Run& run) { return MatrixOf(run).cells(); }

}  // namespace peakward
