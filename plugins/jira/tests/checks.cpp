// Checks before a run: what is missing is named, with what to do, before anything is made.
#include <algorithm>

#include "tickets.hpp"

using namespace jira_world;

namespace {

std::vector<Check> checks_of(World& world) {
  std::vector<Check> checks;
  boost::asio::io_context context;
  std::shared_ptr<Sink> sink = make_sink(world.config, world.services);
  boost::asio::co_spawn(context, sink->check(), [&](std::exception_ptr failure, std::vector<Check> result) {
    if (failure) std::rethrow_exception(failure);
    checks = std::move(result);
  });
  context.run();
  return checks;
}

std::vector<std::string> failing(World& world) {
  std::vector<std::string> names;
  for (const Check& check : checks_of(world))
    if (!check.passed) {
      CHECK_FALSE(check.advice.empty());
      CHECK_FALSE(check.message.empty());
      names.push_back(check.name);
    }
  return names;
}
using Names = std::vector<std::string>;

std::string message_of(World& world, const std::string& name) {
  for (const Check& check : checks_of(world))
    if (check.name == name) return check.message;
  return {};
}

}  // namespace

TEST_CASE("checks: each thing that is missing is named, with what to do") {
  World fine;
  CHECK(failing(fine) == Names{});
  CHECK(checks_of(fine).size() > 12);
  World denied(
      World::Way::documents,
      R"({"denied_permissions":["CREATE_ISSUES","EDIT_ISSUES","ADD_COMMENTS","CREATE_ATTACHMENTS","TRANSITION_ISSUES","LINK_ISSUES","DELETE_ISSUES","EDIT_OWN_COMMENTS","EDIT_ALL_COMMENTS","DELETE_OWN_COMMENTS","DELETE_ALL_COMMENTS","DELETE_OWN_ATTACHMENTS","DELETE_ALL_ATTACHMENTS"]})");
  CHECK(failing(denied) == Names{"right Create Issues", "right Edit Issues", "right Add Comments",
                                 "right Create Attachments", "right Transition Issues", "right Link Issues",
                                 "right Delete Issues", "right Edit Own Comments", "right Delete Own Comments",
                                 "right Delete Own Attachments"});
  // Who may do it with everybody's may do it with their own.
  World all(World::Way::documents,
            R"({"denied_permissions":["EDIT_OWN_COMMENTS","DELETE_OWN_COMMENTS","DELETE_OWN_ATTACHMENTS"]})");
  CHECK(failing(all) == Names{});
  World stranger;
  stranger.config.token = Secret("wrong");
  CHECK(failing(stranger) == Names{"sign-in"});
  World nowhere;
  nowhere.config.project = "NONE";
  CHECK(failing(nowhere) == Names{"project"});
  World typeless;
  typeless.config.issue_type = "Incident";
  CHECK(failing(typeless) == Names{"issue type"});
  World unlinked;
  unlinked.config.relations["tracks"] = "Tracks";
  CHECK(failing(unlinked) == Names{"link types"});
  World noteless;
  noteless.config.internal_comments = "service_management";
  CHECK(failing(noteless) == Names{"internal comments"});
  World server(World::Way::data_center);
  CHECK(failing(server) == Names{});
  World labels(World::Way::documents, R"({"off_screen_fields":["Labels"]})");
  CHECK(failing(labels) == Names{"create screen of Task"});
}

TEST_CASE("checks: the rights that only some items need") {
  World world(World::Way::documents, R"({"denied_permissions":["ASSIGN_ISSUES","WORK_ON_ISSUES"]})");
  CHECK(failing(world) == Names{});
  CHECK(message_of(world, "time entries").find("refused") != std::string::npos);
  world.config.fallback_assignee = "chen.wei@example.com";
  CHECK(failing(world) == Names{"assignees"});
  world.config.fallback_assignee.clear();
  // Without the one an item is refused before anything is made; without the other it is nobody's.
  family(world);
  plain_ticket(world, 90, R"(,"assignee":{"id":"8","email":"chen.wei@example.com"})");
  const Report report = world.run();
  INFO(World::complaint(report));
  CHECK(report.types.at("tickets").failed == 1);
  CHECK(report.causes.at("tickets").count("may_not_log_work") == 1);
  CHECK(world.issue_of("81").is_null());
  CHECK(world.issue_of("90").at("fields").at("assignee") == "");
  CHECK(report.warnings.at("tickets").at("may_not_assign") == 1);
}

TEST_CASE("checks: the role or group that shall see internal comments exists") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World world(way);
    for (const auto& [how, known] : {std::pair("role", "Viewers"), std::pair("group", "jira-users")}) {
      world.config.internal_comments = how;
      world.config.internal_audience = known;
      CHECK(failing(world) == Names{});
      world.config.internal_audience = std::string(known) + "s";
      CHECK(failing(world) == Names{"internal audience"});
    }
    CHECK(message_of(world, "internal audience").find("jira-userss") != std::string::npos);
  }
  // Internal notes have no audience.
  World service(World::Way::documents, "{}", "SUP");
  service.config.internal_audience = "Nobody at all";
  CHECK(failing(service) == Names{});
}

