// What several targets ask for.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/result.hpp"
#include "present/display_text.hpp"

namespace peakward::fuzz {

inline bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

// Text reaches a screen through safe_text(): what is left of it there must be harmless.
inline std::string broken_text(std::string_view text) {
    const std::string shown = safe_text(text);
    if (std::any_of(shown.begin(), shown.end(), is_control)) return "a control character is shown";
    for (std::size_t at = 0; at + 1 < shown.size(); ++at)
        if (shown[at] == '\xC2' && static_cast<unsigned char>(shown[at + 1]) < 0xA0)
            return "a C1 control character is shown";
    try {
        (void)Json(shown).dump();  // throws on bytes that are not UTF-8
    } catch (const Json::exception&) {
        return "text that is not UTF-8 is shown";
    }
    return "";
}

// A refusal is a sentence that a screen can show.
inline std::string broken_refusal(const Error& error) {
    if (error.message.empty()) return "an error without a sentence";
    return broken_text(error.message);
}

}  // namespace peakward::fuzz
