// A machine of literals, workers that are functions, a clock that moves when told, and a database
// in a folder of the test's own: a whole session without the world.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/memory_sys_root.hpp"
#include "measure/fakes/fakes.hpp"
#include "session/history.hpp"
#include "session/session.hpp"

namespace peakward::session_test {

// Writes down in which order things happened, and can be the moment at which the user interrupts.
class Diary final : public Observer {
public:
    void stage_started(const std::string& what) override { events.push_back(what); }
    void case_started(const Case& what, int, int, Seconds) override {
        events.push_back("case " + what.backend + " " + what.operation + " " + what.precision);
    }
    void case_finished(const Measurement&) override {}
    void note(const std::string& sentence) override { notes.push_back(sentence); }
    void finished() override {
        events.emplace_back("finished");
        is_finished = true;
    }

    std::vector<std::string> events, notes;
    bool is_finished = false;
};

// The user presses Ctrl-C when the measuring has just ended.
class StopWhenFinished final : public StopToken {
public:
    explicit StopWhenFinished(const Diary& diary) : diary_(diary) {}
    bool stop_requested() const override { return diary_.is_finished; }

private:
    const Diary& diary_;
};

class SessionTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "peakward-session-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        std::filesystem::create_directories(folder_ / "workers");
        for (const char* variable : {"XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"})
            set(variable, (folder_ / "home").string());
        root_.file("/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
            .cpus({0, 1});
        request_.suite = "quick";
        request_.seed = 7;
        request_.backends = {"fake"};
        request_.operations = {"gemm"};
        request_.precisions = {"fp32"};
        request_.worker_folders = {(folder_ / "workers").string()};
        request_.store_location = database();
    }
    void TearDown() override {
        for (const auto& [variable, value] : before_) {
            if (value)
                ::setenv(variable.c_str(), value->c_str(), 1);
            else
                ::unsetenv(variable.c_str());
        }
        std::filesystem::remove_all(folder_);
    }

    // A worker of this name, found where the session looks for it. 100 GOPS unless told otherwise.
    fakes::Backend& add_worker(const std::string& name) {
        const std::string path = (folder_ / "workers" / ("peakward-worker-" + name)).string();
        make_executable(path);
        return script(path, name);
    }
    // One that runs in the interpreter `python`, as the session starts it.
    fakes::Backend& add_python_worker(const std::string& name) {
        const auto package = folder_ / "workers" / "python" / "peakward_worker";
        std::filesystem::create_directories(package);
        make_executable((package / "__main__.py").string());
        const std::string python = (folder_ / "python3").string();
        make_executable(python);
        request_.python = python;
        return script(python, name);
    }

    Result<CalibrateReply> calibrate(const StopToken& stop) {
        diary_ = Diary();
        return peakward::calibrate({root_, launcher_, clock_}, request_, diary_, stop);
    }
    Result<CalibrateReply> calibrate() { return calibrate(never_); }
    // Fails the test when it does not succeed.
    peakward::Run calibrated() {
        const auto reply = calibrate();
        EXPECT_TRUE(reply.has_value()) << (reply ? "" : reply.error().message);
        return reply ? reply->run : peakward::Run{};
    }
    // The runs in the database; none where there is no database either.
    std::vector<RunSummary> stored() const {
        if (!std::filesystem::exists(database())) return {};
        const auto runs = list_runs(database(), {.limit = 0});
        EXPECT_TRUE(runs.has_value()) << (runs ? "" : runs.error().message);
        return runs.value_or(std::vector<RunSummary>{});
    }
    peakward::Run latest() const {
        const auto run = find_run(database(), "latest");
        EXPECT_TRUE(run.has_value()) << (run ? "" : run.error().message);
        return run.value_or(peakward::Run{});
    }

    std::string database() const { return (folder_ / "runs.db").string(); }
    void busy_machine() {
        root_.file("/proc/pressure/cpu", "some avg10=90.00 avg60=90.00 avg300=90.00 total=1\n");
    }

    std::filesystem::path folder_;
    MemorySysRoot root_;
    fakes::FakeClock clock_;
    fakes::ScriptedLauncher launcher_{clock_};
    fakes::StopAfter never_;
    CalibrateRequest request_;
    Diary diary_;

private:
    void set(const std::string& variable, const std::string& value) {
        const char* now = std::getenv(variable.c_str());
        before_[variable] = now ? std::optional<std::string>(now) : std::nullopt;
        ::setenv(variable.c_str(), value.c_str(), 1);
    }
    static void make_executable(const std::string& path) {
        std::ofstream(path) << "#!/bin/false\n";
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    fakes::Backend& script(const std::string& path, const std::string& name) {
        auto backend = std::make_unique<fakes::Backend>();
        backend->name = name;
        backend->clock = &clock_;
        backend->seconds = [](const Json& what) { return seconds_at(what, 100); };
        launcher_.scripts[path] = [worker = backend.get()](const Json& request) {
            return (*worker)(request);
        };
        backends_.push_back(std::move(backend));
        return *backends_.back();
    }

protected:
    // Time of one iteration at this rate.
    static double seconds_at(const Json& what, double gops) {
        if (what.at("operation") != "gemm") return 1e-3;
        const double n = what.at("shape").at("m");
        return 2 * n * n * n / (gops * 1e9);
    }

private:
    std::vector<std::unique_ptr<fakes::Backend>> backends_;
    std::map<std::string, std::optional<std::string>> before_;
};

inline bool has(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace peakward::session_test
