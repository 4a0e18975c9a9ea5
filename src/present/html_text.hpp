// Text of others made safe for an HTML file: nothing in it is markup, script or a control
// character.
#pragma once

#include <string>
#include <string_view>

namespace peakward::detail {

// For the content of elements and for attributes in double quotes.
std::string html_text(std::string_view text);

// A JSON string, quotes included, that may stand inside <script>: ASCII only (so no U+2028), and
// "<", ">" and "&" are escapes, so that no "</script>" and no "<!--" can appear.
std::string script_string(std::string_view text);

// SHA-256 in base64, as a Content-Security-Policy names the scripts and styles that it allows.
std::string policy_hash(std::string_view content);

}  // namespace peakward::detail
