#include <fmt/format.h>
#include <xlsxwriter.h>

#include <algorithm>

#include "atomic_file.hpp"
#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN
namespace reporting {

namespace {

constexpr std::size_t excel_rows = 1'048'576, excel_cell = 32'767;
/// Room for the heading and for the note that rows were left out.
constexpr std::size_t most_rows = excel_rows - 2;
constexpr std::int64_t exact_in_excel = std::int64_t(1) << 53;

/// One worksheet, written from the top down: a row that is finished has left memory.
class Sheet {
 public:
  Sheet(lxw_workbook* book, const char* name, lxw_format* bold)
      : sheet_(workbook_add_worksheet(book, name)), bold_(bold) {
    worksheet_ignore_errors(sheet_, LXW_IGNORE_NUMBER_STORED_AS_TEXT, "A1:XFD1048576");
  }
  void columns(const std::vector<std::pair<const char*, double>>& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto column = static_cast<lxw_col_t>(i);
      worksheet_set_column(sheet_, column, column, columns[i].second, nullptr);
      worksheet_write_string(sheet_, row_, column, columns[i].first, bold_);
    }
    worksheet_freeze_panes(sheet_, 1, 0);
    ++row_;
  }
  void width(lxw_col_t column, double width) { worksheet_set_column(sheet_, column, column, width, nullptr); }
  Sheet& text(std::string_view text, bool bold = false) {
    // libxlsxwriter refuses longer cells whole; its limit counts characters, bytes are on the safe side.
    const std::string cell = shortened(clean_utf8(text), excel_cell);
    worksheet_write_string(sheet_, row_, column_++, cell.c_str(), bold ? bold_ : nullptr);
    return *this;
  }
  Sheet& number(double value) {
    worksheet_write_number(sheet_, row_, column_++, value, nullptr);
    return *this;
  }
  Sheet& count(std::uint64_t value) { return number(static_cast<double>(value)); }
  Sheet& value(const Value& value) {
    // An Excel number is a double: a longer id would arrive rounded.
    if (const auto* integer = value.if_int64(); integer && *integer < exact_in_excel && *integer > -exact_in_excel) {
      return number(static_cast<double>(*integer));
    }
    return text(plain_text(value));
  }
  void end_row() {
    ++row_;
    column_ = 0;
  }

 private:
  lxw_worksheet* sheet_;
  lxw_format* bold_;
  lxw_row_t row_ = 0;
  lxw_col_t column_ = 0;
};

class XlsxPart final : public Part {
 public:
  explicit XlsxPart(const Context& context)
      : context_(context),
        file_(context.options.directory / "migration-report.xlsx"),
        limit_(std::min(context.options.max_rows, most_rows)) {
    file_.hand_over();
    temporary_folder_ = context.options.directory.string();
    name_ = file_.temporary().string();
    lxw_workbook_options options{};
    options.constant_memory = LXW_TRUE;
    options.tmpdir = temporary_folder_.empty() ? nullptr : temporary_folder_.data();
    book_ = workbook_new_opt(name_.c_str(), &options);
    if (!book_) throw Error(ErrorKind::internal, "file", file_.target().string() + " cannot be written: out of memory");
    bold_ = workbook_add_format(book_);
    format_set_bold(bold_);
    migrated_.emplace(book_, "Migrated", bold_);
    migrated_->columns({{"type", 20}, {"source id", 24}, {"target id", 24}});
    unmigrated_.emplace(book_, "Unmigrated", bold_);
    unmigrated_->columns({{"type", 20}, {"id", 24}, {"cause", 24}, {"message", 70}, {"what to do", 60}});
    summary_.emplace(book_, "Summary", bold_);
  }
  ~XlsxPart() override {
    // Only workbook_close() frees the workbook; what it writes on this path is removed with the temporary file.
    if (book_) workbook_close(book_);
  }

  void failure(const Failure& failure) override {
    last_failed_ = failure.record;
    unmigrated(failure, failure.message);
  }
  void left_out(const Failure& failure) override { unmigrated(failure, "left out by a person: " + failure.message); }
  void mapping(const Mapping& mapping) override {
    if (++migrated_rows_ > limit_) return;
    migrated_->text(mapping.type).text(mapping.source_id).value(mapping.target_id).end_row();
  }
  void mapping_trouble(const Error& error) override {
    migrated_->text(fmt::format("The rest could not be read from the target: {}", error.what()), true).end_row();
  }

  std::vector<std::filesystem::path> finish() override {
    note(*migrated_, migrated_rows_, "mappings/<type>.json");
    note(*unmigrated_, unmigrated_rows_, "final-migration-report.json");
    note_refusals();
    write_summary();
    lxw_workbook* book = std::exchange(book_, nullptr);
    const lxw_error code = workbook_close(book);
    if (code != LXW_NO_ERROR) {
      throw Error(ErrorKind::internal, "file",
                  fmt::format("{} cannot be written: {}", file_.target().string(), lxw_strerror(code)))
          .with_advice("Check that there is space on that disk, then repeat the command.");
    }
    file_.commit();
    return {file_.target()};
  }

