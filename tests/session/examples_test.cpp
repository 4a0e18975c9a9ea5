// The histories that stand in examples/ are whole: nobody changed a run, or let the index differ.
#include "session/analysis.hpp"
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

// All seven were forced on a busy machine, and their gates kept clean samples of what they score.
TEST_F(Examples, TheForcedRunsOfSoftwareImpactDecide) {
    std::filesystem::copy_file(
        std::string(PEAKWARD_SOURCE_DIR) + "/examples/software-impact/history.db", database());
    const auto analysed = load_series(database(), {.metrics = {"blas3_gops"}});
    ASSERT_TRUE(analysed) << analysed.error().message;
    std::size_t runs = 0;
    for (const Subject& subject : analysed->subjects)
        for (const SubjectSeries& one : subject.series)
            for (const SeriesPoint& point : one.series.points) {
                ++runs;
                EXPECT_EQ(point.doubts & doubt_forced, 0) << doubt_words(point.doubts);
            }
    EXPECT_EQ(runs, 7u);
}

}  // namespace
}  // namespace peakward::session_test
