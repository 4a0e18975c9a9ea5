// A machine kept in a folder: the same answers as on the host, also for what the host refused.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "core/json.hpp"
#include "core/posix.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

constexpr int links_followed_max = 40;
constexpr int cpus_max = 1 << 16;

tl::unexpected<ReadFailure> no_such_file(std::string_view path) {
    return absent(Absence::missing, fmt::format("{}: no such file", path));
}

// "MASK eax ebx ecx edx => eax ebx ecx edx", hexadecimal; bit n of MASK: input n counts.
struct CpuidLine {
    std::array<std::uint32_t, 9> words{};

    bool answers(const std::array<std::uint32_t, 4>& inputs) const {
        for (std::size_t i = 0; i < inputs.size(); ++i)
            if ((words[0] >> i & 1u) != 0 && words[1 + i] != inputs[i]) return false;
        return true;
    }
};

std::optional<std::uint32_t> parse_hex_word(const std::string& text) {
    char* end = nullptr;
    errno = 0;
    const unsigned long long value = std::strtoull(text.c_str(), &end, 16);
    if (text.empty() || *end != '\0' || errno != 0 || value > 0xffffffffull) return std::nullopt;
    return static_cast<std::uint32_t>(value);
}

std::vector<CpuidLine> parse_cpuid_dump(std::string_view text) {
    std::vector<CpuidLine> lines;
    for (const std::string& row : split(text, '\n')) {
        std::vector<std::string> words;
        for (std::string& word : split(row, ' '))
            if (!trim(word).empty() && word != "=>") words.push_back(trim(word));
        CpuidLine line;
        if (words.size() != line.words.size() || words[0].starts_with('#')) continue;
        bool good = true;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto value = parse_hex_word(words[i]);
            good = good && value;
            line.words[i] = value.value_or(0);
        }
        if (good) lines.push_back(line);
    }
    return lines;
}

struct Manifest {
    std::string architecture;
    std::optional<std::vector<int>> affinity;
    std::vector<std::pair<std::string, Absence>> refused;  // path or "command:NAME" -> why
};

Result<Manifest> read_manifest(const std::string& file) {
    Manifest manifest;
    const auto text = read_whole_file(file, read_bytes_max);
    if (!text) return failed(text.error().message);
    const auto json = parse_json(*text, file);
    if (!json) return tl::make_unexpected(json.error());
    try {
        manifest.architecture = json->value("architecture", "");
        if (json->contains("affinity")) {
            for (const Json& cpu : json->at("affinity"))
                if (!cpu.is_number_integer() || cpu < 0 || cpu >= cpus_max)
                    return failed(fmt::format("{}: affinity lists CPUs from 0 to {}, not {}", file,
                                              cpus_max - 1, canonical_json(cpu)));
            manifest.affinity = json->at("affinity").get<std::vector<int>>();
        }
        const std::pair<const char*, Absence> lists[] = {{"denied", Absence::denied},
                                                         {"slow", Absence::slow},
                                                         {"malformed", Absence::malformed},
                                                         {"missing", Absence::missing}};
        for (const auto& [key, absence] : lists)
            for (const std::string& path : json->value(key, std::vector<std::string>{}))
                manifest.refused.emplace_back(path, absence);
    } catch (const Json::exception& error) {
        return failed(
            fmt::format("{}: {}; see src/core/posix.hpp for its form", file, error.what()));
    }
    return manifest;
}

class CapturedSysRoot final : public SysRoot {
public:
    CapturedSysRoot(std::string folder, Manifest manifest)
        : folder_(std::move(folder)), manifest_(std::move(manifest)) {}

    ReadResult<std::string> read(std::string_view path) const override {
        if (auto why = refusal(path)) return tl::make_unexpected(*why);
        const auto host = resolve(path, Follow::all);
        if (!host) return no_such_file(path);
        return read_host(*host, path);
    }

    ReadResult<std::vector<std::string>> list(std::string_view path) const override {
        if (auto why = refusal(path)) return tl::make_unexpected(*why);
        const auto host = resolve(path, Follow::all);
        if (!host) return no_such_file(path);
        std::error_code error;
        std::vector<std::string> names;
        std::filesystem::directory_iterator entry(*host, error);
        for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
            names.push_back(entry->path().filename().string());
        if (error) return no_such_file(path);
        std::sort(names.begin(), names.end());
        return names;
    }

