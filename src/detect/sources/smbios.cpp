// Installed memory by SMBIOS type 17, readable by root on most systems.
#include "detect/smbios.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"
#include "detect/parse.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/memory_total.hpp"

namespace peakward::detail {
namespace {

const std::string table_path = "/sys/firmware/dmi/tables/DMI";
const std::string entries_folder = "/sys/firmware/dmi/entries";

ReadResult<std::string> read_table(const SysRoot& root) {
    auto table = root.read(table_path);
    if (table) return table;
    const auto names = root.list(entries_folder);
    std::string joined;
    if (names)
        for (const std::string& name : *names)
            if (name.starts_with("17-"))
                joined += root.read(fmt::format("{}/{}/raw", entries_folder, name)).value_or("");
    if (joined.empty()) return tl::make_unexpected(table.error());
    return joined;
}

Fact<int> channels_of(const std::vector<MemoryDevice>& devices) {
    std::map<std::string, int> bits_by_channel;
    for (const MemoryDevice& device : devices) {
        const auto channel = channel_of(device.locator);
        if (!channel)
            return Fact<int>::unknown(fmt::format(
                "SMBIOS names a memory slot '{}', which tells no channel", device.locator));
        if (device.data_bits == 0)
            return Fact<int>::unknown("SMBIOS does not tell the width of a memory device");
        int& bits = bits_by_channel[*channel];
        bits = std::max(bits, device.data_bits);
    }
    int bits = 0;
    for (const auto& [channel, width] : bits_by_channel) bits += width;
    if (bits < 64) return Fact<int>::unknown("SMBIOS tells less than one 64-bit channel");
    return Fact<int>::known(
        bits / 64, fmt::format("SMBIOS type 17: {} distinct channels in the slots' names, {} bits "
                               "in all, counted as channels of 64 bits",
                               bits_by_channel.size(), bits));
}

Fact<double> total_of(const std::vector<MemoryDevice>& devices, std::int64_t mem_total_bytes) {
    std::int64_t size_mb = 0;
    for (const MemoryDevice& device : devices) size_mb += device.size_mb;
    const double gb = static_cast<double>(size_mb) / 1024;
    // The kernel cannot have more than is installed: such a table is not about this machine.
    if (gb * 1024 * 1024 * 1024 < static_cast<double>(mem_total_bytes))
        return Fact<double>::unknown(
            fmt::format("SMBIOS lists {} GiB, less than MemTotal: not believed", gb));
    return Fact<double>::known(gb, "SMBIOS type 17: sum of the installed modules");
}

}  // namespace

void collect_smbios(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    MemoryInfo& memory = context.hardware.memory;
    const auto table = read_table(root);
    std::string reason = table ? table_path + ": no memory device in it" : table.error().reason;
    std::vector<MemoryDevice> devices;
    if (table) devices = populated_memory(parse_smbios(*table));
    std::erase_if(devices, [](const MemoryDevice& device) { return device.persistent; });
    if (devices.empty()) {
        fill(memory.channels, Fact<int>::unknown(reason));
        fill(memory.configured_mts, Fact<double>::unknown(reason));
        fill(memory.type, Fact<std::string>::unknown(reason));
        return;
    }
    const Fact<double> total = total_of(devices, mem_total_bytes(root).value_or(0));
    if (total) fill(memory.total_gb, total);
    fill(memory.channels, channels_of(devices));

    double slowest = 0;
    std::set<std::string> types;
    for (const MemoryDevice& device : devices) {
        if (device.speed_mts > 0)
            slowest = slowest == 0 ? device.speed_mts : std::min(slowest, device.speed_mts);
        if (!device.type.empty()) types.insert(device.type);
    }
    fill(memory.configured_mts, slowest > 0
                                    ? Fact<double>::known(slowest, "SMBIOS type 17, configured")
                                    : Fact<double>::unknown("SMBIOS does not tell the speed"));
    fill(memory.type, types.empty()
                          ? Fact<std::string>::unknown("SMBIOS does not tell the type")
                          : Fact<std::string>::known(fmt::format("{}", fmt::join(types, " + ")),
                                                     "SMBIOS type 17"));
}

}  // namespace peakward::detail
