// The older profiles of tests/fixtures/legacy, and small ones to vary.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "import/document.hpp"
#include "import/imported.hpp"

namespace peakward::older {

inline std::vector<std::filesystem::path> legacy_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(PEAKWARD_SOURCE_DIR) +
                                                                 "/tests/fixtures/legacy"))
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

inline std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::string legacy_text(const std::string& name) {
    return text_of(std::string(PEAKWARD_SOURCE_DIR) + "/tests/fixtures/legacy/" + name);
}

inline Result<ImportedRun> read_text(const std::string& text) {
    auto document = read_document(text);
    if (!document) return tl::make_unexpected(document.error());
    return read_older_profile(document->json, document->not_numbers);
}

inline ImportedRun legacy(const std::string& name) {
    auto imported = read_text(legacy_text(name));
    EXPECT_TRUE(imported) << name << ": " << (imported ? "" : imported.error().message);
    return imported ? *imported : ImportedRun{};
}

inline std::vector<std::string> doubt_flags(const ImportedRun& imported) {
    std::vector<std::string> flags;
    for (const Doubt& doubt : imported.doubts) flags.push_back(doubt.flag);
    return flags;
}

inline const Measurement* find(const ImportedRun& imported, const std::string& operation,
                               const std::string& precision, const Shape& shape) {
    for (const Measurement& m : imported.run.measurements)
        if (m.what.operation == operation && m.what.precision == precision && m.what.shape == shape)
            return &m;
    return nullptr;
}

inline Shape square(std::int64_t n) { return {{"m", n}, {"n", n}, {"k", n}}; }

// A profile of one matrix product, all of whose figures agree.
inline Json small_profile() {
    return Json::parse(R"({
      "metadata": {"hardware_name": "Test CPU 9000", "calibration_date": "2025-11-16T10:26:41.5",
        "calibration_tool_version": "1.0.0", "cpu_model": "x86_64", "cpu_count": 8,
        "total_memory_gb": 31.08, "numpy_version": "2.2.6", "num_measurement_runs": 10,
        "device_type": "cpu", "platform_architecture": "x86_64", "framework": "numpy"},
      "theoretical_peak_gflops": 500.0, "theoretical_bandwidth_gbps": 50.0,
      "operation_profiles": {"matmul_device=cpu_matrix_size=1000_medium": {
        "operation_type": "matmul", "extra_params": {"matrix_size": 1000, "device": "cpu"},
        "precision_results": {"fp32": {"precision": "fp32", "supported": true,
          "failure_reason": null, "measured_gops": 200.0, "mean_latency_ms": 10.0,
          "std_latency_ms": 0.5, "min_latency_ms": 9.0, "num_trials": 10}}}}})");
}
inline Json& only_result(Json& profile) {
    return profile["operation_profiles"]["matmul_device=cpu_matrix_size=1000_medium"]
                  ["precision_results"]["fp32"];
}

}  // namespace peakward::older
