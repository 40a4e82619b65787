// What hangs on an issue: files, comments, worklogs, links, properties, watchers, and the mails of it all.
#include <algorithm>

#include "site.hpp"

using namespace jira_tests;

TEST_CASE("jira simulator: an upload needs its header and its part's name, and a name can be there twice") {
  Site site;
  const std::string key = site.create("x");
  const std::string bytes("\0\1\r\n--boundary\r\n\xFF", 17);
  CHECK(site.upload(key, {Site::file("a.png", bytes)}, false).status() == 403);
  CHECK(site.upload(key, {Site::file("a.png", bytes, "attachment")}).status() == 400);
  CHECK(site.upload("SUP-1", {Site::file("a.png", bytes)}).status() == 404);
  const Reply made =
      site.upload(key, {Site::file("a.png", bytes), Site::file("a.png", "second"), Site::file("Ünï 日本.txt", "")});
  CHECK(made.status() == 200);
  const Value files = made.json();
  REQUIRE(files.as_array().size() == 3);
  const Value& first = files.as_array()[0];
  CHECK(first.at("filename") == "a.png");
  CHECK(first.at("size") == 17);
  CHECK(first.at("id").is_string());
  CHECK(first.at("mimeType") == "image/png");
  CHECK(files.as_array()[2].at("filename") == "Ünï 日本.txt");
  CHECK(site.fields(key).at("attachment").as_array().size() == 3);
  const Value state = site.state().at("issues").at(key).at("attachments");
  CHECK(text(state.as_array()[0].at("sha256")) == sha256(bytes));
  CHECK(site.get("/attachment/" + text(first.at("id"))).json().at("id").is_int64());
  CHECK(site.erase("/attachment/" + text(first.at("id"))).status() == 204);
  CHECK(site.erase("/attachment/" + text(first.at("id"))).status() == 404);
  CHECK(site.fields(key).at("attachment").as_array().size() == 2);
  http::Request torn = site.request("POST", "/issue/" + key + "/attachments");
  http::set_multipart(torn, {Site::file("b.png", "body")}, "boundary");
  torn.headers.set("X-Atlassian-Token", "no-check");
  torn.body.resize(torn.body.size() - 14);
  CHECK(site.send(torn).status() == 400);
  http::Request json = site.request("POST", "/issue/" + key + "/attachments", Object{{"file", "x"}});
  json.headers.set("X-Atlassian-Token", "no-check");
  CHECK(site.send(json).status() == 415);
}

TEST_CASE("jira simulator: uploads end at the limits of size and number") {
  Site site(with(with(unlimited(), "upload_limit", 10), "max_attachments", 2));
  const std::string key = site.create("x");
  CHECK(site.upload(key, {Site::file("a", std::string(10, 'x')), Site::file("b", std::string(11, 'x'))}).status() ==
        413);
  CHECK(site.fields(key).at("attachment").as_array().empty());
  CHECK(site.upload(key, {Site::file("a", std::string(10, 'x')), Site::file("b", "x")}).status() == 200);
  CHECK(site.upload(key, {Site::file("c", "x")}).status() == 413);
  CHECK(site.upload(key, std::vector<http::Part>(61, Site::file("d", "x"))).status() == 413);
}

