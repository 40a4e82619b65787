// The files that a run keeps while it goes on, and how another process asks it to stop.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>

#include "migrate/report_writer.hpp"
#include "migrate/working_directory.hpp"
#include "temporary_folder.hpp"

using namespace migrate;

namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
Object object_in(const std::filesystem::path& file) { return boost::json::parse(content(file)).as_object(); }

std::vector<Object> log_of(const WorkingDirectory& directory) {
  std::vector<Object> lines;
  std::ifstream in(directory.log_file());
  for (std::string line; std::getline(in, line);) lines.push_back(boost::json::parse(line).as_object());
  return lines;
}

Report report_with(std::uint64_t read, std::uint64_t failed) {
  Report report;
  report.migration = "people";
  report.state_id = "people-1";
  report.mode = "full";
  report.run = 3;
  report.types["people"].read = read;
  report.types["people"].failed = failed;
  report.types["people"].written = read - failed;
  return report;
}

Failure failure(const std::string& id) {
  Failure failure;
  failure.record = {"people", id};
  failure.cause = "invalid_date";
  failure.message = "no date: \xE9";  // a byte that is no UTF-8
  return failure;
}

/// Waits for the request itself, not for time.
bool stops(std::stop_source& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  return wake.wait_for(lock, stop.get_token(), std::chrono::seconds(30), [] { return false; }) || stop.stop_requested();
}

}  // namespace

TEST_CASE("status, log and checkpoint follow the run") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path / "deep" / "work");
  RunRecorder recorder(directory, std::stop_source());
  CHECK_FALSE(std::filesystem::exists(directory.status_file()));

  recorder.on_start(report_with(0, 0), 100);
  recorder.on_phase(Phase::import);
  Object status = object_in(directory.status_file());
  CHECK(status.at("status") == "running");
  CHECK(status.at("phase") == "import");
  CHECK(status.at("migrationId") == "people-1");
  CHECK(status.at("expected") == 100);
  CHECK(status.at("pid") == static_cast<std::int64_t>(::getpid()));
  CHECK_FALSE(std::filesystem::exists(directory.checkpoint_file()));

  recorder.on_failure(failure("7"));
  recorder.on_retry({"people", "8"}, 2, std::chrono::milliseconds(500), Error(ErrorKind::transient, "reset"));
  recorder.on_phase_done(Phase::import, report_with(40, 1));
  status = object_in(directory.status_file());
  CHECK(status.at("done") == 40);
  CHECK(status.at("types").at("people").at("failed") == 1);
  CHECK(status.at("lastErrors").at(0).at("id") == "7");
  const Object checkpoint = object_in(directory.checkpoint_file());
  CHECK(checkpoint.at("migrationId") == "people-1");
  CHECK(checkpoint.at("lastCompletedPhase") == "import");
  CHECK(checkpoint.at("migrationState").at("types").at("people").at("read") == 40);
  CHECK_FALSE(checkpoint.at("timestamp").as_string().empty());

  Report last = report_with(100, 1);
  last.status = Status::done_with_failures;
  recorder.finish(last);
  status = object_in(directory.status_file());
  CHECK(status.at("status") == "done_with_failures");
  CHECK(status.at("eta_seconds").is_null());

  std::string events;
  for (const Object& line : log_of(directory)) events += std::string(line.at("event").as_string()) + " ";
  CHECK(events == "start phase failure retry phase_done end ");
  CHECK(recorder.trouble().empty());
}

TEST_CASE("only the last errors stay in the status, all of them in the log") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  {
    RunRecorder recorder(directory, std::stop_source());
    recorder.on_start(report_with(0, 0), std::nullopt);
    for (int i = 1; i <= 1000; ++i) recorder.on_failure(failure(std::to_string(i)));
    recorder.finish(report_with(1000, 1000));
    CHECK(recorder.progress().failures == 1000);
  }
  const Object status = object_in(directory.status_file());
  CHECK(status.at("lastErrors").as_array().size() == 10);
  CHECK(status.at("lastErrors").at(9).at("id") == "1000");
  CHECK(log_of(directory).size() == 1002);
}

TEST_CASE("a second run appends to the log") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  for (int run = 0; run < 2; ++run) {
    RunRecorder recorder(directory, std::stop_source());
    recorder.on_start(report_with(0, 0), std::nullopt);
    recorder.finish(report_with(0, 0));
  }
  CHECK(log_of(directory).size() == 4);
}

TEST_CASE("a stop request of another process reaches the run and is removed at its end") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  directory.request_stop();
  std::stop_source stop;
  RunRecorder recorder(directory, stop);
  CHECK_FALSE(directory.stop_requested());  // that one was for an earlier run
  recorder.on_start(report_with(0, 0), std::nullopt);
  CHECK_FALSE(stop.stop_requested());

  WorkingDirectory(folder.path).request_stop();
  CHECK(stops(stop));
  CHECK(directory.stop_requested());
  recorder.finish(report_with(0, 0));
  CHECK_FALSE(directory.stop_requested());
}

