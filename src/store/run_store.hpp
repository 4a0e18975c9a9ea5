// Runs, kept for ever: append and query. Nothing here changes or removes a run.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/progress.hpp"
#include "core/records.hpp"
#include "core/result.hpp"
#include "core/series.hpp"

namespace peakward {

struct RunSummary {
    std::string run_id;
    std::string timestamp;
    std::string hardware_fingerprint;
    std::string software_fingerprint;
    std::string lineage;
    std::string suite;
    std::string cpu_model;  // "unknown" when it is
    std::string gpu_model;  // "N/A" when there is none
    double wall_s = 0;
    int measured = 0;  // cases with outcome measured
    int cases = 0;
    std::vector<std::string> flags;
    std::optional<double> best_gops;  // largest peak_measured_gops of the run's scores
    std::optional<std::string> best_precision;
    std::optional<double> stream_best_gbps;
    std::optional<std::string> supersedes;
};

struct RunFilter {
    int limit = 20;             // 0: all
    std::string hardware = {};  // fingerprint or lineage prefix
    std::string since = {};     // ISO 8601, inclusive: "2026-11", "2026-11-20T14:30Z"
    std::string until = {};     // the same; a day means to its end
};

// The newest run at some moment: its chain hash stands for the whole history up to it.
struct ChainHead {
    std::int64_t seq = 0;
    std::string chain_sha256;
};

struct VerifyReport {
    std::int64_t runs = 0;
    std::vector<std::string> problems;  // one sentence each; empty: the chain holds
    // The first problem that rebuild() does not heal: of a run, of the chain or of the schema.
    std::optional<std::string> lasting_problem;
    std::optional<Error> read_failure;  // why the system did not give all of the file
    ChainHead head;
    // The place of the head that was asked for; none: not asked for, or no run has it.
    std::optional<std::int64_t> expected_seq;
    // The head that this account has last seen in this database, where it has seen it.
    std::optional<ChainHead> seen;
};

struct StoreInfo {
    std::string location;
    std::string engine;  // "SQLite 3.40.1"
    int schema_version = 0;
    int schema_version_of_program = 0;
    std::int64_t runs = 0;
    std::int64_t measurements = 0;
    std::int64_t installs = 0;
    std::int64_t size_bytes = 0;
    std::string first_timestamp, last_timestamp;
    std::string chain_head;  // SHA-256 of the newest run
};

// Empty parts take everything. A device "cuda" is any of its devices, a suite "quick" any version
// of it; scores have no operation. A case's series holds runs of many suites: a suite takes the
// points of its own runs.
struct SeriesFilter {
    std::optional<SeriesKind> kind = {};
    std::vector<std::string> lineages = {};
    std::vector<std::string> metrics = {};
    std::string device = {}, backend = {}, precision = {}, operation = {}, suite = {};
    std::string since = {}, until = {};  // as RunFilter
};

// A row of the view calibration_runs (docs/store.md): run x device x precision x backend.
using StoredValue = std::variant<std::monostate, std::int64_t, double, std::string>;  // first: NULL
struct StoredRow {
    const std::vector<std::string>& columns;
    const std::vector<StoredValue>& values;
    // NULL where there is no such column.
    const StoredValue& of(std::string_view column) const;
};

enum class AppendOutcome { appended, already_there };

// Every method may be called again after a failure; each is one transaction.
class RunStore {
public:
    virtual ~RunStore() = default;

    // Durable when it returns. The same run_id with the same content: already_there. The same
    // run_id with other content is refused.
    virtual Result<AppendOutcome> append(const Run& run) = 0;
    // Several runs in their order, all of them or none; one outcome each. The error is that of the
    // first that is refused.
    virtual Result<std::vector<AppendOutcome>> append_all(std::span<const Run> runs) = 0;

