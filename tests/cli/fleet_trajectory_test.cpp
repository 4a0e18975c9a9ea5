// The made fleet in trajectory, maturity, impact and compare.
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

// What rounding of a median of logarithms leaves of a median of values that lie 0.3 % apart.
constexpr double of_a_median = 2e-5;

const Course* course_in(const std::vector<Course>& courses, const Json& series) {
    for (const Course& course : courses) {
        const std::int64_t size = series["shape"].is_object() && series["shape"].contains("m")
                                      ? series["shape"]["m"].get<std::int64_t>()
                                      : 0;
        if (course.product->id == series["product"].get<std::string>() &&
            course.backend == series["backend"].get<std::string>() &&
            course.precision == series["precision"].get<std::string>() &&
            course.metric == series["metric"].get<std::string>() && course.size == size)
            return &course;
    }
    ADD_FAILURE() << "no such series was made: " << series["product"] << series["backend"]
                  << series["precision"] << series["metric"] << series["shape"];
    return nullptr;
}

// The noise that a verb may have learned of a host: what its runs show, drawn towards that of
// similar series, which all were made with one noise.
struct LearnedNoise {
    double least, most;
};
LearnedNoise learned_noise_of(const Course& course, const Host& host) {
    const double seen = fleet::seen_noise(course, host);
    return {std::min(seen, course.noise), std::max(seen, course.noise)};
}

// How often intervals of 95 % held the made truth.
struct Coverage {
    int intervals = 0, held = 0;

    // An interval around `center` that the noise makes at least `least` and at most `most` wide on
    // either side, give or take a fifth: outliers are drawn in, and the median of an even number of
    // runs is better known. And it is not far from the truth.
    void check(const Place& low_at, const Place& high_at, double center, double truth, double least,
               double most) {
        const double low = low_at.number(), high = high_at.number();
        EXPECT_GT(high - low, 2 * 0.8 * least) << low_at.where();
        EXPECT_LT(high - low, 2 * 1.2 * most) << low_at.where();
        EXPECT_NEAR((low + high) / 2, center, 0.02 * most) << low_at.where();
        EXPECT_NEAR(center, truth, 2.2 * most) << low_at.where();
        ++intervals;
        held += low <= truth && truth <= high ? 1 : 0;
    }
    ~Coverage() {
        if (intervals < 20) return;
        EXPECT_GE(held, 0.85 * intervals) << held << " of " << intervals << " hold the truth";
    }
};

void check_number_or_null(const Place& at, const std::string& name,
                          const std::optional<std::int64_t>& expected) {
    if (expected)
        at.is(name, static_cast<double>(*expected), 0);
    else
        at.is_null(name);
}

void check_milestones(const Place& at, const Course& course) {
    for (const fleet::MilestoneTruth& truth : fleet::milestones_of(course)) {
        check_number_or_null(at["milestones"], truth.level, truth.days);
        check_number_or_null(at["milestones_from_launch"], truth.level, truth.launch_days);
        if (truth.held_unix)
            at["milestone_dates"].is_text(truth.level, fleet::iso(*truth.held_unix));
        else
            at["milestone_dates"].is_null(truth.level);
    }
}

void check_rate(const Place& at, const Course& course, Coverage& coverage) {
    const fleet::RateTruth rate = fleet::rate_of(course);
    const double slack = 200 * of_a_median;  // in percent, of two levels
    EXPECT_NEAR(at["improvement_percent"].number(), rate.percent, slack) << course.name();
    EXPECT_NEAR(at["improvement_percent_per_month"].number(), rate.percent_per_month, slack)
        << course.name();
    double least = 1, most = 1;
    for (const Host& host : course.product->hosts) {
        const LearnedNoise noise = learned_noise_of(course, host);
        least = std::min(least, noise.least / course.noise);
        most = std::max(most, noise.most / course.noise);
    }
    coverage.check(at["improvement_ci_low_percent_per_month"],
                   at["improvement_ci_high_percent_per_month"], rate.percent_per_month,
                   rate.made_percent_per_month, least * rate.reach_per_month,
                   most * rate.reach_per_month);
    at.has_size("improvement_steps", rate.steps.size());
    for (std::size_t i = 0; i < rate.steps.size() && i < at["improvement_steps"].size(); ++i) {
        const Place step = at["improvement_steps"][i];
        step.is_text("at", fleet::iso(rate.steps[i].first));
        EXPECT_NEAR(step["percent"].number(), rate.steps[i].second, slack) << step.where();
    }
}

