// The certificates migration, with the real connectors, dies at every statement to the target and every commit of the
// store; started again, it leaves the target row for row, ids included, as an undisturbed run does.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "built_plugins.hpp"
#include "memory_systems.hpp"
#include "migrate/config_file.hpp"
#include "private_postgres.hpp"
#include "shard.hpp"

using namespace migrate;
using testing_systems::Faults;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "migrate-crash-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  std::filesystem::path path;
};

std::filesystem::path legacy_database(const Folder& folder) {
  const std::filesystem::path file = folder.path / "legacy.db";
  const std::string command = std::string(MIGRATE_BINARY_DIR) + "/bin/migrate-certificates-generator --seed 11 --certificates 60 --dirt 25 --out " +
                              file.string() + " > /dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  return file;
}

/// What a target needs to be used again and again.
struct Target {
  std::vector<std::string> options;  ///< for the command line
  std::function<void()> empty;
};

using Rows = std::map<std::string, std::vector<std::string>>;

struct Outcome {
  std::optional<Report> report;  ///< nothing: the process died
  Rows rows;
};

Outcome migrate_once(const Folder& folder, const Target& target, Faults& faults, const char* mode, bool look) {
  FileOverrides overrides;
  overrides.set = {"source.path=" + (folder.path / "legacy.db").string(), "run.batch_size=17", "run.verify=none",
                   std::string("run.mode=") + mode};
  overrides.set.insert(overrides.set.end(), target.options.begin(), target.options.end());
  overrides.working_dir = folder.path / "work";
  std::filesystem::create_directories(folder.path / "work");
  const MigrationFile file =
      parse_migration(std::string(MIGRATE_SOURCE_DIR) + "/examples/drivers/certificates/migration.yaml", built_plugins(), overrides);
  Outcome outcome;
  Services services = faults.services();
  try {
    Pipeline pipeline = make_pipeline(file, built_plugins(), services);
    outcome.report = run_blocking(pipeline, file.run);
    if (!look) return outcome;
    boost::asio::io_context context;
    std::exception_ptr failure;
    const auto reading = [&]() -> awaitable<void> {
      TableSink& sink = *pipeline.sink->as_tables();
      const std::vector<std::string> types = sink.types();
      for (const std::string& type : types) {
        const std::vector<TargetRow> page = co_await sink.list(type, "", 1000, true);
        for (const TargetRow& row : page)
          outcome.rows[type].push_back(row.key + " " + boost::json::serialize(row.id) + " " + boost::json::serialize(row.data));
      }
    };
    boost::asio::co_spawn(context, reading(), [&](std::exception_ptr error) { failure = error; });
    context.run();
    if (failure) std::rethrow_exception(failure);
  } catch (const testing_systems::SimulatedCrash&) {
  }
  return outcome;
}

std::string counts(const Report& report) {
  std::string text;
  for (const auto& [type, c] : report.types)
    text += fmt::format("{} {} {} {} {} {} {}; ", type, c.read, c.written, c.skipped, c.dropped, c.failed, c.linked);
  for (const auto& [type, causes] : report.warnings)
    for (const auto& [cause, count] : causes) text += fmt::format("{} {} {}; ", type, cause, count);
  for (const auto& [type, causes] : report.causes)
    for (const auto& [cause, summary] : causes) text += fmt::format("{} {} {}; ", type, cause, summary.count);
  return text;
}

void matrix(const Folder& folder, const Target& target) {
  const auto clear = [&] {
    std::filesystem::remove_all(folder.path / "work");
    target.empty();
  };
  clear();
  Faults undisturbed;
  const Outcome expected = migrate_once(folder, target, undisturbed, "full", true);
  REQUIRE(expected.report.has_value());
  REQUIRE_MESSAGE(!expected.report->fatal.has_value(), expected.report->fatal->what());
  REQUIRE(expected.report->types.at("certificates").failed > 0);
  REQUIRE(expected.report->types.at("certificates").written > 30);
  const int points = undisturbed.passed;
  REQUIRE(points > 50);
  for (int at = 1; at < points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    clear();
    Faults faults;
    faults.at = at;
    const Outcome dead = migrate_once(folder, target, faults, "full", false);
    INFO("died at point " << at << " of " << points << ": " << faults.points.back());
    REQUIRE_FALSE(dead.report.has_value());
    Faults none;
    const Outcome again = migrate_once(folder, target, none, "full", true);
    REQUIRE(again.report.has_value());
    REQUIRE_MESSAGE(!again.report->fatal.has_value(), again.report->fatal->what());
    for (const auto& table : expected.rows) {
      INFO(table.first);
      REQUIRE(again.rows.at(table.first) == table.second);
    }
    REQUIRE(counts(*again.report) == counts(*expected.report));
  }
}

}  // namespace

TEST_CASE("the certificates survive a death at any point on their way into SQLite") {
  Folder folder;
  legacy_database(folder);
  Target target;
  const std::string file = (folder.path / "target.db").string();
  target.options = {"sink.path=" + file};
  target.empty = [&] {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(file + suffix);
  };
  matrix(folder, target);
}

TEST_CASE("the certificates survive a death at any point on their way into PostgreSQL") {
  if (const auto why = testing_support::PrivatePostgres::why_not()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  Folder folder;
  legacy_database(folder);
  // The server is not what is killed here, so it need not wait for its disk.
  testing_support::PrivatePostgres server({"fsync=off", "synchronous_commit=off"});
  Target target;
  target.options = {"sink.connector=postgres", "sink.dsn=" + server.dsn()};
  target.empty = [&] {
    const std::string command = "psql -q -d '" + server.dsn() + "' -c 'SET client_min_messages=error; DROP SCHEMA public CASCADE; CREATE SCHEMA public' > /dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
  };
  matrix(folder, target);
}
