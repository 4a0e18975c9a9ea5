#include "blas/backend.hpp"

#include <stdexcept>

#include "sdk/process.hpp"
#include "sdk/words.hpp"

namespace peakward::worker::blas {
namespace {

constexpr const char* backend_name = "blas";
// Vectors and matrices beyond this need 64-bit integers in the library.
constexpr double axis_max = 2147483647.0;

const std::vector<std::string>& precision_names() {
    static const std::vector<std::string> names = {"fp64", "fp32"};
    return names;
}

// Why this shape cannot be run, "" when it can.
std::string refuses_shape(const std::string& operation, const std::string& precision,
                          const Json& shape) {
    const std::vector<std::string> axes = axes_of(operation);
    for (const std::string& axis : axes) {
        auto it = shape.find(axis);
        if (it == shape.end() || !it->is_number_integer() || it->get<double>() < 1 ||
            it->get<double>() > axis_max)
            return operation +
                   " needs a shape of whole numbers from 1 to 2147483647: " + listed(axes);
    }
    if (shape.size() != axes.size()) return operation + " has no other axes than " + listed(axes);
    return refuses_memory(bytes_of(operation, precision, shape));
}

}  // namespace

Library& BlasWorker::library() {
    if (!library_) library_.emplace(Library::load(options_.library));
    return *library_;
}

Json BlasWorker::hello() {
    return {{"backend", backend_name},
            {"versions", library().versions()},
            {"devices", {"cpu"}},
            {"precisions", precision_names()},
            {"operations", operation_names()}};
}

Support BlasWorker::supports(const Json& what) {
    const auto operation = what.at("operation").get<std::string>();
    const auto precision = what.at("precision").get<std::string>();
    const auto device = what.at("device").get<std::string>();
    if (!is_one_of(operation_names(), operation))
        return {false, "blas has no operation " + quoted(operation) + ": it has " +
                           listed(operation_names())};
    if (!is_one_of(precision_names(), precision))
        return {false, "a CBLAS computes in " + listed(precision_names()) + ", not in " +
                           quoted(precision)};
    if (device != "cpu") return {false, "blas runs on the device cpu, not on " + quoted(device)};
    std::string reason = refuses_shape(operation, precision, what.at("shape"));
    if (reason.empty()) reason = library().refuses_threads(what.at("threads").get<int>());
    return {reason.empty(), reason};
}

Prepared BlasWorker::prepare(const PrepareRequest& request) {
    const Support support = supports(request.what);
    if (!support.supported) throw std::runtime_error(support.reason);
    confine_threads(request.cpus);
    library().set_threads(request.threads);
    threads_ = request.threads;
    Random random(request.seed);
    problem_ = make_problem(library(), request.operation, request.precision, request.shape, random);
    Prepared prepared;
    prepared.implementation = library().description();
    prepared.error = problem_->check(random, options_.plant_wrong_answer);
    prepared.correct = prepared.error <= request.tolerance;
    prepared.iteration_s = timer_.warm_up(calls());  // the check was the first call
    return prepared;
}

CallTimer::Calls BlasWorker::calls() {
    return [this](std::int64_t count) { problem_->call(count); };
}

std::vector<RunSample> BlasWorker::run(const RunRequest& request) {
    Helpers helpers = Helpers::none;
    if (threads_ > 1)
        helpers = library().identity().short_lived_threads ? Helpers::short_lived : Helpers::pool;
    return timer_.run(calls(), request, helpers);
}

void BlasWorker::release() { problem_.reset(); }

}  // namespace peakward::worker::blas
