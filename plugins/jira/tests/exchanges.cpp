// What a migration asks of Jira, from the checks to the rollback, against the vendor's own document.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "temporary_folder.hpp"
#include "tickets.hpp"
#include "vendor_documents.hpp"

using namespace jira_world;

namespace {

using Exchanges = std::vector<Value>;

/// What a whole family does to Jira, with a creation whose answer is lost.
Exchanges of_a_family() {
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
  data["worklogs"].as_array()[0].as_object()["seconds"] = 3600;
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
  return world.exchanges;
}

/// Internal notes, texts over the limit, and items that vanish.
Exchanges of_a_service_project() {
  World world(World::Way::documents, "{}", "SUP");
  world.keep_exchanges();
  world.config.text_limit = 1000;
  rich_ticket(world);
  plain_ticket(world, 1);
  std::string words;
  for (int i = 0; i < 300; ++i) words += "many words ";
  world.source->records[1].data.as_object()["description"] = words;
  plain_ticket(world, 2);
  REQUIRE(world.run().status == Status::done);
  REQUIRE(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
  std::string version = "label";
  for (const std::int64_t id : {1, 2}) {
    Record& record = world.source->records[id];
    record.deleted = true;
    record.version = "gone";
    record.data = Object();
    world.config.vanished = version;
    REQUIRE(world.run(Mode::incremental).total().failed == 0);
    version = "delete";
  }
  REQUIRE_FALSE(world.run(Mode::rollback).fatal);
  CHECK(world.issues().empty());
  return world.exchanges;
}

/// An issue that was there before is adopted and given back.
Exchanges of_an_adoption() {
  World world;
  const char* const before =
      R"({"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Bug"},"summary":"Was here","labels":["old"]}})";
  const Value made = world.as(World::ana, "POST", "/issue", parsed(before)).json();
  world.keep_exchanges();
  family(world);
  std::vector<Mapping> mappings;
  mappings.push_back(Mapping{"tickets", "81", made.at("key")});
  boost::asio::io_context context;
  boost::asio::co_spawn(context, import_mappings(world.store, mappings), [](std::exception_ptr, std::size_t) {});
  context.run();
  REQUIRE(world.run().status == Status::done);
  const Report back = world.run(Mode::rollback);
  REQUIRE_FALSE(back.fatal);
  CHECK(world.issues().size() == 1);
  return world.exchanges;
}

}  // namespace

TEST_CASE("every request, and every answer to it, is what the vendor's document says") {
  const std::filesystem::path vendor = checkable_documents("tools/check_payload.py");
  TemporaryFolder folder;
  const std::filesystem::path log = folder.path / "exchanges.jsonl";
  std::size_t exchanges = 0;
  {
    std::ofstream out(log);
    for (const Exchanges& some : {of_a_family(), of_a_service_project(), of_an_adoption()}) {
      for (Value exchange : some) {
        // The media service is no part of the document; bodies of uploads are no JSON.
        const std::string url(exchange.at("url").as_string());
        if (url.find("/rest/") == std::string::npos) continue;
        if (url.ends_with("/attachments")) exchange.as_object()["request_body"] = nullptr;
        // A gateway's answer, not Jira's.
        if (exchange.at("status") == 504) continue;
        // The excerpt of the document that is compared with has no project roles.
        if (url.find("/roledetails") != std::string::npos) continue;
        out << print(exchange) << '\n';
        ++exchanges;
      }
    }
  }
  CHECK(exchanges > 250);
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
