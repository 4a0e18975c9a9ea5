#include "core/text.hpp"

#include <gtest/gtest.h>

namespace peakward {
namespace {

const std::vector<std::string> operations{"gemm", "gemv", "stream_triad", "dot"};

TEST(Text, SplitsListsAtSpacesAndCommas) {
    EXPECT_EQ(split_list("micro, proxy  models,"),
              (std::vector<std::string>{"micro", "proxy", "models"}));
    EXPECT_TRUE(split_list(" , ").empty());
}

TEST(Text, SplitKeepsEmptyParts) {
    EXPECT_EQ(split("a||b|", '|'), (std::vector<std::string>{"a", "", "b", ""}));
}

TEST(Text, ParsesWholeNumbersOnly) {
    EXPECT_EQ(parse_integer(" 42 \n"), 42);
    EXPECT_FALSE(parse_integer("42x"));
    EXPECT_FALSE(parse_integer(""));
    EXPECT_EQ(parse_number("2.5"), 2.5);
    EXPECT_FALSE(parse_number("2.5 GHz"));
}

TEST(NearestNames, OffersWhatWasMeant) {
    EXPECT_EQ(nearest_names("gem", operations).front(), "gemm");
    EXPECT_EQ(nearest_names("TRIAD", operations).front(), "stream_triad");
    EXPECT_TRUE(nearest_names("convolution", operations).empty());
}

TEST(UnknownName, NamesTheKindTheWordAndTheKnownOnes) {
    EXPECT_EQ(
        unknown_name_message("operation", "gemn", operations),
        "unknown operation 'gemn'; did you mean gemm, gemv? Known: gemm, gemv, stream_triad, dot");
    EXPECT_EQ(unknown_name_message("operation", "zzzzzzzz", operations),
              "unknown operation 'zzzzzzzz'. Known: gemm, gemv, stream_triad, dot");
}

}  // namespace
}  // namespace peakward
