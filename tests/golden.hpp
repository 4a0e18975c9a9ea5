// Golden tests: what was printed against a file beside the test. PEAKWARD_UPDATE_GOLDEN=1 rewrites
// the files; the change is then seen in the diff of the commit.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace peakward::testing_support {

inline void expect_golden(const std::string& actual, const std::string& file) {
    const std::string path = std::string(PEAKWARD_SOURCE_DIR) + "/tests/" + file;
    if (const char* update = std::getenv("PEAKWARD_UPDATE_GOLDEN"); update && *update) {
        std::ofstream(path, std::ios::binary) << actual;
        return;
    }
    std::ifstream in(path, std::ios::binary);
    ASSERT_TRUE(in) << path << " is missing; PEAKWARD_UPDATE_GOLDEN=1 writes it";
    std::ostringstream expected;
    expected << in.rdbuf();
    EXPECT_EQ(actual, expected.str()) << "differs from " << path;
}

}  // namespace peakward::testing_support
