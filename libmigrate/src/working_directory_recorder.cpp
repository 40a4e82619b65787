#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>

#include "atomic_file.hpp"
#include "migrate/report_writer.hpp"
#include "migrate/working_directory.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds tick{250}, status_interval{500};
constexpr std::size_t last_errors_kept = 10;

/// Records a second over the last half minute: what counts for the time that is left.
class RateMeter {
 public:
  void restart(std::uint64_t done) {
    samples_.assign(1, {Steady::now(), done});
  }
  void note(std::uint64_t done) {
    const auto now = Steady::now();
    if (!samples_.empty() && now - samples_.back().first < tick && samples_.size() > 1) samples_.pop_back();
    samples_.emplace_back(now, done);
    while (samples_.size() > 2 && now - samples_.front().first > std::chrono::seconds(30)) samples_.pop_front();
  }
  double rate() const {
    if (samples_.empty()) return 0;
    const auto [since, before] = samples_.front();
    const std::uint64_t done = samples_.back().second;
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - since);
    return done <= before ? 0 : reporting::rate_of(done - before, passed);
  }

 private:
  std::deque<std::pair<Steady::time_point, std::uint64_t>> samples_;
};

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

Object counters_as_json(const std::map<std::string, Counters>& types) {
  Object object;
  for (const auto& [type, c] : types) {
    object[type] = {{"read", c.read},       {"transformed", c.transformed}, {"written", c.written},
                    {"skipped", c.skipped}, {"dropped", c.dropped},         {"failed", c.failed},
                    {"linked", c.linked},   {"verified", c.verified}};
  }
  return object;
}

Array phases_as_json(const std::vector<Phase>& phases) {
  Array list;
  for (Phase phase : phases) list.emplace_back(to_string(phase));
  return list;
}

}  // namespace

Counters Progress::total() const {
  Counters sum;
  for (const auto& [type, counters] : types) sum += counters;
  return sum;
}

std::string one_line(const Progress& progress) {
  std::string line(progress.phase ? to_string(*progress.phase) : std::string_view("starting"));
  // Only these phases walk through the records that `done` counts.
  const bool counts = !progress.phase || *progress.phase == Phase::import || *progress.phase == Phase::transformation ||
                      *progress.phase == Phase::extraction;
  if (!counts) return line + "  " + reporting::duration_text(progress.elapsed);
  if (progress.expected && *progress.expected > 0) {
    line += fmt::format("  {}  {} of {}", reporting::percent_text(progress.done, *progress.expected),
                        reporting::count_text(progress.done), reporting::count_text(*progress.expected));
  } else {
    line += fmt::format("  {} records", reporting::count_text(progress.done));
  }
  line += fmt::format("  {}/s", reporting::count_text(static_cast<std::uint64_t>(progress.rate + 0.5)));
  if (progress.eta) line += "  " + reporting::duration_text(*progress.eta) + " left";
  if (progress.failures > 0) line += fmt::format("  {} failed", reporting::count_text(progress.failures));
  return line;
}

