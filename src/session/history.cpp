#include "session/history.hpp"

#include "session/probe_history.hpp"
#include "session/products.hpp"

namespace peakward {
namespace {

// Opens for reading and asks one question.
template <typename Answer, typename Question>
Result<Answer> ask(const std::string& db, Question question) {
    auto store = open_store(default_store_location(db), OpenMode::read);
    if (!store) return tl::make_unexpected(store.error());
    return question(**store);
}

Result<Run> find_in(RunStore& store, const std::string& db, const std::string& which) {
    if (which != "latest") return store.find(which);
    RunFilter newest;
    newest.limit = 1;
    auto runs = store.history(newest);
    if (!runs) return tl::make_unexpected(runs.error());
    if (runs->empty())
        return failed("the database " + default_store_location(db) +
                      " holds no run yet; peakward calibrate makes one");
    return store.find(runs->front().run_id);
}

}  // namespace

Result<std::vector<RunSummary>> list_runs(const std::string& db, const RunFilter& filter) {
    return ask<std::vector<RunSummary>>(db, [&](RunStore& s) { return s.history(filter); });
}

Result<Run> find_run(const std::string& db, const std::string& which, Efficiencies efficiencies) {
    return ask<Run>(db, [&](RunStore& store) -> Result<Run> {
        auto run = find_in(store, db, which);
        if (!run || efficiencies != Efficiencies::current) return run;
        const auto probes = ProbeHistory::read(store, run->context);
        use_current_specs(*run, load_hardware(user_hardware_folder()),
                          probes ? probes->classes() : std::vector<ProbedClass>{});
        return run;
    });
}

Result<StoreInfo> store_info(const std::string& db) {
    return ask<StoreInfo>(db, [](RunStore& store) { return store.info(); });
}

Result<VerifyReport> verify_store(const std::string& db) {
    return ask<VerifyReport>(db, [](RunStore& store) { return store.verify(); });
}

Result<MigrationOutcome> migrate_database(const std::string& db) {
    MigrationOutcome outcome;
    outcome.location = default_store_location(db);
    auto versions = migrate_store(outcome.location);
    if (!versions) return tl::make_unexpected(versions.error());
    outcome.versions = *versions;
    return outcome;
}

Result<std::string> rebuild_store(const std::string& db) {
    std::string location = default_store_location(db);
    auto store = open_store(location, OpenMode::append);
    if (!store) return tl::make_unexpected(store.error());
    if (auto done = (*store)->rebuild(); !done) return tl::make_unexpected(done.error());
    return location;
}

}  // namespace peakward
