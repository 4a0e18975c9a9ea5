#include "cuda/backend.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "sdk/process.hpp"
#include "sdk/words.hpp"

namespace peakward::worker::cuda {
namespace {

constexpr std::int64_t axis_max = 2147483647;

const std::vector<std::string>& operation_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all = {"gemm"};
        all.insert(all.end(), memory_operations().begin(), memory_operations().end());
        return all;
    }();
    return names;
}

bool is_edge(const Json& shape, const char* axis) {
    const auto value = shape.find(axis);
    return value != shape.end() && value->is_number_integer() && value->get<double>() >= 1 &&
           value->get<double>() <= axis_max;
}

std::string refuses_shape(const std::string& operation, const Json& shape) {
    if (operation == "gemm") {
        for (const char* axis : {"m", "n", "k"})
            if (!is_edge(shape, axis))
                return "gemm needs a shape of whole numbers from 1 to 2147483647: m, n, k";
        return shape.size() == 3 ? "" : "gemm has no other axes than m, n, k";
    }
    const std::vector<std::string> stores =
        operation == "device_copy" ? std::vector<std::string>{"driver"}
                                   : std::vector<std::string>{"temporal", "nontemporal"};
    const auto store = shape.find("store");
    if (!is_edge(shape, "elements") || store == shape.end() || !store->is_string() ||
        !is_one_of(stores, store->get<std::string>()) || shape.size() != 2)
        return operation +
               " needs a shape of elements, from 1 to 2147483647, and store: " + listed(stores);
    return "";
}

// A process whose context has failed can do nothing more on that GPU. It ends with the reason, so
// that the host starts another for the next case.
void end_if_lost(const Gpu& gpu, const std::runtime_error& why) {
    if (!gpu.is_lost()) return;
    std::fprintf(stderr, "%s: %s\n", gpu.facts().device().c_str(), why.what());
    std::fflush(stderr);
    std::_Exit(1);
}

