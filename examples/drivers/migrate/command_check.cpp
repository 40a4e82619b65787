#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>

#include "session.hpp"

namespace migrate::program {

namespace {

/// Less is too little for the state's log of writes and the reports of even a small migration.
constexpr std::uintmax_t least_free = 64u << 20;

/// State and reports need a place. Nothing is made.
Check working_directory(const Plan& plan) {
  Check check{"working directory", true, {}, {}};
  const std::filesystem::path& wanted = plan.directory.path();
  std::filesystem::path there = wanted;
  std::error_code failure;
  while (!std::filesystem::exists(there, failure) && there != there.parent_path()) there = there.parent_path();
  if (!std::filesystem::is_directory(there, failure)) {
    check.passed = false;
    check.message = there.string() + " is no folder";
  } else if (::access(there.c_str(), W_OK | X_OK) != 0) {
    check.passed = false;
    check.message = there.string() + " cannot be written";
  }
  if (!check.passed) {
    check.advice = "Give this user the right to write there, or name another folder: --working-dir DIR.";
    return check;
  }
  const std::filesystem::space_info space = std::filesystem::space(there, failure);
  if (failure) {
    check.message = wanted.string() + " can be written; how much room there is it does not tell";
    return check;
  }
  check.passed = space.available >= least_free;
  check.message = fmt::format("{}: {} MiB are free", wanted.string(), space.available >> 20);
  if (!check.passed) check.advice = "State and reports need more: make room, or name another folder: --working-dir DIR.";
  return check;
}

int check_file(const FileArguments& arguments) {
  const Plan plan = load_plan(arguments);
  std::vector<Check> checks;
  {
    const Session session(plan, arguments.verbosity, Access::look);
    checks = wait_for(check(session.pipeline()));
  }
  checks.push_back(working_directory(plan));
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
