#include "session/regressions.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "analyze/installs.hpp"
#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "session/history.hpp"
#include "session/internal.hpp"

namespace peakward {
namespace {

// Runs on each side of a change whose facts are compared: enough to tell what belongs to the side
// from what belongs to one run.
constexpr std::size_t runs_compared = 3;
// A store in which every run has its own stack says nothing of what one change did elsewhere.
constexpr std::size_t stacks_for_history_max = 4000;

const std::vector<std::string> usual_metrics{"peak_measured_gops", "blas3_gops",
                                             "stream_best_gbps"};

struct Loaded {
    const Series* series = nullptr;
    const Subject* subject = nullptr;
};

// The series of a subject, those of a lineage's installs joined where one alone has too few runs.
struct JoinedSubject {
    const Subject* subject = nullptr;
    std::vector<JudgedSeries> series;
};

bool same_values(const Series& a, const Series& b) {
    return std::equal(a.points.begin(), a.points.end(), b.points.begin(), b.points.end(),
                      [](const SeriesPoint& x, const SeriesPoint& y) {
                          return x.seq == y.seq && x.value == y.value;
                      });
}

// Whether two scores could be one figure: STREAM under another precision, a product under another
// name.
bool same_place(const SeriesKey& a, const SeriesKey& b) {
    const bool streams = a.metric == "stream_best_gbps" && b.metric == a.metric;
    return (a.precision == b.precision || streams) && a.install == b.install &&
           a.lineage == b.lineage && a.power_mode == b.power_mode && a.definition == b.definition &&
           a.device == b.device && a.backend == b.backend;
}

bool is_memory(const catalog::Operation& operation) {
    return operation.kind == catalog::OperationClass::memory;
}

// The time of one case in two units: its operations and its bytes over the same seconds.
bool same_case(const SeriesKey& a, const SeriesKey& b) {
    return a.metric != b.metric && a.install == b.install && a.operation == b.operation &&
           a.shape == b.shape && a.precision == b.precision && a.backend == b.backend &&
           a.device == b.device && a.threads == b.threads && a.definition == b.definition &&
           a.lineage == b.lineage && a.power_mode == b.power_mode;
}

// One a multiple of the other in every run.
bool same_course(const Series& a, const Series& b) {
    constexpr double rounding = 1e-9;
    double factor = 0;  // of the first run in which both were measured
    return std::equal(a.points.begin(), a.points.end(), b.points.begin(), b.points.end(),
                      [&](const SeriesPoint& x, const SeriesPoint& y) {
                          if (x.seq != y.seq) return false;
                          if (!std::isfinite(x.value) || !std::isfinite(y.value))
                              return std::isfinite(x.value) == std::isfinite(y.value);
                          if (factor == 0) factor = y.value / x.value;
                          return std::abs(y.value - x.value * factor) <=
                                 rounding * std::abs(y.value);
                      });
}

// Of two series of one case the one by which its operation is judged.
bool is_own_metric(const SeriesKey& key) {
    const auto* operation = catalog::find_operation(key.operation);
    return key.metric == (operation && is_memory(*operation) ? "gbps" : "gops");
}

bool is_one_figure(const Series& a, const Series& b) {
    if (a.key.kind == SeriesKind::score) return same_place(a.key, b.key) && same_values(a, b);
    return a.key.kind == b.key.kind && same_case(a.key, b.key) && same_course(a, b);
}

// STREAM's figure stands in the row of every precision, a BLAS's best product is its peak, and a
// case has its time as operations and as bytes a second: each is one measurement, and one drop of
// it is one regression.
std::vector<Loaded> distinct(const std::vector<JoinedSubject>& subjects) {
    std::vector<Loaded> kept;
    for (const JoinedSubject& joined : subjects) {
        const std::size_t first = kept.size();
        for (const JudgedSeries& judged : joined.series) {
            const Series& series = judged.series();
            const auto there = std::find_if(
                kept.begin() + static_cast<std::ptrdiff_t>(first), kept.end(),
                [&](const Loaded& other) { return is_one_figure(*other.series, series); });
            const SeriesKey& key = series.key;
            if (there == kept.end())
                kept.push_back({&series, joined.subject});
            else if (key.kind == SeriesKind::score ? key.metric == usual_metrics.front()
                                                   : is_own_metric(key))
                there->series = &series;
        }
    }
    return kept;
}

// A series that several installs share belongs to each of them, also to a new one: a fresh
// container goes on where the last one ended.
bool is_of_install(const SeriesKey& key, const std::string& install) {
    return install.empty() || key.install.empty() || key.install == install;
}

std::vector<JoinedSubject> join_subjects(const Analysed& analysed,
                                         const RegressionsRequest& request) {
    std::vector<JoinedSubject> subjects;
    for (const Subject& subject : analysed.subjects) {
        if (!request.subject.empty() && subject.id != request.subject) continue;
        std::vector<const Series*> stored;
        for (const SubjectSeries& one : subject.series) stored.push_back(&one.series);
        subjects.push_back({&subject, join_installs(stored)});
        std::erase_if(subjects.back().series, [&](const JudgedSeries& judged) {
            return !is_of_install(judged.series().key, request.install);
        });
    }
    return subjects;
}

// Runs of the two sides, nearest to the change.
std::vector<std::int64_t> side_before(const Regression& r) {
    const auto& seqs = r.main().before.seqs;
    if (seqs.empty() || seqs.back() != r.seq_before) return {r.seq_before};
    return {seqs.end() - static_cast<std::ptrdiff_t>(std::min(runs_compared, seqs.size())),
            seqs.end()};
}

std::vector<std::int64_t> side_after(const Regression& r) {
    const auto& seqs = r.main().now.seqs;
    if (seqs.empty() || seqs.front() != r.seq_after) return {r.seq_after};
    return {seqs.begin(),
            seqs.begin() + static_cast<std::ptrdiff_t>(std::min(runs_compared, seqs.size()))};
}

class Explainer {
public:
    Explainer(const std::string& db, const Analysed& analysed, const std::vector<Loaded>& loaded)
        : db_(db), analysed_(analysed), loaded_(loaded) {}

