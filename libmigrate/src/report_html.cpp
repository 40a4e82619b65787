#include <fmt/format.h>

#include <algorithm>

#include "atomic_file.hpp"
#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN
namespace reporting {

namespace {

// The policy forbids every request: the page shows the same on a machine without a network.
constexpr std::string_view page_head = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --faint: #5d6878; --line: #dbe1e8; --card: #f5f7fa;
  --good: #23874b; --calm: #7b8ba1; --dull: #b79a4a; --bad: #c2362e; --warn: #c77f15; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e6eaf0; --faint: #98a4b3; --line: #2d3643;
  --card: #1c222c; --good: #4cb878; --calm: #7d8da3; --dull: #c0a552; --bad: #ea6a60; --warn: #e0a03d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1080px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 26px; } h2 { margin: 36px 0 10px; font-size: 19px; } p, dl { margin: 6px 0; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 20px 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 6px 10px; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; } code { background: var(--card); padding: 1px 5px; border-radius: 4px; }
.chart { width: 100%; height: auto; } .chart text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.chart .value { fill: var(--faint); } .written { fill: var(--good); background: var(--good); }
.skipped { fill: var(--calm); background: var(--calm); } .dropped { fill: var(--dull); background: var(--dull); }
.failed { fill: var(--bad); background: var(--bad); } .warned { fill: var(--warn); }
.key i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin: 0 6px 0 14px; }
@media print { body { max-width: none; } }
</style>
)";

std::string tile(const std::string& name, const std::string& value) {
  return fmt::format("<div class=\"tile\"><b>{}</b>{}</div>\n", value, name);
}

std::string header(const Context& context) {
  const Report& report = context.report;
  const Counters total = report.total();
  const bool good = report.status == Status::done;
  std::string text = fmt::format("<title>{0}</title></head>\n<body>\n<h1>{0}</h1>\n", escape_html(report.migration));
  text +=
      fmt::format("<p class=\"{}\"><strong>{}</strong></p>\n", good ? "good" : "bad", escape_html(headline(report)));
  text += fmt::format("<p class=\"faint\">Run {} ({}), {} to {}</p>\n", report.run, escape_html(report.mode),
                      iso_time(report.started), iso_time(report.finished));
  if (report.fatal) {
    text += fmt::format("<p><strong>Why it ended:</strong> {} {}</p>\n", escape_html(report.fatal->what()),
                        escape_html(report.fatal->advice));
  }
  text += "<div class=\"tiles\">\n";
  text += tile("read", count_text(total.read)) + tile("written", count_text(total.written)) +
          tile("failed", count_text(total.failed)) + tile("warnings", count_text(warning_count(report))) +
          tile("arrived", percent_text(arrived(report), total.read)) +
          tile("time at work", duration_text(report.elapsed)) +
          tile("records a second", fmt::format("{:.0f}", rate_of(total.read, report.elapsed)));
  if (const std::uint64_t count = left_out(report)) text += tile("left out by a person", count_text(count));
  if (total.files && !report.rollback)
    text += tile("attachments arrived", percent_text(total.files_written, total.files));
  if (total.files || report.orphans_cleaned) text += tile("orphans cleaned up", count_text(report.orphans_cleaned));
  return text + "</div>\n";
}

