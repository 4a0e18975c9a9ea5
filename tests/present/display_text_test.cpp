#include "present/display_text.hpp"

#include <gtest/gtest.h>

namespace peakward {
namespace {

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
    EXPECT_EQ(display_width("GOPS"), 4);
    EXPECT_EQ(display_width("± CI"), 4);
    EXPECT_EQ(display_width("✓ 99 %"), 6);
}

TEST(DisplayWidth, EastAsianWideCharactersTakeTwoColumns) {
    EXPECT_EQ(display_width("龍芯"), 4);
    EXPECT_EQ(display_width("Ａ"), 2);
    EXPECT_EQ(display_width("한"), 2);
}

TEST(DisplayWidth, CombiningMarksTakeNone) { EXPECT_EQ(display_width("e\xCC\x81"), 1); }

TEST(DisplayWidth, AnInvalidByteTakesOne) { EXPECT_EQ(display_width("a\xFFz"), 3); }

TEST(SafeText, ShowsControlCharactersInsteadOfObeyingThem) {
    EXPECT_EQ(safe_text("Intel\x1b[31m CPU\x07"), "Intel\\x1b[31m CPU\\x07");
    EXPECT_EQ(safe_text("a\nb\tc\r"), "a\\nb\\tc\\x0d");
    EXPECT_EQ(safe_text("\x7f"), "\\x7f");
}

TEST(SafeText, ShowsC1ControlsThatHideInUtf8) {
    EXPECT_EQ(safe_text("\xC2\x9B"
                        "31m"),
              "\\x9b31m");
}

TEST(SafeText, ShowsCharactersThatReorderALine) {
    EXPECT_EQ(safe_text("a\xE2\x80\xAE"
                        "b"),
              "a\\u202eb");
    EXPECT_EQ(safe_text("a\xE2\x80\xA8"
                        "b"),
              "a\\u2028b");
}

TEST(SafeText, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(safe_text("a\xFF"), "a\xEF\xBF\xBD");
    EXPECT_EQ(safe_text("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // overlong
    EXPECT_EQ(safe_text("\xE2\x9C"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // cut short
    EXPECT_EQ(safe_text("\xED\xA0\x80").size(), 9u);               // a surrogate
}

TEST(SafeText, LeavesPrintableTextAlone) { EXPECT_EQ(safe_text("µ ✓ 龍"), "µ ✓ 龍"); }

TEST(ToAscii, GivesOurMarksWordsAndOthersAQuestionMark) {
    EXPECT_EQ(to_ascii("✓ ⚠ ✗ ± 512×512 …"), "ok ! x +- 512x512 ...");
    EXPECT_EQ(to_ascii("龍e\xCC\x81"), "?e");
}

TEST(CutToWidth, EndsWithAnEllipsisInsideTheWidth) {
    EXPECT_EQ(cut_to_width("implementation", 8), "impleme…");
    EXPECT_EQ(cut_to_width("implementation", 8, false), "impleme~");
    EXPECT_EQ(cut_to_width("short", 8), "short");
    EXPECT_EQ(cut_to_width("any", 0), "");
}

TEST(CutToWidth, NeverSplitsAWideCharacter) {
    EXPECT_EQ(cut_to_width("龍芯龍芯", 4), "龍…");
    EXPECT_LE(display_width(cut_to_width("龍芯龍芯", 4)), 4);
}

TEST(WrapText, BreaksAtSpaces) {
    EXPECT_EQ(wrap_text("one two three", 7), (std::vector<std::string>{"one two", "three"}));
}

TEST(WrapText, BreaksALongWordWhereItMust) {
    EXPECT_EQ(wrap_text("/a/very/long/path", 6),
              (std::vector<std::string>{"/a/ver", "y/long", "/path"}));
}

TEST(WrapText, GivesOneEmptyLineForNothing) {
    EXPECT_EQ(wrap_text("", 10), (std::vector<std::string>{""}));
}

TEST(Padding, FillsByColumns) {
    EXPECT_EQ(pad_right("✓", 3), "✓  ");
    EXPECT_EQ(pad_left("龍", 3), " 龍");
    EXPECT_EQ(pad_left("toolong", 3), "toolong");
}

TEST(BreakBetweenWords, KeepsEveryWordWhole) {
    EXPECT_EQ(break_between_words("one two three", 8, 0, 0), "one two\nthree");
    EXPECT_EQ(break_between_words("one two three", 12, 5, 2), "one two\n  three");
    EXPECT_EQ(break_between_words("see /a/path/longer/than/a/line now", 10, 0, 0),
              "see\n/a/path/longer/than/a/line\nnow");
    EXPECT_EQ(break_between_words("", 10, 0, 0), "");
}

}  // namespace
}  // namespace peakward
