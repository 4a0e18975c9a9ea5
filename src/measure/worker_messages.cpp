#include "measure/worker_messages.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "core/text.hpp"
#include "core/worker_protocol.hpp"

namespace peakward {
namespace {

constexpr std::size_t excerpt_characters = 80;

template <typename T>
Result<T> missing(const char* name, const char* wanted) {
    return failed(fmt::format("the reply's '{}' is not {}", name, wanted));
}

Result<std::string> text_field(const Json& reply, const char* name) {
    const auto it = reply.find(name);
    if (it == reply.end() || !it->is_string()) return missing<std::string>(name, "a text");
    return it->get<std::string>();
}

Result<bool> bool_field(const Json& reply, const char* name) {
    const auto it = reply.find(name);
    if (it == reply.end() || !it->is_boolean()) return missing<bool>(name, "true or false");
    return it->get<bool>();
}

// A list of texts; a field that is not there is empty when `may_be_absent`.
Result<std::vector<std::string>> list_field(const Json& reply, const char* name,
                                            bool may_be_absent = false) {
    const auto it = reply.find(name);
    if (it == reply.end() && may_be_absent) return std::vector<std::string>{};
    if (it == reply.end() || !it->is_array())
        return missing<std::vector<std::string>>(name, "a list of texts");
    std::vector<std::string> texts;
    for (const Json& item : *it) {
        if (!item.is_string()) return missing<std::vector<std::string>>(name, "a list of texts");
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

// A finite number, zero or more. JSON has no NaN: writers put null in its place.
Result<double> number_field(const Json& reply, const char* name) {
    const auto it = reply.find(name);
    if (it == reply.end() || !it->is_number()) return missing<double>(name, "a number");
    const double value = it->get<double>();
    if (!std::isfinite(value) || value < 0) return missing<double>(name, "a number, zero or more");
    return value;
}

// As above; a field that is not there is none.
Result<std::optional<double>> optional_number(const Json& reply, const char* name) {
    if (!reply.contains(name)) return std::optional<double>();
    auto value = number_field(reply, name);
    if (!value) return tl::make_unexpected(value.error());
    return std::optional<double>(*value);
}

// "device_ids": {"cuda:0": {"pci": "0000:01:00.0", "uuid": "GPU-…"}}; each part may be absent.
Result<std::map<std::string, DeviceId>> device_ids_field(const Json& reply) {
    std::map<std::string, DeviceId> ids;
    const auto it = reply.find("device_ids");
    if (it == reply.end()) return ids;
    constexpr const char* wanted = "an object of objects with 'pci' and 'uuid'";
    if (!it->is_object()) return missing<std::map<std::string, DeviceId>>("device_ids", wanted);
    for (const auto& [device, parts] : it->items()) {
        if (!parts.is_object())
            return missing<std::map<std::string, DeviceId>>("device_ids", wanted);
        for (const auto& [name, value] : parts.items()) {
            if (!value.is_string())
                return missing<std::map<std::string, DeviceId>>("device_ids", wanted);
            if (name == "pci") ids[device].pci_address = to_lower(value.get<std::string>());
            if (name == "uuid") ids[device].uuid = value.get<std::string>();
        }
    }
    return ids;
}

bool is_whole(const Json& value) { return value.is_number_integer(); }

// The words of the ninth column.
constexpr std::array throttle_words = {Throttle::none, Throttle::power_cap, Throttle::slowed,
                                       Throttle::core_shared};

// The columns of core/worker_protocol.hpp.
bool is_sample(const Json& row, int threads) {
    if (!row.is_array()) return false;
    const bool has_throttle = row.size() == protocol::sample_columns_with_throttle;
    if (row.size() != protocol::sample_columns && !has_throttle) return false;
    if (has_throttle && (!is_whole(row[8]) || row[8].get<std::int64_t>() < 0 ||
                         row[8].get<std::int64_t>() >= std::int64_t{throttle_words.size()}))
        return false;
    for (std::size_t column = 0; column < 6; ++column)
        if (!is_whole(row[column])) return false;
    if (!row[6].is_number() || !row[7].is_number()) return false;
    const auto thread = row[0].get<std::int64_t>();
    const double iterations = row[6].get<double>(), clock_hz = row[7].get<double>();
    return thread >= 0 && thread < threads && row[1].get<std::int64_t>() >= 0 &&
           row[2].get<std::int64_t>() > 0 && row[3].get<std::int64_t>() >= -1 &&
           row[4].get<std::int64_t>() >= -1 && row[5].get<std::int64_t>() >= -1 &&
           std::isfinite(iterations) && iterations > 0 && std::isfinite(clock_hz) && clock_hz >= 0;
}

}  // namespace

std::string excerpt(std::string_view line) {
    std::string shown;
    for (const char c : line.substr(0, excerpt_characters))
        shown.push_back(c >= ' ' && c <= '~' ? c : '?');
    if (line.size() > excerpt_characters) shown += "...";
    return shown;
}

Result<ReplyHead> parse_head(const Json& reply, std::int64_t id) {
    if (!reply.is_object()) return failed("the reply is not a JSON object");
    const auto number = reply.find("id");
    if (number == reply.end() || !number->is_number_integer() || number->get<std::int64_t>() != id)
        return failed(fmt::format("the reply answers request {}, not {}",
                                  number == reply.end() ? "(none)" : number->dump(), id));
    auto ok = bool_field(reply, "ok");
    if (!ok) return tl::make_unexpected(ok.error());
    if (*ok) return ReplyHead{true, {}};
    auto error = text_field(reply, "error");
    if (!error) return tl::make_unexpected(error.error());
    return ReplyHead{false, *error};
}

Result<Hello> parse_hello(const Json& reply) {
    const auto version = reply.find("protocol");
    if (version == reply.end() || !version->is_number_integer() ||
        version->get<std::int64_t>() != protocol::version)
        return failed(fmt::format(
            "it speaks protocol {}, this program protocol {}: install both from one release",
            version == reply.end() ? "(none)" : version->dump(), protocol::version));
    Hello hello;
    auto backend = text_field(reply, "backend");
    auto devices = list_field(reply, "devices");
    auto precisions = list_field(reply, "precisions");
    auto operations = list_field(reply, "operations");
    auto isa = list_field(reply, "isa", true);
    auto notes = list_field(reply, "notes", true);
    auto device_ids = device_ids_field(reply);
    if (!backend) return tl::make_unexpected(backend.error());
    if (!device_ids) return tl::make_unexpected(device_ids.error());
    for (auto* list : {&devices, &precisions, &operations, &isa, &notes})
        if (!*list) return tl::make_unexpected(list->error());
    const auto versions = reply.find("versions");
    if (versions == reply.end() || !versions->is_object())
        return missing<Hello>("versions", "an object of texts");
    for (const auto& [name, value] : versions->items()) {
        if (!value.is_string()) return missing<Hello>("versions", "an object of texts");
        hello.versions[name] = value.get<std::string>();
    }
    hello.backend = *backend;
    hello.devices = *devices;
    hello.precisions = *precisions;
    hello.operations = *operations;
    hello.isa = *isa;
    hello.notes = *notes;
    hello.device_ids = std::move(*device_ids);
    return hello;
}

Result<SupportReply> parse_supports(const Json& reply) {
    auto supported = bool_field(reply, "supported");
    if (!supported) return tl::make_unexpected(supported.error());
    if (*supported) return SupportReply{true, {}, Outcome::unsupported};
    auto reason = text_field(reply, "reason");
    if (!reason) return tl::make_unexpected(reason.error());
    SupportReply refusal{false, *reason, Outcome::unsupported};
    if (reply.contains("not_measured")) {
        const auto not_measured = bool_field(reply, "not_measured");
        if (!not_measured) return tl::make_unexpected(not_measured.error());
        refusal.not_measured = *not_measured;
    }
    return refusal;
}

Result<PrepareReply> parse_prepare(const Json& reply) {
    auto device = text_field(reply, "device");
    auto implementation = text_field(reply, "implementation");
    auto correct = bool_field(reply, "correct");
    auto iteration_s = number_field(reply, "iteration_s");
    if (!device) return tl::make_unexpected(device.error());
    if (!implementation) return tl::make_unexpected(implementation.error());
    if (!correct) return tl::make_unexpected(correct.error());
    if (!iteration_s) return tl::make_unexpected(iteration_s.error());
    auto clock_nominal_hz = optional_number(reply, "clock_nominal_hz");
    if (!clock_nominal_hz) return tl::make_unexpected(clock_nominal_hz.error());
    PrepareReply prepared{*device, *implementation, 0, *correct, *iteration_s, *clock_nominal_hz};
    // An answer that is not a number cannot be written in JSON; null stands for it.
    const auto error = reply.find("error");
    if (error != reply.end() && error->is_null()) {
        prepared.error = std::numeric_limits<double>::infinity();
        prepared.correct = false;
        return prepared;
    }
    auto deviation = number_field(reply, "error");
    if (!deviation) return tl::make_unexpected(deviation.error());
    prepared.error = *deviation;
    return prepared;
}

Result<std::vector<Sample>> parse_run(const Json& reply, int threads) {
    const auto rows = reply.find("samples");
    if (rows == reply.end() || !rows->is_array() || rows->empty())
        return failed("the reply's 'samples' is not a list with at least one sample");
    std::vector<Sample> samples;
    samples.reserve(rows->size());
    for (const Json& row : *rows) {
        if (!is_sample(row, threads))
            return failed(fmt::format(
                "a sample is not [thread below {}, start_ns, wall_ns, cpu_ns, switches, wait_ns, "
                "iterations, clock_hz] or these and throttle, 0 to 3: {}",
                threads, excerpt(canonical_json(row))));
        Sample sample;
        sample.thread = row[0].get<int>();
        sample.start_ns = row[1].get<std::int64_t>();
        sample.wall_ns = row[2].get<std::int64_t>();
        sample.cpu_ns = row[3].get<std::int64_t>();
        sample.switches = row[4].get<std::int64_t>();
        sample.wait_ns = row[5].get<std::int64_t>();
        sample.iterations = row[6].get<double>();
        sample.clock_hz = row[7].get<double>();
        if (row.size() == protocol::sample_columns_with_throttle)
            sample.throttle = throttle_words[row[8].get<std::size_t>()];
        samples.push_back(sample);
    }
    return samples;
}

Result<DeviceCondition> parse_condition(const Json& run_reply) {
    auto temperature_c = optional_number(run_reply, "temperature_c");
    auto power_w = optional_number(run_reply, "power_w");
    if (!temperature_c) return tl::make_unexpected(temperature_c.error());
    if (!power_w) return tl::make_unexpected(power_w.error());
    return DeviceCondition{*temperature_c, *power_w, false};
}

}  // namespace peakward
