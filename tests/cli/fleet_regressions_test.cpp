// The made fleet in regressions and forecast.
#include <algorithm>
#include <cmath>

#include "cli/fleet_fixture.hpp"

namespace peakward::cli {
namespace {

using fleet::Course;
using fleet::Host;
using fleet::Product;
using fleet::SeriesTruth;
using fleet::Stretch;

// A drop as it was made: from the runs of one stretch to those of the next.
struct MadeDrop {
    Course course;
    const Host* host = nullptr;
    Stretch before, after;
    std::int64_t recovered_unix = 0;  // 0: it lasts
    fleet::Update update;
};

// Series of one host: each backend and precision, and the memory once, however many rows show it.
// A BLAS's best product is its peak, so that it is one figure as well (docs/regressions.md).
std::size_t series_of(const Product& product) { return product.series.size() + 1; }

std::vector<MadeDrop> drops(bool that_last) {
    std::vector<MadeDrop> all;
    for (const Product& product : fleet::products())
        for (const SeriesTruth& truth : product.series)
            for (const Host& host : product.hosts) {
                const Course course = fleet::peak_course(product, truth);
                const std::vector<Stretch> stacks = fleet::stacks_of(course, host);
                for (std::size_t i = 1; i < stacks.size(); ++i) {
                    if (stacks[i].made >= 0.97 * stacks[i - 1].made) continue;
                    const bool lasts = i + 1 == stacks.size();
                    if (lasts != that_last) continue;
                    all.push_back({course, &host, stacks[i - 1], stacks[i],
                                   lasts ? 0 : stacks[i + 1].first_unix(),
                                   product.updates[static_cast<std::size_t>(stacks[i].stack) - 1]});
                }
            }
    return all;
}

void check_noise(const Place& at, const MadeDrop& drop) {
    // Learned from about all runs of the series less one a stack, and drawn towards that of similar
    // series, which all were made with one noise.
    const double seen = fleet::seen_noise(drop.course, *drop.host);
    at.is_within("percent", 85 * std::min(seen, drop.course.noise),
                 110 * std::max(seen, drop.course.noise));
    const auto runs = static_cast<double>(fleet::weeks - drop.host->first_week);
    const auto stacks = static_cast<double>(fleet::stacks_of(drop.course, *drop.host).size());
    at.is_within("repeats", runs - stacks - 3, runs);
    at.is_within("degrees_of_freedom", runs - stacks - 4, 1e4);
    at.is_within("autocorrelation", 0, 0.5);
    at.is_within("similar_series", 1, static_cast<double>(fleet::products().size() * 10));
    EXPECT_EQ(at.json()["source"], "own") << at.where();
}

// A level as the verdict has it: near the mean of its runs, and near what was made.
void check_level(const Place& at, const MadeDrop& drop, const Stretch& side) {
    const double level = at.number();
    const double error = drop.course.noise / std::sqrt(static_cast<double>(side.runs.size()));
    EXPECT_NEAR(level, side.mean(), 0.001 * side.mean()) << at.where();
    EXPECT_NEAR(level, side.made, 3.5 * error * side.made) << at.where();
}

void check_sides(const Place& at, const MadeDrop& drop) {
    const double previous = at["previous"].number(), current = at["current"].number();
    const double change = at["change_percent"].number();
    const double made = fleet::percent(drop.before.made, drop.after.made);
    check_level(at["previous"], drop, drop.before);
    check_level(at["current"], drop, drop.after);
    EXPECT_NEAR(change, fleet::percent(previous, current), 1e-9) << at.where();
    const double low = at["ci_low_percent"].number(), high = at["ci_high_percent"].number();
    EXPECT_LT(low, made) << at.where();
    EXPECT_GT(high, made) << at.where();
    // Of means, and of means without the outermost runs: a little narrower than of medians.
    const double reach = (100 + made) * drop.course.noise *
                         fleet::reach_between(drop.before.runs.size(), drop.after.runs.size());
    EXPECT_GT(high - low, 2 * 0.6 * reach) << at.where();
    EXPECT_LT(high - low, 2 * 1.3 * reach) << at.where();
    at["previous_runs"].is("runs", static_cast<double>(drop.before.runs.size()));
    at["current_runs"].is("runs", static_cast<double>(drop.after.runs.size()));
    at["previous_runs"].is_text("timestamp", fleet::iso(drop.before.last_unix()));
    at["current_runs"].is_text("timestamp", fleet::iso(drop.after.last_unix()));
    const auto check_ids = [](const Json& ids, const Stretch& side, const std::string& where) {
        std::vector<std::string> expected;
        for (const fleet::Made& made_run : side.runs) expected.push_back(made_run.run_id);
        EXPECT_EQ(ids.get<std::vector<std::string>>(), expected) << where;
    };
    check_ids(at.json()["previous_runs"]["run_ids"], drop.before, at.where());
    check_ids(at.json()["current_runs"]["run_ids"], drop.after, at.where());
}

// `comparisons`: of the whole call, which the false discovery rate is held over.
void check_record(const Place& at, const MadeDrop& drop, double comparisons) {
    check_sides(at, drop);
    check_noise(at["noise"], drop);
    at.is("agreeing_runs", static_cast<double>(drop.after.runs.size()));
    at.is("installs", 1);
    const double p = at["p_value"].number(), adjusted = at["p_value_adjusted"].number();
    const double direct = at["p_value_direct"].number();
    EXPECT_LT(p, 1e-9) << "a step of twenty sigmas\n" << at.where();
    if (drop.recovered_unix == 0) {
        const double engine = at["p_value_change_point"].number();
        EXPECT_NEAR(p, 2 * std::min(direct, engine), 1e-9 * p) << at.where();
        EXPECT_GE(adjusted, p) << at.where();
        EXPECT_LE(adjusted, comparisons * p) << at.where();
        at.is_null("recovered_at");
    } else {
        EXPECT_EQ(p, direct) << at.where();
        EXPECT_EQ(p, adjusted) << at.where();
        at.is_null("p_value_change_point");
        at.is_text("recovered_at", fleet::iso(drop.recovered_unix));
    }
    at.is("confidence", 1 - adjusted);
    const Json& differences = at.json()["differences"];
    ASSERT_EQ(differences.size(), 1u) << at.where();
    EXPECT_EQ(differences[0]["name"], drop.update.component) << at.where();
    EXPECT_EQ(differences[0]["after"], drop.update.version) << at.where();
    at["differences"][0].is("seen_elsewhere", 0);
    EXPECT_EQ(at.json()["hardware"], drop.host->fingerprint) << at.where();
}

class FleetRegressions : public FleetTest {
protected:
    static const MadeDrop* drop_in(const std::vector<MadeDrop>& list, const Json& record) {
        for (const MadeDrop& drop : list)
            if (drop.host->install == record["install"].get<std::string>() &&
                drop.course.backend == record["backend"].get<std::string>() &&
                drop.course.precision == record["precision"].get<std::string>())
                return &drop;
        ADD_FAILURE() << "no such drop was made: " << record.dump();
        return nullptr;
    }
};

TEST_F(FleetRegressions, TheLastingDropAndTheRecoveredOne) {
    CheckedDocument shown = checked({"regressions", "--all"});
    const Place document(shown);
    double series = 0, points = 0;
    for (const Product& product : fleet::products()) {
        series += static_cast<double>(product.hosts.size() * series_of(product));
        points += static_cast<double>(fleet::run_count(product) * series_of(product));
    }
    const std::vector<MadeDrop> lasting = drops(true), gone = drops(false);
    ASSERT_EQ(lasting.size(), 2u) << "pytorch on both H100";
    ASSERT_EQ(gone.size(), 2u) << "blas on both i7";
    document.is("series", series);
    document.is("series_judged", series);
    document.is("runs", points);
    document.is("runs_doubtful", 0);
    document.is("threshold_percent", 3);
    document.is("confirmed", 2);
    document.is("suspected", 0);
    // Against the previous stack and against the best level, which here is the same.
    document.has_size("regressions", 2 * lasting.size());
    for (std::size_t i = 0; i < document["regressions"].size(); ++i) {
        const Place record = document["regressions"][i];
        EXPECT_EQ(record.json()["status"], "confirmed");
        EXPECT_EQ(record.json()["baseline"], i % 2 == 0 ? "previous" : "best");
        if (const MadeDrop* drop = drop_in(lasting, record.json()))
            check_record(record, *drop, 2 * series);
    }
    document.has_size("recovered", gone.size());
    for (std::size_t i = 0; i < document["recovered"].size(); ++i)
        if (const MadeDrop* drop = drop_in(gone, document["recovered"][i].json()))
            check_record(document["recovered"][i], *drop, 1);
    EXPECT_TRUE(shown.json()["not_judged"].empty());
    EXPECT_TRUE(shown.json()["power_mode_changes"].empty());
    expect_all_checked(shown);
}

TEST_F(FleetRegressions, ExitCodes) {
    EXPECT_EQ(run({"regressions", "--check"}).code, 4);
    EXPECT_EQ(run({"regressions", "--check", "--require-verdict"}).code, 4);
    EXPECT_EQ(run({"regressions", "--require-verdict"}).code, 0);
    EXPECT_EQ(run({"regressions", "--check", "--threshold", "8"}).code, 0);
    EXPECT_EQ(run({"regressions", "--check", "--threshold", "5"}).code, 4);
    for (const Product& product : fleet::products()) {
        const int expected = product.id == "h100_sxm5" ? 4 : 0;
        EXPECT_EQ(run({"regressions", "--check", "--strict", "--require-verdict", "--hardware",
                       product.id})
                      .code,
                  expected)
            << product.id;
    }
    // Before the driver came nothing was wrong.
    EXPECT_EQ(run({"regressions", "--check", "--strict", "--until", "2025-10-24"}).code, 0);
    // Two runs of an install make no verdict with one stack and no noise; one makes none at all.
    EXPECT_EQ(run({"regressions", "--require-verdict", "--until", "2025-01-07", "--hardware",
                   "amd_epyc_9654"})
                  .code,
              5);
}

TEST_F(FleetRegressions, SingleCasesShowTheSameDrop) {
    const Json shown = document({"regressions", "--metric", "gops", "--operation", "gemm"});
    std::size_t cases = 0;
    for (const Product& product : fleet::products())
        for (const SeriesTruth& truth : product.series)
            cases += truth.is_probe() ? 0 : 2 * product.hosts.size();
    EXPECT_EQ(shown["series"].get<std::size_t>(), cases);
    EXPECT_EQ(shown["confirmed"], 4) << "two sizes on two hosts";
    EXPECT_EQ(shown["suspected"], 0);
    const double made = fleet::percent(0.77, 0.72);
    for (const Json& record : shown["regressions"]) {
        EXPECT_EQ(record["backend"], "pytorch");
        EXPECT_NEAR(record["change_percent"].get<double>(), made, 0.4);
    }
}

class FleetForecast : public FleetTest {
protected:
    void check_forecast(const Place& at, const Product& product) {
        const Json& json = at.json();
        const SeriesTruth& truth =
            product.truth(json["backend"].get<std::string>(), json["precision"].get<std::string>());
        const Course course = fleet::efficiency_course(product, truth);
        const Host& host = product.host(json["install"].get<std::string>());
        at.is("stacks", static_cast<double>(fleet::stacks_of(course, host).size()));
        at.is("runs", fleet::weeks - host.first_week);
        at.is("doubtful", 0);
        const double runs = at["back_test"]["runs"].number();
        const double inside = at["back_test"]["inside"].number();
        at["back_test"].is_within("cuts", 0, 8);
        EXPECT_LE(inside, runs) << at.where();
        if (runs > 0)
            at["back_test"].is("share", inside / runs);
        else
            at["back_test"].is_null("share");
        const std::vector<Stretch> levels = fleet::levels_of(course, host);
        if (json["refused"].is_null())
            check_curve(at, course, levels);
        else
            check_refusal(json["refused"].get<std::string>(), levels, at.where());
    }

