// The outside world of the measuring stage, in this process: a clock that moves when told, files in
// a map, workers that are functions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/ports.hpp"
#include "core/progress.hpp"
#include "core/text.hpp"

namespace peakward::fakes {

class FakeClock final : public Clock {
public:
    Nanoseconds monotonic() override { return now; }
    std::chrono::system_clock::time_point wall_now() override { return {}; }
    void sleep_for(Nanoseconds duration) override {
        now += duration;
        slept += duration;
    }
    Nanoseconds now{0}, slept{0};
};

class FakeRoot final : public SysRoot {
public:
    ReadResult<std::string> read(std::string_view path) const override {
        const auto file = files.find(std::string(path));
        if (file == files.end())
            return tl::make_unexpected(ReadFailure{Absence::missing, std::string(path)});
        return file->second;
    }
    ReadResult<std::vector<std::string>> list(std::string_view) const override { return none(); }
    ReadResult<std::string> read_link(std::string_view) const override { return none(); }
    bool exists(std::string_view path) const override { return files.contains(std::string(path)); }
    ReadResult<CpuidRegisters> cpuid(int, std::uint32_t, std::uint32_t) const override {
        return none();
    }
    ReadResult<CommandOutput> run(const std::vector<std::string>&, Nanoseconds) const override {
        return none();
    }
    std::string architecture() const override { return "x86_64"; }
    ReadResult<std::vector<int>> affinity() const override { return cpus; }
    std::string root_folder() const override { return "/nowhere"; }
    bool is_live() const override { return false; }

    std::map<std::string, std::string> files;
    std::vector<int> cpus{0, 1};

private:
    static tl::unexpected<ReadFailure> none() {
        return tl::make_unexpected(ReadFailure{Absence::missing, "not here"});
    }
};

class StopAfter final : public StopToken {
public:
    explicit StopAfter(int looks = -1) : looks_(looks) {}
    bool stop_requested() const override { return looks_ >= 0 && seen_++ >= looks_; }

private:
    int looks_;
    mutable int seen_ = 0;
};

class Recorder final : public Observer {
public:
    void stage_started(const std::string&) override {}
    void case_started(const Case& what, int done, int total, Seconds left) override {
        started.push_back(what);
        done_of.emplace_back(done, total);
        left_s.push_back(left.count());
    }
    void case_finished(const Measurement& measurement) override { rows.push_back(measurement); }
    void note(const std::string& sentence) override { notes.push_back(sentence); }
    void finished() override {}

    std::vector<Case> started;
    std::vector<std::pair<int, int>> done_of;
    std::vector<double> left_s;
    std::vector<Measurement> rows;
    std::vector<std::string> notes;
};

// What a scripted worker does with a request: the fields of its reply, or one of the two words
// below under "fake" for a process that says nothing or dies.
using Script = std::function<Json(const Json& request)>;
inline const Json hangs{{"fake", "hangs"}};
inline const Json dies{{"fake", "dies"}};

class ScriptedChild final : public ChildProcess {
public:
    ScriptedChild(Script script, FakeClock& clock, int& living)
        : script_(std::move(script)), clock_(clock), living_(living) {
        ++living_;
    }
    ~ScriptedChild() override { --living_; }
    Status write_line(std::string_view line) override {
        const Json request = Json::parse(line);
        reply_ = script_(request);
        if (reply_.is_object() && !reply_.contains("fake")) {
            if (!reply_.contains("id")) reply_["id"] = request.at("id");
            if (!reply_.contains("ok")) reply_["ok"] = true;
        }
        return {};
    }
    ReadOutcome read_line(Nanoseconds limit) override {
        if (reply_ == hangs) {
            clock_.now += limit;
            return {ReadStatus::timed_out, {}};
        }
        if (reply_ == dies) return {ReadStatus::closed, {}};
        return {ReadStatus::line, reply_.dump()};
    }
    void kill() override {}
    std::optional<std::string> ended(Nanoseconds) override { return "signal 9 (SIGKILL)"; }
    std::string stderr_tail() const override { return "last words\n"; }
    int pid() const override { return 1; }

private:
    Script script_;
    FakeClock& clock_;
    int& living_;
    Json reply_;
};

// argv[0] names the script. Remembers what was started.
class ScriptedLauncher final : public ProcessLauncher {
public:
    explicit ScriptedLauncher(FakeClock& clock) : clock_(clock) {}
    Result<std::unique_ptr<ChildProcess>> spawn(const SpawnOptions& options) override {
        spawned.push_back(options);
        const auto script = scripts.find(options.argv.front());
        if (script == scripts.end()) return failed(options.argv.front() + ": no such program");
        return std::make_unique<ScriptedChild>(script->second, clock_, living);
    }

