// Text cells of CSV that a spreadsheet must not take for a formula.
#pragma once

#include <string>
#include <string_view>

namespace peakward {

// Text that begins like a formula (=, +, -, @, a tab or a line end, also behind spaces and in their
// full-width forms) gets an apostrophe, which spreadsheets read as "this is text". Text that begins
// with an apostrophe before such a character gets one more, so that every text comes back whole.
std::string to_csv_name(std::string_view text);
// The text that to_csv_name() was given.
std::string from_csv_name(std::string_view cell);

}  // namespace peakward
