// What the store costs: appending a full run durably, history and one trajectory in a large
// database, verifying, bytes per run.
//
//   store_bench [--folder DIR] [--runs 100000] [--appends 100] [--keep]
//
// Figures of a busy machine say little about the store: the CPU pressure before and after, the bare
// fdatasync of the same folder and the CPU time are printed beside the wall time.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "report.hpp"
#include "store/make_run.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace {

using namespace peakward;
namespace fs = std::filesystem;
using namespace peakward::bench;

struct Options {
    std::string folder = ".";
    int runs = 100000;
    int appends = 100;
    bool keep = false;
};

std::unique_ptr<RunStore> open_in(const std::string& path, bool durable) {
    store::SqliteOptions options;
    options.durable = durable;
    return must(store::open_sqlite_store(path, OpenMode::append, options));
}

void bench_fsync(const Options& options) {
    const std::string path = options.folder + "/store_bench.sync";
    const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) die(path + " cannot be written");
    const std::string block(256 << 10, 'x');
    report("bare write + fdatasync of 256 KiB", 100, [&](int) {
        if (::pwrite(fd, block.data(), block.size(), 0) < 0 || ::fdatasync(fd) != 0)
            die("fdatasync failed");
    });
    ::close(fd);
    fs::remove(path);
}

// A full run: 40 measurements of 300 raw windows each.
void bench_append(const Options& options, const std::string& path) {
    std::vector<Run> runs;
    for (int i = 0; i < options.appends; ++i)
        runs.push_back(store_test::make_run({.seed = std::uint64_t(i) + 1}));
    for (const bool durable : {true, false}) {
        fs::remove(path);
        auto store = open_in(path, durable);
        report(durable ? "append a full run, durable" : "append a full run, without fsync",
               options.appends, [&](int i) { must(store->append(runs[std::size_t(i)])); });
        if (!durable) continue;
        report("find one of them, with its windows", 20,
               [&](int i) { must(store->find(runs[std::size_t(i)].run_id)); });
        const auto start = SteadyClock::now();
        const auto verified = must(store->verify());
        fmt::print("verify {} full runs: {:.1f} ms each, {} problems\n", verified.runs,
                   milliseconds_since(start) / double(verified.runs), verified.problems.size());
        const auto info = must(store->info());
        store.reset();
        fmt::print("database: {:.0f} KiB per full run ({} KiB for {})\n",
                   double(fs::file_size(path)) / 1024 / double(info.runs),
                   fs::file_size(path) / 1024, info.runs);
    }
    fs::remove(path);
}

constexpr int hosts = 100;

// Many runs of 100 hosts, smaller than full ones (8 measurements, 4 windows), without fsync.
void fill(const std::string& path, int count) {
    auto store = open_in(path, false);
    const auto there = int(must(store->info()).runs);
    Run run = store_test::make_run({.measurements = 8, .windows = 4});
    const auto start = SteadyClock::now();
    for (int i = there; i < count; ++i) {
        const int host = i % hosts;
        run.run_id = store_test::make_run_id(std::uint64_t(i) + 1000000);
        run.timestamp_unix = 1700000000 + std::int64_t{i} * 600;
        run.timestamp = store_test::iso_time(run.timestamp_unix);
        run.context.install = fmt::format("install-{}", host);
        run.context.hardware.fingerprint = fmt::format("{:016x}", 0xabc0000 + host * 4096);
        run.context.hardware.lineage = fmt::format("{:016x}", 0xdef0000 + host * 4096);
        must(store->append(run));
    }
    if (count > there)
        fmt::print("filled {} runs in {:.0f} s\n", count - there, milliseconds_since(start) / 1e3);
}

void bench_large(const Options& options, const std::string& path) {
    fill(path, options.runs);
    auto store = must(open_store(path, OpenMode::read));
    fmt::print("database of {} runs: {} MiB\n", options.runs, fs::file_size(path) >> 20);
    report("open for reading + history --limit 20", 20, [&](int) {
        auto fresh = must(open_store(path, OpenMode::read));
        must(fresh->history({.limit = 20}));
    });
    report("history --limit 20", 100, [&](int) { must(store->history({.limit = 20})); });
    report("history --limit 20 --hardware X", 100, [&](int i) {
        must(store->history(
            {.limit = 20, .hardware = fmt::format("{:016x}", 0xabc0000 + i % hosts * 4096)}));
    });
    report("history --limit 20 --hardware (not there)", 20,
           [&](int) { must(store->history({.limit = 20, .hardware = "0fff"})); });
    report("find", 100, [&](int i) {
        must(store->find(
            store_test::make_run_id(std::uint64_t(i) * 7 % std::uint64_t(options.runs) + 1000000)));
    });
    report("info", 5, [&](int) { must(store->info()); });
    store::Connection raw(path, store::Connection::Access::read_write,
                          store::Patience(std::chrono::seconds(1)));
    std::size_t points = 0;
    report("one trajectory (SQL, trajectory_points)", 50, [&](int i) {
        store::Statement rows = raw.prepare(
            "SELECT timestamp, value, ci_low, ci_high FROM trajectory_points WHERE lineage = ? "
            "AND operation = 'gemm' AND precision = 'fp64' AND backend = 'native' "
            "AND device = 'cpu' AND metric = 'gops' AND outcome = 'measured' ORDER BY seq");
        const std::string lineage = fmt::format("{:016x}", 0xdef0000 + i % hosts * 4096);
        rows.bind(1, std::string_view(lineage));
        points = 0;
        while (rows.step()) ++points;
    });
    if (auto status = raw.status(); !status) die(status.error().message);
    fmt::print("  of {} points\n", points);
    const auto start = SteadyClock::now();
    const auto verified = must(store->verify());
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    fmt::print("verify {} runs: {:.1f} s, {:.0f} runs/s, {} problems; memory at most {} MiB\n",
               verified.runs, milliseconds_since(start) / 1e3,
               double(verified.runs) * 1e3 / milliseconds_since(start), verified.problems.size(),
               usage.ru_maxrss / 1024);
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
            options.appends = std::max(20, std::atoi(argv[++i]));
        else if (option == "--keep")
            options.keep = true;
        else
            die("usage: store_bench [--folder DIR] [--runs N] [--appends N] [--keep]");
    }
    print_pressure("before");
    bench_fsync(options);
    bench_append(options, options.folder + "/store_bench_full.db");
    const std::string large = fmt::format("{}/store_bench_{}.db", options.folder, options.runs);
    if (options.runs > 0) bench_large(options, large);
    if (!options.keep) fs::remove(large);
    print_pressure("after");
    return 0;
}
