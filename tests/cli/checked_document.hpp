// A document of the program of which a test checks every number. Numbers and dates that nothing
// compared fail the test at the end, so that none can be forgotten.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/json.hpp"

namespace peakward::cli {

// Numbers, and texts that begin with a date: by the JSON pointer of each.
std::vector<std::pair<std::string, Json>> figures_in(const Json& document);

class CheckedDocument {
public:
    // `name` says in failures which command printed it.
    CheckedDocument(Json document, std::string name)
        : document_(std::move(document)), name_(std::move(name)) {}

    const Json& json() const { return document_; }
    const std::string& name() const { return name_; }
    // The value there, which counts as checked; fails and returns null if it is missing.
    const Json& take(const std::string& pointer);
    // Every figure whose pointer this pattern fits is left alone; `*` is one name or place, `**`
    // any number of them. The reason is for the reader.
    void excuse(const std::string& pattern, const std::string& reason);
    // Fails for each figure that was neither taken nor excused, and for a pattern that fits none.
    void expect_all_checked() const;

private:
    Json document_;
    std::string name_;
    std::set<std::string> taken_;
    std::vector<std::string> excused_;
};

// A place in a document; names may hold several steps ("peak/value").
class Place {
public:
    explicit Place(CheckedDocument& document, std::string pointer = "")
        : document_(&document), pointer_(std::move(pointer)) {}

    Place operator[](const std::string& name) const {
        return Place(*document_, pointer_ + "/" + name);
    }
    Place operator[](std::size_t index) const { return (*this)[std::to_string(index)]; }
    const Json& json() const;
    std::size_t size() const { return json().size(); }
    std::string text() const;  // of a string; "" for anything else
    double number() const;     // counts as checked; fails and returns NaN if it is missing

    // Within a share of `expected`. The default is what rounding leaves.
    void is(const std::string& name, double expected, double share = 1e-9) const;
    void is_within(const std::string& name, double low, double high) const;
    void is_text(const std::string& name, const std::string& expected) const;
    void is_null(const std::string& name) const;
    void has_size(const std::string& name, std::size_t expected) const;

    std::string where() const;  // for failures

private:
    CheckedDocument* document_;
    std::string pointer_;
};

}  // namespace peakward::cli
