#include "core/time_text.hpp"

#include <algorithm>
#include <chrono>

#include "core/text.hpp"

namespace peakward {

std::string iso_text(std::int64_t time_unix) {
    using namespace std::chrono;
    // The years 0 to 9999: beyond them the form has no room.
    constexpr std::int64_t first_unix = -62167219200, last_unix = 253402300799;
    const sys_seconds when{seconds{std::clamp(time_unix, first_unix, last_unix)}};
    const auto midnight = floor<days>(when);
    const year_month_day date{midnight};
    const hh_mm_ss clock{when - midnight};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

}  // namespace peakward
