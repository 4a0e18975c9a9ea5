#include "session/import.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/text.hpp"
#include "hardware/database.hpp"
#include "session/import_parts.hpp"
#include "store/run_store.hpp"

namespace peakward {
namespace {

// A run with its raw windows is a megabyte or so.
constexpr std::size_t batch_runs = 64;
// The newest profiles of a machine that are asked how fast its CPU is.
constexpr int stored_profiles_max = 50;
// Profiles of the older tool have a quarter of a megabyte.
constexpr std::uintmax_t profile_bytes_usual = 4u << 20;

// machine -> the best fp32 matrix product of its CPU, over the profiles of this call and the store.
using CpuRates = std::map<std::string, double>;

bool is_gpu_profile(const Run& run) {
    return std::any_of(run.measurements.begin(), run.measurements.end(), [](const Measurement& m) {
        return m.what.device != "cpu" && !m.what.device.empty();
    });
}

// What is known of the files before the first of them is taken.
struct Survey {
    CpuRates rates;
    std::map<std::string, std::string> times;  // file -> its time as it is written
};

Survey survey_of(const std::vector<std::string>& files, const StopToken& stop) {
    Survey survey;
    if (files.size() < 2) return survey;
    for (const std::string& file : files) {
        if (stop.stop_requested()) break;
        // What is larger is a list of runs, which is not read twice for this.
        std::error_code error;
        if (std::filesystem::file_size(file, error) > profile_bytes_usual || error) continue;
        const auto content = read_importable(file, stop);
        if (!content || content->older.size() != 1) continue;
        const older::ImportedRun& profile = content->older.front();
        survey.times[file] = profile.run.timestamp;
        const auto rate = fp32_gemm_gops(profile.run);
        if (is_gpu_profile(profile.run) || !rate) continue;
        double& best = survey.rates[profile.machine];
        best = std::max(best, *rate);
    }
    return survey;
}

void sort_by_file(std::vector<ImportNote>& notes) {
    std::stable_sort(notes.begin(), notes.end(),
                     [](const ImportNote& a, const ImportNote& b) { return a.file < b.file; });
}

void compare_with_cpu(older::ImportedRun& profile, const CpuRates& rates) {
    const auto cpu = rates.find(profile.machine);
    const auto rate = fp32_gemm_gops(profile.run);
    if (!is_gpu_profile(profile.run) || cpu == rates.end() || !rate || *rate >= cpu->second) return;
    profile.doubts.push_back(
        {"slower_than_cpu",
         fmt::format(
             "it is a profile of a GPU, and its fp32 matrix product of {:.1f} GOPS is slower "
             "than the {:.1f} GOPS of its own CPU: it may have run there",
             *rate, cpu->second)});
}

// Every precision is scored against every measurement: what no machine has is not computed.
Status check_precisions(const Run& run) {
    constexpr std::size_t precisions_max = 256;
    std::set<std::string_view> precisions;
    for (const Measurement& row : run.measurements) precisions.insert(row.what.precision);
    for (const Score& score : run.results) precisions.insert(score.precision);
    if (precisions.size() <= precisions_max) return {};
    return failed(fmt::format("has a run of {} precisions: no machine has more than {}",
                              precisions.size(), precisions_max));
}

Error stopped(const ImportReply& reply) {
    return {ErrorKind::interrupted,
            fmt::format("interrupted after {} runs: they are stored, and the same command goes on "
                        "from there",
                        reply.imported)};
}

class Import {
public:
    Import(const ImportRequest& request, ImportReply& reply, const StopToken& stop)
        : request_(request),
          reply_(reply),
          stop_(stop),
          database_(load_hardware(user_hardware_folder())) {}

