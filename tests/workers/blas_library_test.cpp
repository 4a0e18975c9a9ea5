#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "blas/library.hpp"

namespace peakward::worker::blas {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string fake_library(const std::string& kind) {
    return std::string(PEAKWARD_FAKES_DIR) + "/cblas_" + kind + ".so";
}

std::string why_not(const std::string& path) {
    try {
        Library::load(path);
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return "it was loaded";
}

TEST(BlasLibrary, RefusesAFileThatIsNoLibrary) {
    const auto folder = std::filesystem::path(testing::TempDir()) /
                        ("peakward-blas-library-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const std::string path = (folder / "libblas.so").string();
    std::ofstream(path) << "not a library";
    EXPECT_THAT(why_not(path), AllOf(HasSubstr("cannot load the BLAS library " + path),
                                     HasSubstr("--blas-library PATH")));
    EXPECT_THAT(why_not(folder.string()), HasSubstr("cannot load the BLAS library"));
    EXPECT_THAT(why_not((folder / "none.so").string()), HasSubstr("No such file"));
    std::filesystem::remove_all(folder);
}

TEST(BlasLibrary, NamesTheSymbolThatALibraryLacks) {
    EXPECT_THAT(why_not(fake_library("missing")),
                AllOf(HasSubstr(fake_library("missing")), HasSubstr("is not a CBLAS"),
                      HasSubstr("no symbol cblas_dgemm")));
}

TEST(BlasLibrary, TriesTheSystemsChoiceFirst) {
    ASSERT_FALSE(Library::candidates().empty());
    EXPECT_EQ(Library::candidates().front(), "libblas.so.3");
}

TEST(BlasLibrary, CallsAMuteLibraryByItsFileAndGivesItOneThread) {
    Library library = Library::load(fake_library("good"));
    EXPECT_EQ(library.identity().name, "cblas_good.so");
    EXPECT_EQ(library.identity().file, std::filesystem::canonical(fake_library("good")).string());
    EXPECT_EQ(library.versions().at("blas"), "cblas_good.so");
    EXPECT_EQ(library.refuses_threads(1), "");
    EXPECT_THAT(library.refuses_threads(2), HasSubstr("pass --threads 1"));
    EXPECT_NO_THROW(library.set_threads(1));
    EXPECT_THROW(library.set_threads(2), std::runtime_error);
}

TEST(BlasLibrary, RecognisesOpenBlas) {
    Library library = Library::load(fake_library("openblas"));
    EXPECT_EQ(library.description(), "OpenBLAS 9.8.7 Zen9 pthreads");
    EXPECT_EQ(library.versions().at("openblas"), "9.8.7");
    EXPECT_EQ(library.versions().at("blas_core"), "Zen9");
    EXPECT_EQ(library.refuses_threads(8), "");
    EXPECT_THAT(library.refuses_threads(9), HasSubstr("at most 8 threads"));
    EXPECT_NO_THROW(library.set_threads(2));
    EXPECT_FALSE(library.identity().short_lived_threads);
}

TEST(BlasLibrary, RefusesALibraryThatKeepsItsOwnNumberOfThreads) {
    Library library = Library::load(fake_library("stubborn"));
    EXPECT_NO_THROW(library.set_threads(1));
    try {
        library.set_threads(2);
        FAIL() << "the other number was not noticed";
    } catch (const std::runtime_error& e) {
        EXPECT_THAT(e.what(), HasSubstr("runs 1 threads where 2 were asked for"));
    }
}

TEST(BlasLibrary, RecognisesBlisAndItsShortLivedThreads) {
    Library library = Library::load(fake_library("blis"));
    EXPECT_EQ(library.description(), "BLIS 7.6.5 zen9 pthreads");
    EXPECT_EQ(library.versions().at("blis"), "7.6.5");
    EXPECT_TRUE(library.identity().short_lived_threads);
    EXPECT_NO_THROW(library.set_threads(4));
}

TEST(BlasLibrary, RecognisesMklAndForbidsItToTakeFewerThreads) {
    Library library = Library::load(fake_library("mkl"));
    EXPECT_EQ(library.description(), "MKL 2099.1-Product OpenMP");
    EXPECT_EQ(library.versions().at("mkl"), "2099.1-Product");
    EXPECT_NO_THROW(library.set_threads(4));
}

TEST(BlasLibrary, BindsBothPrecisions) {
    const Library library = Library::load(fake_library("good"));
    const double x[] = {1, 2, 3}, y[] = {4, 5, 6};
    const float xf[] = {1, 2, 3}, yf[] = {4, 5, 6};
    EXPECT_EQ(library.kernels<double>().dot(3, x, 1, y, 1), 32.0);
    EXPECT_EQ(library.kernels<float>().dot(3, xf, 1, yf, 1), 32.0f);
}

}  // namespace
}  // namespace peakward::worker::blas
