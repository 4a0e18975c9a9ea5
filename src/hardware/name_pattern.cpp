#include "hardware/name_pattern.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "core/text.hpp"

namespace peakward {
namespace {

constexpr std::size_t name_length_max = 256;
constexpr std::size_t expression_length_max = 256;

bool has_digit(std::string_view word) {
    return word.find_first_of("0123456789") != std::string_view::npos;
}

// RE2 takes a brace that begins no repeat for a letter, which nobody means who writes one.
bool has_stray_brace(std::string_view expression) {
    bool in_class = false;
    for (std::size_t i = 0; i < expression.size(); ++i) {
        const char c = expression[i];
        if (c == '\\') {
            ++i;
        } else if (c == '[' || c == ']') {
            in_class = c == '[';
        } else if (c == '{' && !in_class) {
            const std::size_t end = expression.find('}', i);
            const std::string_view inside =
                end == expression.npos ? "" : expression.substr(i + 1, end - i - 1);
            const bool repeats = !inside.empty() && is_digit(inside.front()) &&
                                 inside.find_first_not_of("0123456789,") == inside.npos &&
                                 inside.size() <= 9 && std::ranges::count(inside, ',') <= 1;
            if (!repeats) return true;
        }
    }
    return false;
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
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);  // names are bytes
    options.set_never_capture(true);
    options.set_log_errors(false);
    NamePattern pattern;
    pattern.expression_ = std::make_shared<const RE2>(expression, options);
    if (!pattern.expression_->ok())
        return failed(fmt::format("'{}' is not a regular expression ({})", expression,
                                  pattern.expression_->error()));
    if (has_stray_brace(expression))
        return failed(
            fmt::format("'{}' has a '{{' that begins no repeat such as {{2}} or {{1,3}}; write "
                        "\\{{ for the letter",
                        expression));
    return pattern;
}

bool NamePattern::matches(const std::string& name) const {
    return name.size() <= name_length_max &&
           expression_->Match(name, 0, name.size(), RE2::ANCHOR_START, nullptr, 0);
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
