#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/memory_sys_root.hpp"
#include "detect/seeded_bytes.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Fact<std::string> blas_of(const MemorySysRoot& root, const std::string& library = "") {
    StillClock clock;
    Context context;
    DetectOptions options;
    options.blas_library = library;
    detail::collect_blas(root, clock, options, context);
    return context.software.components.at("blas_library");
}

const std::string lib = "/usr/lib/x86_64-linux-gnu";

MemorySysRoot debian_openblas() {
    MemorySysRoot root;
    root.command("ldconfig",
                 "3 libs found in cache\n"
                 "\tlibopenblas.so.0 (libc6,x86-64) => /lib/x86_64-linux-gnu/libopenblas.so.0\n"
                 "\tlibblas.so.3 (libc6,x86-64) => " +
                     lib + "/libblas.so.3\n")
        .link(lib + "/libblas.so.3", "/etc/alternatives/libblas.so.3-x86_64-linux-gnu")
        .link("/etc/alternatives/libblas.so.3-x86_64-linux-gnu",
              lib + "/openblas-pthread/libblas.so.3")
        .file(lib + "/openblas-pthread/libblas.so.3", "")
        .link(lib + "/openblas-pthread/libopenblas.so.0", "libopenblasp-r0.3.21.so")
        .file(lib + "/openblas-pthread/libopenblasp-r0.3.21.so", "");
    return root;
}

TEST(Blas, FollowsTheAlternativesOfDebian) {
    const auto fact = blas_of(debian_openblas());
    ASSERT_TRUE(fact) << fact.reason();
    EXPECT_EQ(*fact, "OpenBLAS 0.3.21");
    EXPECT_THAT(fact.source(), HasSubstr("openblas-pthread/libblas.so.3"));
}

TEST(Blas, TakesTheVersionFromDpkgWhereNoFileNameTells) {
    MemorySysRoot root;
    root.link("/lib/x86_64-linux-gnu/libblas.so.3", "/etc/alternatives/libblas")
        .link("/etc/alternatives/libblas", lib + "/blis-pthread/libblas.so.3")
        .file(lib + "/blis-pthread/libblas.so.3", "")
        .file("/var/lib/dpkg/status",
              "Package: libblis4-openmp\nStatus: install ok installed\nVersion: 0.8.1-1\n\n"
              "Package: libblis4-pthread\nStatus: install ok installed\nVersion: 1:0.9.0+ds-1\n\n"
              "Package: libblis3-pthread\nStatus: deinstall ok config-files\nVersion: 0.7-1\n");
    EXPECT_EQ(*blas_of(root), "BLIS 0.9.0");
}

TEST(Blas, AsksDpkgQueryWhereTheDatabaseIsTooLargeToRead) {
    MemorySysRoot root;
    root.file(lib + "/blas/libblas.so.3", "")
        .link("/lib/x86_64-linux-gnu/libblas.so.3", lib + "/blas/libblas.so.3")
        .absent("/var/lib/dpkg/status", Absence::malformed)
        .command("dpkg-query",
                 "Package: libblas3\nVersion: 3.11.0-2\nStatus: install ok installed\n\n", 1);
    EXPECT_EQ(*blas_of(root), "Netlib BLAS 3.11.0");
}

TEST(Blas, ReadsCondaAndOneApi) {
    MemorySysRoot conda;
    conda.file("/opt/conda/lib/libmkl_rt.so.2", "")
        .file("/opt/conda/conda-meta/mkl-2023.1.0-h213fc3f_46344.json", "{}")
        .file("/opt/conda/conda-meta/mkl-service-2.4.0-py311.json", "{}");
    EXPECT_EQ(*blas_of(conda, "/opt/conda/lib/libmkl_rt.so.2"), "MKL 2023.1.0");
    MemorySysRoot oneapi;
    oneapi.file("/opt/intel/oneapi/mkl/2024.1/lib/libmkl_rt.so.2", "");
    EXPECT_EQ(*blas_of(oneapi, "/opt/intel/oneapi/mkl/2024.1/lib/libmkl_rt.so.2"), "MKL 2024.1");
}

