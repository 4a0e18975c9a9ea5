#include "hardware/match.hpp"

#include <gmock/gmock.h>

#include <set>

#include "core/text.hpp"
#include "hardware/example.hpp"
#include "hardware/name_pattern.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing_support::example_json;

const HardwareDatabase& products() {
    static const HardwareDatabase database = builtin_hardware();
    return database;
}
const Matcher& matcher() {
    static const Matcher made(products());
    return made;
}

HostFacts x86(const std::string& cpu) {
    HostFacts host;
    host.architecture = "x86_64";
    host.cpu_vendor = "GenuineIntel";
    host.cpu_model = cpu;
    return host;
}

DeviceMatch on(const HostFacts& host, const std::string& device) {
    const auto matches = matcher().match(host);
    const DeviceMatch* match = find_device(matches, device);
    return match ? *match : DeviceMatch{};
}

TEST(Match, FindsAProcessorByItsName) {
    const DeviceMatch cpu = on(x86("12th Gen Intel(R) Core(TM) i7-12700K"), "cpu");
    ASSERT_NE(cpu.product, nullptr);
    EXPECT_EQ(cpu.product->id, "intel_i7_12700k");
    EXPECT_GT(cpu.confidence, 0.9);
    EXPECT_FALSE(cpu.verdict.empty());
}

TEST(Match, TellsAGuestThatHidesItsNameItsArchitectureAlone) {
    HostFacts host = x86("Intel(R) Xeon(R) Processor");
    host.cpu_family = 6;
    host.cpu_model_number = 143;
    host.cpu_stepping = 8;
    const DeviceMatch cpu = on(host, "cpu");
    EXPECT_EQ(cpu.product, nullptr);
    EXPECT_EQ(cpu.architecture, "sapphire_rapids");
    EXPECT_THAT(cpu.verdict, HasSubstr("names no product"));
    EXPECT_THAT(cpu.verdict, HasSubstr("Sapphire Rapids"));
}

TEST(Match, SteppingAndInstructionsTellDesignsOfOneModelApart) {
    HostFacts host = x86("Intel(R) Xeon(R) Processor");
    host.cpu_family = 6;
    host.cpu_model_number = 85;
    host.isa = {"avx512f"};
    host.cpu_stepping = 4;
    EXPECT_EQ(on(host, "cpu").architecture, "skylake_server");
    host.cpu_stepping = 7;
    EXPECT_EQ(on(host, "cpu").architecture, "cascade_lake");
    host.isa.clear();
    EXPECT_EQ(on(host, "cpu").architecture, "");
}

// Seen: a guest with AMX, avx512_fp16 and an L3 of 504 MiB whose model number is Rocket Lake's.
TEST(Match, DoesNotBelieveAModelNumberThatTheInstructionsBelie) {
    HostFacts host = x86("Intel(R) Xeon(R) Processor");
    host.cpu_family = 6;
    host.cpu_model_number = 106;
    host.cpu_stepping = 6;
    host.isa = {"avx512f", "avx512_vnni"};
    EXPECT_EQ(on(host, "cpu").architecture, "ice_lake_server");
    host.isa = {"avx512f", "avx512_vnni", "amx_tile"};
    const DeviceMatch cpu = on(host, "cpu");
    EXPECT_EQ(cpu.architecture, "");
    EXPECT_EQ(cpu.architecture_confidence, 0);
    EXPECT_THAT(cpu.verdict, HasSubstr("Ice Lake"));
    EXPECT_THAT(cpu.verdict, HasSubstr("which has no amx_tile"));
    host.cpu_model_number = 167;  // known to detection alone, of an older version of it
    host.microarchitecture = "rocket_lake";
    EXPECT_EQ(on(host, "cpu").architecture, "");
    EXPECT_THAT(on(host, "cpu").verdict, HasSubstr("rocket_lake"));
}

TEST(Match, FindsEachGpuByNameOrPciId) {
    HostFacts host = x86("AMD EPYC 9654 96-Core Processor");
    host.cpu_vendor = "AuthenticAMD";
    host.gpus = {{"cuda:0", "NVIDIA H100 80GB HBM3", ""}, {"cuda:1", "", "10de:2330"}};
    for (const char* device : {"cuda:0", "cuda:1"}) {
        const DeviceMatch gpu = on(host, device);
        ASSERT_NE(gpu.product, nullptr) << device;
        EXPECT_EQ(gpu.product->id, "h100_sxm5");
    }
    EXPECT_EQ(on(host, "cpu").product->id, "amd_epyc_9654");
}

TEST(Match, AJetsonIsABoardACpuAndAGpu) {
    HostFacts host;
    host.architecture = "aarch64";
    host.cpu_model = "Cortex-A78AE";
    host.product_name = "NVIDIA Jetson AGX Orin Developer Kit";
    host.device_tree = {"nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000", "nvidia,tegra234"};
    host.gpus = {{"cuda:0", "NVIDIA Orin (integrated GPU)", ""}};
    EXPECT_EQ(on(host, "board").product->id, "jetson_orin_agx");
    EXPECT_EQ(on(host, "cpu").product->id, "jetson_orin_agx_cpu");
    EXPECT_EQ(on(host, "cuda:0").product->id, "jetson_orin_agx_gpu");
    host.architecture = "x86_64";
    EXPECT_EQ(on(host, "cuda:0").product, nullptr);
}

