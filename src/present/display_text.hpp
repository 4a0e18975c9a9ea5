// Text as it stands on a screen: its width in columns, made safe for a terminal, cut and wrapped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace peakward {

// Columns that UTF-8 text takes: combining marks 0, East Asian wide characters and emoji 2.
int display_width(std::string_view text);

// The same text with nothing in it that a terminal would obey: control characters (also C1 and the
// bidirectional overrides) become visible escapes, bytes that are no UTF-8 become U+FFFD. Nor would
// the log of a build service obey it: "::" that could begin a line and "##" are escaped. What a
// sysfs file, a database or a worker says reaches a screen or a file only through here.
std::string safe_text(std::string_view text);

// For terminals without UTF-8: our own marks get ASCII words, every other character a "?".
std::string to_ascii(std::string_view text);

// At most `width` columns; what was cut is shown by an ellipsis ("~" without Unicode).
std::string cut_to_width(std::string_view text, int width, bool unicode = true);

// Lines of at most `width` columns, broken at spaces; a longer word is broken where it must be.
std::vector<std::string> wrap_text(std::string_view text, int width);

// The same as one text with line breaks, of which the first line begins at column `used` and the
// others at column `indent`; nothing is cut, and no word is broken: what is longer than a line, as
// a path, stays in one piece for whoever copies it.
std::string break_between_words(std::string_view text, int width, int used, int indent);

// `text` followed (or, for numbers, preceded) by spaces up to `width` columns.
std::string pad_right(std::string_view text, int width);
std::string pad_left(std::string_view text, int width);

}  // namespace peakward
