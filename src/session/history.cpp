#include "session/history.hpp"

#include "core/text.hpp"
#include "session/ask_store.hpp"
#include "session/probe_history.hpp"
#include "session/products.hpp"

namespace peakward {

Result<Run> find_in_store(RunStore& store, const std::string& db, const std::string& which) {
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

namespace {

bool is_chain_hash(std::string_view text) {
    constexpr std::size_t digits = 64;
    return text.size() == digits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<std::vector<RunSummary>> list_runs(const std::string& db, const RunFilter& filter,
                                          const StopToken* stop) {
    return ask<std::vector<RunSummary>>(db, stop, [&](RunStore& s) { return s.history(filter); });
}

Result<Run> find_run(const std::string& db, const std::string& which, Efficiencies efficiencies,
                     const StopToken* stop) {
    return ask<Run>(db, stop, [&](RunStore& store) -> Result<Run> {
        auto run = find_in_store(store, db, which);
        if (!run || efficiencies != Efficiencies::current) return run;
        const auto probes = ProbeHistory::read(store, run->context);
        use_current_specs(*run, load_hardware(user_hardware_folder()),
                          probes ? probes->classes() : std::vector<ProbedClass>{});
        return run;
    });
}

Result<StoreInfo> store_info(const std::string& db, const StopToken* stop) {
    return ask<StoreInfo>(db, stop, [](RunStore& store) { return store.info(); });
}

Result<VerifyReport> verify_store(const std::string& db, const std::string& expected_head,
                                  const StopToken* stop) {
    if (!expected_head.empty() && !is_chain_hash(expected_head))
        return wrong_usage(fmt::format(
            "--expect-head takes a chain hash, 64 digits of 0-9 and a-f, as 'peakward db "
            "info' prints it, not '{}'",
            expected_head));
    return ask<VerifyReport>(
        db, stop, [&](RunStore& store) { return store.verify(expected_head); }, OpenMode::inspect);
}

Result<MigrationOutcome> migrate_database(const std::string& db, const StopToken* stop) {
    MigrationOutcome outcome;
    outcome.location = default_store_location(db);
    auto versions = migrate_store(outcome.location, stopped_by(stop));
    if (!versions) return tl::make_unexpected(versions.error());
    outcome.versions = *versions;
    return outcome;
}

Result<std::string> rebuild_store(const std::string& db, const StopToken* stop) {
    std::string location = default_store_location(db);
    auto store = open_store(location, OpenMode::append, stopped_by(stop));
    if (!store) return tl::make_unexpected(store.error());
    if (auto done = (*store)->rebuild(); !done) return tl::make_unexpected(done.error());
    return location;
}

}  // namespace peakward
