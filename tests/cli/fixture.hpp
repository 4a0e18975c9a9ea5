// A machine of our own for whole command lines: a captured root, one worker whose numbers are
// known, an empty database, and nothing of the user's surroundings.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/run_cli.hpp"
#include "core/json.hpp"
#include "core/posix.hpp"

namespace peakward::cli {

class NeverStop final : public StopToken {
public:
    bool stop_requested() const override { return false; }
};

struct Ended {
    int code = -1;
    std::string out, err;
};

class CliTest : public ::testing::Test {
protected:
    void SetUp() override {
        // Short: the path stands on pages that are 80 columns wide.
        std::string name = ::testing::TempDir() + "pw-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        std::filesystem::create_directories(folder_ / "workers");
        const std::string tests = std::string(PEAKWARD_SOURCE_DIR) + "/tests/cli/";
        std::filesystem::copy_file(tests + "fake_worker.sh",
                                   folder_ / "workers" / "peakward-worker-fake");
        set("PEAKWARD_WORKERS", (folder_ / "workers").string());
        set("PEAKWARD_DB", database());
        set("XDG_STATE_HOME", (folder_ / "state").string());
        set("XDG_DATA_HOME", (folder_ / "data").string());
        set("FAKE_WORKER_MODE", "");
        set("FAKE_WORKER_HOOK", "");
        auto root = captured_sys_root(tests + "machine");
        ASSERT_TRUE(root) << root.error().message;
        root_ = std::move(*root);
        launcher_ = posix_launcher();
        clock_ = system_clock_port();
    }
    void TearDown() override {
        for (const auto& [name, value] : before_) {
            if (value)
                ::setenv(name.c_str(), value->c_str(), 1);
            else
                ::unsetenv(name.c_str());
        }
        std::filesystem::remove_all(folder_);
    }

    void set(const std::string& name, const std::string& value) {
        if (!before_.contains(name)) {
            const char* now = std::getenv(name.c_str());
            before_[name] = now ? std::optional<std::string>(now) : std::nullopt;
        }
        ::setenv(name.c_str(), value.c_str(), 1);
    }

    Ended run(const std::vector<std::string>& arguments, const StopToken& stop = NeverStop()) {
        std::ostringstream out, err;
        Console console{out, err, terminal_, terminal_, -1};
        Ended ended;
        ended.code = run_cli(arguments, {*root_, *launcher_, *clock_}, console, stop);
        ended.out = out.str();
        ended.err = err.str();
        return ended;
    }
    // The same with --json, parsed; fails the test when stdout is no document.
    Json document(std::vector<std::string> arguments, int expected_code = 0) {
        arguments.emplace_back("--json");
        const Ended ended = run(arguments);
        EXPECT_EQ(ended.code, expected_code) << ended.err;
        auto json = parse_json(ended.out, "stdout");
        EXPECT_TRUE(json) << ended.out << ended.err;
        return json ? *json : Json();
    }

    std::string database() const { return (folder_ / "runs.db").string(); }
    std::string file(const std::string& name) const { return (folder_ / name).string(); }
    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(folder_ / name) << content;
        return file(name);
    }

    std::filesystem::path folder_;
    Terminal terminal_{80, false, true, false};
    std::unique_ptr<Clock> clock_;

private:
    std::map<std::string, std::optional<std::string>> before_;
    std::unique_ptr<SysRoot> root_;
    std::unique_ptr<ProcessLauncher> launcher_;
};

}  // namespace peakward::cli
