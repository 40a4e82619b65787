// The program's commands, by the file that they are in.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "migrate/registry.hpp"

namespace migrate::program {

/// What the command line asked for; returns the exit code.
using Action = std::function<int()>;

struct Cli {
  CLI::App& app;
  Action& action;
};

/// Exit codes that scripts rely on.
enum Exit : int {
  exit_done = 0,
  exit_some_failed = 1,
  exit_usage = 2,
  exit_broken_off = 3,
  exit_differences = 4,
  exit_interrupted = 130
};

void add_plugin_commands(Cli cli);    // plugins, spec
void add_check_command(Cli cli);      // check
void add_run_commands(Cli cli);       // run, retry, verify
void add_rollback_commands(Cli cli);  // rollback, orphans
void add_state_commands(Cli cli);     // status, stop, report
void add_map_commands(Cli cli);       // map, pending

}  // namespace migrate::program