    // An error is one of the store; what is wrong with the file is in the reply.
    Status take(const std::string& file, CpuRates& rates) {
        auto content = read_importable(file, stop_);
        if (!content) return refuse(file, content.error());
        if (content->is_database) return take_database(file);
        std::vector<Run> runs = std::move(content->runs);
        const std::int64_t now_unix = request_.now_unix.value_or(system_time_unix());
        for (const Run& run : runs) {
            if (auto ok = check_precisions(run); !ok) return refuse(file, ok.error());
            // A run of our own comes in as it is, so that nothing can flag it.
            if (auto why = why_impossible_time(run.timestamp_unix, now_unix); !why.empty())
                return refuse(
                    file, {ErrorKind::failed, fmt::format("run {} cannot be of {}: {}", run.run_id,
                                                          run.timestamp, why)});
        }
        for (older::ImportedRun& imported : content->older) {
            if (auto ok = check_precisions(imported.run); !ok) return refuse(file, ok.error());
            if (is_gpu_profile(imported.run))
                if (auto status = look_up_cpu(imported.machine, rates); !status) return status;
            compare_with_cpu(imported, rates);
            auto run =
                complete_import(std::move(imported), request_.from, database_, matcher_, now_unix);
            if (!run) return refuse(file, run.error());
            runs.push_back(std::move(*run));
        }
        return keep(file, content->what, std::move(runs));
    }

private:
    // A signal is no fault of the file.
    Status refuse(const std::string& file, const Error& error) {
        if (error.kind == ErrorKind::interrupted || stop_.stop_requested())
            return tl::make_unexpected(stopped(reply_));
        reply_.refused.push_back({file, error.message});
        return {};
    }

    Status open() {
        if (store_) return {};
        std::error_code error;
        const bool exists = std::filesystem::exists(reply_.store_location, error);
        if (request_.dry_run && !exists) return {};
        auto store =
            open_store(reply_.store_location, request_.dry_run ? OpenMode::read : OpenMode::append,
                       store_options());
        if (!store) return tl::make_unexpected(store.error());
        store_ = std::move(*store);
        reply_.notices = store_->notices();
        return {};
    }

    // The CPU profiles of a machine that earlier calls brought in, once for each machine.
    Status look_up_cpu(const std::string& machine, CpuRates& rates) {
        std::error_code error;
        if (!looked_up_.insert(machine).second ||
            !std::filesystem::exists(reply_.store_location, error))
            return {};
        if (auto status = open(); !status) return status;
        const std::string install = imported_install(request_.from, machine);
        auto known = store_->hardware();
        if (!known) return tl::make_unexpected(known.error());
        for (const KnownHardware& hardware : *known) {
            const auto& installs = hardware.installs;
            if (std::find(installs.begin(), installs.end(), install) == installs.end()) continue;
            if (auto status = look_up_cpu_of(hardware.lineage, rates[machine]); !status)
                return status;
        }
        return {};
    }

    Status look_up_cpu_of(const std::string& lineage, double& best) {
        RunFilter filter;
        filter.hardware = lineage;
        filter.limit = stored_profiles_max;
        auto summaries = store_->history(filter);
        if (!summaries) return tl::make_unexpected(summaries.error());
        for (const RunSummary& summary : *summaries) {
            if (!is_imported_suite(summary.suite)) continue;
            auto run = store_->find(summary.run_id);
            if (!run) return tl::make_unexpected(run.error());
            if (!is_gpu_profile(*run)) best = std::max(best, fp32_gemm_gops(*run).value_or(0));
        }
        return {};
    }

    // What is known under this id: of the store, or of an earlier file of a dry run.
    Result<std::optional<RunContent>> known_content(const std::string& run_id) {
        using Known = std::optional<RunContent>;
        if (const auto seen = seen_.find(run_id); seen != seen_.end()) return Known(seen->second);
        if (!store_) return Known();
        const auto digest = store_->digest_of(run_id);
        if (!digest) return tl::make_unexpected(digest.error());
        if (!*digest) return Known();
        const auto run = store_->find(run_id);
        if (!run) return tl::make_unexpected(run.error());
        auto content = content_of(*run);
        if (!content) return tl::make_unexpected(content.error());
        return Known(std::move(*content));
    }

