// The SMBIOS structure table (DMTF DSP0134): what is read from it, and a copy without identities.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakward::detail {

struct SmbiosStructure {
    int type = 0;
    std::string formatted;             // header and fields, at the offsets of the standard
    std::vector<std::string> strings;  // number 1 is strings[0]

    // The little-endian field at `offset`; nothing when this structure's version is older.
    std::optional<std::uint64_t> field(std::size_t offset, std::size_t bytes) const;
    // The string that the byte at `offset` refers to; "" when there is none.
    std::string text(std::size_t offset) const;
};

// The structures up to the first that is damaged or the end-of-table one.
std::vector<SmbiosStructure> parse_smbios(std::string_view table);

// A populated memory device (type 17).
struct MemoryDevice {
    std::int64_t size_mb = 0;
    int data_bits = 0;        // 0: not told
    double speed_mts = 0;     // configured; 0: not told
    std::string type;         // "DDR5"; "" when not told
    std::string locator;      // bank and device locator, upper case
    bool persistent = false;  // Optane and the like: no working memory
};
std::vector<MemoryDevice> populated_memory(const std::vector<SmbiosStructure>& structures);

// Socket, controller and channel that a locator speaks of, as one key ("P0|MC1|A"); nothing when
// it names no channel. SMBIOS has no field for it: vendors put it into words.
std::optional<std::string> channel_of(std::string_view locator);

// The memory devices alone, with serial numbers, asset tags and part numbers blanked.
std::string anonymous_memory_table(const std::vector<SmbiosStructure>& structures);

}  // namespace peakward::detail