void check_key(const Place& at, const Course& course) {
    EXPECT_EQ(at.json()["device"], course.product->device) << course.name();
    if (course.size == 0) {
        at.is_null("shape");
        at.is_null("threads");
        return;
    }
    for (const char* axis : {"m", "n", "k"})
        at["shape"].is(axis, static_cast<double>(course.size), 0);
    at.is("threads", course.product->is_gpu() ? 1 : course.product->cores);
}

// All that trajectory, maturity and compare say of a series.
void check_summary(const Place& at, const Course& course, Coverage& coverage) {
    check_key(at, course);
    at.is_text("first_calibration", fleet::iso(fleet::first_run_unix(*course.product)));
    at.is("counting_points", static_cast<double>(fleet::run_count(*course.product)), 0);
    if (course.peak > 0)
        at["peak"].is("value", course.metric == "efficiency"
                                   ? fleet::database_peak_gops(course.product->id, course.precision)
                                   : course.peak);
    check_milestones(at, course);
    check_rate(at, course, coverage);
}

void check_points(const Place& at, const Course& course) {
    const auto points = fleet::points_of(course);
    const auto bandwidths =
        fleet::points_of(fleet::memory_course(*course.product, course.product->series.front()));
    at.has_size("points", points.size());
    if (at["points"].size() != points.size()) return;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const Place point = at["points"][i];
        const double value = points[i].made.value;
        const int stack = points[i].made.stack;
        point.is_text("timestamp", fleet::iso(points[i].made.time_unix));
        point.is("value", value);
        point.is("bandwidth_gbps", bandwidths[i].made.value);
        if (course.peak > 0)
            point.is("efficiency", value / course.peak);
        else
            point.is_null("efficiency");
        if (course.has_interval && course.is_cost) {
            point.is("ci_low", value * (1 - fleet::time_spread));
            point.is("ci_high", value * (1 + fleet::time_spread));
        } else if (course.has_interval) {
            point.is("ci_low", value / (1 + fleet::time_spread));
            point.is("ci_high", value / (1 - fleet::time_spread));
        } else {
            point.is_null("ci_low");
            point.is_null("ci_high");
        }
        EXPECT_EQ(point.json()["install"], points[i].host->install) << point.where();
        EXPECT_EQ(point.json()["stack_digest"], fleet::stack_digest_of(*course.product, stack));
        EXPECT_EQ(point.json()["software_fingerprint"],
                  fleet::software_fingerprint_of(*course.product, stack));
        EXPECT_TRUE(point.json()["doubts"].empty()) << point.where();
    }
}

// Every update that a host saw, by time.
void check_events(const Place& at, const Product& product) {
    struct Event {
        std::int64_t time_unix;
        std::string component, after;
    };
    std::vector<Event> events;
    for (const Host& host : product.hosts)
        for (const fleet::Update& update : product.updates)
            if (update.week > host.first_week)
                events.push_back(
                    {fleet::time_of(product, host, update.week), update.component, update.version});
    std::sort(events.begin(), events.end(),
              [](const Event& a, const Event& b) { return a.time_unix < b.time_unix; });
    at.has_size("events", events.size());
    for (std::size_t i = 0; i < events.size() && i < at["events"].size(); ++i) {
        const Place event = at["events"][i];
        event.is_text("timestamp", fleet::iso(events[i].time_unix));
        ASSERT_EQ(event["changes"].size(), 1u);
        EXPECT_EQ(event.json()["changes"][0]["component"], events[i].component);
        EXPECT_EQ(event.json()["changes"][0]["after"], events[i].after);
    }
}

