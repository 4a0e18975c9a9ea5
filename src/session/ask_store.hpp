// One question to a database, opened for it.
#pragma once

#include <string>

#include "core/ports.hpp"
#include "core/result.hpp"
#include "store/run_store.hpp"

namespace peakward {

inline StoreOptions stopped_by(const StopToken* stop) {
    StoreOptions options;
    options.stop = stop;
    return options;
}

// The run with this id or start of an id, or the newest one for "latest"; as it was recorded. `db`
// is for the error.
Result<Run> find_in_store(RunStore& store, const std::string& db, const std::string& which);

// Opens for reading and asks one question.
template <typename Answer, typename Question>
Result<Answer> ask(const std::string& db, const StopToken* stop, Question question,
                   OpenMode mode = OpenMode::read) {
    auto store = open_store(default_store_location(db), mode, stopped_by(stop));
    if (!store) return tl::make_unexpected(store.error());
    return question(**store);
}

}  // namespace peakward
