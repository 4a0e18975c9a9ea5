#include "cli/fleet_truth.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "core/text.hpp"
#include "store/make_run.hpp"

namespace peakward::cli::fleet {
namespace {

constexpr double normal_975 = 1.959964;
constexpr double month_of_docs_s = 365.25 / 12 * 86400;

std::vector<Stretch> stretches(const Course& course, const Host& host, bool by_stack) {
    std::vector<Stretch> all;
    for (const Made& made : course.values(host)) {
        const double level = course.made(host, made.week);
        const bool is_new =
            all.empty() || (by_stack ? all.back().stack != made.stack : all.back().made != level);
        if (is_new) all.push_back({made.stack, level, {}});
        all.back().runs.push_back(made);
    }
    return all;
}

// The first run that counts, lies at or above the level, and after which at least half of the runs
// do as well, up to the next fall or the newest run; of fewer than five all (docs/trajectories.md).
std::optional<std::int64_t> held_unix(const Course& course, const Host& host, double level) {
    const std::vector<Made> runs = course.values(host);
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].value / course.peak < level) continue;
        std::size_t count = 0, above = 0;
        for (std::size_t k = i; k < runs.size(); ++k) {
            if (k > i && course.made(host, runs[k].week) < course.made(host, runs[k - 1].week))
                break;
            ++count;
            above += runs[k].value / course.peak >= level ? 1 : 0;
        }
        const bool holds = count < 5 ? count > 1 && above == count : 2 * above >= count;
        if (holds) return runs[i].time_unix;
    }
    return std::nullopt;
}

// Variance of the median of n normal values, for a variance of one of them: pi/2 that of the mean.
double median_factor(std::size_t runs) { return std::numbers::pi / 2 / static_cast<double>(runs); }

Course course_of(const Product& product, const SeriesTruth& truth, std::string metric) {
    Course course;
    course.product = &product;
    course.backend = truth.backend;
    course.precision = truth.precision;
    course.metric = std::move(metric);
    course.truth = &truth;
    course.peak = database_peak_gops(product.id, truth.precision);
    course.has_interval = !truth.is_probe();
    return course;
}

}  // namespace

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double percent(double a, double b) { return 100 * (b / a - 1); }

std::vector<Made> Course::values(const Host& host) const {
    std::vector<Made> all =
        truth ? made_values(*product, host, *truth) : made_bandwidths(*product, host);
    for (Made& one : all) one.value = is_cost ? scale / one.value : scale * one.value;
    return all;
}

double Course::made(const Host& host, int week) const {
    const double level =
        truth ? database_peak_gops(product->id, precision) * made_efficiency(*truth, host, week)
              : database_bandwidth_gbps(product->id) * product->bandwidth_efficiency * host.unit;
    return is_cost ? scale / level : scale * level;
}

std::string Course::name() const {
    return fmt::format("{} {} {} {} {}", product->id, backend, precision, metric, size);
}

Course peak_course(const Product& product, const SeriesTruth& truth) {
    return course_of(product, truth, "peak_measured_gops");
}

Course blas3_course(const Product& product, const SeriesTruth& truth) {
    return course_of(product, truth, "blas3_gops");
}

Course efficiency_course(const Product& product, const SeriesTruth& truth) {
    Course course = course_of(product, truth, "efficiency");
    course.scale = 1 / course.peak;
    course.peak = 1;
    return course;
}

Course memory_course(const Product& product, const SeriesTruth& truth) {
    Course course = course_of(product, truth, "stream_best_gbps");
    course.truth = nullptr;
    course.peak = database_bandwidth_gbps(product.id);
    course.noise = noise_memory;
    course.has_interval = true;
    return course;
}

Course gemm_course(const Product& product, const SeriesTruth& truth, std::int64_t size,
                   const std::string& metric) {
    Course course = course_of(product, truth, metric);
    course.size = size;
    course.scale = size == size_large ? 1 : small_size_share;
    if (metric != "median_s") return course;
    const auto n = static_cast<double>(size);
    course.is_cost = true;
    course.scale = 2 * n * n * n * 1e-9 / course.scale;
    course.peak = 0;
    return course;
}

double Stretch::median() const {
    std::vector<double> values;
    for (const Made& one : runs) values.push_back(one.value);
    return fleet::median(std::move(values));
}

double Stretch::mean() const {
    double sum = 0;
    for (const Made& one : runs) sum += one.value;
    return sum / static_cast<double>(runs.size());
}

std::vector<Stretch> levels_of(const Course& course, const Host& host) {
    return stretches(course, host, false);
}

std::vector<Stretch> stacks_of(const Course& course, const Host& host) {
    return stretches(course, host, true);
}

