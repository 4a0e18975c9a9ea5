// What matching costs: all products of the database against 1,000 synthetic hosts, which must take
// under 50 ms (issue 4). Prints the fastest and the median of 21 passes, and what they matched.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "hardware/match.hpp"

namespace {

using namespace peakward;

constexpr int host_count = 1000;
constexpr int passes = 21;

// Names as hosts show them, most of them of no product of the database, none twice.
HostFacts host_number(int number) {
    HostFacts host;
    const bool arm = number % 5 == 0;
    host.architecture = arm ? "aarch64" : "x86_64";
    host.cpu_vendor = arm ? "ARM" : number % 2 ? "GenuineIntel" : "AuthenticAMD";
    const std::vector<std::string> processors{
        "Intel(R) Xeon(R) Processor",
        fmt::format("Intel(R) Xeon(R) Platinum {}C", 8000 + number),
        "12th Gen Intel(R) Core(TM) i7-12700K",
        fmt::format("AMD EPYC {} 64-Core Processor", number),
        "AMD EPYC 9654 96-Core Processor",
        "Neoverse-N1",
        fmt::format("13th Gen Intel(R) Core(TM) i5-{}", number)};
    host.cpu_model = processors[static_cast<std::size_t>(number) % processors.size()];
    host.cpu_family = number % 2 ? 6 : 25;
    host.cpu_model_number = number % 256;
    host.cpu_stepping = number % 16;
    host.cores_per_socket = 1 + number % 128;
    host.product_name = fmt::format("Vendor Machine {}", number);
    if (arm) host.device_tree = {"nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000"};
    const std::vector<std::string> gpus{"NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB",
                                        "NVIDIA GeForce RTX 4090", "AMD Instinct MI300X",
                                        fmt::format("NVIDIA GeForce RTX {}", number)};
    for (int i = 0; i < number % 5; ++i)
        host.gpus.push_back({fmt::format("cuda:{}", i),
                             gpus[static_cast<std::size_t>(number + i) % gpus.size()],
                             fmt::format("10de:{:04x}", 0x2000 + number)});
    return host;
}

}  // namespace

int main() {
    const HardwareDatabase database = builtin_hardware();
    const Matcher matcher(database);
    std::vector<HostFacts> hosts;
    for (int i = 0; i < host_count; ++i) hosts.push_back(host_number(i));
    std::vector<double> times_ms;
    int devices = 0, matched = 0;
    for (int pass = 0; pass < passes; ++pass) {
        devices = matched = 0;
        const auto start = std::chrono::steady_clock::now();
        for (const HostFacts& host : hosts)
            for (const DeviceMatch& match : matcher.match(host)) {
                ++devices;
                matched += match.product ? 1 : 0;
            }
        times_ms.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                .count());
    }
    std::sort(times_ms.begin(), times_ms.end());
    fmt::print(
        "{} products, {} hosts, {} devices, {} matched: {:.2f} ms at best, {:.2f} ms median\n",
        database.specs.size(), hosts.size(), devices, matched, times_ms.front(),
        times_ms[times_ms.size() / 2]);
    return 0;
}
