#include "hardware/query.hpp"

#include <gmock/gmock.h>

#include "hardware/example.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;

bool selects(const std::string& text) {
    static const HardwareSpec spec = testing_support::read(testing_support::example_json());
    const auto query = Query::parse(text);
    if (!query) throw std::runtime_error(query.error().message);
    return query->selects(spec);
}

std::string refusal(const std::string& text) {
    const auto query = Query::parse(text);
    return query ? "" : query.error().message;
}

TEST(Query, ComparesFields) {
    EXPECT_TRUE(selects("fp16 > 100000 and memory_gb >= 24"));
    EXPECT_FALSE(selects("fp16 > 204800"));
    EXPECT_TRUE(selects("fp16 >= 204800"));
    EXPECT_TRUE(selects("fp16 = 204800"));
    EXPECT_FALSE(selects("fp16 != 204800"));
    EXPECT_TRUE(selects("kind = gpu"));
    EXPECT_TRUE(selects("name ~ 'gpu 1'"));
    EXPECT_TRUE(selects("vendor = ACME"));
    EXPECT_TRUE(selects("launched >= 2024-01 and launched < 2025"));
    EXPECT_TRUE(selects("tdp_w<=5e2"));
    HardwareSpec newer = testing_support::read(testing_support::example_json());
    newer.compute_capability = "12.0";
    EXPECT_TRUE(Query::parse("compute_capability >= 8.6")->selects(newer));
}

TEST(Query, BindsNotBeforeAndBeforeOr) {
    EXPECT_TRUE(selects("kind = gpu or kind = cpu and tdp_w > 1000"));
    EXPECT_FALSE(selects("(kind = gpu or kind = cpu) and tdp_w > 1000"));
    EXPECT_TRUE(selects("not kind = cpu and tdp_w > 100"));
    EXPECT_FALSE(selects("not (kind = gpu and tdp_w > 100)"));
    EXPECT_TRUE(selects("not not kind = gpu"));
}

TEST(Query, SelectsNothingByWhatIsNotKnown) {
    EXPECT_FALSE(selects("int4 > 1"));
    EXPECT_FALSE(selects("not int4 > 1"));
    EXPECT_FALSE(selects("int4 != 1"));
    EXPECT_TRUE(selects("int4 > 1 or kind = gpu"));
    EXPECT_FALSE(selects("int4 > 1 and kind = gpu"));
}

TEST(Query, SaysWhereItDoesNotParse) {
    EXPECT_THAT(refusal("fp17 > 3"),
                HasSubstr("column 1: unknown field 'fp17'; did you mean fp16"));
    EXPECT_THAT(refusal("fp16 >"), HasSubstr("column 7"));
    EXPECT_THAT(refusal("fp16 3"), HasSubstr("column 6: '3' where a comparison is expected"));
    EXPECT_THAT(refusal("fp16 > fast"), HasSubstr("column 8: fp16 is a number"));
    EXPECT_THAT(refusal("(fp16 > 3"), HasSubstr("column 1: the parenthesis"));
    EXPECT_THAT(refusal("fp16 > 3 fp32 > 4"), HasSubstr("column 10"));
    EXPECT_THAT(refusal("name = 'open"), HasSubstr("column 8"));
    EXPECT_THAT(refusal("fp16 > 3 & fp32 > 4"), HasSubstr("column 10: '&'"));
    EXPECT_THAT(refusal("  "), HasSubstr("the query is empty"));
    EXPECT_THAT(refusal(std::string(5000, '(')), HasSubstr("nested too deep"));
    EXPECT_EQ(Query::parse("fp16 >").error().kind, ErrorKind::usage);
}

TEST(Query, EveryFieldCanBeAsked) {
    const HardwareSpec spec = testing_support::read(testing_support::example_json());
    for (const QueryField& field : query_fields()) {
        const bool number = std::holds_alternative<double>(field_of(spec, field.name));
        EXPECT_TRUE(Query::parse(field.name + (number ? " > 1" : " = 1"))) << field.name;
    }
}

}  // namespace
}  // namespace peakward