    Status refuse_other(const std::string& file, const std::string& run_id, const RunContent& known,
                        const RunContent& given) {
        reply_.other_content = true;
        return refuse(file, {ErrorKind::failed,
                             fmt::format("has run {} with other content (SHA-256 {}) than the run "
                                         "that is known by this id (SHA-256 {}): one of them was "
                                         "changed after it was measured",
                                         run_id, given.digest, known.digest)});
    }

    // Whether the same document lies under this id in both databases; then nothing is read.
    Result<bool> is_equal_document(RunStore& source, const std::string& run_id) {
        if (!store_) return false;
        const auto known = store_->digest_of(run_id);
        if (!known) return tl::make_unexpected(known.error());
        if (!*known) return false;
        const auto given = source.digest_of(run_id);
        return given && *given == *known;
    }

    // Run by run: a database of years does not fit in memory. That every new run can be read is
    // seen before the first is written.
    Status take_database(const std::string& file) {
        auto source = open_store(file, OpenMode::documents, store_options());
        if (!source) return refuse(file, source.error());
        RunFilter all;
        all.limit = 0;
        auto summaries = (*source)->history(all);
        if (!summaries) return refuse(file, summaries.error());
        if (summaries->empty())
            return refuse(file, {ErrorKind::failed, "is a database of Peakward without a run"});
        if (auto status = open(); !status) return status;
        ImportedFile kept{file, "Peakward database", 0, 0};
        std::vector<std::string> fresh;
        // Oldest first: a correction comes after what it supersedes.
        for (auto at = summaries->rbegin(); at != summaries->rend(); ++at) {
            if (stop_.stop_requested()) return tl::make_unexpected(stopped(reply_));
            const auto equal = is_equal_document(**source, at->run_id);
            if (!equal) return tl::make_unexpected(equal.error());
            if (*equal) {
                ++kept.duplicates;
                continue;
            }
            const auto run = (*source)->find(at->run_id);
            if (!run) return refuse(file, run.error());
            const auto known = known_content(at->run_id);
            if (!known) return tl::make_unexpected(known.error());
            if (!*known) {
                fresh.push_back(at->run_id);
                continue;
            }
            const auto given = content_of(*run);
            if (!given) return refuse(file, given.error());
            if (!same_content(**known, *given))
                return refuse_other(file, at->run_id, **known, *given);
            ++kept.duplicates;
        }
        auto status = copy(**source, fresh, kept);
        count(kept);
        if (!status)
            return refuse(
                file, {status.error().kind, fmt::format("{} (after {} runs, which are in)",
                                                        status.error().message, kept.imported)});
        return {};
    }

    Status copy(RunStore& source, const std::vector<std::string>& ids, ImportedFile& kept) {
        std::vector<Run> batch;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (stop_.stop_requested()) return tl::make_unexpected(stopped(reply_));
            auto run = source.find(ids[i]);
            if (!run) return tl::make_unexpected(run.error());
            batch.push_back(std::move(*run));
            if (batch.size() < batch_runs && i + 1 < ids.size()) continue;
            if (auto status = bring_in(batch); !status) return status;
            kept.imported += std::ssize(batch);
            note_doubts(kept.file, batch);
            batch.clear();
        }
        return {};
    }

    // All of them or none. A dry run remembers them instead.
    Status bring_in(const std::vector<Run>& runs) {
        if (!request_.dry_run) {
            if (auto done = store_->append_all(runs); !done)
                return tl::make_unexpected(done.error());
            return {};
        }
        for (const Run& run : runs) {
            auto content = content_of(run);
            if (!content) return tl::make_unexpected(content.error());
            seen_.emplace(run.run_id, std::move(*content));
        }
        return {};
    }

    void count(const ImportedFile& kept) {
        reply_.imported += kept.imported;
        reply_.duplicates += kept.duplicates;
        reply_.files.push_back(kept);
    }

