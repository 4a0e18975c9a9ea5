// Which backends there are, and how each is started.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/text.hpp"
#include "measure/measure.hpp"
#include "measure/worker_host.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

enum class Kind { executable, python };

// Adding a backend of ours: one line. Its name is the last part of peakward-worker-NAME, or what
// peakward_worker/__main__.py is called with.
// `usual_on` says where a run without --framework uses it: signal processing on a CPU is NumPy's
// job, a GPU takes its vendor's own libraries and a framework that can drive it, and a network
// framework on a CPU is asked for by name.
struct KnownBackend {
    const char* name;
    Kind kind;
    UsualOn usual_on;
};
constexpr KnownBackend known_backends[] = {
    {"native", Kind::executable, UsualOn::cpu},      {"blas", Kind::executable, UsualOn::cpu},
    {"onednn", Kind::executable, UsualOn::cpu},      {"cuda", Kind::executable, UsualOn::others},
    {"numpy", Kind::python, UsualOn::cpu},           {"pytorch", Kind::python, UsualOn::others},
    {"onnxruntime", Kind::python, UsualOn::nowhere}, {"jax", Kind::python, UsualOn::nowhere},
};

constexpr std::string_view executable_prefix = "peakward-worker-";

bool is_executable(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::string folders_words(const WorkerSearch& search) {
    if (search.folders.empty()) return "no worker folder is set; set PEAKWARD_WORKERS to one";
    return fmt::format("looked in {}; set PEAKWARD_WORKERS to the folder that holds it",
                       fmt::join(search.folders, ", "));
}

WorkerCommand executable_worker(const std::string& name, const WorkerSearch& search) {
    WorkerCommand command;
    command.backend = name;
    const std::string file = std::string(executable_prefix) + name;
    for (const std::string& folder : search.folders) {
        const fs::path path = fs::path(folder) / file;
        if (!is_executable(path)) continue;
        command.argv = {path.string()};
        if (name == "blas" && !search.blas_library.empty()) {
            command.argv.emplace_back("--library");
            command.argv.push_back(search.blas_library);
        }
        return command;
    }
    command.unavailable = fmt::format("{} was not found: {}", file, folders_words(search));
    return command;
}

WorkerCommand python_worker(const std::string& name, const WorkerSearch& search) {
    WorkerCommand command;
    command.backend = name;
    const std::string python = find_python(search.python);
    if (python.empty()) {
        command.unavailable =
            search.python.empty()
                ? "no python3 on the PATH; install one or name it with --python"
                : fmt::format("{}: no such interpreter; name another with --python", search.python);
        return command;
    }
    for (const std::string& folder : search.folders) {
        const fs::path program = fs::path(folder) / "python" / "peakward_worker" / "__main__.py";
        std::error_code error;
        if (!fs::is_regular_file(program, error)) continue;
        // By its path: `-m` would look for the module in the current folder first.
        command.argv = {python, program.string(), name};
        command.interpreter = python;
        return command;
    }
    command.unavailable =
        fmt::format("python/peakward_worker was not found: {}", folders_words(search));
    return command;
}

// Executables that others put beside ours.
std::vector<std::string> further_backends(const WorkerSearch& search) {
    std::vector<std::string> names;
    for (const std::string& folder : search.folders) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(folder, error)) {
            const std::string file = entry.path().filename().string();
            if (file.compare(0, executable_prefix.size(), executable_prefix) != 0) continue;
            const std::string name = file.substr(executable_prefix.size());
            const bool known = std::any_of(std::begin(known_backends), std::end(known_backends),
                                           [&](const auto& k) { return k.name == name; });
            if (!known && !name.empty() && is_executable(entry.path())) names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

class NeverStop final : public StopToken {
public:
    bool stop_requested() const override { return false; }
};

}  // namespace

std::string find_python(const std::string& asked) {
    if (asked.find('/') != std::string::npos) return is_executable(asked) ? asked : "";
    const char* path = std::getenv("PATH");
    for (const std::string& folder : split(path ? path : "/usr/bin:/bin", ':')) {
        const fs::path candidate = fs::path(folder) / (asked.empty() ? "python3" : asked);
        if (is_executable(candidate)) return candidate.string();
    }
    return {};
}

std::vector<WorkerCommand> find_workers(const WorkerSearch& search) {
    std::vector<WorkerCommand> workers;
    for (const auto& [name, kind, usual_on] : known_backends) {
        workers.push_back(kind == Kind::python ? python_worker(name, search)
                                               : executable_worker(name, search));
        workers.back().usual_on = usual_on;
    }
    for (const std::string& name : further_backends(search))
        workers.push_back(executable_worker(name, search));
    return workers;
}

BackendInfo backend_info(const WorkerCommand& command, const WorkerResult<Hello>& hello) {
    BackendInfo info;
    info.backend = command.backend;
    if (!command.argv.empty()) info.path = command.argv.front();
    info.available = hello.has_value();
    if (!hello) {
        info.reason = hello.error().reason;
        return info;
    }
    info.versions = hello->versions;
    info.devices = hello->devices;
    info.precisions = hello->precisions;
    info.operations = hello->operations;
    info.notes = hello->notes;
    for (const auto& [device, id] : hello->device_ids)
        info.device_ids[device] = id.pci_address.empty() ? id.uuid : id.pci_address;
    return info;
}

std::vector<BackendInfo> probe_backends(const std::vector<WorkerCommand>& workers,
                                        ProcessLauncher& launcher, Clock& clock,
                                        const WorkerLimits& limits) {
    const NeverStop never;
    WorkerPool pool({}, launcher, clock, never, limits);
    std::vector<BackendInfo> backends;
    for (const WorkerCommand& command : workers) {
        auto host = pool.start(command, 0);
        if (host)
            backends.push_back(backend_info(command, (*host)->hello()));
        else
            backends.push_back(backend_info(command, tl::make_unexpected(host.error())));
    }
    return backends;
}

}  // namespace peakward
