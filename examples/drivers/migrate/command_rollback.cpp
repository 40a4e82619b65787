#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "operation.hpp"

namespace migrate::program {

namespace {

struct RollbackArguments : FileArguments {
  bool yes = false, dry_run = false, remove = false;
  std::string progress = "auto";
};

/// Says what would be taken back; false when there is nothing.
bool announce(const Plan& plan, const FileArguments& arguments) {
  const Session session(plan, arguments.verbosity, Access::existing);
  const std::optional<Report> report = wait_for(last_report(session.pipeline().store));
  if (!report) {
    std::cout << "Nothing has been migrated: there is nothing to take back.\n";
    return false;
  }
  std::cout << fmt::format("Rollback takes back what {} has written ({}), newest first:\n", plan.file.name,
                           report->state_id);
  for (const auto& [type, counters] : report->types) {
    std::cout << fmt::format("  {}: {} records in the last run\n", type, counters.written);
  }
  std::cout << "Rows that it made are removed, rows that it changed get their previous content, and what somebody has "
               "changed since is left alone and listed.\n";
  return true;
}

int roll_back(const RollbackArguments& arguments) {
  const ProgressStyle progress = progress_style_from(arguments.progress);
  const Plan plan = load_plan(arguments);
  if (!announce(plan, arguments)) return exit_done;
  if (arguments.dry_run) {
    std::cout << "--dry-run: nothing has been done.\n";
    return exit_done;
  }
  if (!arguments.yes && !confirmed("Take it back?")) {
    std::cout << "Nothing has been done.\n";
    return exit_usage;
  }
  Undertaking undertaking;
  undertaking.options = plan.file.run;
  undertaking.options.mode = Mode::rollback;
  undertaking.progress = progress;
  return undertake(plan, arguments, std::move(undertaking));
}

int find_orphans(const RollbackArguments& arguments) {
  const Plan plan = load_plan(arguments);
  const Session session(plan, arguments.verbosity, Access::look);
  if (session.pipeline().sink->as_tables()) {
    std::cout << fmt::format(
        "{} writes each chunk in one transaction, together with the receipt for it: what was interrupted left nothing "
        "behind. There are no orphans.\n",
        plan.file.sink.name);
    return exit_done;
  }
  throw Error(ErrorKind::unsupported, "no_orphans",
              fmt::format("this version cannot look for orphans on {}", plan.file.sink.name))
      .with_advice("migrate run FILE goes on with, or takes back, whatever an interrupted run has begun.");
}

}  // namespace

void add_rollback_commands(Cli cli) {
  auto arguments = std::make_shared<RollbackArguments>();
  CLI::App* rollback = cli.app.add_subcommand("rollback", "Takes back what this migration has written");
  add_file_arguments(*rollback, *arguments);
  rollback->add_flag("-y,--yes", arguments->yes, "Does not ask");
  rollback->add_flag("--dry-run", arguments->dry_run, "Only shows what would be done");
  rollback->add_option("--progress", arguments->progress, "auto, bar, plain, json or none");
  rollback->callback([cli, arguments] { cli.action = [arguments] { return roll_back(*arguments); }; });

  auto orphaned = std::make_shared<RollbackArguments>();
  CLI::App* orphans = cli.app.add_subcommand("orphans", "Looks for what an interrupted run left on the target");
  add_file_arguments(*orphans, *orphaned);
  orphans->add_flag("--delete", orphaned->remove, "Removes them");
  orphans->add_flag("--dry-run", orphaned->dry_run, "Only shows what would be removed");
  orphans->add_flag("-y,--yes", orphaned->yes, "Does not ask");
  orphans->callback([cli, orphaned] { cli.action = [orphaned] { return find_orphans(*orphaned); }; });
}

}  // namespace migrate::program