class FleetTrajectory : public FleetTest {
protected:
    // Every series of the document; the one that leads also stands at its top.
    void check_trajectories(const std::vector<std::string>& words,
                            const std::vector<Course>& courses) {
        CheckedDocument shown = checked(words);
        const Place document(shown);
        document.has_size("series", courses.size());
        for (std::size_t i = 0; i < document["series"].size(); ++i)
            check_series(document["series"][i], courses);
        check_series(document, courses);
        for (std::size_t i = 0; i < document["products"].size(); ++i) {
            const Place product = document["products"][i];
            product.is_text("launched",
                            fleet::product(product.json()["id"].get<std::string>()).launched);
        }
        expect_all_checked(shown);
    }

    void check_series(const Place& at, const std::vector<Course>& courses) {
        const Course* course = course_in(courses, at.json());
        if (!course) return;
        check_summary(at, *course, coverage_);
        check_points(at, *course);
        check_events(at, *course->product);
    }

    template <typename Make>
    static std::vector<Course> courses(const Make& make, bool with_probes) {
        std::vector<Course> all;
        for (const Product& product : fleet::products())
            for (const SeriesTruth& truth : product.series)
                if (with_probes || !truth.is_probe()) all.push_back(make(product, truth));
        return all;
    }
    static std::vector<Course> memory_courses() {
        std::vector<Course> all;
        for (const Product& product : fleet::products())
            for (const SeriesTruth& truth : product.series)
                if (truth.backend == product.memory_backend())
                    all.push_back(fleet::memory_course(product, truth));
        return all;
    }

    Coverage coverage_;
};

TEST_F(FleetTrajectory, PeakOfEveryBackend) {
    check_trajectories({"trajectory"}, courses(fleet::peak_course, true));
}

TEST_F(FleetTrajectory, Blas3) {
    check_trajectories({"trajectory", "--metric", "blas3_gops"},
                       courses(fleet::blas3_course, false));
}

TEST_F(FleetTrajectory, MemoryBandwidth) {
    check_trajectories({"trajectory", "--metric", "stream_best_gbps"}, memory_courses());
}

TEST_F(FleetTrajectory, Efficiency) {
    check_trajectories({"trajectory", "--metric", "efficiency"},
                       courses(fleet::efficiency_course, true));
}

TEST_F(FleetTrajectory, SingleCases) {
    for (const std::string metric : {"gops", "median_s"}) {
        std::vector<Course> expected;
        for (const std::int64_t size : {fleet::size_large, fleet::size_small})
            for (const Course& course : courses(
                     [&](const Product& product, const SeriesTruth& truth) {
                         return fleet::gemm_course(product, truth, size, metric);
                     },
                     false))
                expected.push_back(course);
        check_trajectories({"trajectory", "--operation", "gemm", "--metric", metric}, expected);
    }
}

// The one that leads, by docs/trajectories.md: not of `native`, the most runs, fp32 first, then the
// better newest figure.
const SeriesTruth& leading_series(const Product& product) {
    const SeriesTruth* best = nullptr;
    double newest = 0;
    for (const SeriesTruth& truth : product.series) {
        if (truth.backend == "native" || truth.precision != "fp32") continue;
        const double value = fleet::points_of(fleet::peak_course(product, truth)).back().made.value;
        if (best && value <= newest) continue;
        best = &truth;
        newest = value;
    }
    return *best;
}

double newest_efficiency(const Course& course) {
    return fleet::points_of(course).back().made.value / course.peak;
}

std::string assessment(const Course& course) {
    const auto ninety = fleet::milestones_of(course).back().days;
    if (!ninety) return "Concerning: may not reach target";
    return *ninety < 30   ? "Excellent software support"
           : *ninety < 90 ? "Good software support"
                          : "Slow optimization";
}

TEST_F(FleetTrajectory, MaturityOfEveryProduct) {
    CheckedDocument maturity = checked({"maturity"});
    const Place all = Place(maturity)["products"];
    ASSERT_EQ(all.size(), fleet::products().size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Place at = all[i];
        const Product& product = fleet::product(at.json()["id"].get<std::string>());
        const Course course = fleet::peak_course(product, leading_series(product));
        EXPECT_EQ(at.json()["backend"], course.backend) << product.id;
        EXPECT_EQ(at.json()["precision"], course.precision) << product.id;
        check_summary(at, course, coverage_);
        at.is_text("launched", product.launched);
        at.is("runs", static_cast<double>(fleet::run_count(product)));
        at.is("other_series", static_cast<double>(product.series.size() - 1));
        at.is("current_efficiency", newest_efficiency(course));
        EXPECT_EQ(at.json()["assessment"], assessment(course)) << product.id;
    }
    expect_all_checked(maturity);
}

