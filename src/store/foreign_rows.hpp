// Databases that Peakward did not make: seed 000's calibrations_v2.db, read and never changed.
#pragma once

#include <string>

#include "core/json.hpp"
#include "core/progress.hpp"
#include "core/result.hpp"

namespace peakward {

// Whether a file of SQLite is a database of Peakward, which open_store() reads. False also for one
// that cannot be read: read_foreign_rows() says why.
bool is_peakward_database(const std::string& path);

// The rows of the table or view that has seed 000's columns, as a list of objects by column, in the
// order of the table. Its views compute what they like, so what they take and give is bounded; the
// bounds are far above every real file. The error is one sentence without the path: no such table,
// damaged, too large.
Result<Json> read_foreign_rows(const std::string& path, const StopToken* stop = nullptr);

}  // namespace peakward
