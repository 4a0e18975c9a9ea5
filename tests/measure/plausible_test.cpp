#include "measure/plausible.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace peakward {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::int64_t block_ms = 1'000'000;
constexpr std::int64_t most_ns = std::numeric_limits<std::int64_t>::max();

// Two threads, 60 blocks of 1 block_ms side by side: what a calm worker gives in a batch of 60
// block_ms.
std::vector<Sample> honest(int threads = 2) {
    std::vector<Sample> samples;
    for (std::int64_t i = 0; i < 60; ++i)
        for (int thread = 0; thread < threads; ++thread) {
            Sample sample;
            sample.thread = thread;
            sample.start_ns = 5000 * block_ms + i * (block_ms + 20'000);
            sample.wall_ns = block_ms;
            sample.cpu_ns = block_ms;
            samples.push_back(sample);
        }
    return samples;
}

BatchFrame frame() { return {2, 0.06, 0.001, milliseconds(62), 4000 * block_ms}; }

void each(std::vector<Sample>& samples, const std::function<void(Sample&)>& change) {
    for (Sample& sample : samples) change(sample);
}

struct Lie {
    const char* name;
    std::function<void(std::vector<Sample>&, BatchFrame&)> tell;
    const char* reason;
};
void PrintTo(const Lie& lie, std::ostream* stream) { *stream << lie.name; }
class Lies : public testing::TestWithParam<Lie> {};

TEST_P(Lies, AreNotBelieved) {
    std::vector<Sample> samples = honest();
    BatchFrame with = frame();
    ASSERT_EQ(why_impossible(samples, with), "");
    GetParam().tell(samples, with);
    EXPECT_THAT(why_impossible(samples, with), HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Lies,
    testing::Values(
        Lie{"answers_at_once", [](auto&, auto& f) { f.waited = milliseconds(3); },
            "it answered after 3 ms where 60 ms were asked for"},
        Lie{"blocks_of_a_nanosecond_at_once",
            [](auto& s, auto& f) {
                each(s, [](Sample& x) { x.wall_ns = 1, x.cpu_ns = 1; });
                f.waited = milliseconds(2);
            },
            "it answered after 2 ms"},
        Lie{"blocks_of_a_nanosecond_in_time",
            [](auto& s, auto&) { each(s, [](Sample& x) { x.wall_ns = 1, x.cpu_ns = 1; }); },
            "its blocks last 6e-05 ms in all, where slices of 1 ms for 60 ms "
            "were asked for"},
        Lie{"a_block_longer_than_the_wait",
            [](auto& s, auto&) { s.back().wall_ns = 200 * block_ms; },
            "a block of 200 ms in a run"},
        Lie{"a_block_of_292_years", [](auto& s, auto&) { s.back().wall_ns = most_ns; },
            "a block of 9.223e+12 ms"},
        Lie{"a_start_that_overflows",
            [](auto& s, auto&) { each(s, [](Sample& x) { x.start_ns = most_ns - 5; }); },
            "a block of 1 ms in a run"},
        Lie{"blocks_beyond_the_wait",
            [](auto& s, auto&) { s.back().start_ns += 3'600'000 * block_ms; }, "its blocks span"},
        Lie{"all_blocks_at_one_time",
            [](auto& s, auto&) { each(s, [](Sample& x) { x.start_ns = 5000 * block_ms; }); },
            "begins 1 ms before the one before it has ended"},
        Lie{"blocks_that_overlap_by_half",
            [](auto& s, auto&) { each(s, [](Sample& x) { x.wall_ns = 3 * block_ms / 2; }); },
            "before the one before it has ended"},
        Lie{"blocks_that_go_backwards", [](auto& s, auto&) { std::reverse(s.begin(), s.end()); },
            "a block of thread 1 begins"},
        Lie{"a_batch_before_the_last_one", [](auto&, auto& f) { f.after_ns = 5010 * block_ms; },
            "a block of thread 0 begins 10 ms before"},
        Lie{"more_time_than_was_waited",
            [](auto& s, auto&) {
                each(s, [](Sample& x) {
                    x.start_ns = 5000 * block_ms + (x.start_ns - 5000 * block_ms) * 3;
                    x.wall_ns *= 3;
                });
            },
            "its blocks span 183.5 ms, and the host waited 62 ms"},
        Lie{"ten_times_the_cpu_time",
            [](auto& s, auto&) { each(s, [](Sample& x) { x.cpu_ns = 10 * x.wall_ns; }); },
            "of CPU time in 60 ms of wall time on 2 threads"},
        Lie{"one_block_with_all_cpu_time_there_is",
            [](auto& s, auto&) { s.front().cpu_ns = most_ns; }, "thread 0 tells"},
        Lie{"cpu_times_whose_sum_overflows",
            [](auto& s, auto&) { each(s, [](Sample& x) { x.cpu_ns = most_ns; }); },
            "thread 0 tells"}),
    [](const auto& lie) { return std::string(lie.param.name); });

TEST(Plausible, BelievesWhatCanBe) {
    struct Truth {
        const char* what;
        std::function<void(std::vector<Sample>&, BatchFrame&)> make;
    };
    const Truth truths[] = {
        {"a worker that cannot tell CPU time",
         [](auto& s, auto&) { each(s, [](Sample& x) { x.cpu_ns = -1; }); }},
        {"CPU time of a whole pool",
         [](auto& s, auto&) { each(s, [](Sample& x) { x.cpu_ns *= 2; }); }},
        {"a kernel that counts CPU time in ticks",
         [](auto& s, auto&) { s.front().cpu_ns = 20 * block_ms; }},
        {"a host that got its CPU back late", [](auto&, auto& f) { f.waited = milliseconds(900); }},
        {"a thread that lost its CPU between two blocks",
         [](auto& s, auto&) { s.erase(s.begin() + 3, s.begin() + 100); }},
        {"a device clock that counts a little more",
         [](auto& s, auto&) { each(s, [](Sample& x) { x.wall_ns += 21'000 + 5'000; }); }},
        {"another epoch",
         [](auto& s, auto& f) {
             each(s, [](Sample& x) { x.start_ns -= 4990 * block_ms; });
             f.after_ns = 0;
         }},
        {"one long call",
         [](auto& s, auto& f) {
             s.resize(1);
             s.front().wall_ns = s.front().cpu_ns = 61 * block_ms;
             f.threads = 1;
         }},
        {"a first block that was thought longer", [](auto& s, auto&) { s.front().wall_ns = 10; }},
    };
    for (const Truth& truth : truths) {
        std::vector<Sample> samples = honest();
        BatchFrame with = frame();
        truth.make(samples, with);
        EXPECT_EQ(why_impossible(samples, with), "") << truth.what;
    }
}

TEST(Plausible, CountsTheTimeInBlocksOfTheBusiestThread) {
    std::vector<Sample> samples = honest();
    samples.pop_back();
    EXPECT_NEAR(busiest_thread_s(samples), 0.06, 1e-12);
    EXPECT_EQ(busiest_thread_s({}), 0);
}

TEST(Plausible, BlocksOfAMicrosecondAreFoundOutOverBatches) {
    EXPECT_EQ(why_too_little(0.0005, 0.06), "") << "one batch may have been unlucky";
    EXPECT_THAT(why_too_little(0.001, 0.16),
                HasSubstr("its blocks last 1 ms in all, where 160 ms were asked for"));
    EXPECT_EQ(why_too_little(0.03, 0.5), "") << "a loaded machine";
}

TEST(Plausible, LeavesImpossibleReadingsOut) {
    const auto dropped = [](double clock_hz, std::optional<double> celsius,
                            std::optional<double> watts) {
        std::vector<Sample> samples = honest(1);
        samples.front().clock_hz = clock_hz;
        samples.back().clock_hz = 3e9;
        DeviceCondition condition{celsius, watts, false};
        const bool any = drop_impossible_readings(samples, condition);
        EXPECT_EQ(samples.back().clock_hz, 3e9);
        EXPECT_EQ(samples.front().clock_hz == 0 || !any || samples.front().clock_hz == clock_hz,
                  true);
        EXPECT_TRUE(!condition.temperature_c || *condition.temperature_c < 200);
        EXPECT_TRUE(!condition.power_w || *condition.power_w < 20'000);
        EXPECT_LT(samples.front().clock_hz, 1e11);
        return any;
    };
    EXPECT_FALSE(dropped(0, {}, {})) << "not probed";
    EXPECT_FALSE(dropped(9.1e9, 95, 1400));
    EXPECT_FALSE(dropped(4e7, 0, 0));
    EXPECT_TRUE(dropped(1e308, {}, {}));
    EXPECT_TRUE(dropped(5e-324, {}, {}));
    EXPECT_TRUE(dropped(1, {}, {}));
    EXPECT_TRUE(dropped(0, 1e308, {}));
    EXPECT_TRUE(dropped(0, 400, {}));
    EXPECT_TRUE(dropped(0, {}, 1e308));
    EXPECT_TRUE(dropped(0, {}, 5e4));
    PrepareReply prepared;
    EXPECT_FALSE(drop_impossible_readings(prepared));
    prepared.clock_nominal_hz = 1.98e9;
    EXPECT_FALSE(drop_impossible_readings(prepared));
    prepared.clock_nominal_hz = 1e308;
    EXPECT_TRUE(drop_impossible_readings(prepared));
    EXPECT_FALSE(prepared.clock_nominal_hz);
}

TEST(Plausible, FiguresAreOfADeviceAndCanBeStored) {
    Measurement good;
    good.outcome = Outcome::measured;
    good.statistics.kept = 10;
    good.statistics.median_s = good.statistics.ci_low_s = good.statistics.ci_high_s = 1e-3;
    good.gops = 100;
    good.windows = {{0, block_ms, 1, 3e9, Verdict::kept, Throttle::unknown}};
    EXPECT_EQ(why_impossible_figures(good), "");
    EXPECT_EQ(why_impossible_figures({}), "") << "a case that failed before";
    const double infinite = std::numeric_limits<double>::infinity();
    const auto why = [&](const std::function<void(Measurement&)>& change) {
        Measurement bad = good;
        change(bad);
        return why_impossible_figures(bad);
    };
    EXPECT_THAT(why([&](auto& m) { m.statistics.median_s = infinite; }),
                HasSubstr("inf s for one"));
    EXPECT_THAT(why([](auto& m) { m.statistics.median_s = 1e297; }), HasSubstr("1e+297 s for one"));
    EXPECT_THAT(why([](auto& m) { m.statistics.median_s = 0; }), HasSubstr("0 s for one"));
    EXPECT_THAT(why([](auto& m) { m.statistics.median_s = 1e-303; }), HasSubstr("which cannot be"));
    EXPECT_THAT(why([](auto& m) { m.gops = 1e12; }), HasSubstr("1e+12 GOPS, beyond any device"));
    EXPECT_THAT(why([&](auto& m) { m.gbps = infinite; }), HasSubstr("GB/s, beyond any device"));
    EXPECT_THAT(why([](auto& m) { m.bus_gbps = 1e10; }), HasSubstr("GB/s, beyond any device"));
    // Every other number of a case, by its name.
    EXPECT_THAT(why([&](auto& m) { m.statistics.ci_high_s = infinite; }), HasSubstr("ci_high_s"));
    EXPECT_THAT(why([&](auto& m) { m.statistics.spread_between = -infinite; }),
                HasSubstr("spread_between"));
    EXPECT_THAT(why([&](auto& m) { m.operations_per_cycle = infinite; }),
                HasSubstr("operations_per_cycle"));
    EXPECT_THAT(why([&](auto& m) { m.clock_hz = infinite; }), HasSubstr("clock_hz"));
    EXPECT_THAT(why([&](auto& m) { m.energy.emplace().inference_j = infinite; }),
                HasSubstr("energy.inference_j"));
    EXPECT_THAT(why([&](auto& m) { m.windows.front().iterations = infinite; }),
                HasSubstr("windows"));
}

}  // namespace
}  // namespace peakward
