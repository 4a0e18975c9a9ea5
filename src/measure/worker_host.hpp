// One worker process and the conversation with it. Whatever it does wrong becomes a WorkerFault:
// the outcome of one case, never the end of the run (docs/worker-protocol.md, last table).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/ports.hpp"
#include "core/progress.hpp"
#include "core/records.hpp"
#include "measure/measure.hpp"
#include "measure/worker_messages.hpp"

namespace peakward {

struct WorkerFault {
    Outcome outcome = Outcome::failed;  // failed or timed_out
    std::string reason;
    bool interrupted = false;  // we were told to stop while waiting for it
};

template <typename T>
using WorkerResult = tl::expected<T, WorkerFault>;

struct PrepareOrder {
    std::uint64_t seed = 0;
    double tolerance = 0;
    std::vector<int> cpus;     // one per thread, or empty
    std::string network = {};  // folder of a network's files; "" where the operation is none
};

struct RunOrder {
    int samples = 1;         // at least this many per thread
    double min_s = 0;        // and at least this long
    double slice_s = 0.001;  // aim for this length of a sample
    double sample_s = 0;     // how long a sample will take, for the time limit
};

class WorkerHost {
public:
    // Starts the process, with the thread count in the environment where libraries look for it,
    // and asks hello.
    static WorkerResult<std::unique_ptr<WorkerHost>> start(const WorkerCommand& command,
                                                           int threads, ProcessLauncher& launcher,
                                                           Clock& clock, const StopToken& stop,
                                                           const WorkerLimits& limits);
    ~WorkerHost();
    WorkerHost(const WorkerHost&) = delete;
    WorkerHost& operator=(const WorkerHost&) = delete;

    const Hello& hello() const { return hello_; }
    int threads() const { return threads_; }
    // False after a fault that ended the process; a worker that only refused a request lives on.
    bool is_alive() const { return child_ != nullptr; }

    WorkerResult<SupportReply> supports(const Case& what);
    WorkerResult<PrepareReply> prepare(const Case& what, const PrepareOrder& order);
    WorkerResult<std::vector<Sample>> run(const Case& what, const RunOrder& order);
    // What the device said of itself in the last run. Its times are held against the clock: a batch
    // that cannot have happened is a fault (measure/plausible.hpp).
    const DeviceCondition& condition() const { return condition_; }
    WorkerResult<void> release();
    // Asks it to end, and kills what does not.
    void shutdown();

private:
    // What there is to say of the batches since a case was prepared.
    struct Batches {
        double asked_s = 0, in_blocks_s = 0;
        std::int64_t end_ns = 0;  // of the last block, by the worker's clock
    };

    WorkerHost(Clock& clock, const StopToken& stop, const WorkerLimits& limits)
        : clock_(clock), stop_(stop), limits_(limits) {}
    WorkerResult<void> send(std::string_view verb, Json request);
    WorkerResult<std::string> next_line(std::string_view verb, Nanoseconds limit);
    WorkerResult<Json> ask(std::string_view verb, Json request, Nanoseconds limit);
    WorkerResult<Json> checked_reply(std::string_view verb, Json reply, std::string_view line);
    WorkerResult<Hello> ask_hello(const WorkerCommand& command);
    std::string why_batch_impossible(const std::vector<Sample>& samples, int threads,
                                     const RunOrder& order, Nanoseconds waited);
    WorkerFault ended_by_itself(std::string_view verb);
    WorkerFault protocol_error(std::string_view verb, const std::string& why);
    void kill();

    std::unique_ptr<ChildProcess> child_;
    Clock& clock_;
    const StopToken& stop_;
    WorkerLimits limits_;
    Hello hello_;
    DeviceCondition condition_;
    Batches batches_;
    int threads_ = 1;
    std::int64_t last_id_ = 0;
};

// Keeps one living worker per backend, so that cases of several backends may alternate, and starts
// a fresh one after a fault or for another number of threads.
class WorkerPool {
public:
    WorkerPool(const std::vector<WorkerCommand>& commands, ProcessLauncher& launcher, Clock& clock,
               const StopToken& stop, const WorkerLimits& limits);

    WorkerResult<WorkerHost*> get(const std::string& backend, int threads);
    // A fresh worker that the pool does not keep.
    WorkerResult<std::unique_ptr<WorkerHost>> start(const WorkerCommand& command, int threads);
    // Ends the backend's worker: the next get() starts a fresh process.
    void retire(const std::string& backend);
    void retire_all();

private:
    std::map<std::string, WorkerCommand> commands_;
    std::map<std::string, std::unique_ptr<WorkerHost>> hosts_;
    // Interpreters that have run a worker, and the reason where one only kept us waiting: others
    // are then not started in it.
    std::map<std::string, std::string> interpreters_;
    ProcessLauncher& launcher_;
    Clock& clock_;
    const StopToken& stop_;
    WorkerLimits limits_;
};

// Variables of the user that bind threads to CPUs, and that no worker gets to see.
std::vector<std::string> ignored_variables();

// What is kept of a worker: what it said of itself, or why it could not be asked.
BackendInfo backend_info(const WorkerCommand& command, const WorkerResult<Hello>& hello);

}  // namespace peakward
