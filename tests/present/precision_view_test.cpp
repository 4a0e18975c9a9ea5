#include "present/precision_view.hpp"

#include <gmock/gmock.h>

namespace peakward {
namespace {

using ::testing::ElementsAre;

TEST(PrecisionView, SaysOnceThatAPrecisionWasNotMeasuredAndWhy) {
    peakward::Run run;
    run.precision_matrix = {
        {"cpu", "numpy", "fp64", Capability::supported},
        {"cpu", "numpy", "int32", Capability::not_measured, "not measured: one thread alone"},
        {"cpu", "numpy", "int16", Capability::not_measured, "not measured: one thread alone"},
        {"cpu", "numpy", "int8", Capability::not_measured, "not measured (slow): 2 GOPS"},
        {"cpu", "numpy", "int4", Capability::unsupported, "numpy computes in fp64"}};
    std::vector<std::string> lines;
    for (const Paragraph& line : precision_section(run, "cpu").paragraphs)
        lines.push_back(line.text);
    EXPECT_THAT(lines, ElementsAre("numpy, no int4: numpy computes in fp64",
                                   "numpy, not measured (slow): int8: 2 GOPS",
                                   "numpy, not measured: int32 int16: one thread alone"));
}

}  // namespace
}  // namespace peakward
