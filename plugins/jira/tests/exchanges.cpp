// What a migration asks of Jira, from the checks to the rollback, against the vendor's own document.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "temporary_folder.hpp"
#include "tickets.hpp"

using namespace jira_world;

namespace {

/// Ends the test as skipped where the documents or the tool's library are not there.
std::filesystem::path shared() {
  const char* chosen = std::getenv("MIGRATE_SHARED");
  const std::filesystem::path at =
      chosen ? std::filesystem::path(chosen) : std::filesystem::path(MIGRATE_SOURCE_DIR) / ".." / "shared";
  const auto skip = [](const char* why) {
    std::printf("skipped: %s\n", why);
    std::exit(77);
  };
  if (!std::filesystem::exists(at / "tools" / "check_payload.py")) skip("the vendor's documents are not there");
  if (std::system("python3 -W ignore -c 'import jsonschema' 2>/dev/null") != 0)
    skip("python3-jsonschema is not installed");
  return at;
}

}  // namespace

TEST_CASE("every request, and every answer to it, is what the vendor's document says") {
  const std::filesystem::path vendor = shared();
  World world;
  world.keep_exchanges();
  family(world);
  plain_ticket(world, 85, R"(,"assignee":{"id":"1","email":"nobody@example.com"},"priority":"Low")");
  REQUIRE(world.run().status == Status::done);
  REQUIRE(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
  // Changes of every kind.
  Object& data = world.source->records[81].data.as_object();
  data["title"] = "Printer 81 is fixed";
  data["status"] = "Open";
  data["labels"] = Array{"new"};
  data["comments"].as_array()[0].as_object()["updated"] = "2024-02-03T00:00:00Z";
  data["comments"].as_array()[0].as_object()["body"] = "It is very old";
  world.source->records[81].version = "2";
  REQUIRE(world.run(Mode::incremental).status == Status::done);
  // An answer that is lost: issues are looked for by number and by label.
  plain_ticket(world, 86);
  testing::FaultPlan plan;
  testing::Fault fault;
  fault.kind = testing::Fault::Kind::status;
  fault.status = 504;
  fault.method = "POST";
  fault.path = "/issue$";
  plan.faults.push_back(fault);
  world.host->set_faults(plan);
  REQUIRE(world.run(Mode::incremental).status == Status::done);
  REQUIRE_FALSE(world.run(Mode::rollback).fatal);
  TemporaryFolder folder;
  const std::filesystem::path log = folder.path / "exchanges.jsonl";
  std::size_t exchanges = 0;
  {
    std::ofstream out(log);
    for (Value exchange : world.exchanges) {
      // The media service is no part of the document; bodies of uploads are no JSON.
      const std::string url(exchange.at("url").as_string());
      if (url.find("/rest/") == std::string::npos) continue;
      if (url.ends_with("/attachments")) exchange.as_object()["request_body"] = nullptr;
      // A gateway's answer, not Jira's.
      if (exchange.at("status") == 504) continue;
      out << print(exchange) << '\n';
      ++exchanges;
    }
  }
  CHECK(exchanges > 100);
  const std::filesystem::path verdict = folder.path / "verdict.txt";
  const std::string command = fmt::format(
      "python3 -W ignore -B '{}' exchange '{}' '{}' > '{}' 2>&1", (vendor / "tools" / "check_payload.py").string(),
      (vendor / "specs" / "jira" / "jira-cloud-v3.corrected.json").string(), log.string(), verdict.string());
  const bool passed = std::system(command.c_str()) == 0;
  std::ifstream in(verdict);
  const std::string said(std::istreambuf_iterator<char>(in), {});
  CHECK_MESSAGE(passed, said);
  CHECK(said.find("ok") != std::string::npos);
}
