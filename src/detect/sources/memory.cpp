// /proc/meminfo, and the nominal size where SMBIOS was silent.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/memory_total.hpp"

namespace peakward {

double nominal_memory_gb(std::int64_t mem_total_bytes) {
    if (mem_total_bytes <= 0) return 0;
    const double gb = static_cast<double>(mem_total_bytes) / (1024.0 * 1024 * 1024);
    // What modules of usual sizes add up to.
    static constexpr auto usual = std::to_array<double>(
        {0.25, 0.5, 1,   2,    3,    4,    6,    8,    12,   16,   20,   24,  32,
         40,   48,  64,  80,   96,   128,  160,  192,  256,  288,  320,  384, 512,
         576,  640, 768, 1024, 1152, 1536, 2048, 2304, 3072, 4096, 6144, 8192});
    for (const double size : usual)
        if (gb <= size && gb >= 0.9 * size) return size;
    // No usual size: a guest with a slice of a machine, or a graphics processor that took a part.
    // Rounded up in steps of 1/32 of the next power of two below, so that what a kernel reserves
    // (a few percent at most) rarely moves it.
    const double step = std::max(0.125, std::exp2(std::floor(std::log2(gb))) / 32);
    const double coarse = gb >= 8 ? std::max(step, 1.0) : step;
    return std::ceil(gb / coarse) * coarse;
}

namespace detail {
namespace {

// Memory controllers with ECC report the installed size to everybody.
Fact<double> total_from_edac(const SysRoot& root, std::int64_t mem_total) {
    const std::string folder = "/sys/devices/system/edac/mc";
    const auto names = root.list(folder);
    if (!names) return unknown_because<double>(names.error());
    std::int64_t size_mb = 0;
    for (const std::string& name : *names) {
        if (!name.starts_with("mc") || !parse_integer(name.substr(2))) continue;
        const auto size = integer_fact(root, fmt::format("{}/{}/size_mb", folder, name));
        if (size && *size > 0 && *size < 1ll << 32) size_mb += *size;
    }
    if (size_mb == 0 || size_mb * 1024 * 1024 < mem_total)
        return Fact<double>::unknown(folder + ": no controller tells a size");
    return Fact<double>::known(static_cast<double>(size_mb) / 1024, folder + "/mc*/size_mb");
}

}  // namespace

Fact<std::int64_t> meminfo_bytes(const SysRoot& root, std::string_view key) {
    const char* path = "/proc/meminfo";
    const auto text = root.read(path);
    if (!text) return unknown_because<std::int64_t>(text.error());
    for (const std::string& line : split(*text, '\n')) {
        if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
        std::string value = trim(line.substr(key.size() + 1));
        if (value.ends_with("kB")) value = trim(value.substr(0, value.size() - 2));
        const auto kilobytes = parse_integer(value);
        // 2^42 kB: 4 PiB, beyond which no machine is.
        if (!kilobytes || *kilobytes <= 0 || *kilobytes > 1ll << 42)
            return Fact<std::int64_t>::unknown(fmt::format("{}: {} is not a size", path, key));
        return Fact<std::int64_t>::known(*kilobytes * 1024, path);
    }
    return Fact<std::int64_t>::unknown(fmt::format("{}: no line {}", path, key));
}

Fact<std::int64_t> mem_total_bytes(const SysRoot& root) { return meminfo_bytes(root, "MemTotal"); }

void collect_memory(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    MemoryInfo& memory = context.hardware.memory;
    fill(memory.total_bytes, mem_total_bytes(root));
    fill(memory.available_bytes, meminfo_bytes(root, "MemAvailable"));
    if (!memory.total_gb) {
        const auto edac = total_from_edac(root, memory.total_bytes.value_or(0));
        if (edac) fill(memory.total_gb, edac);
    }
    if (memory.total_bytes)
        fill(memory.total_gb,
             Fact<double>::known(nominal_memory_gb(*memory.total_bytes),
                                 "/proc/meminfo: the usual size that MemTotal fills to 90 %"));
    else
        fill(memory.total_gb, Fact<double>::unknown(memory.total_bytes.reason()));
}

}  // namespace detail
}  // namespace peakward
