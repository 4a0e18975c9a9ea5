// The readers behind detection, each with what its format allows and what it does not.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "core/text.hpp"
#include "detect/child.hpp"
#include "detect/cpuid.hpp"
#include "detect/machines.hpp"
#include "detect/microarchitecture.hpp"
#include "detect/nvml.hpp"
#include "detect/parse.hpp"
#include "detect/smbios.hpp"

namespace peakward::detail {
namespace {

TEST(CpuList, IsRangesAndSingles) {
    EXPECT_EQ(parse_cpu_list("0-3,8\n"), (std::vector<int>{0, 1, 2, 3, 8}));
    EXPECT_EQ(parse_cpu_list("5,1-2,1"), (std::vector<int>{1, 2, 5}));
    EXPECT_EQ(parse_cpu_list(" \n"), std::vector<int>{});
    for (const char* broken : {"0-", "-3", "3-1", "a", "1,,2", "0-99999999", "1-2-3", "0x3"})
        EXPECT_EQ(parse_cpu_list(broken), std::nullopt) << broken;
}

TEST(PciAddress, HasOneSpelling) {
    EXPECT_EQ(pci_address("00000000:1B:00.0"), "0000:1b:00.0");
    EXPECT_EQ(pci_address("0000:01:00.0"), "0000:01:00.0");
    EXPECT_EQ(pci_address("10000:01:00.0"), "10000:01:00.0");
    for (const char* broken : {"", "1:2", "x:01:00.0", "0000:01:00", "0000:01:00.0.0"})
        EXPECT_EQ(pci_address(broken), "") << broken;
}

TEST(Microarchitecture, IsToldByFamilyModelAndStepping) {
    const auto intel = [](int model, int stepping) {
        return x86_microarchitecture("GenuineIntel", 6, model, stepping);
    };
    EXPECT_EQ(intel(85, 4), "skylake_server");
    EXPECT_EQ(intel(85, 7), "cascade_lake");
    EXPECT_EQ(intel(85, 11), "cooper_lake");
    EXPECT_EQ(intel(106, 6), "ice_lake_server");
    EXPECT_EQ(intel(143, 8), "sapphire_rapids");
    EXPECT_EQ(intel(207, 2), "emerald_rapids");
    EXPECT_EQ(intel(173, 1), "granite_rapids");
    EXPECT_EQ(intel(63, 2), "haswell");
    EXPECT_EQ(intel(151, 2), "alder_lake");
    EXPECT_EQ(intel(1, 0), "");
    const auto amd = [](int family, int model) {
        return x86_microarchitecture("AuthenticAMD", family, model, 0);
    };
    EXPECT_EQ(amd(23, 1), "zen");
    EXPECT_EQ(amd(23, 49), "zen2");
    EXPECT_EQ(amd(25, 1), "zen3");
    EXPECT_EQ(amd(25, 33), "zen3");
    EXPECT_EQ(amd(25, 17), "zen4");
    EXPECT_EQ(amd(25, 160), "zen4");
    EXPECT_EQ(amd(26, 2), "zen5");
    EXPECT_EQ(amd(99, 2), "");
    EXPECT_EQ(x86_microarchitecture("Nobody", 6, 85, 4), "");
    EXPECT_EQ(arm_core(0x41, 0xd4f).microarchitecture, "neoverse_v2");
    EXPECT_EQ(arm_core(0x6d, 0xd49).microarchitecture, "neoverse_n2");
    EXPECT_EQ(arm_core(0xc0, 0xac3).name, "Ampere-1");
    EXPECT_EQ(arm_core(0x41, 0x123).name, "");
}

TEST(Cpuid, AddsTheExtendedFamilyAndModel) {
    const auto identity = cpuid_identity(*machine("amd-epyc-9654-2s-cpuid"), 0);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->vendor, "AuthenticAMD");
    EXPECT_EQ(identity->family, 25);
    EXPECT_EQ(identity->model, 17);
    EXPECT_EQ(identity->stepping, 1);
    const auto intel = cpuid_identity(*machine("intel-i7-1370p-cpuid"), 0);
    ASSERT_TRUE(intel);
    EXPECT_EQ(intel->family, 6);
    EXPECT_EQ(intel->model, 186);
}

TEST(Cpuid, PlacesThreadsCoresAndSockets) {
    const auto root = machine("amd-epyc-9654-2s-cpuid");
    const auto first = cpuid_place(*root, 0), sibling = cpuid_place(*root, 192),
               second_socket = cpuid_place(*root, 96);
    ASSERT_TRUE(first && sibling && second_socket);
    EXPECT_EQ(first->core, sibling->core);
    EXPECT_NE(first->core, second_socket->core);
    EXPECT_EQ(first->package, sibling->package);
    EXPECT_NE(first->package, second_socket->package);
}

// A type-17 structure with the fields up to SMBIOS 3.3 and these strings.
std::string memory_device(std::uint16_t size, std::uint32_t extended_size, std::uint16_t data_bits,
                          std::uint8_t type, std::uint16_t speed, const std::string& bank,
                          const std::string& locator, std::uint8_t technology = 3) {
    std::string body(0x5c, '\0');
    const auto put = [&](std::size_t offset, std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i)
            body[offset + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i) & 0xff);
    };
    put(0, 17, 1);
    put(1, body.size(), 1);
    put(0x0a, data_bits, 2);
    put(0x0c, size, 2);
    put(0x10, 1, 1);
    put(0x11, 2, 1);
    put(0x12, type, 1);
    put(0x18, 3, 1);
    put(0x1c, extended_size, 4);
    put(0x20, speed, 2);
    put(0x28, technology, 1);
    put(0x58, 8800, 4);
    return body + locator + '\0' + bank + '\0' + "SERIAL-4711" + '\0' + '\0';
}

