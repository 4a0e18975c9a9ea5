// A small GPU that is right in every respect, and what a test changes in it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/json.hpp"
#include "hardware/database.hpp"

namespace peakward::testing_support {

inline Json figure(double value) { return {{"value", value}, {"source", "sheet"}}; }

inline Json example_json() {
    return {
        {"schema_version", 1},
        {"spec_version", 1},
        {"id", "acme_gpu_1"},
        {"name", "Acme GPU 1"},
        {"kind", "gpu"},
        {"vendor", "acme"},
        {"aliases", {"acme-1"}},
        {"host_architecture", nullptr},
        {"launched", {{"value", "2024-03"}, {"source", "sheet"}}},
        {"sources",
         {{"sheet",
           {{"title", "Acme GPU 1 datasheet"},
            {"publisher", "Acme"},
            {"url", "https://example.org/sheet"}}}}},
        {"detection",
         {{{"gpu_model", "^Acme GPU 1$"}, {"confidence", 0.98}, {"reason", "its own name"}}}},
        {"architecture",
         {{"name", "Roadrunner"}, {"cores", {{{"kind", "sm"}, {"count", figure(100)}}}}}},
        {"clocks_ghz", {{"boost", figure(2)}}},
        {"operations_per_clock",
         {{"fp32", {{{"per", "sm"}, {"value", 256}, {"clock", "boost"}, {"source", "sheet"}}}}}},
        {"theoretical_peaks_gops",
         {{"fp32", figure(51'200)},
          {"fp16", figure(204'800)},
          {"int4", {{"unknown", "not in the sheet"}}}}},
        {"memory",
         {{"type", "HBM3"}, {"capacity_gb", figure(80)}, {"bandwidth_gbps", figure(2'000)}}},
        {"tdp_w", figure(500)}};
}

inline HardwareSpec read(const Json& json) {
    auto spec = spec_from_json(json, "example.json");
    if (!spec) throw std::runtime_error(spec.error().message);
    return *spec;
}

// The sentence with which a changed example is refused; "" when it is not.
inline std::string refusal_of(const Json& json) {
    const auto spec = read_spec(json.dump(), "example.json");
    if (!spec) return spec.error().message;
    const auto problems = problems_of(*spec);
    return problems.empty() ? "" : problems.front();
}

}  // namespace peakward::testing_support
