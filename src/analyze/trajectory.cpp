#include "analyze/trajectory.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>

#include "analyze/in_parallel.hpp"
#include "analyze/installs.hpp"
#include "analyze/series_levels.hpp"

namespace peakward {
namespace {

SeriesKey shared_key(SeriesKey key) {
    key.install.clear();
    key.lineage.clear();
    return key;
}

const SeriesPoint& point_at(const Trajectory& t, const PlacedPoint& at,
                            std::span<const RatedSeries> series) {
    return series[t.members[at.member]].series->points[at.index];
}

bool is_decided(const SeriesPoint& point) {
    return point.doubts == 0 && std::isfinite(point.value);
}

// What tells trajectories apart, as text.
std::string text_of(const SeriesKey& key) {
    std::string text = key.power_mode ? "=" + *key.power_mode : "";
    for (const std::string& part : {key.definition, key.device, key.backend, key.precision,
                                    key.operation, to_string(key.shape), key.metric, key.unit})
        text += '\n' + part;
    return text + '\n' + std::to_string(key.threads) +
           (key.kind == SeriesKind::score ? "score" : "measurement");
}

void count_points(Trajectory& t, const RatedSeries& rated) {
    for (std::size_t i = 0; i < rated.series->points.size(); ++i) {
        const SeriesPoint& point = rated.series->points[i];
        if (!is_decided(point)) continue;
        ++t.counting;
        if (i < rated.efficiency.size() && counts(point, rated.efficiency[i])) ++t.rated;
    }
}

void place_points(Trajectory& t, std::span<const RatedSeries> series) {
    struct Dated {
        std::int64_t time_unix, seq;
        PlacedPoint at;
    };
    std::vector<Dated> dated;
    for (std::size_t member = 0; member < t.members.size(); ++member) {
        const std::vector<SeriesPoint>& points = series[t.members[member]].series->points;
        for (std::size_t i = 0; i < points.size(); ++i)
            dated.push_back({points[i].time_unix, points[i].seq, {member, i}});
    }
    std::sort(dated.begin(), dated.end(), [](const Dated& a, const Dated& b) {
        return std::tie(a.time_unix, a.seq, a.at.member) <
               std::tie(b.time_unix, b.seq, b.at.member);
    });
    t.points.reserve(dated.size());
    for (const Dated& one : dated) t.points.push_back(one.at);
    std::int64_t newest_seq = 0;
    for (const PlacedPoint& at : t.points) {
        const SeriesPoint& point = point_at(t, at, series);
        if (point.seq < newest_seq) ++t.out_of_order;
        newest_seq = std::max(newest_seq, point.seq);
        if (!is_decided(point)) continue;
        if (!t.first) t.first = at;
        t.latest = at;
    }
    if (t.points.empty()) return;
    t.first_unix = point_at(t, t.points.front(), series).time_unix;
    t.last_unix = point_at(t, t.points.back(), series).time_unix;
    t.key.suite = series[t.members[t.points.back().member]].series->key.suite;
}

// A line of runs that is followed by itself: of one install, or of all installs of a lineage that
// have too few runs to be followed alone.
struct Line {
    Series series;
    std::vector<double> efficiency;
    NoiseUsed noise = {};  // of one install; that of several is learned of their line
};

std::vector<Line> lines_of(const Trajectory& t, std::span<const RatedSeries> series) {
    std::vector<std::size_t> line_of_member;
    std::map<std::string, std::size_t> few;  // place of the line, by lineage
    std::vector<Line> lines;
    for (const std::size_t member : t.members) {
        const Series& one = *series[member].series;
        std::size_t place = lines.size();
        if (counting_runs(one) < runs_of_own_series)
            place = few.emplace(one.key.lineage, place).first->second;
        line_of_member.push_back(place);
        if (place < lines.size()) {
            lines[place].noise = {};
            continue;
        }
        lines.emplace_back().series.key = one.key;
        lines.back().noise = series[member].noise;
    }
    for (const PlacedPoint& at : t.points) {  // by time
        const RatedSeries& rated = series[t.members[at.member]];
        Line& line = lines[line_of_member[at.member]];
        line.series.points.push_back(rated.series->points[at.index]);
        line.efficiency.push_back(at.index < rated.efficiency.size()
                                      ? rated.efficiency[at.index]
                                      : std::numeric_limits<double>::quiet_NaN());
    }
    return lines;
}

void find_days(Trajectory& t, const std::vector<Line>& lines) {
    for (const double level : milestone_levels) t.milestones.push_back({level, {}, {}, false});
    std::vector<std::vector<Milestone>> all(lines.size());
    in_parallel(all.size(), 0, [&](std::size_t i) {
        all[i] = find_milestones(lines[i].series, lines[i].efficiency);
    });
    for (std::size_t line = 0; line < all.size(); ++line) {
        const Series& one = lines[line].series;
        const std::vector<Milestone>& found = all[line];
        for (std::size_t i = 0; i < found.size(); ++i) {
            MilestoneDay& day = t.milestones[i];
            day.touched = day.touched || found[i].touched;
            if (!found[i].held_from) continue;
            const std::int64_t at_unix = one.points[*found[i].held_from].time_unix;
            if (!day.held_unix || at_unix < *day.held_unix) day.held_unix = at_unix;
        }
    }
    for (MilestoneDay& day : t.milestones)
        if (day.held_unix) day.days = days_between(t.first_unix, *day.held_unix);
}

void find_improvement(Trajectory& t, const std::vector<Line>& lines) {
    std::vector<const Series*> series;
    std::vector<NoiseUsed> noise;
    for (const Line& line : lines) {
        series.push_back(&line.series);
        noise.push_back(line.noise.freedom > 0
                            ? line.noise
                            : learned_noise(std::span(&series.back(), 1)).front());
    }
    t.improvement = improvement_of(series, noise);
}

std::size_t rank_of(std::string_view precision) {
    static constexpr std::array<std::string_view, 13> order{
        "fp32",  "bf16",  "fp16", "tf32", "fp64",  "fp8_e4m3", "fp8_e5m2",
        "nvfp4", "mxfp4", "int8", "int4", "int16", "int32"};
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), precision) -
                                    order.begin());
}

}  // namespace

