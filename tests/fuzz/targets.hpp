// What must be true of any bytes that a reader of outside input is given: each target returns "",
// or the sentence that says what was not. ./dev fuzz drives them with libFuzzer, replay_test.cpp
// with what is kept in tests/fixtures/fuzz.
#pragma once

#include <string>
#include <string_view>

namespace peakward::fuzz {

// A CSV text into series, and the change-point engine over them.
std::string csv_series(std::string_view bytes);

// A JSON document of another program or of Peakward itself into runs that a store can take.
std::string import_document(std::string_view bytes);

}  // namespace peakward::fuzz
