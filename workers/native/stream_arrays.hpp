// The memory of a STREAM case: arrays of equal length, 64-byte aligned, on huge pages where
// allowed.
#pragma once

#include <cstddef>
#include <string>

namespace peakward::native {

class StreamArrays {
public:
    // Reserves, but does not touch: the thread that uses a part must be the first to touch it.
    // Throws std::runtime_error with the size when the system refuses.
    StreamArrays(int arrays, std::size_t bytes_each);
    ~StreamArrays();
    StreamArrays(const StreamArrays&) = delete;
    StreamArrays& operator=(const StreamArrays&) = delete;

    std::byte* array(int index) const;
    // Share of the touched memory that lies on huge pages, in percent; -1 when the system does not
    // tell.
    int huge_percent() const;

private:
    std::byte* base_ = nullptr;
    std::size_t bytes_ = 0, stride_ = 0;
};

}  // namespace peakward::native