std::string version_words(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

void CudaWorker::load() {
    if (loaded_) return;
    cu_.emplace(DriverLibrary::load(options_.libraries.driver));
    try {
        nvml_.emplace(NvmlLibrary::load(options_.libraries.nvml));
        const int error = nvml_->nvmlInit();
        if (error != nvml_success)
            throw std::runtime_error(std::string("nvmlInit: ") + nvml_->nvmlErrorString(error) +
                                     ": clocks, heat and throttling of the GPU are not told");
    } catch (const std::runtime_error& e) {
        nvml_.reset();
        notes_.emplace_back(e.what());
    }
    find_gpus();
    try {
        lt_.emplace(LtLibrary::load(options_.libraries.blaslt));
    } catch (const std::runtime_error& e) {
        no_lt_ = e.what();
        notes_.push_back("gemm cannot be used: " + no_lt_);
    }
    if (!Kernels::are_built())
        notes_.emplace_back("STREAM cannot be used: this worker was built without nvcc");
    loaded_ = true;
}

void CudaWorker::find_gpus() {
    const int error = cu_->cuInit(0);
    if (error == cu_no_device)
        throw std::runtime_error("NVIDIA's driver is here and sees no GPU: " +
                                 driver_words(*cu_, "cuInit", error));
    cuda::check(*cu_, "cuInit", error);
    int count = 0;
    cuda::check(*cu_, "cuDeviceGetCount", cu_->cuDeviceGetCount(&count));
    std::string reasons;
    for (int ordinal = 0; ordinal < count; ++ordinal) {
        try {
            stations_.push_back(
                std::make_unique<Station>(*cu_, nvml_ ? &*nvml_ : nullptr, ordinal));
        } catch (const std::runtime_error& e) {
            const std::string reason =
                "cuda:" + std::to_string(ordinal) + " cannot be used: " + e.what();
            notes_.push_back(reason);
            reasons += (reasons.empty() ? "" : "; ") + reason;
        }
    }
    if (count == 0)
        throw std::runtime_error(
            "NVIDIA's driver is here and sees no GPU (CUDA_VISIBLE_DEVICES may hide it)");
    if (stations_.empty()) throw std::runtime_error(reasons);
}

std::vector<std::string> CudaWorker::devices() const {
    std::vector<std::string> names;
    for (const auto& station : stations_) names.push_back(station->gpu.facts().device());
    return names;
}

Json CudaWorker::hello() {
    load();
    Json versions = Json::object();
    int version = 0;
    if (cu_->cuDriverGetVersion(&version) == cu_success) versions["cuda"] = version_words(version);
    std::array<char, 96> text{};
    if (nvml_ && nvml_->nvmlSystemGetDriverVersion(
                     text.data(), static_cast<unsigned>(text.size() - 1)) == nvml_success)
        versions["driver"] = text.data();
    if (lt_) {
        versions["cublaslt"] = lt_->version();
        versions["cublaslt_file"] = lt_->file;
    }
    if (Kernels::are_built()) versions["kernels"] = Kernels::built_by();
    for (const auto& station : stations_)
        versions[station->gpu.facts().device()] = station->gpu.facts().name;
    Json hello = {{"backend", "cuda"},
                  {"versions", versions},
                  {"devices", devices()},
                  {"precisions", gemm_precisions()},
                  {"operations", operation_names()}};
    for (const auto& station : stations_)
        hello["device_ids"][station->gpu.facts().device()]["pci"] =
            station->gpu.facts().pci_address;
    if (!notes_.empty()) hello["notes"] = notes_;
    return hello;
}

CudaWorker::Station* CudaWorker::find_station(const std::string& device) {
    for (const auto& station : stations_)
        if (station->gpu.facts().device() == device) return station.get();
    return nullptr;
}

std::string CudaWorker::refuses_words(const Json& what) {
    const auto operation = what.at("operation").get<std::string>();
    const auto precision = what.at("precision").get<std::string>();
    const auto device = what.at("device").get<std::string>();
    if (!is_one_of(operation_names(), operation))
        return "cuda has no operation " + quoted(operation) + ": it has " +
               listed(operation_names());
    const std::vector<std::string> precisions =
        operation == "gemm" ? gemm_precisions() : std::vector<std::string>{"fp64", "fp32"};
    if (!is_one_of(precisions, precision))
        return "cuda computes " + operation + " in " + listed(precisions) + ", not in " +
               quoted(precision);
    const Station* station = find_station(device);
    if (station == nullptr) {
        std::string words = "cuda runs on " + listed(devices()) + " here, not on " + quoted(device);
        for (const std::string& note : notes_)
            if (note.rfind(device + " ", 0) == 0) words += ": " + note;
        return words;
    }
    const Json& shape = what.at("shape");
    std::string reason = refuses_shape(operation, shape);
    if (!reason.empty()) return reason;
    if (operation == "gemm") {
        if (!lt_) return no_lt_;
        return gemm_refuses(station->gpu.facts(), precision, shape);
    }
    if (operation != "device_copy" && !Kernels::are_built())
        return "this worker was built without nvcc, which compiles the kernels of STREAM";
    return "";
}

std::unique_ptr<Problem> CudaWorker::make_problem(Station& station, const Json& what) {
    const auto operation = what.at("operation").get<std::string>();
    const auto precision = what.at("precision").get<std::string>();
    const Json& shape = what.at("shape");
    station.gpu.use();
    if (operation == "gemm") {
        if (!station.lt) station.lt = std::make_unique<LtSession>(*lt_, station.gpu);
        return make_gemm(*station.lt, precision, shape);
    }
    if (operation == "device_copy") return make_device_copy(station.gpu, precision, shape);
    if (!station.kernels) station.kernels = std::make_unique<Kernels>(station.gpu);
    return make_stream(station.gpu, *station.kernels, operation, precision, shape);
}

Support CudaWorker::supports(const Json& what) {
    load();
    std::string reason = refuses_words(what);
    if (!reason.empty()) return {false, reason};
    Station& station = *find_station(what.at("device").get<std::string>());
    try {
        const auto problem = make_problem(station, what);
        reason = station.gpu.refuses_memory(problem->device_bytes());
        if (reason.empty()) reason = refuses_memory(problem->host_bytes());
    } catch (const std::runtime_error& e) {
        reason = e.what();
    }
    return {reason.empty(), reason};
}

Prepared CudaWorker::prepare(const PrepareRequest& request) {
    const Support support = supports(request.what);
    if (!support.supported) throw std::runtime_error(support.reason);
    confine_threads(request.cpus);
    Station& station = *find_station(request.what.at("device").get<std::string>());
    at_ = &station;
    try {
        return prepare_on(station, request);
    } catch (const std::runtime_error& e) {
        end_if_lost(station.gpu, e);
        throw;
    }
}

Prepared CudaWorker::prepare_on(Station& station, const PrepareRequest& request) {
    problem_ = make_problem(station, request.what);
    Random random(request.seed);
    problem_->allocate(random);
    Prepared prepared;
    prepared.error = problem_->check(random, options_.plant_wrong_answer);
    prepared.correct = prepared.error <= request.tolerance;
    prepared.device = problem_->device();
    prepared.implementation = problem_->implementation();
    prepared.clock_nominal_hz = station.gpu.facts().clock_nominal_hz;
    sampler_ = std::make_unique<Sampler>(station.gpu, station.monitor, *problem_);
    prepared.iteration_s = sampler_->warm_up();
    return prepared;
}

std::vector<RunSample> CudaWorker::run(const RunRequest& request) {
    at_->gpu.use();
    try {
        return sampler_->run(request);
    } catch (const std::runtime_error& e) {
        end_if_lost(at_->gpu, e);
        throw;
    }
}

Json CudaWorker::condition() {
    Json condition = Json::object();
    if (at_ == nullptr) return condition;
    if (const auto celsius = at_->monitor.temperature_c()) condition["temperature_c"] = *celsius;
    if (const auto watts = at_->monitor.power_w()) condition["power_w"] = *watts;
    return condition;
}

void CudaWorker::release() {
    sampler_.reset();
    problem_.reset();
    at_ = nullptr;
}

}  // namespace peakward::worker::cuda
