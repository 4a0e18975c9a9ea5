// Making a fixture of a machine: detection runs once on a root that writes down what it is asked.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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
#include "detect/caches.hpp"
#include "detect/detect.hpp"
#include "detect/nvml.hpp"
#include "detect/parse.hpp"
#include "detect/smbios.hpp"
#include "detect/sources.hpp"

namespace peakward {
namespace {

// What was asked of a machine and what it answered.
struct Record {
    std::map<std::string, std::string> files;
    std::map<std::string, std::vector<std::string>> folders;
    std::map<std::string, std::string> links;
    std::set<std::string> present;
    std::map<std::string, Absence> absent;  // path or "command:NAME"
    std::vector<std::pair<std::vector<std::string>, CommandOutput>> commands;
};

class RecordingSysRoot final : public SysRoot {
public:
    explicit RecordingSysRoot(const SysRoot& inner) : inner_(inner) {}

    ReadResult<std::string> read(std::string_view path) const override {
        auto answer = inner_.read(path);
        if (answer)
            record_.files[std::string(path)] = *answer;
        else
            note_absence(std::string(path), answer.error().absence);
        return answer;
    }
    ReadResult<std::vector<std::string>> list(std::string_view path) const override {
        auto answer = inner_.list(path);
        if (answer)
            record_.folders[std::string(path)] = *answer;
        else
            note_absence(std::string(path), answer.error().absence);
        return answer;
    }
    ReadResult<std::string> read_link(std::string_view path) const override {
        auto answer = inner_.read_link(path);
        if (answer)
            record_.links[std::string(path)] = *answer;
        else
            note_absence(std::string(path), answer.error().absence);
        return answer;
    }
    bool exists(std::string_view path) const override {
        const bool there = inner_.exists(path);
        if (there) record_.present.insert(std::string(path));
        return there;
    }
    ReadResult<CpuidRegisters> cpuid(int cpu, std::uint32_t leaf,
                                     std::uint32_t subleaf) const override {
        return inner_.cpuid(cpu, leaf, subleaf);
    }
    ReadResult<CommandOutput> run(const std::vector<std::string>& argv,
                                  Nanoseconds limit) const override {
        auto answer = inner_.run(argv, limit);
        if (answer)
            record_.commands.emplace_back(argv, *answer);
        else if (!argv.empty())
            note_absence("command:" + argv.front(), answer.error().absence);
        return answer;
    }
    std::string architecture() const override { return inner_.architecture(); }
    ReadResult<std::vector<int>> affinity() const override { return inner_.affinity(); }
    std::string root_folder() const override { return inner_.root_folder(); }
    bool is_live() const override { return inner_.is_live(); }

    const Record& record() const { return record_; }

private:
    void note_absence(const std::string& path, Absence absence) const {
        record_.absent.emplace(path, absence);
    }