    ReadResult<std::string> read_link(std::string_view path) const override {
        if (auto why = refusal(path)) return tl::make_unexpected(*why);
        const auto host = resolve(path, Follow::all_but_last);
        std::error_code error;
        if (!host || !std::filesystem::exists(std::filesystem::symlink_status(*host, error)))
            return no_such_file(path);
        const auto target = std::filesystem::read_symlink(*host, error);
        if (error) return absent(Absence::malformed, fmt::format("{}: not a symbolic link", path));
        return target.string();
    }

    bool exists(std::string_view path) const override {
        const auto why = refusal(path);
        if (why && why->absence != Absence::denied) return why->absence == Absence::malformed;
        return resolve(path, Follow::all).has_value();
    }

    ReadResult<CpuidRegisters> cpuid(int cpu, std::uint32_t leaf,
                                     std::uint32_t subleaf) const override {
        if (auto why = refusal("cpuid")) return tl::make_unexpected(*why);
        const std::lock_guard lock(mutex_);
        auto known = dumps_.find(cpu);
        if (known == dumps_.end()) {
            const std::string file = fmt::format("{}/cpuid/pu{}", folder_, cpu);
            const auto text = read_host(file, fmt::format("cpuid/pu{}", cpu));
            known = dumps_.emplace(cpu, parse_cpuid_dump(text.value_or(""))).first;
        }
        for (const CpuidLine& line : known->second)
            if (line.answers({leaf, 0, subleaf, 0}))
                return CpuidRegisters{line.words[5], line.words[6], line.words[7], line.words[8]};
        return absent(Absence::missing,
                      fmt::format("CPUID leaf {:#x} on CPU {}: not captured", leaf, cpu));
    }

    ReadResult<CommandOutput> run(const std::vector<std::string>& argv,
                                  Nanoseconds) const override {
        if (argv.empty() || argv.front().empty())
            return absent(Absence::missing, "no command was named");
        const std::string name = std::filesystem::path(argv.front()).filename().string();
        for (const std::string& spelled : {argv.front(), name})
            if (auto why = refusal("command:" + spelled)) return tl::make_unexpected(*why);
        std::string all;
        for (const std::string& argument : argv) all += argument + '\0';
        const std::string exact =
            fmt::format("{}/commands/{}-{}.txt", folder_, name, sha256_hex(all).substr(0, 8));
        const std::string usual = fmt::format("{}/commands/{}.txt", folder_, name);
        for (const std::string& file : {exact, usual}) {
            auto text = read_host(file, name);
            if (text) return as_output(std::move(*text));
        }
        return no_such_file(argv.front());
    }

    std::string architecture() const override { return manifest_.architecture; }

    ReadResult<std::vector<int>> affinity() const override {
        if (manifest_.affinity) return *manifest_.affinity;
        std::vector<int> cpus;
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/cpuid", error)) {
            const std::string name = entry.path().filename().string();
            const auto cpu = name.starts_with("pu") ? parse_integer(name.substr(2)) : std::nullopt;
            if (cpu && *cpu >= 0 && *cpu < cpus_max) cpus.push_back(static_cast<int>(*cpu));
        }
        if (cpus.empty())
            return absent(Absence::missing, "machine.json of this capture has no affinity");
        std::sort(cpus.begin(), cpus.end());
        return cpus;
    }

    std::string root_folder() const override { return folder_; }
    bool is_live() const override { return false; }

