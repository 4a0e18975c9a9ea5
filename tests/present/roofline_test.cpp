// Where measurements stand under their roofs.
#include "present/roofline_view.hpp"

#include <gmock/gmock.h>

#include "core/text.hpp"
#include "present/sample_run.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;

const PlotSeries* series_named(const Plot& plot, const std::string& name) {
    for (const PlotSeries& series : plot.series)
        if (series.name == name) return &series;
    return nullptr;
}

TEST(Roofline, APointStandsAtTheOperationsPerByteOfItsDefinition) {
    auto run = sample_run();
    const double n = 1024;
    Measurement& gemm = run.measurements.front();
    gemm.statistics.median_s = 0.01;
    gemm.statistics.ci_low_s = 0.009;
    gemm.statistics.ci_high_s = 0.011;
    const Roofline roofline = roofline_of(run, "cpu");
    const PlotSeries* blas = series_named(roofline.plot, "fp32, blas");
    ASSERT_NE(blas, nullptr);
    EXPECT_EQ(blas->style, PlotStyle::marks);
    ASSERT_EQ(blas->points.size(), 1u);
    const PlotPoint& point = blas->points[0];
    EXPECT_GT(point.x, 2 * n / 4 / 4 * 0.9);
    EXPECT_NEAR(point.y, 2 * n * n * n / 0.01 / 1e9, 1e-6);
    EXPECT_NEAR(point.low, point.y * 0.01 / 0.011, 1e-6) << "the slow end is the low end";
    EXPECT_NEAR(point.high, point.y * 0.01 / 0.009, 1e-6);
    EXPECT_THAT(point.detail, HasSubstr("gemm fp32"));
    EXPECT_EQ(series_named(roofline.plot, "fp64, blas"), nullptr) << "contended has no place";
}

TEST(Roofline, ARoofBendsWhereMemoryStopsToLimit) {
    auto run = sample_run();
    for (Score& score : run.results) {
        score.theoretical_bandwidth.kind = PeakKind::datasheet;
        score.theoretical_bandwidth.value = 20;
        score.theoretical_bandwidth.formula = "2 channels x 8 B x 1250 MT/s";
    }
    const Roofline roofline = roofline_of(run, "cpu");
    const PlotSeries* roof = series_named(roofline.plot, "fp32 roof, probed");
    ASSERT_NE(roof, nullptr);
    EXPECT_EQ(roof->style, PlotStyle::line);
    ASSERT_EQ(roof->points.size(), 3u);
    EXPECT_NEAR(roof->points[1].x, 217.0 / 20, 1e-9);
    EXPECT_NEAR(roof->points[0].y, roof->points[0].x * 20, 1e-9);
    EXPECT_NEAR(roof->points[2].y, 217.0, 1e-9);
    EXPECT_EQ(std::get<std::string>(roofline.roofs.rows[0][2].value), "datasheet");
    EXPECT_THAT(std::get<std::string>(roofline.roofs.rows[0][4].value), HasSubstr("1250 MT/s"));
}

TEST(Roofline, AnUnknownRoofIsSaidAndAMeasuredOneIsNamedSo) {
    const Roofline roofline = roofline_of(sample_run(), "cpu");
    EXPECT_EQ(std::get<std::string>(roofline.roofs.rows[0][0].value), "memory, measured");
    EXPECT_THAT(std::get<std::string>(roofline.roofs.rows[0][4].value),
                HasSubstr("SMBIOS is not readable"));
    ASSERT_FALSE(roofline.missing.empty());
    EXPECT_THAT(roofline.missing.front(), HasSubstr("No compute roof for int8"));
}

TEST(Roofline, ADeviceWithoutMeasurementsHasNoPoints) {
    EXPECT_TRUE(roofline_of(sample_run(), "cuda:0").plot.series.empty());
}

}  // namespace
}  // namespace peakward
