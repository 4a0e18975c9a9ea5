#include <algorithm>
#include <stdexcept>

#include "native/cases.hpp"
#include "native/features.hpp"
#include "native/kernels.hpp"
#include "native/sharing.hpp"

namespace peakward::native {
namespace {

// What the worker can be asked for, one line per operation.
struct Entry {
    std::string_view operation;
    std::string (*why_not)(const Json& what);
    std::unique_ptr<PreparedCase> (*prepare)(const worker::PrepareRequest&, Plant);
};

std::string precision_of(const Json& what) { return what.value("precision", ""); }

std::string peak_reason(const Json& what) {
    return why_not_peak(precision_of(what), what.value("shape", Json::object()));
}
std::string clock_reason(const Json& what) {
    return why_not_clock(precision_of(what), what.value("shape", Json::object()));
}
std::string stream_reason(const Json& what) {
    return why_not_stream(what.value("operation", ""), precision_of(what),
                          what.value("shape", Json::object()));
}

constexpr Entry entries[] = {
    {"compute_peak", peak_reason, prepare_peak},    {"clock_probe", clock_reason, prepare_clock},
    {"stream_copy", stream_reason, prepare_stream}, {"stream_scale", stream_reason, prepare_stream},
    {"stream_add", stream_reason, prepare_stream},  {"stream_triad", stream_reason, prepare_stream},
};

const Entry* find_entry(std::string_view operation) {
    for (const Entry& entry : entries)
        if (entry.operation == operation) return &entry;
    return nullptr;
}

std::string compiler() {
#if defined(__clang__)
    return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) +
           "." + std::to_string(__clang_patchlevel__);
#else
    return "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
           std::to_string(__GNUC_PATCHLEVEL__);
#endif
}

void add_once(Json& list, std::string_view word) {
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
}

class NativeWorker : public worker::Worker {
public:
    explicit NativeWorker(Plant plant) : plant_(plant) {}

    Json hello() override {
        Json reply;
        reply["backend"] = "native";
        reply["versions"] = {{"peakward-native", PEAKWARD_NATIVE_VERSION},
                             {"compiler", compiler()}};
        reply["devices"] = Json::array({"cpu"});
        reply["operations"] = Json::array();
        for (const Entry& entry : entries) reply["operations"].push_back(entry.operation);
        reply["precisions"] = Json::array({"fp64", "fp32"});
        reply["isa"] = Json::array();
        reply["kernels"] = Json::object();
        for (const PeakKernel& kernel : peak_kernels()) {
            if (!why_not_runnable(kernel.isa, kernel.precision).empty()) continue;
            add_once(reply["precisions"], kernel.precision);
            add_once(reply["isa"], kernel.isa);
            reply["kernels"][std::string(kernel.isa)].push_back(kernel.precision);
        }
        if (const std::string note = why_no_sharing_probe(); !note.empty())
            reply["notes"] = Json::array({note});
        return reply;
    }

    worker::Support supports(const Json& what) override {
        const std::string operation = what.value("operation", "");
        const Entry* entry = find_entry(operation);
        if (entry == nullptr) return {false, "native has no operation '" + operation + "'"};
        if (what.value("device", "cpu") != "cpu")
            return {false, "native computes on the cpu, not on " + what.value("device", "")};
        if (what.value("threads", 1) < 1) return {false, "threads must be at least 1"};
        const std::string reason = entry->why_not(what);
        return {reason.empty(), reason};
    }

    worker::Prepared prepare(const worker::PrepareRequest& request) override {
        case_.reset();
        const Entry* entry = find_entry(request.operation);
        if (entry == nullptr)
            throw std::runtime_error("native has no operation '" + request.operation + "'");
        if (request.threads < 1) throw std::runtime_error("threads must be at least 1");
        case_ = entry->prepare(request, plant_);
        return case_->prepared();
    }

    std::vector<worker::RunSample> run(const worker::RunRequest& request) override {
        if (!case_) throw std::runtime_error("run before prepare: nothing is prepared");
        return case_->run(request);
    }

    void release() override { case_.reset(); }

private:
    Plant plant_;
    std::unique_ptr<PreparedCase> case_;
};

}  // namespace

std::string isa_of(const Json& shape) {
    return shape.is_object() && shape.contains("isa") && shape.at("isa").is_string()
               ? shape.at("isa").get<std::string>()
               : "";
}

Plant plant_from(std::string_view word) {
    if (word == "wrong_answer") return Plant::wrong_answer;
    if (word == "throttle") return Plant::throttle;
    return Plant::none;
}

std::unique_ptr<worker::Worker> make_native_worker(Plant plant) {
    return std::make_unique<NativeWorker>(plant);
}

}  // namespace peakward::native
