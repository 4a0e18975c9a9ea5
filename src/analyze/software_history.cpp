#include "analyze/software_history.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "analyze/noise.hpp"
#include "analyze/series_levels.hpp"
#include "core/library_variables.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

using Versions = std::map<std::string, std::optional<std::string>>;

std::vector<ComponentChange> differences(const Versions& before, const Versions& after) {
    std::set<std::string> names;
    for (const Versions* side : {&before, &after})
        for (const auto& [name, version] : *side) names.insert(name);
    const auto version_in = [](const Versions& side, const std::string& name) {
        const auto it = side.find(name);
        return it == side.end() ? std::nullopt : it->second;
    };
    std::vector<ComponentChange> changes;
    for (const std::string& name : names) {
        // What the host sets for every worker changed nothing (library_variables.hpp).
        if (is_library_variable(name) && !reaches_workers(name)) continue;
        ComponentChange change{name, version_in(before, name), version_in(after, name)};
        if (change.before != change.after) changes.push_back(std::move(change));
    }
    return changes;
}

bool counts_here(const SeriesPoint& point) {
    return point.doubts == 0 && std::isfinite(point.value);
}

const RunFacts* facts_at(const FactsBySeq& facts, std::int64_t seq) {
    const auto it = facts.find(seq);
    return it == facts.end() ? nullptr : &it->second;
}

// The level behind the runs of a stack, wherever in the series they stand.
SeriesLevel level_of(const Middle& middle, const NoiseUsed& noise) {
    SeriesLevel level;
    level.value = middle.median;
    level.variance = median_variance(middle.count, noise.rho);
    level.runs = middle.count;
    return level;
}

std::optional<LevelEffect> effect_of(const StackImpact& before, const StackImpact& after,
                                     const NoiseUsed& noise, bool more_is_better) {
    if (!before.value || !after.value) return std::nullopt;
    if (!(before.value->median > 0) || !(after.value->median > 0)) return std::nullopt;
    const bool is_doubtful = before.doubtful || after.doubtful;
    return effect_between(level_of(*before.value, noise), level_of(*after.value, noise),
                          is_doubtful ? NoiseUsed{} : noise, more_is_better);
}

StackImpact& row_of(SoftwareImpact& impact, const SeriesPoint& point) {
    for (StackImpact& row : impact.stacks)
        if (row.stack == point.stack) return row;
    StackImpact& row = impact.stacks.emplace_back();
    row.stack = point.stack;
    row.first_unix = point.time_unix;
    row.first_seq = point.seq;
    return row;
}

void put_effect(StackImpact& row, const StackImpact& before, const NoiseUsed& noise,
                bool more_is_better) {
    const auto effect = effect_of(before, row, noise, more_is_better);
    if (!effect) return;
    row.change_percent = effect->percent;
    row.ci_low_percent = effect->ci_low_percent;
    row.ci_high_percent = effect->ci_high_percent;
    row.moved =
        effect->ci_low_percent && (*effect->ci_low_percent > 0 || *effect->ci_high_percent < 0);
}

void put_value(StackImpact& row, std::span<const SeriesPoint> points, const NoiseUsed& noise) {
    row.doubtful = row.counting == 0;
    std::vector<double> values;
    for (const SeriesPoint& point : points)
        if (row.doubtful ? std::isfinite(point.value) : counts_here(point))
            values.push_back(point.value);
    if (values.empty()) return;
    Middle middle;
    middle.count = values.size();
    middle.median = analysis::median_of(std::move(values));
    if (!row.doubtful && middle.median > 0)
        if (const auto interval = interval_around(level_of(middle, noise), noise)) {
            middle.ci_low = interval->low;
            middle.ci_high = interval->high;
        }
    row.value = middle;
}

void find_ends(SoftwareImpact& impact, const Series& series) {
    impact.doubtful = std::none_of(series.points.begin(), series.points.end(), counts_here);
    for (const SeriesPoint& point : series.points) {
        const bool is_used = impact.doubtful ? std::isfinite(point.value) : counts_here(point);
        if (!is_used) continue;
        for (std::size_t i = 0; i < impact.stacks.size(); ++i) {
            if (impact.stacks[i].stack != point.stack) continue;
            if (!impact.first) impact.first = i;
            impact.latest = i;
        }
    }
}

void find_total(SoftwareImpact& impact, bool more_is_better) {
    if (!impact.first || !impact.latest || *impact.first == *impact.latest) return;
    const auto effect = effect_of(impact.stacks[*impact.first], impact.stacks[*impact.latest],
                                  impact.noise, more_is_better);
    if (!effect) return;
    impact.total_percent = effect->percent;
    impact.total_ci_low_percent = effect->ci_low_percent;
    impact.total_ci_high_percent = effect->ci_high_percent;
}

