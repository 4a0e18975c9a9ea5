// The user's Python stack, read from the metadata of installed packages in one short call of the
// interpreter. Nothing is imported from the frameworks: importing torch takes seconds.
#include <chrono>
#include <utility>

#include "core/json.hpp"
#include "detect/sources/collect.hpp"
#include "detect/sources/software_facts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;

constexpr std::string_view marker = "PEAKWARD-STACK ";

// `-I` would hide PYTHONPATH and the user's own packages, which belong to the stack that runs; only
// the working folder is taken out of the path, because a worker does not run in it. The text also
// parses in Python 2, so that an old interpreter can say what it is. The marker finds the answer
// among what a chatty sitecustomize prints.
constexpr const char* probe = R"(import sys
sys.path[:] = [p for p in sys.path if p != '']
import json
answer = {'python': sys.version.split()[0], 'packages': {}, 'broken': {}}
name = getattr(getattr(sys, 'implementation', None), 'name', 'cpython')
if name != 'cpython':
    answer['python'] += ' (' + name + ')'
try:
    from importlib.metadata import PackageNotFoundError, version
    for package in sys.argv[1:]:
        try:
            answer['packages'][package] = version(package)
        except PackageNotFoundError:
            pass
        except Exception as error:
            answer['broken'][package] = type(error).__name__ + ': ' + str(error)
except ImportError as error:
    answer['old'] = str(error)
sys.stdout.write('\nPEAKWARD-STACK ' + json.dumps(answer) + '\n')
)";

struct Package {
    const char* component;
    std::vector<const char*> distributions;  // the first that is installed counts
};

const std::vector<Package>& packages() {
    static const std::vector<Package> list = {
        {"numpy_version", {"numpy"}},
        {"pytorch_version", {"torch"}},
        {"onnxruntime_version",
         {"onnxruntime-gpu", "onnxruntime-rocm", "onnxruntime-openvino", "onnxruntime"}},
        {"jax_version", {"jax"}},
        {"jaxlib_version", {"jaxlib"}},  // its compiler, released apart from it
    };
    return list;
}

void set_all(Software& software, const std::string& reason) {
    set_component(software, "python_version", Text::unknown(reason));
    for (const Package& package : packages()) {
        set_component(software, package.component, Text::unknown(reason));
    }
}

Result<Json> answer_in(std::string_view output) {
    const std::size_t start = output.rfind(marker);
    if (start == std::string_view::npos) return failed("it did not answer the question");
    std::string_view line = output.substr(start + marker.size());
    line = line.substr(0, line.find('\n'));
    auto answer = parse_json(line, "its answer");
    if (!answer) return answer;
    const bool shaped = answer->is_object() && answer->contains("python") &&
                        answer->at("python").is_string() && answer->contains("packages") &&
                        answer->at("packages").is_object();
    if (!shaped) return failed("its answer has another form than asked for");
    return answer;
}

Text fact_of(const Package& package, const Json& answer, const std::string& source) {
    const Json& found = answer.at("packages");
    for (const std::string name : package.distributions) {
        const auto version = found.find(name);
        if (version == found.end()) continue;
        if (!version->is_string() || !is_word(version->get<std::string>())) {
            return Text::unknown(fmt::format(
                "could not be read: the metadata of {} in {} holds no version", name, source));
        }
        const std::string plain = version->get<std::string>();
        // The GPU builds are packages of their own; which one it is changes what runs.
        const bool variant = name.starts_with("onnxruntime-");
        return Text::known(variant ? fmt::format("{} ({})", plain, name) : plain,
                           fmt::format("metadata of {} in {}", name, source));
    }
    const auto broken = answer.find("broken");
    for (const std::string name : package.distributions) {
        if (broken == answer.end() || !broken->is_object() || !broken->contains(name)) continue;
        return Text::unknown(
            fmt::format("could not be read: the metadata of {} in {} is broken: {}", name, source,
                        last_line(broken->at(name).dump())));
    }
    return Text::unknown(
        fmt::format("not installed: {} has no package {}", source, package.distributions.back()));
}

void record(const Json& answer, const std::string& source, Software& software) {
    const std::string python = answer.at("python").get<std::string>();
    if (is_word(python)) {
        set_component(software, "python_version",
                      Text::known(python, fmt::format("sys.version of {}", source)));
    } else {
        set_component(software, "python_version",
                      Text::unknown(fmt::format("could not be read: {} names no version", source)));
    }
    const bool old = answer.contains("old");
    for (const Package& package : packages()) {
        set_component(
            software, package.component,
            old ? Text::unknown(fmt::format("could not be read: Python {} of {} is older than 3.8, "
                                            "which first could tell",
                                            python, source))
                : fact_of(package, answer, source));
    }
}

}  // namespace

void collect_python_stack(const SysRoot& root, Clock&, const DetectOptions& options,
                          Context& context) {
    const std::string python = options.python.empty() ? "python3" : options.python;
    std::vector<std::string> argv = {python, "-c", probe};
    for (const Package& package : packages()) {
        argv.insert(argv.end(), package.distributions.begin(), package.distributions.end());
    }
    // Generous: a stack that is unknown because the disk was cold would look like another stack.
    const auto output = output_of(root, argv, std::chrono::seconds(10));
    if (!output) {
        const bool missing = output.error().absence == Absence::missing;
        const std::string absent = options.python.empty()
                                       ? std::string("not installed: no python3 is on the PATH")
                                       : fmt::format("not installed: {} does not exist", python);
        set_all(context.software,
                missing ? absent
                        : fmt::format("could not be read: {}", last_line(output.error().reason)));
        return;
    }
    const auto answer = answer_in(*output);
    if (!answer) {
        set_all(context.software, fmt::format("could not be read: {}: {}", python,
                                              last_line(answer.error().message)));
        return;
    }
    record(*answer, python, context.software);
}

}  // namespace peakward::detail
