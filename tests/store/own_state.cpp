// What the program remembers between calls goes into a folder of the tests' own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace peakward::store_test {
namespace {

class OwnState final : public ::testing::Environment {
public:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "peakward-state-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        ::setenv("XDG_STATE_HOME", folder_.c_str(), 1);
    }
    void TearDown() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

private:
    std::string folder_;
};

[[maybe_unused]] const auto* const own_state = ::testing::AddGlobalTestEnvironment(new OwnState);

}  // namespace
}  // namespace peakward::store_test
