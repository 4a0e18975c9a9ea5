// Text of others in what build services read: JUnit's XML and GitHub's workflow commands.
#pragma once

#include <string>
#include <string_view>

namespace peakward {

// For the content of XML elements and for attributes in double quotes. Line breaks stay; what
// XML 1.0 cannot hold, escaped or not, is shown as by safe_text().
std::string xml_text(std::string_view text);

// For the message of a workflow command, and for the value of one of its properties.
std::string github_message(std::string_view text);
std::string github_property(std::string_view text);

}  // namespace peakward
