// The change-point engine on anyone's numbers: what the verb `changes` shows.
#pragma once

#include <string>
#include <vector>

#include "analyze/change_points.hpp"
#include "core/progress.hpp"
#include "core/result.hpp"
#include "session/csv_series.hpp"

namespace peakward {

struct ChangesRequest {
    // CSV files, folders (their .csv files, not those of folders below), "-" for standard input.
    std::vector<std::string> paths;
    CsvChoice choice;
    ChangeOptions options;
};

struct ChangedSeries {
    std::string name;        // tells it from the others of the call
    std::size_t file = 0;    // of ChangesReply::files
    std::size_t column = 0;  // of CsvFile::series
    std::size_t points = 0;  // rows with a number
    ChangeReport report;
    double p_value = 1;         // the smallest of its changes, of those held back too
    std::size_t held_back = 0;  // changes that many series would show without any
};

struct ChangesReply {
    std::vector<CsvFile> files;
    std::vector<ChangedSeries> series;  // by file, then by column
    // Share of the reported series of which no more than this many are false, on average.
    double false_discovery_share = 0;
    std::vector<std::string> notes;

    const std::vector<double>& values_of(const ChangedSeries& one) const {
        return files[one.file].series[one.column].values;
    }
    const std::string& column_of(const ChangedSeries& one) const {
        return files[one.file].series[one.column].column;
    }
    // As the file has it; "" where it has no times.
    std::string time_of(const ChangedSeries& one, std::size_t index) const {
        const auto& times = files[one.file].times;
        return index < times.size() ? times[index] : std::string();
    }
};

// One file that cannot be read ends it: the error names it.
Result<ChangesReply> look_for_changes(const ChangesRequest& request, const StopToken& stop);

}  // namespace peakward
