#include <gmock/gmock.h>

#include "hardware/example.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::example_json;
using testing_support::figure;
using testing_support::refusal_of;

TEST(ReadSpec, TakesAnEntryThatIsRight) {
    EXPECT_EQ(refusal_of(example_json()), "");
    const HardwareSpec spec = testing_support::read(example_json());
    EXPECT_EQ(spec.id, "acme_gpu_1");
    EXPECT_EQ(*spec.memory->bandwidth_gbps->value, 2000);
    EXPECT_FALSE(spec.theoretical_peaks_gops.at("int4"));
    EXPECT_EQ(spec.theoretical_peaks_gops.at("int4").unknown, "not in the sheet");
    EXPECT_EQ(source_text(spec, "sheet"), "Acme, Acme GPU 1 datasheet");
}

TEST(ReadSpec, NamesLineAndColumnOfMalformedJson) {
    const auto spec = read_spec("{\n  \"id\": \"x\",\n  oops\n}\n", "bad.json");
    ASSERT_FALSE(spec);
    EXPECT_THAT(spec.error().message, AllOf(HasSubstr("bad.json"), HasSubstr("line 3, column 3")));
}

TEST(ReadSpec, RefusesAFieldInAnotherUnitByName) {
    Json json = example_json();
    json["memory"]["bandwidth_mbps"] = json["memory"]["bandwidth_gbps"];
    EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("example.json: memory.bandwidth_mbps"),
                                        HasSubstr("did you mean bandwidth_gbps")));
    json = example_json();
    json["theoretical_peaks_gops"]["fp16"]["value"] = "204.8 TFLOPS";
    EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("theoretical_peaks_gops.fp16.value"),
                                        HasSubstr("in 10^9 operations per second")));
}

TEST(ReadSpec, RefusesAFigureWithoutItsSource) {
    Json json = example_json();
    json["tdp_w"] = 500;
    EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("tdp_w"), HasSubstr("no source")));
    json["tdp_w"] = {{"value", 500}};
    EXPECT_THAT(refusal_of(json), HasSubstr("tdp_w.source: is missing"));
    json["tdp_w"] = {{"value", 500}, {"source", "hearsay"}};
    EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("tdp_w.source"), HasSubstr("hearsay")));
}

TEST(ReadSpec, RefusesFiguresThatCannotBe) {
    for (const double value : {-5.0, 0.0}) {
        Json json = example_json();
        json["tdp_w"]["value"] = value;
        EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("tdp_w.value"), HasSubstr("above zero")));
    }
    Json json = example_json();
    json["theoretical_peaks_gops"]["bf16"] = figure(204'800);
    json["theoretical_peaks_gops"]["fp16"] = figure(204'800'000);
    EXPECT_THAT(refusal_of(json),
                AllOf(HasSubstr("theoretical_peaks_gops.fp16"), HasSubstr("times more")));
    json["theoretical_peaks_gops"]["fp16"] = figure(204'800);
    json["theoretical_peaks_gops"]["fp64"] = figure(100);  // 1/512 of fp32, 1/2048 of the middle
    EXPECT_EQ(refusal_of(json), "");
    json["theoretical_peaks_gops"]["fp64"] = figure(25.6);  // 1/2 of fp32, in TFLOPS
    EXPECT_THAT(refusal_of(json),
                AllOf(HasSubstr("theoretical_peaks_gops.fp64"), HasSubstr("2000 times less")));
    json = example_json();
    json["clocks_ghz"]["base"] = figure(1'500);
    EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("clocks_ghz.base"), HasSubstr("absurd")));
}

