#include "sdk/requests.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <new>
#include <stdexcept>

namespace peakward::worker {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw std::runtime_error(sentence); }

// A request nests four levels deep; one that goes on for ever must not use the stack up.
Json parse_shallow(std::string_view line) {
    constexpr int depth_max = 32;
    bool too_deep = false;
    const auto watch = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > depth_max;
        return !too_deep;
    };
    Json value = Json::parse(line.begin(), line.end(), watch);
    if (too_deep) refuse("the request nests deeper than " + std::to_string(depth_max) + " levels");
    return value;
}

// The start of a value, for an error sentence: short, and UTF-8 whatever it was.
std::string excerpt(const Json& value) {
    constexpr std::size_t characters_max = 60;
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > characters_max) text = text.substr(0, characters_max) + "...";
    return text;
}

const Json& field(const Json& object, const char* name, const std::string& where) {
    auto it = object.find(name);
    if (it == object.end()) refuse("the " + where + " has no '" + name + "'");
    return *it;
}

[[noreturn]] void refuse_field(const std::string& where, const char* name, const Json& value,
                               const std::string& wanted) {
    refuse("'" + std::string(name) + "' of the " + where + " must be " + wanted + ", not " +
           excerpt(value));
}

std::string text_field(const Json& object, const char* name, const std::string& where) {
    const Json& value = field(object, name, where);
    if (!value.is_string() || value.get_ref<const std::string&>().empty())
        refuse_field(where, name, value, "a word");
    return value.get<std::string>();
}

