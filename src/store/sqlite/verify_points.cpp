#include "store/sqlite/verify_points.hpp"

#include <bit>
#include <cmath>

#include "core/text.hpp"

namespace peakward::store {
namespace {

// NaN stands for "none" on both sides.
bool same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

const char* table_of(std::int64_t kind) { return kind == 0 ? "score_series" : "series"; }

}  // namespace

PointVerifier::PointVerifier(Connection& connection)
    : connection_(connection),
      point_(connection.prepare(
          "SELECT seq, timestamp_unix, stack_id, doubts, figures FROM points WHERE kind = ? AND "
          "series_id = ? AND seq = ? AND position = ?")),
      score_series_(connection.prepare("SELECT id, key FROM score_series WHERE sha256 = ?")),
      sealed_(connection.prepare("SELECT metric_id, points FROM sealed_points WHERE kind = ? AND "
                                 "series_id = ? AND last_seq = ? ORDER BY metric_id")) {
    {
        Statement rows = connection.prepare("SELECT id, name, unit FROM metrics");
        while (rows.step()) metrics_[rows.integer(0)] = {rows.text(1), rows.text(2)};
    }
    Statement rows =
        connection.prepare("SELECT id, software_fingerprint, stack_digest FROM stacks");
    while (rows.step()) stacks_[rows.integer(0)] = {rows.text(1), rows.text(2)};
}

void PointVerifier::note_origin(std::int64_t seq, const RunOrigin& origin) {
    seq_ = seq;
    origin_ = origin;
    const Stack stack(origin.software_fingerprint, origin.stack_digest);
    const auto next = std::int64_t(expected_stacks_.size()) + 1;
    if (expected_stack_ids_.emplace(stack, next).second) expected_stacks_.push_back(stack);
    const auto [place, is_new] =
        expected_hosts_.try_emplace({origin.lineage, origin.hardware_fingerprint, origin.install});
    Host& host = place->second;
    ++host.runs;
    host.cases += origin.cases;
    host.last_seq = seq;
    if (is_new || origin.timestamp_unix < host.first_unix) {
        host.first_unix = origin.timestamp_unix;
        host.first_seq = seq;
    }
    if (is_new || origin.timestamp_unix >= host.newest_unix) {
        host.newest_unix = origin.timestamp_unix;
        host.newest_seq = seq;
    }
}

void PointVerifier::check_run(std::int64_t seq, const RunRows& expected,
                              const std::vector<std::int64_t>& series_ids, const Tell& tell) {
    note_origin(seq, expected.origin);
    for (std::size_t i = 0; i < expected.measurements.size() && i < series_ids.size(); ++i)
        if (expected.measurements[i].point)
            check_point(kind_column(SeriesKind::measurement), series_ids[i], std::int64_t(i),
                        *expected.measurements[i].point, tell);
    for (std::size_t i = 0; i < expected.scores.size(); ++i) {
        const ScoreRows& score = expected.scores[i];
        score_series_.bind(1, std::string_view(score.series_sha256));
        const bool known = score_series_.step() && score_series_.view(1) == score.series_key;
        const std::int64_t id = known ? score_series_.integer(0) : 0;
        score_series_.reset();
        if (known)
            check_point(kind_column(SeriesKind::score), id, std::int64_t(i), score.point, tell);
        else
            tell(fmt::format("the series of its score {} is not the one its document gives", i));
    }
}

bool PointVerifier::same_figures(const std::vector<PackedFigure>& stored,
                                 const PointRow& expected) const {
    if (stored.size() != expected.figures.size()) return false;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const Figure& figure = expected.figures[i];
        const auto metric = metrics_.find(stored[i].metric_id);
        if (metric == metrics_.end() || metric->second.first != figure.metric ||
            metric->second.second != figure.unit || !same(stored[i].value, figure.value) ||
            !same(stored[i].ci_low, figure.ci_low) || !same(stored[i].ci_high, figure.ci_high) ||
            stored[i].doubts != figure.doubts)
            return false;
    }
    return true;
}

void PointVerifier::check_point(std::int64_t kind, std::int64_t series_id, std::int64_t position,
                                const PointRow& expected, const Tell& tell) {
    ++points_;
    point_.bind(1, kind).bind(2, series_id).bind(3, seq_).bind(4, position);
    StoredPoint stored;
    const bool found = point_.step();
    const bool readable = found && read_point(point_, 0, stored);
    point_.reset();
    const auto stack = stacks_.find(stored.point.stack + 1);
    if (!found)
        tell(fmt::format("points lacks its row {} of {} {}", position, table_of(kind), series_id));
    else if (!readable || !same_figures(stored.figures, expected) ||
             stored.point.doubts != expected.doubts ||
             stored.point.time_unix != origin_.timestamp_unix || stack == stacks_.end() ||
             stack->second != Stack(origin_.software_fingerprint, origin_.stack_digest))
        tell(fmt::format("points differs from its document in row {} of {} {}", position,
                         table_of(kind), series_id));
}