    Status load(const RegressionReport& report) {
        std::set<std::int64_t> seqs;
        for (const auto* list : {&report.regressions, &report.recovered}) {
            for (const Regression& r : *list) {
                for (const std::int64_t seq : side_before(r)) seqs.insert(seq);
                for (const std::int64_t seq : side_after(r)) seqs.insert(seq);
                for (const Comparison& c : r.against) {
                    add_newest(c.before, seqs);
                    add_newest(c.now, seqs);
                }
            }
        }
        auto facts = load_facts(db_, {seqs.begin(), seqs.end()});
        if (!facts) return tl::make_unexpected(facts.error());
        facts_ = std::move(*facts);
        return load_implementations(db_, facts_);
    }

    Result<ExplainedRegression> explain(const Regression& regression) {
        const Loaded& place = loaded_[regression.series];
        ExplainedRegression found{regression, place.series->key, place.subject->name, {}};
        DropSides sides;
        sides.before = facts_of(side_before(regression));
        sides.after = facts_of(side_after(regression));
        sides.change_percent = -std::abs(regression.main().change_percent);
        sides.gradual = regression.gradual;
        sides.stacks_between = regression.stacks_between;
        sides.suspected = regression.status == RegressionStatus::suspected;
        sides.imported = is_imported_suite(found.key.suite);
        sides.key = found.key;
        const auto differences = differences_between(sides.before, sides.after);
        const auto components =
            std::count_if(differences.begin(), differences.end(),
                          [](const Difference& d) { return d.kind == DifferenceKind::component; });
        if (components > 1)
            if (auto ok = need_history(); !ok) return tl::make_unexpected(ok.error());
        found.cause = likely_cause(sides, components > 1 && history_ ? &*history_ : nullptr);
        return found;
    }

    std::map<std::int64_t, RunFacts> take_facts() { return std::move(facts_); }

private:
    static void add_newest(const RunBlock& block, std::set<std::int64_t>& seqs) {
        const std::size_t count = std::min(runs_compared, block.seqs.size());
        seqs.insert(block.seqs.end() - static_cast<std::ptrdiff_t>(count), block.seqs.end());
    }

    std::vector<const RunFacts*> facts_of(const std::vector<std::int64_t>& seqs) const {
        std::vector<const RunFacts*> found;
        for (const std::int64_t seq : seqs)
            if (const auto one = facts_.find(seq); one != facts_.end())
                found.push_back(&one->second);
        return found;
    }

