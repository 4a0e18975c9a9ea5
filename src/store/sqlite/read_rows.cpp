// The view calibration_runs, row by row.
#include <algorithm>

#include "store/sqlite/sqlite_store.hpp"

namespace peakward {

const StoredValue& StoredRow::of(std::string_view column) const {
    static const StoredValue nothing;
    const auto it = std::find(columns.begin(), columns.end(), column);
    const auto place = static_cast<std::size_t>(it - columns.begin());
    return place < values.size() ? values[place] : nothing;
}

namespace store {

Status SqliteStore::each_calibration_row(const std::function<Status(const StoredRow&)>& take) {
    Connection& c = *connection_;
    Statement rows = c.prepare(
        "SELECT * FROM calibration_runs ORDER BY timestamp_unix, seq, device, precision, backend");
    const std::vector<std::string> columns = rows.column_names();
    std::vector<StoredValue> values(columns.size());
    while (rows.step()) {
        for (std::size_t i = 0; i < columns.size(); ++i)
            values[i] = rows.value(static_cast<int>(i));
        if (auto status = take({columns, values}); !status) return status;
    }
    return c.status();
}

}  // namespace store
}  // namespace peakward
