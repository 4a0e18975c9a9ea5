// How the sources of software and environment turn what they read, or failed to read, into facts.
// "Not installed" and "could not be read" are different evidence and never share a sentence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.hpp"
#include "core/records.hpp"
#include "core/text.hpp"
#include "detect/parse.hpp"

namespace peakward::detail {

// The failures of all places where one fact was looked for. When every place was simply missing,
// the fact is absent; when one could not be read, nobody can say that it is absent.
class Tried {
public:
    void failed(const ReadFailure& failure);
    void malformed(std::string_view where, std::string_view what);

    bool only_missing() const { return obstacle_.empty(); }
    // `when_absent` if every place was missing, else "could not be read: ..." with the first
    // obstacle.
    std::string reason(std::string_view when_absent) const;

private:
    std::string obstacle_;
};

// What a program printed on stdout. A program that ends with another exit code than 0 has failed,
// and the reason carries the last line it wrote.
ReadResult<std::string> output_of(const SysRoot& root, const std::vector<std::string>& argv,
                                  Nanoseconds limit);

// The same, exit code ignored: tools that print what they know and then complain.
ReadResult<std::string> output_of_any_exit(const SysRoot& root,
                                           const std::vector<std::string>& argv, Nanoseconds limit);

// The last line with text in it, printable and at most 200 characters long.
std::string last_line(std::string_view text);

// The first version-like token ("12.2.0", "0.3.21") of the text: digits with at least one dot.
std::optional<std::string> first_version(std::string_view text);

// "12.4" of "12.4.131": what stays the same however precisely a source tells the version.
std::string major_minor(std::string_view version);

// Sets a component unless an earlier source already knew it.
void set_component(Software& software, const std::string& name, const Fact<std::string>& fact);

// Lines of a text without their line ends.
std::vector<std::string> lines_of(std::string_view text);

// True when the whole text is printable and not absurdly long: what a version or a mode may be.
bool is_word(std::string_view text, std::size_t longest = 80);

}  // namespace peakward::detail