TEST(Blas, SaysWhenNothingToldTheVersion) {
    MemorySysRoot root;
    root.file("/home/u/libopenblas.so", "");
    const auto fact = blas_of(root, "/home/u/libopenblas.so");
    EXPECT_EQ(*fact, "OpenBLAS");
    EXPECT_THAT(fact.source(), HasSubstr("nothing told its version"));
    root.file("/home/u/libfast.so.1", "");
    EXPECT_EQ(*blas_of(root, "/home/u/libfast.so.1"), "libfast.so.1");
}

TEST(Blas, AbsentAndUnreadableAreDifferentReasons) {
    EXPECT_THAT(blas_of(MemorySysRoot()).reason(), StartsWith("not installed"));
    EXPECT_EQ(blas_of(MemorySysRoot(), "/x/libblas.so").reason(),
              "not installed: /x/libblas.so does not exist");
    EXPECT_THAT(blas_of(MemorySysRoot(), "libother.so").reason(), HasSubstr("libother.so"));
    MemorySysRoot slow;
    slow.absent("command:ldconfig", Absence::slow);
    EXPECT_THAT(blas_of(slow).reason(), StartsWith("could not be read: command:ldconfig"));
}

TEST(Blas, ALinkThatTurnsInACircleEnds) {
    MemorySysRoot root;
    root.link("/lib64/libblas.so.3", "libblas.so.3");
    EXPECT_TRUE(blas_of(root));
}

TEST(Blas, KnowsLibrariesByTheirNames) {
    EXPECT_EQ(detail::blas_name_of("/opt/arm/armpl-24.04/lib/libarmpl_lp64.so"),
              "Arm Performance Libraries");
    EXPECT_EQ(detail::blas_version_of_path("Arm Performance Libraries",
                                           "/opt/arm/armpl-24.04/lib/libarmpl_lp64.so"),
              "24.04");
    EXPECT_EQ(detail::blas_version_of_path("OpenBLAS", "/x/libopenblas64_p-r0.3.28.dev.so"),
              "0.3.28");
    EXPECT_EQ(detail::blas_version_of_path("BLIS", "/x/libblis.so.4.0.0"), std::nullopt);
    EXPECT_EQ(detail::blas_version_of_path("Netlib BLAS", "/x/libblas.so.3.11.0"), "3.11.0");
    EXPECT_EQ(detail::blas_version_of_path("Netlib BLAS", "/x/libblas.so.3"), std::nullopt);
    EXPECT_EQ(detail::blas_name_of("/usr/lib64/libflexiblas.so.3"), "FlexiBLAS");
    EXPECT_EQ(detail::upstream_version("1:0.3.21+ds-4"), "0.3.21");
    EXPECT_EQ(detail::upstream_version("3.11.0"), "3.11.0");
}

TEST(Blas, LdconfigLeavesOutWhatCannotBeLoaded) {
    const auto paths = detail::parse_ldconfig(
        "\tlibblas.so.3 (libc6) => /usr/lib32/libblas.so.3\n"
        "\tlibblas.so.3 (libc6,x86-64) => /usr/lib/a/libblas.so.3\n"
        "\tlibblas.so.3 (libc6,x86-64) => /usr/lib/b/libblas.so.3\n"
        "\tlibc.so.6 (libc6,AArch64) => /lib/libc.so.6\n\tbroken =>\n");
    EXPECT_EQ(paths.at("libblas.so.3"), "/usr/lib/a/libblas.so.3");
    EXPECT_EQ(paths.size(), 2u);
}

TEST(BlasParsers, SurviveDamagedInput) {
    SeededBytes bytes(22);
    const std::string status =
        "Package: libblas3\nStatus: install ok installed\nVersion: 1:3.11.0-2\n\n";
    for (int i = 0; i < 1000; ++i) {
        for (const std::string& text :
             {bytes.noise(), bytes.damaged(status),
              bytes.damaged("\tlibblas.so.3 (libc6,x86-64) => /l\n"),
              bytes.damaged("/usr/lib/openblas-pthread/libopenblasp-r0.3.21.so")}) {
            detail::parse_dpkg_status(text);
            detail::upstream_version(text);
            for (const auto& [soname, path] : detail::parse_ldconfig(text)) EXPECT_EQ(path[0], '/');
            detail::blas_version_of_path(detail::blas_name_of(text), text);
        }
    }
}

}  // namespace
}  // namespace peakward
