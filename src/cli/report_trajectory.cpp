// The trajectories of a report: one plot a product and metric, with doubts and intervals.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "cli/report_chapters.hpp"
#include "cli/trajectory_view.hpp"
#include "core/text.hpp"
#include "session/vocabulary.hpp"

namespace peakward::cli {
namespace {

// More lines than these in one plot cannot be followed.
constexpr std::size_t series_a_plot = 10;

using Chosen = std::vector<const SubjectSeries*>;

// What names a series beside its fellows: only what they differ in.
class Names {
public:
    Names(const Analysed& analysed, const Chosen& all) : analysed_(analysed) {
        for (const SubjectSeries* one : all) {
            const SeriesKey& key = one->series.key;
            devices_.insert(key.device);
            suites_.insert(keyed_suite(key));
            modes_.insert(key.power_mode.value_or("unknown"));
            installs_.insert(key.install);
        }
    }
    std::string of(const SeriesKey& key) const {
        std::vector<std::string> parts;
        const auto add = [&](const std::string& part) {
            if (!part.empty()) parts.push_back(part);
        };
        add(key.precision);
        add(key.backend);
        if (devices_.size() > 1) add(key.device);
        if (suites_.size() > 1) add(keyed_suite(key));
        if (modes_.size() > 1) add(key.power_mode.value_or("power mode unknown"));
        if (installs_.size() > 1) add("install " + install_words(analysed_, key.install));
        return fmt::format("{}", fmt::join(parts, ", "));
    }

private:
    const Analysed& analysed_;
    std::set<std::string> devices_, suites_, modes_, installs_;
};

bool is_rated(const SubjectSeries& one) {
    return std::any_of(one.efficiency.begin(), one.efficiency.end(),
                       [](double value) { return std::isfinite(value); });
}

std::string stack_words(const Analysed& analysed, std::int32_t stack) {
    if (stack < 0 || static_cast<std::size_t>(stack) >= analysed.stacks.size())
        return "software unknown";
    const SoftwareStack& found = analysed.stacks[static_cast<std::size_t>(stack)];
    return fmt::format("software {}, stack {}", found.software_fingerprint.substr(0, 10),
                       found.stack_digest.substr(0, 10));
}

PlotSeries series_of(const Analysed& analysed, const SubjectSeries& one, bool as_efficiency,
                     const std::string& name) {
    PlotSeries out{name, {}, PlotStyle::points};
    for (std::size_t i = 0; i < one.series.points.size(); ++i) {
        const SeriesPoint& point = one.series.points[i];
        PlotPoint drawn;
        drawn.x = static_cast<double>(point.time_unix);
        // The interval of a ratio is that of the rate at the same scale.
        const double ratio = as_efficiency ? one.efficiency[i] : point.value;
        const double scale = as_efficiency ? ratio / point.value : 1;
        drawn.y = ratio;
        drawn.low = point.ci_low * scale;
        drawn.high = point.ci_high * scale;
        drawn.doubts = doubt_words(point.doubts);
        drawn.detail = stack_words(analysed, point.stack);
        out.points.push_back(std::move(drawn));
    }
    return out;
}

std::size_t rank_of(const std::string& precision) {
    const auto known = vocabulary().precisions;
    return static_cast<std::size_t>(std::find(known.begin(), known.end(), precision) -
                                    known.begin());
}

// Plots of one metric of one product, at most `series_a_plot` lines each.
void add_plots(Chapter& chapter, const Analysed& analysed, const std::string& title, Chosen chosen,
               bool as_efficiency, Unit unit) {
    std::stable_sort(chosen.begin(), chosen.end(), [](const auto* a, const auto* b) {
        const SeriesKey &x = a->series.key, &y = b->series.key;
        return std::tuple(rank_of(x.precision), x.backend, x.device) <
               std::tuple(rank_of(y.precision), y.backend, y.device);
    });
    const Names names(analysed, chosen);
    const std::size_t plots = (chosen.size() + series_a_plot - 1) / series_a_plot;
    for (std::size_t p = 0; p < plots; ++p) {
        Plot plot;
        plot.title = title + (plots > 1 ? fmt::format(" ({} of {})", p + 1, plots) : "");
        plot.x = {"Date", Unit::none, AxisScale::time};
        plot.y = {as_efficiency        ? "Efficiency"
                  : unit == Unit::gbps ? "Bandwidth"
                                       : "Rate",
                  as_efficiency ? Unit::ratio_as_percent : unit};
        if (as_efficiency) plot.levels = {{0.7, "70 %"}, {0.8, "80 %"}, {0.9, "90 %"}};
        const std::size_t end = std::min(chosen.size(), (p + 1) * series_a_plot);
        for (std::size_t i = p * series_a_plot; i < end; ++i)
            plot.series.push_back(
                series_of(analysed, *chosen[i], as_efficiency, names.of(chosen[i]->series.key)));
        chapter.blocks.emplace_back(std::move(plot));
    }
}

// Events of the leading trajectory, on the first plot: those of all series would bury it.
std::vector<PlotMark> marks_of(const Followed& followed, const FollowedSubject& subject) {
    return trajectory_plot(followed, subject, subject.trajectories.front()).marks;
}

void add_subject(Chapter& chapter, const Followed& followed, const FollowedSubject& subject) {
    const Subject& product = followed.subject(subject);
    Chosen rated, rates;
    std::set<std::string> reasons;
    for (const SubjectSeries& one : product.series) {
        if (is_rated(one)) {
            rated.push_back(&one);
            continue;
        }
        rates.push_back(&one);
        if (!one.peak.reason.empty())
            reasons.insert(one.series.key.precision + ": " + one.peak.reason);
    }
    const std::size_t before = chapter.blocks.size();
    const std::string name = subject_words(product);
    add_plots(chapter, followed.analysed, "Efficiency of " + name, rated, true, Unit::none);
    add_plots(chapter, followed.analysed, "Rate of " + name, rates, false, Unit::gops);
    if (chapter.blocks.size() > before)
        std::get<Plot>(chapter.blocks[before]).marks = marks_of(followed, subject);
    for (const std::string& reason : reasons)
        chapter.blocks.emplace_back(
            Paragraph{"No efficiency, the peak is unknown: " + reason, Tone::dim, "?"});
    Section findings = findings_section(followed, subject, subject.trajectories.front());
    findings.title = series_words(subject.trajectories.front().trajectory.key);
    append(chapter, findings);
}

}  // namespace

Chapter trajectory_chapter(const ReportParts& parts) {
    Chapter chapter{"trajectory", "Trajectory", {}};
    if (!parts.followed) {
        chapter.blocks.emplace_back(
            Paragraph{"No trajectory: " + parts.followed.error().message, Tone::dim, {}});
        return chapter;
    }
    const Followed& followed = *parts.followed;
    for (const FollowedSubject& subject : followed.subjects) {
        if (followed.subjects.size() > 1)
            chapter.blocks.emplace_back(Heading{subject_words(followed.subject(subject))});
        add_subject(chapter, followed, subject);
    }
    Table all = trajectories_table(followed);
    all.title = "All series";
    chapter.blocks.emplace_back(std::move(all));
    if (!parts.bandwidth) {
        chapter.blocks.emplace_back(
            Paragraph{"No memory bandwidth: " + parts.bandwidth.error().message, Tone::dim, {}});
        return chapter;
    }
    for (const Subject& subject : parts.bandwidth->subjects) {
        Chosen bandwidths;
        for (const SubjectSeries& one : subject.series) bandwidths.push_back(&one);
        add_plots(chapter, *parts.bandwidth, "Memory bandwidth of " + subject_words(subject),
                  bandwidths, false, Unit::gbps);
    }
    return chapter;
}

}  // namespace peakward::cli