TEST_F(FleetTrajectory, CompareAllFour) {
    std::vector<std::string> words{"compare"};
    for (const Product& product : fleet::products()) words.push_back(product.id);
    CheckedDocument compared = checked(words);
    const Place all = Place(compared)["products"];
    ASSERT_EQ(all.size(), fleet::products().size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Place at = all[i];
        const Product& product = fleet::products()[i];
        const Course course = fleet::peak_course(product, leading_series(product));
        const auto memory = fleet::points_of(fleet::memory_course(product, product.series.front()));
        const auto points = fleet::points_of(course);
        EXPECT_EQ(at.json()["backend"], course.backend) << product.id;
        check_summary(at, course, coverage_);
        at.is_text("launched", product.launched);
        at.is("first_value", points.front().made.value);
        at.is("latest_value", points.back().made.value);
        at.is("first_bandwidth_gbps", memory.front().made.value);
        at.is("latest_bandwidth_gbps", memory.back().made.value);
        at.is("current_efficiency", newest_efficiency(course));
        at.is("runs", static_cast<double>(points.size()));
        // One series a backend and precision, and one of the memory, on each host.
        const auto series = static_cast<double>(product.hosts.size() * (product.series.size() + 1));
        const auto hosts = static_cast<double>(product.hosts.size());
        at["regressions"].is("series", series);
        at["regressions"].is("judged", series);
        at["regressions"].is("confirmed", product.id == "h100_sxm5" ? hosts : 0);
        at["regressions"].is("suspected", 0);
        at["regressions"].is("recovered", product.id == "intel_i7_12700k" ? hosts : 0);
    }
    expect_all_checked(compared);
}

class FleetImpact : public FleetTrajectory {
protected:
    // One install of a series: a row a stack.
    void check_install(const Place& at, const Course& course) {
        const Host& host = course.product->host(at.json()["install"].get<std::string>());
        const std::vector<Stretch> stacks = fleet::stacks_of(course, host);
        check_key(at, course);
        const LearnedNoise noise = learned_noise_of(course, host);
        at.is_within("noise_percent", 100 * noise.least * 0.85, 100 * noise.most * 1.1);
        at.has_size("stacks", stacks.size());
        if (at["stacks"].size() != stacks.size()) return;
        for (std::size_t i = 0; i < stacks.size(); ++i)
            check_stack(at["stacks"][i], course, host, stacks, i);
        check_effect(at, "total_improvement_percent", "total_", course, host, stacks.front(),
                     stacks.back());
        check_cause(at, course, host, stacks);
    }

    void check_stack(const Place& at, const Course& course, const Host& host,
                     const std::vector<Stretch>& stacks, std::size_t i) {
        const Stretch& stack = stacks[i];
        const auto runs = static_cast<double>(stack.runs.size());
        at.is("runs", runs, 0);
        at.is("counting_runs", runs, 0);
        at.is_text("first_run", fleet::iso(stack.first_unix()));
        at.is_text("last_run", fleet::iso(stack.last_unix()));
        at.is("value", stack.median());
        const LearnedNoise noise = learned_noise_of(course, host);
        const double reach = stack.made * fleet::reach_of(stack.runs.size());
        coverage_.check(at["ci_low"], at["ci_high"], stack.median(), stack.made,
                        reach * noise.least, reach * noise.most);
        std::vector<double> bandwidths;
        for (const fleet::Made& made : fleet::made_bandwidths(*course.product, host))
            if (made.stack == stack.stack) bandwidths.push_back(made.value);
        at.is("bandwidth_gbps", fleet::median(bandwidths));
        if (i == 0) {
            at.is_null("change_percent");
            return;
        }
        check_effect(at, "change_percent", "", course, host, stacks[i - 1], stack);
        const Json& row = at.json();
        const bool leaves_out_zero =
            row["ci_low_percent"].get<double>() > 0 || row["ci_high_percent"].get<double>() < 0;
        EXPECT_EQ(row["moved"].get<bool>(), leaves_out_zero) << at.where();
        const fleet::Update& update =
            course.product->updates[static_cast<std::size_t>(stack.stack) - 1];
        ASSERT_EQ(row["changes"].size(), 1u) << at.where();
        EXPECT_EQ(row["changes"][0]["component"], update.component) << at.where();
        EXPECT_EQ(row["changes"][0]["after"], update.version) << at.where();
    }