class RunRecorder::State {
 public:
  State(WorkingDirectory folder, std::stop_source stop_source, std::filesystem::file_time_type began)
      : directory(std::move(folder)), stop(std::move(stop_source)) {
    directory.create();
    if (std::ifstream in(directory.status_file(), std::ios::binary); in)
      status_before.emplace(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    const bool asked = directory.stop_requested_since(began);
    if (!asked) directory.clear_stop();
    log_file = std::fopen(directory.log_file().c_str(), "abe");
    if (!log_file) trouble = fmt::format("{} cannot be opened", directory.log_file().string());
    if (asked) {
      write_line({{"event", "stop_requested"}});
      stop.request_stop();
    }
    beat = std::jthread([this](std::stop_token ended) { run(ended); });
  }
  ~State() {
    beat.request_stop();
    if (beat.joinable()) beat.join();
    if (log_file) std::fclose(log_file);
  }

  // The members below expect the mutex to be held.

  void take(const Report& report) {
    migration = report.migration;
    state_id = report.state_id;
    mode = report.mode;
    run_number = report.run;
    started = report.started;
    elapsed = report.elapsed;
    types = report.types;
    completed = report.completed;
    done = report.total().read;
  }
  void write_line(Object line) {
    if (!log_file) return;
    Object stamped{{"time", reporting::iso_time(std::chrono::system_clock::now())}};
    for (auto& [key, value] : line) stamped[key] = std::move(value);
    const std::string text = boost::json::serialize(stamped) + "\n";
    if (std::fwrite(text.data(), 1, text.size(), log_file) != text.size()) {
      trouble = fmt::format("{} cannot be written: the disk may be full", directory.log_file().string());
    }
  }
  void note_error(Object error) {
    last_errors.push_back(std::move(error));
    if (last_errors.size() > last_errors_kept) last_errors.pop_front();
  }
  std::optional<std::chrono::seconds> eta() const {
    const double rate = meter.rate();
    if (!expected || rate <= 0 || status != "running") return std::nullopt;
    const double left = *expected > done ? static_cast<double>(*expected - done) : 0;
    return std::chrono::seconds(static_cast<std::int64_t>(left / rate));
  }
  std::chrono::milliseconds time_at_work() const {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - attempt_started);
    return status == "running" ? std::max(elapsed, since) : elapsed;
  }
  Object as_json() const {
    const double rate = status == "running" ? meter.rate() : reporting::rate_of(done, elapsed);
    const auto left = eta();
    Array errors;
    for (const Object& error : last_errors) errors.push_back(error);
    Object calls;
    for (const auto& [command, words] : called_with) calls[command] = reporting::clean_utf8(words);
    return {{"migration", migration},
            {"migrationId", state_id},
            {"run", run_number},
            {"mode", mode},
            {"status", status},
            {"phase", phase ? Value(to_string(*phase)) : Value()},
            {"completedPhases", phases_as_json(completed)},
            {"pid", static_cast<std::int64_t>(::getpid())},
            {"host", host_name()},
            {"started", reporting::iso_time(started)},
            {"updated", reporting::iso_time(std::chrono::system_clock::now())},
            {"elapsed_ms", static_cast<std::int64_t>(time_at_work().count())},
            {"expected", expected ? Value(*expected) : Value()},
            {"done", done},
            {"rate", rate},
            {"eta_seconds", left ? Value(static_cast<std::int64_t>(left->count())) : Value()},
            {"types", counters_as_json(types)},
            {"failures", failures},
            {"lastErrors", std::move(errors)},
            {"calledWith", std::move(calls)}};
  }
  void write_status() {
    if (status.empty()) return;
    put(directory.status_file(), as_json());
    last_status = Steady::now();
    if (log_file && std::fflush(log_file) != 0) {
      trouble = fmt::format("{} cannot be written: the disk may be full", directory.log_file().string());
    }
  }
  bool rehearses() const { return mode == to_string(Mode::dry_run); }
  /// A rehearsal must not pass for what really happened, once it is over.
  void put_back_status() {
    if (!status_before) return;
    try {
      write_file_atomically(directory.status_file(), *status_before);
    } catch (const Error& error) {
      trouble = error.what();
    }
  }
  void write_checkpoint(Phase last) {
    if (rehearses()) return;
    Object state{{"status", status},  {"mode", mode},
                 {"run", run_number}, {"completedPhases", phases_as_json(completed)},
                 {"done", done},      {"types", counters_as_json(types)}};
    put(directory.checkpoint_file(), {{"migrationId", state_id},
                                      {"lastCompletedPhase", to_string(last)},
                                      {"timestamp", reporting::iso_time(std::chrono::system_clock::now())},
                                      {"migrationState", std::move(state)}});
  }
  void put(const std::filesystem::path& file, const Object& object) {
    try {
      write_file_atomically(file, boost::json::serialize(object) + "\n");
    } catch (const Error& error) {
      trouble = error.what();
    }
  }

  void run(std::stop_token ended) {
    std::unique_lock lock(mutex);
    while (!ended.stop_requested()) {
      wake.wait_for(lock, ended, tick, [] { return false; });
      if (Steady::now() - last_status >= status_interval && status == "running") write_status();
      if (directory.stop_requested() && !stop.stop_requested()) {
        write_line({{"event", "stop_requested"}});
        lock.unlock();
        stop.request_stop();
        lock.lock();
      }
    }
  }

  WorkingDirectory directory;
  std::stop_source stop;
  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::FILE* log_file = nullptr;
  std::optional<std::string> status_before;
  std::string migration, state_id, mode, status, trouble;
  std::uint64_t run_number = 0, done = 0, failures = 0;
  std::chrono::system_clock::time_point started;
  std::chrono::milliseconds elapsed{0};
  Steady::time_point attempt_started = Steady::now(), last_status{};
  std::map<std::string, Counters> types;
  std::map<std::string, std::string> called_with;
  std::vector<Phase> completed;
  std::optional<Phase> phase;
  std::optional<std::uint64_t> expected;
  std::deque<Object> last_errors;
  RateMeter meter;
  std::jthread beat;  // last: it uses all of the above
};

RunRecorder::RunRecorder(WorkingDirectory directory, std::stop_source stop, std::filesystem::file_time_type began)
    : state_(std::make_unique<State>(std::move(directory), std::move(stop), began)) {}
RunRecorder::~RunRecorder() = default;

void RunRecorder::on_start(const Report& report, std::optional<std::uint64_t> expected_records) {
  const std::lock_guard lock(state_->mutex);
  // Called again when the number of records becomes known.
  const bool first = state_->status.empty();
  state_->status = "running";
  state_->attempt_started = Steady::now() - report.elapsed;
  state_->expected = expected_records;
  state_->take(report);
  state_->meter.restart(state_->done);
  if (first) state_->write_line({{"event", "start"},
                      {"migration", report.migration},
                      {"migrationId", report.state_id},
                      {"run", report.run},
                      {"mode", report.mode},
                      {"done_before", state_->done}});
  state_->write_status();
}

