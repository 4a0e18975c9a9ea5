// Where a command writes. Results go to `out`, progress and complaints to `err`.
#pragma once

#include <ostream>

#include "present/table.hpp"

namespace peakward::cli {

struct Console {
    std::ostream& out;
    std::ostream& err;
    Terminal out_terminal;
    Terminal err_terminal;
    int err_fd = -1;  // asked for its width whenever the bar is drawn; -1: err_terminal's stays
};

// What a file descriptor is: a terminal or not, its width ($COLUMNS, else 80, when it is none), and
// what NO_COLOR, TERM and the locale allow.
Terminal terminal_of(int fd);

}  // namespace peakward::cli
