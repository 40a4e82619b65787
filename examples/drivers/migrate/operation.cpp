#include "operation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "called_with.hpp"
#include "interactive.hpp"
#include "migrate/mapping_file.hpp"
#include "signals.hpp"
#include "types.hpp"

namespace migrate::program {

namespace {

/// Who asks to stop after this means the run that this program is about to begin, also before it has its state.
const std::filesystem::file_time_type program_began = std::filesystem::file_time_type::clock::now();

struct Outcome {
  Report report;
  std::vector<std::filesystem::path> files;
  std::optional<Error> report_trouble;
};

awaitable<void> import_configured(const Plan& plan, std::shared_ptr<CheckpointStore> store, LogTarget& log) {
  for (const auto& [type, file] : plan.file.mappings) {
    std::vector<Mapping> mappings;
    read_mappings(file, type, [&](Mapping mapping) { mappings.push_back(std::move(mapping)); });
    const std::size_t count = co_await import_mappings(store, std::move(mappings));
    log.write(LogLevel::info, "mappings",
              fmt::format("{}: {} records are known already, by {}", type, count, file.string()));
  }
}

/// Nothing has been read or written.
bool refused_at_the_door(const Report& report) {
  const std::string cause = report.fatal ? report.fatal->cause : std::string();
  const bool checked = std::count(report.completed.begin(), report.completed.end(), Phase::pre_validation) > 0;
  return report.status == Status::preflight_failed || cause == "foreign_target" || cause == "unfinished_rollback" ||
         cause == "nothing_to_retry" || (report.fatal && report.mode != to_string(Mode::rollback) && !checked);
}

awaitable<Outcome> perform(const Plan& plan, Session& session, Undertaking undertaking, RunRecorder& recorder) {
  Pipeline pipeline = session.pipeline();
  if (undertaking.import_mappings && !plan.file.mappings.empty()) {
    // They name things of the target, and must not come into the state of another one. Whether this one can be reached
    // at all is for the checks of the run to say.
    std::optional<Error> foreign;
    try {
      co_await require_target(pipeline);
    } catch (const Error& error) {
      if (error.cause == "foreign_target") foreign = error;
    }
    if (foreign && !undertaking.options.same_target) throw *foreign;
    for (const auto& [type, file] : plan.file.mappings) co_await require_mapped_type(pipeline, type, session.log());
    std::shared_ptr<CheckpointStore> store = pipeline.store;
    co_await import_configured(plan, std::move(store), session.log());
  }
  const bool rehearsal = undertaking.options.mode == Mode::dry_run;
  const CalledWith before = calls_before(plan);
  CalledWith calls = calls_with(before, plan, undertaking);
  recorder.note_call(calls);
  // What was rehearsed is what is to be migrated.
  if (rehearsal) calls["run"] = plan.further + undertaking.typed;
  Outcome outcome;
  outcome.report = co_await run(pipeline, std::move(undertaking.options));
  if (refused_at_the_door(outcome.report)) recorder.note_call(before);
  recorder.finish(outcome.report);

  // A rehearsal must not replace the reports of what really happened, and neither must what did not begin.
  std::filesystem::path directory = plan.directory.path();
  if (rehearsal)
    directory /= "dry-run";
  else if (refused_at_the_door(outcome.report) && std::filesystem::exists(directory / "final-migration-report.json"))
    directory /= "not-started";
  ReportFiles wanted = report_files(plan, std::move(directory));
  wanted.called_with = complete(plan, calls);
  try {
    outcome.files = co_await write_reports(outcome.report, pipeline, std::move(wanted));
  } catch (const Error& error) {
    outcome.report_trouble = error;
  }
  co_return outcome;
}

void print_summary(const Plan& plan, const Outcome& outcome) {
  std::cout << '\n' << report_as_text(outcome.report, plan.arguments);
  if (!outcome.files.empty()) {
    std::cout << "\nReports in " << outcome.files.front().parent_path().string() << ":\n";
    for (const std::filesystem::path& file : outcome.files) std::cout << "  " << file.string() << '\n';
  }
}

}  // namespace

ReportFiles report_files(const Plan& plan, std::filesystem::path directory) {
  ReportFiles files;
  files.directory = std::move(directory);
  files.arguments = plan.arguments;
  files.called_with = complete(plan, calls_before(plan));
  files.max_rows = plan.file.reports.max_rows;
  files.formats = {ReportFormat::verification, ReportFormat::mappings};
  for (const std::string& name : plan.file.reports.formats) {
    if (const std::optional<ReportFormat> format = report_format_from(name)) files.formats.insert(*format);
  }
  return files;
}

int exit_code_of(const Report& report) {
  const bool imported = std::count(report.completed.begin(), report.completed.end(), Phase::import) > 0;
  if (report.fatal && report.fatal->kind() == ErrorKind::unsupported && !imported) return exit_usage;
  switch (report.status) {
    case Status::done:
      return exit_done;
    case Status::done_with_failures:
      return exit_some_failed;
    case Status::differences:
      return exit_differences;
    case Status::stopped:
      return exit_interrupted;
    case Status::broken_off:
    case Status::preflight_failed:
      return exit_broken_off;
  }
  return exit_broken_off;
}

int undertake(const Plan& plan, const FileArguments& arguments, Undertaking undertaking) {
  if (undertaking.options.mode != Mode::rollback) require_types(plan, arguments.verbosity, undertaking.options);
  std::stop_source stop;
  const SignalWatch signals(stop);
  Session session(plan, arguments.verbosity, Access::state);
  RunRecorder recorder(plan.directory, stop, program_began);
  session.log().attach(&recorder);

  TerminalReviewer reviewer(stop.get_token());
  undertaking.options.stop = stop.get_token();
  undertaking.options.observer = &recorder;
  if (undertaking.interactive) undertaking.options.reviewer = &reviewer;
  const ProgressStyle style = undertaking.progress;
  Outcome outcome;
  {
    const ProgressDisplay display(recorder, undertaking.interactive ? ProgressStyle::none : style);
    outcome = wait_for(perform(plan, session, std::move(undertaking), recorder));
  }
  session.log().attach(nullptr);

  if (style == ProgressStyle::json) {
    std::cout << boost::json::serialize(
                     Object{{"event", "end"}, {"report", report_as_json(outcome.report, plan.arguments)}})
              << '\n';
  } else {
    print_summary(plan, outcome);
  }
  const int code = exit_code_of(outcome.report);
  if (const std::string trouble = recorder.trouble(); !trouble.empty()) {
    std::cerr << "warning: " << trouble << ". The migration itself is not concerned.\n";
  }
  if (outcome.report_trouble) {
    std::cerr << "The reports could not be written; once that is mended: migrate report " << plan.arguments << '\n';
    const int worse = explain(*outcome.report_trouble);
    return code == exit_done || code == exit_some_failed ? worse : code;
  }
  return code;
}

}  // namespace migrate::program