TEST(ReadSpec, RefusesPeaksThatDisagreeByMoreThanTwoPercent) {
    Json json = example_json();
    json["theoretical_peaks_gops"]["fp32"] = figure(51'200 * 1.019);
    EXPECT_EQ(refusal_of(json), "");
    json["theoretical_peaks_gops"]["fp32"] = figure(51'200 * 1.021);
    EXPECT_THAT(refusal_of(json),
                AllOf(HasSubstr("theoretical_peaks_gops.fp32"), HasSubstr("more than 2 %")));
}

TEST(ReadSpec, RefusesAPatternThatMatchesEverything) {
    Json json = example_json();
    json["detection"][0]["gpu_model"] = "^.*$";
    EXPECT_THAT(refusal_of(json),
                AllOf(HasSubstr("detection[0].gpu_model"), HasSubstr("matches everything")));
    json["detection"][0]["gpu_model"] = "GPU";
    EXPECT_THAT(refusal_of(json), HasSubstr("not anchored"));
    json["detection"][0]["gpu_model"] = "^Acme (GPU";
    EXPECT_THAT(refusal_of(json), HasSubstr("not a regular expression"));
    json["detection"][0].erase("gpu_model");
    json["detection"][0]["cpu_vendor"] = "GenuineIntel";
    EXPECT_THAT(refusal_of(json), HasSubstr("matches everything of a vendor"));
}

TEST(ReadSpec, RefusesWhatIsMissingAndWhatIsNoneOfTheWords) {
    for (const char* field : {"id", "name", "kind", "sources", "detection", "architecture",
                              "clocks_ghz", "memory", "tdp_w", "aliases", "launched"}) {
        Json json = example_json();
        json.erase(field);
        EXPECT_THAT(refusal_of(json), AllOf(HasSubstr(field), HasSubstr("is missing"))) << field;
    }
    Json json = example_json();
    json["kind"] = "gpus";
    EXPECT_THAT(refusal_of(json), HasSubstr("did you mean gpu"));
    json = example_json();
    json["theoretical_peaks_gops"]["fp17"] = figure(1);
    EXPECT_THAT(refusal_of(json), HasSubstr("unknown precision 'fp17'"));
    json = example_json();
    json["vendor"] = "../acme";
    EXPECT_THAT(refusal_of(json), HasSubstr("vendor"));
    json = example_json();
    json["schema_version"] = 2;
    EXPECT_THAT(refusal_of(json), HasSubstr("this program reads 1"));
    json = example_json();
    json["default_power_mode"] = "25W";
    EXPECT_THAT(refusal_of(json), HasSubstr("default_power_mode"));
}

TEST(ReadSpec, NeverFailsOtherwiseThanWithASentence) {
    const std::string text = example_json().dump();
    for (std::size_t length = 0; length < text.size(); length += 7)
        EXPECT_FALSE(read_spec(text.substr(0, length), "cut.json"));
    for (const char* other : {"null", "[]", "3", "\"x\"", "{}", "{\"schema_version\": []}"})
        EXPECT_FALSE(read_spec(other, "other.json")) << other;
}

// Every value of the example in turn becomes something of another type.
TEST(ReadSpec, RefusesEveryFieldOfAnotherType) {
    const Json flat = example_json().flatten();
    for (const auto& [path, value] : flat.items()) {
        Json changed = flat;
        changed[path] = value.is_string() ? Json(7) : Json("seven");
        if (path == "/host_architecture") continue;
        EXPECT_NE(refusal_of(changed.unflatten()), "") << path;
    }
}

TEST(JsonSchema, AgreesWithTheReader) {
    if (!has_schema_library()) GTEST_SKIP() << "built without valijson";
    EXPECT_THAT(schema_problems(example_json()), testing::IsEmpty());
    Json json = example_json();
    json["memory"]["bandwidth_mbps"] = 3;
    EXPECT_THAT(schema_problems(json), testing::Not(testing::IsEmpty()));
    // A long text used up the stack in the library's regular expressions.
    json = example_json();
    json["id"] = std::string(1'000'000, 'a');
    EXPECT_THAT(schema_problems(json), testing::ElementsAre(testing::HasSubstr("longer than")));
    json = example_json();
    json[std::string(1'000'000, 'a')] = 1;
    EXPECT_THAT(schema_problems(json), testing::ElementsAre(testing::HasSubstr("longer than")));
    json = example_json();
    json.erase("sources");
    EXPECT_THAT(schema_problems(json), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace peakward
