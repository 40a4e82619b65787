// The files that a run leaves for people and for other programs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/pipeline.hpp"
#include "migrate/report.hpp"

MIGRATE_BEGIN

enum class ReportFormat {
  json,          ///< final-migration-report.json
  markdown,      ///< migration-executive-summary.md
  html,          ///< migration-report.html: one file without any external resource
  xlsx,          ///< migration-report.xlsx: sheets Migrated, Unmigrated, Summary
  verification,  ///< verification-results/<level>.json, where the run verified
  mappings       ///< mappings/<type>.json: {"source id": target id}
};
MIGRATE_API std::string_view to_string(ReportFormat format) noexcept;
/// From the names above, and `md`.
MIGRATE_API std::optional<ReportFormat> report_format_from(std::string_view name) noexcept;

/// By command what it was called with: what follows `migrate run`, `migrate verify`, …, as a shell takes it. The commands
/// are "run", "retry", "verify" and "rollback", and "dry_run" for a rehearsal.
using CalledWith = std::map<std::string, std::string>;

struct MIGRATE_API ReportFiles {
  ReportFiles();
  std::filesystem::path directory;
  std::string arguments;               ///< of the commands that the reports recommend; see report_as_text()
  CalledWith called_with;              ///< for the command that goes on; see resume_command()
  std::set<ReportFormat> formats;      ///< default: all
  std::size_t max_rows = 200'000;      ///< rows in each sheet of the workbook; never more than Excel takes
  std::size_t max_listed = 1'000;      ///< failures in the HTML page
};

/// Writes the files under temporary names and renames them, so that a reader sees a whole file or the previous one.
/// Failures and mappings pass one at a time: memory does not grow with their number. A target that cannot be read any
/// more costs the lists of what arrived, with a note, and nothing else. Returns the files. Throws Error(internal)
/// with cause "file" when one cannot be written.
MIGRATE_API awaitable<std::vector<std::filesystem::path>> write_reports(Report report, Pipeline pipeline,
                                                                        ReportFiles options);

/// The content of final-migration-report.json without its failures: what programs ask of a finished run.
MIGRATE_API Value report_as_json(const Report& report, const std::string& arguments = std::string());

/// The summary that a terminal shows: what arrived per type, failures by cause with example, advice and how to retry
/// them, warnings, verification. Plain text, ends with a line feed. `arguments` is what follows `migrate run` or
/// `migrate retry`, as a shell takes it: the migration file and options; empty: "FILE".
MIGRATE_API std::string report_as_text(const Report& report, const std::string& arguments = std::string());
/// The command that goes on with what `mode` (Report::mode) had begun: as it was called, or with `arguments` and the mode
/// where that is not known. With other options it might go on with something else.
MIGRATE_API std::string resume_command(std::string_view mode, const std::string& arguments,
                                       const CalledWith& called_with = CalledWith());
/// `word` as one argument of a POSIX shell.
MIGRATE_API std::string shell_word(std::string_view word);

MIGRATE_END
