// Two runs that wrote the same are the same, whatever the service called it.
#include "site.hpp"

using namespace jira_tests;

namespace {

struct Story {
  std::string says = "blocks", note = "internal", bytes = "AAA", third = "third";
  bool twice = false, detour = false;
};

/// The same three issues, in another order when there is a detour.
void tell(Site& site, const Story& story) {
  const Value ana = site.account("ana.ruiz@example.com");
  if (story.detour) site.erase("/issue/" + site.create("taken back"));
  std::string first, second;
  const auto make_second = [&] {
    second = site.create("second", {{"labels", {"fd-2"}}, {"assignee", {{"accountId", ana}}}});
  };
  if (story.detour) make_second();
  first = site.create("first", {{"labels", {"fd-1"}}, {site.field("External ID"), "fd:1"}});
  site.wait(story.detour ? 777 : 10);
  if (!story.detour) make_second();
  const std::string epic = site.create(story.third, {{"issuetype", {{"name", "Epic"}}}});
  std::vector<http::Part> parts{Site::file("a.png", story.bytes), Site::file("b.log", "BBB")};
  if (story.detour) std::swap(parts[0], parts[1]);
  const Value files = site.upload(first, parts).json();
  const std::string id = text(files.as_array()[story.detour ? 1 : 0].at("id"));
  const Value description = document({paragraph("see " + second + ", not XSUP-1 or SUP-1"), picture(site.media(id)),
                                      paragraph("or " + origin + "/rest/api/3/attachment/content/" + id)});
  REQUIRE(site.put("/issue/" + first, Object{{"fields", {{"description", description}, {"parent", {{"key", epic}}}}}})
              .status() == 204);
  Object comment{
      {"body", text_document(story.note)},
      {"properties", {Object{{"key", "sd.public.comment"}, {"value", {{"internal", story.note == "internal"}}}}}}};
  REQUIRE(site.post("/issue/" + first + "/comment", comment).status() == 201);
  if (story.twice) REQUIRE(site.post("/issue/" + first + "/comment", comment).status() == 201);
  const bool blocks = story.says == "blocks";
  REQUIRE(site.post("/issueLink", Object{{"type", {{"name", "Blocks"}}},
                                         {"inwardIssue", {{"key", blocks ? first : second}}},
                                         {"outwardIssue", {{"key", blocks ? second : first}}}})
              .status() == 201);
  REQUIRE(site.post("/issue/" + first + "/remotelink",
                    Object{{"globalId", "g"}, {"object", {{"url", "https://x.test"}, {"title", "t"}}}})
              .status() == 201);
  REQUIRE(site.post("/issue/" + first + "/worklog",
                    Object{{"timeSpent", "1h"}, {"started", "2024-01-31T09:00:00.000+0000"}})
              .status() == 201);
  site.walk(second, {"Start work", "Ask for review", "Resolve"});
}

Value told(const Story& story, std::uint64_t seed) {
  Site site(unlimited(), seed);
  tell(site, story);
  return jira::masked_state(site.state());
}

}  // namespace

TEST_CASE("jira simulator: the masked state of two runs is the same when they wrote the same") {
  Story detour;
  detour.detour = true;
  const Value straight = told({}, 1);
  CHECK(straight == told(detour, 99));
  const Value& issues = straight.at("issues");
  REQUIRE(issues.as_object().size() == 3);
  CHECK(issues.as_object().contains("SUP-#1"));
  const std::string all = boost::json::serialize(straight);
  CHECK(all.find("2026-") == std::string::npos);
  CHECK(all.find("2024-01-31") == std::string::npos);  // a worklog's start is kept as milliseconds
  CHECK(all.find("1706691600000") != std::string::npos);
  CHECK(all.find("XSUP-1 or SUP-1") != std::string::npos);  // names nothing that there is

  const auto differs = [&](auto change) {
    Story story;
    change(story);
    return straight != told(story, 1);
  };
  CHECK(differs([](Story& story) { story.says = "is blocked by"; }));
  CHECK(differs([](Story& story) { story.note = "public"; }));
  CHECK(differs([](Story& story) { story.bytes = "AAB"; }));
  CHECK(differs([](Story& story) { story.third = "other"; }));
  CHECK(differs([](Story& story) { story.twice = true; }));
  Site masked(with(unlimited(), "masked", true), 1);
  tell(masked, {});
  CHECK(masked.state() == straight);
}

TEST_CASE("jira simulator: issues of equal content are told apart by their neighbours") {
  const auto ring = [](const std::vector<int>& order) {
    Site site;
    std::vector<std::string> keys(4);
    for (const int i : order) keys[static_cast<std::size_t>(i)] = site.create(i == 3 ? "end" : "same");
    for (std::size_t i = 0; i < 3; ++i) {
      site.post("/issueLink", Object{{"type", {{"name", "Blocks"}}},
                                     {"inwardIssue", {{"key", keys[i]}}},
                                     {"outwardIssue", {{"key", keys[i + 1]}}}});
    }
    return jira::masked_state(site.state());
  };
  CHECK(ring({0, 1, 2, 3}) == ring({3, 1, 0, 2}));
  CHECK(ring({0, 1, 2, 3}) == ring({2, 0, 3, 1}));
}

TEST_CASE("jira simulator: the state names people, options and statuses, and counts what happened") {
  Site site;
  tell(site, {});
  const Value state = site.state();
  const auto& issues = state.at("issues").as_object();
  REQUIRE(issues.size() == 3);
  const Value& first = issues.begin()->value();
  CHECK(first.at("fields").at("External ID") == "fd:1");
  CHECK(text(first.at("fields").at("reporter")) == email);
  CHECK(first.at("attachments").as_array()[0].at("referencedBy") == Array{"description"});
  CHECK(first.at("comments").as_array()[0].at("internal") == true);
  CHECK(first.at("remoteLinks").as_array()[0].at("globalId") == "g");
  CHECK(first.at("worklogs").as_array()[0].at("seconds") == 3600);
  CHECK(first.at("links").as_array()[0].at("says") == "blocks");
  const Value& second = (issues.begin() + 1)->value();
  CHECK(second.at("status") == "Resolved");
  CHECK(second.at("resolution") == "Done");
  CHECK(second.at("fields").at("assignee") == "ana.ruiz@example.com");
  CHECK(state.at("counters").at("issuesCreated") == 3);
  CHECK(state.at("counters").at("notifications").at("sent").to_number<int>() > 0);
}
