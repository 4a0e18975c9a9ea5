// The product's JSON Schema through valijson, and the one place that includes it.
#include "hardware/spec.hpp"

#include "embedded/hardware_schema.hpp"

#ifdef PEAKWARD_HAS_VALIJSON
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#endif

#include <exception>
#include <memory>

#include "core/text.hpp"

namespace peakward {

std::string_view schema_text() { return embedded::hardware_schema().front().content; }

#ifdef PEAKWARD_HAS_VALIJSON

namespace {

// valijson matches patterns with std::regex, which goes one call deeper for each letter.
constexpr std::size_t text_length_max = 8192;

// Where a name or text is longer than that; "" if none is.
std::string overlong_at(const Json& value, const std::string& where) {
    if (value.is_string() && value.get_ref<const std::string&>().size() > text_length_max)
        return where;
    if (!value.is_structured()) return "";
    for (const auto& [key, item] : value.items()) {
        std::string here = value.is_array() ? fmt::format("{}[{}]", where, key)
                                            : fmt::format("{}[\"{}\"]", where, key.substr(0, 64));
        if (key.size() > text_length_max) return here;
        if (std::string found = overlong_at(item, here); !found.empty()) return found;
    }
    return "";
}

Result<std::unique_ptr<valijson::Schema>> load_schema() {
    auto json = parse_json(schema_text(), "data/schema/hardware-1.schema.json");
    if (!json) return tl::make_unexpected(json.error());
    // The library would look for the document that an "$id" names.
    json->erase("$id");
    auto schema = std::make_unique<valijson::Schema>();
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(*json), *schema);
    return schema;
}

}  // namespace

bool has_schema_library() { return true; }

std::vector<std::string> schema_problems(const Json& document) {
    if (const std::string where = overlong_at(document, ""); !where.empty())
        return {
            fmt::format("{}: longer than {} bytes; the file was not held against the JSON Schema",
                        where, text_length_max)};
    try {
        const auto schema = load_schema();
        if (!schema) return {schema.error().message};
        valijson::Validator validator(valijson::Validator::kStrongTypes);
        valijson::ValidationResults results;
        const valijson::adapters::NlohmannJsonAdapter target(document);
        if (validator.validate(**schema, target, &results)) return {};
        std::vector<std::string> problems;
        valijson::ValidationResults::Error error;
        while (results.popError(error)) {
            std::string where;
            for (const std::string& part : error.context)
                if (part != "<root>") where += part;
            problems.push_back(
                fmt::format("{}: {}", where.empty() ? "the document" : where, error.description));
        }
        return problems;
    } catch (const std::exception& error) {
        return {fmt::format("the JSON Schema could not be applied: {}", error.what())};
    }
}

#else

bool has_schema_library() { return false; }
std::vector<std::string> schema_problems(const Json&) { return {}; }

#endif

}  // namespace peakward
