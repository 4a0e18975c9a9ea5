// A machine made of literals, for tests of single sources: files, links, commands and CPUID leaves,
// each present, missing, denied, slow or malformed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ports.hpp"
#include "core/text.hpp"

namespace peakward {

class MemorySysRoot final : public SysRoot {
public:
    MemorySysRoot& file(const std::string& path, std::string content) {
        files_[path] = {std::move(content)};
        return *this;
    }
    // Successive reads give successive contents; the last one stays.
    MemorySysRoot& sequence(const std::string& path, std::vector<std::string> contents) {
        files_[path] = std::move(contents);
        return *this;
    }
    MemorySysRoot& link(const std::string& path, std::string target) {
        links_[path] = std::move(target);
        return *this;
    }
    // Also for folders, which then cannot be listed, and for commands as "command:NAME".
    MemorySysRoot& absent(const std::string& path, Absence absence) {
        absent_[path] = absence;
        return *this;
    }
    MemorySysRoot& command(const std::string& name, std::string out, int exit_code = 0,
                           std::string err = "") {
        commands_[name] = {exit_code, std::move(out), std::move(err)};
        return *this;
    }
    MemorySysRoot& leaf(std::uint32_t number, CpuidRegisters registers) {
        leaves_[number] = registers;
        return *this;
    }
    MemorySysRoot& cpus(std::vector<int> allowed) {
        affinity_ = std::move(allowed);
        return *this;
    }
    MemorySysRoot& architecture(std::string name) {
        architecture_ = std::move(name);
        return *this;
    }

    ReadResult<std::string> read(std::string_view path) const override {
        const std::string key(path);
        if (const auto why = refusal(key)) return tl::make_unexpected(*why);
        const auto found = files_.find(key);
        if (found == files_.end()) return missing(key);
        auto& turn = turns_[key];
        const auto& contents = found->second;
        return contents[std::min(turn++, contents.size() - 1)];
    }
    ReadResult<std::vector<std::string>> list(std::string_view path) const override {
        const std::string key(path);
        if (const auto why = refusal(key)) return tl::make_unexpected(*why);
        std::set<std::string> names;
        const auto add = [&](const std::string& entry) {
            if (!entry.starts_with(key + "/")) return;
            const std::string below = entry.substr(key.size() + 1);
            names.insert(below.substr(0, below.find('/')));
        };
        for (const auto& [entry, content] : files_) add(entry);
        for (const auto& [entry, target] : links_) add(entry);
        for (const auto& [entry, absence] : absent_) {
            if (absence != Absence::missing) add(entry);
        }
        if (names.empty()) return missing(key);
        return std::vector<std::string>(names.begin(), names.end());
    }
    ReadResult<std::string> read_link(std::string_view path) const override {
        const auto found = links_.find(std::string(path));
        if (found == links_.end()) return missing(std::string(path));
        return found->second;
    }
    bool exists(std::string_view path) const override {
        const std::string key(path);
        return files_.contains(key) || links_.contains(key) || list(key).has_value();
    }
    ReadResult<CpuidRegisters> cpuid(int, std::uint32_t number, std::uint32_t) const override {
        const auto found = leaves_.find(number);
        if (found == leaves_.end()) {
            return tl::make_unexpected(
                ReadFailure{Absence::missing, "CPUID: not an x86 processor"});
        }
        return found->second;
    }
    ReadResult<CommandOutput> run(const std::vector<std::string>& argv,
                                  Nanoseconds) const override {
        asked_.push_back(argv);
        if (const auto why = refusal("command:" + argv.front())) return tl::make_unexpected(*why);
        const auto found = commands_.find(argv.front());
        if (found == commands_.end()) return missing_command(argv.front());
        return found->second;
    }
    std::string architecture() const override { return architecture_; }
    ReadResult<std::vector<int>> affinity() const override {
        if (affinity_.empty()) {
            return tl::make_unexpected(ReadFailure{Absence::failed, "sched_getaffinity: refused"});
        }
        return affinity_;
    }
    std::string root_folder() const override { return "/nowhere"; }
    bool is_live() const override { return false; }

    const std::vector<std::vector<std::string>>& asked() const { return asked_; }

private:
    static tl::unexpected<ReadFailure> missing(const std::string& path) {
        return tl::make_unexpected(ReadFailure{Absence::missing, path + ": no such file"});
    }
    static tl::unexpected<ReadFailure> missing_command(const std::string& name) {
        return tl::make_unexpected(ReadFailure{Absence::missing, name + ": not on the PATH"});
    }
    std::optional<ReadFailure> refusal(const std::string& path) const {
        const auto found = absent_.find(path);
        if (found == absent_.end()) return std::nullopt;
        switch (found->second) {
            case Absence::missing:
                return ReadFailure{found->second, path + ": no such file"};
            case Absence::denied:
                return ReadFailure{found->second, path + ": permission denied"};
            case Absence::slow:
                return ReadFailure{found->second, path + ": no answer within 1 s"};
            case Absence::malformed:
                return ReadFailure{found->second, path + ": not readable as text"};
            case Absence::failed:
                return ReadFailure{found->second, path + ": input/output error"};
        }
        return std::nullopt;
    }

    std::map<std::string, std::vector<std::string>> files_;
    mutable std::map<std::string, std::size_t> turns_;
    mutable std::vector<std::vector<std::string>> asked_;
    std::map<std::string, std::string> links_;
    std::map<std::string, Absence> absent_;
    std::map<std::string, CommandOutput> commands_;
    std::map<std::uint32_t, CpuidRegisters> leaves_;
    std::vector<int> affinity_;
    std::string architecture_ = "x86_64";
};

// Time passes only when someone sleeps.
class StillClock final : public Clock {
public:
    Nanoseconds monotonic() override { return now_; }
    std::chrono::system_clock::time_point wall_now() override { return {}; }
    void sleep_for(Nanoseconds duration) override { now_ += duration; }

private:
    Nanoseconds now_{0};
};

}  // namespace peakward
