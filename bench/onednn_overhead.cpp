// What the onednn worker adds to a matrix product: its path (prepare, run) against a bare loop over
// the same primitive, in one process, in turns, so that a change of the clock or of the load meets
// both. Each round makes both anew: where buffers come to lie is worth more than what a worker
// adds.
//
//     onednn_overhead [rounds [threads]]
//
// Per round the medians of both are compared; the table shows the median of the rounds. Blocks that
// waited for a CPU (over 1.5 % of their time) do not count.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "onednn/backend.hpp"
#include "onednn/library.hpp"
#include "sdk/process.hpp"

namespace {

using namespace peakward::worker;

constexpr double block_s = 0.002, waited_share_max = 0.015;
constexpr int blocks = 40, turns = 5;

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// The primitive as a programmer writes it down.
class Bare {
public:
    Bare(int n, const std::string& precision)
        : stream_(onednn::cpu_engine()),
          desc_(onednn::describe_matmul(onednn::plain({n, n}, onednn::type_of(precision)),
                                        onednn::any({n, n}, onednn::type_of(precision)),
                                        onednn::plain({n, n}, onednn::result_type_of(precision)))),
          matmul_(desc_) {
        Random random(1);
        onednn::Tensor a({n, n}, onednn::type_of(precision)), b = a;
        a.fill(random);
        b = onednn::Tensor({n, n}, onednn::type_of(precision));
        b.fill_weights(random);
        arguments_ = {{DNNL_ARG_SRC, a.memory()},
                      {DNNL_ARG_WEIGHTS, b.laid_out(desc_.weights_desc())},
                      {DNNL_ARG_DST, onednn::poisoned(desc_.dst_desc())}};
    }
    void call(std::int64_t calls) {
        for (std::int64_t i = 0; i < calls; ++i) matmul_.execute(stream_, arguments_);
        stream_.wait();
    }

private:
    dnnl::stream stream_;
    dnnl::matmul::primitive_desc desc_;
    dnnl::matmul matmul_;
    std::unordered_map<int, dnnl::memory> arguments_;
};

void time_bare(Bare& bare, std::int64_t calls, std::vector<double>& times_s) {
    for (int block = 0; block < blocks / turns; ++block) {
        const std::int64_t wait_ns = total_wait_ns(), start_ns = monotonic_ns();
        bare.call(calls);
        const auto wall_ns = static_cast<double>(monotonic_ns() - start_ns);
        if (static_cast<double>(total_wait_ns() - wait_ns) <= waited_share_max * wall_ns)
            times_s.push_back(wall_ns * 1e-9 / static_cast<double>(calls));
    }
}

void time_worker(Worker& worker, std::vector<double>& times_s) {
    RunRequest request;
    request.samples = blocks / turns;
    request.slice_s = block_s;
    for (const RunSample& sample : worker.run(request)) {
        const auto wall_ns = static_cast<double>(sample.wall_ns);
        if (static_cast<double>(sample.wait_ns) <= waited_share_max * wall_ns)
            times_s.push_back(wall_ns * 1e-9 / sample.iterations);
    }
}

PrepareRequest request_of(int n, const std::string& precision, int threads) {
    PrepareRequest request;
    request.operation = "gemm";
    request.precision = precision;
    request.shape = {{"m", n}, {"n", n}, {"k", n}};
    request.threads = threads;
    request.seed = 1;
    request.tolerance = 1;
    request.what = {{"operation", "gemm"}, {"precision", precision}, {"shape", request.shape},
                    {"device", "cpu"},     {"backend", "onednn"},    {"threads", threads}};
    return request;
}

void compare(const std::string& precision, int n, int rounds, int threads) {
    const PrepareRequest request = request_of(n, precision, threads);
    onednn::OnednnWorker worker({});
    const Support support = worker.supports(request.what);
    if (!support.supported) {
        std::printf("%-5s %5d  %s\n", precision.c_str(), n, support.reason.c_str());
        return;
    }
    std::vector<double> ratios, bare_s, worker_s;
    std::string implementation;
    for (int round = 0; round < rounds; ++round) {
        const Prepared prepared = worker.prepare(request);
        implementation = prepared.implementation;
        const auto calls =
            std::max<std::int64_t>(1, static_cast<std::int64_t>(block_s / prepared.iteration_s));
        Bare bare(n, precision);
        bare.call(2);
        bare_s.clear(), worker_s.clear();
        for (int turn = 0; turn < turns; ++turn) {
            time_bare(bare, calls, bare_s);
            time_worker(worker, worker_s);
        }
        if (!bare_s.empty() && !worker_s.empty())
            ratios.push_back(median(bare_s) / median(worker_s));
    }
    if (ratios.empty()) {
        std::printf("%-5s %5d  no block had the CPU for itself\n", precision.c_str(), n);
        return;
    }
    std::printf("%-5s %5d  %9.2f us  %9.2f us  %6.4f  %zu/%d  %s\n", precision.c_str(), n,
                median(bare_s) * 1e6, median(worker_s) * 1e6, median(ratios), ratios.size(), rounds,
                implementation.c_str());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
    const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
    std::printf("oneDNN %s, %d thread(s); worker / bare: 1 is no overhead\n",
                onednn::library_version().c_str(), threads);
    for (const char* precision : {"fp32", "bf16", "int8"})
        for (const int n : {64, 256, 1024}) compare(precision, n, rounds, threads);
    return 0;
}
