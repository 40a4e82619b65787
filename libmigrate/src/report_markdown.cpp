#include <fmt/format.h>

#include "atomic_file.hpp"
#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN
namespace reporting {

namespace {

std::string types_table(const Report& report) {
  std::string text =
      "| type | read | written | skipped | dropped | failed | linked | verified | arrived |\n"
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  const auto line = [&](const std::string& name, const Counters& c, std::uint64_t there) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", name, count_text(c.read),
                        count_text(c.written), count_text(c.skipped), count_text(c.dropped), count_text(c.failed),
                        count_text(c.linked), count_text(c.verified), percent_text(there, c.read));
  };
  for (const auto& [type, counters] : report.types) line(escape_markdown(type), counters, arrived(report, type));
  line("**all**", report.total(), arrived(report));
  return text;
}

/// What goes on with what has ended early: with a rollback, also that of a run, nothing but a rollback.
std::string going_on(const Context& context) {
  const Report& report = context.report;
  const std::string cause = report.fatal ? report.fatal->cause : std::string();
  std::string mode = report.mode;
  if (cause == "unfinished_run") mode = to_string(Mode::full);
  if (cause == "nothing_to_retry") mode = to_string(Mode::full);
  if (report.rollback || cause == "unfinished_rollback") mode = to_string(Mode::rollback);
  return resume_command(mode, context.options.arguments, context.options.called_with);
}

std::string next_steps(const Context& context) {
  const Report& report = context.report;
  const std::string file = context.options.arguments.empty() ? "FILE" : context.options.arguments;
  const bool ended = report.status == Status::done || report.status == Status::done_with_failures;
  if (ended && is_rehearsal(report))
    return fmt::format("{}Migrate: `{}`.\n",
                       report.total().failed ? "Mend the causes above, or leave these records out. " : "",
                       resume_command(to_string(Mode::full), file, context.options.called_with));
  const std::string rest =
      chosen_text(report).empty()
          ? std::string()
          : fmt::format("What was not chosen is brought by a run without that choice: `migrate run {}`.\n", file);
  switch (report.status) {
    case Status::done:
      if (report.rollback)
        return fmt::format("To bring everything over again, from the beginning: `migrate run {}`.\n", file);
      if (!causes_by_count(report).empty())
        return fmt::format("Mend the causes above, and migrate what failed: `migrate retry {}`.\n", file);
      if (!report.verification)
        return fmt::format("Compare the target with the source: `migrate verify {}`.\n", file) + rest;
      return rest.empty() ? "Nothing is left to do.\n" : rest;
    case Status::done_with_failures:
      return fmt::format(
          "1. Mend the causes above, in the source or in the migration file.\n2. Migrate what failed: "
          "`migrate retry {}`.\n",
          file);
    case Status::differences:
      if (report.rollback)
        return fmt::format(
            "Read the differences in `verification-results/` and the causes above, mend them, and bring everything "
            "over "
            "again: `migrate run {0}`. With `--no-rollback` what differs stays, to be looked at.\n",
            file);
      return fmt::format(
          "Read the differences in `verification-results/`. `migrate run {0} --mode incremental` brings rows of a "
          "database up to date, and items of a service whose source has changed. Items that are gone from the service: "
          "`migrate map {0} --forget-gone`, and the next run makes them anew. `migrate rollback {0}` takes this "
          "migration back.\n",
          file);
    case Status::stopped:
    case Status::broken_off:
      return fmt::format("Go on where it ended: `{}`.\n", going_on(context));
    case Status::preflight_failed:
      return fmt::format("Mend what the failed checks name, then `migrate check {}`.\n", file);
  }
  return std::string();
}