int int_field(const Json& object, const char* name, const std::string& where, int least,
              int most = std::numeric_limits<int>::max()) {
    const Json& value = field(object, name, where);
    const bool whole = value.is_number_integer() &&
                       (!value.is_number_unsigned() ||
                        value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
    if (!whole || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
        refuse_field(
            where, name, value,
            "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value.get<int>();
}

double number_field(const Json& object, const char* name, const std::string& where) {
    const Json& value = field(object, name, where);
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0)
        refuse_field(where, name, value, "a number, zero or more");
    return value.get<double>();
}

const Json& case_of(const Json& request) {
    const Json& what = field(request, "case", "request");
    if (!what.is_object()) refuse_field("request", "case", what, "an object");
    for (const char* name : {"operation", "precision", "device"}) text_field(what, name, "case");
    int_field(what, "threads", "case", 1, 65536);
    const Json& shape = field(what, "shape", "case");
    if (!shape.is_object()) refuse_field("case", "shape", shape, "an object");
    for (const auto& [name, value] : shape.items())
        if (!value.is_number_integer() && !value.is_string())
            refuse_field("shape", name.c_str(), value, "a whole number or a word");
    return what;
}

PrepareRequest prepare_request(const Json& request) {
    PrepareRequest parsed;
    parsed.what = case_of(request);
    parsed.operation = parsed.what["operation"].get<std::string>();
    parsed.precision = parsed.what["precision"].get<std::string>();
    parsed.shape = parsed.what["shape"];
    parsed.threads = parsed.what["threads"].get<int>();
    const Json& seed = field(request, "seed", "request");
    if (!seed.is_number_unsigned())
        refuse_field("request", "seed", seed, "a whole number, zero or more");
    parsed.seed = seed.get<std::uint64_t>();
    parsed.tolerance = number_field(request, "tolerance", "request");
    const Json& cpus = field(request, "cpus", "request");
    if (!cpus.is_array()) refuse_field("request", "cpus", cpus, "a list of CPU numbers");
    for (const Json& cpu : cpus) {
        if (!cpu.is_number_unsigned() || cpu.get<std::uint64_t>() > 1u << 20)
            refuse_field("request", "cpus", cpus, "a list of CPU numbers");
        parsed.cpus.push_back(cpu.get<int>());
    }
    if (!parsed.cpus.empty() && parsed.cpus.size() != static_cast<std::size_t>(parsed.threads))
        refuse_field("request", "cpus", cpus, "empty or one CPU per thread of the case");
    return parsed;
}

RunRequest run_request(const Json& request) {
    RunRequest parsed;
    parsed.samples = int_field(request, "samples", "request", 0);
    parsed.min_s = number_field(request, "min_s", "request");
    parsed.slice_s = number_field(request, "slice_s", "request");
    return parsed;
}

// JSON knows no infinity; an answer that is not a number deviates by the largest double.
double finite_error(double error) {
    return std::isfinite(error) ? error : std::numeric_limits<double>::max();
}

Json sample_row(const RunSample& sample) {
    Json row = Json::array({sample.thread, sample.start_ns, sample.wall_ns, sample.cpu_ns,
                            sample.switches, sample.wait_ns, sample.iterations, sample.clock_hz});
    if (sample.throttle != Throttle::unknown) row.push_back(static_cast<int>(sample.throttle));
    return row;
}

// `run` must not return fewer samples than asked without an error (docs/worker-protocol.md).
void check_count(const std::vector<RunSample>& samples, const RunRequest& request) {
    std::map<int, int> count_of_thread;
    for (const RunSample& sample : samples) ++count_of_thread[sample.thread];
    if (samples.empty()) refuse("the worker returned no samples");
    for (const auto& [thread, count] : count_of_thread)
        if (count < request.samples)
            refuse("thread " + std::to_string(thread) + " returned " + std::to_string(count) +
                   " samples of " + std::to_string(request.samples) + " asked for");
}

std::string text_of(const Json& reply) {
    return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string Conversation::answer(std::string_view line) {
    Json id = nullptr;
    std::string error;
    try {
        Json request;
        try {
            request = parse_shallow(line);
        } catch (const Json::parse_error& e) {
            refuse("the request is not JSON (byte " + std::to_string(e.byte) +
                   "): " + excerpt(std::string(line.substr(0, 80))));
        }
        if (!request.is_object()) refuse("the request is not a JSON object: " + excerpt(request));
        const Json& number = field(request, "id", "request");
        if (!number.is_number()) refuse_field("request", "id", number, "a number");
        id = number;
        Json reply = reply_to(request);
        reply["id"] = id;
        reply["ok"] = true;
        return text_of(reply);
    } catch (const std::bad_alloc&) {
        error = "out of memory: take a smaller shape or fewer threads";
    } catch (const std::exception& e) {
        error = e.what();
    } catch (...) {
        error = "the worker threw something that is not an exception";
    }
    return text_of(Json{{"id", id}, {"ok", false}, {"error", error}});
}

Json Conversation::reply_to(const Json& request) {
    const std::string verb = text_field(request, "verb", "request");
    if (verb == protocol::hello) return hello(request);
    if (verb == protocol::supports) return supports(request);
    if (verb == protocol::prepare) return prepare(request);
    if (verb == protocol::run) return run(request);
    if (verb == protocol::release) return release();
    if (verb == protocol::shutdown) {
        release();
        finished_ = true;
        return Json::object();
    }
    refuse("unknown verb " + excerpt(verb) +
           ": this worker knows hello, supports, prepare, run, release, shutdown");
}

Json Conversation::hello(const Json& request) {
    const int version = int_field(request, "protocol", "request", 0);
    if (version != protocol::version)
        refuse("this worker speaks protocol " + std::to_string(protocol::version) +
               ", the host protocol " + std::to_string(version) +
               ": install worker and host from one release");
    Json reply = worker_.hello();
    reply["protocol"] = protocol::version;
    return reply;
}

Json Conversation::supports(const Json& request) {
    const Support support = worker_.supports(case_of(request));
    Json reply = {{"supported", support.supported}};
    if (!support.supported) reply["reason"] = support.reason;
    return reply;
}

Json Conversation::prepare(const Json& request) {
    const PrepareRequest parsed = prepare_request(request);
    release();
    Prepared prepared;
    try {
        prepared = worker_.prepare(parsed);
    } catch (...) {
        worker_.release();  // half-made buffers must not outlive the case
        throw;
    }
    prepared_ = true;
    Json reply = {{"device", prepared.device},
                  {"implementation", prepared.implementation},
                  {"error", finite_error(prepared.error)},
                  {"correct", prepared.correct && prepared.error <= parsed.tolerance},
                  {"iteration_s", prepared.iteration_s}};
    if (prepared.clock_nominal_hz > 0) reply["clock_nominal_hz"] = prepared.clock_nominal_hz;
    return reply;
}

Json Conversation::run(const Json& request) {
    const RunRequest parsed = run_request(request);
    if (!prepared_) refuse("run without a prepared case: send prepare first");
    const std::vector<RunSample> samples = worker_.run(parsed);
    check_count(samples, parsed);
    Json rows = Json::array();
    for (const RunSample& sample : samples) rows.push_back(sample_row(sample));
    Json reply = worker_.condition();
    reply["samples"] = std::move(rows);
    return reply;
}

Json Conversation::release() {
    if (prepared_) {
        prepared_ = false;
        worker_.release();
    }
    return Json::object();
}

}  // namespace peakward::worker
