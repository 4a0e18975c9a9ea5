#include "cli/checked_document.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "core/text.hpp"

namespace peakward::cli {
namespace {

bool begins_with_date(const std::string& text) {
    const std::string pattern = "0000-00-00";
    if (text.size() < pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
        if (pattern[i] == '0' ? !digit : text[i] != '-') return false;
    }
    return true;
}

void add_figures(const Json& at, const std::string& pointer,
                 std::vector<std::pair<std::string, Json>>& figures) {
    if (at.is_object()) {
        for (const auto& [name, value] : at.items())
            add_figures(value, pointer + "/" + name, figures);
    } else if (at.is_array()) {
        for (std::size_t i = 0; i < at.size(); ++i)
            add_figures(at[i], pointer + "/" + std::to_string(i), figures);
    } else if (at.is_number() || (at.is_string() && begins_with_date(at.get<std::string>()))) {
        figures.emplace_back(pointer, at);
    }
}

bool fits(const std::vector<std::string>& pattern, std::size_t p,
          const std::vector<std::string>& path, std::size_t at) {
    if (p == pattern.size()) return at == path.size();
    if (pattern[p] == "**") {
        for (std::size_t next = at; next <= path.size(); ++next)
            if (fits(pattern, p + 1, path, next)) return true;
        return false;
    }
    if (at == path.size() || (pattern[p] != "*" && pattern[p] != path[at])) return false;
    return fits(pattern, p + 1, path, at + 1);
}

const Json* find_at(const Json& document, const std::string& pointer) {
    const Json::json_pointer at(pointer);
    return document.contains(at) ? &document.at(at) : nullptr;
}

}  // namespace

std::vector<std::pair<std::string, Json>> figures_in(const Json& document) {
    std::vector<std::pair<std::string, Json>> figures;
    add_figures(document, "", figures);
    return figures;
}

const Json& CheckedDocument::take(const std::string& pointer) {
    static const Json nothing;
    taken_.insert(pointer);
    const Json* value = find_at(document_, pointer);
    if (!value) ADD_FAILURE() << name_ << ": there is no " << pointer;
    return value ? *value : nothing;
}

void CheckedDocument::excuse(const std::string& pattern, const std::string& reason) {
    ASSERT_FALSE(reason.empty()) << pattern;
    excused_.push_back(pattern);
}

void CheckedDocument::expect_all_checked() const {
    std::set<std::string> used;
    std::size_t left = 0;
    for (const auto& [pointer, value] : figures_in(document_)) {
        const auto path = split(pointer, '/');
        bool is_checked = taken_.contains(pointer);
        for (const std::string& pattern : excused_)
            if (fits(split(pattern, '/'), 0, path, 0)) {
                used.insert(pattern);
                is_checked = true;
            }
        if (is_checked || ++left > 20) continue;
        ADD_FAILURE() << name_ << ": nothing checks " << pointer << " = " << value.dump();
    }
    EXPECT_EQ(left, 0u) << name_ << ": figures that nothing checks";
    for (const std::string& pattern : excused_)
        EXPECT_TRUE(used.contains(pattern)) << name_ << ": excused and not there: " << pattern;
}

const Json& Place::json() const {
    static const Json nothing;
    const Json* value = find_at(document_->json(), pointer_);
    if (!value) ADD_FAILURE() << document_->name() << ": there is no " << pointer_;
    return value ? *value : nothing;
}

std::string Place::text() const {
    const Json& value = document_->take(pointer_);
    return value.is_string() ? value.get<std::string>() : "";
}

double Place::number() const {
    const Json& value = document_->take(pointer_);
    if (value.is_number()) return value.get<double>();
    ADD_FAILURE() << where() << " is not a number: " << value.dump();
    return std::numeric_limits<double>::quiet_NaN();
}

void Place::is(const std::string& name, double expected, double share) const {
    const Place at = (*this)[name];
    EXPECT_NEAR(at.number(), expected, share * std::abs(expected)) << at.where();
}

void Place::is_within(const std::string& name, double low, double high) const {
    const Place at = (*this)[name];
    const double value = at.number();
    EXPECT_GE(value, low) << at.where();
    EXPECT_LE(value, high) << at.where();
}

void Place::is_text(const std::string& name, const std::string& expected) const {
    const Place at = (*this)[name];
    EXPECT_EQ(at.text(), expected) << at.where();
}

void Place::is_null(const std::string& name) const {
    const Place at = (*this)[name];
    EXPECT_TRUE(at.json().is_null()) << at.where() << ": " << at.json().dump();
}

void Place::has_size(const std::string& name, std::size_t expected) const {
    const Place at = (*this)[name];
    EXPECT_EQ(at.size(), expected) << at.where();
}

std::string Place::where() const { return document_->name() + " " + pointer_; }

}  // namespace peakward::cli
