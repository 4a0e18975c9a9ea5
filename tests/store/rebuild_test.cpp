// A rebuild works in pieces: others read and append between them, and where it ends early all is as
// before.
#include <gmock/gmock.h>

#include <functional>

#include "store/scratch.hpp"

namespace peakward {
namespace {

using store_test::make_small_run;
using store_test::message_of;
using ::testing::IsEmpty;

constexpr std::uint64_t rebuilt_runs = 150;  // several pieces, and sealed points

// Does something each time a statement of a store asks whether to stop; stops when told to.
class Between final : public StopToken {
public:
    explicit Between(std::function<bool(int)> stops) : stops_(std::move(stops)) {}
    bool stop_requested() const override {
        if (is_inside_) return false;
        is_inside_ = true;
        const bool stop = stops_(++calls_);
        is_inside_ = false;
        return stop;
    }
    int calls() const { return calls_; }

private:
    std::function<bool(int)> stops_;
    mutable int calls_ = 0;
    mutable bool is_inside_ = false;
};

class RebuildInPieces : public ::testing::Test {
protected:
    RebuildInPieces() {
        auto store = open_store(path_, OpenMode::append);
        std::vector<peakward::Run> list;
        for (std::uint64_t seed = 1; seed <= rebuilt_runs; ++seed)
            list.push_back(make_small_run(seed));
        EXPECT_TRUE((*store)->append_all(list));
    }
    Status rebuild(const StopToken* stop = nullptr) {
        StoreOptions options;
        options.stop = stop;
        auto store = open_store(path_, OpenMode::append, options);
        if (!store) return tl::make_unexpected(store.error());
        return (*store)->rebuild();
    }
    std::vector<std::string> problems() {
        return (*open_store(path_, OpenMode::inspect))->verify()->problems;
    }
    std::int64_t rebuild_tables() {
        return store_test::raw_connection(path_).scalar(
            "SELECT count(*) FROM sqlite_master WHERE name GLOB 'rebuild_*'");
    }
    std::int64_t points_read() {
        std::int64_t count = 0;
        auto store = open_store(path_, OpenMode::read);
        EXPECT_TRUE((*store)->each_series({}, [&](Series&& series) -> Status {
            count += std::ssize(series.points);
            return {};
        }));
        return count;
    }

    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_F(RebuildInPieces, HealsWhatWasEdited) {
    const std::int64_t before = points_read();
    store_test::tamper(path_, "DELETE FROM sealed_points; DELETE FROM points WHERE seq = 3");
    EXPECT_FALSE(problems().empty());
    const auto status = rebuild();
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_EQ(points_read(), before);
    EXPECT_EQ(rebuild_tables(), 0);
    EXPECT_TRUE((*open_store(path_, OpenMode::append))->append(make_small_run(rebuilt_runs + 1)));
    EXPECT_THAT(problems(), IsEmpty());
}

// An append waits for no more than a piece: wherever the rebuild does not hold the lock.
TEST_F(RebuildInPieces, OthersAppendAndReadMeanwhile) {
    std::uint64_t appended = 0;
    const std::int64_t before = points_read();
    const Between stop([&](int call) {
        if (call % 997 != 0 || appended >= 5) return false;
        StoreOptions impatient;
        impatient.lock_wait = std::chrono::milliseconds(0);
        auto store = open_store(path_, OpenMode::append, impatient);
        if (store && (*store)->append(make_small_run(rebuilt_runs + 1 + appended))) ++appended;
        EXPECT_GE(points_read(), before);
        return false;
    });
    const auto status = rebuild(&stop);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_GT(appended, 0u);
    EXPECT_EQ((*open_store(path_, OpenMode::read))->info()->runs,
              std::int64_t(rebuilt_runs + appended));
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(RebuildInPieces, EndsAtASignalWithAllAsBefore) {
    int all = 0;
    {
        const Between count([](int) { return false; });
        ASSERT_TRUE(rebuild(&count));
        all = count.calls();
    }
    for (const int at : {1, all / 3, all / 2, all - all / 5, all - 20}) {
        const Between stop([&](int call) { return call >= at; });
        const auto status = rebuild(&stop);
        ASSERT_FALSE(status) << at;
        EXPECT_EQ(status.error().kind, ErrorKind::interrupted) << status.error().message;
        EXPECT_THAT(problems(), IsEmpty()) << at;
        EXPECT_TRUE((*open_store(path_, OpenMode::read))->find(make_small_run(7).run_id));
    }
    ASSERT_TRUE(rebuild());
    EXPECT_EQ(rebuild_tables(), 0);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(RebuildInPieces, GivesWayToAnotherRebuild) {
    int all = 0;
    {
        const Between count([](int) { return false; });
        ASSERT_TRUE(rebuild(&count));
        all = count.calls();
    }
    bool done = false;
    std::string refusals;
    const Between other([&](int call) {
        if (done || call < all / 2 || call % 7 != 0) return false;
        StoreOptions impatient;  // it may be asked while the lock is held
        impatient.lock_wait = std::chrono::milliseconds(0);
        auto store = open_store(path_, OpenMode::append, impatient);
        const auto status =
            store ? (*store)->rebuild() : Status(tl::make_unexpected(store.error()));
        done = status.has_value();
        if (!done) refusals += message_of(status) + "\n";
        return false;
    });
    const auto status = rebuild(&other);
    ASSERT_TRUE(done) << refusals;
    ASSERT_FALSE(status);
    EXPECT_NE(message_of(status).find("another 'peakward db rebuild'"), std::string::npos)
        << message_of(status);
    EXPECT_THAT(problems(), IsEmpty());
}

// As another rebuild does that begins: it drops one table after the other. The root page of a table
// that is gone must not get into the schema: no program would open the file again.
TEST_F(RebuildInPieces, GivesWayWhereOneOfItsTablesIsGone) {
    store::Connection other(path_, store::Connection::Access::read_write,
                            std::chrono::milliseconds(0));
    bool is_dropped = false;
    const Between stop([&](int call) {
        if (is_dropped || call % 7 != 0) return false;
        // All pieces are written, and the rest adds no metric.
        if (other.scalar("SELECT max(seq) FROM rebuild_run_facts") > 100) {
            other.execute("DROP TABLE rebuild_metrics");
            is_dropped = other.ok();
        }
        (void)other.status();  // there is no such table yet, or the lock is held
        return false;
    });
    const auto status = rebuild(&stop);
    ASSERT_TRUE(is_dropped);
    ASSERT_FALSE(status);
    EXPECT_NE(message_of(status).find("another 'peakward db rebuild'"), std::string::npos)
        << message_of(status);
    EXPECT_THAT(problems(), IsEmpty());
    ASSERT_TRUE(rebuild());
    EXPECT_EQ(rebuild_tables(), 0);
    EXPECT_THAT(problems(), IsEmpty());
}

// The tables of a rebuild that ended early stay, some or all of them.
TEST_F(RebuildInPieces, TakesNothingOfTheOneBefore) {
    const std::int64_t before = points_read();
    {
        auto connection = store_test::raw_connection(path_);
        const std::string table = connection.scalar_text(
            "SELECT replace(sql, 'TABLE points', 'TABLE rebuild_points') FROM sqlite_master "
            "WHERE name = 'points'");
        connection.execute(table);
        connection.execute("INSERT INTO rebuild_points SELECT * FROM points WHERE seq < 9");
        const auto status = connection.status();
        ASSERT_TRUE(status) << status.error().message;
    }
    EXPECT_THAT(problems(), IsEmpty());
    EXPECT_TRUE((*open_store(path_, OpenMode::append))->append(make_small_run(rebuilt_runs + 1)));
    ASSERT_TRUE(rebuild());
    EXPECT_EQ(rebuild_tables(), 0);
    EXPECT_GT(points_read(), before);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST(Interrupted, EveryMethodSaysSo) {
    const store_test::Scratch scratch;
    const std::string path = scratch / "a.db";
    ASSERT_TRUE((*open_store(path, OpenMode::append))->append(make_small_run(1)));
    bool stopped = false;
    const Between stop([&](int) { return stopped; });
    StoreOptions options;
    options.stop = &stop;
    auto opened = open_store(path, OpenMode::append, options);
    ASSERT_TRUE(opened);
    RunStore& store = **opened;
    stopped = true;
    const auto kind = [](const auto& result) {
        return result ? ErrorKind::failed : result.error().kind;
    };
    EXPECT_EQ(kind(store.append(make_small_run(2))), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.history({})), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.find(make_small_run(1).run_id)), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.hardware()), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.stacks()), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.series_keys({})), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.metrics()), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.facts_of({1})), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.verify()), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.info()), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.rebuild()), ErrorKind::interrupted);
    EXPECT_EQ(kind(store.each_series({}, [](Series&&) -> Status { return {}; })),
              ErrorKind::interrupted);
    EXPECT_EQ(kind(store.each_calibration_row([](const StoredRow&) -> Status { return {}; })),
              ErrorKind::interrupted);
    EXPECT_EQ(kind(open_store(path, OpenMode::read, options)), ErrorKind::interrupted);
    stopped = false;
    EXPECT_EQ(store.info()->runs, 1) << "and goes on when the signal is none";
}

// A wait for the lock of another process ends as well.
TEST(Interrupted, AWaitForTheLockEnds) {
    const store_test::Scratch scratch;
    const std::string path = scratch / "a.db";
    ASSERT_TRUE(open_store(path, OpenMode::append));
    store::Connection holder = store_test::raw_connection(path);
    int waited = 0;
    bool stopped = false;
    const Between stop([&](int) { return stopped && ++waited > 1; });
    StoreOptions options;
    options.stop = &stop;
    options.lock_wait = std::chrono::hours(1);
    auto store = open_store(path, OpenMode::append, options);
    ASSERT_TRUE(store);
    holder.execute("BEGIN IMMEDIATE");
    stopped = true;
    const auto outcome = (*store)->append(make_small_run(1));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::interrupted) << message_of(outcome);
}

}  // namespace
}  // namespace peakward