private:
    enum class Follow { all, all_but_last };

    // Where a path of the machine lies in the folder, with its symbolic links followed as if the
    // folder were "/". Nothing leads out of it: ".." stops at the root, as in a chroot.
    std::optional<std::string> resolve(std::string_view path, Follow follow) const {
        std::vector<std::string> ahead = reversed_parts(path);
        std::vector<std::string> here;
        int links = 0;
        while (!ahead.empty()) {
            const std::string part = std::move(ahead.back());
            ahead.pop_back();
            if (part.empty() || part == ".") continue;
            if (part == "..") {
                if (!here.empty()) here.pop_back();
                continue;
            }
            here.push_back(part);
            const std::string host = host_path(here);
            if (is_plain_folder(host)) continue;
            struct stat status {};
            if (::lstat(host.c_str(), &status) != 0) return std::nullopt;
            if (S_ISDIR(status.st_mode)) remember_plain_folder(host);
            if (!S_ISLNK(status.st_mode) || (ahead.empty() && follow == Follow::all_but_last))
                continue;
            std::error_code error;
            const std::string target = std::filesystem::read_symlink(host, error).string();
            if (error || ++links > links_followed_max) return std::nullopt;
            here.pop_back();
            if (target.starts_with('/')) here.clear();
            for (std::string& step : reversed_parts(target)) ahead.push_back(std::move(step));
        }
        return host_path(here);
    }

    // A capture does not change: what was a folder once need not be looked at again.
    bool is_plain_folder(const std::string& host) const {
        const std::lock_guard lock(mutex_);
        return plain_folders_.count(host) != 0;
    }
    void remember_plain_folder(const std::string& host) const {
        const std::lock_guard lock(mutex_);
        plain_folders_.insert(host);
    }

    static std::vector<std::string> reversed_parts(std::string_view path) {
        std::vector<std::string> parts = split(path, '/');
        std::reverse(parts.begin(), parts.end());
        return parts;
    }

    std::string host_path(const std::vector<std::string>& parts) const {
        return parts.empty() ? folder_ : fmt::format("{}/{}", folder_, fmt::join(parts, "/"));
    }

    // A refused folder refuses everything below it.
    std::optional<ReadFailure> refusal(std::string_view path) const {
        for (const auto& [refused, absence] : manifest_.refused) {
            if (!path.starts_with(refused)) continue;
            if (path.size() != refused.size() && path[refused.size()] != '/') continue;
            switch (absence) {
                case Absence::denied:
                    return ReadFailure{absence, fmt::format("{}: permission denied", path)};
                case Absence::slow:
                    return ReadFailure{absence, fmt::format("{}: no answer within 1 s", path)};
                case Absence::malformed:
                    return ReadFailure{absence, fmt::format("{}: not readable as text", path)};
                case Absence::missing:
                case Absence::failed:
                    return ReadFailure{absence, fmt::format("{}: no such file", path)};
            }
        }
        return std::nullopt;
    }

    static ReadResult<std::string> read_host(const std::string& host, std::string_view shown) {
        struct stat status {};
        if (::lstat(host.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
            return no_such_file(shown);
        std::ifstream file(host, std::ios::binary);
        if (!file) return absent(Absence::denied, fmt::format("{}: permission denied", shown));
        const auto size = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
        std::string content(std::min(size, read_bytes_max), '\0');
        file.read(content.data(), static_cast<std::streamsize>(content.size()));
        content.resize(static_cast<std::size_t>(file.gcount()));
        return content;
    }

    static CommandOutput as_output(std::string text) {
        CommandOutput output;
        constexpr std::string_view mark = "# exit ";
        if (text.starts_with(mark)) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            const auto code = parse_integer(text.substr(mark.size(), end - mark.size()));
            output.exit_code = static_cast<int>(std::clamp<long long>(code.value_or(0), 0, 255));
            text.erase(0, std::min(end + 1, text.size()));
        }
        output.out = std::move(text);
        return output;
    }

    std::string folder_;
    Manifest manifest_;
    mutable std::mutex mutex_;
    mutable std::map<int, std::vector<CpuidLine>> dumps_;
    mutable std::set<std::string> plain_folders_;
};

}  // namespace

Result<std::unique_ptr<SysRoot>> captured_sys_root(const std::string& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return failed(
            fmt::format("{}: no such folder; name one that `peakward context --capture "
                        "DIR` wrote",
                        folder));
    Manifest manifest;
    const std::string file = folder + "/machine.json";
    if (std::filesystem::exists(file, error)) {
        auto read = read_manifest(file);
        if (!read) return tl::make_unexpected(read.error());
        manifest = std::move(*read);
    }
    const std::string absolute = std::filesystem::weakly_canonical(folder, error).string();
    return std::make_unique<CapturedSysRoot>(absolute.empty() ? folder : absolute,
                                             std::move(manifest));
}

}  // namespace peakward
