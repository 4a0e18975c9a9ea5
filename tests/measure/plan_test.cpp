#include "measure/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/text.hpp"

namespace peakward {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Shape cubic(std::int64_t n) { return {{"m", n}, {"n", n}, {"k", n}}; }

catalog::Suite suite() {
    catalog::Suite made;
    made.id = "test";
    made.entries = {{"clock_probe", {}, {}},
                    {"compute_peak", {}, {}},
                    {"stream_copy", {}, {"fp64"}},
                    {"stream_triad", {}, {"fp64"}},
                    {"dot", {{{"n", std::int64_t{4096}}}}, {}},
                    {"gemm", {cubic(64), cubic(512), cubic(1024)}, {}}};
    return made;
}

MeasureOptions options() {
    MeasureOptions made;
    made.suite = suite();
    return made;
}

Hello native() {
    return {"native",
            {},
            {"cpu"},
            {"fp64", "fp32", "int8"},
            {"clock_probe", "compute_peak", "stream_copy", "stream_triad"},
            {"scalar", "avx2", "avx512_vnni"},
            {},
            {}};
}
Hello blas() { return {"blas", {}, {"cpu"}, {"fp64", "fp32"}, {"dot", "gemm"}, {}, {}, {}}; }
// As a suite has shapes that only a GPU fills.
MeasureOptions with_large_gemm() {
    MeasureOptions made = options();
    made.suite.entries = {{"gemm", {cubic(64)}, {}}, {"gemm", {cubic(8192)}, {}, false}};
    return made;
}

Hello cuda() { return {"cuda", {}, {"cuda:0"}, {"fp64"}, {"gemm"}, {}, {}, {}}; }

// As the native worker answers: every class computes in fp64 and fp32, but for VNNI in int8 alone.
SupportReply can(const Case& what) {
    const bool vnni = axis_word(what.shape, "isa") == "avx512_vnni";
    if (what.operation == "compute_peak" && vnni != (what.precision == "int8"))
        return {false, "no kernel"};
    return {true, ""};
}

Plan plan_for(const MeasureOptions& with, std::vector<Hello> backends, AskSupport ask = can) {
    return make_plan({with, std::move(backends), 2, std::move(ask)});
}

std::vector<std::string> words(const std::vector<Case>& cases) {
    std::vector<std::string> texts;
    for (const Case& what : cases)
        texts.push_back(fmt::format("{} {} {} {}", what.backend, what.operation, what.precision,
                                    to_string(what.shape)));
    return texts;
}
std::vector<std::string> rows(const std::vector<Measurement>& measurements) {
    std::vector<std::string> texts;
    for (const Measurement& m : measurements) {
        EXPECT_EQ(m.outcome, Outcome::unsupported);
        texts.push_back(fmt::format("{} {} {} {}: {}", m.what.backend, m.what.operation,
                                    m.what.precision, to_string(m.what.shape), m.reason));
    }
    return texts;
}

TEST(Plan, DerivesShapesAndLeavesOutWhatNobodyAskedFor) {
    const Plan plan = plan_for(options(), {native(), blas()});
    EXPECT_THAT(words(plan.probes), ElementsAre("native clock_probe fp64 isa=scalar",
                                                "native clock_probe fp64 isa=avx2"));
    EXPECT_THAT(words(plan.streams),
                ElementsAre("native stream_copy fp64 elements=1048576 store=temporal",
                            "native stream_copy fp64 elements=1048576 store=nontemporal",
                            "native stream_triad fp64 elements=1048576 store=temporal",
                            "native stream_triad fp64 elements=1048576 store=nontemporal"));
    EXPECT_THAT(
        words(plan.others),
        ElementsAre("native compute_peak fp64 isa=scalar", "native compute_peak fp64 isa=avx2",
                    "native compute_peak fp32 isa=scalar", "native compute_peak fp32 isa=avx2",
                    "native compute_peak int8 isa=avx512_vnni", "blas dot fp64 n=4096",
                    "blas dot fp32 n=4096", "blas gemm fp64 k=64 m=64 n=64",
                    "blas gemm fp64 k=512 m=512 n=512", "blas gemm fp64 k=1024 m=1024 n=1024",
                    "blas gemm fp32 k=64 m=64 n=64", "blas gemm fp32 k=512 m=512 n=512",
                    "blas gemm fp32 k=1024 m=1024 n=1024"));
    EXPECT_THAT(plan.unsupported, IsEmpty());
    EXPECT_THAT(plan.notes, IsEmpty());
    EXPECT_EQ(plan.others.front().threads, 2);
    EXPECT_EQ(plan.others.front().device, "cpu");
}

TEST(Plan, ChoosesOperations) {
    MeasureOptions with = options();
    with.operations = {"dot"};
    EXPECT_THAT(words(plan_for(with, {native(), blas()}).others),
                ElementsAre("blas dot fp64 n=4096", "blas dot fp32 n=4096"));
}

TEST(Plan, ChoosesPrecisionsButKeepsProbes) {
    MeasureOptions with = options();
    with.precisions = {"fp32"};
    with.operations = {"clock_probe", "compute_peak", "stream_triad"};
    const Plan plan = plan_for(with, {native()});
    EXPECT_EQ(plan.probes.size(), 2u);
    EXPECT_THAT(words(plan.others), ElementsAre("native compute_peak fp32 isa=scalar",
                                                "native compute_peak fp32 isa=avx2"));
    // Asked for by name, a precision counts even where the suite has another.
    EXPECT_EQ(plan.streams.size(), 2u);
    EXPECT_EQ(plan.streams.front().precision, "fp32");
}

TEST(Plan, SaysWhyAPrecisionThatWasAskedForCannotBe) {
    MeasureOptions with = options();
    with.precisions = {"int8", "fp16"};
    with.operations = {"compute_peak", "dot"};
    Hello general = blas();
    general.precisions = {"fp64", "fp32", "int8"};
    const Plan plan = plan_for(with, {native(), general});
    EXPECT_THAT(words(plan.others), ElementsAre("native compute_peak int8 isa=avx512_vnni"));
    EXPECT_THAT(rows(plan.unsupported),
                ElementsAre("native compute_peak fp16 : native computes in fp64, fp32, int8",
                            "blas dot int8 n=4096: dot is defined in fp64, fp32",
                            "blas dot fp16 n=4096: dot is defined in fp64, fp32"));
}

TEST(Plan, SaysWhichSizesABackendCannotDo) {
    const auto small_only = [](const Case& what) {
        if (axis(what.shape, "m") > 100) return SupportReply{false, "not enough memory"};
        return SupportReply{true, ""};
    };
    MeasureOptions with = options();
    with.operations = {"gemm"};
    const Plan plan = plan_for(with, {cuda(), blas()}, small_only);
    EXPECT_EQ(plan.others.size(), 2u);
    EXPECT_EQ(plan.unsupported.size(), 4u);
    EXPECT_EQ(rows(plan.unsupported).front(),
              "blas gemm fp64 k=512 m=512 n=512: not enough memory");
}

TEST(Plan, GivesOneRowWhereNoShapeWorks) {
    const auto nothing = [](const Case& what) {
        return SupportReply{false, axis_word(what.shape, "isa") == "avx2" ? "no FMA" : "blocked"};
    };
    MeasureOptions with = options();
    with.operations = {"compute_peak"};
    with.precisions = {"fp64"};
    EXPECT_THAT(rows(plan_for(with, {native()}, nothing).unsupported),
                ElementsAre("native compute_peak fp64 : blocked; no FMA"));
}

TEST(Plan, UsesABackendOnItsOwnDevicesOnly) {
    MeasureOptions with = options();
    with.operations = {"gemm"};
    with.devices = {"cuda:0"};
    const Plan plan = plan_for(with, {blas(), cuda()});
    ASSERT_EQ(plan.others.size(), 3u);
    EXPECT_EQ(plan.others.front().backend, "cuda");
    EXPECT_EQ(plan.others.front().device, "cuda:0");
}

TEST(Plan, NotesAnOperationThatNobodyOffers) {
    MeasureOptions with = options();
    with.operations = {"gemm", "compute_peak"};
    EXPECT_THAT(plan_for(with, {native()}).notes,
                ElementsAre("operation gemm: none of the available backends (native) offers it"));
    with.backends = {"native"};
    EXPECT_THAT(rows(plan_for(with, {native()}).unsupported),
                ElementsAre("native gemm fp64 : native does not offer gemm"));
}

TEST(Plan, NotesALayerWithoutOperations) {
    MeasureOptions with = options();
    with.layers = {"micro", "models"};
    const Plan plan = plan_for(with, {blas()});
    EXPECT_THAT(plan.notes, ElementsAre("layer models: suite test/1 has no operation in it"));
    EXPECT_FALSE(plan.others.empty());
    with.layers = {"models"};
    EXPECT_TRUE(plan_for(with, {blas()}).others.empty());
}

TEST(PlanNames, OfferTheNearest) {
    const auto message = [](auto change) {
        MeasureOptions with = options();
        change(with);
        const Status status = check_names(with);
        if (status) return std::string();
        EXPECT_EQ(status.error().kind, ErrorKind::usage);
        return status.error().message;
    };
    EXPECT_EQ(message([](auto&) {}), "");
    EXPECT_THAT(message([](auto& o) { o.operations = {"gem"}; }),
                AllOf(HasSubstr("unknown operation 'gem'"), HasSubstr("gemm")));
    EXPECT_THAT(message([](auto& o) { o.precisions = {"fp46"}; }),
                AllOf(HasSubstr("unknown precision 'fp46'"), HasSubstr("fp64")));
    EXPECT_THAT(message([](auto& o) { o.layers = {"mikro"}; }),
                AllOf(HasSubstr("unknown layer 'mikro'"), HasSubstr("micro")));
    EXPECT_EQ(message([](auto& o) { o.operations = {"gemv"}; }),
              "operation 'gemv' is not in suite test/1; it has clock_probe, compute_peak, "
              "stream_copy, stream_triad, dot, gemm");
}

TEST(PlanWorkers, AreAllOrThoseAskedFor) {
    std::vector<WorkerCommand> workers(3);
    workers[0].backend = "native";
    workers[1].backend = "blas";
    workers[2].backend = "numpy";
    MeasureOptions with = options();
    EXPECT_EQ(select_workers(with, workers)->size(), 3u);
    with.backends = {"numpy", "native"};
    const auto selected = select_workers(with, workers);
    ASSERT_EQ(selected->size(), 2u);
    EXPECT_EQ(selected->front().backend, "native");
    with.backends = {"nunpy"};
    EXPECT_EQ(select_workers(with, workers).error().kind, ErrorKind::usage);
    EXPECT_THAT(select_workers(with, workers).error().message, HasSubstr("did you mean numpy"));
}

TEST(PlanWorkers, AreTheUsualOnesOfTheDevices) {
    const auto names = [](const std::vector<std::string>& devices) {
        std::vector<WorkerCommand> workers;
        for (const auto& [name, usual_on] : std::initializer_list<std::pair<const char*, UsualOn>>{
                 {"native", UsualOn::cpu},
                 {"numpy", UsualOn::cpu},
                 {"pytorch", UsualOn::others},
                 {"jax", UsualOn::nowhere},
                 {"mine", UsualOn::everywhere}}) {
            workers.emplace_back().backend = name;
            workers.back().usual_on = usual_on;
        }
        MeasureOptions with = options();
        with.devices = devices;
        std::vector<std::string> selected;
        const auto found = select_workers(with, workers);
        for (const WorkerCommand& worker : *found) selected.push_back(worker.backend);
        return selected;
    };
    EXPECT_THAT(names({"cpu"}), ElementsAre("native", "numpy", "mine"));
    EXPECT_THAT(names({"cuda:0"}), ElementsAre("pytorch", "mine"));
    EXPECT_THAT(names({"cpu", "cuda:0"}), ElementsAre("native", "numpy", "pytorch", "mine"));
}

TEST(Plan, LeavesShapesOfGpusToGpus) {
    MeasureOptions with = with_large_gemm();
    with.precisions = {"fp64"};
    with.operations = {"gemm"};
    Plan plan = plan_for(with, {blas(), cuda()});
    EXPECT_THAT(words(plan.others), ElementsAre("blas gemm fp64 k=64 m=64 n=64"));
    EXPECT_THAT(plan.notes, IsEmpty()) << "nothing that was asked for is missing";
    with.devices = {"cpu", "cuda:0"};
    plan = plan_for(with, {blas(), cuda()});
    EXPECT_THAT(words(plan.others),
                ElementsAre("blas gemm fp64 k=64 m=64 n=64", "cuda gemm fp64 k=64 m=64 n=64",
                            "cuda gemm fp64 k=8192 m=8192 n=8192"));
}

TEST(PlanDevices, AreRefusedWhereNobodyDrivesThem) {
    std::vector<BackendInfo> backends(2);
    backends[0].backend = "native";
    backends[0].available = true;
    backends[0].devices = {"cpu"};
    backends[1].backend = "cuda";
    backends[1].reason = "no driver";
    MeasureOptions with = options();
    EXPECT_TRUE(check_devices(with, backends));
    for (const char* device : {"cuda:0", "cuda", "rocm:3", "gpu"}) {
        with.devices = {"cpu", device};
        const Status status = check_devices(with, backends);
        ASSERT_FALSE(status) << device;
        EXPECT_EQ(status.error().kind, ErrorKind::refused) << device;
        EXPECT_THAT(status.error().message,
                    AllOf(HasSubstr(fmt::format("no selected backend can use device {}", device)),
                          HasSubstr("native runs on cpu only"), HasSubstr("cuda: no driver"),
                          HasSubstr("PyTorch with CUDA")));
    }
    for (const char* device : {"cdua:0", "cuda:", "cuda:-1", "cuda:x", "disk"}) {
        with.devices = {device};
        EXPECT_EQ(check_devices(with, backends).error().kind, ErrorKind::usage) << device;
    }
    with.devices = {"cuda:0"};
    backends[1].available = true;
    backends[1].devices = {"cuda:0"};
    EXPECT_TRUE(check_devices(with, backends));
}

TEST(PlanElements, KeepTheNumberOfBytes) {
    EXPECT_EQ(elements_for("fp64", 1024), 1024);
    EXPECT_EQ(elements_for("fp32", 1024), 2048);
}

Case planned_gemm(std::int64_t n, const std::string& precision = "fp64",
                  const std::string& backend = "b") {
    return {"gemm", precision, cubic(n), "cpu", backend, 2};
}

TEST(PlanOrder, IsSeededAndComplete) {
    std::vector<Case> cases;
    for (int i = 0; i < 30; ++i)
        cases.push_back({"dot", "fp64", {{"n", std::int64_t{i}}}, "cpu", "b", 1});
    auto first = cases, again = cases, other = cases;
    shuffle_cases(first, 1);
    shuffle_cases(again, 1);
    shuffle_cases(other, 2);
    EXPECT_EQ(first, again);
    EXPECT_NE(first, cases);
    EXPECT_NE(first, other);
    EXPECT_THAT(words(first), testing::UnorderedElementsAreArray(words(cases)));
    std::vector<Case> none;
    shuffle_cases(none, 1);
}

TEST(PlanOrder, PutsEveryCaseEverywhere) {
    std::set<std::int64_t> at_front, at_back;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        std::vector<Case> cases;
        for (int i = 0; i < 5; ++i)
            cases.push_back({"dot", "fp64", {{"n", std::int64_t{i}}}, "cpu", "b", 1});
        shuffle_cases(cases, seed);
        at_front.insert(axis(cases.front().shape, "n"));
        at_back.insert(axis(cases.back().shape, "n"));
    }
    EXPECT_EQ(at_front.size(), 5u);
    EXPECT_EQ(at_back.size(), 5u);
}