    static void check_curve(const Place& at, const Course& course,
                            const std::vector<Stretch>& levels) {
        const Stretch& newest = levels.back();
        EXPECT_GT(newest.made, levels.front().made) << "it rose\n" << at.where();
        const Place now = at["now"], plateau = at["plateau"], target = at["target"];
        now.is("value", newest.median(), 2e-5);
        const double reach = newest.made * course.noise * fleet::reach_of(newest.runs.size());
        now.is_within("ci_low", newest.median() - reach, newest.median());
        now.is_within("ci_high", newest.median(), newest.median() + reach);
        EXPECT_NEAR(newest.made, newest.median(), 2 * reach) << at.where();
        // Above 102 % of the peak nothing levels out. Below the newest level it may: a stack jumps
        // around the curve.
        const double middle = plateau["value"].number();
        EXPECT_GT(middle, 0.95 * newest.made) << plateau.where();
        plateau.is_within("ci_low", levels.front().made, middle);
        plateau.is_within("ci_high", middle, 1.02);
        at.is("interval_percent", 80);
        at.is_within("shape_weight", 1.0 / 3, 1);
        // Six stacks or fewer have too few orders; what their repeats show counts as well.
        const double p = at["rise_p_value"].number();
        EXPECT_TRUE(p > 0 && (p <= 0.05 || at["stacks"].number() <= 6)) << at.where();
        at.is_within("run_scatter", course.noise / 2, 0.1);
        target.is("efficiency", 0.9);
        target.is_within("chance", 0, 1);
        // No date lies before the day of the question.
        std::string last = fleet::date_of(fleet_today_unix);
        for (const char* name : {"date_low", "date", "date_high"}) {
            if (target.json()[name].is_null()) continue;
            const std::string date = target[name].text();
            EXPECT_GE(date, last) << target.where();
            last = date;
        }
        EXPECT_EQ(target.json()["reached_already"].get<bool>(), newest.median() >= 0.9);
    }

