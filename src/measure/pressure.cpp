#include "measure/pressure.hpp"

#include "core/text.hpp"

namespace peakward {
namespace {

// proc(5): user nice system idle iowait irq softirq steal guest guest_nice. Guest time is counted
// in user and nice already.
constexpr std::size_t stat_fields = 8;
constexpr std::size_t steal_field = 7;

void read_stat(const std::string& text, PressureReading& reading) {
    const auto words = split_list(split(text, '\n').front());
    if (words.size() < stat_fields + 1 || words.front() != "cpu") return;
    std::uint64_t total = 0, steal = 0;
    for (std::size_t i = 0; i < stat_fields; ++i) {
        const auto ticks = parse_integer(words[i + 1]);
        if (!ticks || *ticks < 0) return;
        total += static_cast<std::uint64_t>(*ticks);
        if (i == steal_field) steal = static_cast<std::uint64_t>(*ticks);
    }
    reading.total_ticks = total;
    reading.steal_ticks = steal;
}

void read_psi(const std::string& text, PressureReading& reading) {
    constexpr std::string_view key = "total=";
    for (const std::string& line : split(text, '\n')) {
        const auto words = split_list(line);
        if (words.empty() || words.front() != "some") continue;
        for (const std::string& word : words) {
            if (word.compare(0, key.size(), key) != 0) continue;
            const auto us = parse_integer(std::string_view(word).substr(key.size()));
            if (us && *us >= 0) reading.waited_us = static_cast<std::uint64_t>(*us);
        }
    }
}

}  // namespace

PressureReading read_pressure(const SysRoot& root, Clock& clock) {
    PressureReading reading;
    if (const auto stat = root.read("/proc/stat")) read_stat(*stat, reading);
    if (const auto psi = root.read("/proc/pressure/cpu")) read_psi(*psi, reading);
    reading.at = clock.monotonic();
    return reading;
}

std::optional<double> steal_percent(const PressureReading& before, const PressureReading& after) {
    if (!before.total_ticks || !after.total_ticks || *after.total_ticks <= *before.total_ticks ||
        *after.steal_ticks < *before.steal_ticks)
        return std::nullopt;
    return 100.0 * static_cast<double>(*after.steal_ticks - *before.steal_ticks) /
           static_cast<double>(*after.total_ticks - *before.total_ticks);
}

std::optional<double> psi_cpu_some_percent(const PressureReading& before,
                                           const PressureReading& after) {
    const double elapsed_us =
        std::chrono::duration<double, std::micro>(after.at - before.at).count();
    if (!before.waited_us || !after.waited_us || *after.waited_us < *before.waited_us ||
        elapsed_us <= 0)
        return std::nullopt;
    const double waited_us = static_cast<double>(*after.waited_us - *before.waited_us);
    return std::min(100.0, 100.0 * waited_us / elapsed_us);
}

}  // namespace peakward
