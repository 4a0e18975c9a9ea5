// A worker for the tests of the worker host: it behaves, or misbehaves in one way at one verb.
//   peakward_fake_worker [NAME [MISDEED VERB]]
// It does nothing, for as long as it was asked to, and its samples are of that time.
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "core/json.hpp"

using peakward::Json;

namespace {

std::string name = "fake", misdeed, guilty_verb;

std::int64_t monotonic_ns() {
    timespec time = {};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

void wait_until(std::int64_t at_ns) {
    const timespec at{at_ns / 1'000'000'000, at_ns % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
    }
}

void say(const std::string& line) { std::cout << line << '\n' << std::flush; }

[[noreturn]] void hang() {
    while (true) ::pause();
}

void print_pid_of_child() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGTERM, SIG_IGN);
        ::close(STDOUT_FILENO);
        hang();
    }
    std::cerr << "grandchild " << child << '\n' << std::flush;
}

// True when the request has been dealt with by misbehaving.
bool misbehave(const Json& request) {
    if (request.at("verb") != guilty_verb) return false;
    if (misdeed == "crash") {
        ::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would make an exit code of it
        ::raise(SIGSEGV);
    }
    if (misdeed == "exit") {
        std::cerr << "warming up\nno such library: libfoo.so\n" << std::flush;
        std::_Exit(3);
    }
    if (misdeed == "exit_with_child") {
        if (::fork() == 0) hang();  // it holds our output
        std::_Exit(3);
    }
    if (misdeed == "banner") {
        std::cout << "overlay: active\n[1]\n{\"level\": \"info\"}\nno end of line {" << std::flush;
        return false;
    }
    if (misdeed == "chatter") {
        for (int i = 0; i < 200; ++i) say("line " + std::to_string(i));
        return false;
    }
    if (misdeed == "close_output") {
        ::close(STDOUT_FILENO);
        hang();
    }
    if (misdeed == "hang") hang();
    if (misdeed == "stubborn") {
        ::signal(SIGTERM, SIG_IGN);
        hang();
    }
    if (misdeed == "grandchild") {
        print_pid_of_child();
        hang();
    }
    if (misdeed == "garbage") say("INFO: loading kernels ...");
    if (misdeed == "not_an_object") say("[1, 2]");
    if (misdeed == "wrong_id") say(R"({"id": 9999, "ok": true})");
    if (misdeed == "no_ok") say(Json{{"id", request.at("id")}}.dump());
    if (misdeed == "empty_reply") say(Json{{"id", request.at("id")}, {"ok", true}}.dump());
    if (misdeed == "overlong") say(std::string(1 << 20, 'x'));
    if (misdeed == "refuse")
        say(Json{{"id", request.at("id")}, {"ok", false}, {"error", "out of memory"}}.dump());
    if (misdeed == "noisy") {
        for (int i = 0; i < 20'000; ++i) std::cerr << "warning number " << i << " of a library\n";
        std::cerr << std::flush;
        return false;
    }
    if (misdeed == "wrong_answer" || misdeed == "fallback" || misdeed == "nan_answer" ||
        misdeed == "loose_answer" || misdeed == "bad_sample")
        return false;
    return true;
}

// The first variable of its environment that an OpenMP runtime would bind threads by.
std::string binding() {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text(*entry);
        for (const char* prefix : {"OMP_P", "GOMP_CPU_AFFINITY", "KMP_"})
            if (text.starts_with(prefix)) return text;
    }
    return "nothing";
}

Json hello() {
    return {
        {"protocol", 1},
        {"backend", name},
        {"versions",
         {{"fake", "1.0"},
          {"threads", std::getenv("OMP_NUM_THREADS") ? std::getenv("OMP_NUM_THREADS") : "unset"},
          {"bound_by", binding()}}},
        {"devices", {"cpu"}},
        {"precisions", {"fp64", "fp32"}},
        {"operations", {"gemm", "dot"}}};
}

Json prepare(const Json& request) {
    Json reply{{"device", "cpu"},
               {"implementation", "fake loops"},
               {"error", 0.0},
               {"correct", true},
               {"iteration_s", 0.001}};
    if (request.at("verb") != guilty_verb) return reply;
    if (misdeed == "wrong_answer") reply["correct"] = false, reply["error"] = 0.5;
    if (misdeed == "loose_answer") reply["error"] = 0.5;  // and claims that it is correct
    if (misdeed == "nan_answer") reply["error"] = nullptr;
    if (misdeed == "fallback") reply["device"] = "cpu (asked for another)";
    return reply;
}

Json run(const Json& request) {
    Json samples = Json::array();
    const double min_s = request.at("min_s").get<double>();
    std::int64_t now_ns = monotonic_ns();
    for (double at_s = 0; at_s < min_s || samples.empty(); at_s += 0.001) {
        samples.push_back({0, now_ns, 1'000'000, 1'000'000, 0, -1, 1.0, 0.0});
        now_ns += 1'001'000;
    }
    wait_until(now_ns);
    if (misdeed == "bad_sample" && guilty_verb == "run") samples.back()[2] = -5;
    return {{"samples", samples}};
}

Json answer(const Json& request) {
    const std::string verb = request.at("verb");
    if (verb == "hello") return hello();
    if (verb == "supports") return {{"supported", true}};
    if (verb == "prepare") return prepare(request);
    if (verb == "run") return run(request);
    return Json::object();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) name = argv[1];
    if (argc > 3) misdeed = argv[2], guilty_verb = argv[3];
    std::string line;
    while (std::getline(std::cin, line)) {
        const Json request = Json::parse(line);
        if (misbehave(request)) continue;
        Json reply = answer(request);
        reply["id"] = request.at("id");
        reply["ok"] = true;
        say(reply.dump());
        if (request.at("verb") == "shutdown") break;
    }
    return 0;
}
