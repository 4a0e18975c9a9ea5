#include "core/json.hpp"

#include <gtest/gtest.h>

#include "core/progress.hpp"
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

TEST(ParseJson, TakesAsManyLevelsAsItSays) {
    EXPECT_TRUE(parse_json(std::string(200, '[') + "1" + std::string(200, ']'), "deep"));
    const auto deeper = parse_json(std::string(201, '[') + std::string(201, ']'), "deeper");
    ASSERT_FALSE(deeper);
    EXPECT_EQ(deeper.error().message, "deeper: JSON nested deeper than 200 levels");
}

TEST(ParseJson, RefusesAKeyThatAnObjectHasTwice) {
    const auto message = [](const char* text) {
        const auto result = parse_json(text, "a.json");
        return result ? "" : result.error().message;
    };
    EXPECT_EQ(message("{\"a\": 1,\n \"b\": {\"a\": 2},\n  \"a\": 3}"),
              "a.json: ambiguous: one object has the key 'a' twice, at line 3, column 3 again");
    EXPECT_EQ(message(R"([{"\u0061\"": 1, "a\"": {}}])"),
              "a.json: ambiguous: one object has the key 'a\"' twice, at line 1, column 18 again");
    EXPECT_EQ(message(R"({"a": {"b": 1}, "b": {"a": 1}, "": 0, "A": 2})"), "");
}

// Walking the list at the end of every object in it would take a minute here.
TEST(ParseJson, ReadsALongListOfObjects) {
    constexpr std::size_t objects = 400'000;
    std::string text = "[";
    for (std::size_t i = 1; i < objects; ++i) text += R"({"a":[{}]},)";
    const auto list = parse_json(text + "{}]", "long");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), objects);
    EXPECT_EQ((*list)[7], (Json{{"a", Json::array({Json::object()})}}));
}

TEST(ParseJson, ReadsNumbersAsTheyStand) {
    const auto list = parse_json("[0, -1, 18446744073709551615, 1.5e300, -0.0, true, null]", "n");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->dump(), "[0,-1,18446744073709551615,1.5e+300,-0.0,true,null]");
    const auto overflow = parse_json("[1e999]", "n");
    ASSERT_FALSE(overflow);
    EXPECT_NE(overflow.error().message.find("n: not valid JSON ("), std::string::npos);
    EXPECT_FALSE(parse_json("", "nothing"));
    EXPECT_FALSE(parse_json("{} {}", "two"));
}

class StopAtOnce final : public StopToken {
public:
    bool stop_requested() const override { return true; }
};

TEST(ParseJson, EndsWhenItIsAskedTo) {
    const StopAtOnce stop;
    std::string text = "[0";
    for (int i = 0; i < 10'000; ++i) text += ",0";
    const auto result = parse_json(text + "]", "numbers.json", &stop);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::interrupted);
    EXPECT_EQ(result.error().message, "interrupted while reading numbers.json");
}

TEST(FactJson, KeepsTheReasonOfAbsence) {
    const auto fact = Fact<int>::unknown("no DMI here");
    EXPECT_EQ(fact_to_json(fact), (Json{{"unknown", "no DMI here"}}));
    EXPECT_EQ(fact_from_json<int>(fact_to_json(fact)).reason(), "no DMI here");
    EXPECT_FALSE(fact_from_json<int>(Json(nullptr)));
}

}  // namespace
}  // namespace peakward
