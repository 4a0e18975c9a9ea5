#include <gmock/gmock.h>

#include "detect/memory_sys_root.hpp"
#include "detect/sources/collect.hpp"

namespace peakward {
namespace {

using namespace std::string_literals;

Context context_with(const MemorySysRoot& root) {
    StillClock clock;
    Context context;
    detail::collect_library_variables(root, clock, {}, context);
    return context;
}

TEST(LibraryVariablesSource, EachIsAComponentUnderItsOwnName) {
    MemorySysRoot root;
    root.file("/proc/self/environ", "OPENBLAS_CORETYPE=Prescott\0LANG=C\0"s);
    const Software software = context_with(root).software;
    ASSERT_EQ(software.components.size(), 1u);
    EXPECT_EQ(*software.components.at("OPENBLAS_CORETYPE"), "Prescott");
}

TEST(LibraryVariablesSource, TheyAreAPartOfTheStack) {
    MemorySysRoot narrow;
    narrow.file("/proc/self/environ", "OPENBLAS_CORETYPE=Prescott\0"s);
    const Software without = context_with(MemorySysRoot{}).software;
    const Software with = context_with(narrow).software;
    EXPECT_NE(stack_digest(without), stack_digest(with));
    EXPECT_EQ(software_fingerprint(without), software_fingerprint(with))
        << "seed 000's five components and no more";
}

}  // namespace
}  // namespace peakward
