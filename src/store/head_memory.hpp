// What an account remembers of the databases it has worked with. A file cannot prove that it is not
// an older copy of itself; whoever has seen it later can tell.
#pragma once

#include <optional>
#include <string>

#include "store/run_store.hpp"

namespace peakward::store {

struct SeenHead {
    ChainHead head;
    std::string first_chain_sha256;  // of its first run: another database has another one
};

// None where nothing is remembered, or nothing that can be read. `folder` "": no memory.
std::optional<SeenHead> seen_head(const std::string& folder, const std::string& location);
// What cannot be written is not remembered.
void remember_head(const std::string& folder, const std::string& location, const SeenHead& seen);

// The sentence for a database that no longer holds the run that it was seen with.
std::string went_back(const std::string& folder, const std::string& location,
                      const ChainHead& seen);

}  // namespace peakward::store
