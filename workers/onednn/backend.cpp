#include "onednn/backend.hpp"

#include <sstream>
#include <stdexcept>

#include "onednn/library.hpp"
#include "sdk/process.hpp"
#include "sdk/words.hpp"

namespace peakward::worker::onednn {
namespace {

// "gemm in fp16 on this CPU (avx512_core)"
std::string here(const std::string& operation, const std::string& precision) {
    return operation + " in " + precision + " on this CPU (" + instruction_set() + ")";
}

std::string refuses_words(const std::string& operation, const std::string& precision,
                          const std::string& device) {
    if (!is_one_of(operation_names(), operation))
        return "onednn has no operation " + quoted(operation) + ": it has " +
               listed(operation_names());
    if (!is_one_of(precision_names(), precision))
        return "onednn computes in " + listed(precision_names()) + ", not in " + quoted(precision);
    if (precision == "int8" && !takes_integers(operation))
        return "onednn takes int8 for gemm and conv2d, not for " + operation;
    if (device != "cpu") return "onednn runs on the device cpu, not on " + quoted(device);
    return "";
}

// What oneDNN itself says to a case that is well-formed. Made with the case's number of threads,
// which may decide what runs; a prepared case keeps its own.
std::string refuses_itself(const std::string& operation, const std::string& precision,
                           const Json& shape, int threads) {
    const int before = threads_in_force();
    set_threads(threads);
    std::string reason;
    try {
        const auto problem = make_problem(operation, precision, shape);
        for (const std::string& name : problem->implementations())
            if (is_reference(name))
                reason = "oneDNN " + library_version() +
                         " has only its reference implementation for " +
                         here(operation, precision) + ": " + name;
    } catch (const dnnl::error& error) {
        reason = "oneDNN " + library_version() + " has nothing for " + here(operation, precision) +
                 ": " + error.what();
    }
    set_threads(before);
    return reason;
}

}  // namespace

bool is_reference(const std::string& implementation) {
    std::istringstream words(implementation);
    std::string word;
    while (std::getline(words, word, ':'))
        if (word == "ref") return true;
    return false;
}

Json OnednnWorker::hello() {
    return {{"backend", "onednn"},
            {"versions", versions()},
            {"devices", {"cpu"}},
            {"precisions", precision_names()},
            {"operations", operation_names()}};
}

Support OnednnWorker::supports(const Json& what) {
    const auto operation = what.at("operation").get<std::string>();
    const auto precision = what.at("precision").get<std::string>();
    const int threads = what.at("threads").get<int>();
    const Json& shape = what.at("shape");
    std::string reason = refuses_words(operation, precision, what.at("device").get<std::string>());
    if (reason.empty()) reason = refuses_shape(operation, precision, shape);
    if (reason.empty()) reason = refuses_threads(threads);
    if (reason.empty()) reason = refuses_itself(operation, precision, shape, threads);
    return {reason.empty(), reason};
}

Prepared OnednnWorker::prepare(const PrepareRequest& request) {
    const Support support = supports(request.what);
    if (!support.supported) throw std::runtime_error(support.reason);
    problem_.reset();  // before the next one's memory is asked for
    confine_threads(request.cpus);
    set_threads(request.threads);
    threads_ = request.threads;
    Random random(request.seed);
    problem_ = make_problem(request.operation, request.precision, request.shape);
    problem_->allocate(random);
    Prepared prepared;
    prepared.implementation = problem_->description();
    prepared.error = problem_->check(random, options_.plant_wrong_answer);
    prepared.correct = prepared.error <= request.tolerance;
    // The pool exists by now. It inherited the CPUs, unless OMP_PROC_BIND told it otherwise.
    confine_threads(request.cpus);
    prepared.iteration_s = timer_.warm_up(calls());
    return prepared;
}

CallTimer::Calls OnednnWorker::calls() {
    return [this](std::int64_t count) { problem_->call(count); };
}

std::vector<RunSample> OnednnWorker::run(const RunRequest& request) {
    return timer_.run(calls(), request, threads_ > 1 ? Helpers::pool : Helpers::none);
}

void OnednnWorker::release() { problem_.reset(); }

}  // namespace peakward::worker::onednn
