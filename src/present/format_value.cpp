#include <cmath>

#include "core/text.hpp"
#include "present/table.hpp"

namespace peakward {
namespace {

// One decimal where there is a whole part, three significant figures below one: 1143.2, 4.3, 0.043.
std::string rate_text(double value) {
    const double size = std::abs(value);
    if (size == 0) return "0.0";
    if (size >= 1e7) return fmt::format("{:.3e}", value);
    if (size >= 0.95) return fmt::format("{:.1f}", value);
    return fmt::format("{:.3g}", value);
}

struct Scale {
    double factor;
    const char* suffix;
};

std::string seconds_text(double value) {
    if (value == 0) return "0 s";
    for (const Scale& scale : {Scale{1.0, "s"}, Scale{1e-3, "ms"}, Scale{1e-6, "us"}}) {
        if (std::abs(value) < scale.factor * 0.9995) continue;
        const double shown = value / scale.factor;
        return fmt::format("{:.{}f} {}", shown, shown >= 999.95 ? 0 : 1, scale.suffix);
    }
    return fmt::format("{:.3g} ns", value * 1e9);
}

std::string joules_text(double value) {
    const double size = std::abs(value);
    if (size == 0 || size >= 0.9995) return fmt::format("{:.{}f} J", value, size >= 99.95 ? 0 : 1);
    if (size >= 0.9995e-3) return fmt::format("{:.1f} mJ", value * 1e3);
    return fmt::format("{:.3g} uJ", value * 1e6);
}

std::string bytes_text(double value) {
    const char* suffix = "B";
    for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
        if (std::abs(value) < 1024) break;
        value /= 1024;
        suffix = next;
    }
    const bool whole = value == std::floor(value);
    return fmt::format("{:.{}f} {}", value, whole ? 0 : 1, suffix);
}

std::string percent_text(double percent) {
    const double size = std::abs(percent);
    return fmt::format("{:.{}f} %", percent, size != 0 && size < 0.0995 ? 2 : 1);
}

std::string plain_text(double value) { return fmt::format("{:.6g}", value); }

}  // namespace

std::string_view unit_label(Unit unit) {
    switch (unit) {
        case Unit::gops:
            return "GOPS";
        case Unit::gbps:
            return "GB/s";
        case Unit::mhz:
            return "MHz";
        case Unit::gib:
            return "GiB";
        default:
            return "";
    }
}

std::string format_value(double value, Unit unit) {
    if (!std::isfinite(value)) return "-";
    switch (unit) {
        case Unit::gops:
        case Unit::gbps:
            return rate_text(value);
        case Unit::seconds:
            return seconds_text(value);
        case Unit::bytes:
            return bytes_text(value);
        case Unit::percent:
            return percent_text(value);
        case Unit::ratio_as_percent:
            return percent_text(value * 100);
        case Unit::mhz:
        case Unit::count:
            return fmt::format("{:.0f}", value);
        case Unit::watts:
            return fmt::format("{:.1f} W", value);
        case Unit::joules:
            return joules_text(value);
        case Unit::celsius:
            return fmt::format("{:.1f} °C", value);
        case Unit::days:
            return fmt::format("{:.0f} d", value);
        case Unit::gib:
        case Unit::none:
            return plain_text(value);
    }
    return plain_text(value);
}

std::string format_with_unit(double value, Unit unit) {
    const std::string_view label = unit_label(unit);
    const std::string text = format_value(value, unit);
    return label.empty() || text == "-" ? text : fmt::format("{} {}", text, label);
}

}  // namespace peakward
