#include "measure/plateau.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace peakward {
namespace {

constexpr std::int64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;

CacheLevel cache(int level, std::int64_t size_bytes, int instances, const char* type = "unified") {
    return {level, type, size_bytes, instances, 1};
}

// 2 cores: 32 KiB L1d, 1 MiB L2 each, a shared L3.
Context machine(std::int64_t l3_bytes, std::int64_t available_bytes = 64 * gib) {
    Context context;
    context.hardware.cpu.caches = {cache(1, 32 * kib, 2, "data"),
                                   cache(1, 64 * kib, 2, "instruction"), cache(2, mib, 2)};
    if (l3_bytes > 0) context.hardware.cpu.caches.push_back(cache(3, l3_bytes, 1));
    context.hardware.memory.available_bytes = Fact<std::int64_t>::known(available_bytes, "test");
    return context;
}

TEST(SweepRange, BeginsInL1AndEndsBeyondTheLastLevelCache) {
    const auto range = sweep_range(machine(36 * mib), 2, SweepDepth::caches);
    EXPECT_EQ(range.first, 2048);  // 48 KiB of the 64 KiB of two cores
    // 4 x 36 MiB = 144 MiB; the next power of two is 2^23 elements, 192 MiB.
    EXPECT_EQ(range.least, std::int64_t{1} << 23);
    EXPECT_EQ(working_set_bytes(range.least), 192 * mib);
    EXPECT_EQ(range.most, 8 * range.least);
}

TEST(SweepRange, OfAQuickRunBeginsAtHalf) {
    const auto range = sweep_range(machine(36 * mib), 2, SweepDepth::plateau);
    EXPECT_EQ(range.least, std::int64_t{1} << 23);
    EXPECT_EQ(range.first, range.least / 2);
    EXPECT_EQ(range.most, 4 * range.least);
}

TEST(SweepRange, DoesNotBelieveTheCacheOfAWholeSocket) {
    const auto quick = sweep_range(machine(480 * mib), 2, SweepDepth::plateau);
    EXPECT_EQ(working_set_bytes(quick.least), 384 * mib);  // the power of two above 256 MiB
    const auto full = sweep_range(machine(480 * mib), 2, SweepDepth::caches);
    EXPECT_EQ(working_set_bytes(full.least), 1536 * mib);
}

TEST(SweepRange, IsAtLeastFourTimesThePrivateL2OfAllThreads) {
    const auto range = sweep_range(machine(0), 2, SweepDepth::plateau);
    EXPECT_EQ(working_set_bytes(range.least), 12 * mib);  // 2^19 elements; 8 MiB is 2^18.4
    const auto one = sweep_range(machine(0), 1, SweepDepth::plateau);
    EXPECT_EQ(working_set_bytes(one.least), 6 * mib);
}

TEST(SweepRange, CountsTheCachesOfTheThreadsOnly) {
    Context context = machine(0);
    context.hardware.cpu.caches.push_back(cache(3, 32 * mib, 12));
    EXPECT_EQ(last_level_bytes(context.hardware.cpu, 2), 64 * mib);
    EXPECT_EQ(last_level_bytes(context.hardware.cpu, 96), 12 * 32 * mib);
    EXPECT_EQ(last_level_bytes(machine(0).hardware.cpu, 2), 0);
}

TEST(SweepRange, StaysWithinAQuarterOfMemoryAndCgroup) {
    Context context = machine(36 * mib, 200 * mib);
    auto range = sweep_range(context, 2, SweepDepth::caches);
    EXPECT_EQ(working_set_bytes(range.most), 48 * mib);
    EXPECT_EQ(range.least, range.most);
    context = machine(36 * mib, 64 * gib);
    context.environment.memory_limit_bytes = Fact<std::int64_t>::known(gib, "cgroup");
    range = sweep_range(context, 2, SweepDepth::caches);
    EXPECT_EQ(working_set_bytes(range.most), 192 * mib);
}

TEST(SweepRange, HasUsualSizesWhereNothingIsKnown) {
    const auto range = sweep_range(Context{}, 4, SweepDepth::caches);
    EXPECT_EQ(working_set_bytes(range.first), 96 * kib);
    EXPECT_EQ(working_set_bytes(range.least), 192 * mib);  // 4 x 32 MiB
    EXPECT_EQ(working_set_bytes(range.most), 192 * mib);   // a quarter of 1 GiB
}

// Follows a search over a made-up machine; 0 stands for a size that cannot be measured.
struct Walk {
    std::vector<std::int64_t> sizes;
    std::int64_t chosen = 0;
    bool confirmed = false;
};
Walk walk(const SweepRange& range, const std::function<double(std::int64_t, int)>& gbps,
          std::optional<std::int64_t> known = std::nullopt) {
    PlateauSearch search(range, known);
    Walk walk;
    std::map<std::int64_t, int> times;
    while (const auto size = search.next()) {
        walk.sizes.push_back(*size);
        const double rate = gbps(*size, times[*size]++);
        search.report(*size, rate > 0 ? std::optional(rate) : std::nullopt);
        if (walk.sizes.size() > 100) break;
    }
    walk.chosen = search.elements();
    walk.confirmed = search.is_confirmed();
    return walk;
}

using Sizes = std::vector<std::int64_t>;

TEST(SweepRange, OfAGpuBeginsBeyondTheLargestCacheOfAny) {
    const auto range = gpu_sweep_range(141 * gib);
    EXPECT_EQ(working_set_bytes(range.least), 1536 * mib);  // the power of two above 1 GiB
    EXPECT_EQ(range.first, range.least / 2);
    EXPECT_EQ(working_set_bytes(range.most), 3072 * mib);  // the one below 4 GiB
}

TEST(SweepRange, OfAGpuStaysWithinAQuarterOfItsMemory) {
    const auto small = gpu_sweep_range(2 * gib);
    EXPECT_EQ(working_set_bytes(small.least), 384 * mib);
    EXPECT_EQ(small.most, small.least);
    const auto unknown = gpu_sweep_range(0);
    EXPECT_EQ(working_set_bytes(unknown.most), 768 * mib);
}

TEST(PlateauSearch, TakesTheLeastSizeOfAFlatMemory) {
    const Walk found = walk({64, 128, 1024}, [](auto, int) { return 20.0; });
    EXPECT_EQ(found.sizes, (Sizes{64, 128, 256}));
    EXPECT_EQ(found.chosen, 128);
    EXPECT_TRUE(found.confirmed);
}

TEST(PlateauSearch, GoesThroughTheCachesFirst) {
    const Walk found = walk({8, 64, 512}, [](std::int64_t size, int) {
        return size <= 8 ? 200.0 : size <= 16 ? 100.0 : 20.0;
    });
    EXPECT_EQ(found.sizes, (Sizes{8, 16, 32, 64, 128}));
    EXPECT_EQ(found.chosen, 64);
}

TEST(PlateauSearch, NeedsTwoDoublingsThatAgree) {
    // Half the size is still in the cache: the next two doublings have to show it.
    const Walk found =
        walk({64, 128, 1024}, [](std::int64_t size, int) { return size <= 64 ? 40.0 : 20.0; });
    EXPECT_EQ(found.sizes, (Sizes{64, 128, 256, 512}));
    EXPECT_EQ(found.chosen, 128);
    EXPECT_TRUE(found.confirmed);
}

TEST(PlateauSearch, KeepsTheSizeOfEarlierRunsWhileItHolds) {
    const auto flat = [](auto, int) { return 20.0; };
    const Walk kept = walk({64, 128, 1024}, flat, 256);
    EXPECT_EQ(kept.sizes, (Sizes{128, 256, 512}));
    EXPECT_EQ(kept.chosen, 256);
    EXPECT_TRUE(kept.confirmed);
    // A sweep that shows the caches is as long as ever.
    EXPECT_EQ(walk({8, 64, 512}, flat, 128).sizes, (Sizes{8, 16, 32, 64, 128, 256}));
    // A size that is out of range now is no guide.
    EXPECT_EQ(walk({64, 128, 1024}, flat, 2048).chosen, 128);
    EXPECT_EQ(walk({64, 128, 1024}, flat, 64).chosen, 128);
}

TEST(PlateauSearch, LeavesTheKnownSizeOnlyForOneThatIsConfirmed) {
    const Walk moved = walk(
        {64, 128, 2048}, [](std::int64_t size, int) { return size <= 256 ? 40.0 : 20.0; }, 256);
    EXPECT_EQ(moved.chosen, 512);
    EXPECT_TRUE(moved.confirmed);
    const Walk unsure = walk(
        {64, 128, 1024}, [](std::int64_t size, int) { return 1e4 / static_cast<double>(size); },
        256);
    EXPECT_EQ(unsure.chosen, 256);
    EXPECT_FALSE(unsure.confirmed);
}

TEST(PlateauSearch, AgreesWithinFivePercent) {
    const auto with_drop = [](double share) {
        return walk({64, 128, 512}, [share](std::int64_t size, int) {
            return size > 128 ? 100.0 * (1 - share) : 100.0;
        });
    };
    EXPECT_EQ(with_drop(0.05).chosen, 128);
    EXPECT_TRUE(with_drop(0.05).confirmed);
    EXPECT_FALSE(with_drop(0.051).confirmed);
}

TEST(PlateauSearch, MovesOnWhileTheRateFalls) {
    const Walk found = walk({64, 128, 4096}, [](std::int64_t size, int) {
        return size <= 256 ? 1e5 / static_cast<double>(size) : 100.0;
    });
    EXPECT_EQ(found.chosen, 512);
    EXPECT_TRUE(found.confirmed);
    // Sizes that disagree are looked at twice before they are given up.
    EXPECT_EQ(found.sizes, (Sizes{64, 128, 256, 128, 256, 512, 512, 1024, 2048}));
}

TEST(PlateauSearch, MeasuresASizeAgainBeforeItMovesOn) {
    // The first look at 256 was disturbed.
    const Walk found = walk({64, 128, 1024}, [](std::int64_t size, int times) {
        return size == 256 && times == 0 ? 12.0 : 20.0;
    });
    EXPECT_EQ(found.sizes, (Sizes{64, 128, 256, 128, 256}));
    EXPECT_EQ(found.chosen, 128);
    EXPECT_TRUE(found.confirmed);
}

TEST(PlateauSearch, KeepsTheBetterOfTwoLooks) {
    const Walk found = walk({64, 128, 1024}, [](std::int64_t size, int times) {
        if (size == 256) return times == 0 ? 18.0 : 20.0;
        return size == 128 && times == 1 ? 11.0 : 20.0;
    });
    EXPECT_EQ(found.chosen, 128);
    EXPECT_TRUE(found.confirmed);
}

TEST(PlateauSearch, EndsWithMemoryUnconfirmed) {
    const Walk none_above = walk({64, 128, 128}, [](auto, int) { return 20.0; });
    EXPECT_EQ(none_above.sizes, (Sizes{64, 128}));
    EXPECT_EQ(none_above.chosen, 128);
    EXPECT_FALSE(none_above.confirmed);
    const Walk falling = walk(
        {64, 128, 512}, [](std::int64_t size, int) { return 1e5 / static_cast<double>(size); });
    EXPECT_EQ(falling.chosen, 512);
    EXPECT_FALSE(falling.confirmed);
}

TEST(PlateauSearch, OneAgreementAtTheEndOfMemoryIsNotTwo) {
    const Walk found =
        walk({64, 128, 256}, [](std::int64_t size, int) { return size <= 64 ? 40.0 : 20.0; });
    EXPECT_EQ(found.chosen, 128);
    EXPECT_FALSE(found.confirmed);
}

TEST(PlateauSearch, GivesUpWhereNothingCanBeMeasured) {
    const Walk found = walk({64, 128, 4096}, [](auto, int) { return 0.0; });
    EXPECT_EQ(found.chosen, 128);
    EXPECT_FALSE(found.confirmed);
    EXPECT_LE(found.sizes.size(), 5u);
}

}  // namespace
}  // namespace peakward
