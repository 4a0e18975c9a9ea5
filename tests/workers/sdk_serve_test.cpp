#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "sdk/worker.hpp"
#include "workers/conversation_partner.hpp"

namespace peakward::worker {
namespace {

using testing::HasSubstr;

// Prints wherever it can, as libraries do, and returns as many samples as it is asked for.
class NoisyWorker : public Worker {
public:
    Json hello() override {
        std::puts("printed by puts");
        std::cout << "printed by cout" << std::endl;
        (void)!std::system("echo printed by a child");
        std::fflush(stdout);
        return {{"backend", "noisy"}};
    }
    Support supports(const Json&) override { return {true, ""}; }
    Prepared prepare(const PrepareRequest&) override { return {}; }
    std::vector<RunSample> run(const RunRequest& request) override {
        return std::vector<RunSample>(static_cast<std::size_t>(request.samples));
    }
    void release() override {}
};

int serve_noisy_worker() {
    NoisyWorker worker;
    return serve(worker);
}

TEST(Serve, KeepsStrayPrintsOffTheProtocol) {
    ConversationPartner partner(serve_noisy_worker);
    EXPECT_EQ(partner.ask("hello", {{"protocol", 1}})["backend"], "noisy");
    EXPECT_EQ(partner.ask("shutdown")["ok"], true);
    EXPECT_EQ(partner.wait(), 0);
    EXPECT_THAT(partner.stderr_text(), HasSubstr("printed by puts"));
    EXPECT_THAT(partner.stderr_text(), HasSubstr("printed by cout"));
    EXPECT_THAT(partner.stderr_text(), HasSubstr("printed by a child"));
}

TEST(Serve, WritesLargeRepliesWhole) {
    ConversationPartner partner(serve_noisy_worker);
    partner.ask("prepare", {{"case", case_json("gemm", "fp64", {{"n", 1}})},
                            {"seed", 1},
                            {"tolerance", 0},
                            {"cpus", Json::array()}});
    const Json reply = partner.ask("run", {{"samples", 20000}, {"min_s", 0}, {"slice_s", 0.001}});
    ASSERT_TRUE(reply.is_object());
    EXPECT_EQ(reply["samples"].size(), 20000u);
    EXPECT_EQ(partner.ask("release")["ok"], true);
}

TEST(Serve, GoesOnAfterGarbageAndAnOverlongLine) {
    ConversationPartner partner(serve_noisy_worker);
    partner.send_line("garbage");
    EXPECT_THAT(partner.read_line(), HasSubstr("not JSON"));
    partner.send_line(std::string(17u << 20, 'x'));
    EXPECT_THAT(partner.read_line(), HasSubstr("not JSON"));
    EXPECT_EQ(partner.ask("release")["ok"], true);
}

TEST(Serve, EndsWithTheInput) {
    ConversationPartner partner(serve_noisy_worker);
    partner.ask("release");
    EXPECT_EQ(partner.wait(), 0);
}

TEST(Serve, AnswersALastLineWithoutNewline) {
    ConversationPartner partner([] { return 0; });
    ConversationPartner worker([] {
        int in[2];
        if (::pipe(in) != 0) return 9;
        const std::string line = R"({"id":1,"verb":"release"})";
        if (::write(in[1], line.data(), line.size()) < 0) return 9;
        ::close(in[1]);
        ::dup2(in[0], 0);
        return serve_noisy_worker();
    });
    EXPECT_THAT(worker.read_line(), HasSubstr("\"ok\":true"));
    EXPECT_EQ(worker.wait(), 0);
}

TEST(Serve, OutlivesAHostThatNoLongerReads) {
    ConversationPartner partner([] {
        int out[2];
        if (::pipe(out) != 0) return 9;
        ::dup2(out[1], 1);
        ::close(out[0]);
        ::close(out[1]);
        return serve_noisy_worker();
    });
    partner.send_line(R"({"id":1,"verb":"release"})");
    EXPECT_EQ(partner.wait(), 1);  // an exit code of its own, not SIGPIPE
}

TEST(Serve, SaysSoWhenStdoutIsClosed) {
    ConversationPartner partner([] {
        ::close(1);
        return serve_noisy_worker();
    });
    EXPECT_EQ(partner.wait(), 1);
    EXPECT_THAT(partner.stderr_text(), HasSubstr("stdin or stdout is closed"));
}

// A worker whose parent dies while it computes must not go on computing: the input that would tell
// it is not being read.
class BusyWorker : public NoisyWorker {
public:
    explicit BusyWorker(int ready) : ready_(ready) {}
    Json hello() override {
        (void)!::write(ready_, "r", 1);
        for (;;) ::pause();
    }

private:
    int ready_;
};

TEST(Serve, DiesWithItsParentAlsoInTheMiddleOfAVerb) {
    int alive[2], input[2];
    ASSERT_EQ(::pipe(alive), 0);
    ASSERT_EQ(::pipe(input), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        int ready[2];
        if (::pipe(ready) != 0) ::_exit(9);
        if (::fork() == 0) {
            ::close(alive[0]);
            ::dup2(input[0], 0);
            BusyWorker worker(ready[1]);
            ::_exit(serve(worker));
        }
        ::close(alive[1]);
        const std::string line = R"({"id":1,"verb":"hello","protocol":1})"
                                 "\n";
        (void)!::write(input[1], line.data(), line.size());
        char byte = 0;
        (void)!::read(ready[0], &byte, 1);
        ::_exit(0);  // the worker is inside hello() now
    }
    ::close(alive[1]);
    ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
    char byte = 0;
    // The worker held the last write end; the end of file says that it is gone. input[1] is still
    // open here, so the end of its input was not the reason.
    pollfd ended = {alive[0], POLLIN, 0};
    ASSERT_EQ(::poll(&ended, 1, 60'000), 1) << "the worker still lives";
    EXPECT_EQ(::read(alive[0], &byte, 1), 0);
    for (int descriptor : {alive[0], input[0], input[1]}) ::close(descriptor);
}

}  // namespace
}  // namespace peakward::worker
