// The onednn worker as the host meets it. What oneDNN offers depends on the CPU: a case that it
// refuses must have a reason, and one that it takes must be right. Primitives run in child
// processes only: an OpenMP pool of this process would be dead in the forks of later tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>

#include "onednn/backend.hpp"
#include "onednn/reference.hpp"
#include "workers/conversation_partner.hpp"

namespace peakward::worker::onednn {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::function<int()> serving(bool plant = false) {
    return [=] {
        OnednnWorker worker({plant});
        return serve(worker);
    };
}

struct Sized {
    std::string name, operation;
    Json shape;
    double terms;  // of the catalog's tolerance
};
void PrintTo(const Sized& sized, std::ostream* stream) { *stream << sized.name; }

Json conv_shape(int c, int k, int window, int stride, int pad, int groups) {
    return {{"n", 2},      {"c", c},      {"h", 13},          {"w", 15},    {"k", k},
            {"r", window}, {"s", window}, {"stride", stride}, {"pad", pad}, {"groups", groups}};
}

const std::vector<Sized>& sizes() {
    static const std::vector<Sized> all = {
        {"gemm", "gemm", {{"m", 70}, {"n", 96}, {"k", 130}}, 130},
        {"gemm_of_one", "gemm", {{"m", 1}, {"n", 1}, {"k", 1}}, 1},
        // Without VNNI, oneDNN 2.6.3 gives s8 x s8 with one column to another kernel.
        {"gemm_of_one_column", "gemm", {{"m", 64}, {"n", 1}, {"k", 256}}, 256},
        {"conv2d", "conv2d", conv_shape(32, 48, 3, 1, 1, 1), 288},
        {"conv2d_first", "conv2d", conv_shape(3, 32, 7, 2, 3, 1), 147},
        {"conv2d_1x1", "conv2d", conv_shape(64, 32, 1, 1, 0, 1), 64},
        {"conv2d_depthwise", "conv2d", conv_shape(32, 32, 3, 1, 1, 32), 9},
        {"conv2d_grouped", "conv2d", conv_shape(64, 64, 3, 2, 1, 4), 144},
        {"pooling_max",
         "pooling",
         {{"n", 2}, {"c", 32}, {"h", 14}, {"w", 15}, {"window", 3}, {"stride", 2}, {"mode", "max"}},
         9},
        {"pooling_average",
         "pooling",
         {{"n", 2},
          {"c", 32},
          {"h", 14},
          {"w", 15},
          {"window", 2},
          {"stride", 2},
          {"mode", "average"}},
         4},
        {"batch_norm", "batch_norm", {{"n", 2}, {"c", 32}, {"h", 9}, {"w", 11}}, 4},
        {"layer_norm", "layer_norm", {{"rows", 17}, {"columns", 300}}, 300},
        {"softmax", "softmax", {{"rows", 17}, {"columns", 300}}, 300},
        {"relu", "eltwise", {{"elements", 5001}, {"function", "relu"}}, 16},
        {"gelu", "eltwise", {{"elements", 5001}, {"function", "gelu"}}, 16},
        {"attention",
         "attention",
         {{"batch", 2}, {"heads", 3}, {"sequence", 40}, {"head_size", 64}},
         104},
    };
    return all;
}

// sum_tolerance() of src/catalog/operations/common.cpp.
double tolerance_of(const std::string& precision, double terms) {
    if (precision == "int8") return 0;
    const double summed = 16 * 0x1p-24 * std::sqrt(terms);
    if (precision == "fp32") return summed;
    return summed + 8 * (precision == "bf16" ? 0x1p-8 : 0x1p-11);
}

Json prepare_fields(const Sized& sized, const std::string& precision, int threads = 1) {
    return {{"case", case_json(sized.operation, precision, sized.shape, threads)},
            {"seed", 41},
            {"tolerance", tolerance_of(precision, sized.terms)},
            {"cpus", Json::array()}};
}

TEST(OnednnWorker, SaysWhatItIs) {
    ConversationPartner partner(serving());
    const Json reply = partner.ask("hello", {{"protocol", 1}});
    EXPECT_EQ(reply["backend"], "onednn");
    EXPECT_EQ(reply["devices"], Json({"cpu"}));
    EXPECT_EQ(reply["precisions"], Json({"fp32", "bf16", "fp16", "int8"}));
    EXPECT_EQ(reply["operations"], Json({"gemm", "conv2d", "pooling", "batch_norm", "layer_norm",
                                         "softmax", "eltwise", "attention"}));
    EXPECT_THAT(reply["versions"]["onednn"].get<std::string>(),
                ContainsRegex("^[0-9]+\\.[0-9]+\\.[0-9]+$"));
    EXPECT_NE(reply["versions"]["runtime"], "");
    EXPECT_THAT(reply["versions"]["cpu_isa"].get<std::string>(), ContainsRegex("^[a-z0-9_]+$"));
}

class OnednnWorkerCase : public testing::TestWithParam<std::tuple<Sized, std::string>> {};

void expect_samples(const Json& ran) {
    ASSERT_EQ(ran["ok"], true) << ran;
    ASSERT_GE(ran["samples"].size(), 3u);
    for (const Json& sample : ran["samples"]) {
        EXPECT_GT(sample[2].get<std::int64_t>(), 0);
        EXPECT_GE(sample[6].get<double>(), 1);
        EXPECT_EQ(sample[6].get<double>(), std::floor(sample[6].get<double>()));  // whole calls
    }
}

TEST_P(OnednnWorkerCase, IsRightOrRefusedWithAReason) {
    const auto& [sized, precision] = GetParam();
    ConversationPartner partner(serving());
    for (const int threads : {1, 2}) {
        const Json fields = prepare_fields(sized, precision, threads);
        const Json support = partner.ask("supports", fields);
        ASSERT_EQ(support["ok"], true) << support;
        if (support["supported"] == false) {
            EXPECT_THAT(support["reason"].get<std::string>(),
                        AllOf(HasSubstr("oneDNN "), HasSubstr(" in " + precision + " on this CPU"),
                              AnyOf(HasSubstr("nothing for " + sized.operation),
                                    HasSubstr("only its reference implementation"))));
            EXPECT_EQ(partner.ask("prepare", fields)["error"], support["reason"]);
            EXPECT_NE(precision, "fp32") << support;  // what every CPU has
            continue;
        }
        const Json prepared = partner.ask("prepare", fields);
        ASSERT_EQ(prepared["ok"], true) << prepared;
        EXPECT_EQ(prepared["correct"], true) << prepared;
        EXPECT_EQ(prepared["device"], "cpu");
        EXPECT_THAT(prepared["implementation"].get<std::string>(), Not(HasSubstr("ref")));
        expect_samples(partner.ask("run", {{"samples", 3}, {"min_s", 0}, {"slice_s", 0.0002}}));
    }
    EXPECT_EQ(partner.ask("release")["ok"], true);
    EXPECT_EQ(partner.ask("shutdown")["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
}

TEST_P(OnednnWorkerCase, SeesAPlantedWrongAnswer) {
    const auto& [sized, precision] = GetParam();
    ConversationPartner partner(serving(true));
    const Json fields = prepare_fields(sized, precision);
    if (partner.ask("supports", fields)["supported"] == false) GTEST_SKIP() << "not on this CPU";
    const Json prepared = partner.ask("prepare", fields);
    ASSERT_EQ(prepared["ok"], true) << prepared;
    EXPECT_EQ(prepared["correct"], false) << prepared;
}

std::vector<std::tuple<Sized, std::string>> all_cases() {
    std::vector<std::tuple<Sized, std::string>> cases;
    for (const Sized& sized : sizes())
        for (const std::string& precision : precision_names())
            if (precision != "int8" || takes_integers(sized.operation))
                cases.emplace_back(sized, precision);
    return cases;
}

INSTANTIATE_TEST_SUITE_P(All, OnednnWorkerCase, testing::ValuesIn(all_cases()),
                         [](const auto& instance) {
                             return std::get<0>(instance.param).name + "_" +
                                    std::get<1>(instance.param);
                         });

TEST(OnednnWorker, NamesTheThreePrimitivesOfAttentionAndTheLayoutsOfAConvolution) {
    ConversationPartner partner(serving());
    const std::string attention =
        partner.ask("prepare", prepare_fields(sizes().back(), "fp32"))["implementation"];
    EXPECT_THAT(attention, ContainsRegex("^[^+]+ \\+ [^+]+ \\+ [^+]+$"));
    const std::string convolution =
        partner.ask("prepare", prepare_fields(sizes()[3], "fp32"))["implementation"];
    EXPECT_THAT(convolution, ContainsRegex("layouts by oneDNN, reordered untimed: src [A-Da-d0-9]+"
                                           ", weights [A-Da-d0-9]+, dst [A-Da-d0-9]+"));
}

TEST(OnednnWorker, KnowsReferenceCodeByItsName) {
    EXPECT_TRUE(is_reference("ref:any"));
    EXPECT_TRUE(is_reference("gemm:ref"));
    EXPECT_FALSE(is_reference("brg:avx512_core_amx_bf16"));
    EXPECT_FALSE(is_reference("simple_layer_normalization:any"));
}

TEST(OnednnWorker, TellsNothingOfTheCallerWhereHelpersWork) {
    ConversationPartner partner(serving());
    const RunRequest defaults;
    for (const int threads : {1, 2}) {
        ASSERT_EQ(partner.ask("prepare", prepare_fields(sizes()[0], "fp32", threads))["correct"],
                  true);
        const Json ran =
            partner.ask("run", {{"samples", 1}, {"min_s", 0}, {"slice_s", defaults.slice_s}});
        ASSERT_EQ(ran["ok"], true) << ran;
        EXPECT_EQ(ran["samples"][0][3] == -1, threads == 2);
        EXPECT_EQ(ran["samples"][0][4] == -1, threads == 2);
    }
}

TEST(OnednnWorker, RefusesACpuItMayNotUse) {
    ConversationPartner partner(serving());
    Json fields = prepare_fields(sizes()[0], "fp32");
    fields["cpus"] = {1000};
    EXPECT_THAT(partner.ask("prepare", fields)["error"], HasSubstr("CPU 1000 does not exist"));
    fields["cpus"] = {::sched_getcpu()};
    EXPECT_EQ(partner.ask("prepare", fields)["ok"], true);
}

TEST(OnednnWorker, GivesTheSameInputsForTheSameSeed) {
    ConversationPartner partner(serving());
    const auto error = [&](int seed) {
        Json fields = prepare_fields(sizes()[0], "fp32");
        fields["seed"] = seed;
        return partner.ask("prepare", fields)["error"].get<double>();
    };
    EXPECT_EQ(error(5), error(5));
    EXPECT_NE(error(5), error(6));
}

struct Unsupported {
    Json what;
    std::string reason;
};
void PrintTo(const Unsupported& unsupported, std::ostream* stream) {
    *stream << unsupported.reason;
}
class OnednnWorkerRefuses : public testing::TestWithParam<Unsupported> {};

TEST_P(OnednnWorkerRefuses, WithTheReason) {
    OnednnWorker worker({});
    const Support support = worker.supports(GetParam().what);
    EXPECT_FALSE(support.supported);
    EXPECT_THAT(support.reason, HasSubstr(GetParam().reason));
    PrepareRequest request;
    request.what = GetParam().what;
    EXPECT_THROW(worker.prepare(request), std::runtime_error);
}

Json with(Json what, const std::string& key, const Json& value) {
    what[key] = value;
    return what;
}

const Json square{{"m", 8}, {"n", 8}, {"k", 8}};

INSTANTIATE_TEST_SUITE_P(
    What, OnednnWorkerRefuses,
    testing::Values(
        Unsupported{case_json("dot", "fp32", {{"n", 8}}), "no operation 'dot'"},
        Unsupported{case_json("gemm", "fp64", square), "not in 'fp64'"},
        Unsupported{case_json("softmax", "int8", {{"rows", 8}, {"columns", 8}}),
                    "int8 for gemm and conv2d, not for softmax"},
        Unsupported{with(case_json("gemm", "fp32", square), "device", "cuda:0"), "not on 'cuda:0'"},
        Unsupported{case_json("gemm", "fp32", square, 0), "at least one thread"},
        Unsupported{case_json("gemm", "fp32", {{"m", 8}, {"n", 8}}), "axis 'k' is missing"},
        Unsupported{case_json("gemm", "fp32", with(square, "k", 0)), "whole number from 1"},
        Unsupported{case_json("gemm", "fp32", with(square, "k", "many")), "whole number from 1"},
        Unsupported{case_json("gemm", "fp32", with(square, "k", 5000000000)),
                    "whole number from 1 to 2147483647"},
        Unsupported{case_json("gemm", "fp32", with(square, "l", 8)), "no other axes than m, n, k"},
        Unsupported{case_json("eltwise", "fp32", {{"elements", 8}, {"function", "sine"}}),
                    "one of relu, gelu"},
        Unsupported{case_json("conv2d", "fp32", conv_shape(32, 30, 3, 1, 1, 4)),
                    "multiples of its groups"},
        Unsupported{case_json("conv2d", "fp32", conv_shape(32, 32, 20, 1, 1, 1)),
                    "filter that fits"},
        Unsupported{
            case_json("gemm", "fp32", {{"m", 2000000000}, {"n", 2000000000}, {"k", 2000000000}}),
            "are available: take a smaller one"}));

TEST(OnednnTensor, WordsOfLayoutsAreThoseOfOneDnn) {
    using dnnl::memory;
    using Tag = memory::format_tag;
    const Dims image{2, 32, 5, 7};
    EXPECT_EQ(layout_word(plain(image, Type::f32)), "abcd");
    EXPECT_EQ(layout_word({image, Type::f32, Tag::nhwc}), "acdb");
    EXPECT_EQ(layout_word({image, Type::bf16, Tag::nChw16c}), "aBcd16b");
    EXPECT_EQ(layout_word({image, Type::f32, Tag::OIhw16i16o}), "ABcd16b16a");
}

TEST(OnednnTensor, IsFilledWithExactValuesThatAreNeverZero) {
    for (const Type type : {Type::f32, Type::bf16, Type::f16, Type::s8}) {
        Random random(3);
        Tensor values({40, 100}, type), weights({40, 100}, type);
        values.fill(random);
        weights.fill_weights(random);
        for (std::int64_t i = 0; i < values.count(); ++i) {
            const double value = values.at(i), weight = weights.at(i);
            ASSERT_NE(value, 0);
            ASSERT_NE(weight, 0);
            ASSERT_LE(std::fabs(value), type == Type::s8 ? 63 : 1);
            ASSERT_LE(std::fabs(weight), type == Type::s8 ? 62 : 1);
            values.set(i, value);
            ASSERT_EQ(values.at(i), value);
        }
    }
}

// The references against what can be said without them.
TEST(OnednnReference, FindsOneWrongElementAndOneUnwritten) {
    Random random(3);
    Tensor src({6, 50}, Type::f32), dst({6, 50}, Type::f32);
    src.fill(random, 4);
    for (std::int64_t i = 0; i < src.count(); ++i) dst.set(i, relu(src.at(i)));
    EXPECT_EQ(eltwise_error(relu, src, dst), 0);
    dst.set(77, dst.at(77) + 0.01);
    EXPECT_NEAR(eltwise_error(relu, src, dst), 0.01 / 4, 1e-4);
    dst.set(77, 0x1.fefefep+127);  // four bytes of 0x7f
    EXPECT_EQ(eltwise_error(relu, src, dst), std::numeric_limits<double>::infinity());
}

TEST(OnednnReference, SoftmaxOfEqualValuesIsEven) {
    Tensor src({2, 10}, Type::f32), dst({2, 10}, Type::f32);
    for (std::int64_t i = 0; i < src.count(); ++i) src.set(i, 3), dst.set(i, 0.1);
    EXPECT_LT(softmax_error(10, src, dst), 1e-7);
    dst.set(13, 0.11);
    EXPECT_NEAR(softmax_error(10, src, dst), 0.1, 1e-6);
}

TEST(OnednnReference, GeluIsHalfTheIdentityAtTheOriginAndTheIdentityFarAway) {
    EXPECT_EQ(gelu(0), 0);
    EXPECT_NEAR(gelu(8), 8, 1e-12);
    EXPECT_NEAR(gelu(1), 0.8413447460685429, 1e-15);  // the normal distribution function at 1
}

TEST(OnednnReference, AConvolutionWithOnesCountsTheImageUnderTheFilter) {
    const Convolution conv(conv_shape(4, 4, 3, 1, 1, 1));
    Tensor src({2, 4, 13, 15}, Type::f32), weights({4, 4, 3, 3}, Type::f32);
    Tensor dst({2, 4, 13, 15}, Type::f32);
    for (Tensor* ones : {&src, &weights})
        for (std::int64_t i = 0; i < ones->count(); ++i) ones->set(i, 1);
    const Position dims{2, 4, 13, 15};
    for (std::int64_t i = 0; i < dst.count(); ++i) {
        const std::int64_t column = i % 15, row = i / 15 % 13;
        const bool at_side = column == 0 || column == 14, at_end = row == 0 || row == 12;
        dst.set(i, 4.0 * (at_side ? 2 : 3) * (at_end ? 2 : 3));
    }
    Random random(3);
    const auto samples = draw_samples(dims, random);
    EXPECT_EQ(convolution_error(conv, src, weights, dst, samples), 0);
    dst.set(index_of(dims, {1, 3, 12, 14}), 17);  // a corner
    EXPECT_NEAR(convolution_error(conv, src, weights, dst, samples), 0.25, 1e-12);
}

#ifdef PEAKWARD_RUNS_WORKERS
const std::string program =
    std::string(PEAKWARD_BINARY_DIR) + "/libexec/peakward/workers/peakward-worker-onednn";

TEST(OnednnWorkerProgram, TakesThePlantFromTheEnvironment) {
    ::setenv("PEAKWARD_PLANT", "wrong_answer", 1);
    ConversationPartner partner(std::vector<std::string>{program});
    ::unsetenv("PEAKWARD_PLANT");
    EXPECT_EQ(partner.ask("hello", {{"protocol", 1}})["backend"], "onednn");
    EXPECT_EQ(partner.ask("prepare", prepare_fields(sizes()[0], "fp32"))["correct"], false);
}

TEST(OnednnWorkerProgram, RefusesUnknownArguments) {
    ConversationPartner partner({program, "--library"});
    EXPECT_EQ(partner.wait(), 2);
    EXPECT_THAT(partner.stderr_text(), HasSubstr("usage: peakward-worker-onednn"));
}
#endif

}  // namespace
}  // namespace peakward::worker::onednn