TEST(PlanOrder, KeepsSizesOfAFamilyAscending) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::vector<Case> cases;
        for (const char* precision : {"fp64", "fp32"})
            for (const std::int64_t n : {2048, 64, 512, 1024})
                cases.push_back(planned_gemm(n, precision));
        shuffle_cases(cases, seed);
        std::map<std::string, std::int64_t> last;
        for (const Case& what : cases) {
            EXPECT_GT(axis(what.shape, "m"), last[what.precision]);
            last[what.precision] = axis(what.shape, "m");
        }
    }
}

Measurement measured(Case what, double gops, Outcome outcome = Outcome::measured) {
    Measurement m;
    m.what = std::move(what);
    m.outcome = outcome;
    m.gops = gops;
    return m;
}

TEST(SlowSizes, SpareTheLargerOnesOfTheirFamily) {
    SlowSizes slow;
    slow.note(measured(planned_gemm(512), 49.9));
    EXPECT_EQ(slow.skip_reason(planned_gemm(1024)),
              "not measured (slow): 49.9 GOPS at k=512 m=512 n=512, below 50");
    EXPECT_EQ(slow.skip_reason(planned_gemm(512)), "");
    EXPECT_EQ(slow.skip_reason(planned_gemm(256)), "");
    EXPECT_EQ(slow.skip_reason(planned_gemm(1024, "fp32")), "");
    EXPECT_EQ(slow.skip_reason(planned_gemm(1024, "fp64", "other")), "");
    EXPECT_EQ(slow.skip_reason({"dot", "fp64", {{"n", std::int64_t{1} << 40}}, "cpu", "b", 2}), "");
    slow.note(measured(planned_gemm(1024), 1));
    EXPECT_THAT(slow.skip_reason(planned_gemm(2048)), HasSubstr("49.9"))
        << "the first reason stands";
}

