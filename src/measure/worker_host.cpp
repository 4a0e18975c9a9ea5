#include "measure/worker_host.hpp"

#include <algorithm>
#include <cmath>

#include "core/records_json.hpp"
#include "core/text.hpp"
#include "core/worker_protocol.hpp"

namespace peakward {
namespace {

using std::chrono::milliseconds;

// How often a wait looks whether the user wants to stop.
constexpr Nanoseconds stop_look = milliseconds(100);
// How long a process that closed its output may take until it has ended.
constexpr Nanoseconds ending_limit = milliseconds(500);

// Longest announced length of a batch that is believed.
constexpr double announced_s_max = 600;

// Where the threaded libraries in use look for their number of threads.
constexpr const char* thread_variables[] = {"OMP_NUM_THREADS",     "OPENBLAS_NUM_THREADS",
                                            "MKL_NUM_THREADS",     "BLIS_NUM_THREADS",
                                            "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"};

std::string last_line(const std::string& text) {
    std::string last;
    for (const std::string& line : split(text, '\n'))
        if (!trim(line).empty()) last = trim(line);
    return excerpt(last);
}

std::string seconds_words(Nanoseconds limit) {
    return fmt::format("{:g} s", std::chrono::duration<double>(limit).count());
}

Nanoseconds from_seconds(double seconds) {
    return std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace

WorkerResult<std::unique_ptr<WorkerHost>> WorkerHost::start(const WorkerCommand& command,
                                                            int threads, ProcessLauncher& launcher,
                                                            const StopToken& stop,
                                                            const WorkerLimits& limits) {
    if (!command.unavailable.empty())
        return tl::make_unexpected(WorkerFault{Outcome::failed, command.unavailable, false});
    SpawnOptions options;
    options.argv = command.argv;
    options.environment = command.environment;
    options.line_bytes_max = limits.line_bytes_max;
    if (threads > 0)
        for (const char* variable : thread_variables)
            options.environment.emplace_back(variable, std::to_string(threads));
    // Else CUDA numbers the fastest GPU first, and "cuda:1" would be another than detection's.
    options.environment.emplace_back("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
    auto child = launcher.spawn(options);
    if (!child)
        return tl::make_unexpected(WorkerFault{Outcome::failed, child.error().message, false});

    std::unique_ptr<WorkerHost> host(new WorkerHost(stop, limits));
    host->child_ = std::move(*child);
    host->threads_ = threads;
    auto reply = host->ask(protocol::hello, Json{{"protocol", protocol::version}}, limits.hello);
    if (!reply) return tl::make_unexpected(reply.error());
    auto hello = parse_hello(*reply);
    if (!hello)
        return tl::make_unexpected(host->protocol_error(protocol::hello, hello.error().message));
    if (hello->backend != command.backend)
        return tl::make_unexpected(host->protocol_error(
            protocol::hello, fmt::format("it calls itself '{}', not '{}'", excerpt(hello->backend),
                                         command.backend)));
    host->hello_ = std::move(*hello);
    return host;
}

WorkerHost::~WorkerHost() { shutdown(); }

void WorkerHost::kill() {
    if (child_) child_->kill();
    child_.reset();
}

WorkerFault WorkerHost::ended_by_itself(std::string_view verb) {
    const std::string how = child_->ended(ending_limit).value_or("it closed its output");
    const std::string said = last_line(child_->stderr_tail());
    kill();
    return {
        Outcome::failed,
        fmt::format("worker ended during {}: {}{}{}", verb, how, said.empty() ? "" : ": ", said),
        false};
}

WorkerFault WorkerHost::protocol_error(std::string_view verb, const std::string& why) {
    kill();
    return {Outcome::failed, fmt::format("protocol error at {}: {}", verb, why), false};
}

WorkerResult<Json> WorkerHost::ask(std::string_view verb, Json request, Nanoseconds limit) {
    if (!child_)
        return tl::make_unexpected(
            WorkerFault{Outcome::failed, fmt::format("no worker to ask for {}", verb), false});
    request["id"] = ++last_id_;
    request["verb"] = verb;
    if (!child_->write_line(canonical_json(request)))
        return tl::make_unexpected(ended_by_itself(verb));

    ChildProcess::ReadOutcome outcome;
    for (Nanoseconds waited{0};;) {
        const Nanoseconds step = std::min(stop_look, limit - waited);
        outcome = child_->read_line(step);
        if (outcome.status != ChildProcess::ReadStatus::timed_out) break;
        waited += step;
        if (stop_.stop_requested()) {
            kill();
            return tl::make_unexpected(WorkerFault{Outcome::failed, "interrupted", true});
        }
        if (waited >= limit) {
            kill();
            return tl::make_unexpected(WorkerFault{
                Outcome::timed_out,
                fmt::format("no answer to {} within {}", verb, seconds_words(limit)), false});
        }
    }
    if (outcome.status == ChildProcess::ReadStatus::closed)
        return tl::make_unexpected(ended_by_itself(verb));
    if (outcome.status == ChildProcess::ReadStatus::overlong)
        return tl::make_unexpected(protocol_error(verb, "the line is longer than a reply can be"));

    auto reply = parse_json(outcome.line, "reply");
    if (!reply)
        return tl::make_unexpected(
            protocol_error(verb, fmt::format("not JSON: '{}'", excerpt(outcome.line))));
    auto head = parse_head(*reply, last_id_);
    if (!head)
        return tl::make_unexpected(protocol_error(
            verb, fmt::format("{}: '{}'", head.error().message, excerpt(outcome.line))));
    if (!head->ok)
        return tl::make_unexpected(
            WorkerFault{Outcome::failed, fmt::format("{}: {}", verb, head->error), false});
    return std::move(*reply);
}

WorkerResult<SupportReply> WorkerHost::supports(const Case& what) {
    auto reply = ask(protocol::supports, Json{{"case", to_json(what)}}, limits_.other);
    if (!reply) return tl::make_unexpected(reply.error());
    auto parsed = parse_supports(*reply);
    if (!parsed)
        return tl::make_unexpected(protocol_error(protocol::supports, parsed.error().message));
    return *parsed;
}

WorkerResult<PrepareReply> WorkerHost::prepare(const Case& what, const PrepareOrder& order) {
    Json request{{"case", to_json(what)},
                 {"seed", order.seed},
                 {"tolerance", order.tolerance},
                 {"cpus", order.cpus}};
    if (!order.network.empty()) request["network"] = order.network;
    auto reply = ask(protocol::prepare, request, limits_.prepare);
    if (!reply) return tl::make_unexpected(reply.error());
    auto parsed = parse_prepare(*reply);
    if (!parsed)
        return tl::make_unexpected(protocol_error(protocol::prepare, parsed.error().message));
    return *parsed;
}

WorkerResult<std::vector<Sample>> WorkerHost::run(const Case& what, const RunOrder& order) {
    const Json request{
        {"samples", order.samples}, {"min_s", order.min_s}, {"slice_s", order.slice_s}};
    // A worker may announce nonsense; nobody waits for it longer than this.
    const double announced_s = std::min(order.samples * order.sample_s, announced_s_max);
    const Nanoseconds limit =
        limits_.run_margin + from_seconds(order.min_s + limits_.run_factor * announced_s);
    auto reply = ask(protocol::run, request, limit);
    if (!reply) return tl::make_unexpected(reply.error());
    auto parsed = parse_run(*reply, what.threads);
    if (!parsed) return tl::make_unexpected(protocol_error(protocol::run, parsed.error().message));
    auto condition = parse_condition(*reply);
    if (!condition)
        return tl::make_unexpected(protocol_error(protocol::run, condition.error().message));
    condition_ = *condition;
    return std::move(*parsed);
}

WorkerResult<void> WorkerHost::release() {
    auto reply = ask(protocol::release, Json::object(), limits_.other);
    if (!reply) return tl::make_unexpected(reply.error());
    return {};
}

void WorkerHost::shutdown() {
    if (!child_) return;
    // A worker that is well ends at once; killing it covers the others.
    Json request{{"id", ++last_id_}, {"verb", protocol::shutdown}};
    if (child_->write_line(canonical_json(request))) child_->ended(ending_limit);
    kill();
}

WorkerPool::WorkerPool(const std::vector<WorkerCommand>& commands, ProcessLauncher& launcher,
                       const StopToken& stop, const WorkerLimits& limits)
    : launcher_(launcher), stop_(stop), limits_(limits) {
    for (const WorkerCommand& command : commands) commands_.emplace(command.backend, command);
}

WorkerResult<WorkerHost*> WorkerPool::get(const std::string& backend, int threads) {
    std::unique_ptr<WorkerHost>& host = hosts_[backend];
    if (host && host->is_alive() && host->threads() == threads) return host.get();
    host.reset();
    const auto command = commands_.find(backend);
    if (command == commands_.end())
        return tl::make_unexpected(
            WorkerFault{Outcome::failed, fmt::format("no worker for backend {}", backend), false});
    auto started = WorkerHost::start(command->second, threads, launcher_, stop_, limits_);
    if (!started) return tl::make_unexpected(started.error());
    host = std::move(*started);
    return host.get();
}

void WorkerPool::retire(const std::string& backend) { hosts_.erase(backend); }
void WorkerPool::retire_all() { hosts_.clear(); }

}  // namespace peakward
