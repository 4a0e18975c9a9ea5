#include "core/series.hpp"

#include <algorithm>
#include <array>

namespace peakward {
namespace {

struct DoubtWord {
    Doubt bit;
    const char* word;
};

constexpr std::array<DoubtWord, 9> doubt_list{{{doubt_contended, "contended"},
                                               {doubt_forced, "forced"},
                                               {doubt_above_theoretical, "above_theoretical"},
                                               {doubt_incomplete, "interrupted"},
                                               {doubt_imported, "doubtful_import"},
                                               {doubt_fallback, "device_fallback"},
                                               {doubt_platform, "platform_check_skipped"},
                                               {doubt_not_measured, "not_measured"},
                                               {doubt_power_mode, "power_mode_unknown"}}};

}  // namespace

std::string keyed_suite(const SeriesKey& key) {
    const bool by_suite = key.kind == SeriesKind::score || is_imported_suite(key.definition);
    return by_suite ? key.suite : "";
}

bool larger_is_better(const SeriesKey& key) {
    static const std::array<std::string_view, 6> costs{"median_s",      "min_s",  "power_w",
                                                       "temperature_c", "joules", "latency_s"};
    return std::find(costs.begin(), costs.end(), key.metric) == costs.end() && key.unit != "s" &&
           key.unit != "J";
}

std::string doubt_words(std::uint16_t doubts) {
    std::string words;
    for (const DoubtWord& doubt : doubt_list) {
        if (!(doubts & doubt.bit)) continue;
        if (!words.empty()) words += ", ";
        words += doubt.word;
    }
    return words;
}

std::uint16_t doubt_of_flag(const std::string& flag) {
    for (const DoubtWord& doubt : doubt_list)
        if (flag == doubt.word) return doubt.bit;
    return 0;
}

}  // namespace peakward