TEST_CASE("jira simulator: a download leads to a second host, which wants no credentials and not for ever") {
  Site site;
  const std::string key = site.create("x");
  const std::string id = text(site.upload(key, {Site::file("a b.png", "0123456789")}).json().as_array()[0].at("id"));
  const Reply redirect = site.get("/attachment/content/" + id);
  CHECK(redirect.status() == 303);
  const std::string location = redirect.header("Location");
  CHECK(location.starts_with(media_origin + "/file/" + site.media(id) + "/binary?"));
  http::Request open("GET", location);
  CHECK(site.send(open).response.body == "0123456789");
  CHECK(site.send(site.request("GET", location)).status() == 401);
  CHECK(site.state().at("counters").at("credentialsLeaked") == 1);
  CHECK(site.get("/attachment/content/" + id + "?redirect=false").response.body == "0123456789");
  http::Request part = site.request("GET", "/attachment/content/" + id + "?redirect=false");
  part.headers.set("Range", "bytes=2-4");
  CHECK(site.send(part).response.body == "234");
  part.headers.set("Range", "bytes=10-");
  CHECK(site.send(part).status() == 416);
  site.wait(601'000);
  CHECK(site.send(open).status() == 403);
  CHECK(site.get("/attachment/content/1").status() == 404);
  Site forgetful(with(unlimited(), "keep_bytes", "none"));
  const std::string other = forgetful.create("x");
  const Value file = forgetful.upload(other, {Site::file("a", "x")}).json().as_array()[0];
  CHECK(forgetful.get("/attachment/content/" + text(file.at("id")) + "?redirect=false").status() == 501);
}

TEST_CASE("jira simulator: comments carry properties and visibility, and are nobody's but the account's") {
  Site site;
  const std::string key = site.create("x"), path = "/issue/" + key + "/comment";
  const Reply made = site.post(path + "?expand=properties",
                               Object{{"body", text_document("note")},
                                      {"created", "2020-01-01T00:00:00.000+0000"},
                                      {"author", {{"accountId", "5b-other"}}},
                                      {"visibility", {{"type", "role"}, {"value", "Administrators"}}},
                                      {"properties",
                                       {Object{{"key", "sd.public.comment"}, {"value", {{"internal", true}}}},
                                        Object{{"key", "migration.source"}, {"value", {{"conv", 5001}}}}}}});
  CHECK(made.status() == 201);
  const Value note = made.json();
  CHECK(note.at("created") == "2026-02-03T10:20:30.000+0000");
  CHECK(text(note.at("author").at("emailAddress")) == email);
  CHECK(note.at("jsdPublic") == false);
  CHECK(note.at("visibility").at("value") == "Administrators");
  CHECK(note.at("properties").as_array().size() == 2);
  CHECK(site.post(path, Object{{"body", text_document("x")}, {"visibility", {{"type", "role"}, {"value", "Nobody"}}}})
            .error("commentLevel") != "");
  CHECK(site.post(path, Object{{"text", "x"}}).status() == 400);
  site.wait(1000);
  for (int i = 0; i < 3; ++i)
    CHECK(site.post(path, Object{{"body", text_document(fmt::format("{}", i))}}).status() == 201);

  const Value page = site.get(path + "?startAt=1&maxResults=2&orderBy=-created").json();
  CHECK(page.at("total") == 4);
  REQUIRE(page.at("comments").as_array().size() == 2);
  CHECK(page.at("comments").as_array()[0].at("body") == text_document("1"));
  CHECK_FALSE(page.at("comments").as_array()[0].as_object().contains("properties"));
  const Value all = site.get(path + "?expand=properties&orderBy=created").json();
  CHECK(all.at("comments").as_array()[0].at("properties").as_array()[0].at("key") == "migration.source");
  CHECK(site.get(path + "?orderBy=updated").status() == 400);

  const std::string id = text(note.at("id"));
  const Value state = site.state().at("issues").at(key).at("comments").as_array()[0];
  CHECK(state.at("internal") == true);
  CHECK(state.at("visibility").at("value") == "Administrators");
  CHECK(state.at("properties").at("migration.source") == Object{{"conv", 5001}});
  CHECK(site.put("/comment/" + id + "/properties/sd.public.comment", Object{{"internal", false}}).status() == 200);
  CHECK(site.put(path + "/" + id, Object{{"body", text_document("edited")}}).status() == 200);
  CHECK(site.get(path + "/" + id).json().at("jsdPublic") == true);
  CHECK_FALSE(site.get(path + "/" + id).json().as_object().contains("visibility"));
  CHECK(site.get("/comment/" + id + "/properties/migration.source").json().at("value") == Object{{"conv", 5001}});
  CHECK(site.erase(path + "/" + id).status() == 204);
  CHECK(site.erase(path + "/" + id).status() == 404);
  CHECK(site.get(path).json().at("total") == 3);
}

TEST_CASE("jira simulator: an issue takes no more comments than its limit") {
  Site site(with(unlimited(), "max_comments", 1));
  const std::string path = "/issue/" + site.create("x") + "/comment";
  CHECK(site.post(path, Object{{"body", text_document("x")}}).status() == 201);
  CHECK(site.post(path, Object{{"body", text_document("x")}}).status() == 413);
}

TEST_CASE(
    "jira simulator: the one sent as inwardIssue does what the outward phrase says; a link again is the same link") {
  Site site;
  const std::string a = site.create("a"), b = site.create("b");
  const auto link = [&](const std::string& inward, const std::string& outward, const std::string& type = "Blocks") {
    return site.post(
        "/issueLink",
        Object{{"type", {{"name", type}}}, {"inwardIssue", {{"key", inward}}}, {"outwardIssue", {{"key", outward}}}});
  };
  const Reply made = link(a, b);
  CHECK(made.status() == 201);
  CHECK(made.response.body == "");
  CHECK(link(a, b).status() == 201);
  const Value of_a = site.fields(a).at("issuelinks"), of_b = site.fields(b).at("issuelinks");
  REQUIRE(of_a.as_array().size() == 1);
  REQUIRE(of_b.as_array().size() == 1);
  CHECK(of_a.as_array()[0].at("type").at("outward") == "blocks");
  CHECK(of_a.as_array()[0].at("outwardIssue").at("key") == Value(b));
  CHECK_FALSE(of_a.as_array()[0].as_object().contains("inwardIssue"));
  CHECK(of_b.as_array()[0].at("inwardIssue").at("key") == Value(a));
  CHECK(site.state().at("issues").at(a).at("links").as_array()[0].at("says") == "blocks");
  CHECK(site.state().at("issues").at(b).at("links").as_array()[0].at("says") == "is blocked by");
  CHECK(link(b, a).status() == 201);
  CHECK(site.fields(a).at("issuelinks").as_array().size() == 2);
  CHECK(link(a, "SUP-1").status() == 404);
  CHECK(link(a, b, "Hates").message() == "No issue link type with name 'Hates' found.");
  CHECK(link(a, a).status() == 400);
  const std::string id = text(of_a.as_array()[0].at("id"));
  CHECK(site.get("/issueLink/" + id).json().at("outwardIssue").at("key") == Value(b));
  CHECK(site.erase("/issueLink/" + id).status() == 204);
  CHECK(site.erase("/issueLink/" + id).status() == 404);
  CHECK(site.fields(b).at("issuelinks").as_array().size() == 1);
  CHECK(site.erase("/issue/" + a).status() == 204);
  CHECK(site.fields(b).at("issuelinks").as_array().empty());
  // Beside an edit, from the issue at hand.
  const std::string c = site.create("c");
  CHECK(site.put("/issue/" + c,
                 Object{
                     {"update",
                      {{"issuelinks", {{{"add", {{"type", {{"name", "Duplicate"}}}, {"outwardIssue", {{"key", b}}}}}}}},
                       {"comment", {{{"add", {{"body", text_document("linked")}}}}}}}}})
            .status() == 204);
  CHECK(site.fields(b).at("issuelinks").as_array()[0].at("inwardIssue").at("key") == Value(c));
  CHECK(site.fields(c).at("comment").at("total") == 1);
}

TEST_CASE("jira simulator: a remote link of the same global id is the same link") {
  Site site;
  const std::string path = "/issue/" + site.create("x") + "/remotelink";
  const auto link = [&](const std::string& title, const Value& id = "system=freshdesk&id=81") {
    return site.post(path, Object{{"globalId", id}, {"object", {{"url", "https://x.test/81"}, {"title", title}}}});
  };
  const Reply first = link("FD #81"), second = link("renamed");
  CHECK(first.status() == 201);
  CHECK(second.status() == 200);
  CHECK(first.json().at("id") == second.json().at("id"));
  CHECK(link("other", nullptr).status() == 201);
  CHECK(link("other", nullptr).status() == 201);
  CHECK(site.get(path).json().as_array().size() == 3);
  const std::string by_id = "?globalId=" + http::encode("system=freshdesk&id=81");
  CHECK(site.get(path + by_id).json().at("object").at("title") == "renamed");
  CHECK(site.erase(path + by_id).status() == 204);
  CHECK(site.get(path + by_id).status() == 404);
  CHECK(site.post(path, Object{{"object", {{"url", "https://x.test"}}}}).error("title") != "");
  CHECK(link("long", Value(std::string(256, 'x'))).status() == 400);
}

TEST_CASE("jira simulator: properties are set, overwritten, listed and limited") {
  Site site;
  Value body = Site::issue("x");
  body.as_object()["properties"] = Array{Object{{"key", "migration.source"}, {"value", {{"id", 81}}}}};
  const std::string path = "/issue/" + text(site.post("/issue", body).json().at("key"));
  CHECK(site.get(path + "?properties=migration.source&fields=labels").json().at("properties") ==
        Object{{"migration.source", {{"id", 81}}}});
  CHECK(site.put(path + "/properties/migration.source", Object{{"id", 82}}).status() == 200);
  CHECK(site.put(path + "/properties/a%20b", Array{1}).status() == 201);
  CHECK(site.get(path + "/properties/migration.source").json() ==
        Object{{"key", "migration.source"}, {"value", {{"id", 82}}}});
  CHECK(site.get(path + "/properties").json().at("keys").as_array().size() == 2);
  CHECK(site.get(path + "/properties/none").status() == 404);
  CHECK(site.put(path + "/properties/big", Value(std::string(32'768, 'x'))).status() == 400);
  CHECK(site.put(path + "/properties/" + std::string(256, 'k'), 1).status() == 400);
  CHECK(site.erase(path + "/properties/migration.source").status() == 204);
  CHECK(site.erase(path + "/properties/migration.source").status() == 404);
}

TEST_CASE("jira simulator: work is logged for the day that is sent") {
  Site site;
  const std::string key = site.create("x", {{"timetracking", {{"originalEstimate", "1d 2h"}}}}),
                    path = "/issue/" + key + "/worklog";
  CHECK(site.fields(key).at("timetracking").at("remainingEstimateSeconds") == 36'000);
  const Reply made =
      site.post(path + "?adjustEstimate=leave&notifyUsers=false", Object{{"timeSpentSeconds", 600},
                                                                         {"started", "2024-01-31T09:00:00.000+0000"},
                                                                         {"comment", text_document("fixed")}});
  CHECK(made.status() == 201);
  CHECK(made.json().at("started") == "2024-01-31T09:00:00.000+0000");
  CHECK(made.json().at("timeSpent") == "10m");
  CHECK(made.json().at("created") == "2026-02-03T10:20:30.000+0000");
  CHECK(site.post(path, Object{{"timeSpentSeconds", 600}, {"started", "2024-01-31T09:00:00Z"}}).status() == 400);
  CHECK(site.post(path, Object{{"timeSpentSeconds", 59}}).status() == 400);
  CHECK(site.post(path, Object{{"timeSpent", "2h"}}).status() == 201);
  CHECK(site.fields(key).at("timespent") == 7800);
  CHECK(site.fields(key).at("timeestimate") == 28'800);
  const std::string id = text(made.json().at("id"));
  CHECK(site.put(path + "/" + id, Object{{"timeSpentSeconds", 1200}}).status() == 200);
  CHECK(site.get(path + "/" + id).json().at("comment") == text_document("fixed"));
  CHECK(site.get(path).json().at("total") == 2);
  CHECK(site.erase(path + "/" + id + "?adjustEstimate=leave").status() == 204);
  CHECK(site.get(path + "/" + id).status() == 404);
}

TEST_CASE("jira simulator: mails are counted, and silence needs the right") {
  const auto count = [](const Site& site, std::string_view what) {
    return site.state().at("counters").at("notifications").at(what).to_number<std::int64_t>();
  };
  const auto run = [](Site& site) {
    const Value ana = site.account("ana.ruiz@example.com");
    const std::string path = "/issue/" + site.create("x", {{"assignee", {{"accountId", ana}}}});
    site.put(path + "?notifyUsers=false", Object{{"fields", {{"summary", "y"}}}});
    site.post(path + "/worklog?notifyUsers=false", Object{{"timeSpent", "2h"}});
  };
  Site admin, clerk(with(unlimited(), "denied_permissions", {"ADMINISTER", "ADMINISTER_PROJECTS"})),
      silent(with(unlimited(), "silent_notifications", true));
  run(admin);
  CHECK(count(admin, "sent") == 1);  // the creation, which cannot be made silent
  CHECK(count(admin, "suppressed") == 2);
  run(clerk);
  CHECK(count(clerk, "sent") == 3);
  run(silent);
  CHECK(count(silent, "sent") == 0);

  Site site;
  const std::string key = site.create("nobody else");
  CHECK(count(site, "sent") == 0);  // the account's own doings send it nothing
  const Value chen = site.account("chen.wei@example.com");
  CHECK(site.post("/issue/" + key + "/watchers", chen).status() == 204);
  CHECK(site.get("/issue/" + key + "/watchers").json().at("watchCount") == 1);
  const Object mention{{"type", "mention"}, {"attrs", {{"id", site.account("ben.okafor@example.com")}}}};
  CHECK(site.post("/issue/" + key + "/comment",
                  Object{{"body", document({Object{{"type", "paragraph"}, {"content", {mention}}}})}})
            .status() == 201);
  CHECK(site.state().at("counters").at("notifications").at("byEvent") == Object{{"commented", 2}});
  CHECK(site.erase("/issue/" + key + "/watchers?accountId=" + text(chen)).status() == 204);
  CHECK(site.erase("/issue/" + key + "/watchers?accountId=" + text(chen)).status() == 404);
}

TEST_CASE("jira simulator: users are found by the beginning of name or address, also where the address is hidden") {
  Site site(with(unlimited(), "more_users", 1200));
  const auto search = [&](const std::string& rest) { return site.get("/user/search?" + rest).json(); };
  CHECK(search("query=ana").as_array().size() == 2);
  CHECK(search("query=ruiz").as_array().size() == 2);
  CHECK(search("query=ana.ruiz@example.com").as_array().size() == 1);
  CHECK(search("query=example.com").as_array().empty());
  const Value ben = search("query=ben.okafor@").as_array()[0];
  CHECK_FALSE(ben.as_object().contains("emailAddress"));
  CHECK(search("query=dana").as_array().empty());  // no longer active
  CHECK(search("query=user&startAt=980&maxResults=100").as_array().size() == 20);
  CHECK(search("query=user&startAt=1000").as_array().empty());
  CHECK(site.get("/users/search?startAt=1200&maxResults=100").json().as_array().size() == 7);
  CHECK(site.get("/user/search").status() == 400);
  CHECK(site.get("/user/search?username=ana").status() == 400);
  CHECK(site.get("/user/assignable/search?query=customer").status() == 400);
  const auto assignable = [&](const std::string& query) {
    return site.get("/user/assignable/search?project=SUP&query=" + query).json().as_array().size();
  };
  CHECK(assignable("customer") == 0);
  CHECK(assignable("chen") == 1);
  const Value customer = search("query=customer").as_array()[0];
  CHECK(customer.at("accountType") == "customer");
  CHECK(site.post("/issue", Site::issue("x", {{"assignee", {{"accountId", customer.at("accountId")}}}}))
            .error("assignee") == fmt::format("User '{}' cannot be assigned issues.", text(customer.at("accountId"))));
  CHECK(site.get("/user?accountId=" + text(ben.at("accountId"))).json().at("displayName") == "Ben Okafor");
  CHECK(site.get("/user?accountId=nobody").status() == 404);
  const std::string key = site.create("x");
  CHECK(site.put("/issue/" + key + "/assignee", Object{{"accountId", ben.at("accountId")}}).status() == 204);
  CHECK(site.fields(key).at("assignee").at("displayName") == "Ben Okafor");
  CHECK(site.put("/issue/" + key + "/assignee", Object{{"accountId", nullptr}}).status() == 204);
  CHECK(site.fields(key).at("assignee").is_null());
}