std::string types_section(const Report& report) {
  std::string text =
      "<h2>Records by type</h2>\n<p class=\"key faint\"><i class=\"written\"></i>written<i class=\"skipped\"></i>skipped "
      "(equal already)<i class=\"dropped\"></i>dropped by a rule<i class=\"failed\"></i>failed</p>\n";
  text += outcome_chart(report);
  text +=
      "<div class=\"wide\"><table>\n<tr><th>type</th><th class=\"n\">read</th><th class=\"n\">written</th>"
      "<th class=\"n\">skipped</th><th class=\"n\">dropped</th><th class=\"n\">failed</th><th class=\"n\">linked</th>"
      "<th class=\"n\">verified</th></tr>\n";
  for (const auto& [type, c] : report.types) {
    text += fmt::format("<tr><td>{}</td>", escape_html(type));
    for (const std::uint64_t n : {c.read, c.written, c.skipped, c.dropped, c.failed, c.linked, c.verified}) {
      text += fmt::format("<td class=\"n\">{}</td>", count_text(n));
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string causes_section(const Context& context) {
  const std::vector<CauseRow> causes = causes_by_count(context.report);
  if (causes.empty()) return std::string();
  std::vector<Bar> bars;
  for (const CauseRow& row : causes) {
    if (bars.size() < 15) bars.push_back({row.type + ": " + row.cause, row.summary.count});
  }
  std::string text = "<h2>Failures by cause</h2>\n" + bar_chart("Failures by cause", bars, "failed");
  text +=
      "<div class=\"wide\"><table>\n<tr><th>type</th><th>cause</th><th class=\"n\">count</th><th>example</th>"
      "<th>what to do</th><th>then</th></tr>\n";
  for (const CauseRow& row : causes) {
    text += fmt::format(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
        escape_html(row.type), escape_html(row.cause), count_text(row.summary.count), escape_html(row.summary.example),
        escape_html(row.summary.advice),
        can_be_retried(context.report) ? escape_html(retry_command(context.options.arguments, row.cause)) : "");
  }
  return text + "</table></div>\n";
}

std::string warnings_section(const Report& report) {
  std::vector<Bar> bars;
  for (const auto& [type, causes] : report.warnings) {
    for (const auto& [cause, count] : causes) bars.push_back({type + ": " + cause, count});
  }
  if (bars.empty()) return std::string();
  return fmt::format("<h2>Warnings</h2>\n<p class=\"faint\">Of records that {}.</p>\n", about_warnings(report)) +
         bar_chart("Warnings by cause", bars, "warned");
}

std::string proof_section(const Context& context) {
  const Report& report = context.report;
  std::string text;
  for (const Check& check : report.checks) {
    if (check.passed) continue;
    text += fmt::format("<p class=\"bad\">✗ {}: {} {}</p>\n", escape_html(check.name), escape_html(check.message),
                        escape_html(check.advice));
  }
  if (!text.empty()) text = "<h2>Checks that did not pass</h2>\n" + text;
  if (const std::string files = attachments_text(report); !files.empty())
    text += fmt::format("<h2>Attachments</h2>\n<p>{}.</p>\n", files);
  if (const std::string orphans = orphans_text(report); !orphans.empty())
    text += fmt::format("<h2>Orphaned items</h2>\n<p>{}.</p>\n", orphans);
  if (report.rollback) {
    text += fmt::format("<h2>Rollback</h2>\n<p>{}.</p>\n", undone_text(*report.rollback));
  }
  if (report.preview) text += fmt::format("<h2>Preview</h2>\n<p>{}.</p>\n", preview_text(*report.preview));
  if (!report.verification) return text;
  const Report::Verification& verification = *report.verification;
  if (!report.preview)
    text += fmt::format("<h2>Verification</h2>\n<p>Level {}: {}.</p>\n", escape_html(verification.level),
                        verification_text(verification));
  if (verification.examples.empty()) return text;
  text += "<div class=\"wide\"><table>\n<tr><th>record</th><th>field</th><th>expected</th><th>found</th><th></th></tr>\n";
  const std::size_t listed = std::min(verification.examples.size(), context.options.max_listed);
  for (std::size_t i = 0; i < listed; ++i) {
    const Finding& finding = verification.examples[i];
    text += fmt::format("<tr><td>{} {}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        escape_html(finding.record.type), escape_html(finding.record.id), escape_html(finding.field),
                        escape_html(finding.expected), escape_html(finding.found), escape_html(finding.message));
  }
  text += "</table></div>\n";
  const std::uint64_t all = std::max<std::uint64_t>(verification.differences, verification.examples.size());
  if (all > listed)
    text += fmt::format(
        "<p><strong>Only the first {} of {} are listed here.</strong> More of them are in "
        "<code>verification-results/{}.json</code>.</p>\n",
        count_text(listed), count_text(all), escape_html(verification.level));
  return text;
}

class HtmlPart final : public Part {
 public:
  explicit HtmlPart(const Context& context)
      : context_(context), file_(context.options.directory / "migration-report.html") {
    file_.write(page_head);
    file_.write(header(context));
    file_.write(types_section(context.report));
    file_.write(causes_section(context));
    file_.write(warnings_section(context.report));
    file_.write(proof_section(context));
  }
  void failure(const Failure& failure) override { row(failure, failure.message); }
  void left_out(const Failure& failure) override { row(failure, "left out by a person: " + failure.message); }
  std::vector<std::filesystem::path> finish() override {
    if (rows_ > 0) file_.write("</table></div>\n");
    if (rows_ > context_.options.max_listed) {
      file_.write(fmt::format(
          "<p><strong>Only the first {} of {} are listed here.</strong> All of them are in "
          "<code>final-migration-report.json</code>.</p>\n",
          count_text(context_.options.max_listed), count_text(rows_)));
    }
    file_.write("</body></html>\n");
    file_.commit();
    return {file_.target()};
  }

 private:
  void row(const Failure& failure, const std::string& message) {
    if (++rows_ > context_.options.max_listed) return;
    if (rows_ == 1) {
      file_.write(
          "<h2>Records that did not arrive</h2>\n<div class=\"wide\"><table>\n<tr><th>type</th><th>id</th><th>cause</th>"
          "<th>what happened</th><th>what to do</th></tr>\n");
    }
    file_.write(fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                            escape_html(failure.record.type), escape_html(failure.record.id),
                            escape_html(failure.cause), escape_html(message), escape_html(failure.advice)));
  }
  const Context& context_;
  AtomicFile file_;
  std::size_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Part> html_part(const Context& context) { return std::make_unique<HtmlPart>(context); }

}  // namespace reporting
MIGRATE_END
