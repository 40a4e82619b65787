#include <fmt/format.h>

#include <algorithm>

#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN

namespace {

using namespace reporting;

/// Foreign text on a terminal: no control character, and so no escape sequence, gets through.
std::string on_one_line(std::string_view text) {
  std::string line = clean_utf8(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return shortened(line, 400);
}

std::string types_table(const Report& report) {
  if (report.types.empty()) return std::string();
  std::size_t width = 5;
  for (const auto& [type, counters] : report.types) width = std::max(width, type.size() + 1);
  std::string text = fmt::format("\n  {:<{}} {:>11} {:>11} {:>11} {:>11} {:>11}\n", "type", width, "read", "written",
                                 "skipped", "dropped", "failed");
  const auto line = [&](const std::string& name, const Counters& c) {
    text += fmt::format("  {:<{}} {:>11} {:>11} {:>11} {:>11} {:>11}{}\n", name, width, count_text(c.read),
                        count_text(c.written), count_text(c.skipped), count_text(c.dropped), count_text(c.failed),
                        c.removed > 0 ? fmt::format("  {} removed", count_text(c.removed)) : std::string());
  };
  for (const auto& [type, counters] : report.types) line(on_one_line(type), counters);
  if (report.types.size() > 1) line("all", report.total());
  return text;
}

std::string causes_text(const Report& report, const std::string& arguments) {
  std::string text;
  for (const CauseRow& row : causes_by_count(report)) {
    text += fmt::format("  {} {}: {}\n", count_text(row.summary.count), on_one_line(row.type), on_one_line(row.cause));
    if (!row.summary.example.empty()) text += fmt::format("      for example {}\n", on_one_line(row.summary.example));
    if (!row.summary.advice.empty()) text += fmt::format("      {}\n", on_one_line(row.summary.advice));
    if (can_be_retried(report)) text += fmt::format("      then: {}\n", retry_command(arguments, row.cause));
  }
  if (text.empty()) return text;
  return (is_rehearsal(report) ? "\nWould not arrive, by cause:\n" : "\nDid not arrive, by cause:\n") + text;
}

std::string warnings_text(const Report& report) {
  std::string text;
  for (const auto& [type, causes] : report.warnings) {
    for (const auto& [cause, count] : causes) {
      text += fmt::format("  {} {}: {}\n", count_text(count), on_one_line(type), on_one_line(cause));
    }
  }
  return text.empty() ? text : fmt::format("\nWarnings ({}):\n{}", about_warnings(report), text);
}

std::string differences_text(const Report::Verification& verification) {
  std::string text = verification.level == "preview" ? std::string()
                                                     : fmt::format("\nVerification ({}): {}\n", verification.level,
                                                                   verification_text(verification));
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < std::min(shown, verification.examples.size()); ++i) {
    const Finding& finding = verification.examples[i];
    text += fmt::format("  {} {}", on_one_line(finding.record.type), on_one_line(finding.record.id));
    if (!finding.field.empty()) text += " " + on_one_line(finding.field);
    if (!finding.expected.empty() || !finding.found.empty())
      text += fmt::format(": expected {}, found {}", on_one_line(finding.expected), on_one_line(finding.found));
    if (!finding.message.empty()) text += fmt::format(": {}", on_one_line(finding.message));
    text += '\n';
  }
  if (verification.differences > shown) {
    text += fmt::format("  … and {} more in verification-results/{}.json\n",
                        count_text(verification.differences - shown), verification.level);
  }
  return text;
}

std::string rollback_text(const UndoResult& rollback) {
  std::string text = fmt::format("\nRollback: {}\n", undone_text(rollback));
  for (std::size_t i = 0; i < std::min<std::size_t>(10, rollback.kept.size()); ++i) {
    const Finding& finding = rollback.kept[i];
    text += fmt::format("  {} {} {}\n", on_one_line(finding.record.type), on_one_line(finding.record.id),
                        on_one_line(finding.message));
  }
  return text;
}

}  // namespace

/// What a migration of items is judged by, beside the records.
std::string items_text(const Report& report) {
  const Counters total = report.total();
  std::string text;
  if (total.files && report.rollback)
    text += fmt::format("attachments: {}\n", attachments_text(report));
  else if (total.files)
    text += fmt::format("attachments: {} of {} ({})\n", count_text(total.files_written), count_text(total.files),
                        percent_text(total.files_written, total.files));
  if (const std::string orphans = orphans_text(report); !orphans.empty()) text += "orphaned items: " + orphans + '\n';
  return text;
}

std::string report_as_text(const Report& report, const std::string& arguments) {
  const Counters total = report.total();
  std::string text = fmt::format("{}: {}\n", on_one_line(report.migration), on_one_line(headline(report)));
  text += fmt::format("run {} ({}), {}, {} records, {} a second\n", report.run, report.mode,
                      duration_text(report.elapsed), count_text(total.read),
                      count_text(static_cast<std::uint64_t>(rate_of(total.read, report.elapsed) + 0.5)));
  for (const Check& check : report.checks) {
    if (check.passed) continue;
    text += fmt::format("✗ {}: {}\n", on_one_line(check.name), on_one_line(check.message));
    if (!check.advice.empty()) text += fmt::format("  {}\n", on_one_line(check.advice));
  }
  // The checks above and the headline say it already.
  const bool as_asked = report.status == Status::stopped && report.fatal && report.fatal->cause == "stopped";
  if (report.fatal && report.status != Status::preflight_failed && !as_asked) {
    text += fmt::format("why it ended: {}\n", on_one_line(report.fatal->what()));
    if (!report.fatal->advice.empty()) text += fmt::format("  {}\n", on_one_line(report.fatal->advice));
  }
  text += types_table(report) + items_text(report) + causes_text(report, arguments) + warnings_text(report);
  if (report.preview) text += fmt::format("\nPreview: {}\n", preview_text(*report.preview));
  if (report.verification) text += differences_text(*report.verification);
  if (report.rollback) text += rollback_text(*report.rollback);
  return text;
}

MIGRATE_END
