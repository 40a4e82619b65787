#include "config_run.hpp"

#include <algorithm>

MIGRATE_BEGIN
namespace {

Spec<RetryConfig> retry_spec() {
  return Spec<RetryConfig>("How an operation is repeated after a passing trouble.")
      .field("attempts", &RetryConfig::attempts, "Attempts in all")
      .optional()
      .at_least(1)
      .at_most(100)
      .field("first_ms", &RetryConfig::first_ms, "Wait before the second attempt; each further wait is twice as long")
      .optional()
      .at_least(0)
      .at_most(3'600'000)
      .field("longest_ms", &RetryConfig::longest_ms, "No wait is longer, except where the service asks for it")
      .optional()
      .at_least(0)
      .at_most(86'400'000);
}

Spec<Where> where_spec() {
  return Spec<Where>("Only records whose field has this value.")
      .field("type", &Where::type, "The records' type in the source")
      .field("field", &Where::field, "The source's field")
      .field("value", &Where::value, "The value; case and the script of digits do not matter");
}

Spec<RunConfig> run_spec() {
  return Spec<RunConfig>("How the migration runs.")
      .field("mode", &RunConfig::mode, "Everything, what has changed since, a sample, or a rehearsal without a write")
      .optional()
      .one_of({"full", "incremental", "test", "dry_run"})
      .field("verify", &RunConfig::verify, "How much is compared with the source afterwards: a hundred records, a tenth, or all")
      .optional()
      .one_of({"none", "basic", "standard", "comprehensive"})
      .field("on_record_failure", &RunConfig::on_record_failure, "Take back or keep what a failed record left behind")
      .optional()
      .one_of({"compensate", "keep"})
      .field("on_stale", &RunConfig::on_stale,
             "Delta run: keep the target's earlier version of a record that is refused now, or withdraw it")
      .one_of({"keep", "withdraw"})
      .optional()
      .field("on_verify_failure", &RunConfig::on_verify_failure,
             "Report differences, or roll the migration back: at any difference, with verify: comprehensive also at a "
             "record that has failed")
      .optional()
      .one_of({"report", "rollback"})
      .field("max_failures", &RunConfig::max_failures, "More failed records break the run off; 0: no limit")
      .optional()
      .field("batch_size", &RunConfig::batch_size, "Records a batch; 0: what the sink prefers")
      .optional()
      .at_most(1'000'000)
      .field("partitions_in_flight", &RunConfig::partitions_in_flight, "Partitions of equal rank read at the same time")
      .optional()
      .at_least(1)
      .at_most(256)
      .field("items_in_flight", &RunConfig::items_in_flight,
             "Items written at the same time, as far as the sink permits")
      .optional()
      .at_least(1)
      .at_most(10'000)
      .field("sample", &RunConfig::sample, "Records of each type in a test, and in a standard verification at least")
      .optional()
      .at_least(1)
      .field("only", &RunConfig::only, "Types of the source; default: all")
      .optional()
      .one_or_many()
      .field("skip_phases", &RunConfig::skip_phases, "Phases to leave out")
      .optional()
      .one_or_many()
      .one_of({"linking", "verification", "post_migration"})
      .field("where", &RunConfig::where, where_spec(), "Only some records of one type")
      .field("retry", &RunConfig::retry, retry_spec(), "Repetition after passing troubles")
      .optional();
}

Spec<ReportOptions> reports_spec() {
  return Spec<ReportOptions>("The reports after a run.")
      .field("formats", &ReportOptions::formats, "Which are written")
      .optional()
      .one_or_many()
      .one_of({"json", "md", "html", "xlsx"})
      .field("max_rows", &ReportOptions::max_rows, "Rows of a list in a report; what is left out is counted")
      .optional();
}

template <class X>
X pick(const std::string& word, std::initializer_list<std::pair<const char*, X>> words) {
  return std::find_if(words.begin(), words.end(), [&](const auto& pair) { return word == pair.first; })->second;
}

}  // namespace

Spec<FileConfig> file_spec() {
  return Spec<FileConfig>("A migration.")
      .field("migration", &FileConfig::migration, "Its name, of a-z, 0-9 and -; it names the state")
      .not_empty()
      .field("working_dir", &FileConfig::working_dir, "Where state and reports go; default: ./<migration>.work")
      .optional()
      .not_empty()
      .field("source", &FileConfig::source, "The connector to read from, `connector: NAME` and its options")
      .field("transform", &FileConfig::transform, "Transformers in order, each `use: NAME` and its options")
      .optional()
      .field("sink", &FileConfig::sink, "The connector to write to, `connector: NAME` and its options")
      .field("store", &FileConfig::store,
             "Where the state is kept; default: `connector: sqlite` in the working directory")
      .optional()
      .field("run", &FileConfig::run, run_spec(), "How it runs")
      .optional()
      .field("reports", &FileConfig::reports, reports_spec(), "The reports; a list stands for `formats`")
      .optional()
      .field("mappings", &FileConfig::mappings, "Type to a mapping file (CSV or JSON) that is imported before the run")
      .optional();
}

bool is_migration_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

RunOptions run_options(const RunConfig& config) {
  RunOptions run;
  run.mode = pick<Mode>(
      config.mode,
      {{"full", Mode::full}, {"incremental", Mode::incremental}, {"test", Mode::test}, {"dry_run", Mode::dry_run}});
  run.verify = pick<VerifyLevel>(config.verify, {{"none", VerifyLevel::none},
                                                 {"basic", VerifyLevel::basic},
                                                 {"standard", VerifyLevel::standard},
                                                 {"comprehensive", VerifyLevel::comprehensive}});
  run.on_record_failure = config.on_record_failure == "keep" ? OnRecordFailure::keep : OnRecordFailure::compensate;
  run.on_stale = config.on_stale == "withdraw" ? OnStale::withdraw : OnStale::keep;
  run.on_verify_failure = config.on_verify_failure == "rollback" ? OnVerifyFailure::rollback : OnVerifyFailure::report;
  run.max_failures = config.max_failures;
  run.batch_size = config.batch_size;
  run.partitions_in_flight = config.partitions_in_flight;
  run.items_in_flight = config.items_in_flight;
  run.sample = config.sample;
  run.only = {config.only.begin(), config.only.end()};
  run.where = config.where;
  for (const std::string& phase : config.skip_phases) {
    run.skip.insert(pick<Phase>(phase, {{"linking", Phase::linking},
                                        {"verification", Phase::verification},
                                        {"post_migration", Phase::post_migration}}));
  }
  run.retry.attempts = config.retry.attempts;
  run.retry.first = std::chrono::milliseconds(config.retry.first_ms);
  run.retry.longest = std::chrono::milliseconds(config.retry.longest_ms);
  return run;
}

std::string migration_markdown() { return file_spec().markdown(); }

MIGRATE_END
