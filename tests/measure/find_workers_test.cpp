#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "measure/measure.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class FindWorkers : public testing::Test {
protected:
    FindWorkers() : folder_(fs::path(testing::TempDir()) / ("workers_" + std::string(name()))) {
        fs::remove_all(folder_);
        fs::create_directories(folder_ / "one");
        fs::create_directories(folder_ / "two");
        search_.folders = {(folder_ / "one").string(), (folder_ / "two").string()};
    }
    ~FindWorkers() override { fs::remove_all(folder_); }

    static const char* name() {
        return testing::UnitTest::GetInstance()->current_test_info()->name();
    }
    std::string add(const std::string& file, bool executable = true) {
        const fs::path path = folder_ / file;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << "#!/bin/sh\n";
        if (executable) fs::permissions(path, fs::perms::owner_all);
        return path.string();
    }
    WorkerCommand find(const std::string& backend) {
        for (WorkerCommand& command : find_workers(search_))
            if (command.backend == backend) return command;
        ADD_FAILURE() << backend << " is not in the list";
        return {};
    }

    fs::path folder_;
    WorkerSearch search_;
};

TEST_F(FindWorkers, ListsTheKnownOnesEvenWhereNothingIs) {
    std::vector<std::string> names;
    for (const WorkerCommand& command : find_workers(search_)) names.push_back(command.backend);
    EXPECT_THAT(names, ElementsAre("native", "blas", "onednn", "cuda", "numpy", "pytorch",
                                   "onnxruntime", "jax"));
    const WorkerCommand native = find("native");
    EXPECT_THAT(native.unavailable, HasSubstr("peakward-worker-native was not found: looked in "));
    EXPECT_THAT(native.unavailable, HasSubstr("set PEAKWARD_WORKERS"));
    search_.folders.clear();
    EXPECT_THAT(find("native").unavailable, HasSubstr("no worker folder is set"));
}

TEST_F(FindWorkers, GivesAGpuItsVendorsLibrariesAndAFramework) {
    std::vector<std::string> on_gpus;
    for (const WorkerCommand& command : find_workers(search_))
        if (command.usual_on == UsualOn::others) on_gpus.push_back(command.backend);
    EXPECT_THAT(on_gpus, ElementsAre("cuda", "pytorch"));
}

TEST_F(FindWorkers, TakesTheFirstFolderThatHasIt) {
    const std::string second = add("two/peakward-worker-native");
    EXPECT_THAT(find("native").argv, ElementsAre(second));
    const std::string first = add("one/peakward-worker-native");
    EXPECT_THAT(find("native").argv, ElementsAre(first));
    EXPECT_EQ(find("native").unavailable, "");
}

TEST_F(FindWorkers, PassesOverWhatIsNotExecutable) {
    add("one/peakward-worker-native", false);
    fs::create_directories(folder_ / "two/peakward-worker-native");
    EXPECT_NE(find("native").unavailable, "");
}

TEST_F(FindWorkers, HandsTheLibraryToBlasAlone) {
    const std::string native = add("one/peakward-worker-native");
    const std::string blas = add("one/peakward-worker-blas");
    EXPECT_THAT(find("blas").argv, ElementsAre(blas));
    search_.blas_library = "libopenblas.so.0";
    EXPECT_THAT(find("blas").argv, ElementsAre(blas, "--library", "libopenblas.so.0"));
    EXPECT_THAT(find("native").argv, ElementsAre(native));
}

TEST_F(FindWorkers, FindsBackendsOfOthers) {
    add("two/peakward-worker-zeta");
    const std::string extra = add("one/peakward-worker-alpha");
    add("one/peakward-worker-notes.txt", false);
    add("one/something-else");
    std::vector<std::string> names;
    for (const WorkerCommand& command : find_workers(search_)) names.push_back(command.backend);
    EXPECT_THAT(names, ElementsAre("native", "blas", "onednn", "cuda", "numpy", "pytorch",
                                   "onnxruntime", "jax", "alpha", "zeta"));
    EXPECT_THAT(find("alpha").argv, ElementsAre(extra));
}

TEST_F(FindWorkers, StartsPythonBackendsUnderTheInterpreter) {
    add("two/python/peakward_worker/__main__.py", false);
    search_.python = add("bin/python3.11");
    const WorkerCommand numpy = find("numpy");
    EXPECT_THAT(
        numpy.argv,
        ElementsAre(search_.python, (folder_ / "two/python/peakward_worker/__main__.py").string(),
                    "numpy"));
    EXPECT_EQ(numpy.interpreter, search_.python);
    EXPECT_THAT(numpy.environment, testing::IsEmpty());
}

TEST_F(FindWorkers, FindsAnInterpreterOnThePath) {
    add("one/python/peakward_worker/__main__.py", false);
    const std::string python = add("bin/python3");
    const std::string other = add("bin/mypython");
    const std::string old_path = std::getenv("PATH");
    ::setenv("PATH", (folder_ / "bin").c_str(), 1);
    EXPECT_EQ(find("numpy").argv.at(0), python);
    search_.python = "mypython";
    EXPECT_EQ(find("numpy").argv.at(0), other);
    ::setenv("PATH", (folder_ / "one").c_str(), 1);
    EXPECT_EQ(find("numpy").unavailable,
              "mypython: no such interpreter; name another with --python");
    search_.python.clear();
    EXPECT_THAT(find("numpy").unavailable, HasSubstr("no python3 on the PATH"));
    ::setenv("PATH", old_path.c_str(), 1);
}

TEST_F(FindWorkers, SaysWhenTheInterpreterOrTheModuleIsMissing) {
    search_.python = "/nowhere/python3";
    EXPECT_EQ(find("numpy").unavailable,
              "/nowhere/python3: no such interpreter; name another with --python");
    search_.python = add("bin/python3");
    EXPECT_THAT(find("numpy").unavailable, HasSubstr("python/peakward_worker was not found"));
}

}  // namespace
}  // namespace peakward
