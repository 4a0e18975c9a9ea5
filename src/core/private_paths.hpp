// What may be said of paths in documents that leave the machine: reports and stored runs. Folders
// of users name people, projects and mounts.
#pragma once

#include <string>
#include <string_view>

#include "core/records.hpp"

namespace peakward {

// The text with every absolute path of more than one part cut to its last part
// ("/home/ada/lab/libfast.so" becomes "libfast.so"), the home folder itself to "~". Paths of the
// system (/usr, /proc, /sys, …) stay: they are the same on every machine. Addresses (https://…)
// stay, file:// is cut.
std::string without_private_paths(std::string_view text);

// The same for one word of a command line, where a relative path and an address with a password
// are cut, too: "--db=../ada/runs.db" becomes "--db=runs.db".
std::string without_private_path_in_word(std::string_view word);

// Every text of the run, its command line included. The values of facts stay: they are what the
// fingerprints are made of.
void drop_private_paths(Run& run);

}  // namespace peakward
