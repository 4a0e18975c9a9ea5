// The machines of tests/fixtures/machines, and ways to change one thing about them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/posix.hpp"
#include "detect/detect.hpp"

namespace peakward {

inline std::string machine_folder(const std::string& name) {
    return std::string(PEAKWARD_BINARY_DIR) + "/fixtures/machines/" + name;
}

inline std::unique_ptr<SysRoot> machine(const std::string& name) {
    auto root = captured_sys_root(machine_folder(name));
    if (!root) {
        ADD_FAILURE() << root.error().message;
        return captured_sys_root("/var/empty").value_or(nullptr);
    }
    return std::move(*root);
}

// Watching load takes time on a real machine; a captured one does not change while we sleep.
class TickingClock final : public Clock {
public:
    Nanoseconds monotonic() override { return now_ += std::chrono::milliseconds(1); }
    std::chrono::system_clock::time_point wall_now() override { return {}; }
    void sleep_for(Nanoseconds duration) override { now_ += duration; }

private:
    Nanoseconds now_{0};
};

inline Context detect_on(const SysRoot& root) {
    TickingClock clock;
    return detect(root, clock, DetectOptions{});
}
inline Context detect_on(const std::string& name) { return detect_on(*machine(name)); }

// A machine with some answers replaced.
class ChangedMachine final : public SysRoot {
public:
    explicit ChangedMachine(const std::string& name) : inner_(machine(name)) {}

    ChangedMachine& file(const std::string& path, std::string content) {
        files_[path] = std::move(content);
        return *this;
    }
    // Refuses the path and everything below it; "command:NAME" and "cpuid" likewise.
    ChangedMachine& absent(const std::string& path, Absence absence) {
        absent_[path] = absence;
        return *this;
    }
    ChangedMachine& rewrite(const std::string& path,
                            const std::function<std::string(std::string)>& change) {
        return file(path, change(inner_->read(path).value_or("")));
    }
    ChangedMachine& folder(const std::string& path, std::vector<std::string> names) {
        folders_[path] = std::move(names);
        return *this;
    }

    ReadResult<std::string> read(std::string_view path) const override {
        if (const auto found = files_.find(std::string(path)); found != files_.end())
            return found->second;
        if (const auto why = refusal(path)) return tl::make_unexpected(*why);
        return inner_->read(path);
    }
    ReadResult<std::vector<std::string>> list(std::string_view path) const override {
        if (const auto found = folders_.find(std::string(path)); found != folders_.end())
            return found->second;
        if (const auto why = refusal(path)) return tl::make_unexpected(*why);
        return inner_->list(path);
    }
    ReadResult<std::string> read_link(std::string_view path) const override {
        if (const auto why = refusal(path)) return tl::make_unexpected(*why);
        return inner_->read_link(path);
    }
    bool exists(std::string_view path) const override {
        return files_.count(std::string(path)) != 0 || (!refusal(path) && inner_->exists(path));
    }
    ReadResult<CpuidRegisters> cpuid(int cpu, std::uint32_t leaf,
                                     std::uint32_t subleaf) const override {
        if (const auto why = refusal("cpuid")) return tl::make_unexpected(*why);
        return inner_->cpuid(cpu, leaf, subleaf);
    }
    ReadResult<CommandOutput> run(const std::vector<std::string>& argv,
                                  Nanoseconds limit) const override {
        if (const auto why = refusal("command:" + argv.front())) return tl::make_unexpected(*why);
        return inner_->run(argv, limit);
    }
    std::string architecture() const override { return inner_->architecture(); }
    ReadResult<std::vector<int>> affinity() const override { return inner_->affinity(); }
    std::string root_folder() const override { return inner_->root_folder(); }
    bool is_live() const override { return false; }

private:
    std::optional<ReadFailure> refusal(std::string_view path) const {
        for (const auto& [refused, absence] : absent_)
            if (path == refused || path.starts_with(refused + "/"))
                return ReadFailure{absence, std::string(path) + ": refused by the test"};
        return std::nullopt;
    }

    std::unique_ptr<SysRoot> inner_;
    std::map<std::string, std::string> files_;
    std::map<std::string, std::vector<std::string>> folders_;
    std::map<std::string, Absence> absent_;
};

}  // namespace peakward
