// JSON forms of the records. The names others may rely on are listed in DESIGN section 6 and in
// data/schema/; more may be added, none renamed. from_json(to_json(x)) gives back x, but for the
// sources of facts, which become "stored run".
#pragma once

#include <functional>

#include "core/json.hpp"
#include "core/records.hpp"

namespace peakward {

Json to_json(const Shape& shape);
Json to_json(const Case& what);
Json to_json(const Hardware& hardware);
Json to_json(const Software& software);
Json to_json(const Environment& environment);
Json to_json(const Context& context);
Json to_json(const Preflight& preflight);
Json to_json(const Peak& peak);
Json to_json(const Score& score);
Json to_json(const BackendInfo& backend);
// Raw windows are the bulk of a run: tables of people leave them out.
enum class WithWindows { no, yes };
Json to_json(const Measurement& measurement, WithWindows with_windows = WithWindows::yes);
Json to_json(const Run& run, WithWindows with_windows = WithWindows::yes);

// These fail with one sentence that names the field.
Result<Shape> shape_from_json(const Json& value);
Result<Case> case_from_json(const Json& value);
Result<Context> context_from_json(const Json& value);
Result<Measurement> measurement_from_json(const Json& value);
Result<Score> score_from_json(const Json& value);
Result<Run> run_from_json(const Json& value);

// Calls `change` with every text of the run but the values of facts, the names of axes and the
// words of enumerations: what was said in free words, by us, by the system or by a worker.
void each_text(Run& run, const std::function<void(std::string&)>& change);

// The canonical text of a case, "series key" without install and lineage: what a trajectory of
// this case is keyed by inside one installation.
std::string case_key(const Case& what);

}  // namespace peakward
