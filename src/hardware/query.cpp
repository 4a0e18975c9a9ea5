#include "hardware/query.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "hardware/peaks.hpp"

namespace peakward {
namespace {

FieldValue number(const std::optional<Figure>& figure) {
    if (!figure || !*figure) return {};
    return *figure->value;
}
FieldValue word(const std::string& text) {
    if (text.empty()) return {};
    return text;
}

FieldValue cores_of(const HardwareSpec& spec) {
    double cores = 0;
    for (const CoreGroup& group : spec.cores) {
        if (!group.count) return {};
        cores += *group.count.value;
    }
    if (spec.cores.empty()) return {};
    return cores;
}

FieldValue best_clock(const HardwareSpec& spec) {
    std::optional<double> best;
    const auto it = spec.clocks.by_class.find("boost");
    if (it == spec.clocks.by_class.end()) return {};
    for (const auto& [kind, figure] : it->second)
        if (figure) best = std::max(best.value_or(0), *figure.value);
    if (!best) return {};
    return *best;
}

FieldValue peak_of(const HardwareSpec& spec, const std::string& precision) {
    const Peak peak = spec_peak(spec, precision);
    if (peak.kind == PeakKind::unknown) return {};
    return peak.value;
}

FieldValue of_memory(const HardwareSpec& spec, std::optional<Figure> SpecMemory::*figure) {
    if (!spec.memory) return {};
    return number((*spec.memory).*figure);
}

struct KnownField {
    const char* name;
    const char* meaning;
    FieldValue (*value)(const HardwareSpec&);
};
constexpr KnownField known_fields[] = {
    {"id", "the entry's id", [](const HardwareSpec& s) { return word(s.id); }},
    {"name", "as people say it", [](const HardwareSpec& s) { return word(s.name); }},
    {"kind", "cpu, gpu, accelerator or board", [](const HardwareSpec& s) { return word(s.kind); }},
    {"vendor", "its maker", [](const HardwareSpec& s) { return word(s.vendor); }},
    {"architecture", "its design", [](const HardwareSpec& s) { return word(s.architecture); }},
    {"microarchitecture", "the same as detection names it",
     [](const HardwareSpec& s) { return word(s.microarchitecture); }},
    {"compute_capability", "of an NVIDIA GPU",
     // "12.0" comes after "8.6".
     [](const HardwareSpec& s) {
         const auto number = parse_number(s.compute_capability);
         return number ? FieldValue(*number) : FieldValue();
     }},
    {"host_architecture", "what the host must be",
     [](const HardwareSpec& s) { return word(s.host_architecture); }},
    {"launched", "the day, month or year of its launch",
     [](const HardwareSpec& s) { return word(s.launched); }},
    {"cores", "cores, SMs or units of all kinds", cores_of},
    {"boost_ghz", "highest clock", best_clock},
    {"memory_type", "as DDR5 or HBM3",
     [](const HardwareSpec& s) { return s.memory ? word(s.memory->type) : FieldValue(); }},
    {"memory_gb", "memory capacity in 10^9 bytes, where it is fixed",
     [](const HardwareSpec& s) { return of_memory(s, &SpecMemory::capacity_gb); }},
    {"bandwidth_gbps", "memory bandwidth in 10^9 bytes per second",
     [](const HardwareSpec& s) { return of_memory(s, &SpecMemory::bandwidth_gbps); }},
    {"tdp_w", "thermal design power in watts",
     [](const HardwareSpec& s) { return number(s.tdp_w); }},
    {"spec_version", "how often the entry was corrected, plus one",
     [](const HardwareSpec& s) { return FieldValue(static_cast<double>(s.spec_version)); }},
    {"origin", "builtin or user",
     [](const HardwareSpec& s) { return word(s.origin.empty() ? "builtin" : "user"); }},
};

constexpr std::string_view sparse_prefix = "sparse_";

bool is_field(const std::string& name) {
    const auto& all = query_fields();
    return std::any_of(all.begin(), all.end(), [&](const auto& f) { return f.name == name; });
}

// ---------------------------------------------------------------------------------------------

enum class Kind { end, open, close, comparison, word, text, number };
struct Token {
    Kind kind = Kind::end;
    std::string text;
    std::size_t column = 1;
    double number = 0;
};

enum class Truth { no, unknown, yes };

bool is_word_letter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' ||
           c == '+' || c == '/' || c == ':';
}

tl::unexpected<Error> wrong_at(std::size_t column, const std::string& what) {
    return wrong_usage(fmt::format("the query is wrong at column {}: {}", column, what));
}

Result<std::vector<Token>> tokens_of(std::string_view text) {
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        const std::size_t column = i + 1;
        if (std::isspace(static_cast<unsigned char>(c))) {
            ++i;
        } else if (c == '(' || c == ')') {
            tokens.push_back({c == '(' ? Kind::open : Kind::close, std::string(1, c), column, 0});
            ++i;
        } else if (std::string_view("<>=!~").find(c) != std::string_view::npos) {
            std::string sign(1, c);
            if (i + 1 < text.size() && text[i + 1] == '=' && c != '~') sign += '=';
            i += sign.size();
            if (sign == "!") return wrong_at(column, "'!' stands for nothing; write != or not");
            if (sign == "==") sign = "=";
            tokens.push_back({Kind::comparison, sign, column, 0});
        } else if (c == '\'' || c == '"') {
            const std::size_t closing = text.find(c, i + 1);
            if (closing == std::string_view::npos)
                return wrong_at(column, "the text that begins here is not closed");
            tokens.push_back(
                {Kind::text, std::string(text.substr(i + 1, closing - i - 1)), column, 0});
            i = closing + 1;
        } else if (is_word_letter(c)) {
            std::size_t end = i;
            while (end < text.size() && is_word_letter(text[end])) ++end;
            Token token{Kind::word, std::string(text.substr(i, end - i)), column, 0};
            if (const auto value = parse_number(token.text)) {
                token.kind = Kind::number;
                token.number = *value;
            }
            tokens.push_back(std::move(token));
            i = end;
        } else {
            return wrong_at(column, fmt::format("'{}' stands for nothing here", c));
        }
    }
    tokens.push_back({Kind::end, "the end", text.size() + 1, 0});
    return tokens;
}

}  // namespace

