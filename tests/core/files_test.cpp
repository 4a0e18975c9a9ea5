#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "core/posix.hpp"

namespace peakward {
namespace {

class Files : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "peakward_files_XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::size_t entries() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(folder_), {}));
    }
    std::string folder_;
};

TEST_F(Files, AtomicWriteReplacesTheWholeFile) {
    const std::string path = folder_ + "/profile.json";
    ASSERT_TRUE(write_file_atomically(path, "old content that is longer"));
    ASSERT_TRUE(write_file_atomically(path, "new"));
    EXPECT_EQ(*read_whole_file(path), "new");
    EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, AFailedWriteLeavesTheOldFileAndNoOther) {
    const std::string path = folder_ + "/profile.json";
    ASSERT_TRUE(write_file_atomically(path, "old"));
    // In a child: a file-size limit stands for a full disk.
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1024, 1024};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto status = write_file_atomically(path, std::string(1 << 20, 'x'));
        ::_exit(!status && status.error().message.find(path) != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(*read_whole_file(path), "old");
    EXPECT_EQ(entries(), 1u);
}

// Another process is killed while it writes: nothing of the new file has a name yet.
TEST_F(Files, AKilledWriterLeavesNoFile) {
    const int nameless = ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (nameless < 0) GTEST_SKIP() << "this file system has no files without a name";
    ::close(nameless);
    const std::string path = folder_ + "/report.html";
    ASSERT_TRUE(write_file_atomically(path, "old"));
    const pid_t child = ::fork();
    if (child == 0) {
        // Exceeding the limit kills it in the middle of its first write.
        ::signal(SIGXFSZ, SIG_DFL);
        const rlimit limit{4096, 4096}, no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::setrlimit(RLIMIT_FSIZE, &limit);
        (void)write_file_atomically(path, std::string(1 << 20, 'x'));
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(*read_whole_file(path), "old");
    EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, ReadingNamesTheFileAndTheReason) {
    const auto missing = read_whole_file(folder_ + "/none");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message,
              "cannot read " + folder_ + "/none: No such file or directory");
    EXPECT_FALSE(read_whole_file(folder_));
    ASSERT_TRUE(write_file_atomically(folder_ + "/big", std::string(5 << 20, 'x')));
    EXPECT_FALSE(read_whole_file(folder_ + "/big", 1 << 20));
}

}  // namespace
}  // namespace peakward