    const SysRoot& inner_;
    mutable Record record_;
};

// Detection may be asked twice on a machine that is being captured; no second is worth waiting for.
class ImpatientClock final : public Clock {
public:
    explicit ImpatientClock(Clock& inner) : inner_(inner) {}
    Nanoseconds monotonic() override { return inner_.monotonic(); }
    std::chrono::system_clock::time_point wall_now() override { return inner_.wall_now(); }
    void sleep_for(Nanoseconds) override {}

private:
    Clock& inner_;
};

// ---------------------------------------------------------------------------------------------
// Leaving out who the machine belongs to
// ---------------------------------------------------------------------------------------------

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool is_lower_hex(char c) { return is_hex(c) && std::isupper(static_cast<unsigned char>(c)) == 0; }
bool is_part_of_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool ends_word(std::string_view text, std::size_t at) {
    return at >= text.size() || !is_part_of_word(text[at]);
}

// Whether `text` begins as `form` does, in which an x stands for a hexadecimal digit.
bool has_form(std::string_view text, std::string_view form) {
    return text.size() >= form.size() &&
           std::equal(form.begin(), form.end(), text.begin(),
                      [](char f, char c) { return f == 'x' ? is_hex(c) : f == c; });
}

// The length of an identity that `text` begins with, and what is written in its place.
struct Identity {
    std::size_t length = 0;
    std::string_view by;
};

Identity identity_at(std::string_view text, bool begins_word) {
    constexpr std::string_view uuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
                               mac = "xx:xx:xx:xx:xx:xx";
    for (const std::string_view home : {"/home/user", "/Users/user"}) {
        const std::size_t name = home.rfind('/') + 1;
        if (!text.starts_with(home.substr(0, name))) continue;
        const std::size_t end =
            std::min(text.find_first_of("/ \t\n\v\f\r:'\",", name), text.size());
        if (end > name) return {end, home};
    }
    if (has_form(text, uuid)) return {uuid.size(), "00000000-0000-0000-0000-000000000000"};
    if (!begins_word) return {};
    if (has_form(text, mac) && ends_word(text, mac.size()))
        return {mac.size(), "00:00:00:00:00:00"};
    // Containers are named by such digits, in cgroup paths.
    constexpr std::string_view container = "00000000000000000000000000000000";
    const auto digits = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_lower_hex) - text.begin());
    if (digits >= container.size() && ends_word(text, digits)) return {digits, container};
    return {};
}

// In one pass: a regular expression uses up the stack on a word of some ten thousand letters.
std::string without_identities(std::string_view text) {
    std::string kept;
    for (std::size_t at = 0; at < text.size();) {
        const bool begins_word = at == 0 || !is_part_of_word(text[at - 1]);
        const Identity identity = identity_at(text.substr(at), begins_word);
        if (identity.length == 0) {
            kept += text[at++];
            continue;
        }
        kept += identity.by;
        at += identity.length;
    }
    return kept;
}

class Anonymizer {
public:
    explicit Anonymizer(const SysRoot& root) {
        for (const char* path : {"/proc/sys/kernel/hostname", "/etc/hostname"}) {
            const std::string name = detail::text_fact(root, path).value_or("");
            // The short name alone gives the machine away as well.
            for (const std::string& word : {name, name.substr(0, name.find('.'))})
                if (word.size() >= 2 && word != "localhost") names_.insert(word);
        }
    }

    // Files whose whole purpose is an identity.
    static bool is_identity(const std::string& path) {
        static constexpr std::string_view words[] = {
            "serial",  "uuid",      "asset_tag", "hostname",          "machine-id",
            "boot_id", "unique_id", "address",   "/proc/self/environ"};
        const std::string lower = to_lower(path);
        return std::any_of(std::begin(words), std::end(words), [&](std::string_view word) {
            return lower.find(word) != std::string::npos;
        });
    }

    std::string clean(std::string text) const {
        for (const std::string& name : names_) replace_word(text, name, "host");
        if (text.find('\0') == std::string::npos) text = without_identities(text);
        return clean_lines(std::move(text));
    }

    // What else is installed on a machine is nobody's business: of lists of libraries only those
    // stay that belong to the tracked stack.
    static bool is_foreign_library(const std::string& folder, const std::string& name) {
        if (!folder.starts_with("/usr") && !folder.starts_with("/lib") &&
            !folder.starts_with("/opt"))
            return false;
        return !names_tracked_library(name);
    }
    static std::string tracked_lines(const std::string& text) {
        std::string kept;
        for (const std::string& line : split(text, '\n'))
            if (names_tracked_library(line)) kept += line + "\n";
        return kept;
    }

private:
    static bool names_tracked_library(const std::string& text) {
        static constexpr std::string_view words[] = {
            "blas",      "lapack", "mkl", "blis",  "cuda",    "cublas", "cudnn",
            "nvidia-ml", "rocm",   "hip", "armpl", "libc.so", "libc-"};
        return std::any_of(std::begin(words), std::end(words), [&](std::string_view word) {
            return text.find(word) != std::string::npos;
        });
    }