const std::vector<QueryField>& query_fields() {
    static const std::vector<QueryField> all = [] {
        std::vector<QueryField> fields;
        for (const KnownField& field : known_fields) fields.push_back({field.name, field.meaning});
        for (const std::string& precision : catalog::precision_names())
            fields.push_back({precision, "dense peak in 10^9 operations per second"});
        for (const std::string& precision : catalog::precision_names())
            fields.push_back({std::string(sparse_prefix) + precision, "the same, sparse"});
        return fields;
    }();
    return all;
}

FieldValue field_of(const HardwareSpec& spec, const std::string& name) {
    for (const KnownField& field : known_fields)
        if (name == field.name) return field.value(spec);
    if (name.starts_with(sparse_prefix)) {
        const auto it = spec.sparse_peaks_gops.find(name.substr(sparse_prefix.size()));
        return it == spec.sparse_peaks_gops.end() ? FieldValue() : number(it->second);
    }
    return peak_of(spec, name);
}

struct Query::Node {
    enum class What { comparison, negation, both, either } what = What::comparison;
    std::string field, sign, text;
    std::optional<double> number;
    std::vector<std::shared_ptr<const Node>> parts;
};

namespace {

using Node = Query::Node;
using NodePointer = std::shared_ptr<const Node>;

// Deeper nesting is no question of a person, and would use the stack up.
constexpr int depth_max = 100;

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<NodePointer> whole() {
        auto node = either();
        if (node && now().kind != Kind::end)
            return wrong_at(
                now().column,
                fmt::format("'{}' where 'and', 'or' or the end is expected", now().text));
        return node;
    }

private:
    const Token& now() const { return tokens_[at_]; }
    Token take() { return tokens_[at_ == tokens_.size() - 1 ? at_ : at_++]; }
    bool is_word(const char* text) const {
        return now().kind == Kind::word && to_lower(now().text) == text;
    }

    Result<NodePointer> joined(const char* word, Node::What what,
                               Result<NodePointer> (Parser::*part)()) {
        auto first = (this->*part)();
        if (!first || !is_word(word)) return first;
        auto node = std::make_shared<Node>();
        node->what = what;
        node->parts.push_back(*first);
        while (is_word(word)) {
            take();
            auto next = (this->*part)();
            if (!next) return next;
            node->parts.push_back(*next);
        }
        return NodePointer(std::move(node));
    }
    Result<NodePointer> either() { return joined("or", Node::What::either, &Parser::both); }
    Result<NodePointer> both() { return joined("and", Node::What::both, &Parser::negated); }

