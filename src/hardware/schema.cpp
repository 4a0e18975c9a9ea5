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
