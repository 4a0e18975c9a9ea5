// The text of a file -> the JSON in it, and what kind of document that is.
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/result.hpp"

namespace peakward::older {

struct Document {
    Json json;
    // How often NaN or Infinity stood for a number, as Python writes them; each is now null.
    int not_numbers = 0;
};

// UTF-8 with or without a byte order mark, or UTF-16 with one. The error is one sentence, without
// the file's name: empty, binary, cut short, nested too deep, not JSON.
Result<Document> read_document(std::string_view text, const StopToken* stop = nullptr);

enum class DocumentKind {
    older_profile,  // one calibration of the older tool, any generation
    run,            // a run of Peakward itself
    runs,           // a list of them, bare or as "runs"
    rows,           // a list of rows in seed 000's columns, bare or as "runs"
    foreign,        // anything else
};
// For `foreign`, `why` becomes the sentence that says what it is instead.
DocumentKind kind_of(const Json& json, std::string& why);

// The list in a document of the kinds `runs` and `rows`.
const Json& items_of(const Json& json);

}  // namespace peakward::older