TEST(SlowSizes, LookAtSizesThatSaySomething) {
    SlowSizes slow;
    slow.note(measured(planned_gemm(511), 1));
    slow.note(measured(planned_gemm(512), 50));
    slow.note(measured(planned_gemm(512, "fp32"), 1, Outcome::contended));
    slow.note(measured({"dot", "fp64", {{"n", std::int64_t{4096}}}, "cpu", "b", 2}, 1));
    EXPECT_EQ(slow.skip_reason(planned_gemm(1024)), "");
    EXPECT_EQ(slow.skip_reason(planned_gemm(1024, "fp32")), "");
}

TEST(SlowSizes, CountATimeOut) {
    SlowSizes slow;
    Measurement m = measured(planned_gemm(1024), 0, Outcome::timed_out);
    m.gops.reset();
    slow.note(m);
    EXPECT_EQ(slow.skip_reason(planned_gemm(2048)),
              "not measured (slow): k=1024 m=1024 n=1024 timed out");
}

TEST(Plan, WhatAWorkerCallsNotMeasuredIsSkippedAndNeverUnsupported) {
    const auto slow = [](const Case& what) {
        SupportReply reply = can(what);
        if (what.operation == "gemm") reply = {false, "not measured (slow): 2 GOPS"};
        reply.not_measured = what.operation == "gemm";
        return reply;
    };
    const Plan plan = plan_for(options(), {blas()}, slow);
    ASSERT_FALSE(plan.skipped.empty());
    for (const SkippedCase& skipped : plan.skipped) {
        EXPECT_EQ(skipped.what.operation, "gemm");
        EXPECT_EQ(skipped.reason, "not measured (slow): 2 GOPS");
    }
    for (const Measurement& m : plan.unsupported) EXPECT_NE(m.what.operation, "gemm");
    for (const Case& what : plan.others) EXPECT_NE(what.operation, "gemm");
}

}  // namespace
}  // namespace peakward
