// One part a file (or folder of files) of the reports; report_writer.cpp feeds them all in one pass.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "migrate/report_writer.hpp"

MIGRATE_BEGIN
namespace reporting {

struct Context {
  Report report;
  ReportFiles options;
  bool mapped = false;  ///< the parts get the mappings
};

/// All failures come first, then what a person left out, then the mappings, then finish().
class Part {
 public:
  virtual ~Part() = default;
  virtual void failure(const Failure&) {}
  virtual void left_out(const Failure&) {}
  virtual void mapping(const Mapping&) {}
  /// The mappings could not be read to their end.
  virtual void mapping_trouble(const Error&) {}
  /// Makes the file appear; returns what was written.
  virtual std::vector<std::filesystem::path> finish() = 0;
};

// `context` outlives the part.
std::unique_ptr<Part> json_part(const Context& context);
std::unique_ptr<Part> markdown_part(const Context& context);
std::unique_ptr<Part> html_part(const Context& context);
std::unique_ptr<Part> xlsx_part(const Context& context);
std::unique_ptr<Part> verification_part(const Context& context);
std::unique_ptr<Part> mappings_part(const Context& context);

/// What stands in Report::causes for records that a person has left out: they have not arrived, and have not failed.
inline constexpr const char* cause_of_person = "skipped_by_person";

/// The check in Report::checks that names the records which a run was about, where it was not about all of them.
inline constexpr const char* chosen_records = "run: chosen records";

/// The causes of failure of all types, most frequent first.
struct CauseRow {
  std::string type, cause;
  CauseSummary summary;
};
std::vector<CauseRow> causes_by_count(const Report& report);
std::uint64_t warning_count(const Report& report);
Value findings_as_json(const std::vector<Finding>& findings);

/// The charts of the HTML page: SVG elements, coloured by the page's classes.
std::string outcome_chart(const Report& report);
struct Bar {
  std::string label;
  std::uint64_t value = 0;
};
std::string bar_chart(const std::string& title, const std::vector<Bar>& bars, const std::string& colour);

}  // namespace reporting
MIGRATE_END
