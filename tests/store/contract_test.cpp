// What every engine promises of runs (run_store.hpp).
#include "store/contract.hpp"
#include "core/records_json.hpp"

namespace peakward {
namespace {

using RunStoreContract = store_test::Contract;
using store_test::make_run;
using store_test::make_small_run;
using store_test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(RunStoreContract, GivesBackTheWholeRunWithItsRawWindows) {
    auto run = make_run();
    run.flags = {"forced"};
    run.skipped.push_back({run.measurements[0].what, "not measured (slow)"});
    run.measurements[3].outcome = Outcome::contended;
    run.measurements[3].reason = "2 clean samples of 40";
    ASSERT_EQ(open()->append(run), AppendOutcome::appended);
    const auto found = open(OpenMode::read)->find(run.run_id);
    ASSERT_TRUE(found) << message_of(found);
    EXPECT_EQ(canonical_json(to_json(*found)), canonical_json(to_json(run)));
    EXPECT_EQ(found->measurements[7].windows.size(), run.measurements[7].windows.size());
}

TEST_P(RunStoreContract, AppendingTheSameRunAgainChangesNothing) {
    auto store = open();
    append_all(*store, {1, 2});
    EXPECT_EQ(store->append(make_small_run(1)), AppendOutcome::already_there);
    EXPECT_EQ(store->info()->runs, 2);
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(RunStoreContract, ARunThatWasReadFromOneStoreIsTheSameRunInAnother) {
    auto store = open();
    append_all(*store, {1});
    const auto found = store->find(make_small_run(1).run_id);
    ASSERT_TRUE(found);
    EXPECT_EQ(store->append(*found), AppendOutcome::already_there);
}

TEST_P(RunStoreContract, RefusesTheSameIdWithOtherContent) {
    auto store = open();
    append_all(*store, {1});
    auto other = make_small_run(1);
    other.wall_s += 1;
    EXPECT_THAT(message_of(store->append(other)), HasSubstr("already with other content"));
    auto other_windows = make_small_run(1);
    other_windows.measurements[0].windows[0].wall_ns += 1;
    EXPECT_THAT(message_of(store->append(other_windows)), HasSubstr("already with other content"));
    EXPECT_EQ(store->find(other.run_id)->wall_s, make_small_run(1).wall_s);
}

TEST_P(RunStoreContract, ACorrectionNamesARunThatExists) {
    auto store = open();
    append_all(*store, {1});
    auto correction = make_small_run(2);
    correction.supersedes = make_small_run(9).run_id;
    EXPECT_THAT(message_of(store->append(correction)), HasSubstr("supersedes run"));
    EXPECT_EQ(store->info()->runs, 1);
    correction.supersedes = make_small_run(1).run_id;
    ASSERT_EQ(store->append(correction), AppendOutcome::appended);
    EXPECT_EQ(store->history({})->front().supersedes, correction.supersedes);
    auto own_parent = make_small_run(3);
    own_parent.supersedes = own_parent.run_id;
    EXPECT_THAT(message_of(store->append(own_parent)), HasSubstr("supersedes run"));
}

TEST_P(RunStoreContract, RefusesWhatWouldNotComeBackAsItIs) {
    auto store = open();
    auto no_id = make_small_run(1);
    no_id.run_id = "";
    EXPECT_THAT(message_of(store->append(no_id)), HasSubstr("run_id ''"));
    auto two_times = make_small_run(1);
    two_times.timestamp_unix += 1;
    EXPECT_THAT(message_of(store->append(two_times)), HasSubstr("do not name the same second"));
    auto not_a_number = make_small_run(1);
    not_a_number.measurements[1].statistics.median_s = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(message_of(store->append(not_a_number)), HasSubstr("measurements[1].median_s"));
    auto twice = make_small_run(1);
    twice.results.push_back(twice.results.front());
    EXPECT_THAT(message_of(store->append(twice)), HasSubstr("two rows for device cpu"));
    EXPECT_EQ(store->info()->runs, 0);
    append_all(*store, {1});  // a failure leaves the store usable
}

TEST_P(RunStoreContract, ANumberThatIsNoneIsAbsentWhereItMayBe) {
    auto store = open();
    auto run = make_small_run(1);
    run.measurements[1].gops = std::numeric_limits<double>::infinity();
    ASSERT_EQ(store->append(run), AppendOutcome::appended);
    EXPECT_EQ(store->find(run.run_id)->measurements[1].gops, std::nullopt);
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(RunStoreContract, TextThatIsNotUtf8IsStoredReadablyAndVerifies) {
    auto store = open();
    auto run = make_small_run(1);
    run.context.software.components["odd"] = Fact<std::string>::known("caf\xe9 1.0", "a tool");
    ASSERT_EQ(store->append(run), AppendOutcome::appended);
    EXPECT_EQ(*store->find(run.run_id)->context.software.components["odd"], "caf\xef\xbf\xbd 1.0");
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(RunStoreContract, HistoryIsNewestFirstByTimeOfMeasuring) {
    auto store = open();
    append_all(*store, {2, 5, 1, 4});  // as an import of older runs would
    const auto runs = store->history({});
    ASSERT_TRUE(runs) << message_of(runs);
    EXPECT_THAT(ids(*runs), ElementsAre(make_small_run(5).run_id, make_small_run(4).run_id,
                                        make_small_run(2).run_id, make_small_run(1).run_id));
    EXPECT_THAT(ids(*store->history({.limit = 2})),
                ElementsAre(make_small_run(5).run_id, make_small_run(4).run_id));
    EXPECT_THAT(*store->history({.limit = 0}), SizeIs(4));
}

TEST_P(RunStoreContract, HistoryTellsWhatTablesShow) {
    auto store = open();
    auto run = make_run({.seed = 3, .measurements = 4, .windows = 2, .gpu = true});
    run.flags = {"forced", "quick"};
    run.measurements[2].outcome = Outcome::unsupported;
    run.results[1].peak_measured_gops = 1000.5;
    run.results[2].stream_best_gbps = 99.5;
    ASSERT_EQ(store->append(run), AppendOutcome::appended);
    const RunSummary summary = store->history({})->at(0);
    EXPECT_EQ(summary.timestamp, run.timestamp);
    EXPECT_EQ(summary.hardware_fingerprint, "c3f840a080356806");
    EXPECT_EQ(summary.software_fingerprint, "6286d41799aa0011");
    EXPECT_EQ(summary.lineage, "5d41402abc4b2a76");
    EXPECT_EQ(summary.suite, "standard/1");
    EXPECT_EQ(summary.cpu_model, "12th Gen Intel(R) Core(TM) i7-12700K");
    EXPECT_EQ(summary.gpu_model, "NVIDIA GeForce RTX 4090");
    EXPECT_EQ(summary.wall_s, 41.5);
    EXPECT_EQ(summary.cases, 4);
    EXPECT_EQ(summary.measured, 3);
    EXPECT_THAT(summary.flags, ElementsAre("forced", "quick"));
    EXPECT_EQ(summary.best_gops, 1000.5);
    EXPECT_EQ(summary.best_precision, "fp64");
    EXPECT_EQ(summary.stream_best_gbps, 99.5);
    EXPECT_EQ(summary.supersedes, std::nullopt);
}

TEST_P(RunStoreContract, HistoryOfAMachineOfWhichNothingIsKnown) {
    auto store = open();
    auto run = make_small_run(1);
    run.context.hardware.cpu = CpuInfo{};
    run.context.environment = Environment{};
    run.results.clear();
    run.measurements.clear();
    ASSERT_EQ(store->append(run), AppendOutcome::appended);
    const RunSummary summary = store->history({})->at(0);
    EXPECT_EQ(summary.cpu_model, "unknown");
    EXPECT_EQ(summary.gpu_model, "N/A");
    EXPECT_EQ(summary.best_gops, std::nullopt);
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(RunStoreContract, HistoryOfOneMachineByFingerprintOrLineage) {
    auto store = open();
    auto other = make_small_run(7);
    other.context.hardware.fingerprint = "ffff000000000001";
    other.context.hardware.lineage = "eeee000000000001";
    ASSERT_EQ(store->append(other), AppendOutcome::appended);
    append_all(*store, {1});
    EXPECT_THAT(ids(*store->history({.hardware = "ffff"})), ElementsAre(other.run_id));
    EXPECT_THAT(ids(*store->history({.hardware = "eeee000000000001"})), ElementsAre(other.run_id));
    EXPECT_THAT(ids(*store->history({.hardware = "5d"})), ElementsAre(make_small_run(1).run_id));
    EXPECT_THAT(*store->history({.hardware = "fffe"}), IsEmpty());
    EXPECT_THAT(*store->history({.hardware = "%"}), IsEmpty());
}

TEST_P(RunStoreContract, HistoryBetweenDatesIncludesBoth) {
    auto store = open();
    std::vector<std::string> expected;
    for (int day = 0; day < 5; ++day) {
        auto run =
            make_run({.seed = std::uint64_t(day) + 1,
                      .measurements = 1,
                      .windows = 1,
                      .timestamp_unix = 1795046399 + day * 86400});  // one second to midnight
        ASSERT_EQ(store->append(run), AppendOutcome::appended);
        if (day == 2 || day == 1) expected.insert(expected.begin(), run.run_id);
    }
    ASSERT_EQ(store->history({})->back().timestamp, "2026-11-18T23:59:59Z");
    EXPECT_EQ(ids(*store->history({.since = "2026-11-19", .until = "2026-11-20"})), expected);
    EXPECT_EQ(ids(*store->history(
                  {.since = "2026-11-19T23:59:59Z", .until = "2026-11-21T00:59:59+01:00"})),
              expected);
    EXPECT_THAT(*store->history({.until = "2025"}), IsEmpty());
    const auto wrong = store->history({.since = "yesterday"});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::usage);
    EXPECT_THAT(wrong.error().message, HasSubstr("'yesterday' is not a date"));
}

TEST_P(RunStoreContract, FindsByAnyUnambiguousBeginning) {
    auto store = open();
    for (const char* id : {"abc-1", "abc-2", "abc-22", "xyz"}) {
        auto run = make_small_run(1);
        run.run_id = id;
        ASSERT_EQ(store->append(run), AppendOutcome::appended);
    }
    EXPECT_EQ(store->find("x")->run_id, "xyz");
    EXPECT_EQ(store->find("abc-1")->run_id, "abc-1");
    EXPECT_EQ(store->find("abc-2")->run_id, "abc-2");  // itself, though abc-22 begins so, too
    const auto ambiguous = store->find("abc");
    ASSERT_FALSE(ambiguous);
    EXPECT_EQ(ambiguous.error().kind, ErrorKind::usage);
    for (const char* id : {"abc-1", "abc-2", "abc-22"})
        EXPECT_THAT(ambiguous.error().message, HasSubstr(id));
    EXPECT_THAT(message_of(store->find("nope")), HasSubstr("'peakward history'"));
    EXPECT_THAT(message_of(store->find("%")), HasSubstr("no run '%'"));
    EXPECT_EQ(store->find("").error().kind, ErrorKind::usage);
}

TEST_P(RunStoreContract, InfoCountsWhatIsThere) {
    auto store = open();
    const auto empty = store->info();
    ASSERT_TRUE(empty) << message_of(empty);
    EXPECT_EQ(empty->runs, 0);
    EXPECT_EQ(empty->first_timestamp, "");
    EXPECT_EQ(empty->chain_head, "");
    append_all(*store, {2, 1});
    auto elsewhere = make_small_run(3);
    elsewhere.context.install = "install-b";
    ASSERT_EQ(store->append(elsewhere), AppendOutcome::appended);
    const auto info = store->info();
    EXPECT_EQ(info->runs, 3);
    EXPECT_EQ(info->measurements, 9);
    EXPECT_EQ(info->installs, 2);
    EXPECT_EQ(info->first_timestamp, make_small_run(1).timestamp);
    EXPECT_EQ(info->last_timestamp, make_small_run(3).timestamp);
    EXPECT_EQ(info->chain_head.size(), 64u);
    EXPECT_GT(info->size_bytes, 0);
    EXPECT_EQ(info->schema_version, info->schema_version_of_program);
}

TEST_P(RunStoreContract, TheChainHeadStandsForTheWholeHistory) {
    auto store = open();
    append_all(*store, {1});
    const std::string one = store->info()->chain_head;
    append_all(*store, {2});
    const std::string two = store->info()->chain_head;
    EXPECT_NE(one, two);
    store_test::Scratch other_scratch;
    auto other = open_store(GetParam().fresh_location(other_scratch), OpenMode::append);
    ASSERT_TRUE(other);
    append_all(**other, {3, 2});
    EXPECT_NE((*other)->info()->chain_head, two) << "same newest run, other history";
}

TEST_P(RunStoreContract, VerifiesAnEmptyStoreAndAFullOne) {
    auto store = open();
    EXPECT_THAT(store->verify()->problems, IsEmpty());
    append_all(*store, {1, 2, 3});
    const auto report = store->verify();
    ASSERT_TRUE(report) << message_of(report);
    EXPECT_EQ(report->runs, 3);
    EXPECT_THAT(report->problems, IsEmpty());
}

TEST_P(RunStoreContract, RebuildingKeepsEveryRunAndVerifies) {
    auto store = open();
    append_all(*store, {1, 2});
    const std::string head = store->info()->chain_head;
    ASSERT_TRUE(store->rebuild());
    EXPECT_EQ(store->info()->chain_head, head);
    EXPECT_THAT(store->verify()->problems, IsEmpty());
    append_all(*store, {3});
    EXPECT_THAT(store->verify()->problems, IsEmpty());
}

TEST_P(RunStoreContract, AReaderSeesWhatAWriterStoresMeanwhile) {
    auto writer = open();
    append_all(*writer, {1});
    auto reader = open(OpenMode::read);
    EXPECT_EQ(reader->info()->runs, 1);
    append_all(*writer, {2});
    EXPECT_EQ(reader->info()->runs, 2);
    EXPECT_FALSE(reader->append(make_small_run(3)));
    EXPECT_EQ(reader->info()->runs, 2);
}

PEAKWARD_FOR_EACH_ENGINE(RunStoreContract);

}  // namespace
}  // namespace peakward
