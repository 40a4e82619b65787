// The status of a first run, where automation moves issues as well.
#include "delta.hpp"

using namespace jira_world;

namespace {

void move(World& world, const std::string& key, const std::string& status) {
  const std::string path = "/issue/" + key + "/transitions";
  const Value exits = world.as(World::ana, "GET", path).json();
  for (const Value& each : exits.at("transitions").as_array())
    if (each.at("to").at("name") == Value(status))
      world.as(World::ana, "POST", path, object("transition", object("id", each.at("id"))));
}

constexpr const char* a_comment = R"(,"comments":[{"id":"11","created":"2024-01-01T00:00:00Z","body":"hello"}])";

/// Moves each issue that gets a comment, as a service project does when an agent answers.
void react_to_comments(World& world, std::vector<std::string> way) {
  world.host->observe([&world, way](const Value& exchange) {
    const std::string url(exchange.at("url").as_string());
    const std::size_t end = url.find("/comment");
    if (exchange.at("method") != "POST" || end == std::string::npos) return;
    const std::size_t start = url.rfind('/', end - 1) + 1;
    const std::string key = url.substr(start, end - start);
    for (const std::string& status : way) move(world, key, status);
  });
}

}  // namespace

TEST_CASE("the status in which a type begins is not learned from an issue that automation has moved") {
  World world(World::Way::documents, "{}", "SUP");
  react_to_comments(world, {"In Progress", "Waiting for customer"});
  plain_ticket(world, 1, std::string(R"(,"status":"Waiting for customer")") + a_comment);
  for (int id = 2; id < 5; ++id) plain_ticket(world, id, R"(,"status":"Waiting for customer")");
  RunOptions options;
  options.items_in_flight = 1;
  const Report report = world.run(options);
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  for (const char* id : {"1", "2", "3", "4"}) CHECK(world.issue_of(id).at("status") == "Waiting for customer");
}

TEST_CASE("an issue that is to stay where it begins is looked at when automation may have moved it") {
  World world(World::Way::documents, "{}", "SUP");
  react_to_comments(world, {"In Progress"});
  plain_ticket(world, 1, R"(,"status":"Open")");
  plain_ticket(world, 2, std::string(R"(,"status":"Open")") + a_comment);
  RunOptions options;
  options.items_in_flight = 1;
  const Report report = world.run(options);
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  for (const char* id : {"1", "2"}) CHECK(world.issue_of(id).at("status") == "Open");
}
