#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "catalog/networks/graph.hpp"
#include "core/json.hpp"
#include "core/posix.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "networks/formats.hpp"
#include "networks/interpreter.hpp"
#include "networks/networks.hpp"
#include "networks/weights.hpp"

namespace peakward {
namespace {

namespace fs = std::filesystem;

// Goes up when the same graph gives other files: another generator, another interpreter.
constexpr int format = 1;

// A batch that needs more is a mistake: input and activations of ResNet-50 would not fit.
constexpr std::int64_t batch_max = 4096;

constexpr const char* file_names[] = {"model.onnx", "graph.json", "weights.bin", "input.bin",
                                      "output.bin"};
constexpr const char* manifest_name = "manifest.json";

const char way_out[] = "free some space, or name a folder of yours with XDG_CACHE_HOME";

Error hopeless(const std::string& folder, const std::string& why) {
    return {ErrorKind::failed,
            fmt::format("cannot write the network to {}: {}; {}", folder, why, way_out)};
}

// Held while files are made, so that two processes do not make the same ones.
class Lock {
public:
    static Result<Lock> take(const std::string& path) {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor < 0) return tl::make_unexpected(hopeless(path, std::strerror(errno)));
        int taken = 0;
        do taken = ::flock(descriptor, LOCK_EX);
        while (taken != 0 && errno == EINTR);
        Lock lock(descriptor);
        if (taken != 0) return tl::make_unexpected(hopeless(path, std::strerror(errno)));
        return lock;
    }
    Lock(Lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

private:
    explicit Lock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

Json seal(const std::string& content) {
    return {{"size_bytes", content.size()}, {"sha256", sha256_hex(content)}};
}

// The first image's part of the input.
std::vector<float> first_of(const std::vector<float>& input, std::int64_t batch) {
    return {input.begin(), input.begin() + std::ssize(input) / batch};
}

// Writes one file and puts it into the manifest.
Status put(const std::string& folder, const char* name, const std::string& content, Json& files) {
    if (auto written = write_file_atomically(folder + "/" + name, content); !written)
        return tl::make_unexpected(
            Error{ErrorKind::failed, fmt::format("{}; {}", written.error().message, way_out)});
    files[name] = seal(content);
    return {};
}

struct Plan {
    const catalog::Network* network = nullptr;
    std::int64_t batch = 1;
    catalog::Graph graph;
    detail::WeightLayout layout;
    Json graph_json;
    std::string leaf;  // "resnet18-b1-0123456789ab"
};

Plan plan_of(const catalog::Network& network, std::int64_t batch) {
    Plan plan{&network, batch, network.build(batch), {}, {}, ""};
    plan.layout = detail::weight_layout(plan.graph);
    plan.graph_json = detail::graph_json(plan.graph, plan.layout);
    const std::string hash = content_hash({{"format", format}, {"graph", plan.graph_json}});
    plan.leaf = fmt::format("{}-b{}-{}", network.name, batch, hash.substr(0, 12));
    return plan;
}

Status write_files(const Plan& plan, const std::string& folder) {
    const auto model = detail::onnx_model(plan.graph, plan.layout);
    if (!model) return tl::make_unexpected(model.error());
    const std::vector<float> input = detail::input_of(plan.graph);
    const auto output = detail::interpret(plan.network->build(1), first_of(input, plan.batch));
    if (!output) return tl::make_unexpected(output.error());
    Json files = Json::object();
    const std::pair<const char*, std::string> contents[] = {
        {"weights.bin", detail::weight_bytes(plan.graph, plan.layout)},
        {"model.onnx", *model},
        {"graph.json", plan.graph_json.dump(1) + "\n"},
        {"input.bin", detail::bytes_of(input)},
        {"output.bin", detail::bytes_of(*output)},
    };
    for (const auto& [name, content] : contents)
        if (auto done = put(folder, name, content, files); !done) return done;
    if (auto good = detail::check_onnx(folder + "/model.onnx"); !good) return good;
    const Json manifest{{"schema_version", 1},
                        {"network", plan.network->name},
                        {"batch", plan.batch},
                        {"format", format},
                        {"files", files}};
    return write_file_atomically(folder + "/" + manifest_name, manifest.dump(1) + "\n");
}

// Builds beside `folder` and puts the result in its place. Under the lock: what a killed process
// left beside is nobody's.
Status replace(const Plan& plan, const std::string& folder, const std::string& aside) {
    std::error_code error;
    fs::remove_all(aside, error);
    if (!fs::create_directory(aside, error))
        return tl::make_unexpected(hopeless(aside, error.message()));
    if (auto written = write_files(plan, aside); !written) {
        fs::remove_all(aside, error);
        return written;
    }
    fs::remove_all(folder, error);
    fs::rename(aside, folder, error);
    if (!error) return {};
    const Error problem = hopeless(folder, error.message());
    fs::remove_all(aside, error);
    return tl::make_unexpected(problem);
}

Result<Plan> checked_plan(const std::string& name, std::int64_t batch) {
    const catalog::Network* network = catalog::find_network(name);
    if (network == nullptr) {
        std::vector<std::string> known;
        for (const catalog::Network& one : catalog::networks()) known.push_back(one.name);
        return wrong_usage(unknown_name_message("network", name, known));
    }
    if (batch < 1 || batch > batch_max)
        return wrong_usage(fmt::format("network {}: a batch of {} is not between 1 and {}", name,
                                       batch, batch_max));
    return plan_of(*network, batch);
}

}  // namespace

std::optional<std::int64_t> detail::sound_bytes(const std::string& folder) {
    const auto text = read_whole_file(folder + "/" + manifest_name);
    if (!text) return std::nullopt;
    const auto manifest = parse_json(*text, manifest_name);
    if (!manifest || !manifest->is_object()) return std::nullopt;
    const Json files = manifest->value("files", Json());
    if (!files.is_object()) return std::nullopt;
    std::int64_t total = 0;
    for (const char* name : file_names) {
        std::error_code error;
        const auto size = fs::file_size(folder + "/" + name, error);
        const Json stated = files.value(name, Json());
        if (error || !stated.is_object() || stated.value("size_bytes", Json()) != size)
            return std::nullopt;
        const auto content = read_whole_file(folder + "/" + name);
        if (!content || seal(*content) != stated) return std::nullopt;
        total += static_cast<std::int64_t>(size);
    }
    return total;
}

bool networks_can_be_written() { return detail::has_onnx(); }

std::string usual_cache_folder() {
    // The XDG Base Directory Specification wants relative paths to be ignored.
    const char* cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && cache[0] == '/') return std::string(cache) + "/peakward";
    const char* home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/peakward";
    return "";
}

Result<NetworkFiles> materialise(const std::string& network, std::int64_t batch,
                                 const std::string& cache_folder) {
    const auto plan = checked_plan(network, batch);
    if (!plan) return tl::make_unexpected(plan.error());
    if (cache_folder.empty())
        return failed(
            fmt::format("network {}: there is no folder for its files, because neither "
                        "XDG_CACHE_HOME nor HOME is set",
                        network));
    const std::string parent = cache_folder + "/networks", folder = parent + "/" + plan->leaf;
    if (const auto bytes = detail::sound_bytes(folder)) return NetworkFiles{folder, false, *bytes};
    std::error_code error;
    fs::create_directories(parent, error);
    if (error) return tl::make_unexpected(hopeless(parent, error.message()));
    const std::string beside = parent + "/." + plan->leaf;
    const auto lock = Lock::take(beside + ".lock");
    if (!lock) return tl::make_unexpected(lock.error());
    // Another process may have been faster.
    if (const auto bytes = detail::sound_bytes(folder)) return NetworkFiles{folder, false, *bytes};
    if (auto replaced = replace(*plan, folder, beside + ".part"); !replaced)
        return tl::make_unexpected(replaced.error());
    if (const auto bytes = detail::sound_bytes(folder)) return NetworkFiles{folder, true, *bytes};
    return tl::make_unexpected(hopeless(folder, "what was written does not read back"));
}

}  // namespace peakward
