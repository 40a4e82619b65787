#include "migrate/report_writer.hpp"

#include <algorithm>

#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN

namespace {

using Parts = std::vector<std::unique_ptr<reporting::Part>>;

std::unique_ptr<reporting::Part> part_of(ReportFormat format, const reporting::Context& context) {
  switch (format) {
    case ReportFormat::json: return reporting::json_part(context);
    case ReportFormat::markdown: return reporting::markdown_part(context);
    case ReportFormat::html: return reporting::html_part(context);
    case ReportFormat::xlsx: return reporting::xlsx_part(context);
    case ReportFormat::verification: return reporting::verification_part(context);
    case ReportFormat::mappings: return reporting::mappings_part(context);
  }
  return nullptr;
}

awaitable<void> feed_failures(std::shared_ptr<CheckpointStore> store, Parts& parts, bool by_person) {
  std::function<void(const Failure&)> each = [&](const Failure& failure) {
    if (failure.skipped_by_person != by_person) return;
    for (auto& part : parts) by_person ? part->left_out(failure) : part->failure(failure);
  };
  co_await for_each_failure(store, each);
}

/// The state has nothing of a rehearsal: what it found comes with its report, as far as that lists it.
void feed_refused(const Report& report, Parts& parts) {
  if (!report.verification) return;
  for (const Finding& finding : report.verification->examples) {
    if (!finding.refused) continue;
    Failure failure;
    failure.record = finding.record;
    failure.phase = Phase::transformation;
    failure.cause = finding.refused->cause;
    failure.message = finding.refused->what();
    failure.advice = finding.refused->advice;
    for (auto& part : parts) part->failure(failure);
  }
}

awaitable<void> feed_mappings(Pipeline pipeline, Parts& parts) {
  std::function<void(const Mapping&)> each = [&](const Mapping& mapping) {
    for (auto& part : parts) part->mapping(mapping);
  };
  std::string every_type;
  std::optional<Error> trouble;
  try {
    co_await for_each_mapping(pipeline, every_type, each);
  } catch (const Error& error) {
    // What we could not write ourselves is no trouble of the target's.
    if (error.cause == "file") throw;
    trouble = error;
  }
  if (trouble) {
    for (auto& part : parts) part->mapping_trouble(*trouble);
  }
}

}  // namespace

std::string_view to_string(ReportFormat format) noexcept {
  switch (format) {
    case ReportFormat::json: return "json";
    case ReportFormat::markdown: return "markdown";
    case ReportFormat::html: return "html";
    case ReportFormat::xlsx: return "xlsx";
    case ReportFormat::verification: return "verification";
    case ReportFormat::mappings: return "mappings";
  }
  return "json";
}

std::optional<ReportFormat> report_format_from(std::string_view name) noexcept {
  if (name == "md") return ReportFormat::markdown;
  for (ReportFormat format : ReportFiles().formats) {
    if (to_string(format) == name) return format;
  }
  return std::nullopt;
}

ReportFiles::ReportFiles()
    : formats{ReportFormat::json, ReportFormat::markdown,     ReportFormat::html,
              ReportFormat::xlsx, ReportFormat::verification, ReportFormat::mappings} {}

awaitable<std::vector<std::filesystem::path>> write_reports(Report report, Pipeline pipeline, ReportFiles options) {
  reporting::Context context;
  context.report = std::move(report);
  context.options = std::move(options);
  const bool lists = context.options.formats.count(ReportFormat::xlsx) != 0 ||
                     context.options.formats.count(ReportFormat::mappings) != 0;
  context.mapped = lists && pipeline.store && pipeline.sink && context.report.mode != to_string(Mode::dry_run);
  Parts parts;
  for (ReportFormat format : context.options.formats) parts.push_back(part_of(format, context));

  if (reporting::is_rehearsal(context.report)) {
    feed_refused(context.report, parts);
  } else if (pipeline.store) {
    co_await feed_failures(pipeline.store, parts, false);
    co_await feed_failures(pipeline.store, parts, true);
  }
  if (context.mapped) co_await feed_mappings(pipeline, parts);
  std::vector<std::filesystem::path> files;
  for (auto& part : parts) {
    for (std::filesystem::path& file : part->finish()) files.push_back(std::move(file));
  }
  co_return files;
}

namespace reporting {

std::vector<CauseRow> causes_by_count(const Report& report) {
  std::vector<CauseRow> rows;
  for (const auto& [type, causes] : report.causes) {
    for (const auto& [cause, summary] : causes)
      if (cause != cause_of_person) rows.push_back({type, cause, summary});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const CauseRow& a, const CauseRow& b) { return a.summary.count > b.summary.count; });
  return rows;
}

std::uint64_t warning_count(const Report& report) {
  std::uint64_t count = 0;
  for (const auto& [type, causes] : report.warnings) {
    for (const auto& [cause, number] : causes) count += number;
  }
  return count;
}

}  // namespace reporting

MIGRATE_END
