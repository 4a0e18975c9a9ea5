#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "core/text.hpp"
#include "detect/detect.hpp"
#include "measure/measure.hpp"
#include "session/internal.hpp"
#include "session/session.hpp"

namespace peakward {

Result<std::string> install_name(const std::string& from_option) {
    const char* variable = std::getenv("PEAKWARD_INSTALL");
    const std::string name = !from_option.empty() ? from_option : variable ? variable : "";
    constexpr std::size_t characters_max = 64;
    const bool plain = std::all_of(name.begin(), name.end(), [](const char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    });
    // Imported runs have such installs; one that is measured here is no import.
    if (plain && name.size() <= characters_max && !name.starts_with("imported-")) return name;
    return wrong_usage(fmt::format(
        "{} takes up to {} letters, digits, '.', '_' and '-', and does not begin with 'imported-', "
        "not '{}'",
        from_option.empty() ? "$PEAKWARD_INSTALL" : "--install", characters_max, name));
}

Context read_context(const Machine& machine, const ContextRequest& request) {
    DetectOptions options;
    options.python = request.python;
    options.blas_library = request.blas_library;
    options.install = request.install;
    return detect(machine.root, machine.clock, options);
}

Preflight check_fitness(const Context& context, int threads, bool uses_gpu) {
    PreflightOptions options;
    options.threads = threads;
    options.uses_gpu = uses_gpu;
    return preflight(context, options);
}

std::vector<std::string> default_worker_folders() {
    std::vector<std::string> folders;
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (length > 0) {
        const std::string program(path.data(), static_cast<std::size_t>(length));
        const auto bin = program.rfind("/bin/");
        if (bin != std::string::npos)
            folders.push_back(program.substr(0, bin) + "/libexec/peakward/workers");
    }
    if (const char* extra = std::getenv("PEAKWARD_WORKERS"))
        for (const std::string& folder : split(extra, ':'))
            if (!folder.empty()) folders.push_back(folder);
    return folders;
}

std::vector<WorkerCommand> workers_for(const CalibrateRequest& request) {
    WorkerSearch search;
    search.folders =
        request.worker_folders.empty() ? default_worker_folders() : request.worker_folders;
    search.python = request.python;
    search.blas_library = request.blas_library;
    return find_workers(search);
}

std::vector<BackendInfo> list_backends(const Machine& machine, const CalibrateRequest& request) {
    return probe_backends(workers_for(request), machine.launcher, machine.clock);
}

Status capture_context(const Machine& machine, const std::string& folder) {
    return capture_machine(machine.root, folder);
}

}  // namespace peakward
