// The fuzz targets on every input that is kept: seeds, and what fuzzing has found. An input that
// broke something stays in tests/fixtures/fuzz, so that it cannot break it again.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "fuzz/targets.hpp"

namespace peakward::fuzz {

static void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

namespace {

namespace fs = std::filesystem;

fs::path fixtures() { return fs::path(PEAKWARD_SOURCE_DIR) / "tests" / "fixtures"; }

std::size_t replay(const fs::path& folder, const Target& target) {
    std::size_t inputs = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        EXPECT_EQ(target.broken(bytes), "") << entry.path();
        ++inputs;
    }
    return inputs;
}

class Fuzz : public testing::TestWithParam<Target> {};

TEST_P(Fuzz, HoldsOnWhatIsKept) {
    EXPECT_GE(replay(fixtures() / "fuzz" / GetParam().name, GetParam()), 3U);
}

INSTANTIATE_TEST_SUITE_P(Targets, Fuzz, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(FuzzTargets, HoldOnWholeFilesOfOthers) {
    EXPECT_GT(replay(fixtures() / "legacy", {"import_document", Form::json, import_document}), 5U);
    EXPECT_GT(replay(fixtures() / "older-hardware", {"older_product", Form::json, older_product}),
              4U);
    const fs::path products = fs::path(PEAKWARD_SOURCE_DIR) / "data" / "hardware";
    for (const char* kind : {"cpu/intel", "gpu/nvidia", "board/nvidia"})
        EXPECT_GT(replay(products / kind, {"product", Form::json, product}), 0U) << kind;
}

TEST(FuzzTargets, HaveNoInputsWithoutATarget) {
    std::set<std::string> names;
    for (const Target& target : targets()) names.insert(target.name);
    for (const auto& entry : fs::directory_iterator(fixtures() / "fuzz"))
        if (entry.is_directory()) {
            EXPECT_TRUE(names.contains(entry.path().filename().string())) << entry.path();
        }
}

}  // namespace
}  // namespace peakward::fuzz
