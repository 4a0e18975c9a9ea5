// gcc, clang and nvcc as they stand on the PATH.
#include <chrono>

#include "detect/sources/collect.hpp"
#include "detect/sources/software_facts.hpp"
#include "detect/sources/software_parts.hpp"

namespace peakward::detail {
namespace {

using Text = Fact<std::string>;
using Parser = std::optional<std::string> (*)(std::string_view text);

Text version_of(const SysRoot& root, const std::vector<std::string>& programs, Parser parse) {
    Tried tried;
    for (const std::string& program : programs) {
        const auto text = output_of(root, {program, "--version"}, std::chrono::seconds(3));
        const std::string source = program + " --version";
        if (!text) {
            tried.failed(text.error());
        } else if (const auto version = parse(*text)) {
            return Text::known(*version, source);
        } else {
            tried.malformed(source, "printed no version");
        }
    }
    return Text::unknown(
        tried.reason(fmt::format("not installed: {} is not on the PATH", programs.front())));
}

}  // namespace

std::optional<std::string> compiler_version(std::string_view text) {
    // "gcc (Debian 12.2.0-14) 12.2.0", "Ubuntu clang version 14.0.0-1ubuntu1.1": what stands in
    // brackets is the package.
    const std::string_view line = text.substr(0, text.find('\n'));
    std::string plain;
    int depth = 0;
    for (const char c : line) {
        if (c == '(') ++depth;
        if (depth == 0) plain += c;
        if (c == ')' && depth > 0) --depth;
    }
    return first_version(plain);
}

std::optional<std::string> nvcc_version(std::string_view text) {
    // "Cuda compilation tools, release 12.4, V12.4.131"
    const std::size_t release = text.find("release ");
    if (release == std::string_view::npos) return std::nullopt;
    const std::string_view tail = text.substr(release, text.substr(release).find('\n'));
    const std::size_t exact = tail.find(", V");
    return first_version(exact == std::string_view::npos ? tail : tail.substr(exact));
}

void collect_compiler(const SysRoot& root, Clock&, const DetectOptions&, Context& context) {
    Software& software = context.software;
    set_component(software, "gcc", version_of(root, {"gcc"}, compiler_version));
    set_component(software, "clang", version_of(root, {"clang"}, compiler_version));
    set_component(software, "nvcc",
                  version_of(root, {"nvcc", "/usr/local/cuda/bin/nvcc"}, nvcc_version));
}

}  // namespace peakward::detail
