#include "store/stored_run.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "core/sha256.hpp"
#include "store/make_run.hpp"
#include "store/period.hpp"

namespace peakward::store {
namespace {

std::vector<Measurement> odd_measurements() {
    std::vector<Measurement> measurements(3);
    const auto most = std::numeric_limits<std::int64_t>::max();
    const auto least = std::numeric_limits<std::int64_t>::min();
    measurements[0].windows = {
        {0, 1000000, 10, 3.39e9, Verdict::kept}, {1000000, 999999, 10, 3.39e9, Verdict::preempted},
        {5, 0, 0.1, 0, Verdict::throttled},      {-7, -8, -0.0, 1e308, Verdict::settling},
        {most, most, 1, 1, Verdict::kept},       {least, least, 1, 2, Verdict::kept}};
    measurements[2].windows.assign(1000, Window{});
    return measurements;
}

bool same(const Window& a, const Window& b) {
    return a.start_ns == b.start_ns && a.wall_ns == b.wall_ns && a.verdict == b.verdict &&
           std::bit_cast<std::uint64_t>(a.iterations) ==
               std::bit_cast<std::uint64_t>(b.iterations) &&
           std::bit_cast<std::uint64_t>(a.clock_hz) == std::bit_cast<std::uint64_t>(b.clock_hz);
}

TEST(Windows, ComeBackBitByBit) {
    const auto original = odd_measurements();
    std::vector<Measurement> decoded(3);
    ASSERT_TRUE(decode_windows(encode_windows(original), decoded));
    for (std::size_t m = 0; m < 3; ++m) {
        ASSERT_EQ(decoded[m].windows.size(), original[m].windows.size());
        for (std::size_t i = 0; i < original[m].windows.size(); ++i)
            EXPECT_TRUE(same(decoded[m].windows[i], original[m].windows[i])) << m << " " << i;
    }
}

TEST(Windows, KeepEveryVerdictThereIs) {
    std::vector<Measurement> one(1), decoded(1);
    for (int v = 0; v <= static_cast<int>(verdict_last); ++v)
        one[0].windows.push_back({1000 * v, 900, 1, 0, Verdict{v}});
    ASSERT_TRUE(decode_windows(encode_windows(one), decoded));
    for (int v = 0; v <= static_cast<int>(verdict_last); ++v)
        EXPECT_EQ(decoded[0].windows[static_cast<std::size_t>(v)].verdict, Verdict{v});
}

// The layout is a promise to whoever decodes it by docs/store.md: it must not move.
TEST(Windows, HaveTheDocumentedLayout) {
    std::vector<Measurement> one(1);
    one[0].windows = {{0, 300, 0.5, 0, Verdict::kept}, {310, 299, 0.5, 0, Verdict::preempted}};
    const std::string expected(
        "\x01\x01\x02"
        "\x10\x00\xd8\x04\x00\x00\x00\x00\x00\x00\xe0\x3f"
        "\x19\x14\x01",
        18);
    EXPECT_EQ(encode_windows(one), expected);
}

TEST(Windows, DamagedBytesAreRefusedAndNeverRunAway) {
    const std::string bytes = encode_windows(odd_measurements());
    for (std::size_t size = 0; size < 60; ++size) {
        std::vector<Measurement> decoded(3);
        EXPECT_FALSE(decode_windows(bytes.substr(0, size), decoded)) << size;
    }
    std::vector<Measurement> decoded(3), two(2);
    EXPECT_FALSE(decode_windows(bytes + "x", decoded));
    EXPECT_FALSE(decode_windows(bytes, two));
    EXPECT_FALSE(decode_windows("\x02" + bytes.substr(1), decoded));
    EXPECT_FALSE(decode_windows("\x01\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", decoded));
    std::mt19937 random(3);
    for (int i = 0; i < 2000; ++i) {
        std::string changed = bytes;
        for (int j = 0; j < 3; ++j) changed[random() % changed.size()] = char(random());
        (void)decode_windows(changed, decoded);
    }
}

TEST(StoredRun, OneHashCoversDocumentAndWindows) {
    const auto run = store_test::make_small_run(1);
    const auto stored = stored_form(run);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->sha256, sha256_hex(stored->document));
    auto other = run;
    other.measurements[0].windows[0].clock_hz += 1;
    EXPECT_NE(stored_form(other)->sha256, stored->sha256);
    EXPECT_EQ(stored_form(run)->sha256, stored->sha256);
}

TEST(Period, IsAllThatTheTextCanMean) {
    const std::int64_t day = 1795046400 - 86400;  // 2026-11-18
    struct {
        const char* text;
        std::int64_t begin, end;
    } cases[] = {{"2026-11-18", day, day + 86400},
                 {" 2026-11-18T01:02 ", day + 3720, day + 3780},
                 {"2026-11-18 01:02:03", day + 3723, day + 3724},
                 {"2026-11-18T01:02:03Z", day + 3723, day + 3724},
                 {"2026-11-18T01:02:03.987654+01:00", day + 123, day + 124},
                 {"2026-11-18T01:02:03-0130", day + 3723 + 5400, day + 3724 + 5400},
                 {"2026-11", day - 17 * 86400, day + 13 * 86400},
                 {"2026-12", day + 13 * 86400, day + 44 * 86400},
                 {"2024-02", 1706745600, 1709251200},
                 {"1970", 0, 365 * 86400}};
    for (const auto& c : cases) {
        const auto period = parse_period(c.text);
        ASSERT_TRUE(period) << c.text;
        EXPECT_EQ(period->begin, c.begin) << c.text;
        EXPECT_EQ(period->end, c.end) << c.text;
    }
}

TEST(Period, RefusesWhatIsNoDate) {
    for (const char* text : {"", "now", "26-11-18", "2026-13", "2026-02-30", "2026-11-18T25:00",
                             "2026-11-18T01:60", "2026-11-18T01:02:03+25:00", "2026-11-18x",
                             "2026-1-8", "-026-11-18", "2026-11-18T01:02:03.", "20261118"})
        EXPECT_FALSE(parse_period(text)) << text;
}

}  // namespace
}  // namespace peakward::store