void RunRecorder::on_phase(Phase phase) {
  const std::lock_guard lock(state_->mutex);
  state_->phase = phase;
  state_->write_line({{"event", "phase"}, {"phase", to_string(phase)}});
  state_->write_status();
}

void RunRecorder::on_phase_done(Phase phase, const Report& report) {
  const std::lock_guard lock(state_->mutex);
  state_->take(report);
  if (std::find(state_->completed.begin(), state_->completed.end(), phase) == state_->completed.end()) {
    state_->completed.push_back(phase);
  }
  state_->write_line({{"event", "phase_done"}, {"phase", to_string(phase)}, {"done", state_->done}});
  state_->write_checkpoint(phase);
  state_->write_status();
}

void RunRecorder::on_progress(const Report& report) {
  const std::lock_guard lock(state_->mutex);
  state_->take(report);
  state_->meter.note(state_->done);
  if (Steady::now() - state_->last_status >= status_interval) state_->write_status();
}

void RunRecorder::on_failure(const Failure& failure) {
  const std::lock_guard lock(state_->mutex);
  if (!failure.skipped_by_person) ++state_->failures;
  Object line{{"type", reporting::clean_utf8(failure.record.type)},
              {"id", reporting::clean_utf8(failure.record.id)},
              {"phase", to_string(failure.phase)},
              {"cause", reporting::clean_utf8(failure.cause)},
              {"message", reporting::clean_utf8(failure.message)}};
  if (!failure.skipped_by_person) state_->note_error(line);
  Object logged{{"event", failure.skipped_by_person ? "left_out" : "failure"}};
  for (auto& [key, value] : line) logged[key] = std::move(value);
  logged["advice"] = reporting::clean_utf8(failure.advice);
  logged["attempts"] = failure.attempts;
  state_->write_line(std::move(logged));
}

void RunRecorder::on_retry(const RecordRef& record, int attempt, std::chrono::milliseconds wait, const Error& error) {
  const std::lock_guard lock(state_->mutex);
  state_->write_line({{"event", "retry"},
                      {"type", reporting::clean_utf8(record.type)},
                      {"id", reporting::clean_utf8(record.id)},
                      {"attempt", attempt},
                      {"wait_ms", static_cast<std::int64_t>(wait.count())},
                      {"cause", reporting::clean_utf8(error.cause)},
                      {"message", reporting::clean_utf8(error.what())}});
}

void RunRecorder::finish(const Report& report) {
  const std::lock_guard lock(state_->mutex);
  state_->take(report);
  state_->status = to_string(report.status);
  if (report.fatal) {
    state_->note_error({{"cause", reporting::clean_utf8(report.fatal->cause)},
                        {"message", reporting::clean_utf8(report.fatal->what())},
                        {"advice", reporting::clean_utf8(report.fatal->advice)}});
  }
  state_->write_line({{"event", "end"},
                      {"status", to_string(report.status)},
                      {"message", report.fatal ? Value(reporting::clean_utf8(report.fatal->what())) : Value()},
                      {"types", counters_as_json(state_->types)},
                      {"elapsed_ms", static_cast<std::int64_t>(report.elapsed.count())}});
  state_->write_status();
  if (state_->rehearses()) state_->put_back_status();
  if (!state_->completed.empty()) state_->write_checkpoint(state_->completed.back());
  state_->directory.clear_stop();
}

void RunRecorder::note_call(std::map<std::string, std::string> called_with) {
  const std::lock_guard lock(state_->mutex);
  state_->called_with = std::move(called_with);
}

void RunRecorder::log(LogLevel level, std::string_view who, std::string_view what) {
  constexpr std::string_view names[] = {"debug", "info", "warning", "error"};
  const std::lock_guard lock(state_->mutex);
  state_->write_line({{"event", "log"},
                      {"level", names[static_cast<std::size_t>(level)]},
                      {"who", reporting::clean_utf8(who)},
                      {"message", reporting::clean_utf8(what)}});
}

Progress RunRecorder::progress() const {
  const std::lock_guard lock(state_->mutex);
  Progress progress;
  progress.migration = state_->migration;
  progress.status = state_->status;
  progress.phase = state_->phase;
  progress.types = state_->types;
  progress.expected = state_->expected;
  progress.done = state_->done;
  progress.rate = state_->meter.rate();
  progress.eta = state_->eta();
  progress.elapsed = state_->time_at_work();
  progress.failures = state_->failures;
  return progress;
}

std::string RunRecorder::trouble() const {
  const std::lock_guard lock(state_->mutex);
  return state_->trouble;
}

MIGRATE_END
