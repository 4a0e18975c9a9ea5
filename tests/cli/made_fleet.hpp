// A made fleet: four products of the hardware database, five backends, 52 weekly runs of each
// host. The level of every series is known for every week, so that a test can say what each figure
// of the program must be. Noise is drawn from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/records.hpp"

namespace peakward::cli::fleet {

inline constexpr int weeks = 52;
inline constexpr std::int64_t week_s = 7 * 86400;
inline constexpr std::int64_t start_unix = 1736164800;  // 2025-01-06 12:00 UTC
inline constexpr double noise_compute = 0.003, noise_memory = 0.001;
// The runs recorded peaks that were this much too high: today's database decides (DESIGN 5).
inline constexpr double recorded_peak_factor = 1.03;
inline constexpr std::int64_t size_large = 4096, size_small = 1024;
inline constexpr double small_size_share = 0.8;  // rate of the small product, of the large one's
inline constexpr double time_spread = 0.002;     // half of a measurement's interval

// From this week on a component has this version.
struct Update {
    int week;
    std::string component, version;
};

struct LevelFrom {
    int week;
    double efficiency;
};

struct SeriesTruth {
    std::string backend, precision;
    std::vector<LevelFrom> levels;
    bool is_probe() const { return backend == "native" || backend == "cuda"; }
};

struct Host {
    std::string install, lineage, fingerprint;
    int first_week = 0;
    double unit = 1;  // what this specimen reaches, of the product's level
};

struct Product {
    std::string id, device, launched;
    std::string cpu_model, cpu_vendor;
    std::vector<std::string> isa;
    int cores = 0;
    std::string gpu_model, gpu_pci_id;
    int gpu_memory_mb = 0;
    std::vector<Update> updates;
    std::vector<SeriesTruth> series;
    double bandwidth_efficiency = 0.9;
    std::vector<Host> hosts;

    bool is_gpu() const { return device != "cpu"; }
    // The backend that measures memory: "native" on a CPU, "cuda" on a GPU.
    std::string memory_backend() const { return is_gpu() ? "cuda" : "native"; }
    int stack_of(int week) const;
    int stacks() const { return static_cast<int>(updates.size()) + 1; }
    const SeriesTruth& truth(const std::string& backend, const std::string& precision) const;
    const Host& host(const std::string& install) const;
};

const std::vector<Product>& products();
const Product& product(const std::string& id);

// Peaks as the files of data/hardware state them, else the sum over core kinds of count x rate x
// clock. In GOP/s and GB/s.
double database_peak_gops(const std::string& product, const std::string& precision);
double database_bandwidth_gbps(const std::string& product);
// The highest clock that goes into such a sum; 0 where the peak is stated.
double database_peak_clock_hz(const std::string& product, const std::string& precision);

// One figure of one run, as it was made.
struct Made {
    int week = 0;
    int stack = 0;
    std::int64_t time_unix = 0;
    std::string run_id;
    double value = 0;
};
std::int64_t time_of(const Product& product, const Host& host, int week);
double made_efficiency(const SeriesTruth& truth, const Host& host, int week);
std::vector<Made> made_values(const Product& product, const Host& host, const SeriesTruth& truth);
std::vector<Made> made_bandwidths(const Product& product, const Host& host);

std::string software_fingerprint_of(const Product& product, int stack);
std::string stack_digest_of(const Product& product, int stack);

Run made_run(const Product& product, const Host& host, int week);
// All runs by time.
std::vector<Run> made_runs();
// A run of this host three days after that of `week`, measured with --force while others had the
// CPUs: at half the rates, with flags and a failed check.
Run contended_run(const Product& product, const Host& host, int week = weeks - 1);

}  // namespace peakward::cli::fleet