TEST_CASE("checks: a project that notifies people is refused where silence is asked for") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World quiet(way);
    quiet.config.notifications = "none";
    CHECK(message_of(quiet, "notifications") == "the project notifies nobody");
    World loud(way, R"({"notification_events":["Issue Created","Issue Commented"]})");
    loud.config.notifications = "none";
    CHECK(failing(loud) == Names{"notifications"});
    CHECK(message_of(loud, "notifications").find("Issue Created, Issue Commented") != std::string::npos);
    plain_ticket(loud, 1);
    CHECK(loud.run().status == Status::preflight_failed);
    CHECK(loud.issues().empty());
    loud.config.notifications = "unchecked";
    CHECK(failing(loud) == Names{});
    CHECK(loud.run().status == Status::done);
    // Who does not administer the project does not see its scheme.
    World clerk(way, R"({"denied_permissions":["ADMINISTER","ADMINISTER_PROJECTS"]})");
    clerk.config.notifications = "none";
    CHECK(failing(clerk) == Names{"notifications"});
    clerk.config.notifications = "unchecked";
    CHECK(failing(clerk) == Names{});
    CHECK(message_of(clerk, "notifications").starts_with("edits, too, notify watchers"));
  }
}

TEST_CASE("checks: what no interface tells is told to people") {
  World service(World::Way::documents, "{}", "SUP");
  for (const char* way : {"none", "unchecked"}) {
    service.config.notifications = way;
    CHECK(message_of(service, "notifications").find("customer notifications") != std::string::npos);
  }
  World software;
  CHECK(message_of(software, "notifications").find("customer notifications") == std::string::npos);
  CHECK(message_of(software, "resolution").starts_with("\"Done\""));
  software.config.resolution = "Fixed";
  CHECK(message_of(software, "resolution").starts_with("there is no \"Fixed\"; there are Done, "));
  CHECK(failing(software) == Names{"resolution"});
}

TEST_CASE("checks: screens of the other types are told of, since items may name them") {
  World world(World::Way::documents, R"({"off_screen_fields":["Labels","Description"]})");
  CHECK(message_of(world, "create screen of Epic").find("kind is Epic are refused") != std::string::npos);
  World fine;
  CHECK(message_of(fine, "create screen of Bug").starts_with("priorities are"));
}

TEST_CASE("a comment for staff of which Jira does not tell who may see it is looked at again, and counts as public") {
  const auto fill = [](World& world) {
    plain_ticket(
        world, 1,
        R"(,"comments":[{"id":"5","created":"2024-01-01T00:00:00Z","body":"secret","internal":true,"kind":"note"}])");
  };
  World counter(World::Way::documents, "{}", "SUP");
  fill(counter);
  REQUIRE(counter.run().status == Status::done);
  const std::string id(counter.issue_of("1").at("comments").at(0).at("id").as_string());
  for (const bool told_later : {true, false}) {
    World world(World::Way::documents, "{}", "SUP");
    fill(world);
    testing::FaultPlan plan;
    testing::Fault fault;
    fault.kind = testing::Fault::Kind::status_after;
    fault.method = "POST";
    fault.path = "/comment$";
    fault.status = 201;
    fault.headers.add("Content-Type", "application/json");
    fault.body = "{\"id\":\"" + id + "\"}";
    plan.faults.push_back(fault);
    fault.method = "GET";
    fault.path = "/comment/";
    fault.status = 200;
    if (!told_later) plan.faults.push_back(fault);
    world.host->set_faults(plan);
    const Report report = world.run();
    INFO(World::complaint(report));
    CHECK(report.total().failed == (told_later ? 0 : 1));
    CHECK(world.issue_of("1").is_null() != told_later);
    if (told_later) CHECK(world.issue_of("1").at("comments").at(0).at("internal") == true);
    if (!told_later) CHECK(report.causes.at("tickets").count("internal_comment") == 1);
  }
}

TEST_CASE(
    "checks: a role or group that the account is not in is named, since Jira would refuse each internal comment") {
  const std::string none = R"({"not_member_of":["Administrators","jira-users"]})";
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way, none);
    CHECK(failing(world) == Names{"internal audience membership"});
    world.config.internal_audience = "Viewers";
    CHECK(failing(world) == Names{});
    world.config.internal_comments = "group";
    world.config.internal_audience = "jira-users";
    CHECK(failing(world) == Names{"internal audience membership"});
    world.config.internal_audience = "jira-administrators";
    CHECK(failing(world) == Names{});
  }
  // Who does not administer the project on Data Center is told nothing of its roles.
  World unknown(World::Way::data_center,
                R"({"not_member_of":["Administrators"],"denied_permissions":["ADMINISTER_PROJECTS"]})");
  CHECK(failing(unknown) == Names{});
  CHECK(message_of(unknown, "internal audience membership").find("does not tell") != std::string::npos);
  Object comment = object("id", "1");
  comment.emplace("body", "for staff");
  comment.emplace("internal", true);
  plain_ticket(unknown, 1).data.as_object()["comments"] = Array{comment};
  const std::string said = World::complaint(unknown.run());
  INFO(said);
  CHECK(said.find("not a member of the project role: Administrators") != std::string::npos);
}
