#include "measure/worker_host.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/library_variables.hpp"
#include "core/records_json.hpp"
#include "core/text.hpp"
#include "core/worker_protocol.hpp"
#include "measure/plausible.hpp"

namespace peakward {
namespace {

using std::chrono::milliseconds;

// How often a wait looks whether the user wants to stop.
constexpr Nanoseconds stop_look = milliseconds(100);
// How long a process that closed its output may take until it has ended.
constexpr Nanoseconds ending_limit = milliseconds(500);

// Longest announced length of a batch that is believed.
constexpr double announced_s_max = 600;

// What may be printed before the first reply: by a start-up script of Python, a wrapper, a banner.
constexpr std::size_t lines_before_hello_max = 100;
constexpr std::size_t bytes_before_hello_max = 64u << 10;
constexpr int braces_tried_max = 16;

// A worker runs an iteration before it announces how long one takes, roughly.
constexpr double announced_factor_max = 10, announced_slack_s = 1;

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

SpawnOptions spawn_options(const WorkerCommand& command, int threads, const WorkerLimits& limits) {
    SpawnOptions options;
    options.argv = command.argv;
    options.environment = command.environment;
    options.line_bytes_max = limits.line_bytes_max;
    if (threads > 0)
        for (const char* variable : thread_variables)
            options.environment.emplace_back(variable, std::to_string(threads));
    for (const char* variable : binding_variables) options.environment.emplace_back(variable, "");
    // Else CUDA numbers the fastest GPU first, and "cuda:1" would be another than detection's.
    options.environment.emplace_back("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
    return options;
}

// The reply in a line, also behind what somebody printed without an end of line.
std::optional<Json> reply_in(std::string_view line) {
    std::size_t at = line.find('{');
    for (int tried = 0; at != std::string_view::npos && tried < braces_tried_max; ++tried) {
        auto value = parse_json(line.substr(at), "reply");
        if (value && value->is_object() && value->contains("id")) return std::move(*value);
        at = line.find('{', at + 1);
    }
    return std::nullopt;
}

std::string printed_note(const std::vector<std::string>& printed) {
    return fmt::format("ignored what was printed before its first reply (lines: {}): '{}'",
                       printed.size(), excerpt(printed.front()));
}

}  // namespace

std::vector<std::string> ignored_variables() {
    std::vector<std::string> names;
    for (const char* variable : binding_variables) {
        const char* value = std::getenv(variable);
        if (value && *value) names.emplace_back(variable);
    }
    return names;
}

WorkerResult<std::unique_ptr<WorkerHost>> WorkerHost::start(const WorkerCommand& command,
                                                            int threads, ProcessLauncher& launcher,
                                                            Clock& clock, const StopToken& stop,
                                                            const WorkerLimits& limits) {
    if (!command.unavailable.empty())
        return tl::make_unexpected(WorkerFault{Outcome::failed, command.unavailable, false});
    auto child = launcher.spawn(spawn_options(command, threads, limits));
    if (!child)
        return tl::make_unexpected(WorkerFault{Outcome::failed, child.error().message, false});

    std::unique_ptr<WorkerHost> host(new WorkerHost(clock, stop, limits));
    host->child_ = std::move(*child);
    host->threads_ = threads;
    auto hello = host->ask_hello(command);
    if (!hello) return tl::make_unexpected(hello.error());
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

WorkerResult<void> WorkerHost::send(std::string_view verb, Json request) {
    if (!child_)
        return tl::make_unexpected(
            WorkerFault{Outcome::failed, fmt::format("no worker to ask for {}", verb), false});
    request["id"] = ++last_id_;
    request["verb"] = verb;
    if (!child_->write_line(canonical_json(request)))
        return tl::make_unexpected(ended_by_itself(verb));
    return {};
}

WorkerResult<std::string> WorkerHost::next_line(std::string_view verb, Nanoseconds limit) {
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
    return std::move(outcome.line);
}

WorkerResult<Json> WorkerHost::checked_reply(std::string_view verb, Json reply,
                                             std::string_view line) {
    auto head = parse_head(reply, last_id_);
    if (!head)
        return tl::make_unexpected(
            protocol_error(verb, fmt::format("{}: '{}'", head.error().message, excerpt(line))));
    if (!head->ok)
        return tl::make_unexpected(
            WorkerFault{Outcome::failed, fmt::format("{}: {}", verb, head->error), false});
    return reply;
}

WorkerResult<Json> WorkerHost::ask(std::string_view verb, Json request, Nanoseconds limit) {
    if (auto sent = send(verb, std::move(request)); !sent) return tl::make_unexpected(sent.error());
    auto line = next_line(verb, limit);
    if (!line) return tl::make_unexpected(line.error());
    auto reply = parse_json(*line, "reply");
    if (!reply)
        return tl::make_unexpected(
            protocol_error(verb, fmt::format("not JSON: '{}'", excerpt(*line))));
    return checked_reply(verb, std::move(*reply), *line);
}

// The one verb before whose reply others may have printed. A program of its own has its output to
// itself: where it printed something else, its reply has to come soon.
WorkerResult<Hello> WorkerHost::ask_hello(const WorkerCommand& command) {
    constexpr auto verb = protocol::hello;
    if (auto sent = send(verb, Json{{"protocol", protocol::version}}); !sent)
        return tl::make_unexpected(sent.error());
    const Nanoseconds limit_after_print =
        command.interpreter.empty() ? limits_.other : limits_.hello;
    std::vector<std::string> printed;
    std::optional<Json> reply;
    std::string reply_line;
    for (std::size_t bytes = 0; !reply;) {
        auto line = next_line(verb, printed.empty() ? limits_.hello : limit_after_print);
        if (!line && !printed.empty() && line.error().outcome == Outcome::timed_out)
            return tl::make_unexpected(
                protocol_error(verb, fmt::format("no reply, but '{}'", excerpt(printed.front()))));
        if (!line) return tl::make_unexpected(line.error());
        reply = reply_in(*line);
        if (reply) {
            reply_line = std::move(*line);
            break;
        }
        bytes += line->size();
        printed.push_back(std::move(*line));
        if (printed.size() > lines_before_hello_max || bytes > bytes_before_hello_max)
            return tl::make_unexpected(
                protocol_error(verb, fmt::format("{} lines without a reply, the first '{}'",
                                                 printed.size(), excerpt(printed.front()))));
    }
    auto checked = checked_reply(verb, std::move(*reply), reply_line);
    if (!checked) return tl::make_unexpected(checked.error());
    auto hello = parse_hello(*checked);
    if (!hello) return tl::make_unexpected(protocol_error(verb, hello.error().message));
    if (!printed.empty()) hello->notes.push_back(printed_note(printed));
    for (const std::string& variable : ignored_variables())
        hello->notes.push_back(variable + " is ignored: the host binds the threads itself");
    return std::move(*hello);
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
    batches_ = {0, 0, batches_.end_ns};
    const Nanoseconds asked_at = clock_.monotonic();
    auto reply = ask(protocol::prepare, request, limits_.prepare);
    if (!reply) return tl::make_unexpected(reply.error());
    auto parsed = parse_prepare(*reply);
    if (!parsed)
        return tl::make_unexpected(protocol_error(protocol::prepare, parsed.error().message));
    const double waited_s = Seconds(clock_.monotonic() - asked_at).count();
    if (parsed->iteration_s > announced_factor_max * waited_s + announced_slack_s)
        return tl::make_unexpected(protocol_error(
            protocol::prepare, fmt::format("it announces {:.3g} s for an iteration, and all of "
                                           "prepare took {:.3g} s",
                                           parsed->iteration_s, waited_s)));
    condition_ = {};
    condition_.has_impossible_reading = drop_impossible_readings(*parsed);
    return std::move(*parsed);
}

WorkerResult<std::vector<Sample>> WorkerHost::run(const Case& what, const RunOrder& order) {
    const Json request{
        {"samples", order.samples}, {"min_s", order.min_s}, {"slice_s", order.slice_s}};
    // A worker may announce nonsense; nobody waits for it longer than this.
    const double announced_s = std::min(order.samples * order.sample_s, announced_s_max);
    const Nanoseconds limit =
        limits_.run_margin + from_seconds(order.min_s + limits_.run_factor * announced_s);
    const Nanoseconds asked_at = clock_.monotonic();
    auto reply = ask(protocol::run, request, limit);
    if (!reply) return tl::make_unexpected(reply.error());
    const Nanoseconds waited = clock_.monotonic() - asked_at;
    auto parsed = parse_run(*reply, what.threads);
    if (!parsed) return tl::make_unexpected(protocol_error(protocol::run, parsed.error().message));
    if (const std::string why = why_batch_impossible(*parsed, what.threads, order, waited);
        !why.empty())
        return tl::make_unexpected(protocol_error(protocol::run, "its times cannot be: " + why));
    auto condition = parse_condition(*reply);
    if (!condition)
        return tl::make_unexpected(protocol_error(protocol::run, condition.error().message));
    condition->has_impossible_reading =
        drop_impossible_readings(*parsed, *condition) || condition_.has_impossible_reading;
    condition_ = *condition;
    return std::move(*parsed);
}

std::string WorkerHost::why_batch_impossible(const std::vector<Sample>& samples, int threads,
                                             const RunOrder& order, Nanoseconds waited) {
    std::string why =
        why_impossible(samples, {threads, order.min_s, order.slice_s, waited, batches_.end_ns});
    if (!why.empty()) return why;
    for (const Sample& sample : samples)
        batches_.end_ns = std::max(batches_.end_ns, sample.start_ns + sample.wall_ns);
    batches_.asked_s += order.min_s;
    batches_.in_blocks_s += busiest_thread_s(samples);
    return why_too_little(batches_.in_blocks_s, batches_.asked_s);
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
                       Clock& clock, const StopToken& stop, const WorkerLimits& limits)
    : launcher_(launcher), clock_(clock), stop_(stop), limits_(limits) {
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
    auto started = start(command->second, threads);
    if (!started) return tl::make_unexpected(started.error());
    host = std::move(*started);
    return host.get();
}

WorkerResult<std::unique_ptr<WorkerHost>> WorkerPool::start(const WorkerCommand& command,
                                                            int threads) {
    const std::string& interpreter = command.interpreter;
    const auto known = interpreters_.find(interpreter);
    if (known != interpreters_.end() && !known->second.empty())
        return tl::make_unexpected(WorkerFault{Outcome::failed, known->second, false});
    auto started = WorkerHost::start(command, threads, launcher_, clock_, stop_, limits_);
    // Only what its first worker does says something about an interpreter.
    if (!interpreter.empty() && known == interpreters_.end() && command.unavailable.empty())
        interpreters_[interpreter] = !started && started.error().outcome == Outcome::timed_out
                                         ? fmt::format("not asked: {} gave {} for {}", interpreter,
                                                       started.error().reason, command.backend)
                                         : "";
    return started;
}

void WorkerPool::retire(const std::string& backend) { hosts_.erase(backend); }
void WorkerPool::retire_all() { hosts_.clear(); }

}  // namespace peakward
