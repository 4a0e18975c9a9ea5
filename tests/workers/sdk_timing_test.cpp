#include <gtest/gtest.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sdk/cpu_set.hpp"
#include "sdk/process.hpp"
#include "sdk/worker.hpp"

namespace peakward::worker {
namespace {

std::int64_t now_ns(clockid_t clock) {
    timespec time = {};
    ::clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// Uses the CPU until this thread has used `cpu_ns` more of it.
void burn(std::int64_t cpu_ns) {
    const std::int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + cpu_ns;
    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end) {
    }
}

TEST(BlockTimer, EnclosesTheBlockOnTheMonotonicClock) {
    const std::int64_t before = now_ns(CLOCK_MONOTONIC);
    BlockTimer timer;
    timer.start();
    burn(2'000'000);
    const RunSample sample = timer.stop(12.5, 3);
    const std::int64_t after = now_ns(CLOCK_MONOTONIC);
    EXPECT_GE(sample.start_ns, before);
    EXPECT_LE(sample.start_ns + sample.wall_ns, after);
    EXPECT_GE(sample.cpu_ns, 2'000'000);
    EXPECT_EQ(sample.iterations, 12.5);
    EXPECT_EQ(sample.thread, 3);
    EXPECT_EQ(sample.wait_ns, -1);
    EXPECT_EQ(sample.clock_hz, 0);
}

TEST(BlockTimer, CountsTheSwitchesOfTheBlock) {
    BlockTimer timer;
    timer.start();
    for (int i = 0; i < 3; ++i) {
        const timespec moment = {0, 1};
        ::nanosleep(&moment, nullptr);  // gives the CPU up: a voluntary switch
    }
    EXPECT_GE(timer.stop(1).switches, 3);
}

TEST(TotalWait, NeverFallsWhileThreadsComeAndGo) {
    std::int64_t last = total_wait_ns();
    if (last < 0) GTEST_SKIP() << "this kernel does not tell run-queue waits";
    for (int round = 0; round < 20; ++round) {
        std::thread first([] { burn(100'000); });
        std::thread second([] { burn(100'000); });
        const std::int64_t during = total_wait_ns();
        EXPECT_GE(during, last);
        first.join();
        second.join();
        last = total_wait_ns();
        EXPECT_GE(last, during);
    }
}

// Two threads on one CPU: one of them must wait while the other runs.
TEST(TotalWait, SeesThreadsThatWaitForOneCpu) {
    const std::int64_t before = total_wait_ns();
    if (before < 0) GTEST_SKIP() << "this kernel does not tell run-queue waits";
    const int cpu = ::sched_getcpu();
    std::atomic<int> burnt{0};
    std::atomic<bool> seen{false};
    const auto work = [&] {
        pin_this_thread(cpu);
        burn(30'000'000);
        ++burnt;
        // An ended thread takes what it waited with it: both live on until it was read.
        seen.wait(false);
    };
    std::thread first(work);
    std::thread second(work);
    while (burnt < 2) std::this_thread::yield();
    const std::int64_t after = total_wait_ns();
    seen = true;
    seen.notify_all();
    first.join();
    second.join();
    EXPECT_GT(after - before, 1'000'000);
}

TEST(PinThisThread, MovesToTheCpu) {
    std::thread([] {
        const int cpu = ::sched_getcpu();
        ASSERT_TRUE(pin_this_thread(cpu));
        cpu_set_t set;
        CPU_ZERO(&set);
        ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
        EXPECT_EQ(CPU_COUNT(&set), 1);
        EXPECT_TRUE(CPU_ISSET(cpu, &set));
    }).join();
}

TEST(PinThisThread, RefusesACpuThatIsNotThere) {
    EXPECT_FALSE(pin_this_thread(-1));
    EXPECT_FALSE(pin_this_thread(100000));
}

TEST(CpuSet, HoldsCpusBeyondTheKernelsOwnType) {
    const CpuSet far(std::vector<int>{3, 1024, 5000});
    for (const int cpu : {3, 1024, 5000}) EXPECT_TRUE(far.contains(cpu)) << cpu;
    for (const int cpu : {-1, 0, 1023, 1025, 5001, 1 << 20}) EXPECT_FALSE(far.contains(cpu)) << cpu;
    EXPECT_FALSE(CpuSet(std::vector<int>{-1}).contains(0));
    EXPECT_FALSE(CpuSet(std::vector<int>{}).contains(0));
}

TEST(CpuSet, KnowsWhereThisThreadMayRun) {
    const CpuSet mine = CpuSet::of_this_thread();
    EXPECT_TRUE(mine.contains(::sched_getcpu()));
    EXPECT_TRUE(mine.bind(0));
}

TEST(ConfineThreads, NamesACpuThatMayNotBeUsed) {
    for (const int cpu : {-1, 1500, 100000}) {
        try {
            confine_threads({cpu});
            ADD_FAILURE() << cpu;
        } catch (const std::runtime_error& problem) {
            EXPECT_EQ(std::string(problem.what()),
                      "CPU " + std::to_string(cpu) +
                          " does not exist or may not be used by this process");
        }
    }
    confine_threads({::sched_getcpu()});
    confine_threads({});
}

TEST(Random, IsSplitmix64) {
    // First outputs for seed 1234567, from the authors' reference code (prng.di.unimi.it).
    Random random(1234567);
    EXPECT_EQ(random.next(), 6457827717110365317u);
    EXPECT_EQ(random.next(), 3203168211198807973u);
    EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(Random, StaysInRangeAndFillsIt) {
    Random random(42);
    double low = 1, high = -1, sum = 0;
    constexpr int count = 100000;
    std::set<double> seen;
    for (int i = 0; i < count; ++i) {
        const double value = random.uniform();
        ASSERT_GE(value, -1.0);
        ASSERT_LT(value, 1.0);
        low = std::min(low, value);
        high = std::max(high, value);
        sum += value;
        seen.insert(value);
    }
    EXPECT_LT(low, -0.99);
    EXPECT_GT(high, 0.99);
    EXPECT_NEAR(sum / count, 0, 0.02);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
}

TEST(Random, DependsOnTheSeedAlone) {
    Random a(7), b(7), c(8);
    EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
}

}  // namespace
}  // namespace peakward::worker
