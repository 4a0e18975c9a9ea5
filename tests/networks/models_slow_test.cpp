// Every network in full: seconds each. With PEAKWARD_FRAMEWORKS_PYTHON, the path of a Python that
// has torch or onnxruntime, the frameworks run the files too and must give the same answers.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <cstring>

#include "catalog/networks/graph.hpp"
#include "core/text.hpp"
#include "networks/networks.hpp"
#include "networks/scratch.hpp"

namespace peakward {
namespace {

class EveryNetwork : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (!networks_can_be_written()) GTEST_SKIP() << "built without ONNX";
    }
};

TEST_P(EveryNetwork, GivesAnAnswerThatFrameworksConfirm) {
    const networks_test::Scratch scratch;
    const auto files = materialise(GetParam(), 2, scratch.folder());
    ASSERT_TRUE(files) << files.error().message;
    const std::string bytes = networks_test::read_file(files->folder + "/output.bin");
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    float low = values[0], high = values[0];
    for (const float value : values) {
        ASSERT_TRUE(std::isfinite(value));
        low = std::min(low, value);
        high = std::max(high, value);
    }
    EXPECT_GT(high - low, 1);
    EXPECT_LT(high - low, 100);
    const char* python = ::getenv("PEAKWARD_FRAMEWORKS_PYTHON");
    if (python == nullptr) return;
    const std::string command =
        fmt::format("'{}' -B '{}/workers/python/tests/network_agreement.py' '{}'", python,
                    PEAKWARD_SOURCE_DIR, files->folder);
    EXPECT_EQ(::system(command.c_str()), 0);
}

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const catalog::Network& network : catalog::networks()) all.push_back(network.name);
    return all;
}
INSTANTIATE_TEST_SUITE_P(Catalog, EveryNetwork, testing::ValuesIn(names()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace peakward