TEST(Smbios, ReadsSizesSpeedsAndTypes) {
    const std::string table =
        memory_device(0x7fff, 65536, 64, 0x22, 4800, "BANK 0", "Controller0-ChannelA-DIMM0") +
        memory_device(0, 0, 0xffff, 2, 0, "BANK 0", "Controller0-ChannelA-DIMM1") +
        memory_device(16384, 0, 64, 0x22, 0xffff, "BANK 1", "Controller1-ChannelA-DIMM0") +
        memory_device(0x8000 | 2048, 0, 64, 0x1a, 1, "b", "l") +
        memory_device(0x7fff, 131072, 64, 0x1f, 2666, "b", "l", 7);
    const auto devices = populated_memory(parse_smbios(table));
    ASSERT_EQ(devices.size(), 4u);
    EXPECT_EQ(devices[0].size_mb, 65536);
    EXPECT_EQ(devices[0].type, "DDR5");
    EXPECT_EQ(devices[0].speed_mts, 4800);
    EXPECT_EQ(devices[0].data_bits, 64);
    EXPECT_EQ(devices[1].speed_mts, 8800) << "too fast for 16 bits";
    EXPECT_EQ(devices[2].size_mb, 2) << "in kilobytes";
    EXPECT_TRUE(devices[3].persistent);
    EXPECT_NE(channel_of(devices[0].locator), channel_of(devices[1].locator));
}

TEST(Smbios, FindsTheChannelInTheNamesThatVendorsGive) {
    const auto channel = [](const char* locator) { return channel_of(locator).value_or("none"); };
    EXPECT_EQ(channel("P0 CHANNEL A|DIMM 0"), "P0|MC|A");
    EXPECT_EQ(channel("BANK 0|CONTROLLER1-CHANNELB-DIMM0"), "P|MC1|B");
    EXPECT_EQ(channel("BANK 2|DIMM_B2"), "P|MC|B");
    EXPECT_EQ(channel("BANK 1|CHANNELA-DIMM1"), "P|MC|A");
    EXPECT_EQ(channel("P0_NODE0_CHANNEL3_DIMM0|P1-DIMMD1"), "P0|MC|3");
    EXPECT_EQ(channel("|P1-DIMMC1"), "P1|MC|C");
    EXPECT_EQ(channel("BANK 0|DIMM_P1_G0"), "P1|MC|G");
    for (const char* silent : {"|DIMM 0", "BANK 0|PROC 1 DIMM 3", "|", "|A1", "CHASSIS|SLOT 1"})
        EXPECT_EQ(channel(silent), "none") << silent;
}

TEST(Smbios, ForgetsWhoseModulesTheyAre) {
    const std::string table = memory_device(16384, 0, 64, 0x22, 4800, "BANK 0", "DIMM_A1");
    const std::string kept = anonymous_memory_table(parse_smbios(table));
    EXPECT_EQ(kept.find("SERIAL"), std::string::npos);
    const auto devices = populated_memory(parse_smbios(kept));
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].size_mb, 16384);
    EXPECT_EQ(devices[0].locator, "BANK 0|DIMM_A1");
}

TEST(Smbios, StopsAtDamage) {
    const std::string whole = memory_device(16384, 0, 64, 0x22, 4800, "BANK 0", "DIMM_A1");
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_LE(parse_smbios(whole.substr(0, length)).size(), 1u);
    EXPECT_TRUE(parse_smbios(std::string(100, '\xff')).empty());
    EXPECT_TRUE(parse_smbios(std::string(100, '\0')).empty());
}

TEST(Nvidia, CoresPerMultiprocessorGiveTheKnownCounts) {
    EXPECT_EQ(5120 / cuda_cores_per_multiprocessor("7.0"), 80);    // V100
    EXPECT_EQ(6912 / cuda_cores_per_multiprocessor("8.0"), 108);   // A100
    EXPECT_EQ(16384 / cuda_cores_per_multiprocessor("8.9"), 128);  // RTX 4090
    EXPECT_EQ(16896 / cuda_cores_per_multiprocessor("9.0"), 132);  // H100 SXM
    EXPECT_EQ(cuda_cores_per_multiprocessor("99.0"), 0);
    EXPECT_EQ(cuda_cores_per_multiprocessor(""), 0);
}

TEST(Child, TellsHowItEnded) {
    const auto patient = std::chrono::seconds(30);
    const auto well = ask_in_child([](const Speaker& speaker) { speaker.say("one"); }, patient);
    EXPECT_EQ(well.said, "one\n");
    EXPECT_EQ(well.misfortune, "");
    const auto crashed = ask_in_child(
        [](const Speaker& speaker) {
            speaker.say("before");
            ::raise(SIGKILL);
        },
        patient);
    EXPECT_EQ(crashed.said, "before\n");
    EXPECT_EQ(crashed.misfortune, "ended with signal 9");
    const auto thrown =
        ask_in_child([](const Speaker&) { throw std::runtime_error("x"); }, patient);
    EXPECT_EQ(thrown.misfortune, "ended with exit code 125");
    const auto silent = ask_in_child(
        [](const Speaker&) {
            while (true) ::pause();
        },
        std::chrono::milliseconds(50));
    EXPECT_EQ(silent.misfortune, "did not answer within 0.1 s");
}

}  // namespace
}  // namespace peakward::detail
