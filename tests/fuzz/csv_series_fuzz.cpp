#include <algorithm>
#include <cmath>
#include <set>

#include "analyze/change_points.hpp"
#include "core/text.hpp"
#include "fuzz/targets.hpp"
#include "session/csv_series.hpp"

namespace peakward::fuzz {
namespace {

// The engine's time is bounded by its own tests: a fuzzer wants many short series.
constexpr std::size_t engine_points_max = 256;

std::string broken_shape(const CsvFile& file) {
    if (file.series.empty()) return "a file was read and has no series";
    const std::size_t rows = file.series.front().values.size();
    if (rows < 2) return "a series of fewer than two rows";
    if (!file.times.empty() && file.times.size() != rows) return "not as many times as rows";
    if (!file.instants.empty() && file.times.size() != rows) return "instants without times";
    if (!file.instants.empty() && file.instants.size() != rows) return "not as many instants";
    if (file.has_dates && file.instants.empty()) return "dates without instants";
    if (!std::is_sorted(file.instants.begin(), file.instants.end())) return "instants out of order";
    if (!std::all_of(file.instants.begin(), file.instants.end(),
                     [](double at) { return std::isfinite(at); }))
        return "an instant that is no number";
    std::set<std::string> names;
    for (const CsvSeries& one : file.series) {
        if (one.values.size() != rows) return "series of unequal lengths";
        if (!names.insert(one.column).second) return "two columns of one name";
        if (std::any_of(one.values.begin(), one.values.end(),
                        [](double value) { return std::isinf(value); }))
            return "an infinite value";
        if (std::all_of(one.values.begin(), one.values.end(),
                        [](double value) { return std::isnan(value); }))
            return "a series without a value";
    }
    return "";
}

// A column that was found can be asked for by its name, and is the same then.
std::string broken_choice(std::string_view bytes, const CsvSeries& series) {
    const auto again = read_csv_series(bytes, "a.csv", {"", {series.column}});
    if (!again) return "a column that was read is refused by its name: " + again.error().message;
    if (again->series.size() != 1) return "one column was asked for and another came with it";
    const auto& values = again->series.front().values;
    const bool same =
        std::equal(values.begin(), values.end(), series.values.begin(), series.values.end(),
                   [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); });
    return same ? "" : "a column has other values when it is asked for";
}

std::string broken_report(const CsvSeries& series) {
    const std::size_t points = series.values.size();
    const ChangeReport report = find_changes(series.values);
    if (report.outliers.size() != points) return "not every value is an outlier or none";
    std::size_t last = 0;
    for (const Change& change : report.changes) {
        if (change.index >= points) return "a change outside of its series";
        if (change.index == 0 && change.kind == ChangeKind::step) return "a step from nowhere";
        if (change.index < last) return "changes out of order";
        if (change.end < change.index || change.end >= points) return "a change that ends nowhere";
        if (!(change.p_value >= 0 && change.p_value <= 1)) return "a p-value that is none";
        if (std::isnan(change.effect_percent)) return "an effect that is no number";
        if (change.ci_low_percent > change.ci_high_percent)
            return "an interval the wrong way round";
        last = change.index;
    }
    return "";
}

}  // namespace

std::string csv_series(std::string_view bytes) {
    const auto file = read_csv_series(bytes, "a.csv", {});
    if (!file) return file.error().message.empty() ? "an error without a sentence" : "";
    if (std::string broken = broken_shape(*file); !broken.empty()) return broken;
    for (const CsvSeries& series : file->series)
        if (std::string broken = broken_choice(bytes, series); !broken.empty()) return broken;
    for (const CsvSeries& series : file->series)
        if (series.values.size() <= engine_points_max)
            if (std::string broken = broken_report(series); !broken.empty()) return broken;
    return "";
}

}  // namespace peakward::fuzz
