#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <sstream>

#include "cli/interrupt.hpp"
#include "cli/run_cli.hpp"
#include "core/posix.hpp"

namespace {

// The result goes out in one piece at the end, so that it is known whether all of it arrived. A
// reader that went away (`peakward show latest | head`) has what it wanted; any other failure
// means that a result was lost.
int write_result(const std::string& text, int code) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t n = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
        if (n > 0) {
            written += static_cast<std::size_t>(n);
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EPIPE) return code;
        std::cerr << "peakward: cannot write the result to stdout: " << std::strerror(errno)
                  << "\n";
        return code == 0 ? 1 : code;
    }
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace peakward;
    cli::install_signal_handlers();
    const auto root = live_sys_root();
    const auto launcher = posix_launcher();
    const auto tracked = cli::tracking_launcher(*launcher);
    const auto clock = system_clock_port();
    std::ostringstream result;
    cli::Console console{result, std::cerr, cli::terminal_of(STDOUT_FILENO),
                         cli::terminal_of(STDERR_FILENO), STDERR_FILENO};
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    const int code = cli::run_cli(arguments, {*root, *tracked, *clock}, console, cli::stop_token());
    return write_result(result.str(), code);
}