void PointVerifier::check_summaries(const Tell& tell) {
    check_stacks(tell);
    check_hosts(tell);
    check_sealed(tell);
}

void PointVerifier::check_stacks(const Tell& tell) {
    bool agrees = stacks_.size() == expected_stacks_.size();
    for (std::size_t i = 0; agrees && i < expected_stacks_.size(); ++i) {
        const auto stored = stacks_.find(std::int64_t(i) + 1);
        agrees = stored != stacks_.end() && stored->second == expected_stacks_[i];
    }
    if (!agrees)
        tell("stacks does not list the stacks of the runs in the order of their first one");
}

void PointVerifier::check_hosts(const Tell& tell) {
    Statement rows = connection_.prepare(
        "SELECT lineage, hardware_fingerprint, install, runs, cases, first_unix, first_seq, "
        "newest_unix, newest_seq, last_seq FROM hosts");
    std::size_t found = 0;
    for (; rows.step(); ++found) {
        const Host stored{rows.integer(3), rows.integer(4), rows.integer(5), rows.integer(6),
                          rows.integer(7), rows.integer(8), rows.integer(9)};
        const auto expected = expected_hosts_.find({rows.text(0), rows.text(1), rows.text(2)});
        if (expected == expected_hosts_.end() || !(expected->second == stored))
            tell(fmt::format("hosts does not agree with the runs of lineage {}, install {}",
                             rows.view(0), rows.view(2)));
    }
    if (found < expected_hosts_.size())
        tell(
            fmt::format("hosts has {} rows where the runs give {}", found, expected_hosts_.size()));
}

// The rows are those of the documents by now: what is sealed must be those rows again.
void PointVerifier::check_sealed(const Tell& tell) {
    Statement rows = connection_.prepare(
        "SELECT kind, series_id, unsealed, seq, timestamp_unix, stack_id, doubts, figures "
        "FROM points ORDER BY kind, series_id, seq, position");
    std::pair<std::int64_t, std::int64_t> series{-1, 0};
    std::vector<StoredPoint> open;  // since the last piece
    std::int64_t count = 0, unsealed = 0, last_seq = 0;
    for (; rows.step(); ++count) {
        const std::pair here(rows.integer(0), rows.integer(1));
        const std::int64_t seq = rows.integer(3);
        const bool begins = here != series;
        if (begins || seq != last_seq) {
            if (unsealed == sealed_runs) {
                check_piece(series.first, series.second, open, tell);
                open.clear();
            }
            unsealed = begins ? first_unsealed(here.first, here.second) : next_unsealed(unsealed);
        }
        if (begins) open.clear();
        series = here;
        last_seq = seq;
        // Read in any case: the piece that is checked below needs every row.
        const bool is_readable = read_point(rows, 3, open.emplace_back());
        if (rows.integer(2) != unsealed || !is_readable)
            tell(fmt::format("points does not count {} {} on as it should at seq {}",
                             table_of(here.first), here.second, seq));
    }
    if (unsealed == sealed_runs) check_piece(series.first, series.second, open, tell);
    if (count > points_)
        tell(fmt::format("points has {} rows that belong to no stored run", count - points_));
    const std::int64_t pieces = connection_.scalar("SELECT count(*) FROM sealed_points");
    if (pieces > pieces_)
        tell(fmt::format("sealed_points has {} rows that belong to no series", pieces - pieces_));
    // Rows are only ever added, each behind the last.
    if (connection_.scalar(
            "SELECT coalesce(min(id) <> 1 OR max(id) <> count(*), 0) FROM sealed_points"))
        tell("sealed_points does not number its rows from 1 on");
}

void PointVerifier::check_piece(std::int64_t kind, std::int64_t series_id,
                                const std::vector<StoredPoint>& rows, const Tell& tell) {
    const auto expected = by_metric(rows);
    pieces_ += std::int64_t(expected.size());
    sealed_.bind(1, kind).bind(2, series_id).bind(3, rows.back().point.seq);
    auto metric = expected.begin();
    bool agrees = true;
    while (sealed_.step()) {
        if (metric == expected.end() || metric->first != sealed_.integer(0)) {
            agrees = false;
            break;
        }
        agrees = agrees && pack_points(metric->second, metric->first != 0) == sealed_.view(1);
        ++metric;
    }
    agrees = agrees && metric == expected.end();
    sealed_.reset();
    if (!agrees)
        tell(fmt::format("sealed_points does not agree with points in {} {} up to seq {}",
                         table_of(kind), series_id, rows.back().point.seq));
}

}  // namespace peakward::store
