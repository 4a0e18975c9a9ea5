#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "cli/console.hpp"
#include "core/text.hpp"

namespace peakward::cli {
namespace {

constexpr int columns_default = 80;
constexpr int columns_min = 20;
constexpr int columns_max = 1000;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// By the variables and not by setlocale(): a terminal can be UTF-8 where the locale named is not
// installed, as in most containers.
bool locale_is_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const std::string value = to_lower(environment(name));
        if (value.empty()) continue;
        return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
    }
    return false;
}

int columns_of(int fd, bool is_terminal) {
    winsize size{};
    if (is_terminal && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::clamp<int>(size.ws_col, columns_min, columns_max);
    const auto set = parse_integer(environment("COLUMNS"));
    if (set && *set > 0)
        return static_cast<int>(std::clamp<long long>(*set, columns_min, columns_max));
    return columns_default;
}

}  // namespace

Terminal terminal_of(int fd) {
    Terminal terminal;
    const std::string term = environment("TERM");
    const bool dumb = term.empty() || term == "dumb";
    const bool is_a_tty = ::isatty(fd) == 1;
    terminal.columns = columns_of(fd, is_a_tty);
    terminal.is_terminal = is_a_tty && !dumb;
    terminal.colour = terminal.is_terminal && environment("NO_COLOR").empty();
    terminal.unicode = locale_is_utf8() && term != "dumb";
    return terminal;
}

}  // namespace peakward::cli
