#include "core/json.hpp"

#include "core/sha256.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// nlohmann's message repeats the position and quotes the input; the position is all we need.
std::string line_and_column(std::string_view text, std::size_t byte) {
    std::size_t line = 1, column = 1;
    for (std::size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
        if (text[i] == '\n') {
            ++line;
            column = 1;
        } else {
            ++column;
        }
    }
    return fmt::format("line {}, column {}", line, column);
}

// A document nested deeper than this is not ours, and parsing it would use the stack up.
constexpr int depth_max = 200;

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
    try {
        bool too_deep = false;
        auto watch = [&](int depth, Json::parse_event_t, Json&) {
            if (depth > depth_max) too_deep = true;
            return !too_deep;
        };
        Json value = Json::parse(text.begin(), text.end(), watch);
        if (too_deep)
            return failed(fmt::format("{}: nested deeper than {} levels", what, depth_max));
        return value;
    } catch (const Json::parse_error& error) {
        return failed(
            fmt::format("{}: not valid JSON at {}", what, line_and_column(text, error.byte)));
    } catch (const Json::exception& error) {
        return failed(fmt::format("{}: not valid JSON ({})", what, error.what()));
    }
}

std::string canonical_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string content_hash(const Json& value) { return sha256_hex(canonical_json(value)); }

}  // namespace peakward
