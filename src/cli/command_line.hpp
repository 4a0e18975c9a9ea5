// The whole command line as CLI11 parses it: one app, one subcommand per verb.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>  // App.hpp uses it without including it (Debian 12's CLI11)
#include <map>
#include <memory>

#include "cli/options.hpp"

namespace peakward::cli {

struct CommandLine {
    std::unique_ptr<CLI::App> app;
    std::map<const CLI::App*, Action> actions;  // of each verb's app
};
CommandLine make_command_line();

}  // namespace peakward::cli
