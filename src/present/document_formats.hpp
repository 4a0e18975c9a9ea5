// The renderers behind render(Document): one file each, a line here and one in document.cpp.
#pragma once

#include "present/document.hpp"

namespace peakward::detail {

std::string document_html(const Document& document);
std::string document_markdown(const Document& document);

}  // namespace peakward::detail
