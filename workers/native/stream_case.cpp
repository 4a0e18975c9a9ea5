// STREAM's copy, scale, add and triad (McCalpin), by free-running threads that each sweep a part of
// their own.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "native/cases.hpp"
#include "native/clock.hpp"
#include "native/pool.hpp"
#include "native/sharing.hpp"
#include "native/stream_arrays.hpp"
#include "native/stream_check.hpp"
#include "native/stream_kernels.hpp"
#include "native/stream_plan.hpp"

namespace peakward::native {
namespace {

constexpr double factor = 3.0;  // STREAM's own
constexpr std::int64_t elements_max = std::int64_t{1} << 40;

std::int64_t elements_of(const Json& shape) {
    if (!shape.is_object() || !shape.contains("elements") ||
        !shape.at("elements").is_number_integer())
        return 0;
    return shape.at("elements").get<std::int64_t>();
}
std::string store_of(const Json& shape) {
    if (!shape.is_object() || !shape.contains("store") || !shape.at("store").is_string()) return "";
    return shape.at("store").get<std::string>();
}

class StreamCase : public PreparedCase {
public:
    StreamCase(const worker::PrepareRequest& request, const StreamKernel& kernel, Plant plant)
        : kernel_(kernel),
          elements_(elements_of(request.shape)),
          element_bytes_(request.precision == "fp64" ? 8 : 4),
          tolerance_(request.tolerance),
          pattern_(request.seed, request.precision == "fp64"),
          two_sources_(request.operation == "stream_add" || request.operation == "stream_triad"),
          arrays_(two_sources_ ? 3 : 2,
                  static_cast<std::size_t>(elements_) * static_cast<std::size_t>(element_bytes_)),
          parts_(static_cast<std::size_t>(request.threads),
                 Part(cores_are_separate(request.cpus, request.threads))),
          pool_(request.threads, request.cpus) {
        const std::int64_t line = line_elements();
        for (int i = 0; i < pool_.size(); ++i)
            parts_[static_cast<std::size_t>(i)].range =
                divide({0, elements_}, pool_.size(), i, line);
        pool_.run([&](int thread) { first_touch(part(thread).range); });
        pool_.run([&](int thread) { sweep(part(thread).range); });
        if (plant == Plant::wrong_answer) pattern_.corrupt(destination(0));
        pool_.run([&](int thread) {
            part(thread).error =
                pattern_.error(kernel_.operation, factor, destination(0), part(thread).range);
        });
        if (plant == Plant::wrong_answer) sweep({0, std::min(line, elements_)});
        pool_.run([&](int thread) { time_part(part(thread)); });
        huge_percent_ = arrays_.huge_percent();
    }

    worker::Prepared prepared() const override {
        worker::Prepared prepared;
        prepared.implementation = std::string(kernel_.text);
        prepared.implementation += huge_percent_ < 0
                                       ? ", page size unknown"
                                       : ", huge pages " + std::to_string(huge_percent_) + " %";
        if (const std::string note = pool_.pinning_note(); !note.empty())
            prepared.implementation += "; " + note;
        for (const Part& each : parts_) {
            prepared.error = std::max(prepared.error, each.error);
            prepared.iteration_s = std::max(
                prepared.iteration_s, each.element_s * static_cast<double>(each.range.size()));
        }
        prepared.correct = prepared.error <= tolerance_;
        return prepared;
    }

    std::vector<worker::RunSample> run(const worker::RunRequest& request) override {
        for (Part& each : parts_) {
            each.plan = plan_chunks(each.range.size(), each.element_s, slice_seconds(request),
                                    line_elements());
            each.next = 0;
        }
        auto samples = run_freely(pool_, request, [&](int thread, bool counted) {
            worker::RunSample sample = block(thread);
            counted ? part(thread).sharing.after_block() : part(thread).sharing.begin();
            return sample;
        });
        for (int i = 0; i < pool_.size(); ++i) part(i).sharing.mark(samples, i);
        for (const Part& each : parts_) {
            const double error =
                pattern_.error(kernel_.operation, factor, destination(0), each.last);
            if (!(error <= tolerance_))
                throw std::runtime_error("the answer of the last timed chunk of " +
                                         std::string(kernel_.text) + " is wrong by " +
                                         std::to_string(error));
        }
        return samples;
    }

private:
    struct Part {
        explicit Part(bool separate) : sharing(separate) {}
        SharingProbe sharing;
        Range range, last;
        ChunkPlan plan;
        std::int64_t next = 0;
        double error = 0, element_s = 0;
    };