    std::map<std::string, Script> scripts;
    std::vector<SpawnOptions> spawned;
    int living = 0;

private:
    FakeClock& clock_;
};

// A backend that behaves: override what a test is about.
struct Backend {
    std::string name = "fake", version = "1.0";
    std::vector<std::string> devices{"cpu"}, precisions{"fp64", "fp32"}, operations{"gemm", "dot"},
        isa, notes;
    std::function<std::string(const Case&)> why_not = [](const Case&) { return std::string(); };
    // Seconds of one iteration of a case; thread by thread the same.
    std::function<double(const Json& what)> seconds = [](const Json&) { return 1e-3; };
    double clock_hz = 0;
    // Applied to every sample row [thread, start, wall, cpu, switches, wait, iterations, clock].
    std::function<void(Json& row, int index)> alter = [](Json&, int) {};
    std::function<void(Json& reply)> alter_prepared = [](Json&) {};
    std::function<std::optional<Json>(const Json& request)> before;

    FakeClock* clock = nullptr;
    std::vector<Json> requests;
    Json prepared;

    Json operator()(const Json& request) {
        requests.push_back(request);
        if (before)
            if (auto reply = before(request)) return *reply;
        const std::string verb = request.at("verb");
        if (verb == "hello")
            return {{"protocol", 1},
                    {"backend", name},
                    {"versions", {{name, version}}},
                    {"devices", devices},
                    {"precisions", precisions},
                    {"operations", operations},
                    {"isa", isa},
                    {"notes", notes}};
        if (verb == "supports") return supports(request.at("case"));
        if (verb == "prepare") {
            prepared = request.at("case");
            // A warm-up call; where it is short nobody looks at it.
            if (const double s = seconds(prepared); s > 0.1 && s < 1e6)
                clock->now += std::chrono::duration_cast<Nanoseconds>(Seconds(s));
            Json reply{{"device", prepared.at("device")},
                       {"implementation", "fake loops"},
                       {"error", 0.0},
                       {"correct", true},
                       {"iteration_s", seconds(prepared)}};
            alter_prepared(reply);
            return reply;
        }
        if (verb == "run") return run(request);
        return Json::object();
    }

private:
    Json supports(const Json& what) {
        Case asked;
        asked.operation = what.at("operation");
        asked.precision = what.at("precision");
        for (const auto& [axis, value] : what.at("shape").items()) {
            if (value.is_string())
                asked.shape[axis] = value.get<std::string>();
            else
                asked.shape[axis] = value.get<std::int64_t>();
        }
        const std::string reason = why_not(asked);
        if (reason.empty()) return {{"supported", true}};
        return {{"supported", false}, {"reason", reason}};
    }

    // All threads side by side, in slices of about `slice_s`; the clock moves along.
    Json run(const Json& request) {
        const double slice_s = request.at("slice_s"), min_s = request.at("min_s");
        const double iteration_s = seconds(prepared);
        const double iterations = std::max(1.0, std::round(slice_s / iteration_s));
        const auto wall_ns = static_cast<std::int64_t>(iterations * iteration_s * 1e9);
        const int threads = prepared.at("threads");
        Json rows = Json::array();
        double spent_s = 0;
        for (int index = 0; spent_s < min_s || index == 0; ++index) {
            std::int64_t longest_ns = wall_ns;
            for (int thread = 0; thread < threads; ++thread) {
                Json row{thread, clock->now.count(),   wall_ns, wall_ns, 0,
                         -1,     iterations / threads, clock_hz};
                alter(row, index);
                longest_ns = std::max(longest_ns, row[2].get<std::int64_t>());
                rows.push_back(row);
            }
            clock->now += Nanoseconds(longest_ns);
            spent_s += static_cast<double>(wall_ns) * 1e-9;
        }
        return {{"samples", rows}};
    }
};

}  // namespace peakward::fakes