    Result<NodePointer> negated() {
        if (++depth_ > depth_max) return wrong_at(now().column, "nested too deep");
        auto node = negated_inside();
        --depth_;
        return node;
    }
    Result<NodePointer> negated_inside() {
        if (is_word("not")) {
            take();
            auto part = negated();
            if (!part) return part;
            auto node = std::make_shared<Node>();
            node->what = Node::What::negation;
            node->parts.push_back(*part);
            return NodePointer(std::move(node));
        }
        if (now().kind != Kind::open) return comparison();
        const std::size_t column = take().column;
        auto inside = either();
        if (!inside) return inside;
        if (now().kind != Kind::close)
            return wrong_at(column, "the parenthesis that opens here is not closed");
        take();
        return inside;
    }

    Result<NodePointer> comparison() {
        const Token field = take();
        if (field.kind != Kind::word)
            return wrong_at(field.column,
                            fmt::format("'{}' where a field is expected, as fp16", field.text));
        std::vector<std::string> names;
        for (const QueryField& known : query_fields()) names.push_back(known.name);
        if (!is_field(field.text))
            return wrong_at(field.column, unknown_name_message("field", field.text, names));
        const Token sign = take();
        if (sign.kind != Kind::comparison)
            return wrong_at(
                sign.column,
                fmt::format("'{}' where a comparison is expected (= != < <= > >= ~)", sign.text));
        const Token value = take();
        if (value.kind != Kind::word && value.kind != Kind::text && value.kind != Kind::number)
            return wrong_at(value.column,
                            fmt::format("'{}' where a value is expected", value.text));
        auto node = std::make_shared<Node>();
        node->field = field.text;
        node->sign = sign.text;
        node->text = to_lower(value.text);
        if (value.kind == Kind::number) node->number = value.number;
        if (auto ok = check_kinds(*node, value); !ok) return tl::make_unexpected(ok.error());
        return NodePointer(std::move(node));
    }

    // A rate is compared with a number and nothing else: "fp16 > fast" is a slip.
    static Status check_kinds(const Node& node, const Token& value) {
        const bool words = node.field == "launched";
        const std::vector<std::string> texts{"id",
                                             "name",
                                             "kind",
                                             "vendor",
                                             "architecture",
                                             "microarchitecture",
                                             "host_architecture",
                                             "memory_type",
                                             "origin"};
        const bool is_text =
            words || std::find(texts.begin(), texts.end(), node.field) != texts.end();
        if (is_text) return {};
        if (!node.number)
            return wrong_at(value.column, fmt::format("{} is a number, and '{}' is none",
                                                      node.field, value.text));
        if (node.sign == "~")
            return wrong_at(value.column,
                            fmt::format("~ is for texts, and {} is a number", node.field));
        return {};
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

template <typename T>
bool compare(const T& left, const std::string& sign, const T& right) {
    if (sign == "=") return left == right;
    if (sign == "!=") return left != right;
    if (sign == "<") return left < right;
    if (sign == "<=") return left <= right;
    if (sign == ">") return left > right;
    return left >= right;
}

Truth truth_of(bool value) { return value ? Truth::yes : Truth::no; }

Truth evaluate(const Node& node, const HardwareSpec& spec) {
    switch (node.what) {
        case Node::What::negation: {
            const Truth inside = evaluate(*node.parts.front(), spec);
            if (inside == Truth::unknown) return inside;
            return truth_of(inside == Truth::no);
        }
        case Node::What::both: {
            Truth all = Truth::yes;
            for (const NodePointer& part : node.parts) all = std::min(all, evaluate(*part, spec));
            return all;
        }
        case Node::What::either: {
            Truth any = Truth::no;
            for (const NodePointer& part : node.parts) any = std::max(any, evaluate(*part, spec));
            return any;
        }
        case Node::What::comparison:
            break;
    }
    const FieldValue value = field_of(spec, node.field);
    if (const auto* figure = std::get_if<double>(&value))
        return truth_of(compare(*figure, node.sign, *node.number));
    if (const auto* text = std::get_if<std::string>(&value)) {
        const std::string lower = to_lower(*text);
        if (node.sign == "~") return truth_of(lower.find(node.text) != std::string::npos);
        return truth_of(compare(lower, node.sign, node.text));
    }
    return Truth::unknown;
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
    auto tokens = tokens_of(text);
    if (!tokens) return tl::make_unexpected(tokens.error());
    if (tokens->size() == 1)
        return wrong_usage("the query is empty; write for example \"fp16 > 100000\"");
    auto root = Parser(std::move(*tokens)).whole();
    if (!root) return tl::make_unexpected(root.error());
    Query query;
    query.root_ = std::move(*root);
    return query;
}

bool Query::selects(const HardwareSpec& spec) const { return evaluate(*root_, spec) == Truth::yes; }

}  // namespace peakward
