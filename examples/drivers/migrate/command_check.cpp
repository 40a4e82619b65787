#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <tuple>

#include "migrate/mapping_file.hpp"
#include "types.hpp"

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
  if (!check.passed)
    check.advice = "State and reports need more: make room, or name another folder: --working-dir DIR.";
  return check;
}

/// A damaged state that was put aside, and nothing in its place: who runs now begins with an empty one.
std::optional<Check> lost_state(const Plan& plan) {
  const std::optional<std::filesystem::path> state = state_file_of(plan);
  std::error_code none;
  if (!state || std::filesystem::exists(*state, none)) return std::nullopt;
  const std::string prefix = state->filename().string() + ".corrupt-";
  std::string newest;
  std::filesystem::file_time_type when;
  for (const auto& entry : std::filesystem::directory_iterator(state->parent_path(), none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || name.ends_with("-wal") || name.ends_with("-shm")) continue;
    const std::filesystem::file_time_type time = entry.last_write_time(none);
    if (newest.empty() || time > when) std::tie(newest, when) = std::tie(name, time);
  }
  if (newest.empty()) return std::nullopt;
  return Check{"state", false,
               fmt::format("{} was damaged and lies aside as {}: a run would begin with an empty state",
                           state->string(), newest),
               fmt::format("Put a backup of the state back under its name. Where there is none: a run is safe when the "
                           "target is written by natural key; where it is a service, first name the mapping files of "
                           "the last run ({}) under mappings: in the migration file, or everything is made a second "
                           "time.",
                           (plan.directory.path() / "mappings").string() + "/<type>.json")};
}

/// Passed where `look` throws nothing.
Check check_of(std::string name, const std::function<void()>& look) {
  Check check{std::move(name), true, {}, {}};
  try {
    look();
  } catch (const Error& error) {
    check.passed = false;
    check.message = error.what();
    check.advice = error.advice;
  }
  return check;
}

/// The mapping files that a run would begin with.
void add_mappings(std::vector<Check>& checks, const Plan& plan, Session& session) {
  for (const auto& [type, file] : plan.file.mappings) {
    checks.push_back(check_of("mappings: " + type, [&, &type = type, &file = file] {
      read_mappings(file, type, [](Mapping) {});
      wait_for(require_mapped_type(session.pipeline(), type, session.log()));
    }));
  }
}

int check_file(const FileArguments& arguments) {
  const Plan plan = load_plan(arguments);
  std::vector<Check> checks;
  {
    Session session(plan, arguments.verbosity, Access::look);
    checks = wait_for(check(session.pipeline()));
    add_mappings(checks, plan, session);
  }
  if (!plan.file.run.only.empty() || plan.file.run.where)
    checks.push_back(check_of("only and where", [&] { require_types(plan, arguments.verbosity, plan.file.run); }));
  checks.push_back(working_directory(plan));
  if (std::optional<Check> lost = lost_state(plan)) checks.push_back(std::move(*lost));
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
