#include "store/period.hpp"

#include <charconv>
#include <chrono>
#include <optional>

#include "core/text.hpp"

namespace peakward::store {
namespace {

using std::chrono::sys_days;

// Takes fields from the front of a text; after the first that does not fit, ok is false.
struct Scanner {
    std::string_view left;
    bool ok = true;

    bool take(char c) {
        if (left.empty() || left.front() != c) return false;
        left.remove_prefix(1);
        return true;
    }
    int digits(std::size_t count, int low, int high) {
        int value = 0;
        if (left.size() < count) {
            ok = false;
            return low;
        }
        const auto [end, error] = std::from_chars(left.data(), left.data() + count, value);
        if (error != std::errc{} || end != left.data() + count || left.front() == '-' ||
            value < low || value > high) {
            ok = false;
            return low;
        }
        left.remove_prefix(count);
        return value;
    }
};

std::int64_t seconds_of(std::chrono::year_month_day date) {
    return std::int64_t{sys_days(date).time_since_epoch().count()} * 86400;
}

// "Z", "+01:00", "+0100", "+01" or nothing; the seconds to take off to get UTC.
std::int64_t take_offset(Scanner& in) {
    if (in.take('Z') || in.left.empty()) return 0;
    const bool west = in.take('-');
    if (!west && !in.take('+')) {
        in.ok = false;
        return 0;
    }
    std::int64_t offset = in.digits(2, 0, 14) * 3600;
    if (!in.left.empty()) {
        in.take(':');
        offset += in.digits(2, 0, 59) * 60;
    }
    return west ? -offset : offset;
}

std::optional<Period> scan(Scanner in) {
    using namespace std::chrono;
    const year y{in.digits(4, 1970, 9999)};
    if (!in.ok) return std::nullopt;
    if (in.left.empty())
        return Period{seconds_of(y / January / 1), seconds_of((y + years(1)) / January / 1)};
    if (!in.take('-')) return std::nullopt;
    const month m{unsigned(in.digits(2, 1, 12))};
    if (!in.ok) return std::nullopt;
    if (in.left.empty()) {
        const year_month next = y / m + months(1);
        return Period{seconds_of(y / m / 1), seconds_of(next / 1)};
    }
    if (!in.take('-')) return std::nullopt;
    const year_month_day date = y / m / day{unsigned(in.digits(2, 1, 31))};
    if (!in.ok || !date.ok()) return std::nullopt;
    const std::int64_t midnight = seconds_of(date);
    if (in.left.empty()) return Period{midnight, midnight + 86400};
    if (!in.take('T') && !in.take(' ')) return std::nullopt;
    std::int64_t begin = midnight + in.digits(2, 0, 23) * 3600;
    if (!in.take(':')) return std::nullopt;
    begin += in.digits(2, 0, 59) * 60;
    std::int64_t length = 60;
    if (in.take(':')) {
        begin += in.digits(2, 0, 60);
        length = 1;
        if (in.take('.')) do
                in.digits(1, 0, 9);
            while (in.ok && !in.left.empty() && in.left.front() >= '0' && in.left.front() <= '9');
    }
    begin -= take_offset(in);
    if (!in.ok || !in.left.empty()) return std::nullopt;
    return Period{begin, begin + length};
}

}  // namespace

Result<Period> parse_period(std::string_view text) {
    const std::string trimmed = trim(text);
    if (auto period = scan(Scanner{trimmed})) return *period;
    return wrong_usage(fmt::format(
        "'{}' is not a date or time: write it like 2026-11-20 or 2026-11-20T14:30:00Z", text));
}

}  // namespace peakward::store
