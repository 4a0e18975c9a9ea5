// Several processes append while some of them are killed: nothing that was reported as stored is
// lost, nothing is stored by half.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <set>

#include "store/scratch.hpp"

namespace peakward {
namespace {

using ::testing::IsEmpty;

// A process that appends runs with seeds first, first + 1, ... and writes each seed into a pipe
// once append() has returned.
class Appender {
public:
    Appender(const std::string& path, std::uint64_t first, int count) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            ::_exit(append(path, first, count, ends[1]));
        }
        ::close(ends[1]);
        pipe_ = ends[0];
    }
    Appender(const Appender&) = delete;
    Appender& operator=(const Appender&) = delete;
    ~Appender() {
        if (pid_ > 0) end(true);
        ::close(pipe_);
    }

    // Waits for its end; what it reported; its exit code (-1: killed).
    std::vector<std::uint64_t> end(bool kill) {
        if (kill) ::kill(pid_, SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        std::vector<std::uint64_t> reported;
        std::uint64_t seed = 0;
        while (::read(pipe_, &seed, sizeof seed) == ssize_t(sizeof seed)) reported.push_back(seed);
        return reported;
    }
    int exit_code() const { return exit_code_; }

private:
    static int append(const std::string& path, std::uint64_t first, int count, int pipe) {
        auto store = open_store(path, OpenMode::append);
        if (!store) {
            std::fprintf(stderr, "opening: %s\n", store.error().message.c_str());
            return 1;
        }
        for (std::uint64_t seed = first; seed < first + std::uint64_t(count); ++seed) {
            const auto outcome = (*store)->append(
                store_test::make_run({.seed = seed, .measurements = 4, .windows = 20}));
            if (!outcome) {
                std::fprintf(stderr, "appending: %s\n", outcome.error().message.c_str());
                return 2;
            }
            if (::write(pipe, &seed, sizeof seed) != ssize_t(sizeof seed)) return 3;
        }
        return 0;
    }

    pid_t pid_ = -1;
    int pipe_ = -1;
    int exit_code_ = 0;
};

class Processes : public ::testing::Test {
protected:
    void expect_whole(const std::set<std::uint64_t>& reported, std::size_t unreported_most) {
        auto store = open_store(path_, OpenMode::append);
        ASSERT_TRUE(store) << store.error().message;
        const auto report = (*store)->verify();
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_THAT(report->problems, IsEmpty());
        std::set<std::string> stored;
        const auto history = (*store)->history({.limit = 0});
        ASSERT_TRUE(history) << history.error().message;
        for (const RunSummary& run : *history) stored.insert(run.run_id);
        for (const std::uint64_t seed : reported)
            EXPECT_TRUE(stored.contains(store_test::make_run_id(seed)))
                << "lost run of seed " << seed;
        EXPECT_LE(stored.size(), reported.size() + unreported_most);
        RecordProperty("stored", int(stored.size()));
    }
    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

TEST_F(Processes, FourAppendAtOnce) {
    std::vector<std::unique_ptr<Appender>> appenders;
    for (std::uint64_t i = 0; i < 4; ++i)
        appenders.push_back(std::make_unique<Appender>(path_, 1 + 100 * i, 10));
    std::set<std::uint64_t> reported;
    for (auto& appender : appenders) {
        for (const std::uint64_t seed : appender->end(false)) reported.insert(seed);
        EXPECT_EQ(appender->exit_code(), 0);
    }
    EXPECT_EQ(reported.size(), 40u);
    expect_whole(reported, 0);
}

// It starts without a database, so that some are killed while they make it.
TEST_F(Processes, AreKilledAtRandomMomentsAndLoseNoCommittedRun) {
    std::mt19937 random(20261121);
    std::uint64_t next_seed = 1;
    std::set<std::uint64_t> reported;
    std::size_t kills = 0;
    std::vector<std::unique_ptr<Appender>> appenders(4);
    while (reported.size() < 200) {
        for (auto& appender : appenders)
            if (!appender) {
                appender = std::make_unique<Appender>(path_, next_seed, 1000);
                next_seed += 1000;
            }
        // A random moment, from "has just been forked" to "several runs later".
        ::poll(nullptr, 0, int(random() % (kills < 12 ? 6 : 120)));
        auto& victim = appenders[random() % appenders.size()];
        for (const std::uint64_t seed : victim->end(true)) reported.insert(seed);
        EXPECT_EQ(victim->exit_code(), -1) << "it ended by itself";
        victim.reset();
        ++kills;
    }
    for (auto& appender : appenders)
        if (appender) {
            for (const std::uint64_t seed : appender->end(true)) reported.insert(seed);
            EXPECT_EQ(appender->exit_code(), -1) << "it ended by itself";
            ++kills;
        }
    EXPECT_GE(kills, 20u);
    expect_whole(reported, kills);
    RecordProperty("kills", int(kills));
}

}  // namespace
}  // namespace peakward
