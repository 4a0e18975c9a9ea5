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
    bool in_class = false;  // of characters, where parentheses and bars are letters
    const bool named_class = expression.find("[:") != expression.npos;  // has brackets of its own
    for (std::size_t i = 0; i < expression.size(); ++i) {
        const char c = expression[i];
        if (c == '\\') ++i;
        if (c == '[') in_class = true;
        if (c == ']') in_class = false;
        if (in_class) continue;
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (c == '|' && (depth <= 0 || named_class)) return prefix;
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

bool has_digit(std::string_view word) {
    return word.find_first_of("0123456789") != std::string_view::npos;
}

// "9xx", "v4", "i7", "12th", "64-core", "32-bit": digits that number no product.
bool numbers_no_product(const std::string& word) {
    const std::size_t digits = word.find_first_not_of("0123456789");
    const std::string ending = digits == std::string::npos ? "" : word.substr(digits);
    return word.find("xx") != std::string::npos || (word.front() == 'v' && has_digit(word)) ||
           (word.size() == 2 && word.front() == 'i') ||
           (digits > 0 && (ending == "st" || ending == "nd" || ending == "rd" || ending == "th" ||
                           ending == "-core" || ending == "-bit"));
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

bool names_no_product(const std::string& name) {
    // Without "@ 2.60GHz" and what stands in parentheses: "(R)", "(Cascadelake)", "(with IBPB)".
    std::string plain;
    int depth = 0;
    for (const char c : to_lower(name)) {
        if (c == '@') break;
        if (c == '(') ++depth;
        if (depth == 0) plain += c == '/' || c == ',' ? ' ' : c;
        if (c == ')' && depth > 0) --depth;
    }
    for (const char* word : {"qemu", "kvm", "virtual", "virt-", "neoverse", "cortex"})
        if (plain.find(word) != std::string::npos) return true;
    for (const std::string& word : split_list(plain))
        if (has_digit(word) && !numbers_no_product(word)) return false;
    return true;
}

}  // namespace peakward