std::int64_t days_between(std::int64_t from_unix, std::int64_t to_unix) {
    constexpr std::int64_t day_s = 86400;
    const std::int64_t apart_s = to_unix - from_unix;
    return apart_s >= 0 ? apart_s / day_s : -((-apart_s + day_s - 1) / day_s);
}

std::vector<Trajectory> find_trajectories(std::span<const RatedSeries> series) {
    std::vector<Trajectory> found;
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < series.size(); ++i) {
        SeriesKey key = shared_key(series[i].series->key);
        const auto [place, is_new] = places.try_emplace(text_of(key), found.size());
        if (is_new) {
            found.emplace_back();
            found.back().key = std::move(key);
        }
        found[place->second].members.push_back(i);
        count_points(found[place->second], series[i]);
    }
    return found;
}

void study(Trajectory& trajectory, std::span<const RatedSeries> series) {
    place_points(trajectory, series);
    const std::vector<Line> lines = lines_of(trajectory, series);
    find_days(trajectory, lines);
    find_improvement(trajectory, lines);
}

const Trajectory* leading(std::span<const Trajectory> trajectories,
                          std::span<const RatedSeries> series) {
    const auto latest_of = [&](const Trajectory& t) {
        const SeriesPoint* latest = nullptr;
        for (const std::size_t member : t.members)
            for (const SeriesPoint& point : series[member].series->points)
                if (is_decided(point) && (!latest || point.time_unix >= latest->time_unix))
                    latest = &point;
        if (!latest) return -std::numeric_limits<double>::infinity();
        return larger_is_better(t.key) ? latest->value : -latest->value;
    };
    const auto place_of = [&](const Trajectory& t) {
        return std::tuple(t.rated == 0, t.key.backend == "native",
                          -static_cast<std::int64_t>(t.counting), rank_of(t.key.precision),
                          -latest_of(t), t.key.device, t.key.backend, t.key.definition,
                          t.key.power_mode, t.key.operation);
    };
    const Trajectory* best = nullptr;
    std::optional<decltype(place_of(trajectories.front()))> best_place;
    for (const Trajectory& trajectory : trajectories) {
        auto place = place_of(trajectory);
        if (best && *best_place <= place) continue;
        best = &trajectory;
        best_place = std::move(place);
    }
    return best;
}

}  // namespace peakward
