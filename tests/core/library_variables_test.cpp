#include "core/library_variables.hpp"

#include <gmock/gmock.h>

namespace peakward {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::Pair;

TEST(LibraryVariables, AreThoseThatSteerKernelsThreadsAndLibraries) {
    for (const char* name : {"OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA",
                             "OMP_WAIT_POLICY", "KMP_BLOCKTIME", "GOMP_SPINCOUNT", "PYTHONPATH",
                             "CUDA_VISIBLE_DEVICES", "GLIBC_TUNABLES", "LD_PRELOAD"})
        EXPECT_TRUE(is_library_variable(name)) << name;
    for (const char* name : {"HOME", "PATH", "blas_library", "openblas_coretype", "python", "",
                             "LD_PRELOAD2", "CUDA_VISIBLE_DEVICES_OLD"})
        EXPECT_FALSE(is_library_variable(name)) << name;
}

TEST(LibraryVariables, ThoseThatTheHostSetsForWorkersSteerNothing) {
    EXPECT_FALSE(reaches_workers("OMP_NUM_THREADS"));
    EXPECT_FALSE(reaches_workers("KMP_AFFINITY"));
    EXPECT_FALSE(reaches_workers("PYTHONSAFEPATH"));
    EXPECT_TRUE(reaches_workers("OPENBLAS_CORETYPE"));
}

TEST(LibraryVariables, AreReadFromAnEnvironment) {
    EXPECT_THAT(library_variables_in("HOME=/home/ada\0OPENBLAS_CORETYPE=Prescott\0OMP_X=a=b\0"s
                                     "CUDA_VISIBLE_DEVICES=\0LD_PRELOAD=\0no sign\0"s),
                ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "\"\""), Pair("OMP_X", "a=b"),
                            Pair("OPENBLAS_CORETYPE", "Prescott")));
}

TEST(LibraryVariables, SayNoPathsOfTheUser) {
    EXPECT_THAT(
        library_variables_in("LD_PRELOAD=/home/ada/lab/libfast.so:/usr/lib/libm.so\0"s
                             "PYTHONPATH=/mnt/secret/tools:../ada/lib\0PYTHONHOME=/home/ada\0"s),
        ElementsAre(Pair("LD_PRELOAD", "libfast.so:/usr/lib/libm.so"), Pair("PYTHONHOME", "~"),
                    Pair("PYTHONPATH", "tools:lib")));
}

TEST(LibraryVariables, AreOneLineOfPlainText) {
    const auto variables =
        library_variables_in("OMP_A=x\x1b[31m\ny\xff\0OMP_B="s + std::string(5000, 'b'));
    EXPECT_EQ(variables.at("OMP_A"), "x?[31m?y?");
    EXPECT_LT(variables.at("OMP_B").size(), 250u);
}

}  // namespace
}  // namespace peakward
