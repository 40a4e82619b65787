#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "called_with.hpp"
#include "migrate/config_shape.hpp"

namespace migrate::program {

namespace {

struct RunArguments : FileArguments {
  std::string mode, verify, level = "standard", cause, where, progress = "auto";
  std::vector<std::string> skip_phases, only;
  std::size_t batch_size = 0;
  bool dry_run = false, fresh = false, no_rollback = false, interactive = false, yes = false, same_target = false;
};

Mode mode_from(const std::string& word) {
  for (Mode mode : {Mode::full, Mode::incremental, Mode::test}) {
    if (to_string(mode) == word) return mode;
  }
  throw Error(ErrorKind::invalid, "usage", fmt::format("--mode {}: there is no such mode", word))
      .with_advice("It is one of full, incremental and test; --dry-run rehearses.");
}

RunOptions options_of(const Plan& plan, const RunArguments& arguments) {
  RunOptions options = plan.file.run;
  if (!arguments.mode.empty()) options.mode = mode_from(arguments.mode);
  if (arguments.dry_run) options.mode = Mode::dry_run;
  options.fresh = arguments.fresh;
  options.same_target = arguments.same_target;
  if (!arguments.verify.empty()) options.verify = verify_level_from(arguments.verify);
  if (arguments.no_rollback) options.on_verify_failure = OnVerifyFailure::report;
  if (arguments.batch_size > 0) options.batch_size = arguments.batch_size;
  if (!arguments.only.empty()) options.only = {arguments.only.begin(), arguments.only.end()};
  if (!arguments.where.empty()) options.where = where_from(arguments.where);
  const std::set<Phase> skipped = phases_from(arguments.skip_phases);
  options.skip.insert(skipped.begin(), skipped.end());
  return options;
}

/// Not --fresh, which would begin anew, nor --same-target, which is said once.
std::string typed_of(const RunArguments& arguments, Mode mode) {
  Words words;
  const bool chosen = mode == Mode::incremental || mode == Mode::test;
  words.option("--mode", chosen ? std::string(to_string(mode)) : arguments.mode);
  for (const std::string& type : arguments.only) words.option("--only", type);
  words.option("--where", arguments.where).option("--verify", arguments.verify);
  words.flag("--no-rollback", arguments.no_rollback);
  for (const std::string& phase : arguments.skip_phases) words.option("--skip-phases", phase);
  if (arguments.batch_size > 0) words.option("--batch-size", std::to_string(arguments.batch_size));
  return words.flag("--interactive", arguments.interactive).text();
}

/// Whether to go on; the person may have second thoughts about --fresh.
bool fresh_is_wanted(const Plan& plan, const RunArguments& arguments) {
  if (!arguments.fresh || arguments.dry_run || arguments.yes) return true;
  // The state knows, wherever it is kept; the status file knows better, but may be gone or damaged.
  std::optional<Report> last;
  try {
    const Session session(plan, arguments.verbosity, Access::look);
    last = wait_for(last_report(session.pipeline().store));
  } catch (const Error& error) {
    // The run itself puts it aside and says so.
    if (error.cause != "corrupt_state") throw;
  }
  if (!last) return true;
  std::string told = fmt::format("is \"{}\"", to_string(last->status));
  try {
    if (const std::optional<Value> status = plan.directory.read_status()) {
      const auto text = [&](const char* name) {
        const Value* value = status->get_object().if_contains(name);
        return value && value->is_string() ? std::string(value->get_string()) : std::string("unknown");
      };
      told = fmt::format("is \"{}\" since {}", text("status"), text("updated"));
    }
  } catch (const Error&) {
    // The next run writes it anew.
  }
  std::cout << fmt::format(
      "--fresh starts a new run of {} from the first record. The last run {}. What it brought to the target stays "
      "there and is compared again; what it had left to do is not gone on with.\n",
      plan.file.name, told);
  return confirmed("Start anew?");
}

int run_file(const RunArguments& arguments) {
  const ProgressStyle progress = progress_style_from(arguments.progress);
  const Plan plan = load_plan(arguments);
  Undertaking undertaking;
  undertaking.options = options_of(plan, arguments);
  undertaking.typed = typed_of(arguments, undertaking.options.mode);
  undertaking.progress = progress;
  undertaking.interactive = arguments.interactive;
  undertaking.import_mappings = undertaking.options.mode != Mode::dry_run;
  if (!fresh_is_wanted(plan, arguments)) {
    std::cout << "Nothing has been done.\n";
    return exit_usage;
  }
  return undertake(plan, arguments, std::move(undertaking));
}

/// Neither run nor imported: in a mistyped place all would seem to be missing.
void require_begun(const Plan& plan, int verbosity) {
  const Session session(plan, verbosity, Access::existing);
  const std::shared_ptr<CheckpointStore> store = session.pipeline().store;
  if (wait_for(last_report(store)) || !wait_for(store->scan(Table::outcome, "", "", 1)).empty()) return;
  throw no_state(plan, "its state is empty");
}

/// A cause that nothing has failed with is a slip of the pen, or settled already: neither must pass for a success.
void require_cause(const Plan& plan, const RunArguments& arguments) {
  if (arguments.cause.empty()) return;
  std::vector<std::string> causes;
  {
    const Session session(plan, arguments.verbosity, Access::look);
    const std::optional<Report> last = wait_for(last_report(session.pipeline().store));
    if (!last) return;
    for (const auto& [type, by_cause] : last->causes)
      for (const auto& [cause, summary] : by_cause)
        if (std::find(causes.begin(), causes.end(), cause) == causes.end()) causes.push_back(cause);
  }
  if (std::find(causes.begin(), causes.end(), arguments.cause) != causes.end()) return;
  throw Error(ErrorKind::invalid, "usage",
              fmt::format("--cause: no record has failed with the cause \"{}\"{}", arguments.cause,
                          causes.empty() ? "; none has failed" : config::suggestion(arguments.cause, causes)))
      .with_advice("Nothing has been done.");
}

int retry_file(const RunArguments& arguments) {
  const ProgressStyle progress = progress_style_from(arguments.progress);
  const Plan plan = load_plan(arguments);
  require_begun(plan, arguments.verbosity);
  require_cause(plan, arguments);
  Undertaking undertaking;
  undertaking.options = plan.file.run;
  undertaking.options.mode = Mode::retry;
  undertaking.options.cause = arguments.cause;
  undertaking.typed = Words().option("--cause", arguments.cause).flag("--interactive", arguments.interactive).text();
  undertaking.options.verify = VerifyLevel::none;
  undertaking.progress = progress;
  undertaking.interactive = arguments.interactive;
  undertaking.import_mappings = true;
  return undertake(plan, arguments, std::move(undertaking));
}

int verify_file(const RunArguments& arguments) {
  const VerifyLevel level = verify_level_from(arguments.level);
  if (level == VerifyLevel::none) {
    throw Error(ErrorKind::invalid, "usage", "--level none would verify nothing")
        .with_advice("The levels are basic, standard and comprehensive.");
  }
  const ProgressStyle progress = progress_style_from(arguments.progress);
  const Plan plan = load_plan(arguments);
  require_begun(plan, arguments.verbosity);
  Undertaking undertaking;
  undertaking.options = plan.file.run;
  undertaking.options.mode = Mode::verify;
  undertaking.typed = Words().option("--level", arguments.level).text();
  undertaking.options.verify = level;
  undertaking.options.on_verify_failure = OnVerifyFailure::report;
  undertaking.progress = progress;
  return undertake(plan, arguments, std::move(undertaking));
}

void add_progress(CLI::App& command, RunArguments& arguments) {
  command.add_option("--progress", arguments.progress, "auto, bar, plain, json or none");
}

void add_run_options(CLI::App& run, RunArguments& arguments) {
  run.add_option("--mode", arguments.mode, "full, incremental or test");
  run.add_flag("--dry-run", arguments.dry_run, "Reads, transforms and compares everything, and writes nothing");
  run.add_flag("--fresh", arguments.fresh, "Starts anew although there is unfinished work");
  run.add_option("--verify", arguments.verify,
                 "none, basic (100 records at least), standard (1,000 and a tenth) or comprehensive (all)");
  run.add_flag("--same-target", arguments.same_target,
               "The sink leads to the target of the last run, although it calls itself something else now");
  run.add_flag("--no-rollback", arguments.no_rollback,
               "Leaves the target as it is when verification finds differences");
  run.add_option("--skip-phases", arguments.skip_phases, "linking, verification, post_migration")
      ->delimiter(',')
      ->allow_extra_args(false);
  run.add_option("--only", arguments.only, "Only this type of the source; may be repeated")
      ->delimiter(',')
      ->allow_extra_args(false);
  run.add_option("--where", arguments.where,
                 "TYPE.FIELD=VALUE: only the records of TYPE that have this value, and no other type");
  run.add_flag("--interactive", arguments.interactive, "Shows each record and asks");
  run.add_option("--batch-size", arguments.batch_size, "Records a batch")->check(CLI::Range(1, 1'000'000));
  run.add_flag("-y,--yes", arguments.yes, "Answers every question with yes");
}

}  // namespace

void add_run_commands(Cli cli) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* run = cli.app.add_subcommand("run", "Migrates; goes on by itself where the last run ended");
  add_file_arguments(*run, *arguments);
  add_run_options(*run, *arguments);
  add_progress(*run, *arguments);
  run->callback([cli, arguments] { cli.action = [arguments] { return run_file(*arguments); }; });

  auto again = std::make_shared<RunArguments>();
  CLI::App* retry = cli.app.add_subcommand("retry", "Migrates the records that failed");
  add_file_arguments(*retry, *again);
  retry->add_option("--cause", again->cause, "Only those of this cause");
  retry->add_flag("--interactive", again->interactive, "Shows each record and asks");
  add_progress(*retry, *again);
  retry->callback([cli, again] { cli.action = [again] { return retry_file(*again); }; });

  auto proof = std::make_shared<RunArguments>();
  CLI::App* verify = cli.app.add_subcommand("verify", "Compares the target with the source");
  add_file_arguments(*verify, *proof);
  verify->add_option("--level", proof->level,
                     "basic (100 records at least), standard (1,000 and a tenth) or comprehensive (all)");
  add_progress(*verify, *proof);
  verify->callback([cli, proof] { cli.action = [proof] { return verify_file(*proof); }; });
}

}  // namespace migrate::program
