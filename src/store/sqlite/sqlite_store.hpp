// RunStore on one SQLite file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/head_memory.hpp"
#include "store/run_store.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/open.hpp"
#include "store/sqlite/points.hpp"
#include "store/sqlite/schema.hpp"
#include "store/stored_run.hpp"

namespace peakward::store {

Result<std::unique_ptr<RunStore>> open_sqlite_store(const std::string& path, OpenMode mode,
                                                    const SqliteOptions& options = {});

class IndexWriter;

class SqliteStore : public RunStore {
public:
    SqliteStore(std::unique_ptr<Connection> connection, SqliteOptions options)
        : connection_(std::move(connection)),
          options_(std::move(options)),
          schema_(options_.migrations) {}

    Result<AppendOutcome> append(const Run& run) override;
    Result<std::vector<AppendOutcome>> append_all(std::span<const Run> runs) override;
    Result<std::vector<RunSummary>> history(const RunFilter& filter) override;
    Result<Run> find(const std::string& run_id_prefix) override;
    Result<std::optional<std::string>> digest_of(const std::string& run_id) override;
    Result<std::vector<KnownHardware>> hardware() override;
    Result<std::vector<SoftwareStack>> stacks() override;
    Status each_series(const SeriesFilter& filter,
                       const std::function<Status(Series&&)>& take) override;
    Result<std::vector<SeriesKey>> series_keys(const SeriesFilter& filter) override;
    Result<std::vector<std::string>> metrics() override;
    Result<std::vector<RunFacts>> facts_of(const std::vector<std::int64_t>& seqs) override;
    Result<std::vector<CaseImplementation>> implementations_of(std::int64_t seq) override;
    Status each_calibration_row(const std::function<Status(const StoredRow&)>& take) override;
    Result<VerifyReport> verify(const std::string& expected_head) override;
    Result<StoreInfo> info() override;
    Status rebuild() override;
    std::vector<std::string> notices() override { return notices_; }

    ~SqliteStore() override;
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    // Notices when it went back since this account has last seen it.
    Status look_at_memory();

private:
    // That what is written is still written into what was opened: another program may have changed
    // the file. In the transaction that writes.
    Status check_version();
    // The newest run, for the memory; a database that went back is remembered as it was.
    void note_head();
    Status fill_and_swap(IndexWriter& writer, std::int64_t schema_version);
    // Whether the run is there already; refused when it is, with other content.
    Result<bool> is_there(const StoredRun& stored);
    Status check_superseded(const Run& run);
    std::int64_t insert_run(const StoredRun& stored);

    std::unique_ptr<Connection> connection_;
    SqliteOptions options_;
    ExpectedSchema schema_;
    std::vector<std::string> notices_;
    bool went_back_ = false;
    SeenHead newest_;  // written to the memory when the store is closed
};

// SHA-256 that stands for the whole history up to the run `seq` with content `sha256`.
std::string chain_hash(std::int64_t seq, const std::string& previous_chain_sha256,
                       const std::string& sha256);

// The words of a list in JSON, as flags are stored; none when it is not one.
std::vector<std::string> words_of(std::string_view json_list);

// What a rebuild left that was ended.
void drop_rebuild_tables(Connection& connection);

// What the index tells of runs that are not stored, which an index made anew would hide: a sentence
// each. Empty also where it cannot be read.
std::vector<std::string> traces_of_missing_runs(Connection& connection);

// Makes the whole index anew out of the documents, where no table of a rebuild is; the caller's
// transaction holds the lock. Refused where that would hide that runs were removed.
Status make_index(Connection& connection, const ExpectedSchema& schema);

// What a file cannot prove of itself.
struct VerifyExpectations {
    std::string head;              // chain hash of a run that must be in it; "": none
    std::optional<SeenHead> seen;  // as the memory has it
    std::string memory_folder;     // for the sentence
};

// All of a database is computed again and compared.
Result<VerifyReport> verify_database(Connection& connection, const ExpectedSchema& schema,
                                     const VerifyExpectations& expected);

// The statements that write the index of runs, prepared once.
class IndexWriter {
public:
    explicit IndexWriter(Connection& connection, IndexNames names = {});
    void write(std::int64_t seq, const RunRows& rows);

private:
    std::int64_t series_id(Statement& find, Statement& add, const std::string& sha256,
                           const std::string& key);

    Connection& connection_;
    std::vector<Statement> tables_;
    Statement find_series_, add_series_, measurement_, value_;
    Statement find_score_series_, add_score_series_;
    PointWriter points_;
};

}  // namespace peakward::store
