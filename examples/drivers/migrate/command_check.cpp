#include <algorithm>
#include <iostream>
#include <memory>

#include "session.hpp"

namespace migrate::program {

namespace {

int check_file(const FileArguments& arguments) {
  const Plan plan = load_plan(arguments);
  std::vector<Check> checks;
  {
    const Session session(plan, arguments.verbosity, Access::look);
    checks = wait_for(check(session.pipeline()));
  }
  for (const Check& found : checks) {
    std::cout << (found.passed ? "✓ " : "✗ ") << found.name;
    if (!found.message.empty()) std::cout << ": " << found.message;
    std::cout << '\n';
    if (!found.passed && !found.advice.empty()) std::cout << "    " << found.advice << '\n';
  }
  const auto failed = std::count_if(checks.begin(), checks.end(), [](const Check& found) { return !found.passed; });
  if (failed == 0) {
    std::cout << "Ready: migrate run " << plan.arguments << '\n';
    return exit_done;
  }
  std::cout << failed << " of " << checks.size() << " checks did not pass.\n";
  return exit_broken_off;
}

}  // namespace

void add_check_command(Cli cli) {
  auto arguments = std::make_shared<FileArguments>();
  CLI::App* command =
      cli.app.add_subcommand("check", "Tries both ends, rights, limits, schema and disk, and writes nothing");
  add_file_arguments(*command, *arguments);
  command->callback([cli, arguments] { cli.action = [arguments] { return check_file(*arguments); }; });
}

}  // namespace migrate::program
