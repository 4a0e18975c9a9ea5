// What the store holds, for the command line and the bindings. `db` is the location as given with
// --db; "" is the default (DESIGN section 5). The records are the store's own. Once `stop` is set
// each of these ends as interrupted.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "store/run_store.hpp"

namespace peakward {

// Newest first.
Result<std::vector<RunSummary>> list_runs(const std::string& db, const RunFilter& filter,
                                          const StopToken* stop = nullptr);

// Whether peaks and efficiencies are those of the hardware database as it is now, or what was
// recorded when the run was made.
enum class Efficiencies { current, as_recorded };
// By run_id, any unambiguous prefix of one, or the word "latest".
Result<Run> find_run(const std::string& db, const std::string& which,
                     Efficiencies efficiencies = Efficiencies::current,
                     const StopToken* stop = nullptr);

Result<StoreInfo> store_info(const std::string& db, const StopToken* stop = nullptr);
// Problems in the chain are in the report; an error means that it could not be read at all.
// `expected_head`: the chain hash of a run that must be in it, 64 hexadecimal digits; "": none.
Result<VerifyReport> verify_store(const std::string& db, const std::string& expected_head = "",
                                  const StopToken* stop = nullptr);
struct MigrationOutcome {
    std::string location;
    MigrationReport versions;
};
Result<MigrationOutcome> migrate_database(const std::string& db, const StopToken* stop = nullptr);
// Says which database it was.
Result<std::string> rebuild_store(const std::string& db, const StopToken* stop = nullptr);

}  // namespace peakward
