// Points of series: a row a run, sealed into one piece a metric every 64 runs.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/series.hpp"
#include "store/packed.hpp"
#include "store/rows.hpp"
#include "store/sqlite/connection.hpp"

namespace peakward::store {

// Few enough to be read one by one, enough for what is sealed to be read in large pieces.
inline constexpr std::int64_t sealed_runs = 64;

// points.kind
constexpr std::int64_t kind_column(SeriesKind kind) { return kind == SeriesKind::score ? 0 : 1; }

// points.unsealed of the first run of a series.
std::int64_t first_unsealed(std::int64_t kind, std::int64_t series_id);
// Of the run after one with `unsealed`.
constexpr std::int64_t next_unsealed(std::int64_t unsealed) { return unsealed % sealed_runs + 1; }

// A row of points as it is read back.
struct StoredPoint {
    SeriesPoint point;  // without its figure
    std::vector<PackedFigure> figures;
};

// The points of every metric; of metric 0 those without a figure.
std::map<std::int64_t, std::vector<SeriesPoint>> by_metric(const std::vector<StoredPoint>& rows);

// Reads seq, timestamp_unix, stack_id, doubts, figures from `first` on; false when the figures are
// damaged.
bool read_point(const Statement& row, int first, StoredPoint& stored);

// The tables of the index: those that are read, or those that a rebuild fills beside them.
struct IndexNames {
    std::string_view prefix = "";
    std::string operator()(std::string_view table) const {
        return std::string(prefix) + std::string(table);
    }
};

// What a run adds to points, sealed_points, metrics, stacks and hosts.
class PointWriter {
public:
    PointWriter(Connection& connection, IndexNames names);
    void begin_run(std::int64_t seq, const RunOrigin& origin);
    void add(SeriesKind kind, std::int64_t series_id, std::int64_t position, const PointRow& point);
    void end_run();

private:
    std::int64_t stack_id(const RunOrigin& origin);
    std::int64_t metric_id(const Figure& figure);
    void count_host(const RunOrigin& origin);
    void seal(std::int64_t kind, std::int64_t series_id);

    Connection& connection_;
    Statement last_point_, add_point_, find_stack_, add_stack_, add_metric_;
    Statement find_host_, move_host_, add_host_;
    Statement last_sealed_, unsealed_, add_sealed_;
    std::map<std::string, std::int64_t> metrics_;
    std::int64_t seq_ = 0, timestamp_unix_ = 0, stack_ = 0;
    std::set<std::pair<std::int64_t, std::int64_t>> full_;  // kind, series_id
};

}  // namespace peakward::store
