#include "present/json_text.hpp"

namespace peakward {

std::string json_text(const Json& document, int indent) {
    std::string text = document.dump(indent, ' ', true, Json::error_handler_t::replace);
    // "##[error]" is a command for a log. JSON has "#" in strings only, where an escape says the
    // same.
    for (std::size_t at = 0; (at = text.find("##", at)) != std::string::npos;)
        text.replace(at + 1, 1, "\\u0023");
    return text;
}

}  // namespace peakward