    // "Serial\t\t: 10000000abcd" of Arm boards, "Serial Number:" of tools.
    static std::string clean_lines(std::string text) {
        if (to_lower(text).find("serial") == std::string::npos) return text;
        std::string cleaned;
        for (const std::string& line : split(text, '\n')) {
            const std::string lower = to_lower(trim(line));
            const std::size_t colon = line.find(':');
            const bool serial = colon != std::string::npos && lower.starts_with("serial");
            cleaned += (serial ? line.substr(0, colon + 1) + " x" : line) + "\n";
        }
        if (!cleaned.empty()) cleaned.pop_back();
        return cleaned;
    }

    static void replace_word(std::string& text, const std::string& word, const char* by) {
        for (std::size_t at = text.find(word); at != std::string::npos;
             at = text.find(word, at + 1)) {
            const std::size_t end = at + word.size();
            if ((at > 0 && is_part_of_word(text[at - 1])) || !ends_word(text, end)) continue;
            text.replace(at, word.size(), by);
        }
    }

    std::set<std::string> names_;
};

// ---------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------

class FixtureWriter {
public:
    FixtureWriter(std::string folder, const Record& record, const Anonymizer& anonymizer)
        : folder_(std::move(folder)), record_(record), anonymizer_(anonymizer) {}

    Status write_tree() {
        for (const auto& [path, names] : record_.folders) {
            if (Status made = make_folder(path); !made) return made;
            for (const std::string& name : names)
                if (!Anonymizer::is_foreign_library(path, name)) known_.insert(path + "/" + name);
        }
        for (const auto& [path, content] : record_.files) {
            if (Anonymizer::is_identity(path)) continue;
            const bool table = path == "/sys/firmware/dmi/tables/DMI" ||
                               path.starts_with("/sys/firmware/dmi/entries/");
            const std::string kept =
                table ? detail::anonymous_memory_table(detail::parse_smbios(content))
                      : anonymizer_.clean(content);
            if (Status written = write_file(path, kept); !written) return written;
        }
        // A name that was only listed or asked for: an empty folder, which no read takes for a
        // file.
        for (const std::string& path : record_.present) known_.insert(path);
        for (const std::string& path : known_) {
            if (record_.files.count(path) != 0 || record_.links.count(path) != 0 ||
                Anonymizer::is_identity(path))
                continue;
            if (Status made = make_folder(path); !made) return made;
        }
        for (const auto& [path, target] : record_.links)
            if (Status linked = write_link(path, target); !linked) return linked;
        return {};
    }

    Status write_commands() {
        std::set<std::string> named;
        for (const auto& [argv, output] : record_.commands) {
            const std::string name = std::filesystem::path(argv.front()).filename().string();
            std::string all;
            for (const std::string& argument : argv) all += argument + '\0';
            const std::string said =
                name == "ldconfig" ? Anonymizer::tracked_lines(output.out) : output.out;
            const std::string text = anonymizer_.clean(
                (output.exit_code != 0 ? fmt::format("# exit {}\n", output.exit_code) : "") + said);
            const std::string hash = sha256_hex(all).substr(0, 8);
            // The first use of a command also answers for arguments that nobody used yet.
            if (named.insert(name).second)
                if (Status written = write_file(fmt::format("/commands/{}.txt", name), text);
                    !written)
                    return written;
            if (Status written = write_file(fmt::format("/commands/{}-{}.txt", name, hash), text);
                !written)
                return written;
        }
        return {};
    }

    Status write_file(const std::string& path, std::string_view content) {
        const std::string host = folder_ + anonymizer_.clean(path);
        std::error_code error;
        std::filesystem::create_directories(std::filesystem::path(host).parent_path(), error);
        if (error)
            return failed(fmt::format("cannot make the folder of {}: {}", host, error.message()));
        // Without a temporary file and a sync for each of thousands: the manifest, written last,
        // says that all of them are there.
        std::ofstream file(host, std::ios::binary | std::ios::trunc);
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
        file.close();
        if (file) return {};
        return failed(fmt::format("cannot write {}: {}; make room or name another folder", host,
                                  std::strerror(errno)));
    }

private:
    Status make_folder(const std::string& path) {
        const std::string host = folder_ + anonymizer_.clean(path);
        std::error_code error;
        std::filesystem::create_directories(host, error);
        // A file of the same name was read and lies there: it is there, which is what counts.
        if (error && !std::filesystem::exists(host))
            return failed(fmt::format("cannot make the folder {}: {}", host, error.message()));
        return {};
    }