TEST(Match, TakesNeitherOfTwoThatAreEquallyLikely) {
    HardwareDatabase database;
    database.specs.push_back(testing_support::read(example_json()));
    Json other = example_json();
    other["id"] = "acme_gpu_2";
    other["aliases"] = Json::array();
    database.specs.push_back(testing_support::read(other));
    HostFacts host = x86("any");
    host.gpus = {{"cuda:0", "Acme GPU 1", ""}};
    const auto matches = Matcher(database).match(host);
    const DeviceMatch* gpu = find_device(matches, "cuda:0");
    EXPECT_EQ(gpu->product, nullptr);
    EXPECT_THAT(gpu->verdict, HasSubstr("equally well"));
    EXPECT_EQ(gpu->candidates.size(), 2u);
    EXPECT_THAT(problems_between(database), testing::Contains(HasSubstr("same confidence")));
}

// A name that a pattern describes: its literal letters, the first of alternatives, no options.
std::string name_of(const std::string& expression) {
    std::string name;
    int skipping = 0;
    for (std::size_t i = 0; i < expression.size(); ++i) {
        char c = expression[i];
        if (c == '^' || c == '$' || c == '(') continue;
        if (c == '|') skipping = 1;
        if (c == ')') {
            skipping = 0;
            continue;
        }
        if (c == '?') {
            if (!name.empty() && expression[i - 1] != ')') name.pop_back();
            continue;
        }
        if (c == '\\') {
            c = expression[++i];
            if (c == 'b') continue;
        }
        if (!skipping) name += c;
    }
    return name;
}

// Every pattern of every product, as a host that shows just that: the synthetic hosts.
TEST(Builtin, NoTwoProductsMatchAHostWithEqualConfidence) {
    int hosts = 0, matched = 0;
    for (const HardwareSpec& spec : products().specs)
        for (const DetectionPattern& pattern : spec.detection) {
            HostFacts host;
            host.architecture = spec.host_architecture.empty() ? "x86_64" : spec.host_architecture;
            host.cpu_model = pattern.cpu_model ? name_of(*pattern.cpu_model) : "";
            host.product_name = pattern.product_name ? name_of(*pattern.product_name) : "";
            host.cpu_vendor = pattern.cpu_vendor.value_or("");
            host.cpu_family = pattern.cpu_family;
            host.cpu_model_number = pattern.cpu_model_number;
            host.cpu_stepping = pattern.cpu_stepping;
            host.cores_per_socket = pattern.cores_per_socket;
            if (pattern.device_tree) host.device_tree = {*pattern.device_tree};
            host.gpus = {{"cuda:0", pattern.gpu_model ? name_of(*pattern.gpu_model) : "",
                          pattern.pci_id.value_or("")}};
            ++hosts;
            bool found = false;
            for (const DeviceMatch& match : matcher().match(host)) {
                if (match.candidates.size() > 1) {
                    EXPECT_NE(match.candidates[0].confidence, match.candidates[1].confidence)
                        << match.verdict;
                }
                for (const Candidate& candidate : match.candidates)
                    found = found || candidate.spec->id == spec.id;
            }
            EXPECT_TRUE(found) << spec.id << ": " << pattern.reason << ": '" << host.cpu_model
                               << "' '" << host.gpus[0].model << "'";
            matched += found ? 1 : 0;
        }
    EXPECT_GE(hosts, 100);
    EXPECT_EQ(matched, hosts);
}

TEST(NamePattern, IsBoundedInLengthAndInWork) {
    EXPECT_FALSE(NamePattern::make("^" + std::string(300, '(')));
    const auto nested = NamePattern::make("^(.|.)*X");
    ASSERT_TRUE(nested);
    EXPECT_FALSE(nested->matches(std::string(200, 'a')));
    for (const char* vast : {"^((a{1000}){1000}){1000}", "^a{2000}", "^a{2,1}"})
        EXPECT_FALSE(NamePattern::make(vast)) << vast;
    // This count overflowed the compiler of std::regex; RE2 would read it as letters.
    for (const char* typo : {"^a{6666666666666666666}", "^Foo{,3}X", "^Foo{3", "^Foo{}", "^Foo{x}"})
        EXPECT_FALSE(NamePattern::make(typo)) << typo;
    for (const char* sound : {"^a{2}", "^a{1,3}b", "^a{2,}", "^a\\{x", "^[{]x$"})
        EXPECT_TRUE(NamePattern::make(sound)) << sound;
}

TEST(NamePattern, RefusesWhatNeedsBacktracking) {
    for (const char* expression : {"^(a)\\1", "^a(?=b)", "^a(?!b)", "^(", "^[", "^a**\\"})
        EXPECT_FALSE(NamePattern::make(expression)) << expression;
}

TEST(NamePattern, ReadsNamesAsBytes) {
    const auto any = NamePattern::make("^A.B$");
    ASSERT_TRUE(any);
    EXPECT_TRUE(
        any->matches("A\xff"
                     "B"));
    EXPECT_FALSE(any->matches("A\nB"));
    EXPECT_FALSE(any->matches("AxB "));
}

TEST(NamePattern, MatchesFromTheStartAndLeavesOverlongNamesAlone) {
    HardwareDatabase database;
    Json json = example_json();
    json["detection"][0]["gpu_model"] = "^Acme (GPU|gpu) 1( Ti)?$";
    database.specs.push_back(testing_support::read(json));
    const Matcher one(database);
    const auto found = [&](const std::string& name) {
        HostFacts host = x86("");
        host.gpus = {{"cuda:0", name, ""}};
        return find_device(one.match(host), "cuda:0")->product != nullptr;
    };
    EXPECT_TRUE(found("Acme GPU 1"));
    EXPECT_TRUE(found("Acme gpu 1 Ti"));
    EXPECT_FALSE(found("The Acme GPU 1"));
    EXPECT_FALSE(found("Acme GPU 12"));
    EXPECT_FALSE(found("Acme GPU 1" + std::string(100'000, 'x')));
}

}  // namespace
}  // namespace peakward
