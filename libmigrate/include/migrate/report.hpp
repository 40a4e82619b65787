// What a run tells: counters, failures, warnings, and the observer that hears of them as they happen.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"
#include "migrate/services.hpp"
#include "migrate/sink.hpp"

MIGRATE_BEGIN

/// In the order in which a run goes through them; the names are those of the status file and of --skip-phases.
enum class Phase { pre_validation, extraction, transformation, import, linking, verification, post_migration, rollback };
MIGRATE_API std::string_view to_string(Phase phase) noexcept;
MIGRATE_API std::optional<Phase> phase_from(std::string_view name) noexcept;

/// Per type. At the end of every run: read = written + skipped + dropped + failed. `read` of a type that a transformer
/// derives counts the derived records of units that went through.
struct Counters {
  std::uint64_t read = 0, transformed = 0, written = 0, skipped = 0, dropped = 0, failed = 0;
  std::uint64_t linked = 0, verified = 0, removed = 0;
  std::uint64_t files = 0, files_written = 0;  ///< attachments of the items that were read, and those that arrived
  MIGRATE_API Counters& operator+=(const Counters& other);
  bool balanced() const noexcept { return read == written + skipped + dropped + failed; }
};

/// One failed record, as Table::failed keeps it.
struct Failure {
  RecordRef record;
  Phase phase = Phase::import;
  std::string cause, message, advice;
  int attempts = 1;
  bool skipped_by_person = false;  ///< left out in an interactive run; not counted as failed
  Value data;                      ///< the source record where the source cannot fetch() it again
};

enum class Status {
  done,              ///< everything that was read arrived
  done_with_failures,
  differences,       ///< verification found differences
  stopped,           ///< asked to stop; the state is saved
  broken_off,        ///< the endpoint's or our own trouble; the state is valid
  preflight_failed
};
MIGRATE_API std::string_view to_string(Status status) noexcept;

/// Failures of one cause, for triage.
struct CauseSummary {
  std::uint64_t count = 0;
  std::string example;  ///< "type id: message"
  std::string advice;
};

/// Small whatever the size of the migration: failures themselves are read from the store (for_each_failure).
struct Report {
  Report() = default;
  std::string migration, state_id, mode;
  std::uint64_t run = 0;
  Status status = Status::done;
  std::chrono::system_clock::time_point started, finished;
  std::chrono::milliseconds elapsed{0};  ///< of all attempts at this run, without the time between them
  std::map<std::string, Counters> types;
  std::map<std::string, std::map<std::string, std::uint64_t>> warnings;  ///< type, cause
  std::map<std::string, std::map<std::string, CauseSummary>> causes;     ///< type, cause
  std::vector<Check> checks;
  std::vector<Phase> completed;
  struct Verification {
    std::string level;
    std::uint64_t checked = 0;      ///< counts, existences and contents
    std::uint64_t compared = 0;     ///< records whose whole content was
    std::uint64_t records = 0;      ///< of how many: a level other than comprehensive compares a sample
    std::uint64_t differences = 0;
    std::vector<Finding> examples;  ///< the first 1,000
  };
  std::optional<Verification> verification;
  /// Of a dry run: what a run would do with the records that the transformers have made.
  struct Preview {
    std::uint64_t create = 0, change = 0, unchanged = 0;
    std::uint64_t refuse = 0;  ///< units, as the counter `failed`
  };
  std::optional<Preview> preview;
  std::optional<UndoResult> rollback;
  std::uint64_t orphans_cleaned = 0;  ///< items that this run had begun, or found half made, and has taken back
  std::uint64_t orphans_removed = 0;  ///< over all runs, by remove_orphans()
  std::optional<Error> fatal;

  MIGRATE_API Counters total() const;
};

/// Hears of a run as it goes; called on the run's strand and must return quickly. Every default does nothing.
class MIGRATE_API Observer {
 public:
  virtual ~Observer();
  virtual void on_start(const Report& report, std::optional<std::uint64_t> expected_records);
  virtual void on_phase(Phase phase);
  virtual void on_phase_done(Phase phase, const Report& report);
  /// After every committed batch, and after each item; the report is the state of the whole run so far.
  virtual void on_progress(const Report& report);
  virtual void on_failure(const Failure& failure);
  virtual void on_retry(const RecordRef& record, int attempt, std::chrono::milliseconds wait, const Error& error);
};

MIGRATE_END
