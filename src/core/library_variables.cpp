#include "core/library_variables.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "core/private_paths.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

constexpr std::array<std::string_view, 10> variable_prefixes{
    "OPENBLAS_", "MKL_", "ONEDNN_", "DNNL_", "BLIS_", "OMP_", "KMP_", "GOMP_", "GOTO_", "PYTHON"};
constexpr std::array<std::string_view, 3> variable_names{"CUDA_VISIBLE_DEVICES", "GLIBC_TUNABLES",
                                                         "LD_PRELOAD"};
// The host sets it for every worker written in Python (child_environment in posix.hpp).
constexpr std::string_view safe_path = "PYTHONSAFEPATH";

constexpr std::size_t value_bytes_max = 200;

bool is_variable_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
    });
}

// "../ada/libfast.so" becomes "libfast.so"; absolute paths are not looked at here.
std::string without_relative_folders(std::string_view value) {
    constexpr std::string_view ends = " \t:;,=";
    std::string out;
    for (std::size_t at = 0; at < value.size();) {
        const std::size_t end = std::min(value.find_first_of(ends, at), value.size());
        std::string_view word = value.substr(at, end - at);
        const std::size_t slash = word.find_last_of('/');
        if (slash != std::string_view::npos && word.front() != '/') word.remove_prefix(slash + 1);
        out += word;
        if (end < value.size()) out += value[end];
        at = end + 1;
    }
    return out;
}

// Plain ASCII: the recorded value, its JSON form and what a terminal shows must be the same text.
std::string shared_value(std::string_view value) {
    if (value.empty()) return "\"\"";
    std::string text = without_relative_folders(without_private_paths(value));
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    if (text.size() > value_bytes_max) text = text.substr(0, value_bytes_max) + "...";
    return text;
}

}  // namespace

bool is_library_variable(std::string_view name) {
    if (!is_variable_name(name)) return false;
    return std::find(variable_names.begin(), variable_names.end(), name) != variable_names.end() ||
           std::any_of(variable_prefixes.begin(), variable_prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool reaches_workers(std::string_view variable) {
    const auto is_it = [&](const char* name) { return variable == name; };
    return variable != safe_path &&
           std::none_of(std::begin(thread_variables), std::end(thread_variables), is_it) &&
           std::none_of(std::begin(binding_variables), std::end(binding_variables), is_it);
}

std::map<std::string, std::string> library_variables_in(std::string_view environment) {
    std::map<std::string, std::string> variables;
    for (const std::string& entry : split(environment, '\0')) {
        const std::size_t sign = entry.find('=');
        if (sign == std::string::npos) continue;
        const std::string name = entry.substr(0, sign);
        // Libraries take an empty variable for one that is not set, but for the one that then hides
        // every GPU.
        const bool is_set = sign + 1 < entry.size() || name == "CUDA_VISIBLE_DEVICES";
        if (is_set && is_library_variable(name))
            variables.try_emplace(name, shared_value(std::string_view(entry).substr(sign + 1)));
    }
    return variables;
}

}  // namespace peakward