    // A link whose own path was also read through is kept as the folder it became.
    Status write_link(const std::string& path, const std::string& target) {
        const std::string host = folder_ + anonymizer_.clean(path);
        std::error_code error;
        std::filesystem::create_directories(std::filesystem::path(host).parent_path(), error);
        if (std::filesystem::exists(std::filesystem::symlink_status(host, error))) return {};
        std::filesystem::create_symlink(target, host, error);
        if (error) return failed(fmt::format("cannot make the link {}: {}", host, error.message()));
        return {};
    }

    std::string folder_;
    const Record& record_;
    const Anonymizer& anonymizer_;
    std::set<std::string> known_;
};

// ---------------------------------------------------------------------------------------------
// CPUID
// ---------------------------------------------------------------------------------------------

bool has_subleaves(std::uint32_t leaf) {
    static constexpr std::uint32_t leaves[] = {0x4,  0x7,  0xb,        0xd,        0xf,
                                               0x10, 0x14, 0x17,       0x18,       0x1a,
                                               0x1d, 0x1f, 0x8000001d, 0x80000020, 0x80000026};
    return std::find(std::begin(leaves), std::end(leaves), leaf) != std::end(leaves);
}

void dump_leaf(const SysRoot& root, int cpu, std::uint32_t leaf, std::string& dump) {
    constexpr std::uint32_t processor_serial_number = 3;
    if (leaf == processor_serial_number) return;
    const std::uint32_t subleaves = has_subleaves(leaf) ? (leaf == 0xd ? 32 : 8) : 1;
    for (std::uint32_t subleaf = 0; subleaf < subleaves; ++subleaf) {
        const auto r = root.cpuid(cpu, leaf, subleaf);
        if (!r) return;
        const bool empty = (r->eax | r->ebx | r->edx) == 0;
        // Leaf 0xd has holes; every other list ends with an empty sub-leaf, which belongs to it.
        if (leaf == 0xd && subleaf > 1 && empty) continue;
        dump += fmt::format("{:x} {:x} 0 {:x} 0 => {:x} {:x} {:x} {:x}\n", subleaves > 1 ? 5 : 1,
                            leaf, subleaf, r->eax, r->ebx, r->ecx, r->edx);
        if (empty && subleaf > 0) return;
    }
}

std::string cpuid_dump(const SysRoot& root, int cpu) {
    const auto basic = root.cpuid(cpu, 0, 0);
    if (!basic) return "";
    std::string dump = "# mask e[abcd]x => e[abcd]x\n";
    for (std::uint32_t leaf = 0; leaf <= std::min(basic->eax, 0xffu); ++leaf)
        dump_leaf(root, cpu, leaf, dump);
    dump_leaf(root, cpu, 0x40000000, dump);
    const auto extended = root.cpuid(cpu, 0x80000000, 0);
    if (!extended) return dump;
    for (std::uint32_t leaf = 0x80000000; leaf <= std::min(extended->eax, 0x800000ffu); ++leaf)
        dump_leaf(root, cpu, leaf, dump);
    return dump;
}

Json manifest_of(const SysRoot& root, const Record& record) {
    Json manifest{{"origin", "captured by peakward context --capture"},
                  {"architecture", root.architecture()}};
    if (const auto affinity = root.affinity()) manifest["affinity"] = *affinity;
    for (const auto& [path, absence] : record.absent) {
        if (record.files.count(path) != 0) continue;
        if (absence == Absence::denied) manifest["denied"].push_back(path);
        if (absence == Absence::slow) manifest["slow"].push_back(path);
    }
    return manifest;
}

