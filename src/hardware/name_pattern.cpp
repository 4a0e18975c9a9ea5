#include "hardware/name_pattern.hpp"

#include "core/text.hpp"

namespace peakward {
namespace {

constexpr std::size_t name_length_max = 256;
constexpr std::size_t expression_length_max = 256;  // compiling goes as deep as its brackets
#ifdef __GLIBCXX__
// Never exponential in the name, however the expression nests; it knows no back-references.
constexpr auto syntax = std::regex::ECMAScript | std::regex_constants::__polynomial;
#else
constexpr auto syntax = std::regex::ECMAScript;
#endif
constexpr std::string_view special = ".[](){}*+?|\\^$";

struct Prefix {
    std::string text;
    bool whole = false;
};

// The literal letters after "^", up to the first construct that could match anything else.
Prefix prefix_of(std::string_view expression) {
    Prefix prefix;
    // With alternatives there may be no common start; that is not worth telling apart.
    int depth = 0;
    for (std::size_t i = 0; i < expression.size(); ++i) {
        if (expression[i] == '\\') {
            ++i;
            continue;
        }
        if (expression[i] == '(') ++depth;
        if (expression[i] == ')') --depth;
        if (expression[i] == '|' && depth == 0) return prefix;
    }
    std::size_t at = 1;
    while (at < expression.size()) {
        std::size_t next = at + 1;
        char letter = expression[at];
        if (letter == '$' && next == expression.size()) {
            prefix.whole = true;
            break;
        }
        if (letter == '\\') {
            // "\(" is a parenthesis; "\d" is not a letter.
            if (next >= expression.size() || special.find(expression[next]) == special.npos) break;
            letter = expression[next++];
        } else if (special.find(letter) != special.npos) {
            break;
        }
        const bool repeated = next < expression.size() &&
                              std::string_view("*?{").find(expression[next]) != special.npos;
        if (repeated) break;
        prefix.text += letter;
        at = next;
        if (at < expression.size() && expression[at] == '+') break;
    }
    return prefix;
}

}  // namespace

Result<NamePattern> NamePattern::make(const std::string& expression) {
    if (!expression.starts_with('^'))
        return failed(fmt::format(
            "the expression '{}' is not anchored; begin it with ^, so that it cannot match in the "
            "middle of another name",
            expression));
    if (expression.size() > expression_length_max)
        return failed(fmt::format("the expression that begins with '{}' is longer than {} letters",
                                  expression.substr(0, 40), expression_length_max));
    NamePattern pattern;
    try {
        pattern.expression_ = std::regex(expression, syntax);
    } catch (const std::regex_error& error) {
        return failed(
            fmt::format("'{}' is not a regular expression ({})", expression, error.what()));
    }
    Prefix prefix = prefix_of(expression);
    pattern.prefix_ = std::move(prefix.text);
    pattern.whole_ = prefix.whole;
    return pattern;
}

bool NamePattern::matches(const std::string& name) const {
    if (!name.starts_with(prefix_) || name.size() > name_length_max) return false;
    if (whole_) return name.size() == prefix_.size();
    return std::regex_search(name, expression_, std::regex_constants::match_continuous);
}

}  // namespace peakward