    // The components of every stack, each by one run of it.
    Status need_history() {
        if (history_ || analysed_.stacks.size() > stacks_for_history_max) return {};
        std::map<std::int32_t, std::int64_t> run_of_stack;
        std::vector<const Series*> series;
        for (const Loaded& place : loaded_) {
            series.push_back(place.series);
            for (const SeriesPoint& point : place.series->points)
                if (point.stack >= 0) run_of_stack.try_emplace(point.stack, point.seq);
        }
        std::vector<std::int64_t> seqs;
        for (const auto& [stack, seq] : run_of_stack) seqs.push_back(seq);
        auto facts = load_facts(db_, seqs);
        if (!facts) return tl::make_unexpected(facts.error());
        std::vector<std::map<std::string, std::string>> stacks(analysed_.stacks.size());
        for (const auto& [stack, seq] : run_of_stack)
            for (const auto& [name, version] : facts->at(seq).components)
                if (version) stacks.at(static_cast<std::size_t>(stack))[name] = *version;
        history_.emplace(series, std::move(stacks));
        return {};
    }

    const std::string& db_;
    const Analysed& analysed_;
    const std::vector<Loaded>& loaded_;
    std::map<std::int64_t, RunFacts> facts_;
    std::optional<ChangeHistory> history_;
};

bool is_narrowed(const RegressionsRequest& request) {
    const SeriesRequest& s = request.series;
    return !request.subject.empty() || !request.install.empty() || !s.hardware.empty() ||
           !s.since.empty() || !s.until.empty() || !s.precision.empty() || !s.device.empty() ||
           !s.backend.empty() || !s.suite.empty() || !s.operation.empty();
}

SeriesRequest all_of_metrics(const SeriesRequest& request) {
    SeriesRequest all;
    all.metrics = request.metrics;
    all.stop = request.stop;
    return all;
}

// The series of a store but those that are judged, which teach their noise themselves.
std::vector<const Series*> other_series(const Analysed& everything,
                                        const std::vector<Loaded>& judged) {
    std::set<std::string> known;
    for (const Loaded& place : judged) known.insert(lineage_key(place.series->key));
    std::vector<const Series*> others;
    for (const Subject& subject : everything.subjects)
        for (const SubjectSeries& one : subject.series)
            if (!known.contains(lineage_key(one.series.key))) others.push_back(&one.series);
    return others;
}

Status add_all_facts(const std::string& db, const StopToken* stop, RegressionsReply& reply) {
    std::set<std::int64_t> missing;
    for (const auto* list : {&reply.regressions, &reply.recovered})
        for (const ExplainedRegression& found : *list)
            for (const Comparison& c : found.regression.against)
                for (const RunBlock* side : {&c.before, &c.now})
                    missing.insert(side->seqs.begin(), side->seqs.end());
    std::erase_if(missing, [&](std::int64_t seq) { return reply.facts.contains(seq); });
    auto facts = load_facts(db, {missing.begin(), missing.end()}, stop);
    if (!facts) return tl::make_unexpected(facts.error());
    reply.facts.merge(*facts);
    return {};
}

void add_what_is_not_judged(const std::vector<Loaded>& loaded, RegressionsReply& reply) {
    for (const auto& [place, reason] : reply.report.reasons)
        reply.not_judged.push_back(
            {loaded[place].series->key, loaded[place].subject->name, reason});
    for (const ModeChange& change : reply.report.mode_changes)
        reply.mode_changes.push_back({change, loaded[change.series_before].series->key,
                                      loaded[change.series_now].series->key,
                                      loaded[change.series_now].subject->name});
}

}  // namespace

Result<RegressionsReply> look_for_regressions(const std::string& db,
                                              const RegressionsRequest& request) {
    SeriesRequest wanted = request.series;
    if (wanted.metrics.empty()) wanted.metrics = usual_metrics;
    const auto analysed = load_series(db, wanted);
    if (!analysed) return tl::make_unexpected(analysed.error());
    const std::vector<JoinedSubject> subjects = join_subjects(*analysed, request);
    const std::vector<Loaded> loaded = distinct(subjects);
    std::vector<const Series*> series;
    for (const Loaded& place : loaded) series.push_back(place.series);

    RegressionsReply reply;
    reply.store_location = analysed->store_location;
    if (auto ok = request.series.check_stop(); !ok) return tl::make_unexpected(ok.error());
    reply.report = find_regressions(series, request.options);
    // Nothing of what was asked for was repeated: other series of the store may know the noise.
    if (reply.report.by_table > 0 && is_narrowed(request)) {
        const auto everything = load_series(db, all_of_metrics(wanted));
        if (!everything) return tl::make_unexpected(everything.error());
        const std::vector<const Series*> teachers = other_series(*everything, loaded);
        reply.report = find_regressions(series, request.options, teachers);
    }
    add_what_is_not_judged(loaded, reply);
    Explainer explainer(db, *analysed, loaded);
    if (auto ok = explainer.load(reply.report); !ok) return tl::make_unexpected(ok.error());
    const auto explain_all = [&](std::vector<Regression>& from,
                                 std::vector<ExplainedRegression>& to) -> Status {
        for (const Regression& regression : from) {
            if (auto ok = request.series.check_stop(); !ok) return ok;
            auto explained = explainer.explain(regression);
            if (!explained) return tl::make_unexpected(explained.error());
            to.push_back(std::move(*explained));
        }
        from.clear();
        return {};
    };
    if (auto ok = explain_all(reply.report.regressions, reply.regressions); !ok)
        return tl::make_unexpected(ok.error());
    if (auto ok = explain_all(reply.report.recovered, reply.recovered); !ok)
        return tl::make_unexpected(ok.error());
    reply.facts = explainer.take_facts();
    if (request.with_all_facts)
        if (auto ok = add_all_facts(db, request.series.stop, reply); !ok)
            return tl::make_unexpected(ok.error());
    return reply;
}

namespace {

// Suspects that one run can measure: the same suite and threads.
struct Group {
    std::string suite;  // "quick"
    int threads = 0;
    std::vector<CaseChoice> choices;
    std::vector<std::string> layers;
};

void add_once(std::vector<std::string>& list, const std::string& word) {
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
}

// What has to be measured for a point of this series. A score stands on all the cases of its
// device, backend and precision: with fewer the new point would be another figure under the same
// name.
void choose_cases(const SeriesKey& key, Group& group) {
    if (key.kind == SeriesKind::measurement) {
        const auto* operation = catalog::find_operation(key.operation);
        add_once(group.layers, operation ? operation->layer : "micro");
        group.choices.push_back({key.device, key.backend, key.precision, key.operation});
        return;
    }
    add_once(group.layers, "micro");
    if (!key.metric.starts_with("stream") && !key.metric.starts_with("bandwidth")) {
        group.choices.push_back({key.device, key.backend, key.precision, ""});
        return;
    }
    for (const std::string& name : catalog::operation_names())
        if (is_memory(*catalog::find_operation(name)))
            group.choices.push_back({key.device, key.backend, "", name});
}

// A score does not say with how many threads its cases ran; the run that it stands in does.
int threads_of(const ExplainedRegression& found, const RegressionsReply& reply) {
    if (found.key.kind == SeriesKind::measurement) return found.key.threads;
    const auto facts = reply.facts.find(found.regression.main().now.seqs.back());
    if (facts == reply.facts.end()) return 0;
    const auto run = find_run(reply.store_location, facts->second.run_id);
    if (!run) return 0;
    for (const Measurement& row : run->measurements)
        if (row.what.device == found.key.device && row.what.backend == found.key.backend &&
            (row.what.precision == found.key.precision || found.key.precision.empty()))
            return row.what.threads;
    return 0;
}

bool contains_case(const catalog::Suite& suite, const SeriesKey& key) {
    const auto has = [](const auto& list, const auto& item) {
        return list.empty() || std::find(list.begin(), list.end(), item) != list.end();
    };
    return std::any_of(suite.entries.begin(), suite.entries.end(), [&](const auto& entry) {
        return entry.operation == key.operation && has(entry.precisions, key.precision) &&
               has(entry.shapes, key.shape) && (entry.cpu || key.device != "cpu");
    });
}

// Of the suites that hold the case of a measurement: the one of its newest run, which had this size
// where sizes are found while measuring, else the shortest.
Result<std::string> suite_with_case(const SeriesKey& key) {
    const auto* operation = catalog::find_operation(key.operation);
    if (!operation) return failed(fmt::format("this version has no operation {}", key.operation));
    const std::string current = fmt::format("{}/{}", key.operation, operation->definition_version);
    if (key.definition != current)
        return failed(
            fmt::format("it was measured by {}, and this version has {}", key.definition, current));
    for (const std::string_view id : {suite_id(key.suite), std::string_view("quick"),
                                      std::string_view("standard"), std::string_view("full")})
        if (const auto suite = catalog::find_suite(id);
            suite && (suite->name() == key.suite || contains_case(*suite, key)))
            return suite->id;
    return failed("no suite of this version holds its case");
}

// A score goes on in its own suite alone.
Result<std::string> suite_of_score(const SeriesKey& key) {
    const auto suite = catalog::find_suite(suite_id(key.suite));
    if (!suite) return failed(fmt::format("this version has no suite {}", key.suite));
    if (suite->name() != key.suite)
        return failed(fmt::format("it belongs to suite {}, and this version has {}", key.suite,
                                  suite->name()));
    return suite->id;
}

// The suite in which a new run adds to the series; the error says why it would begin another.
Result<std::string> suite_to_go_on(const SeriesKey& key, const Context& now) {
    if (key.lineage != now.hardware.lineage) return failed("the hardware is another now");
    const auto mode = now.environment.power_mode ? std::optional(*now.environment.power_mode)
                                                 : std::optional<std::string>();
    if (key.power_mode != mode)
        return failed(fmt::format("it was measured in power mode {}, and this machine is in {}",
                                  key.power_mode.value_or("unknown"), mode.value_or("unknown")));
    return key.kind == SeriesKind::score ? suite_of_score(key) : suite_with_case(key);
}

CalibrateRequest request_for(const Group& group, const CalibrateRequest& how) {
    CalibrateRequest request = how;
    request.suite = group.suite;
    if (group.threads > 0) request.threads = group.threads;
    request.layers = group.layers;
    request.only = group.choices;
    request.backends.clear();
    request.devices.clear();
    for (const CaseChoice& choice : group.choices) {
        add_once(request.backends, choice.backend);
        add_once(request.devices, choice.device);
    }
    return request;
}

}  // namespace

Result<ConfirmReply> confirm_regressions(const Machine& machine, const CalibrateRequest& how,
                                         const RegressionsRequest& request, Observer& observer,
                                         const StopToken& stop) {
    ConfirmReply reply;
    const Context now = read_context(machine, {how.python, how.blas_library, how.install});
    RegressionsRequest here = request;
    here.series.hardware = now.hardware.lineage;
    if (here.series.metrics.empty()) {
        here.series.metrics = usual_metrics;
        here.series.metrics.insert(here.series.metrics.end(), {"gops", "gbps"});
    }
    here.install = now.install;
    auto before = look_for_regressions(how.store_location, here);
    if (!before) return tl::make_unexpected(before.error());

    std::map<std::pair<std::string, int>, Group> groups;
    for (const ExplainedRegression& found : before->regressions) {
        if (found.regression.status != RegressionStatus::suspected) continue;
        reply.any_suspected = true;
        const auto suite = suite_to_go_on(found.key, now);
        ConfirmedSuspect suspect{found, std::nullopt, suite ? "" : suite.error().message};
        if (suite) {
            const int threads = threads_of(found, *before);
            Group& group = groups[{*suite, threads}];
            group.suite = *suite;
            group.threads = threads;
            choose_cases(found.key, group);
        }
        reply.suspects.push_back(std::move(suspect));
    }
    for (const auto& [place, group] : groups) {
        auto measured = calibrate(machine, request_for(group, how), observer, stop);
        if (!measured) return tl::make_unexpected(measured.error());
        if (measured->not_stored) return tl::make_unexpected(*measured->not_stored);
        reply.runs.push_back(std::move(measured->run));
    }
    if (reply.runs.empty()) {
        reply.after = std::move(*before);
        return reply;
    }
    auto after = look_for_regressions(how.store_location, here);
    if (!after) return tl::make_unexpected(after.error());
    std::map<std::string, const ExplainedRegression*> left;
    for (const ExplainedRegression& found : after->regressions)
        left[lineage_key(found.key)] = &found;
    for (ConfirmedSuspect& suspect : reply.suspects)
        if (const auto found = left.find(lineage_key(suspect.before.key)); found != left.end())
            suspect.after = *found->second;
    reply.after = std::move(*after);
    return reply;
}

}  // namespace peakward
