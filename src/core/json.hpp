// The one place that includes nlohmann/json. Keys are kept sorted (std::map), which makes dump()
// canonical: equal values give equal text, so a SHA-256 of it identifies the content.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/fact.hpp"
#include "core/result.hpp"

namespace peakward {

class StopToken;

using Json = nlohmann::json;

// Parses text in time that grows with its bytes; the error names `what` (a file, "reply of worker
// native") with line and column. Refused beside what is not JSON: a key that an object has twice,
// and what is nested too deep or would take too much memory. `stop` ends a long text (interrupted).
Result<Json> parse_json(std::string_view text, std::string_view what,
                        const StopToken* stop = nullptr);

// Sorted keys, no spaces, UTF-8 (invalid sequences replaced), shortest round-trip numbers.
std::string canonical_json(const Json& value);

// SHA-256 of canonical_json(value), 64 hexadecimal digits.
std::string content_hash(const Json& value);

// value -> JSON value, unknown -> {"unknown": "reason"} (DESIGN section 6). The source is not in
// it; records keep sources in a "sources" object beside the facts.
template <typename T>
Json fact_to_json(const Fact<T>& fact) {
    if (fact) return Json(*fact);
    return Json{{"unknown", fact.reason()}};
}

template <typename T>
Fact<T> fact_from_json(const Json& value, std::string source = "stored run") {
    if (value.is_object() && value.contains("unknown"))
        return Fact<T>::unknown(value.at("unknown").get<std::string>());
    if (value.is_null()) return Fact<T>::unknown("not recorded");
    return Fact<T>::known(value.get<T>(), std::move(source));
}

template <typename T>
Json optional_to_json(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

template <typename T>
std::optional<T> optional_from_json(const Json& object, const char* key) {
    auto it = object.find(key);
    if (it == object.end() || it->is_null()) return std::nullopt;
    return it->get<T>();
}

}  // namespace peakward