    virtual Result<std::vector<RunSummary>> history(const RunFilter& filter) = 0;  // newest first
    // By run_id or any unambiguous prefix; the error lists the candidates.
    virtual Result<Run> find(const std::string& run_id_prefix) = 0;
    // SHA-256 of the document of the run with exactly this id, as it is now; nothing when there is
    // no such run.
    virtual Result<std::optional<std::string>> digest_of(const std::string& run_id) = 0;

    // Every lineage there is, by its newest run, newest first.
    virtual Result<std::vector<KnownHardware>> hardware() = 0;
    // In the order of their first run: a place in it stays the same while runs are appended.
    virtual Result<std::vector<SoftwareStack>> stacks() = 0;
    // One series at a time, so that a store of any size fits in memory; `take` ends the reading by
    // an error, and must not use this store. Scores first; the metrics of one score or case follow
    // each other. A series has one point at least whose value is a number. All of it is one
    // snapshot, with the stacks as they were when it began.
    virtual Status each_series(const SeriesFilter& filter,
                               const std::function<Status(Series&&)>& take) = 0;
    // Their keys alone, with metric and unit left empty, and the suite of cases too. Metrics and
    // period of the filter are ignored, and for cases its suite.
    virtual Result<std::vector<SeriesKey>> series_keys(const SeriesFilter& filter) = 0;
    virtual Result<std::vector<std::string>> metrics() = 0;  // of all series, by name
    // In the order asked for; a seq that does not exist is an error.
    // Their `implementations` are left empty: see below.
    virtual Result<std::vector<RunFacts>> facts_of(const std::vector<std::int64_t>& seqs) = 0;
    // What ran in the measured cases of a run that says so; of a seq that does not exist, nothing.
    virtual Result<std::vector<CaseImplementation>> implementations_of(std::int64_t seq) = 0;

    // One row at a time, by time; `take` as above.
    virtual Status each_calibration_row(const std::function<Status(const StoredRow&)>& take) = 0;

    // What no file can prove of itself, that no run was removed at its end and that it is no older
    // copy, is compared with `expected_head`, the chain hash of a run that must be in it ("":
    // none), and with the head that this account has last seen.
    virtual Result<VerifyReport> verify(const std::string& expected_head = "") = 0;
    virtual Result<StoreInfo> info() = 0;
    // Derived tables made anew from the stored runs; the runs themselves are not touched. Verifies
    // first, and refuses where what is derived is all that still tells of a run. Others read and
    // append meanwhile; where it ends early, all is as before.
    virtual Status rebuild() = 0;
    // What was noticed when it was opened, one sentence each: it went back.
    virtual std::vector<std::string> notices() = 0;
};

enum class OpenMode {
    read,       // must exist
    documents,  // as read, also of an older schema: for history(), find() and digest_of() alone
    inspect,    // as read, also where the schema is not Peakward's: for verify() alone
    append,     // made when missing, with its folder; older schemas are migrated
};

struct StoreOptions {
    const StopToken* stop = nullptr;             // once it is set every method fails as interrupted
    std::chrono::milliseconds lock_wait{10000};  // how long another process may hold the lock
    std::function<void()> on_wait = {};          // called once a wait for it has lasted 2 s
    // Where the last head of each database is remembered; "": nowhere. It is never an error that
    // this cannot be read or written.
    std::string memory_folder = {};
};

// `--db` if given, else $PEAKWARD_DB, else $XDG_DATA_HOME/peakward/calibrations.db.
std::string default_store_location(const std::string& from_option);
// A path, or postgresql://... (a later release; refused here with that sentence). Without a
// memory_folder it is "heads" in the state folder.
Result<std::unique_ptr<RunStore>> open_store(const std::string& location, OpenMode mode,
                                             StoreOptions options = {});
// Brings an older schema up to this program's; says from and to.
struct MigrationReport {
    int from = 0, to = 0;
};
Result<MigrationReport> migrate_store(const std::string& location, StoreOptions options = {});

}  // namespace peakward
