#include "measure/cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/fakes/fakes.hpp"

namespace peakward {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

fakes::FakeRoot root_with(const std::map<int, std::string>& siblings) {
    fakes::FakeRoot root;
    for (const auto& [cpu, list] : siblings)
        root.files[fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list",
                               cpu)] = list + "\n";
    return root;
}

Context allowing(std::vector<int> cpus) {
    Context context;
    context.environment.cpus_allowed = std::move(cpus);
    return context;
}

TEST(CpuList, IsReadInTheFormOfSysfs) {
    EXPECT_THAT(parse_cpu_list("0-2,8\n"), ElementsAre(0, 1, 2, 8));
    EXPECT_THAT(parse_cpu_list("5"), ElementsAre(5));
    for (const char* bad : {"", "a", "3-1", "0-", "-1", "0-1-2", "0-99999999", "1,,2"})
        EXPECT_THAT(parse_cpu_list(bad), IsEmpty()) << bad;
}

TEST(Cores, TakeOneCpuOfEach) {
    const auto root = root_with({{0, "0,2"}, {1, "1,3"}, {2, "0,2"}, {3, "1,3"}});
    const CpuOrder order = order_cpus(allowing({3, 2, 1, 0}), root);
    EXPECT_THAT(order.cpus, ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(order.cores, 2);
    EXPECT_THAT(*choose_cpus(allowing({0, 1, 2, 3}), root, 0), ElementsAre(0, 1));
    EXPECT_THAT(*choose_cpus(allowing({0, 1, 2, 3}), root, 3), ElementsAre(0, 1, 2));
}

TEST(Cores, AreCountedAmongTheAllowedOnly) {
    const auto root = root_with({{2, "0,2"}, {3, "1,3"}});
    EXPECT_THAT(*choose_cpus(allowing({2, 3}), root, 0), ElementsAre(2, 3));
}

TEST(Cores, OfAHybridAreAll) {
    const auto root = root_with({{0, "0-1"}, {1, "0-1"}, {2, "2"}, {3, "3"}});
    EXPECT_THAT(*choose_cpus(allowing({0, 1, 2, 3}), root, 0), ElementsAre(0, 2, 3));
}

TEST(Cores, WithoutTopologyAreAsManyAsDetected) {
    Context context = allowing({0, 1, 2, 3});
    EXPECT_THAT(*choose_cpus(context, fakes::FakeRoot{}, 0), ElementsAre(0, 1, 2, 3));
    context.hardware.cpu.cores_physical = Fact<int>::known(2, "test");
    EXPECT_THAT(*choose_cpus(context, fakes::FakeRoot{}, 0), ElementsAre(0, 1));
    context.hardware.cpu.cores_physical = Fact<int>::known(64, "test");
    EXPECT_THAT(*choose_cpus(context, fakes::FakeRoot{}, 0), ElementsAre(0, 1, 2, 3));
}

TEST(Cores, FallBackToTheAffinityAndTheCount) {
    fakes::FakeRoot root;
    root.cpus = {4, 5};
    EXPECT_THAT(*choose_cpus(Context{}, root, 0), ElementsAre(4, 5));
    root.cpus = {};
    EXPECT_THAT(*choose_cpus(Context{}, root, 0), ElementsAre(0));
}

TEST(Cores, AreLimitedByTheQuotaRoundedUp) {
    Context context = allowing({0, 1, 2, 3});
    const auto with_quota = [&](double cpus) {
        context.environment.cpu_quota_cpus = Fact<double>::known(cpus, "cgroup");
        return choose_cpus(context, fakes::FakeRoot{}, 0)->size();
    };
    EXPECT_EQ(with_quota(0.5), 1u);
    EXPECT_EQ(with_quota(1.0), 1u);
    EXPECT_EQ(with_quota(1.5), 2u);
    EXPECT_EQ(with_quota(16), 4u);
    EXPECT_EQ(choose_cpus(context, fakes::FakeRoot{}, 4)->size(), 4u) << "asked for is asked for";
}

TEST(Cores, RefuseMoreThreadsThanThereAre) {
    const auto result = choose_cpus(allowing({0, 1}), fakes::FakeRoot{}, 3);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, ErrorKind::usage);
    EXPECT_THAT(result.error().message, HasSubstr("--threads 3: this process may use 2 CPUs"));
    EXPECT_EQ(choose_cpus(allowing({0}), fakes::FakeRoot{}, -1).error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace peakward