    // Three reasons are documented, and each was made.
    static void check_refusal(const std::string& refused, const std::vector<Stretch>& levels,
                              const std::string& where) {
        const bool falls = levels.size() > 1 && levels.back().made < levels[levels.size() - 2].made;
        const bool rises = levels.back().made > levels.front().made;
        const auto says = [&](const char* words) {
            return refused.find(words) != std::string::npos;
        };
        EXPECT_EQ(says("confirmed regression"), falls) << where << ": " << refused;
        EXPECT_TRUE(falls || rises || says("no rise")) << where << ": " << refused;
    }
};

TEST_F(FleetForecast, EverySeriesIsForecastOrRefusedForItsReason) {
    for (const Product& product : fleet::products()) {
        CheckedDocument shown = checked({"forecast", "--hardware", product.id});
        const Place document(shown);
        document.is("target", 0.9);
        ASSERT_EQ(document["forecasts"].size(), product.hosts.size() * product.series.size());
        std::size_t curves = 0;
        for (std::size_t i = 0; i < document["forecasts"].size(); ++i) {
            check_forecast(document["forecasts"][i], product);
            curves += document["forecasts"][i].json()["refused"].is_null() ? 1 : 0;
        }
        // Six updates of the L4, each of which made it faster.
        EXPECT_GE(curves, product.id == "nvidia_l4" ? 1u : 0u) << product.id;
        expect_all_checked(shown);
    }
}

}  // namespace
}  // namespace peakward::cli
