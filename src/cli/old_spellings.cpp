#include "cli/old_spellings.hpp"

#include <algorithm>
#include <iterator>

namespace peakward::cli {
namespace {

struct Spelling {
    std::string_view word, today;
};

constexpr Spelling spellings[] = {
    {"--quick", "peakward calibrate --quick"},
    {"--show-context", "peakward context"},
    {"--detect-regressions", "peakward regressions"},
    {"--maturity-analysis", "peakward maturity"},
    {"--driver-impact", "peakward impact"},
    {"--compare", "peakward compare PRODUCT PRODUCT"},
    {"--export", "peakward export FILE.csv"},
    {"--list-hardware", "peakward hardware list"},
    {"--load", "peakward import FILE; peakward profile show FILE"},
    {"--name", "peakward calibrate --preset PRODUCT"},
    {"--peak-gflops", "peakward hardware add"},
    {"--peak-bandwidth", "peakward hardware add"},
    {"--id", "peakward calibrate --preset PRODUCT; --hardware PRODUCT for the other verbs"},
    {"benchmark_sweep", "peakward calibrate --full"},
    {"calibrate_hardware", "peakward calibrate"},
    {"analyze_product_trajectory", "peakward trajectory"},
    {"summarize_database", "peakward hardware summary"},
    {"sync_mappers", "peakward hardware sync"},
    {"export_calibration", "peakward hardware export-calibration"},
};

}  // namespace

std::string_view call_of_today(std::string_view word) {
    if (word.ends_with(".py")) word.remove_suffix(3);
    const auto* const spelling =
        std::find_if(std::begin(spellings), std::end(spellings),
                     [&](const Spelling& each) { return each.word == word; });
    return spelling == std::end(spellings) ? std::string_view() : spelling->today;
}

}  // namespace peakward::cli
