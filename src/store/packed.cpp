#include "store/packed.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace peakward::store {
namespace {

constexpr char points_version = 1;
constexpr unsigned has_interval = 1, has_doubts = 2;
// A point takes 4 bytes at least: a count beyond that is damage, not a reason to allocate.
constexpr std::size_t point_bytes_min = 4;
constexpr std::uint64_t doubts_max = std::numeric_limits<std::uint16_t>::max();
// One above the largest place, SeriesPoint::stack.
constexpr std::uint64_t stack_id_max = std::uint64_t{1} << 31;

bool is_interval(double low, double high) { return !std::isnan(low) && !std::isnan(high); }

}  // namespace

void put_count(std::string& out, std::uint64_t value) {
    for (; value >= 128; value >>= 7) out.push_back(char(value | 128));
    out.push_back(char(value));
}

void put_difference(std::string& out, std::uint64_t value) {
    put_count(out, (value << 1) ^ (0 - (value >> 63)));
}

void put_number(std::string& out, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) out.push_back(char(bits >> shift));
}

std::uint64_t Unpacker::count() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const unsigned part = byte();
        value |= std::uint64_t{part & 127} << shift;
        if (part < 128) return value;
    }
    ok_ = false;
    return 0;
}

double Unpacker::number() {
    if (left() < sizeof(double)) {
        ok_ = false;
        at_ = bytes_.size();
        return 0;
    }
    std::uint64_t bits = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&bits, bytes_.data() + at_, sizeof bits);
    } else {
        for (std::size_t i = 0; i < sizeof bits; ++i)
            bits |= std::uint64_t{static_cast<unsigned char>(bytes_[at_ + i])} << (8 * i);
    }
    at_ += sizeof bits;
    return std::bit_cast<double>(bits);
}

std::string pack_figures(const std::vector<PackedFigure>& figures) {
    std::string out;
    for (const PackedFigure& figure : figures) {
        const bool interval = is_interval(figure.ci_low, figure.ci_high);
        put_count(out, std::uint64_t(figure.metric_id));
        out.push_back(char((interval ? has_interval : 0) | (figure.doubts ? has_doubts : 0)));
        put_number(out, figure.value);
        if (interval) {
            put_number(out, figure.ci_low);
            put_number(out, figure.ci_high);
        }
        if (figure.doubts) put_count(out, figure.doubts);
    }
    return out;
}

bool unpack_figures(std::string_view bytes, std::vector<PackedFigure>& figures) {
    figures.clear();
    Unpacker in(bytes);
    while (in.ok() && !in.at_end()) {
        PackedFigure& figure = figures.emplace_back();
        figure.metric_id = std::int64_t(in.count());
        const unsigned head = in.byte();
        figure.value = in.number();
        figure.ci_low = head & has_interval ? in.number() : no_number;
        figure.ci_high = head & has_interval ? in.number() : no_number;
        const std::uint64_t doubts = head & has_doubts ? in.count() : 0;
        if (doubts > doubts_max) return false;
        figure.doubts = std::uint16_t(doubts);
    }
    return in.ok();
}

std::string pack_points(const std::vector<SeriesPoint>& points, bool measured) {
    std::string out(1, points_version);
    put_count(out, points.size());
    SeriesPoint before;
    for (const SeriesPoint& point : points) {
        const bool interval = measured && is_interval(point.ci_low, point.ci_high);
        put_difference(out, std::uint64_t(point.seq) - std::uint64_t(before.seq));
        put_difference(out, std::uint64_t(point.time_unix) - std::uint64_t(before.time_unix));
        put_count(out, std::uint64_t(point.stack) + 1);  // -1 wraps to 0
        put_count(out, std::uint64_t{point.doubts} * 2 + (interval ? 1 : 0));
        if (measured) put_number(out, point.value);
        if (interval) {
            put_number(out, point.ci_low);
            put_number(out, point.ci_high);
        }
        before = point;
    }
    return out;
}

bool unpack_points(std::string_view bytes, bool measured, std::vector<SeriesPoint>& points) {
    Unpacker in(bytes);
    if (in.byte() != unsigned{points_version}) return false;
    const std::uint64_t count = in.count();
    if (!in.ok() || count > in.left() / point_bytes_min) return false;
    points.reserve(points.size() + count);
    std::uint64_t seq = 0, time_unix = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        SeriesPoint& point = points.emplace_back();
        point.seq = std::int64_t(seq += in.difference());
        point.time_unix = std::int64_t(time_unix += in.difference());
        const std::uint64_t stack_id = in.count();
        const std::uint64_t doubts = in.count();
        if (stack_id > stack_id_max || doubts / 2 > doubts_max) return false;
        point.stack = std::int32_t(std::int64_t(stack_id) - 1);
        point.doubts = std::uint16_t(doubts / 2);
        point.value = measured ? in.number() : no_number;
        const bool interval = doubts % 2 != 0;
        point.ci_low = interval ? in.number() : no_number;
        point.ci_high = interval ? in.number() : no_number;
    }
    return in.ok() && in.at_end();
}

}  // namespace peakward::store
