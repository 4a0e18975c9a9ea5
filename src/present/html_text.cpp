#include "present/html_text.hpp"

#include "core/json.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "present/display_text.hpp"

namespace peakward::detail {

std::string html_text(std::string_view text) {
    std::string out;
    for (const char c : safe_text(text)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string script_string(std::string_view text) {
    const std::string json =
        Json(safe_text(text)).dump(-1, ' ', true, Json::error_handler_t::replace);
    std::string out;
    for (const char c : json) {
        if (c == '<' || c == '>' || c == '&')
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out;
}

std::string policy_hash(std::string_view content) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::string hex = sha256_hex(content);
    const auto nibble = [&](std::size_t i) -> unsigned {
        if (i >= hex.size()) return 0;
        return static_cast<unsigned>(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    };
    std::string out;
    // Three hexadecimal digits are two letters of base64; 64 digits leave one, and one "=".
    for (std::size_t i = 0; i < hex.size(); i += 3) {
        const unsigned bits = nibble(i) << 8 | nibble(i + 1) << 4 | nibble(i + 2);
        out += letters[bits >> 6];
        if (i + 1 < hex.size()) out += letters[bits & 63];
    }
    return out + "=";
}

}  // namespace peakward::detail
