#include "store/sqlite/points.hpp"

#include "core/text.hpp"

namespace peakward::store {

// Spread over the whole range by the id, so that the series of one run are sealed by different
// appends.
std::int64_t first_unsealed(std::int64_t kind, std::int64_t series_id) {
    constexpr std::int64_t step = 29;  // shares no divisor with sealed_runs
    return (series_id * step + kind) % sealed_runs + 1;
}

std::map<std::int64_t, std::vector<SeriesPoint>> by_metric(const std::vector<StoredPoint>& rows) {
    std::map<std::int64_t, std::vector<SeriesPoint>> metrics;
    metrics[0];
    for (const StoredPoint& row : rows) {
        if (row.figures.empty()) metrics[0].push_back(row.point);
        for (const PackedFigure& figure : row.figures) {
            SeriesPoint point = row.point;
            point.value = figure.value;
            point.ci_low = figure.ci_low;
            point.ci_high = figure.ci_high;
            point.doubts |= figure.doubts;
            metrics[figure.metric_id].push_back(point);
        }
    }
    return metrics;
}

bool read_point(const Statement& row, int first, StoredPoint& stored) {
    stored.point = {};
    stored.point.seq = row.integer(first);
    stored.point.time_unix = row.integer(first + 1);
    stored.point.stack = std::int32_t(row.integer(first + 2)) - 1;
    stored.point.doubts = std::uint16_t(row.integer(first + 3));
    return unpack_figures(row.view(first + 4), stored.figures);
}

PointWriter::PointWriter(Connection& connection, IndexNames names)
    : connection_(connection),
      last_point_(connection.prepare("SELECT seq, unsealed FROM " + names("points") +
                                     " WHERE kind = ? AND series_id = ? "
                                     "ORDER BY seq DESC, position DESC LIMIT 1")),
      add_point_(connection.prepare(
          "INSERT INTO " + names("points") +
          " (kind, series_id, seq, position, timestamp_unix, stack_id, doubts, unsealed, figures) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      find_stack_(connection.prepare("SELECT id FROM " + names("stacks") +
                                     " WHERE software_fingerprint = ? AND stack_digest = ?")),
      add_stack_(connection.prepare("INSERT INTO " + names("stacks") +
                                    " (software_fingerprint, stack_digest) VALUES (?, ?)")),
      add_metric_(
          connection.prepare("INSERT INTO " + names("metrics") + " (name, unit) VALUES (?, ?)")),
      find_host_(connection.prepare("SELECT 1 FROM " + names("hosts") +
                                    " WHERE lineage = ?1 AND hardware_fingerprint = ?2 "
                                    "AND install = ?3")),
      move_host_(connection.prepare(
          "UPDATE " + names("hosts") +
          " SET runs = runs + 1, cases = cases + ?4, "
          "first_seq = CASE WHEN ?5 < first_unix THEN ?6 ELSE first_seq END, "
          "first_unix = min(first_unix, ?5), "
          "newest_seq = CASE WHEN ?5 >= newest_unix THEN ?6 ELSE newest_seq END, "
          "newest_unix = max(newest_unix, ?5), last_seq = ?6 "
          "WHERE lineage = ?1 AND hardware_fingerprint = ?2 AND install = ?3")),
      add_host_(connection.prepare(
          "INSERT INTO " + names("hosts") +
          " (lineage, hardware_fingerprint, install, runs, cases, first_unix, first_seq, "
          "newest_unix, newest_seq, last_seq) VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?5, ?6, ?6)")),
      last_sealed_(connection.prepare("SELECT max(last_seq) FROM " + names("sealed_points") +
                                      " WHERE kind = ? AND series_id = ? AND metric_id = 0")),
      unsealed_(connection.prepare("SELECT seq, timestamp_unix, stack_id, doubts, figures FROM " +
                                   names("points") +
                                   " WHERE kind = ? AND series_id = ? AND seq > ? "
                                   "ORDER BY seq, position")),
      add_sealed_(connection.prepare("INSERT INTO " + names("sealed_points") +
                                     " (kind, series_id, metric_id, last_seq, points) "
                                     "VALUES (?, ?, ?, ?, ?)")) {
    Statement rows = connection.prepare("SELECT name, id FROM " + names("metrics"));
    while (rows.step()) metrics_[rows.text(0)] = rows.integer(1);
}

std::int64_t PointWriter::stack_id(const RunOrigin& origin) {
    find_stack_.bind(1, std::string_view(origin.software_fingerprint));
    find_stack_.bind(2, std::string_view(origin.stack_digest));
    const bool known = find_stack_.step();
    const std::int64_t id = known ? find_stack_.integer(0) : 0;
    find_stack_.reset();
    if (known) return id;
    add_stack_.bind(1, std::string_view(origin.software_fingerprint));
    add_stack_.bind(2, std::string_view(origin.stack_digest));
    add_stack_.run();
    return connection_.last_insert_id();
}

std::int64_t PointWriter::metric_id(const Figure& figure) {
    const auto known = metrics_.find(figure.metric);
    if (known != metrics_.end()) return known->second;
    add_metric_.bind(1, std::string_view(figure.metric));
    add_metric_.bind(2, std::string_view(figure.unit));
    add_metric_.run();
    return metrics_[figure.metric] = connection_.last_insert_id();
}

void PointWriter::count_host(const RunOrigin& origin) {
    const auto name = [&](Statement& statement) {
        statement.bind(1, std::string_view(origin.lineage));
        statement.bind(2, std::string_view(origin.hardware_fingerprint));
        statement.bind(3, std::string_view(origin.install));
    };
    name(find_host_);
    const bool known = find_host_.step();
    find_host_.reset();
    Statement& change = known ? move_host_ : add_host_;
    name(change);
    change.bind(4, origin.cases).bind(5, origin.timestamp_unix).bind(6, seq_);
    change.run();
}

void PointWriter::begin_run(std::int64_t seq, const RunOrigin& origin) {
    seq_ = seq;
    timestamp_unix_ = origin.timestamp_unix;
    stack_ = stack_id(origin);
    count_host(origin);
}

void PointWriter::add(SeriesKind kind, std::int64_t series_id, std::int64_t position,
                      const PointRow& point) {
    const std::int64_t kind_value = kind_column(kind);
    last_point_.bind(1, kind_value).bind(2, series_id);
    std::int64_t unsealed = first_unsealed(kind_value, series_id);
    if (last_point_.step())
        // A run counts once, also where it measured the case twice.
        unsealed = last_point_.integer(0) == seq_ ? last_point_.integer(1)
                                                  : next_unsealed(last_point_.integer(1));
    last_point_.reset();
    std::vector<PackedFigure> figures;
    for (const Figure& figure : point.figures)
        figures.push_back(
            {metric_id(figure), figure.value, figure.ci_low, figure.ci_high, figure.doubts});
    const std::string packed = pack_figures(figures);
    add_point_.bind(1, kind_value)
        .bind(2, series_id)
        .bind(3, seq_)
        .bind(4, position)
        .bind(5, timestamp_unix_)
        .bind(6, stack_)
        .bind(7, std::int64_t{point.doubts})
        .bind(8, unsealed)
        .bind_blob(9, packed);
    add_point_.run();
    if (unsealed == sealed_runs) full_.emplace(kind_value, series_id);
}

void PointWriter::end_run() {
    for (const auto& [kind, series_id] : full_) seal(kind, series_id);
    full_.clear();
}

void PointWriter::seal(std::int64_t kind, std::int64_t series_id) {
    last_sealed_.bind(1, kind).bind(2, series_id);
    const std::int64_t after = last_sealed_.step() ? last_sealed_.integer(0) : 0;
    last_sealed_.reset();
    std::vector<StoredPoint> rows;
    unsealed_.bind(1, kind).bind(2, series_id).bind(3, after);
    while (unsealed_.step())
        if (!read_point(unsealed_, 0, rows.emplace_back()))
            connection_.fail(
                Error{ErrorKind::failed, fmt::format("{} has a damaged row of points: 'peakward db "
                                                     "rebuild' makes it anew",
                                                     connection_.path())});
    unsealed_.reset();
    for (const auto& [metric_id, points] : by_metric(rows)) {
        const std::string packed = pack_points(points, metric_id != 0);
        add_sealed_.bind(1, kind)
            .bind(2, series_id)
            .bind(3, metric_id)
            .bind(4, seq_)
            .bind_blob(5, packed);
        add_sealed_.run();
    }
}

}  // namespace peakward::store
