// Context, preflight and backends as pages and tables.
#pragma once

#include <span>

#include "core/records.hpp"
#include "present/report.hpp"

namespace peakward {

enum class WithSources { no, yes };

// Hardware, software, environment; what is unknown with its reason, dim.
Report context_report(const Context& context, WithSources with_sources);
// The same as rows: group, fact, value, unknown (the reason), source.
Table context_table(const Context& context);

// "pass: 9 passed, 6 unknown"
std::string preflight_summary(const Preflight& preflight);
Report preflight_report(const Preflight& preflight);
Table preflight_table(const Preflight& preflight);

Report backends_report(std::span<const BackendInfo> backends);
Table backends_table(std::span<const BackendInfo> backends);

}  // namespace peakward