    void check_effect(const Place& at, const std::string& name, const std::string& interval,
                      const Course& course, const Host& host, const Stretch& before,
                      const Stretch& after) {
        const auto change = [&](double a, double b) {
            return course.is_cost ? fleet::percent(b, a) : fleet::percent(a, b);
        };
        const double effect = change(before.median(), after.median());
        EXPECT_NEAR(at[name].number(), effect, 1e-7) << at.where() << " " << name;
        const LearnedNoise noise = learned_noise_of(course, host);
        const double reach =
            (100 + effect) * fleet::reach_between(before.runs.size(), after.runs.size());
        coverage_.check(at[interval + "ci_low_percent"], at[interval + "ci_high_percent"], effect,
                        change(before.made, after.made), reach * noise.least, reach * noise.most);
    }

    // The component of the largest step, where one was made.
    static void check_cause(const Place& at, const Course& course, const Host& host,
                            const std::vector<Stretch>& stacks) {
        std::size_t largest = 0;
        double most = 0;
        for (std::size_t i = 1; i < stacks.size(); ++i) {
            const double size = std::abs(fleet::percent(stacks[i - 1].made, stacks[i].made));
            if (size <= most) continue;
            most = size;
            largest = i;
        }
        if (most == 0) return;  // a step by chance may have been named
        const auto& update =
            course.product->updates[static_cast<std::size_t>(stacks[largest].stack) - 1];
        EXPECT_EQ(at.json()["cause"]["component"], update.component) << host.install;
        EXPECT_EQ(at.json()["cause"]["after"], update.version) << host.install;
        EXPECT_FALSE(at.json()["confounded"].get<bool>()) << at.where();
    }

    void check_impact(const std::vector<std::string>& words, const std::vector<Course>& courses,
                      std::size_t installs) {
        CheckedDocument impact = checked(words);
        const Place document(impact);
        document.has_size("series", installs);
        for (std::size_t i = 0; i < document["series"].size(); ++i) {
            const Place at = document["series"][i];
            if (const Course* course = course_in(courses, at.json())) check_install(at, *course);
        }
        if (const Course* course = course_in(courses, document.json()))
            check_install(document, *course);
        expect_all_checked(impact);
    }
};

TEST_F(FleetImpact, EverySeriesOfEveryInstall) {
    for (const Product& product : fleet::products())
        for (const SeriesTruth& truth : product.series)
            check_impact({"impact", "--hardware", product.id, "--backend", truth.backend,
                          "--precision", truth.precision},
                         {fleet::peak_course(product, truth)}, product.hosts.size());
}

TEST_F(FleetImpact, TheLeadingSeriesOfEveryProduct) {
    std::vector<Course> courses;
    std::size_t installs = 0;
    for (const Product& product : fleet::products()) {
        courses.push_back(fleet::peak_course(product, leading_series(product)));
        installs += product.hosts.size();
    }
    check_impact({"impact"}, courses, installs);
}

TEST_F(FleetImpact, MemoryAndTimes) {
    const Product& product = fleet::product("intel_i7_12700k");
    check_impact(
        {"impact", "--hardware", product.id, "--metric", "stream_best_gbps", "--precision", "fp32"},
        {fleet::memory_course(product, product.truth("native", "fp32"))}, 2);
    // Of two sizes with as many runs the shorter time leads.
    check_impact(
        {"impact", "--hardware", product.id, "--metric", "median_s", "--backend", "blas",
         "--precision", "fp64"},
        {fleet::gemm_course(product, product.truth("blas", "fp64"), fleet::size_small, "median_s")},
        2);
}

}  // namespace
}  // namespace peakward::cli
