// Numbers in few bytes: what raw windows and points are kept in. Counts are LEB128, differences
// zigzag LEB128, numbers float64, little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/series.hpp"

namespace peakward::store {

void put_count(std::string& out, std::uint64_t value);
// Small differences of either sign become small counts. Unsigned arithmetic wraps without harm.
void put_difference(std::string& out, std::uint64_t value);
void put_number(std::string& out, double value);

// Reads what put_* wrote; once it has run past the end everything is 0 and ok() is false.
class Unpacker {
public:
    explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}
    bool ok() const { return ok_; }
    bool at_end() const { return at_ == bytes_.size(); }
    std::size_t left() const { return bytes_.size() - at_; }

    unsigned byte() {
        if (at_ >= bytes_.size()) {
            ok_ = false;
            return 0;
        }
        return static_cast<unsigned char>(bytes_[at_++]);
    }
    std::uint64_t count();
    std::uint64_t difference() {
        const std::uint64_t value = count();
        return (value >> 1) ^ (0 - (value & 1));
    }
    double number();

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

// One metric of a point, by its row of the table metrics. Bounds are NaN where there are none.
struct PackedFigure {
    std::int64_t metric_id = 0;
    double value = 0, ci_low = 0, ci_high = 0;
    std::uint16_t doubts = 0;  // beside those of the point
};

// points.figures. Of each figure: the metric, a byte (bit 0: it has an interval, bit 1: it has
// doubts of its own), the value, then the bounds and the doubts where it has them.
std::string pack_figures(const std::vector<PackedFigure>& figures);
// False when the bytes are not what pack_figures makes.
bool unpack_figures(std::string_view bytes, std::vector<PackedFigure>& figures);

// sealed_points.points. The byte 1, the number of points, and of each: the difference of its seq to
// the one before, of its time (s) to the one before, the stack's id, its doubts times two (plus one
// where it has an interval), the value, and the bounds. Of a point that was not measured (NaN) the
// value is left out, which metric_id 0 tells. SeriesPoint::stack is a place, one below the id.
std::string pack_points(const std::vector<SeriesPoint>& points, bool measured);
// Appends to `points`. False when the bytes are not what pack_points makes.
bool unpack_points(std::string_view bytes, bool measured, std::vector<SeriesPoint>& points);

}  // namespace peakward::store
