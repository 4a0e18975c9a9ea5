// The question that `hardware query` takes: fp16 > 100000 and memory_gb >= 24
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hardware/spec.hpp"

namespace peakward {

// What a field of an entry is: a number, a text, or not known.
using FieldValue = std::variant<std::monostate, double, std::string>;

struct QueryField {
    std::string name;     // "memory_gb"
    std::string meaning;  // "memory capacity in 10^9 bytes"
};
// Every name a query may use, in the order help shows them.
const std::vector<QueryField>& query_fields();
// The value of one of them; an unknown name is a bug.
FieldValue field_of(const HardwareSpec& spec, const std::string& name);

// Comparisons (= != < <= > >= and ~ for "contains") of a field with a number, a word or a 'text',
// joined by not, and, or (binding in this order) and parentheses. A field that is not known makes a
// comparison neither true nor false: such an entry is selected by neither `x` nor `not x`.
class Query {
public:
    // The error names the position and what was expected there.
    static Result<Query> parse(std::string_view text);
    bool selects(const HardwareSpec& spec) const;

    struct Node;

private:
    std::shared_ptr<const Node> root_;
};

}  // namespace peakward