 private:
  void unmigrated(const Failure& failure, const std::string& message) {
    if (++unmigrated_rows_ > limit_) return;
    unmigrated_->text(failure.record.type)
        .text(failure.record.id)
        .text(failure.cause)
        .text(message)
        .text(failure.advice)
        .end_row();
  }
  void note(Sheet& sheet, std::size_t rows, const char* where) const {
    if (rows <= limit_) return;
    sheet
        .text(fmt::format("Only the first {} of {} rows are listed here; all of them are in {}.", count_text(limit_),
                          count_text(rows), where),
              true)
        .end_row();
  }
  /// What a rehearsal does not list itself cannot be listed here.
  void note_refusals() {
    const std::uint64_t all = context_.report.total().failed;
    if (!is_rehearsal(context_.report) || all <= unmigrated_rows_) return;
    unmigrated_
        ->text(fmt::format("Only the first {} of {} records are listed here; all of them are in migration-log.jsonl.",
                           count_text(unmigrated_rows_), count_text(all)),
               true)
        .end_row();
  }
  void write_summary();

  const Context& context_;
  AtomicFile file_;
  std::size_t limit_;
  std::string name_, temporary_folder_;
  lxw_workbook* book_ = nullptr;
  lxw_format* bold_ = nullptr;
  std::optional<Sheet> migrated_, unmigrated_, summary_;
  std::size_t migrated_rows_ = 0, unmigrated_rows_ = 0;
  RecordRef last_failed_;
};

void XlsxPart::write_summary() {
  const Report& report = context_.report;
  const Counters total = report.total();
  Sheet& sheet = *summary_;
  sheet.width(0, 26);
  sheet.width(1, 30);
  const auto line = [&](std::string_view name, std::string_view text) { sheet.text(name, true).text(text).end_row(); };
  line("Migration", report.migration);
  line("Status", headline(report));
  line("Mode", report.mode);
  line("Started", iso_time(report.started));
  line("Finished", iso_time(report.finished));
  line("Time at work", duration_text(report.elapsed));
  sheet.text("Total processed", true).count(total.read).end_row();
  sheet.text("Migrated", true).count(arrived(report)).end_row();
  if (const std::uint64_t count = reporting::left_out(report))
    sheet.text("Left out by a person", true).count(count).end_row();
  sheet.text("Failed", true).count(total.failed).end_row();
  line("Success rate", percent_text(arrived(report), total.read));
  if (total.files) {
    sheet.text("Attachments", true).count(total.files).end_row();
    sheet.text(report.rollback ? "Attachments arrived, before the rollback" : "Attachments arrived", true);
    sheet.count(total.files_written).end_row();
    if (!report.rollback) line("Attachment success rate", percent_text(total.files_written, total.files));
  }
  if (total.files || report.orphans_cleaned || report.orphans_removed) {
    sheet.text("Orphans cleaned up", true).count(report.orphans_cleaned).end_row();
    sheet.text("Orphans removed", true).count(report.orphans_removed).end_row();
  }
  line("Last failed", last_failed_.type.empty() ? "none" : last_failed_.type + " " + last_failed_.id);
  if (report.fatal) line("Why it ended", report.fatal->what());

  sheet.end_row();
  for (const char* name : {"type", "read", "written", "skipped", "dropped", "failed", "linked", "verified"}) {
    sheet.text(name, true);
  }
  sheet.end_row();
  for (const auto& [type, c] : report.types) {
    sheet.text(type);
    for (const std::uint64_t n : {c.read, c.written, c.skipped, c.dropped, c.failed, c.linked, c.verified}) {
      sheet.count(n);
    }
    sheet.end_row();
  }
  const std::vector<CauseRow> causes = causes_by_count(report);
  if (!causes.empty()) {
    sheet.end_row();
    sheet.text("type", true).text("cause of failure", true).text("count", true).text("what to do", true).end_row();
    for (const CauseRow& row : causes) {
      sheet.text(row.type).text(row.cause).count(row.summary.count).text(row.summary.advice).end_row();
    }
  }
  if (!report.warnings.empty()) {
    sheet.end_row();
    sheet.text("type", true).text("warning", true).text("count", true).end_row();
    for (const auto& [type, by_cause] : report.warnings) {
      for (const auto& [cause, count] : by_cause) sheet.text(type).text(cause).count(count).end_row();
    }
  }
}

}  // namespace

std::unique_ptr<Part> xlsx_part(const Context& context) { return std::make_unique<XlsxPart>(context); }

}  // namespace reporting
MIGRATE_END