TEST_CASE("a stop request holds that came after the run's program had begun, and before its recorder") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  const auto began = std::filesystem::file_time_type::clock::now();
  directory.request_stop();
  CHECK(directory.stop_requested_since(began));
  std::stop_source stop;
  {
    RunRecorder recorder(directory, stop, began);
    CHECK(stop.stop_requested());
    recorder.finish(report_with(0, 0));
  }
  CHECK_FALSE(directory.stop_requested_since(began));
  directory.request_stop();
  std::stop_source next;
  RunRecorder recorder(directory, next, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(1));
  CHECK_FALSE(directory.stop_requested());
  CHECK_FALSE(next.stop_requested());
}

TEST_CASE("the status of a process that is gone is interrupted") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  CHECK_FALSE(directory.read_status());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ignored{};
  ::waitid(P_PID, static_cast<id_t>(child), &ignored, WEXITED | WNOWAIT);  // it has ended, and nobody has taken note
  {
    RunRecorder recorder(directory, std::stop_source());
    recorder.on_start(report_with(0, 0), std::nullopt);
    CHECK(directory.read_status()->at("status") == "running");
  }
  Object status = object_in(directory.status_file());
  status["pid"] = static_cast<std::int64_t>(child);
  std::ofstream(directory.status_file()) << boost::json::serialize(status);
  CHECK(directory.read_status()->at("status") == "interrupted");
  ::waitpid(child, nullptr, 0);
  CHECK(directory.read_status()->at("status") == "interrupted");

  std::ofstream(directory.status_file()) << "not a status";
  CHECK_THROWS_AS(directory.read_status(), Error);
}

TEST_CASE("a folder that cannot be made is refused by name") {
  TemporaryFolder folder;
  std::ofstream(folder.path / "file") << "x";
  try {
    WorkingDirectory(folder.path / "file").create();
    FAIL("a file was taken for a folder");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK(std::string(error.what()).find((folder.path / "file").string()) != std::string::npos);
    CHECK_FALSE(error.advice.empty());
  }
  CHECK_THROWS_AS(WorkingDirectory(folder.path / "absent").request_stop(), Error);
  CHECK_FALSE(std::filesystem::exists(folder.path / "absent"));
}

TEST_CASE("a full disk does not disturb the run, and is told") {
  if (!std::filesystem::exists("/dev/full")) return;
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  RunRecorder recorder(directory, std::stop_source());
  recorder.on_start(report_with(1, 0), std::nullopt);
  const std::string before = content(directory.status_file());
  std::filesystem::create_symlink("/dev/full", folder.path / "migration-status.json.tmp");
  recorder.on_phase(Phase::import);
  CHECK(recorder.trouble().find("migration-status.json") != std::string::npos);
  CHECK(content(directory.status_file()) == before);
}

TEST_CASE("one line of progress") {
  Progress progress;
  progress.phase = Phase::import;
  progress.done = 12'300;
  progress.expected = 24'600;
  progress.rate = 4'100;
  progress.eta = std::chrono::seconds(3);
  progress.failures = 2;
  CHECK(one_line(progress) == "import  50.0 %  12,300 of 24,600  4,100/s  3.0 s left  2 failed");
}

TEST_CASE("the status tells what commands were called with, and the one that goes on is called the same way") {
  TemporaryFolder folder;
  const WorkingDirectory directory(folder.path);
  const std::map<std::string, std::string> calls{{"run", " --only people --no-rollback"}, {"verify", " --level basic"}};
  {
    RunRecorder recorder(directory, std::stop_source());
    recorder.note_call(calls);
    recorder.on_start(report_with(3, 1), 4);
  }
  const Object status = object_in(directory.status_file());
  CHECK(boost::json::serialize(status.at("calledWith")) ==
        R"({"run":" --only people --no-rollback","verify":" --level basic"})");

  const CalledWith known{{"run", "f.yaml --only people"},
                         {"dry_run", "f.yaml --dry-run --verify basic"},
                         {"verify", "f.yaml --level basic"}};
  for (const char* mode : {"full", "incremental", "test"})
    CHECK(resume_command(mode, "f.yaml", known) == "migrate run f.yaml --only people");
  CHECK(resume_command("dry_run", "f.yaml", known) == "migrate run f.yaml --dry-run --verify basic");
  CHECK(resume_command("verify", "f.yaml", known) == "migrate verify f.yaml --level basic");
  // What is not known is made of the mode.
  CHECK(resume_command("retry", "f.yaml", known) == "migrate retry f.yaml");
  CHECK(resume_command("rollback", "f.yaml", known) == "migrate rollback f.yaml");
  CHECK(resume_command("test", "f.yaml") == "migrate run f.yaml --mode test");
  CHECK(resume_command("dry_run", "f.yaml") == "migrate run f.yaml --dry-run");
  CHECK(resume_command("full", "") == "migrate run FILE");
}
