// The folder of one migration: where its state and its files are, and what a run writes there while it goes on.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/report.hpp"

MIGRATE_BEGIN

class MIGRATE_API WorkingDirectory {
 public:
  /// Touches nothing.
  explicit WorkingDirectory(std::filesystem::path path);
  /// Makes the folder. Throws Error(invalid), cause "working_dir", when that fails or nobody can write there.
  void create() const;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path database() const { return path_ / "migration.db"; }
  std::filesystem::path status_file() const { return path_ / "migration-status.json"; }
  std::filesystem::path log_file() const { return path_ / "migration-log.jsonl"; }
  std::filesystem::path checkpoint_file() const { return path_ / "migration-checkpoint.json"; }

  /// Asks the process that runs here to stop; it looks at least once a second. Throws Error when there is no folder.
  void request_stop() const;
  bool stop_requested() const;
  /// Whether there is a request that is no older than `time`.
  bool stop_requested_since(std::filesystem::file_time_type time) const;
  void clear_stop() const;

  /// migration-status.json, with `status` "interrupted" where its process is gone. Nothing when no run has been here.
  /// Throws Error(invalid) when the file is not ours.
  std::optional<Value> read_status() const;

 private:
  std::filesystem::path path_;
};

/// What a person wants to know of a run that goes on.
struct MIGRATE_API Progress {
  std::string migration, status;
  std::optional<Phase> phase;
  std::map<std::string, Counters> types;
  std::optional<std::uint64_t> expected;   ///< records, of the whole run
  std::uint64_t done = 0;                  ///< records read, of the whole run
  double rate = 0;                         ///< records a second of late
  std::optional<std::chrono::seconds> eta;
  std::chrono::milliseconds elapsed{0};
  std::uint64_t failures = 0;
  Counters total() const;
};

/// "import  45.0 %  12,300 of 27,333  4,100/s  3.6 s left  2 failed"
MIGRATE_API std::string one_line(const Progress& progress);

/// Keeps migration-status.json, migration-log.jsonl and migration-checkpoint.json of one run, on a thread of its own,
/// so that the status is fresh while a batch takes long; that thread also turns `migrate stop` into a stop request. All
/// members may be called from any thread. A file that cannot be written any more (a full disk) does not disturb the
/// run: trouble() tells.
class MIGRATE_API RunRecorder final : public Observer {
 public:
  /// Make it when the store is open, for that excludes a second run in the folder. `stop` is asked to stop when the
  /// folder says so; a request that is older than `began` is forgotten (default: each that is there already).
  RunRecorder(WorkingDirectory directory, std::stop_source stop,
              std::filesystem::file_time_type began = std::filesystem::file_time_type::max());
  ~RunRecorder() override;

  void on_start(const Report& report, std::optional<std::uint64_t> expected_records) override;
  void on_phase(Phase phase) override;
  void on_phase_done(Phase phase, const Report& report) override;
  void on_progress(const Report& report) override;
  void on_failure(const Failure& failure) override;
  void on_retry(const RecordRef& record, int attempt, std::chrono::milliseconds wait, const Error& error) override;
  /// The last word of the run; also removes the stop request.
  void finish(const Report& report);

  /// The options by command, which go into the status as `calledWith`: so it is known also of a killed run which command
  /// goes on with it. See resume_command(); before on_start().
  void note_call(std::map<std::string, std::string> called_with);

  /// One line of migration-log.jsonl. Fits Services::log.
  void log(LogLevel level, std::string_view who, std::string_view what);
  Progress progress() const;
  std::string trouble() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

MIGRATE_END
