// The form in which a run is kept: one canonical JSON document without the raw windows, and the
// windows in a compact form whose SHA-256 stands in the document. One hash so covers all of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/records.hpp"
#include "core/result.hpp"

namespace peakward::store {

struct StoredRun {
    std::string document;  // canonical JSON
    std::string windows;   // encode_windows()
    std::string sha256;    // content hash: of `document`
    Run as_read;           // what `document` gives back: without windows, text made valid UTF-8
};

// Fails, naming the field, when the run would not come back as it is: no id, a timestamp that does
// not agree with timestamp_unix, a number that JSON cannot hold, two scores for one device, backend
// and precision.
Result<StoredRun> stored_form(const Run& run);

// The run without its windows. `what` names the run in the error.
Result<Run> run_of_document(std::string_view document, std::string_view what);
// The SHA-256 of the windows, as the document states it; "" when it does not.
std::string windows_sha256_of(const Json& document);

// All windows of all measurements. Layout (docs/store.md has a decoder in Python): the byte 1; the
// number of measurements; for each the number of windows and, for each window, one byte (bits 0-2
// verdict, bit 3 the iterations are those of the window before, bit 4 so is the clock), the gap
// between the end of the window before and this start, the wall time less that of the window
// before, then the iterations and the clock where they are new. Counts are LEB128, differences
// zigzag LEB128 (ns), the others float64, little-endian.
std::string encode_windows(const std::vector<Measurement>& measurements);
// Fails when the bytes are not what encode_windows makes for that many measurements.
Status decode_windows(std::string_view bytes, std::vector<Measurement>& measurements);

}  // namespace peakward::store
