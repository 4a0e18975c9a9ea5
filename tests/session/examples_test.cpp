// The histories that stand in examples/ are whole: nobody changed a run, or let the index differ.
#include "session/fixture.hpp"

namespace peakward::session_test {
namespace {

class Examples : public SessionTest {};

TEST_F(Examples, TheHistoryOfSoftwareImpactVerifies) {
    // A copy: reading a database makes files beside it.
    std::filesystem::copy_file(
        std::string(PEAKWARD_SOURCE_DIR) + "/examples/software-impact/history.db", database());
    const auto report = verify_store(database());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_THAT(report->problems, testing::IsEmpty());
    EXPECT_GE(report->runs, 7) << "three BLAS libraries, two of NumPy, two of ONNX Runtime";
}

}  // namespace
}  // namespace peakward::session_test
