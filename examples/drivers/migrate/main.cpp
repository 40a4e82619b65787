// The command line. Each group of commands is in a file of its own; see commands.hpp.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "migrate/abi.hpp"
#include "migrate/config_shape.hpp"
#include "session.hpp"

namespace {

using namespace migrate::program;

/// What is wrong with a first word that is no command; empty when it is one. CLI11 only says that one is missing.
std::string no_command(const CLI::App& app, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word.empty() || word.front() == '-') return {};
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::find(known.begin(), known.end(), word) != known.end()) return {};
  return fmt::format("migrate: there is no command \"{}\"{}\n", word, migrate::config::suggestion(word, known));
}

int run_program(int argc, char** argv) {
  CLI::App app("Moves data between systems so that nothing is lost, doubled or left half done.", "migrate");
  app.set_version_flag("--version", "migrate " MIGRATE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done; 1 done, some records failed; 2 usage or configuration; 3 a check failed or the run broke "
      "off,\nthe state is valid; 4 verification found differences; 130 interrupted, the state is saved.");
  Action action;
  const Cli cli{app, action};
  add_run_commands(cli);
  add_check_command(cli);
  add_rollback_commands(cli);
  add_state_commands(cli);
  add_map_commands(cli);
  add_plugin_commands(cli);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const std::string trouble = no_command(app, argc, argv); !trouble.empty()) {
      std::cerr << trouble;
      return exit_usage;
    }
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  // What a batch has used serves the next one, and what is free beyond that goes back to the system, so that memory
  // does not grow with the run. Two heaps: with one the threads wait for one another, each further one keeps as much
  // again for itself.
  constexpr int mebibyte = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, 2 * mebibyte);
  mallopt(M_TRIM_THRESHOLD, 2 * mebibyte);
  mallopt(M_ARENA_MAX, 2);
  // A reader of our output that goes away must not end a migration.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run_program(argc, argv);
  } catch (const std::exception& error) {
    return explain(error);
  }
}
