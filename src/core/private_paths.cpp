#include "core/private_paths.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/records_json.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// First folders that hold what a distribution or a kernel put there.
constexpr std::array<std::string_view, 12> system_folders{
    "usr", "lib", "lib32", "lib64", "bin", "sbin", "etc", "proc", "sys", "dev", "opt", "boot"};
// Below a folder of this name stands the name of a user.
constexpr std::array<std::string_view, 3> home_folders{"home", "Users", "users"};
constexpr std::string_view path_ends = " \t\r\n\"'`<>|,;:()[]{}";

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_home_folder(std::string_view name) { return is_in(home_folders, name); }

std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts = split(path, '/');
    std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
    return parts;
}

// An absolute path as it may be shared.
std::string shared_path(std::string_view path) {
    const std::vector<std::string> parts = parts_of(path);
    if (parts.empty()) return std::string(path);
    const auto home = std::find_if(parts.begin(), parts.end(), is_home_folder);
    if (is_in(system_folders, parts.front()) && home == parts.end()) return std::string(path);
    const bool is_a_home = (home != parts.end() && parts.end() - home <= 2) ||
                           (parts.size() == 1 && parts[0] == "root");
    if (is_a_home) return "~";
    // One part names no folder to cut: "/x", or what closes an element, as in "</b>".
    return parts.size() == 1 ? std::string(path) : parts.back();
}

// Where a path can begin: not inside "GB/s", "a/b", "./a" or "~/a".
bool may_begin_after(char before) {
    return std::isalnum(static_cast<unsigned char>(before)) == 0 &&
           std::string_view("_.~-/%)").find(before) == std::string_view::npos;
}

// Of an address from its colon on: "://host/…".
bool is_address(std::string_view text, std::size_t slash) {
    return slash > 0 && text[slash - 1] == ':' && text.substr(slash).starts_with("//") &&
           !text.substr(slash).starts_with("///");
}

}  // namespace

std::string without_private_paths(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '/' || (at > 0 && !may_begin_after(text[at - 1]))) {
            out += text[at++];
            continue;
        }
        const bool address = is_address(text, at);
        const std::size_t end =
            std::min(text.find_first_of(address ? " \t\r\n\"'`<>" : path_ends, at), text.size());
        const std::string_view path = text.substr(at, end - at);
        out += address ? std::string(path) : shared_path(path);
        at = end;
    }
    return out;
}

std::string without_private_path_in_word(std::string_view word) {
    if (word.starts_with("--"))
        if (const auto sign = word.find('='); sign != std::string_view::npos)
            return std::string(word.substr(0, sign + 1)) +
                   without_private_path_in_word(word.substr(sign + 1));
    if (word.find('/') == std::string_view::npos) return std::string(word);
    if (word.starts_with('/')) return shared_path(word);
    const std::vector<std::string> parts = parts_of(word);
    return parts.empty() ? std::string(word) : parts.back();
}

void drop_private_paths(Run& run) {
    for (std::string& word : run.arguments) word = without_private_path_in_word(word);
    each_text(run, [](std::string& text) { text = without_private_paths(text); });
}

}  // namespace peakward