std::string causes_section(const Context& context) {
  const std::vector<CauseRow> causes = causes_by_count(context.report);
  if (causes.empty()) return std::string();
  std::string text =
      is_rehearsal(context.report) ? "\n## What would not arrive, by cause\n" : "\n## What did not arrive, by cause\n";
  for (const CauseRow& row : causes) {
    text += fmt::format("\n### {} {}: {}\n\n", count_text(row.summary.count), escape_markdown(row.type),
                        escape_markdown(row.cause));
    text += fmt::format("- For example {}\n", escape_markdown(row.summary.example));
    if (!row.summary.advice.empty()) text += fmt::format("- What to do: {}\n", escape_markdown(row.summary.advice));
    if (can_be_retried(context.report))
      text += fmt::format("- Afterwards: `{}`\n", retry_command(context.options.arguments, row.cause));
  }
  return text;
}

std::string warnings_section(const Report& report) {
  if (report.warnings.empty()) return std::string();
  std::string text =
      fmt::format("\n## Warnings: {}\n\n| type | cause | values |\n|---|---|--:|\n", about_warnings(report));
  for (const auto& [type, causes] : report.warnings) {
    for (const auto& [cause, count] : causes) {
      text += fmt::format("| {} | {} | {} |\n", escape_markdown(type), escape_markdown(cause), count_text(count));
    }
  }
  return text;
}

std::string checks_section(const Report& report) {
  std::string text;
  for (const Check& check : report.checks) {
    if (check.passed) continue;
    text += fmt::format("- **{}**: {} {}\n", escape_markdown(check.name), escape_markdown(check.message),
                        escape_markdown(check.advice));
  }
  return text.empty() ? text : "\n## Checks that did not pass\n\n" + text;
}

std::string proof_section(const Report& report) {
  std::string text;
  if (report.preview) text += fmt::format("\n## Preview\n\n{}.\n", preview_text(*report.preview));
  if (report.verification && !report.preview) {
    text += fmt::format("\n## Verification\n\nLevel {}: {}.\n", report.verification->level,
                        verification_text(*report.verification));
  }
  if (const std::string files = attachments_text(report); !files.empty())
    text += fmt::format("\n## Attachments\n\n{}.\n", files);
  if (const std::string orphans = orphans_text(report); !orphans.empty())
    text += fmt::format("\n## Orphaned items\n\n{}.\n", orphans);
  if (report.rollback) {
    text += fmt::format("\n## Rollback\n\n{}.\n", undone_text(*report.rollback));
  }
  return text;
}

class MarkdownPart final : public Part {
 public:
  explicit MarkdownPart(const Context& context) : context_(context) {}
  std::vector<std::filesystem::path> finish() override {
    const Report& report = context_.report;
    std::string text =
        fmt::format("# {}: {}\n\n", escape_markdown(report.migration), escape_markdown(headline(report)));
    text += fmt::format("- Run {} ({}), started {}, finished {}, {} of work\n", report.run, report.mode,
                        iso_time(report.started), iso_time(report.finished), duration_text(report.elapsed));
    text += fmt::format("- {}\n", arrival_text(report));
    if (const std::uint64_t count = reporting::left_out(report))
      text += fmt::format("- {} left out by a person\n", count_text(count));
    if (report.fatal) {
      text += fmt::format("- **Why it ended:** {} {}\n", escape_markdown(report.fatal->what()),
                          escape_markdown(report.fatal->advice));
    }
    text += "\n## Records\n\n" + types_table(report);
    text += checks_section(report) + causes_section(context_) + warnings_section(report) + proof_section(report);
    text += "\n## Next\n\n" + next_steps(context_);
    text +=
        "\nEvery failed record: `final-migration-report.json`, `migration-report.html`, `migration-report.xlsx`. "
        "Which record became which: `mappings/`.\n";
    const auto path = context_.options.directory / "migration-executive-summary.md";
    write_file_atomically(path, text);
    return {path};
  }

 private:
  const Context& context_;
};

}  // namespace

std::unique_ptr<Part> markdown_part(const Context& context) { return std::make_unique<MarkdownPart>(context); }

}  // namespace reporting
MIGRATE_END
