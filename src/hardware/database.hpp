// The hardware database: what is compiled in, and the user's folder beside it, which wins.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec.hpp"

namespace peakward {

// $XDG_DATA_HOME/peakward/hardware, else below $HOME/.local/share; "" when neither is set.
std::string user_hardware_folder();

struct HardwareDatabase {
    std::vector<HardwareSpec> specs;          // by id; each id once
    std::vector<Architecture> architectures;  // compiled in
    // User files that could not be used, one sentence each. The compiled-in entries stand.
    std::vector<std::string> problems;

    // By id or alias; "-" and "_" and case do not matter. Null when there is none.
    const HardwareSpec* find(const std::string& name) const;
};

// Compiled-in entries alone; a broken one is a bug that a test finds, and is left out with a
// problem.
HardwareDatabase builtin_hardware();
// With the user's folder over it ("" for none). A folder that does not exist holds nothing.
HardwareDatabase load_hardware(const std::string& user_folder);

// The entry, or a usage error that names the nearest ids.
Result<const HardwareSpec*> need_product(const HardwareDatabase& database, const std::string& name);

// What is wrong between entries: a name that two of them claim, parts of a board that do not
// exist, patterns of two products that no host could tell apart, figures 1000 times those of the
// other products of the kind.
std::vector<std::string> problems_between(const HardwareDatabase& database);

// Writes an entry to <folder>/<kind>/<vendor>/<id>.json in one step; gives the path. Everything
// that would be a problem is refused before anything is written.
Result<std::string> write_entry(const std::string& folder, const HardwareSpec& spec);
// What export-calibration derived, beside the entries: <folder>/calibrations/<id>.json.
Result<std::string> write_calibration(const std::string& folder, const std::string& id,
                                      const Json& calibration);

// The text of a product's file: two blanks a level, in the order people read it.
std::string entry_text(const Json& document);

}  // namespace peakward