// hwloc reads the tree by itself: these are what it looks for beyond what detection asked.
void read_for_hwloc(const SysRoot& root) {
    const std::string cpus = "/sys/devices/system/cpu";
    for (const char* name : {"possible", "present", "online", "offline", "kernel_max"})
        (void)root.read(fmt::format("{}/{}", cpus, name));
    const auto online = detail::cpu_list_fact(root, cpus + "/online");
    for (const int cpu : online.value_or({})) {
        for (const char* name :
             {"core_id", "physical_package_id", "die_id", "cluster_id", "core_siblings",
              "thread_siblings", "core_cpus", "package_cpus", "die_cpus", "cluster_cpus",
              "core_cpus_list", "thread_siblings_list"})
            (void)root.read(fmt::format("{}/cpu{}/topology/{}", cpus, cpu, name));
        const std::string caches = fmt::format("{}/cpu{}/cache", cpus, cpu);
        for (const std::string& index : root.list(caches).value_or(std::vector<std::string>{}))
            if (index.starts_with("index"))
                for (const char* name :
                     {"level", "type", "size", "shared_cpu_map", "shared_cpu_list",
                      "coherency_line_size", "number_of_sets", "physical_line_partition"})
                    (void)root.read(fmt::format("{}/{}/{}", caches, index, name));
    }
    const std::string nodes = "/sys/devices/system/node";
    for (const std::string& name : root.list(nodes).value_or(std::vector<std::string>{}))
        for (const char* file : {"cpumap", "cpulist", "distance"})
            if (name.starts_with("node"))
                (void)root.read(fmt::format("{}/{}/{}", nodes, name, file));
    (void)root.read(nodes + "/online");
}

Status check_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return failed(fmt::format("cannot make the folder {}: {}", folder, error.message()));
    if (!std::filesystem::is_empty(folder, error) || error)
        return failed(fmt::format("{} is not empty; name a new folder for the capture", folder));
    return {};
}

// An id of a GPU is as good as its serial number.
std::string without_ids(const std::string& said) {
    std::string kept;
    for (const std::string& line : split(said, '\n'))
        if (!line.empty() && line.find("uuid") == std::string::npos) kept += line + "\n";
    return kept;
}

}  // namespace

Status capture_machine(const SysRoot& root, const std::string& folder) {
    if (Status usable = check_folder(folder); !usable) return usable;
    const RecordingSysRoot recorder(root);
    const auto clock = system_clock_port();
    ImpatientClock impatient(*clock);
    Context context;
    for (const detail::Source& source : detail::sources())
        source.collect(recorder, impatient, DetectOptions{}, context);
    (void)detail::caches_from_sysfs(recorder);
    read_for_hwloc(recorder);

    const Anonymizer anonymizer(root);
    FixtureWriter writer(folder, recorder.record(), anonymizer);
    if (Status written = writer.write_tree(); !written) return written;
    if (Status written = writer.write_commands(); !written) return written;
    bool any_cpuid = false;
    for (const int cpu : root.affinity().value_or(std::vector<int>{})) {
        const std::string dump = cpuid_dump(root, cpu);
        if (dump.empty()) continue;
        any_cpuid = true;
        if (Status written = writer.write_file(fmt::format("/cpuid/pu{}", cpu), dump); !written)
            return written;
    }
    if (any_cpuid)
        if (Status written = writer.write_file("/cpuid/hwloc-cpuid-info", "Architecture: x86\n");
            !written)
            return written;
    if (root.is_live()) {
        const auto nvml = detail::interview_nvml(detail::nvml_library, std::chrono::seconds(10));
        if (!detail::read_nvml(nvml).gpus.empty())
            if (Status written = writer.write_file("/nvml.jsonl", without_ids(nvml.said)); !written)
                return written;
    }
    // Last, so that a folder with a manifest is a whole capture.
    return write_file_atomically(folder + "/machine.json",
                                 manifest_of(root, recorder.record()).dump(2) + "\n");
}

}  // namespace peakward
