#include "analyze/change_points.hpp"

namespace peakward {

std::string_view to_string(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::step:
            return "step";
        case ChangeKind::ramp:
            return "ramp";
        case ChangeKind::saturate:
            return "saturate";
    }
    return "";
}

ChangeReport find_changes(std::span<const double>, const ChangeOptions&) { return {}; }

}  // namespace peakward
