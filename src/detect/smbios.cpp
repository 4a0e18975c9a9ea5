#include "detect/smbios.hpp"

#include <algorithm>
#include <cctype>

#include "core/text.hpp"

namespace peakward::detail {
namespace {

constexpr int memory_device = 17;
constexpr int end_of_table = 127;
constexpr std::size_t header_bytes = 4;

std::string_view memory_type_word(std::uint64_t code) {
    switch (code) {
        case 0x12:
            return "DDR";
        case 0x13:
            return "DDR2";
        case 0x18:
            return "DDR3";
        case 0x1a:
            return "DDR4";
        case 0x1b:
            return "LPDDR";
        case 0x1c:
            return "LPDDR2";
        case 0x1d:
            return "LPDDR3";
        case 0x1e:
            return "LPDDR4";
        case 0x20:
            return "HBM";
        case 0x21:
            return "HBM2";
        case 0x22:
            return "DDR5";
        case 0x23:
            return "LPDDR5";
        case 0x24:
            return "HBM3";
        default:
            return "";
    }
}

std::int64_t size_mb_of(const SmbiosStructure& device) {
    const std::uint64_t size = device.field(0x0c, 2).value_or(0);
    if (size == 0 || size == 0xffff) return 0;
    if (size == 0x7fff)
        return static_cast<std::int64_t>(device.field(0x1c, 4).value_or(0) & 0x7fffffff);
    const bool in_kilobytes = (size & 0x8000) != 0;
    return static_cast<std::int64_t>(in_kilobytes ? (size & 0x7fff) / 1024 : size);
}

double speed_mts_of(const SmbiosStructure& device) {
    const std::uint64_t speed = device.field(0x20, 2).value_or(0);
    if (speed == 0xffff) return static_cast<double>(device.field(0x58, 4).value_or(0) & 0x7fffffff);
    return static_cast<double>(speed);
}

// The letters and digits that follow `word` (and a separator), from the start of a word: "P0" in
// "P0_DIMMA1" for "P". `take_digits` or letters, as the place asks for.
std::string after(std::string_view text, std::string_view word, bool take_digits) {
    for (std::size_t at = text.find(word); at != std::string_view::npos;
         at = text.find(word, at + 1)) {
        const bool starts_word =
            at == 0 || std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0;
        std::size_t from = at + word.size();
        while (from < text.size() && (text[from] == ' ' || text[from] == '_' || text[from] == '-'))
            ++from;
        std::size_t to = from;
        const auto wanted = [&](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return take_digits ? std::isdigit(byte) != 0 : std::isupper(byte) != 0;
        };
        while (to < text.size() && to - from < 2 && wanted(text[to])) ++to;
        // "CHA" of "CHASSIS" is no channel.
        const bool ends_word =
            to == text.size() || std::isalpha(static_cast<unsigned char>(text[to])) == 0;
        if (starts_word && ends_word && to > from) return std::string(text.substr(from, to - from));
    }
    return "";
}

// "A" of CHANNEL A, CHANNELA, CHA, DIMM_A1, DIMMA1, P0_A0 (after DIMM_); digits of CHANNEL 1, CH1.
std::string channel_word(std::string_view locator) {
    for (const std::string_view word : {"CHANNEL", "CHAN", "CH"})
        for (const bool digits : {false, true}) {
            std::string name = after(locator, word, digits);
            if (!name.empty()) return name;
        }
    // A slot letter is a channel where a digit follows it ("DIMM_A1"); "DIMM ABC" is not.
    for (std::size_t at = locator.find("DIMM"); at != std::string_view::npos;
         at = locator.find("DIMM", at + 1)) {
        std::size_t from = at + 4;
        while (from < locator.size() && (locator[from] == ' ' || locator[from] == '_')) ++from;
        // "DIMM_P0_A0": the socket stands between.
        if (from + 2 < locator.size() && locator[from] == 'P' &&
            std::isdigit(static_cast<unsigned char>(locator[from + 1])) != 0 &&
            locator[from + 2] == '_')
            from += 3;
        if (from + 1 < locator.size() &&
            std::isupper(static_cast<unsigned char>(locator[from])) != 0 &&
            std::isdigit(static_cast<unsigned char>(locator[from + 1])) != 0)
            return std::string(1, locator[from]);
    }
    return "";
}

}  // namespace

std::optional<std::uint64_t> SmbiosStructure::field(std::size_t offset, std::size_t bytes) const {
    if (bytes > 8 || offset + bytes > formatted.size()) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(formatted[offset + i]);
    return value;
}

std::string SmbiosStructure::text(std::size_t offset) const {
    const std::uint64_t number = field(offset, 1).value_or(0);
    if (number == 0 || number > strings.size()) return "";
    std::string value = strings[number - 1];
    std::erase_if(value, [](char c) { return c < ' ' || c > '~'; });
    return trim(value.substr(0, 64));
}

std::vector<SmbiosStructure> parse_smbios(std::string_view table) {
    std::vector<SmbiosStructure> structures;
    while (table.size() >= header_bytes) {
        const std::size_t length = static_cast<unsigned char>(table[1]);
        if (length < header_bytes || length > table.size()) break;
        SmbiosStructure structure;
        structure.type = static_cast<unsigned char>(table[0]);
        structure.formatted = std::string(table.substr(0, length));
        table.remove_prefix(length);
        // Strings end with a NUL each and the set with another; an empty set is two NULs.
        const bool none = table.size() >= 2 && table[0] == '\0' && table[1] == '\0';
        if (none) table.remove_prefix(1);
        while (!none && !table.empty() && table[0] != '\0') {
            const std::size_t end = table.find('\0');
            if (end == std::string_view::npos) return structures;
            structure.strings.emplace_back(table.substr(0, end));
            table.remove_prefix(end + 1);
        }
        if (table.empty()) break;
        table.remove_prefix(1);
        if (structure.type == end_of_table) break;
        structures.push_back(std::move(structure));
    }
    return structures;
}

std::vector<MemoryDevice> populated_memory(const std::vector<SmbiosStructure>& structures) {
    std::vector<MemoryDevice> devices;
    for (const SmbiosStructure& structure : structures) {
        if (structure.type != memory_device) continue;
        MemoryDevice device;
        device.size_mb = size_mb_of(structure);
        if (device.size_mb == 0) continue;
        const std::uint64_t bits = structure.field(0x0a, 2).value_or(0);
        device.data_bits = bits == 0xffff ? 0 : static_cast<int>(bits);
        device.speed_mts = speed_mts_of(structure);
        device.type = memory_type_word(structure.field(0x12, 1).value_or(0));
        device.locator = structure.text(0x11) + "|" + structure.text(0x10);
        for (char& c : device.locator)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        // Memory technology: 5 NVDIMM-F, 6 NVDIMM-P, 7 Optane. Type 0x1f: logical non-volatile.
        const std::uint64_t technology = structure.field(0x28, 1).value_or(0);
        device.persistent =
            (technology >= 5 && technology <= 7) || structure.field(0x12, 1).value_or(0) == 0x1f;
        devices.push_back(std::move(device));
    }
    return devices;
}

std::optional<std::string> channel_of(std::string_view locator) {
    const std::string channel = channel_word(locator);
    if (channel.empty()) return std::nullopt;
    std::string socket;
    for (const std::string_view word : {"P", "CPU", "PROC", "NODE", "SOCKET", "DIMM_P"})
        if (socket.empty()) socket = after(locator, word, true);
    std::string controller;
    for (const std::string_view word : {"CONTROLLER", "IMC", "MC"})
        if (controller.empty()) controller = after(locator, word, true);
    return fmt::format("P{}|MC{}|{}", socket, controller, channel);
}

std::string anonymous_memory_table(const std::vector<SmbiosStructure>& structures) {
    std::string table;
    for (const SmbiosStructure& structure : structures) {
        if (structure.type != memory_device) continue;
        SmbiosStructure copy = structure;
        for (const std::size_t offset : {0x17, 0x18, 0x19, 0x1a}) {
            const std::uint64_t number =
                copy.field(static_cast<std::size_t>(offset), 1).value_or(0);
            if (number >= 1 && number <= copy.strings.size()) copy.strings[number - 1] = "x";
        }
        table += copy.formatted;
        for (const std::string& text : copy.strings) table += text + '\0';
        table += copy.strings.empty() ? std::string(2, '\0') : std::string(1, '\0');
    }
    // Type 127, length 4, handle 0xfffe, no strings.
    table += std::string("\x7f\x04\xfe\xff\0\0", 6);
    return table;
}

}  // namespace peakward::detail
