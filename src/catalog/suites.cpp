#include "embedded/suites.hpp"
#include "catalog/catalog.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"

namespace peakward::catalog {
namespace {

// A suite file is ours and tested, but it is data all the same: a bad field is one sentence.
Result<Suite> read_suite(std::string_view name, std::string_view content) {
    const std::string file = fmt::format("data/suites/{}.json", name);
    auto json = parse_json(content, file);
    if (!json) return tl::make_unexpected(json.error());
    try {
        Suite suite;
        suite.id = json->at("id").get<std::string>();
        suite.version = json->at("version").get<int>();
        suite.case_seconds_max = json->at("case_seconds_max").get<double>();
        suite.case_seconds_enough = json->value("case_seconds_enough", 0.0);
        suite.restarts = json->at("restarts").get<int>();
        for (const Json& item : json->at("entries")) {
            SuiteEntry entry;
            entry.operation = item.at("operation").get<std::string>();
            if (!find_operation(entry.operation))
                return failed(fmt::format("{}: unknown operation '{}'", file, entry.operation));
            if (item.contains("precisions"))
                entry.precisions = item.at("precisions").get<std::vector<std::string>>();
            entry.cpu = item.value("cpu", true);
            for (const Json& shape_json : item.value("shapes", Json::array())) {
                auto shape = shape_from_json(shape_json);
                if (!shape)
                    return failed(
                        fmt::format("{}: {}: {}", file, entry.operation, shape.error().message));
                entry.shapes.push_back(std::move(*shape));
            }
            suite.entries.push_back(std::move(entry));
        }
        return suite;
    } catch (const Json::exception& error) {
        return failed(fmt::format("{}: {}", file, error.what()));
    }
}

}  // namespace

Result<Suite> find_suite(std::string_view id) {
    std::vector<std::string> known;
    for (const auto& [name, content] : embedded::suites()) {
        if (name == id) return read_suite(name, content);
        known.emplace_back(name);
    }
    return wrong_usage(unknown_name_message("suite", id, known));
}

}  // namespace peakward::catalog
