#include "core/json.hpp"

#include <gtest/gtest.h>

#include "core/sha256.hpp"

namespace peakward {
namespace {

TEST(Sha256, GivesThePublishedDigests) {
    // FIPS 180-4 example values.
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(CanonicalJson, DoesNotDependOnTheOrderOfKeys) {
    const auto a = parse_json(R"({"b": 1, "a": [1.5, "x"]})", "a");
    const auto b = parse_json(R"({ "a":[1.5,"x"],"b":1 })", "b");
    ASSERT_TRUE(a && b);
    EXPECT_EQ(canonical_json(*a), R"({"a":[1.5,"x"],"b":1})");
    EXPECT_EQ(content_hash(*a), content_hash(*b));
}

TEST(CanonicalJson, KeepsEveryBitOfANumber) {
    const double value = 0.1 + 0.2;
    const auto back = parse_json(canonical_json(Json(value)), "number");
    ASSERT_TRUE(back);
    EXPECT_EQ(back->get<double>(), value);
}

TEST(CanonicalJson, ReplacesBrokenUtf8InsteadOfThrowing) {
    EXPECT_NO_THROW(canonical_json(Json(std::string("bad \xff byte"))));
}

TEST(ParseJson, SaysWhereTheMistakeIs) {
    const auto result = parse_json("{\n  \"a\": 1,\n  \"b\" 2\n}", "profile.json");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "profile.json: not valid JSON at line 3, column 7");
}

TEST(ParseJson, RefusesADocumentNestedTooDeep) {
    const std::string bomb(100000, '[');
    const auto result = parse_json(bomb, "bomb.json");
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("bomb.json"), std::string::npos);
}

TEST(FactJson, KeepsTheReasonOfAbsence) {
    const auto fact = Fact<int>::unknown("no DMI here");
    EXPECT_EQ(fact_to_json(fact), (Json{{"unknown", "no DMI here"}}));
    EXPECT_EQ(fact_from_json<int>(fact_to_json(fact)).reason(), "no DMI here");
    EXPECT_FALSE(fact_from_json<int>(Json(nullptr)));
}

}  // namespace
}  // namespace peakward
