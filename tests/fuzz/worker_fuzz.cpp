// A worker that answers well until it is asked one verb, and then says the input.
#include <cmath>
#include <memory>

#include "core/worker_protocol.hpp"
#include "fuzz/properties.hpp"
#include "fuzz/targets.hpp"
#include "measure/worker_host.hpp"

namespace peakward::fuzz {
namespace {

constexpr int threads = 2;

Json good_reply(std::string_view verb) {
    if (verb == protocol::hello)
        return {{"protocol", protocol::version}, {"backend", "fuzz"},
                {"versions", Json::object()},    {"devices", {"cpu"}},
                {"precisions", {"fp32"}},        {"operations", {"gemm"}}};
    if (verb == protocol::supports) return {{"supported", true}};
    if (verb == protocol::prepare)
        return {{"device", "cpu"},
                {"implementation", "loops"},
                {"correct", true},
                {"error", 0},
                {"iteration_s", 0.001}};
    if (verb == protocol::run)
        return {{"samples", Json::array({{0, 0, 1000000, 1000000, 0, 0, 1, 0}})}};
    return Json::object();
}

class Liar final : public ChildProcess {
public:
    Liar(std::string_view verb, std::string_view said) : verb_(verb), said_(said) {}

    Status write_line(std::string_view line) override {
        request_ = Json::parse(line);
        return {};
    }
    // Its own id is put into the input where that has the id 0: a wrong id alone ends all.
    ReadOutcome read_line(Nanoseconds) override {
        const Json id = request_.value("id", Json());
        if (request_.value("verb", "") != verb_) {
            Json reply = good_reply(request_.value("verb", ""));
            reply["id"] = id;
            reply["ok"] = true;
            return {ReadStatus::line, canonical_json(reply)};
        }
        std::string line(said_.substr(0, said_.find('\n')));
        constexpr std::string_view placeholder = "\"id\":0";
        if (const std::size_t at = line.find(placeholder); at != std::string::npos)
            line.replace(at, placeholder.size(), "\"id\":" + id.dump());
        return {ReadStatus::line, std::move(line)};
    }
    void kill() override {}
    std::optional<std::string> ended(Nanoseconds) override { return "exit code 0"; }
    std::string stderr_tail() const override { return std::string(said_.substr(0, 200)); }
    int pid() const override { return 1; }

private:
    std::string verb_;
    std::string_view said_;
    Json request_;
};

class Launcher final : public ProcessLauncher {
public:
    Launcher(std::string_view verb, std::string_view said) : verb_(verb), said_(said) {}
    Result<std::unique_ptr<ChildProcess>> spawn(const SpawnOptions&) override {
        return std::make_unique<Liar>(verb_, said_);
    }

private:
    std::string_view verb_, said_;
};

class NeverStop final : public StopToken {
public:
    bool stop_requested() const override { return false; }
};

// A tenth of a second between any two looks, as an honest worker takes.
class SteadyClock final : public Clock {
public:
    Nanoseconds monotonic() override { return now_ += std::chrono::milliseconds(100); }
    std::chrono::system_clock::time_point wall_now() override { return {}; }
    void sleep_for(Nanoseconds duration) override { now_ += duration; }

private:
    Nanoseconds now_{0};
};

std::string broken_fault(const WorkerFault& fault) {
    if (fault.reason.empty()) return "a fault without a reason";
    if (fault.interrupted) return "nobody asked to stop";
    return broken_text(fault.reason);
}

std::string broken_hello(const Hello& hello) {
    if (hello.backend != "fuzz") return "a worker of another name is taken";
    std::string all;
    for (const auto* list : {&hello.devices, &hello.precisions, &hello.operations, &hello.notes})
        for (const std::string& text : *list) all += text;
    return broken_text(all);
}

std::string broken_prepared(const PrepareReply& reply) {
    if (!std::isfinite(reply.iteration_s) || reply.iteration_s < 0) return "a time that is none";
    if (std::isnan(reply.error) || reply.error < 0) return "an error that is none";
    if (std::isinf(reply.error) && reply.correct) return "an answer that is no number is correct";
    return broken_text(reply.device + reply.implementation);
}

std::string broken_samples(const std::vector<Sample>& samples) {
    if (samples.empty()) return "a run without a sample";
    for (const Sample& sample : samples) {
        if (sample.thread < 0 || sample.thread >= threads) return "a sample of no thread";
        if (sample.start_ns < 0 || sample.wall_ns <= 0) return "a sample outside of time";
        if (!std::isfinite(sample.iterations) || sample.iterations <= 0) return "no iterations";
        if (!std::isfinite(sample.clock_hz) || sample.clock_hz < 0) return "a clock that is none";
    }
    return "";
}

std::string broken_conversation(std::string_view verb, std::string_view said) {
    Launcher launcher(verb, said);
    SteadyClock clock;
    const NeverStop stop;
    WorkerCommand command;
    command.backend = "fuzz";
    command.argv = {"fuzz"};
    auto host = WorkerHost::start(command, threads, launcher, clock, stop, WorkerLimits{});
    if (!host) return broken_fault(host.error());
    if (std::string broken = broken_hello((*host)->hello()); !broken.empty()) return broken;
    Case gemm;
    gemm.operation = "gemm";
    gemm.precision = "fp32";
    gemm.backend = "fuzz";
    gemm.threads = threads;
    const auto supports = (*host)->supports(gemm);
    if (!supports) return broken_fault(supports.error());
    if (!supports->supported && !broken_text(supports->reason).empty())
        return broken_text(supports->reason);
    const auto prepared = (*host)->prepare(gemm, {});
    if (!prepared) return broken_fault(prepared.error());
    if (std::string broken = broken_prepared(*prepared); !broken.empty()) return broken;
    const auto samples = (*host)->run(gemm, {.samples = 1, .min_s = 0.03});
    if (!samples) return broken_fault(samples.error());
    if (std::string broken = broken_samples(*samples); !broken.empty()) return broken;
    const auto released = (*host)->release();
    return released ? "" : broken_fault(released.error());
}

}  // namespace

std::string worker_hello(std::string_view bytes) {
    return broken_conversation(protocol::hello, bytes);
}
std::string worker_supports(std::string_view bytes) {
    return broken_conversation(protocol::supports, bytes);
}
std::string worker_prepare(std::string_view bytes) {
    return broken_conversation(protocol::prepare, bytes);
}
std::string worker_run(std::string_view bytes) { return broken_conversation(protocol::run, bytes); }
std::string worker_release(std::string_view bytes) {
    return broken_conversation(protocol::release, bytes);
}

}  // namespace peakward::fuzz
