// Series of anyone's numbers out of a CSV text: one column of times or labels, and columns of
// values. Pure; reading files is changes.hpp's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/progress.hpp"
#include "core/result.hpp"

namespace peakward {

class StopToken;

struct CsvChoice {
    std::string time;                  // the column of times; "": the first
    std::vector<std::string> columns;  // empty: every column with numbers in it
};

struct CsvSeries {
    std::string column;
    std::vector<double> values;  // one a row; NaN where the cell is empty, NaN or infinite
};

struct CsvFile {
    std::string name;                // as errors and notes call it
    std::vector<std::string> times;  // one a row, as they stand in the file; empty: no time column
    // The same as numbers, where all are numbers or all are dates; else empty.
    std::vector<double> instants;
    bool has_dates = false;  // instants are seconds since 1970, UTC
    std::vector<CsvSeries> series;
    std::vector<std::string> notes;  // sentences: what was done that nobody asked for
};

// RFC 4180, UTF-8 with or without a byte order mark, any line ends; separated by commas, semicolons
// or tabs. The first row names the columns unless it holds data already. The times are those of the
// first column, or of a column whose name says so where the first one holds labels (csv_times.hpp).
// A file of one column has no times, and neither has one whose first column is chosen for values.
// Rows stand in the order of the file, or of their times where those can be read and go backwards.
// Numbers are written in one way throughout a column (csv_numbers.hpp). A value that is text is an
// error, unless most of its column is: then it is no series, and neither is a column named as one
// of labels ("commit", "version"). What is left out is in the notes. Long tables and tables of one
// run are errors that say what to do. Errors are one sentence with the file and the line: `usage`
// where a column is asked for that is not there, `interrupted` where `stop` ended the reading. Time
// and memory are linear in the size of the text.
Result<CsvFile> read_csv_series(std::string_view text, const std::string& name,
                                const CsvChoice& choice, const StopToken* stop = nullptr);

}  // namespace peakward