    Part& part(int thread) { return parts_[static_cast<std::size_t>(thread)]; }
    std::int64_t line_elements() const { return 64 / element_bytes_; }
    std::byte* at(int array, std::int64_t element) const {
        return arrays_.array(array) + element * element_bytes_;
    }
    std::byte* destination(std::int64_t element) const { return at(0, element); }

    void first_touch(Range range) {
        pattern_.fill_left(at(1, 0), range);
        if (two_sources_) pattern_.fill_right(at(2, 0), range);
        pattern_.fill_unwritten(destination(0), range);
    }

    void sweep(Range range) const {
        kernel_.execute(destination(range.begin), at(1, range.begin),
                        two_sources_ ? at(2, range.begin) : nullptr, factor, range.size());
    }

    // By CPU time, so that a preemption does not make chunks too short.
    void time_part(Part& each) const {
        std::int64_t sweeps = 0;
        const double start = thread_cpu_s();
        double elapsed = 0;
        do {
            for (int i = 0; i < 16; ++i, ++sweeps) {
                sweep(each.range);
                if (each.range.size() > 65536 && i == 0) {
                    ++sweeps;
                    break;
                }
            }
            elapsed = thread_cpu_s() - start;
        } while (elapsed < 1e-3);
        each.element_s =
            elapsed / (static_cast<double>(sweeps) * static_cast<double>(each.range.size()));
    }

    worker::RunSample block(int thread) {
        Part& mine = part(thread);
        mine.last = divide(mine.range, mine.plan.chunks, mine.next, line_elements());
        mine.next = (mine.next + 1) % mine.plan.chunks;
        worker::BlockTimer timer;
        timer.start();
        for (std::int64_t i = 0; i < mine.plan.sweeps; ++i) sweep(mine.last);
        return timer.stop(static_cast<double>(mine.plan.sweeps) *
                              static_cast<double>(mine.last.size()) /
                              static_cast<double>(elements_),
                          thread);
    }

    StreamKernel kernel_;
    std::int64_t elements_, element_bytes_;
    double tolerance_;
    StreamPattern pattern_;
    bool two_sources_;
    StreamArrays arrays_;
    std::vector<Part> parts_;
    int huge_percent_ = -1;
    Pool pool_;  // last: its threads end before the memory goes
};

}  // namespace

std::string why_not_stream(std::string_view operation, std::string_view precision,
                           const Json& shape) {
    if (precision != "fp64" && precision != "fp32")
        return std::string(operation) + " has no " + std::string(precision) +
               " kernel, only fp64, fp32";
    const std::string store = store_of(shape);
    if (store != "temporal" && store != "nontemporal")
        return "store must be temporal or nontemporal, not '" + store + "'";
    const std::int64_t elements = elements_of(shape);
    if (elements < 1 || elements > elements_max)
        return "elements must be a whole number from 1 to 2^40";
    if (widest_stream(operation, precision, store) == nullptr)
        return "no kernel for " + std::string(operation);
    return "";
}

std::unique_ptr<PreparedCase> prepare_stream(const worker::PrepareRequest& request, Plant plant) {
    if (const std::string reason =
            why_not_stream(request.operation, request.precision, request.shape);
        !reason.empty())
        throw std::runtime_error(reason);
    const std::int64_t line = request.precision == "fp64" ? 8 : 16;
    if (elements_of(request.shape) / line < request.threads)
        throw std::runtime_error(std::to_string(elements_of(request.shape)) +
                                 " elements are too few for " + std::to_string(request.threads) +
                                 " threads: each needs a cache line of its own");
    const StreamKernel* kernel =
        widest_stream(request.operation, request.precision, store_of(request.shape));
    return std::make_unique<StreamCase>(request, *kernel, plant);
}

}  // namespace peakward::native
