// What the made fleet must show, computed from how it was made and from the definitions in docs/,
// beside the program and not with it.
#pragma once

#include <array>
#include <optional>

#include "cli/made_fleet.hpp"

namespace peakward::cli::fleet {

// Middle value; of an even number the mean of the two in the middle.
double median(std::vector<double> values);
// 100 x (b / a - 1).
double percent(double a, double b);

// One figure of one series, on each host of a product: what a verb follows.
struct Course {
    const Product* product = nullptr;
    std::string backend, precision, metric;
    const SeriesTruth* truth = nullptr;  // none: the bandwidth of the memory
    double scale = 1;                    // of the peak rate; of a cost: of its inverse
    bool is_cost = false;
    double peak = 0;  // in the figure's unit; 0: it has none
    double noise = noise_compute;
    std::int64_t size = 0;      // of a single case; 0: a score
    bool has_interval = false;  // of every point

    std::vector<Made> values(const Host& host) const;
    double made(const Host& host, int week) const;  // the level that the noise is around
    std::string name() const;
};
Course peak_course(const Product& product, const SeriesTruth& truth);
Course blas3_course(const Product& product, const SeriesTruth& truth);
Course efficiency_course(const Product& product, const SeriesTruth& truth);
// `truth` names the row in which the figure stands.
Course memory_course(const Product& product, const SeriesTruth& truth);
// "gops" or "median_s" of one matrix product.
Course gemm_course(const Product& product, const SeriesTruth& truth, std::int64_t size,
                   const std::string& metric);

// Neighbouring runs of one made level, or of one software stack.
struct Stretch {
    int stack = 0;
    double made = 0;
    std::vector<Made> runs;
    double median() const;
    double mean() const;
    std::int64_t first_unix() const { return runs.front().time_unix; }
    std::int64_t last_unix() const { return runs.back().time_unix; }
};
std::vector<Stretch> levels_of(const Course& course, const Host& host);
std::vector<Stretch> stacks_of(const Course& course, const Host& host);

// The relative standard deviation of the runs of a host around the means of their stacks: what can
// be learned of the made noise.
double seen_noise(const Course& course, const Host& host);
// Half of the 95 % interval of the logarithm of the median of so many runs, for a noise of 1.
double reach_of(std::size_t runs);
// The same of the difference of two medians.
double reach_between(std::size_t runs_a, std::size_t runs_b);

struct MilestoneTruth {
    std::string level;  // "70"
    std::optional<std::int64_t> held_unix, days, launch_days;
};
std::vector<MilestoneTruth> milestones_of(const Course& course);

// First to newest level, per month of 30.4 days; the mean over the hosts.
struct RateTruth {
    double percent = 0, percent_per_month = 0;
    double made_percent_per_month = 0;  // of the levels without noise
    double reach_per_month = 0;         // half of the 95 % interval, by the made noise
    std::vector<std::pair<std::int64_t, double>> steps;  // of the host with the most runs
};
RateTruth rate_of(const Course& course);

struct PlacedMade {
    const Host* host = nullptr;
    Made made;
};
// Of all hosts, by time.
std::vector<PlacedMade> points_of(const Course& course);

std::int64_t first_run_unix(const Product& product);
std::size_t run_count(const Product& product);

std::string iso(std::int64_t unix_s);
std::string date_of(std::int64_t unix_s);
std::int64_t unix_of_date(const std::string& date);

}  // namespace peakward::cli::fleet
