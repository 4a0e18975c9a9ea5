#include "present/plot_ticks.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "core/text.hpp"

namespace peakward::detail {
namespace {

namespace chr = std::chrono;

chr::sys_seconds instant(double time_unix) {
    // Years that a calendar has: a wild value must not overflow the conversion.
    constexpr double farthest_s = 2e11;
    return chr::sys_seconds{
        chr::seconds{std::llround(std::clamp(time_unix, -farthest_s, farthest_s))}};
}

chr::year_month_day date_of(double time_unix) {
    return chr::year_month_day{chr::floor<chr::days>(instant(time_unix))};
}

double seconds_of(chr::year_month_day date) {
    return static_cast<double>(chr::sys_seconds{chr::sys_days{date}}.time_since_epoch().count());
}

// The smallest of 1, 2, 2.5 and 5 times a power of ten that needs at most `most` steps.
double round_step(double span, int most) {
    const double rough = span / std::max(1, most - 1);
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 2.5, 5.0})
        if (factor * power >= rough * (1 - 1e-9)) return factor * power;
    return 10 * power;
}

// Labels of one axis have the same number of decimals: as many as tell two steps apart.
std::string number_label(double value, double step, Unit unit) {
    double factor = 1;
    std::string suffix;
    if (unit == Unit::ratio_as_percent) factor = 100;
    if (unit == Unit::ratio_as_percent || unit == Unit::percent) suffix = " %";
    if (unit == Unit::seconds || unit == Unit::bytes || unit == Unit::joules)
        return format_value(value, unit);
    const double shown_step = step * factor;
    const double size = std::abs(value * factor);
    if (size != 0 && (size >= 1e7 || shown_step < 1e-4))
        return fmt::format("{:.3g}{}", value * factor, suffix);
    int decimals = 0;
    while (decimals < 4 && std::abs(std::round(shown_step * std::pow(10, decimals)) -
                                    shown_step * std::pow(10, decimals)) > 1e-6)
        ++decimals;
    const double shown = size < shown_step * 1e-6 ? 0 : value * factor;
    return fmt::format("{:.{}f}{}", shown, decimals, suffix);
}

std::vector<Tick> month_ticks(double from, double to, int months) {
    std::vector<Tick> ticks;
    const chr::year_month_day first = date_of(from);
    const int start = int(first.year()) * 12 + int(unsigned(first.month())) - 1;
    for (int month = start - start % months;; month += months) {
        const chr::year year{month / 12};
        const chr::month of_year{static_cast<unsigned>(month % 12) + 1};
        const double at = seconds_of(chr::year_month_day{year, of_year, chr::day{1}});
        if (at > to) break;
        if (at < from) continue;
        ticks.push_back({at, months >= 12 ? fmt::format("{}", month / 12)
                                          : fmt::format("{}-{:02}", month / 12, month % 12 + 1)});
    }
    return ticks;
}

std::vector<Tick> even_ticks(double from, double to, double step_s) {
    std::vector<Tick> ticks;
    const bool clock = step_s < day_s;
    for (double at = std::ceil(from / step_s) * step_s; at <= to; at += step_s)
        // On one day the day need not be repeated: "11-20 14:30".
        ticks.push_back({at, clock ? day_text(at, true).substr(5) : day_text(at)});
    return ticks;
}

}  // namespace

std::string day_text(double time_unix, bool with_clock) {
    const chr::year_month_day date = date_of(time_unix);
    std::string text = fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()),
                                   unsigned(date.day()));
    if (!with_clock) return text;
    const auto at = instant(time_unix);
    const chr::hh_mm_ss clock{at - chr::floor<chr::days>(at)};
    return text + fmt::format(" {:02}:{:02}", clock.hours().count(), clock.minutes().count());
}

std::vector<Tick> number_ticks(double from, double to, Unit unit, int most) {
    std::vector<Tick> ticks;
    const double step = round_step(to - from, std::max(2, most));
    // A range below the resolution of its own ends has no ticks between them; stepping through it
    // would never end, because n + 1 is n beyond 2^53.
    const double first = std::ceil(from / step - 1e-9);
    constexpr double whole_max = 9007199254740992;
    if (!(step > 0) || !std::isfinite(step) || !(std::abs(first) < whole_max))
        return {{from, number_label(from, std::max(std::abs(from), 1.0), unit)}};
    for (double n = first; n * step <= to + step * 1e-9; ++n)
        ticks.push_back({n * step, number_label(n * step, step, unit)});
    return ticks;
}

std::vector<Tick> decade_ticks(double from, double to, Unit unit, int most) {
    const int first = static_cast<int>(std::floor(std::log10(from)));
    const int last = static_cast<int>(std::ceil(std::log10(to)));
    const auto collect = [&](std::initializer_list<double> factors) {
        std::vector<Tick> ticks;
        for (int decade = first; decade <= last; ++decade)
            for (const double factor : factors) {
                const double at = factor * std::pow(10, decade);
                if (at >= from * (1 - 1e-9) && at <= to * (1 + 1e-9))
                    ticks.push_back({at, unit == Unit::none ? fmt::format("{:g}", at)
                                                            : format_value(at, unit)});
            }
        return ticks;
    };
    for (const auto& factors : {std::initializer_list<double>{1, 2, 5}, {1, 3}, {1}}) {
        std::vector<Tick> ticks = collect(factors);
        if (static_cast<int>(ticks.size()) <= most) return ticks;
    }
    return collect({1});
}

namespace {

std::vector<Tick> calendar_ticks(double from_unix, double to_unix, int most) {
    static constexpr std::array<double, 13> even_steps_s{
        60,      300,   900,       1800,      3600,       3 * 3600.0, 6 * 3600.0,
        43200.0, day_s, 2 * day_s, 5 * day_s, 10 * day_s, 15 * day_s};
    for (const double step_s : even_steps_s)
        if ((to_unix - from_unix) / step_s <= most) return even_ticks(from_unix, to_unix, step_s);
    for (const int months : {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200}) {
        std::vector<Tick> ticks = month_ticks(from_unix, to_unix, months);
        if (static_cast<int>(ticks.size()) <= most) return ticks;
    }
    return {};
}

}  // namespace

std::vector<Tick> time_ticks(double from_unix, double to_unix, int most) {
    std::vector<Tick> ticks = calendar_ticks(from_unix, to_unix, std::max(2, most));
    // A date is there even where no calendar line falls in between.
    if (ticks.empty()) ticks.push_back({from_unix, day_text(from_unix, true)});
    return ticks;
}

}  // namespace peakward::detail