void find_strongest(SoftwareImpact& impact) {
    for (std::size_t i = 0; i < impact.stacks.size(); ++i) {
        const StackImpact& row = impact.stacks[i];
        if (!row.moved) continue;
        if (!impact.strongest || std::abs(*row.change_percent) >
                                     std::abs(*impact.stacks[*impact.strongest].change_percent))
            impact.strongest = i;
    }
    if (!impact.strongest) return;
    const auto& changes = impact.stacks[*impact.strongest].changes;
    if (changes.size() == 1) impact.cause = changes.front();
}

}  // namespace

std::string to_string(const ComponentChange& change) {
    std::string name = change.name;
    if (name.ends_with("_version")) name.resize(name.size() - std::string("_version").size());
    const std::string nothing = is_library_variable(change.name) ? "not set" : "none";
    const std::string before = change.before.value_or(nothing);
    std::string after = change.after.value_or(nothing);
    // "OpenBLAS 0.3.10 -> 0.3.15": a name that stays need not be said twice.
    const std::size_t last_word = before.rfind(' ');
    if (last_word != std::string::npos && after.starts_with(before.substr(0, last_word + 1)))
        after.erase(0, last_word + 1);
    return fmt::format("{} {} -> {}", name, before, after);
}

std::vector<ComponentChange> changed_components(const RunFacts& before, const RunFacts& after) {
    std::vector<ComponentChange> changes = differences(before.components, after.components);
    if (before.peakward_version != after.peakward_version)
        changes.push_back({"peakward", before.peakward_version, after.peakward_version});
    return changes;
}

std::vector<ComponentChange> changed_firmware(const RunFacts& before, const RunFacts& after) {
    return differences(before.firmware, after.firmware);
}

std::vector<std::int64_t> runs_at_changes(const Series& series,
                                          std::span<const std::int64_t> firmware_unix) {
    std::set<std::int64_t> seqs;
    const auto& points = series.points;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const bool is_end = i == 0 || i + 1 == points.size();
        const bool is_change = i > 0 && points[i].stack != points[i - 1].stack;
        const bool has_firmware =
            i > 0 && std::any_of(firmware_unix.begin(), firmware_unix.end(), [&](std::int64_t at) {
                return points[i - 1].time_unix < at && at <= points[i].time_unix;
            });
        if (is_end || is_change || has_firmware) seqs.insert(points[i].seq);
        if (is_change || has_firmware) seqs.insert(points[i - 1].seq);
    }
    return {seqs.begin(), seqs.end()};
}

std::vector<HistoryEvent> events_of(const Series& series, const FactsBySeq& facts) {
    std::vector<HistoryEvent> events;
    const RunFacts* before = nullptr;
    for (const SeriesPoint& point : series.points) {
        const RunFacts* now = facts_at(facts, point.seq);
        if (!now) continue;
        const auto add = [&](HistoryEvent::Kind kind, const std::string& from,
                             const std::string& to, std::vector<ComponentChange> changes) {
            events.push_back(
                {kind, before->seq, now->seq, point.time_unix, from, to, std::move(changes)});
        };
        if (before && before->hardware_fingerprint != now->hardware_fingerprint)
            add(HistoryEvent::Kind::firmware, before->hardware_fingerprint,
                now->hardware_fingerprint, changed_firmware(*before, *now));
        if (before && (before->stack_digest != now->stack_digest ||
                       before->software_fingerprint != now->software_fingerprint))
            add(HistoryEvent::Kind::software, before->software_fingerprint,
                now->software_fingerprint, changed_components(*before, *now));
        before = now;
    }
    return events;
}

SoftwareImpact impact_of(const Series& series, const FactsBySeq& facts) {
    const Series* const alone = &series;
    return impact_of(series, facts, learned_noise(std::span(&alone, 1)).front());
}

SoftwareImpact impact_of(const Series& series, const FactsBySeq& facts, const NoiseUsed& noise) {
    SoftwareImpact impact;
    impact.noise = noise;
    const bool more_is_better = larger_is_better(series.key);
    std::vector<std::vector<SeriesPoint>> points;
    std::map<std::size_t, std::int32_t> stack_before;  // of rows, where there was one
    const SeriesPoint* before = nullptr;
    for (const SeriesPoint& point : series.points) {
        StackImpact& row = row_of(impact, point);
        const auto place = static_cast<std::size_t>(&row - impact.stacks.data());
        points.resize(impact.stacks.size());
        if (row.runs == 0 && before) {
            stack_before[place] = before->stack;
            const RunFacts *then = facts_at(facts, before->seq), *now = facts_at(facts, point.seq);
            if (then && now) row.changes = changed_components(*then, *now);
        }
        ++row.runs;
        row.last_unix = point.time_unix;
        points[place].push_back(point);
        before = &point;
        if (counts_here(point)) ++row.counting;
    }
    for (std::size_t i = 0; i < impact.stacks.size(); ++i)
        put_value(impact.stacks[i], points[i], noise);
    find_ends(impact, series);
    for (const auto& [place, stack] : stack_before)
        for (const StackImpact& row : impact.stacks)
            if (row.stack == stack) put_effect(impact.stacks[place], row, noise, more_is_better);
    find_total(impact, more_is_better);
    find_strongest(impact);
    return impact;
}

}  // namespace peakward