double seen_noise(const Course& course, const Host& host) {
    double squares = 0, freedom = 0;
    for (const Stretch& stack : stacks_of(course, host)) {
        const double mean = stack.mean();
        for (const Made& made : stack.runs) squares += std::pow(made.value / mean - 1, 2);
        freedom += static_cast<double>(stack.runs.size()) - 1;
    }
    return std::sqrt(squares / freedom);
}

double reach_of(std::size_t runs) { return normal_975 * std::sqrt(median_factor(runs)); }

double reach_between(std::size_t runs_a, std::size_t runs_b) {
    return normal_975 * std::sqrt(median_factor(runs_a) + median_factor(runs_b));
}

std::vector<MilestoneTruth> milestones_of(const Course& course) {
    std::vector<MilestoneTruth> all;
    const std::int64_t first = first_run_unix(*course.product);
    const std::int64_t launch = unix_of_date(course.product->launched);
    for (const int level : {70, 80, 90}) {
        MilestoneTruth& one = all.emplace_back();
        one.level = std::to_string(level);
        for (const Host& host : course.product->hosts) {
            if (course.peak == 0) continue;
            const auto held = held_unix(course, host, level / 100.0);
            if (held && (!one.held_unix || *held < *one.held_unix)) one.held_unix = held;
        }
        if (!one.held_unix) continue;
        one.days = (*one.held_unix - first) / 86400;
        one.launch_days = (*one.held_unix - launch) / 86400;
    }
    return all;
}

RateTruth rate_of(const Course& course) {
    RateTruth rate;
    const auto hosts = static_cast<double>(course.product->hosts.size());
    const auto change = [&](double before, double after) {
        return course.is_cost ? percent(after, before) : percent(before, after);
    };
    double squares = 0;
    std::size_t most_runs = 0;
    for (const Host& host : course.product->hosts) {
        const std::vector<Stretch> levels = levels_of(course, host);
        const Stretch &first = levels.front(), &newest = levels.back();
        const double months =
            static_cast<double>(newest.last_unix() - first.first_unix()) / month_of_docs_s;
        const double rise = change(first.median(), newest.median());
        rate.percent += rise / hosts;
        rate.percent_per_month += rise / months / hosts;
        rate.made_percent_per_month += change(first.made, newest.made) / months / hosts;
        // Of one level: its first half against its last.
        const std::size_t half = first.runs.size() / 2;
        const double reach = levels.size() > 1
                                 ? reach_between(first.runs.size(), newest.runs.size())
                                 : reach_between(half, first.runs.size() - half);
        squares += std::pow((100 + rise) * course.noise * reach / months / hosts, 2);
        if (course.values(host).size() <= most_runs) continue;
        most_runs = course.values(host).size();
        rate.steps.clear();
        for (std::size_t i = 1; i < levels.size(); ++i)
            rate.steps.emplace_back(levels[i].first_unix(),
                                    change(levels[i - 1].median(), levels[i].median()));
    }
    rate.reach_per_month = std::sqrt(squares);
    return rate;
}

std::vector<PlacedMade> points_of(const Course& course) {
    std::vector<PlacedMade> points;
    for (const Host& host : course.product->hosts)
        for (const Made& made : course.values(host)) points.push_back({&host, made});
    std::sort(points.begin(), points.end(), [](const PlacedMade& a, const PlacedMade& b) {
        return a.made.time_unix < b.made.time_unix;
    });
    return points;
}

std::int64_t first_run_unix(const Product& product) {
    std::int64_t first = time_of(product, product.hosts.front(), product.hosts.front().first_week);
    for (const Host& host : product.hosts)
        first = std::min(first, time_of(product, host, host.first_week));
    return first;
}

std::size_t run_count(const Product& product) {
    std::size_t runs = 0;
    for (const Host& host : product.hosts)
        runs += static_cast<std::size_t>(weeks - host.first_week);
    return runs;
}

std::string iso(std::int64_t unix_s) { return store_test::iso_time(unix_s); }

std::string date_of(std::int64_t unix_s) { return iso(unix_s).substr(0, 10); }

std::int64_t unix_of_date(const std::string& date) {
    using namespace std::chrono;
    const auto number = [&](std::size_t at, std::size_t size) {
        return static_cast<unsigned>(std::stoul(date.substr(at, size)));
    };
    const year_month_day when{year(static_cast<int>(number(0, 4))), month(number(5, 2)),
                              day(number(8, 2))};
    return sys_days(when).time_since_epoch().count() * std::int64_t{86400};
}

}  // namespace peakward::cli::fleet
