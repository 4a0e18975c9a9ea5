// The fuzz targets on every input that is kept: seeds, and what fuzzing has found. An input that
// broke something stays in tests/fixtures/fuzz, so that it cannot break it again.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "fuzz/targets.hpp"

namespace peakward::fuzz {
namespace {

std::size_t replay(const std::string& folder, std::string (*target)(std::string_view)) {
    std::size_t inputs = 0;
    const auto inputs_folder =
        std::filesystem::path(PEAKWARD_SOURCE_DIR) / "tests" / "fixtures" / folder;
    for (const auto& entry : std::filesystem::directory_iterator(inputs_folder)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        EXPECT_EQ(target(text.str()), "") << entry.path();
        ++inputs;
    }
    return inputs;
}

TEST(Fuzz, CsvSeriesHoldsOnWhatIsKept) { EXPECT_GT(replay("fuzz/csv_series", csv_series), 5U); }

TEST(Fuzz, ImportDocumentHoldsOnWhatIsKept) {
    EXPECT_GT(replay("fuzz/import_document", import_document), 5U);
}

TEST(Fuzz, ImportDocumentHoldsOnWholeProfiles) { EXPECT_GT(replay("legacy", import_document), 5U); }

}  // namespace
}  // namespace peakward::fuzz
