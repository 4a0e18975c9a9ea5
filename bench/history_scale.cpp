// What a large history costs to read: one trajectory, all series, the summaries behind `maturity`
// and `regressions`, and appending to it.
//
//   history_scale [--folder DIR] [--runs 1000000] [--appends 100] [--keep] [--verify]
//
// The database is generated (bench/generated_history.hpp, seeded) and takes minutes and about 10 KB
// a run; with --keep it is used again by the next call. CPU pressure and CPU time are printed
// beside the wall time.
#include <filesystem>

#include "generated_history.hpp"
#include "report.hpp"
#include "session/analysis.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace {

using namespace peakward;
using namespace peakward::bench;
namespace fs = std::filesystem;

constexpr int days = 365;

struct Options {
    std::string folder = ".";
    int runs = 1000000;
    int appends = 100;
    bool keep = false;
    bool verify = false;
};

HistoryShape shape_of(const Options& options) {
    HistoryShape shape;
    shape.machines = std::max(1, options.runs / days);
    return shape;
}

std::unique_ptr<RunStore> open_in(const std::string& path, bool durable) {
    store::SqliteOptions options;
    options.durable = durable;
    return must(store::open_sqlite_store(path, OpenMode::append, options));
}

// Day by day through all machines, as they would report: neighbours in the file are strangers.
void fill(const std::string& path, const Options& options) {
    constexpr std::size_t batch_runs = 1000;
    const HistoryShape shape = shape_of(options);
    auto store = open_in(path, false);
    std::int64_t there = must(store->info()).runs;
    if (there >= std::int64_t{shape.machines} * days) return;
    const auto start = SteadyClock::now();
    GeneratedHistory history(shape);
    std::vector<Run> batch;
    std::int64_t number = 0, added = 0;
    for (int day = 0; day < days; ++day) {
        for (int machine = 0; machine < shape.machines; ++machine) {
            if (number++ >= there) batch.push_back(history.run(machine, day));
            const bool last = day + 1 == days && machine + 1 == shape.machines;
            if (batch.size() < batch_runs && !(last && !batch.empty())) continue;
            must(store->append_all(batch));
            added += std::int64_t(batch.size());
            batch.clear();
        }
        if (day % 20 == 0)
            fmt::print(stderr, "day {}: {} runs added, {:.0f} s\n", day, added,
                       milliseconds_since(start) / 1e3);
    }
    fmt::print("generated {} runs in {:.0f} s ({:.0f} runs/s)\n", added,
               milliseconds_since(start) / 1e3, double(added) * 1e3 / milliseconds_since(start));
}

struct Read {
    std::size_t series = 0, points = 0;
};

Read read_series(RunStore& store, const SeriesFilter& filter) {
    Read read;
    const auto status = store.each_series(filter, [&](Series&& series) -> Status {
        ++read.series;
        read.points += series.points.size();
        return {};
    });
    if (!status) die(status.error().message);
    return read;
}

void bench_store(const std::string& path, const Options& options) {
    const int kinds = shape_of(options).machines / HistoryShape{}.machines_per_lineage + 1;
    report("open + hardware()", 20, [&](int) {
        auto store = must(open_store(path, OpenMode::read));
        must(store->hardware());
    });
    auto store = must(open_store(path, OpenMode::read));
    report("info()", 5, [&](int) { must(store->info()); });
    SeriesFilter one;
    one.kind = SeriesKind::score;
    one.metrics = {"peak_measured_gops"};
    one.precision = "fp32";
    one.backend = "blas";
    Read read;
    report("open + one lineage's trajectories", 50, [&](int i) {
        auto fresh = must(open_store(path, OpenMode::read));
        one.lineages = {GeneratedHistory::lineage_of(i * 7 % kinds)};
        const Read now = read_series(*fresh, one);
        if (now.points > 0) read = now;
    });
    fmt::print("  of {} series, {} points\n", read.series, read.points);
    SeriesFilter all;
    all.kind = SeriesKind::score;
    all.metrics = {"peak_measured_gops"};
    report("all series of peak_measured_gops", 3, [&](int) { read = read_series(*store, all); });
    fmt::print("  of {} series, {} points; memory at most {} MiB\n", read.series, read.points,
               memory_max_mib());
    all = {};
    report("all series of all metrics", 1, [&](int) { read = read_series(*store, all); });
    fmt::print("  of {} series, {} points; memory at most {} MiB\n", read.series, read.points,
               memory_max_mib());
}

void bench_loader(const std::string& path, const Options& options) {
    const int kinds = std::max(1, shape_of(options).machines / HistoryShape{}.machines_per_lineage);
    SeriesRequest one;
    one.precision = "fp32";
    one.backend = "blas";
    report("load_series --hardware LINEAGE", 20, [&](int i) {
        one.hardware = GeneratedHistory::lineage_of(i * 7 % kinds);
        must(load_series(path, one));
    });
    std::size_t series = 0;
    report("load_series of everything", 3, [&](int) {
        const auto loaded = must(load_series(path, {}));
        series = 0;
        for (const Subject& subject : loaded.subjects) series += subject.series.size();
    });
    fmt::print("  of {} series; memory at most {} MiB\n", series, memory_max_mib());
}

// A full run has 40 measurements of 300 raw windows each. They come from machines of their own.
void bench_append(const std::string& path, const Options& options) {
    std::vector<Run> runs;
    const auto now = SteadyClock::now().time_since_epoch().count();
    for (int i = 0; i < options.appends; ++i)
        runs.push_back(store_test::make_run({.seed = std::uint64_t(now) + std::uint64_t(i)}));
    for (const bool durable : {true, false}) {
        auto store = open_in(path, durable);
        report(durable ? "append a full run, durable" : "append a full run, without fsync",
               options.appends / 2, [&](int i) {
                   must(store->append(runs[std::size_t(durable ? i : i + options.appends / 2)]));
               });
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        const bool has_value = i + 1 < argc;
        if (option == "--folder" && has_value)
            options.folder = argv[++i];
        else if (option == "--runs" && has_value)
            options.runs = std::atoi(argv[++i]);
        else if (option == "--appends" && has_value)
            options.appends = std::max(4, std::atoi(argv[++i]));
        else if (option == "--keep")
            options.keep = true;
        else if (option == "--verify")
            options.verify = true;
        else
            die("usage: history_scale [--folder DIR] [--runs N] [--appends N] [--keep] [--verify]");
    }
    const std::string path = fmt::format("{}/history_scale_{}.db", options.folder, options.runs);
    print_pressure("before");
    fill(path, options);
    fmt::print("database: {} MiB\n", fs::file_size(path) >> 20);
    bench_store(path, options);
    bench_loader(path, options);
    bench_append(path, options);
    if (options.verify) {
        const auto start = SteadyClock::now();
        const auto verified = must(must(open_store(path, OpenMode::read))->verify());
        fmt::print("verify {} runs: {:.0f} s, {} problems\n", verified.runs,
                   milliseconds_since(start) / 1e3, verified.problems.size());
    }
    if (!options.keep)
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path + suffix);
    print_pressure("after");
    return 0;
}
