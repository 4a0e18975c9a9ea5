// What the change-point engine reaches on generated series: false alarms, planted steps found,
// steps confirmed while a series is watched, shapes named, time. bench/change_points.py hands the
// same series to other detectors. Exit status 1 when a figure misses its aim.
#include <ctime>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <vector>

#include "analyze/change_points.hpp"
#include "analyze/planted.hpp"
#include "core/json.hpp"
#include "report.hpp"

namespace peakward {
namespace {

using Values = std::vector<double>;

constexpr const char* usage =
    "usage: change_points_bench [--seed N] [--series N] [--part NAME] [--write DIR]\n"
    "  --seed N    of every generated series; 20261128 unless told\n"
    "  --series N  series for each row; 200 for false_alarms and watched, 150 for steps, 100 for\n"
    "              slow, excursions and shapes, 20 for time unless told\n"
    "  --part NAME one of false_alarms, steps, slow, excursions, watched, shapes, time; all of "
    "them\n"
    "              unless told\n"
    "  --write DIR writes DIR/change_points.json: the series of false_alarms and steps, where "
    "they\n"
    "              changed, and what was found in them at what CPU time\n";

// The level of every series before its first change, and the noise around it: 1 %.
constexpr double level = 100, sigma = 1;
// A change is found when one is reported at most this many points from it.
constexpr std::size_t tolerance = 2;

struct Options {
    std::uint64_t seed = 20261128;
    int series = 0;  // 0: the part's own number
    std::string part, write;
    int series_or(int usual) const { return series > 0 ? series : usual; }
};

enum class Kind { gaussian, ar1, outliers, two_modes };
constexpr Kind kinds[] = {Kind::gaussian, Kind::ar1, Kind::outliers, Kind::two_modes};

const char* name_of(Kind kind) {
    switch (kind) {
        case Kind::gaussian:
            return "gaussian";
        case Kind::ar1:
            return "ar1";
        case Kind::outliers:
            return "outliers";
        default:
            return "two modes";
    }
}

// Level and noise without any change. ar1: rho 0.5, stationary from the first point on, its spread
// 1 % too. outliers: 3 % of points are raised by an exponential of mean 6 sigma. two modes: 30 % of
// points, by chance and independent, lie two sigma higher.
Values quiet_series(Kind kind, int points, planted::Gaussian& random) {
    constexpr double rho = 0.5;
    Values values;
    double carried = random();
    for (int i = 0; i < points; ++i) {
        double noise = random();
        if (kind == Kind::ar1) {
            carried = i == 0 ? carried : rho * carried + std::sqrt(1 - rho * rho) * noise;
            noise = carried;
        } else if (kind == Kind::outliers && random.uniform() < 0.03) {
            noise += -6 * std::log(1 - random.uniform());
        } else if (kind == Kind::two_modes && random.uniform() < 0.3) {
            noise += 2;
        }
        values.push_back(level + sigma * noise);
    }
    return values;
}

struct Planted {
    Values values;
    std::vector<std::size_t> changes_at;  // first point of every new level
};

// `count` steps of 2 to 5 % of the level before them, up or down, anywhere that is `distance_min`
// points from the ends and from each other.
Planted stepped_series(Kind kind, int points, std::size_t count, std::size_t distance_min,
                       planted::Gaussian& random) {
    Planted made;
    const auto room = static_cast<double>(static_cast<std::size_t>(points) - 2 * distance_min + 1);
    while (made.changes_at.size() < count) {
        made.changes_at.clear();
        for (std::size_t i = 0; i < count; ++i)
            made.changes_at.push_back(distance_min +
                                      static_cast<std::size_t>(room * random.uniform()));
        std::sort(made.changes_at.begin(), made.changes_at.end());
        for (std::size_t i = 1; i < count; ++i)
            if (made.changes_at[i] - made.changes_at[i - 1] < distance_min) {
                made.changes_at.clear();
                break;
            }
    }
    made.values = quiet_series(kind, points, random);
    double now = level;
    for (const std::size_t at : made.changes_at) {
        const double size = (0.02 + 0.03 * random.uniform()) * (random.uniform() < 0.5 ? -1 : 1);
        for (std::size_t i = at; i < made.values.size(); ++i) made.values[i] += now * size;
        now *= 1 + size;
    }
    return made;
}

planted::Gaussian random_of(const Options& options, int part, Kind kind, int number) {
    std::seed_seq mix{static_cast<std::uint32_t>(options.seed),
                      static_cast<std::uint32_t>(options.seed >> 32),
                      static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(kind),
                      static_cast<std::uint32_t>(number)};
    std::uint32_t words[2];
    mix.generate(words, words + 2);
    return planted::Gaussian(static_cast<std::uint64_t>(words[0]) << 32 | words[1]);
}

bool is_near(std::size_t a, std::size_t b, std::size_t margin = tolerance) {
    return (a > b ? a - b : b - a) <= margin;
}

double thread_cpu_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double median(Values values) {
    if (values.empty()) return std::nan("");
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

const char* verdict(bool is_met, bool& all_met) {
    all_met = all_met && is_met;
    return is_met ? "met" : "MISSED";
}

// A series as it is written, with what was found in it.
Json to_json(const Planted& made, const std::vector<Change>& found, double cpu_ms) {
    Json changes = Json::array();
    for (const Change& change : found) changes.push_back(change.index);
    return {{"values", made.values},
            {"changes_at", made.changes_at},
            {"found_at", changes},
            {"cpu_ms", cpu_ms}};
}

// One look at a finished series.
std::vector<Change> look(const Planted& made, Json& written) {
    const double began = thread_cpu_ms();
    std::vector<Change> found = find_changes(made.values).changes;
    written.push_back(to_json(made, found, thread_cpu_ms() - began));
    return found;
}

bool false_alarms(const Options& options, Json& sets) {
    const int count = options.series_or(200);
    bool all_met = true;
    fmt::print("\nfalse alarms: {} series of 365 points without change, looked at once\n", count);
    fmt::print("{:<10} {:>16} {:>8}\n", "noise", "with a change %", "aim 5 %");
    for (const Kind kind : kinds) {
        Json written = Json::array();
        int alarms = 0;
        for (int i = 0; i < count; ++i) {
            planted::Gaussian random = random_of(options, 1, kind, i);
            const Planted made{quiet_series(kind, 365, random), {}};
            alarms += look(made, written).empty() ? 0 : 1;
        }
        const double percent = 100.0 * alarms / count;
        fmt::print("{:<10} {:>16.1f} {:>8}\n", name_of(kind), percent,
                   verdict(percent <= 5, all_met));
        sets.push_back({{"part", "false_alarms"}, {"noise", name_of(kind)}, {"series", written}});
    }
    return all_met;
}

struct Score {
    int hits = 0, false_ones = 0, missed = 0;
    double precision() const { return share(hits, hits + false_ones); }
    double recall() const { return share(hits, hits + missed); }
    double f1() const { return share(2 * hits, 2 * hits + false_ones + missed); }
    static double share(int part, int whole) { return whole == 0 ? 1 : double(part) / whole; }

    // Every planted change takes at most one of those found. A ramp counts where it begins, an
    // excursion where it begins and where the level is back: two planted steps may make one.
    void add(const std::vector<std::size_t>& planted, const std::vector<Change>& found,
             std::size_t margin = tolerance) {
        std::vector<std::size_t> places;
        for (const Change& change : found) {
            places.push_back(change.index);
            if (change.kind == ChangeKind::excursion) places.push_back(change.end + 1);
        }
        std::vector<bool> taken(places.size());
        int matched = 0;
        for (const std::size_t at : planted)
            for (std::size_t i = 0; i < places.size(); ++i)
                if (!taken[i] && is_near(places[i], at, margin)) {
                    taken[i] = true;
                    ++matched;
                    break;
                }
        hits += matched;
        false_ones += static_cast<int>(places.size()) - matched;
        missed += static_cast<int>(planted.size()) - matched;
    }
};

bool steps(const Options& options, Json& sets) {
    const int count = options.series_or(150);
    bool all_met = true;
    for (const std::size_t distance_min : {std::size_t{10}, std::size_t{20}}) {
        fmt::print(
            "\nsteps: {} series of 200 points, 0 to 4 steps of 2 to 5 % at least {} points apart; "
            "found within {} points; counts over all series\n",
            count, distance_min, tolerance);
        fmt::print("{:<10} {:>9} {:>7} {:>7} {:>6}\n", "noise", "precision", "recall", "F1", "aim");
        for (const Kind kind : kinds) {
            Json written = Json::array();
            Score score;
            for (int i = 0; i < count; ++i) {
                planted::Gaussian random =
                    random_of(options, 10 + static_cast<int>(distance_min), kind, i);
                const auto number = static_cast<std::size_t>(5 * random.uniform());
                const Planted made = stepped_series(kind, 200, number, distance_min, random);
                score.add(made.changes_at, look(made, written));
            }
            const double aim = kind == Kind::ar1 ? 0.90 : 0.95;
            fmt::print("{:<10} {:>9.3f} {:>7.3f} {:>7.3f} {:>6.2f} {}\n", name_of(kind),
                       score.precision(), score.recall(), score.f1(), aim,
                       verdict(score.f1() >= aim, all_met));
            sets.push_back({{"part", "steps"},
                            {"noise", name_of(kind)},
                            {"distance_min", distance_min},
                            {"series", written}});
        }
    }
    return all_met;
}

// Looks at fewer points than this are early: what the noise does is hardly known yet.
constexpr std::size_t early_points = 100;

struct Alarms {
    int all = 0, late = 0;
};

// Changes reported at a place where no earlier look had reported one: each would have alarmed.
Alarms alarms_while_watched(const Values& values) {
    ChangeOptions watched;
    watched.watched = true;
    std::vector<std::size_t> known;
    Alarms alarms;
    for (std::size_t points = 1; points <= values.size(); ++points)
        for (const Change& change : find_changes(std::span(values).first(points), watched).changes)
            if (std::none_of(known.begin(), known.end(),
                             [&](std::size_t at) { return is_near(at, change.index); })) {
                known.push_back(change.index);
                ++alarms.all;
                alarms.late += points >= early_points ? 1 : 0;
            }
    return alarms;
}

// Whether a step at `at` is reported, with its direction, by a look after it or one of the 3 runs
// that follow.
bool is_confirmed(const Values& values, std::size_t at, bool is_rise) {
    ChangeOptions watched;
    watched.watched = true;
    for (std::size_t points = at + 1; points <= at + 4; ++points)
        for (const Change& change : find_changes(std::span(values).first(points), watched).changes)
            if (is_near(change.index, at) && (change.effect_percent > 0) == is_rise) return true;
    return false;
}

// What could be reached at most: knows the noise, the level and the size of the step, and compares
// the likelihoods of the newest 3 and 4 points.
class Oracle {
public:
    // `alarms_share` of `series` series without change have a look above the bound it sets itself.
    Oracle(const Options& options, Kind kind, int series, double alarms_share) : kind_(kind) {
        Values most;
        for (int i = 0; i < series; ++i) {
            planted::Gaussian random = random_of(options, 4, kind, i);
            const Values values = quiet_series(kind, 325, random);
            double here = -INFINITY;
            for (std::size_t points = 5; points <= values.size(); ++points)
                for (const double size : {-3.0, 3.0})
                    here = std::max(here, evidence(values, points, size));
            most.push_back(here);
        }
        std::sort(most.begin(), most.end());
        bound_ = most[static_cast<std::size_t>((1 - alarms_share) * (series - 1))];
    }

    bool confirms(const Values& values, std::size_t at, double size) const {
        return evidence(values, at + 3, size) > bound_ || evidence(values, at + 4, size) > bound_;
    }

private:
    // Of what is new at every point: the noise, with memory what it adds to what is carried on.
    double density(double v) const {
        const auto bell = [](double z) {
            return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
        };
        if (kind_ == Kind::two_modes) return 0.7 * bell(v) + 0.3 * bell(v - 2);
        if (kind_ == Kind::ar1) return bell(v / std::sqrt(0.75));
        if (kind_ == Kind::gaussian) return bell(v);
        const double rate = 1.0 / 6;  // a bell and an exponential added up
        const double raised =
            rate / 2 * std::exp(rate / 2 * (rate - 2 * v)) * std::erfc((rate - v) / std::sqrt(2.0));
        return 0.97 * bell(v) + 0.03 * raised;
    }

    double evidence(const Values& values, std::size_t points, double size) const {
        const double rho = kind_ == Kind::ar1 ? 0.5 : 0;
        double sum = 0, most = -INFINITY;
        for (std::size_t age = 1; age <= 4; ++age) {
            const std::size_t t = points - age;
            const double v = values[t] - level - rho * (values[t - 1] - level);
            const auto word = [&](double shift) {
                return std::log(density(v - shift)) - std::log(density(v));
            };
            if (age >= 3) most = std::max(most, sum + word(size));
            sum += word((1 - rho) * size);
        }
        return most;
    }

    Kind kind_;
    double bound_ = 0;
};

bool watched(const Options& options) {
    const int quiet = options.series_or(200), stepped = 4 * quiet, oracle_series = 4000;
    bool all_met = true;
    fmt::print(
        "\nwatched: series of 325 points. {} without change are looked at after every run from the "
        "first on; an alarm is a place not reported before, late when {} runs were known. {} with "
        "one step of 3 % anywhere from point 100 to 300 are looked at after the first run of the "
        "new level and the 3 further ones; at most: by who knows the noise, the level and the "
        "size, "
        "at alarms in 5 % of {} series\n",
        quiet, early_points, stepped, oracle_series);
    fmt::print("{:<10} {:>15} {:>8} {:>6} {:>13} {:>12} {:>7} {:>5}\n", "noise", "alarms a series",
               "aim 0.05", "late", "series with %", "confirmed %", "at most", "aim");
    for (const Kind kind : kinds) {
        const Oracle oracle(options, kind, oracle_series, 0.05);
        int with_alarm = 0, confirmed = 0, at_most = 0;
        Alarms alarms;
        for (int i = 0; i < quiet; ++i) {
            planted::Gaussian random = random_of(options, 2, kind, i);
            const Alarms here = alarms_while_watched(quiet_series(kind, 325, random));
            alarms.all += here.all;
            alarms.late += here.late;
            with_alarm += here.all > 0 ? 1 : 0;
        }
        for (int i = 0; i < stepped; ++i) {
            planted::Gaussian random = random_of(options, 3, kind, i);
            Values values = quiet_series(kind, 325, random);
            const auto at = static_cast<std::size_t>(100 + 201 * random.uniform());
            const bool is_rise = i % 2 == 0;
            for (std::size_t j = at; j < values.size(); ++j) values[j] += is_rise ? 3 : -3;
            confirmed += is_confirmed(values, at, is_rise) ? 1 : 0;
            at_most += oracle.confirms(values, at, is_rise ? 3 : -3) ? 1 : 0;
        }
        const double a_series = double(alarms.all) / quiet, percent = 100.0 * confirmed / stepped;
        const double aim = kind == Kind::ar1 ? 75 : 90;
        fmt::print("{:<10} {:>15.3f} {:>8} {:>6.3f} {:>13.1f} {:>12.1f} {:>7.1f} {:>5.0f} {}\n",
                   name_of(kind), a_series, verdict(a_series < 0.05, all_met),
                   double(alarms.late) / quiet, 100.0 * with_alarm / quiet, percent,
                   100.0 * at_most / stepped, aim, verdict(percent > aim, all_met));
        std::fflush(stdout);
    }
    return all_met;
}

// White noise of one sigma and a slow component beside it.
struct Slow {
    double rho, sigma;
};
constexpr Slow slow_noises[] = {{0, 0}, {0.9, 0.35}, {0.95, 0.35}, {0.98, 0.35}, {0.95, 0.5}};
constexpr std::size_t slow_points = 800;

Values slow_series(const Slow& slow, planted::Gaussian& random) {
    Values values;
    double carried = slow.sigma * random();
    for (std::size_t i = 0; i < slow_points; ++i) {
        carried = slow.rho * carried + slow.sigma * std::sqrt(1 - slow.rho * slow.rho) * random();
        values.push_back(level + sigma * (carried + random()));
    }
    return values;
}

// 1 to 4 steps of 2 to 5 sigma, 40 points and more apart and from the ends.
Planted stepped_slow_series(const Slow& slow, planted::Gaussian& random) {
    constexpr std::size_t distance_min = 40;
    Planted planted{slow_series(slow, random), {}};
    const int count = 1 + static_cast<int>(4 * random.uniform());
    for (int i = 0; i < count; ++i) {
        const auto room = static_cast<double>(slow_points - 2 * distance_min);
        const std::size_t at = distance_min + static_cast<std::size_t>(room * random.uniform());
        const auto is_close = [&](std::size_t other) {
            return (at > other ? at - other : other - at) < distance_min;
        };
        if (std::any_of(planted.changes_at.begin(), planted.changes_at.end(), is_close)) continue;
        planted.changes_at.push_back(at);
        const double size = (2 + 3 * random.uniform()) * (random.uniform() < 0.5 ? -sigma : sigma);
        for (std::size_t j = at; j < slow_points; ++j) planted.values[j] += size;
    }
    std::sort(planted.changes_at.begin(), planted.changes_at.end());
    return planted;
}

bool slow(const Options& options) {
    constexpr std::size_t margin = 5;
    const int count = options.series_or(100);
    bool all_met = true;
    fmt::print(
        "\nslow: {} series of {} points without change and as many with 1 to 4 steps of 2 to 5 "
        "sigma; white noise of one sigma and AR(1) beside it; found within {} points\n",
        count, slow_points, margin);
    fmt::print("{:>5} {:>6} {:>9} {:>8} {:>9} {:>7} {:>6}\n", "phi", "sigma", "alarms %", "aim 4 %",
               "precision", "recall", "F1");
    for (std::size_t k = 0; k < std::size(slow_noises); ++k) {
        int alarms = 0;
        Score score;
        for (int i = 0; i < count; ++i) {
            planted::Gaussian random = random_of(options, 70 + static_cast<int>(k), {}, i);
            alarms += find_changes(slow_series(slow_noises[k], random)).changes.empty() ? 0 : 1;
            const Planted stepped = stepped_slow_series(slow_noises[k], random);
            score.add(stepped.changes_at, find_changes(stepped.values).changes, margin);
        }
        const double percent = 100.0 * alarms / count, aim = k == 0 ? 0.95 : 0.90;
        fmt::print("{:>5.2f} {:>6.2f} {:>9.1f} {:>8} {:>9.3f} {:>7.3f} {:>6.3f} {:.2f} {}\n",
                   slow_noises[k].rho, slow_noises[k].sigma, percent,
                   verdict(percent <= 4, all_met), score.precision(), score.recall(), score.f1(),
                   aim, verdict(score.f1() >= aim, all_met));
        std::fflush(stdout);
    }
    return all_met;
}

bool excursions(const Options& options) {
    const int count = options.series_or(100);
    bool all_met = true;
    fmt::print(
        "\nexcursions: {} series of 200 points, Gaussian noise, 3 to 10 points away from the "
        "level; one event with exact first and last point\n",
        count);
    fmt::print("{:>6} {:>8} {:>9}\n", "sigmas", "exact %", "aim 95 %");
    for (const double size : {5.0, 6.0, 8.0, 20.0}) {
        int exact = 0;
        for (int i = 0; i < count; ++i) {
            planted::Gaussian random = random_of(options, 80 + static_cast<int>(size), {}, i);
            Values values = quiet_series(Kind::gaussian, 200, random);
            const auto points = 3 + static_cast<std::size_t>(8 * random.uniform());
            const auto at = 30 + static_cast<std::size_t>(130 * random.uniform());
            for (std::size_t j = at; j < at + points; ++j) values[j] += i % 2 == 0 ? size : -size;
            const std::vector<Change> found = find_changes(values).changes;
            exact += found.size() == 1 && found[0].kind == ChangeKind::excursion &&
                             found[0].index == at && found[0].end == at + points - 1
                         ? 1
                         : 0;
        }
        const double percent = 100.0 * exact / count;
        fmt::print("{:>6.0f} {:>8.1f} {:>9}\n", size, percent, verdict(percent >= 95, all_met));
    }
    return all_met;
}

struct Shape {
    const char* name;
    ChangeKind kind;
    std::size_t begin;
    double (*share)(double at);  // of the level, above it
};

constexpr Shape shapes_known[] = {
    {"ramp of 10 % from 60 to 140", ChangeKind::ramp, 60,
     [](double at) { return 0.10 * std::clamp((at - 60) / 80, 0.0, 1.0); }},
    {"ramp of 8 % all along", ChangeKind::ramp, 0, [](double at) { return 0.08 * at / 199; }},
    {"saturating at +30 %, tau 40", ChangeKind::saturate, 0,
     [](double at) { return 0.30 * (1 - std::exp(-at / 40)); }},
    {"from 50 on, at +15 %, tau 25", ChangeKind::saturate, 50,
     [](double at) { return at < 50 ? 0 : 0.15 * (1 - std::exp(-(at - 50) / 25)); }},
    {"step of 5 % at 100", ChangeKind::step, 100, [](double at) { return at < 100 ? 0 : 0.05; }},
};

void shapes_of(const Options& options, const Shape& shape, Kind kind, int number) {
    const int count = options.series_or(100);
    int of_kind[4] = {}, none = 0, stairs = 0, others = 0;
    Values off;
    for (int i = 0; i < count; ++i) {
        planted::Gaussian random = random_of(options, 40 + number, kind, i);
        Values values = quiet_series(kind, 200, random);
        for (std::size_t j = 0; j < values.size(); ++j)
            values[j] += level * shape.share(static_cast<double>(j));
        const std::vector<Change> found = find_changes(values).changes;
        const bool all_steps = std::all_of(found.begin(), found.end(), [](const Change& change) {
            return change.kind == ChangeKind::step;
        });
        if (found.size() == 1) {
            ++of_kind[static_cast<int>(found[0].kind)];
            if (found[0].kind == shape.kind)
                off.push_back(std::abs(static_cast<double>(found[0].index) - double(shape.begin)));
        } else {
            ++(found.empty() ? none : all_steps ? stairs : others);
        }
    }
    const auto percent = [&](int n) { return 100.0 * n / count; };
    fmt::print("{:<29} {:<10} {:>6.0f} {:>5.0f} {:>5.0f} {:>9.0f} {:>5.0f} {:>7.0f} {:>6.0f}",
               shape.name, name_of(kind), percent(of_kind[static_cast<int>(shape.kind)]),
               percent(of_kind[0]), percent(of_kind[1]), percent(of_kind[2]), percent(none),
               percent(stairs), percent(others));
    fmt::print(" {:>10.0f}\n", median(off));
}

void shapes(const Options& options) {
    fmt::print(
        "\nshapes: {} series of 200 points each; % of series with one change of that kind and no "
        "other, with none, with several that are all steps (stairs), with several else; how many "
        "points off the beginning is, median of those right\n",
        options.series_or(100));
    fmt::print("{:<29} {:<10} {:>6} {:>5} {:>5} {:>9} {:>5} {:>7} {:>6} {:>10}\n", "planted",
               "noise", "right", "step", "ramp", "saturate", "none", "stairs", "else", "begin off");
    int number = 0;
    for (const Shape& shape : shapes_known) {
        for (const Kind kind : kinds) shapes_of(options, shape, kind, number);
        ++number;
    }
}

bool time_of(const Options& options, int points, std::size_t step_count, double aim_ms) {
    const int count = options.series_or(20), repeats = 5;
    bool all_met = true;
    for (const Kind kind : kinds) {
        Values times, all_found;
        for (int i = 0; i < count; ++i) {
            planted::Gaussian random = random_of(options, 60 + (points > 365 ? 1 : 0), kind, i);
            const Planted made = stepped_series(kind, points, step_count, 20, random);
            Values repeated;
            for (int r = 0; r < repeats; ++r) {
                const double began = thread_cpu_ms();
                const ChangeReport report = find_changes(made.values);
                repeated.push_back(thread_cpu_ms() - began);
                all_found.push_back(static_cast<double>(report.changes.size()));
            }
            times.push_back(median(repeated));
        }
        const double middle = median(times);
        fmt::print("{:>6} {:>6} {:<10} {:>10.3f} {:>10.3f} {:>6.0f} {:>7.0f} {}\n", points,
                   step_count, name_of(kind), middle, *std::max_element(times.begin(), times.end()),
                   aim_ms, median(all_found), verdict(middle < aim_ms, all_met));
        std::fflush(stdout);
    }
    return all_met;
}

bool time_all(const Options& options) {
    fmt::print(
        "\ntime: CPU ms a series, median of 5 repeats; of {} series the median and largest\n",
        options.series_or(20));
    fmt::print("{:>6} {:>6} {:<10} {:>10} {:>10} {:>6} {:>7}\n", "points", "steps", "noise",
               "median ms", "largest ms", "aim", "found");
    bool all_met = true;
    for (const std::size_t step_count : {0, 4})
        all_met = time_of(options, 365, step_count, 2) && all_met;
    for (const std::size_t step_count : {0, 19})
        all_met = time_of(options, 5000, step_count, 20) && all_met;
    return all_met;
}

void write(const Options& options, Json sets) {
    const std::filesystem::path folder(options.write);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const Json whole = {
        {"seed", options.seed}, {"tolerance", tolerance}, {"sets", std::move(sets)}};
    std::ofstream out(folder / "change_points.json");
    out << whole.dump() << '\n';
    if (!out.flush()) bench::die("cannot write " + (folder / "change_points.json").string());
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help" || name == "-h") {
            fmt::print("{}", usage);
            std::exit(0);
        }
        if (i + 1 == argc) bench::die(fmt::format("{} needs a value\n{}", name, usage));
        const char* value = argv[++i];
        char* end = nullptr;
        const std::uint64_t number = std::strtoull(value, &end, 10);
        const bool is_number = end != value && *end == 0;
        if (name == "--seed" && is_number)
            options.seed = number;
        else if (name == "--series" && is_number && number > 0 && number <= 1'000'000)
            options.series = static_cast<int>(number);
        else if (name == "--part")
            options.part = value;
        else if (name == "--write")
            options.write = value;
        else
            bench::die(fmt::format("not understood: {} {}\n{}", name, value, usage));
    }
    const std::string parts[] = {"",           "false_alarms", "steps",  "slow",
                                 "excursions", "watched",      "shapes", "time"};
    if (std::find(std::begin(parts), std::end(parts), options.part) == std::end(parts))
        bench::die(fmt::format("there is no part {}\n{}", options.part, usage));
    return options;
}

int run(const Options& options) {
    const auto is_asked = [&](const char* part) {
        return options.part.empty() || options.part == part;
    };
    fmt::print("seed {}; levels of 100, noise 1 %\n", options.seed);
    bench::print_pressure("before");
    Json sets = Json::array();
    bool all_met = true;
    if (is_asked("false_alarms")) all_met = false_alarms(options, sets) && all_met;
    if (is_asked("steps")) all_met = steps(options, sets) && all_met;
    if (is_asked("slow")) all_met = slow(options) && all_met;
    if (is_asked("excursions")) all_met = excursions(options) && all_met;
    if (!options.write.empty()) write(options, std::move(sets));
    if (is_asked("time")) all_met = time_all(options) && all_met;
    if (is_asked("shapes")) shapes(options);
    if (is_asked("watched")) all_met = watched(options) && all_met;
    fmt::print("\n");
    bench::print_pressure("after");
    return all_met ? 0 : 1;
}

}  // namespace
}  // namespace peakward

int main(int argc, char** argv) { return peakward::run(peakward::parse(argc, argv)); }
