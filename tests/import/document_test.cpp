#include "import/document.hpp"

#include "import/legacy.hpp"

namespace peakward::older {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text) {
    const auto document = read_document(text);
    return document ? "" : document.error().message;
}

DocumentKind kind(const std::string& json) {
    std::string why;
    return kind_of(Json::parse(json), why);
}

TEST(Document, IsRefusedWithOneSentence) {
    using namespace std::string_literals;
    EXPECT_EQ(refusal(""), "is empty");
    EXPECT_EQ(refusal(" \n\t "), "is empty");
    // What stands behind a byte order mark, too: found by fuzzing.
    EXPECT_EQ(refusal("\xFF\xFE"), "is empty");
    EXPECT_EQ(refusal("\xEF\xBB\xBF \n"), "is empty");
    EXPECT_THAT(refusal("{\"a\":\0\1\2}"s), HasSubstr("binary"));
    EXPECT_THAT(refusal("{\"a\": [1, 2"), HasSubstr("cut short"));
    EXPECT_THAT(refusal("{\"a\" 1}"), HasSubstr("not valid JSON at line 1"));
    EXPECT_THAT(refusal("hello"), HasSubstr("not valid JSON"));
    EXPECT_THAT(refusal("{\"a\": 1e99999}"), HasSubstr("not valid JSON"));
}

TEST(Document, NestedTooDeepIsRefusedAndNotWalkedInto) {
    EXPECT_THAT(refusal(std::string(1'000'000, '[')), HasSubstr("JSON"));
    const std::string closed = std::string(100'000, '[') + std::string(100'000, ']');
    EXPECT_THAT(refusal(closed), HasSubstr("nested deeper"));
    std::string objects;
    for (int i = 0; i < 50'000; ++i) objects += "{\"a\":";
    EXPECT_THAT(refusal(objects + "1" + std::string(50'000, '}')), HasSubstr("nested deeper"));
}

TEST(Document, ReadsOtherEncodingsByTheirMark) {
    const std::string plain = "{\"name\": \"a\u00b0\U0001F600\"}";
    const auto expected = read_document(plain);
    ASSERT_TRUE(expected);
    const auto marked = read_document("\xEF\xBB\xBF" + plain);
    ASSERT_TRUE(marked) << marked.error().message;
    EXPECT_EQ(marked->json, expected->json);

    std::string little = "\xFF\xFE", big = "\xFE\xFF";
    for (const char16_t unit : u"{\"name\": \"a\u00b0\U0001F600\"}") {
        if (unit == 0) break;
        little += {static_cast<char>(unit & 0xFF), static_cast<char>(unit >> 8)};
        big += {static_cast<char>(unit >> 8), static_cast<char>(unit & 0xFF)};
    }
    for (const std::string& text : {little, big}) {
        const auto document = read_document(text);
        ASSERT_TRUE(document) << document.error().message;
        EXPECT_EQ(document->json, expected->json);
    }
    EXPECT_THAT(refusal(little.substr(0, little.size() - 1)), HasSubstr("UTF-16"));
}

TEST(Document, WhatPythonWritesForNoNumberIsNoFigure) {
    const auto document =
        read_document(R"({"a": NaN, "b": [-Infinity, Infinity, -1], "c": "NaN \"NaN"})");
    ASSERT_TRUE(document) << document.error().message;
    EXPECT_EQ(document->not_numbers, 3);
    EXPECT_EQ(document->json,
              Json::parse(R"({"a": null, "b": [null, null, -1], "c": "NaN \"NaN"})"));
}

TEST(Document, IsRecognisedByWhatItHolds) {
    EXPECT_EQ(kind(R"({"metadata": {}, "operation_profiles": {}})"), DocumentKind::older_profile);
    EXPECT_EQ(kind(R"({"metadata": {}, "best_measured_gflops": 1})"), DocumentKind::older_profile);
    const std::string row =
        R"({"timestamp": "", "hardware_fingerprint": "", "precision": "", "device": ""})";
    const std::string run = R"({"run_id": "", "context": {}, "measurements": []})";
    EXPECT_EQ(kind("[" + row + "]"), DocumentKind::rows);
    EXPECT_EQ(kind("{\"runs\": [" + row + "," + row + "]}"), DocumentKind::rows);
    EXPECT_EQ(kind(run), DocumentKind::run);
    EXPECT_EQ(kind("{\"runs\": [" + run + "]}"), DocumentKind::runs);
    EXPECT_EQ(kind("[" + run + "," + row + "]"), DocumentKind::foreign);
    EXPECT_EQ(kind("{\"runs\": []}"), DocumentKind::foreign);
    EXPECT_EQ(kind("[1, 2]"), DocumentKind::foreign);
    EXPECT_EQ(kind("null"), DocumentKind::foreign);
}

TEST(Document, OfAnotherKindIsNamedForWhatItIs) {
    std::string why;
    kind_of(Json::parse(R"({"id": "x", "vendor": "Intel", "theoretical_peaks": {}})"), why);
    EXPECT_THAT(why, HasSubstr("hardware import"));
    kind_of(Json::parse(R"({"kind": "peakward-profile"})"), why);
    EXPECT_THAT(why, HasSubstr("portable profile"));
    kind_of(Json::parse(R"({"a": 1})"), why);
    EXPECT_THAT(why, HasSubstr("operation_profiles"));
}

// It has the names of the older tool: metadata and precision_matrix.
TEST(Document, OfAPortableProfileIsNoOlderOne) {
    EXPECT_EQ(kind(R"({"kind": "peakward-profile", "metadata": {}, "precision_matrix": {}})"),
              DocumentKind::foreign);
    EXPECT_EQ(kind(R"({"metadata": {}, "precision_matrix": {}})"), DocumentKind::older_profile);
}

TEST(Document, ThatIsNotTheFileItselfSaysWhatItIs) {
    using namespace std::string_literals;
    const auto why_not = [](const std::string& text) {
        const auto document = read_document(text);
        return document ? std::string("it was read") : document.error().message;
    };
    EXPECT_THAT(why_not("\x1f\x8b\x08\x00rest"s), testing::HasSubstr("compressed (gzip)"));
    EXPECT_THAT(why_not("\x28\xb5\x2f\xfdrest"s), testing::HasSubstr("unzstd"));
    EXPECT_THAT(why_not("PK\x03\x04rest"s), testing::HasSubstr("unzip"));
    EXPECT_THAT(why_not("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n"),
                testing::HasSubstr("git lfs pull"));
    EXPECT_THAT(why_not("/annex/objects/SHA256E-s9--4d7a.json\n"),
                testing::HasSubstr("git annex get"));
    for (const char* page : {"<!DOCTYPE html>\n<html><body>Sign in</body></html>",
                             "\n  <HTML><head></head></HTML>", "\xEF\xBB\xBF<!doctype html>"})
        EXPECT_THAT(why_not(page), testing::HasSubstr("web page (HTML)")) << page;
}

}  // namespace
}  // namespace peakward::older