    Status keep(const std::string& file, const std::string& what, std::vector<Run> runs) {
        if (auto status = open(); !status) return status;
        ImportedFile kept{file, what, 0, 0};
        std::vector<Run> fresh;
        std::map<std::string, std::size_t> places;  // in `fresh`
        for (Run& run : runs) {
            if (stop_.stop_requested()) return tl::make_unexpected(stopped(reply_));
            const auto place = places.find(run.run_id);
            auto known = place == places.end()
                             ? known_content(run.run_id)
                             : content_of(fresh[place->second]).map([](RunContent content) {
                                   return std::optional(std::move(content));
                               });
            if (!known && place != places.end()) return refuse(file, known.error());
            if (!known) return tl::make_unexpected(known.error());
            if (!*known) {
                places.emplace(run.run_id, fresh.size());
                fresh.push_back(std::move(run));
                continue;
            }
            const auto given = content_of(run);
            if (!given) return refuse(file, given.error());
            if (!same_content(**known, *given))
                return refuse_other(file, run.run_id, **known, *given);
            ++kept.duplicates;
        }
        if (auto status = bring_in(fresh); !status) return refuse(file, status.error());
        kept.imported = std::ssize(fresh);
        count(kept);
        note_doubts(file, fresh);
        return {};
    }

    // One note a file: the reasons of its first doubtful run, and how many more there are.
    void note_doubts(const std::string& file, const std::vector<Run>& runs) {
        std::string reason;
        std::int64_t more = 0;
        for (const Run& run : runs) {
            if (!run.origin || run.origin->doubts.empty()) continue;
            if (reason.empty())
                reason = fmt::format("{}", fmt::join(run.origin->doubts, "; "));
            else
                ++more;
        }
        if (more > 0)
            reason += fmt::format("; and {} more run{} of this file", more, more == 1 ? "" : "s");
        if (reason.empty()) return;
        // Of a later batch: the file is named already.
        if (!reply_.flagged.empty() && reply_.flagged.back().file == file) return;
        reply_.flagged.push_back({file, reason});
    }

    StoreOptions store_options() const {
        StoreOptions options;
        options.stop = &stop_;
        return options;
    }

    const ImportRequest& request_;
    ImportReply& reply_;
    const StopToken& stop_;
    HardwareDatabase database_;
    Matcher matcher_{database_};  // made once: it compiles every pattern
    std::unique_ptr<RunStore> store_;
    std::map<std::string, RunContent> seen_;  // by run_id; of a dry run alone
    std::set<std::string> looked_up_;
};

}  // namespace

Result<ImportReply> import_files(const ImportRequest& request, const StopToken& stop) {
    if (request.paths.empty()) return wrong_usage("name files or folders to import");
    ImportReply reply;
    reply.store_location = default_store_location(request.db);
    FoundFiles found = find_importable(request.paths, stop);
    if (stop.stop_requested()) return tl::make_unexpected(stopped(reply));
    reply.refused = std::move(found.refused);
    reply.passed_over = found.passed_over;
    if (found.files.empty() && reply.refused.empty())
        return failed(fmt::format("{}: holds no file that ends in .json, .db, .sqlite or .sqlite3",
                                  fmt::join(request.paths, ", ")));
    Survey survey = survey_of(found.files, stop);
    // Oldest first, as runs are stored when they are measured; files that tell no time come last.
    std::stable_sort(found.files.begin(), found.files.end(),
                     [&](const std::string& a, const std::string& b) {
                         const std::string &at = survey.times[a], &other = survey.times[b];
                         return !at.empty() && (other.empty() || at < other);
                     });
    Import importer(request, reply, stop);
    for (const std::string& file : found.files) {
        if (stop.stop_requested()) return tl::make_unexpected(stopped(reply));
        if (auto status = importer.take(file, survey.rates); !status)
            return tl::make_unexpected(status.error());
    }
    sort_by_file(reply.flagged);
    sort_by_file(reply.refused);
    return reply;
}

}  // namespace peakward
