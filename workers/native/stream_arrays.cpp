#include "native/stream_arrays.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace peakward::native {
namespace {

constexpr std::size_t huge_page = 2u << 20;
// Array k starts 1344 k bytes (21 lines) past a huge page: no two arrays at the same place of a
// 4 KiB page, where a load would wait for an unrelated store with equal low address bits.
constexpr std::size_t page_offset = 21 * 64;

std::size_t round_up(std::size_t bytes) { return (bytes + huge_page - 1) / huge_page * huge_page; }

}  // namespace

StreamArrays::StreamArrays(int arrays, std::size_t bytes_each) {
    const auto count = static_cast<std::size_t>(arrays);
    stride_ = round_up(bytes_each + count * page_offset);
    bytes_ = count * stride_ + huge_page;  // room to align the start
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        throw std::runtime_error("could not reserve " + std::to_string(arrays) + " arrays of " +
                                 std::to_string(bytes_each) + " bytes (" + std::strerror(errno) +
                                 "): choose fewer elements");
    base_ = static_cast<std::byte*>(memory);
    madvise(memory, bytes_, MADV_HUGEPAGE);  // a refusal only costs speed; huge_percent tells
}

StreamArrays::~StreamArrays() { munmap(base_, bytes_); }

std::byte* StreamArrays::array(int index) const {
    const auto start = round_up(reinterpret_cast<std::uintptr_t>(base_));
    const auto i = static_cast<std::size_t>(index);
    return base_ + (start - reinterpret_cast<std::uintptr_t>(base_)) + i * (stride_ + page_offset);
}

int StreamArrays::huge_percent() const {
    std::ifstream smaps("/proc/self/smaps");
    const auto begin = reinterpret_cast<std::uintptr_t>(base_);
    const std::uintptr_t end = begin + bytes_;
    bool ours = false;
    unsigned long long resident_kb = 0, huge_kb = 0, kb = 0;
    for (std::string line; std::getline(smaps, line);) {
        unsigned long long from = 0, to = 0;
        char flag = 0;
        if (std::sscanf(line.c_str(), "%llx-%llx %c", &from, &to, &flag) == 3)
            ours = from < end && to > begin;
        else if (ours && std::sscanf(line.c_str(), "Rss: %llu", &kb) == 1)
            resident_kb += kb;
        else if (ours && std::sscanf(line.c_str(), "AnonHugePages: %llu", &kb) == 1)
            huge_kb += kb;
    }
    if (resident_kb == 0) return -1;
    return static_cast<int>(100 * huge_kb / resident_kb);
}

}  // namespace peakward::native
