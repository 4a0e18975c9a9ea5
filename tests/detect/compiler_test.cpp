#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/memory_sys_root.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::map<std::string, Fact<std::string>> compilers_of(const MemorySysRoot& root) {
    StillClock clock;
    Context context;
    detail::collect_compiler(root, clock, {}, context);
    return context.software.components;
}

TEST(Compiler, ReadsVersionsPastThePackagesInBrackets) {
    EXPECT_EQ(detail::compiler_version("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright"),
              "12.2.0");
    EXPECT_EQ(detail::compiler_version("gcc (GCC) 14.1.1 20240522 (Red Hat 14.1.1-4)\n"), "14.1.1");
    EXPECT_EQ(detail::compiler_version("Ubuntu clang version 14.0.0-1ubuntu1.1\n"), "14.0.0");
    EXPECT_EQ(detail::compiler_version("gcc (unclosed 1.2.3"), std::nullopt);
    EXPECT_EQ(detail::nvcc_version("Cuda compilation tools, release 12.4, V12.4.131\n"),
              "12.4.131");
    EXPECT_EQ(detail::nvcc_version("Cuda compilation tools, release 12.4\n"), "12.4");
}

TEST(Compiler, ReadsAllThree) {
    MemorySysRoot root;
    root.command("gcc", "gcc (Debian 12.2.0-14) 12.2.0\n")
        .command("clang", "Debian clang version 16.0.6 (15~deb12u1)\n")
        .command("/usr/local/cuda/bin/nvcc", "Cuda compilation tools, release 12.8, V12.8.61\n");
    const auto found = compilers_of(root);
    EXPECT_EQ(*found.at("gcc"), "12.2.0");
    EXPECT_EQ(*found.at("clang"), "16.0.6");
    EXPECT_EQ(*found.at("nvcc"), "12.8.61");
    EXPECT_EQ(found.at("nvcc").source(), "/usr/local/cuda/bin/nvcc --version");
}

TEST(Compiler, MissingSlowAndBrokenAreDifferentReasons) {
    MemorySysRoot root;
    root.absent("command:clang", Absence::slow).command("nvcc", "Killed\n", 137);
    const auto found = compilers_of(root);
    EXPECT_THAT(found.at("gcc").reason(), StartsWith("not installed: gcc"));
    EXPECT_THAT(found.at("clang").reason(), StartsWith("could not be read: command:clang"));
    EXPECT_THAT(found.at("nvcc").reason(), HasSubstr("exit code 137"));
    root.command("gcc", "no version here");
    EXPECT_THAT(compilers_of(root).at("gcc").reason(), HasSubstr("printed no version"));
}

}  // namespace
}  // namespace peakward
