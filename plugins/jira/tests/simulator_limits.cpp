// Who may ask, how often, and in which form; and what Data Center does otherwise.
#include <cstdlib>
#include <fstream>

#include "site.hpp"

using namespace jira_tests;

TEST_CASE("jira simulator: with wrong credentials a look finds nothing, and a change is refused") {
  Site site(with(unlimited(), "index_lag_ms", 0));
  const std::string key = site.create("x");
  const std::vector<std::string> wrong = {"", "Basic " + base64_encode(email + ":wrong"),
                                          "Basic " + base64_encode("other@example.com:" + token), "Bearer " + token,
                                          "Basic !!!"};
  for (const std::string& credentials : wrong) {
    site.authorization = credentials;
    INFO(credentials);
    CHECK(site.get("/myself").status() == 401);
    CHECK(site.get("/project/SUP").message() == "No project could be found with key 'SUP'.");
    CHECK(site.get("/issue/" + key).status() == 404);
    CHECK(site.get("/search/jql?jql=" + http::encode("project = SUP")).json().at("issues").as_array().empty());
    CHECK(site.get("/user/search?query=ana").json().as_array().empty());
    CHECK(site.get("/field").json().as_array().empty());
    CHECK(site.get("/mypermissions?permissions=CREATE_ISSUES")
              .json()
              .at("permissions")
              .at("CREATE_ISSUES")
              .at("havePermission") == false);
    CHECK(site.post("/issue", Site::issue("y")).status() == 401);
    CHECK(site.put("/issue/" + key, Object{{"fields", {{"summary", "y"}}}}).status() == 401);
    CHECK(site.erase("/issue/" + key).status() == 401);
    CHECK(site.post("/search/jql", Object{{"jql", "project = SUP"}}).status() == 401);
    CHECK((site.get("/serverInfo").header("X-Seraph-LoginReason") == "AUTHENTICATED_FAILED") == !credentials.empty());
  }
  site.authorization = Site().authorization;
  CHECK(text(site.get("/myself").json().at("emailAddress")) == email);
  CHECK(site.state().at("issues").as_object().size() == 1);
}

TEST_CASE("jira simulator: a request that is not quite right is refused") {
  Site site;
  const std::string key = site.create("x");
  CHECK(site.get("/issue/" + key + "?field=summary").status() == 400);
  CHECK(site.get("/issue/" + key + "?fields=%zz").status() == 400);
  CHECK(site.get("/issue/%E2%82").status() != 200);
  CHECK(site.get("/nothing").status() == 404);
  CHECK(site.get("/rest/api/4/myself").status() == 404);
  CHECK(site.put("/myself", Object()).status() == 405);
  http::Request form = site.request("POST", "/issue");
  form.body = boost::json::serialize(Site::issue("x"));
  CHECK(site.send(form).status() == 415);
  form.headers.set("Content-Type", "application/json; charset=utf-8");
  CHECK(site.send(form).status() == 201);
  form.body.pop_back();
  CHECK(site.send(form).message() == "There was an error parsing JSON. Check that your request body is valid.");
  form.body = "{\"fields\":{\"summary\":\"\xFF\"}}";
  CHECK(site.send(form).status() == 400);
  form.body = std::string(2000, '[');
  CHECK(site.send(form).status() == 400);
  http::Request with_body = site.request("DELETE", "/issue/" + key, Object());
  CHECK(site.send(with_body).status() == 400);
}

TEST_CASE("jira simulator: each endpoint and method has a bucket of its own") {
  Site site(with(with(with(unlimited(), "rate_post", 5), "rate_get", 3), "burst_seconds", 2));
  for (int i = 0; i < 10; ++i) CHECK(site.post("/issue", Site::issue("x")).status() == 201);
  const Reply refusal = site.post("/issue", Site::issue("x"));
  CHECK(refusal.status() == 429);
  CHECK(refusal.header("RateLimit-Reason") == "jira-burst-based");
  CHECK(refusal.header("Retry-After") == "1");
  CHECK(refusal.header("X-RateLimit-Limit") == "10");
  CHECK(refusal.header("X-RateLimit-Remaining") == "0");
  CHECK(refusal.header("X-RateLimit-Reset") == "2026-02-03T10:20Z");
  CHECK(site.post("/issue/bulk", Object{{"issueUpdates", {Site::issue("y")}}}).status() == 201);
  CHECK(site.get("/myself").header("X-RateLimit-Remaining") == "5");
  site.wait(200);
  CHECK(site.post("/issue", Site::issue("x")).status() == 201);
  CHECK(site.post("/issue", Site::issue("x")).status() == 429);
  CHECK(site.state().at("issues").as_object().size() == 12);
}

TEST_CASE("jira simulator: one issue takes so many writes, whatever they are") {
  Site site(with(with(unlimited(), "issue_writes_2s", 4), "issue_writes_30s", 8));
  const std::string key = site.create("x"), other = site.create("y");
  const auto write = [&](const std::string& to) { return site.put("/issue/" + to + "/properties/p", 1).status(); };
  CHECK(write(key) == 201);
  CHECK(site.post("/issue/" + key + "/comment", Object{{"body", text_document("x")}}).status() == 201);
  CHECK(site.upload(key, {Site::file("a", "x")}).status() == 200);
  CHECK(site.post("/issueLink", Object{{"type", {{"name", "Relates"}}},
                                       {"inwardIssue", {{"key", key}}},
                                       {"outwardIssue", {{"key", other}}}})
            .status() == 201);
  const Reply refusal = site.put("/issue/" + key, Object{{"fields", {{"summary", "z"}}}});
  CHECK(refusal.status() == 429);
  CHECK(refusal.header("RateLimit-Reason") == "jira-per-issue-on-write");
  CHECK(site.fields(key).at("summary") == "x");
  CHECK(write(other) == 201);
  site.wait(2000);
  for (int i = 0; i < 4; ++i) CHECK(write(key) == 200);
  CHECK(write(key) == 429);
  site.wait(2000);  // the longer window holds one more by now
  CHECK(write(key) == 200);
  const Reply longer = site.put("/issue/" + key + "/properties/p", 1);
  CHECK(longer.status() == 429);
  CHECK(longer.header("Retry-After") == "4");
}

TEST_CASE("jira simulator: Retry-After can be missing or zero") {
  Site silent(with(with(unlimited(), "rate_get", 1), "retry_after", "absent")),
      zero(with(with(unlimited(), "rate_get", 1), "retry_after", "zero"));
  for (Site* site : {&silent, &zero}) {
    CHECK(site->get("/myself").status() == 200);
    CHECK(site->get("/myself").status() == 429);
  }
  CHECK_FALSE(silent.get("/myself").response.headers.has("Retry-After"));
  CHECK(zero.get("/myself").header("Retry-After") == "0");
}

TEST_CASE("jira simulator: searches for users share a limit") {
  Site site(with(unlimited(), "user_search_rate", 2));
  CHECK(site.get("/user/search?query=ana").status() == 200);
  CHECK(site.get("/user/assignable/search?project=SUP&query=ana").status() == 200);
  CHECK(site.get("/user/search?query=ben").status() == 429);
  CHECK(site.get("/myself").status() == 200);
}

TEST_CASE("jira simulator: settings are checked") {
  CHECK_THROWS_AS(Site(Object{{"deploiment", "cloud"}}), Error);
  CHECK_THROWS_AS(Site(Object{{"deployment", "moon"}}), Error);
  CHECK_THROWS_AS(Site(Object{{"custom_fields", {Object{{"name", "x"}, {"type", "hologram"}}}}}), Error);
  Site site(with(unlimited(), "projects",
                 {Object{{"key", "ACME"}, {"name", "Acme"}, {"type", "software"}, {"issue_types", {"Bug", "Task"}}}}));
  CHECK(site.get("/issue/createmeta/ACME/issuetypes").json().at("total") == 2);
  CHECK(site.get("/project/SUP").status() == 404);
}

TEST_CASE("jira simulator: the table of settings in README.md is current") {
  const std::string path = MIGRATE_SOURCE_DIR "/plugins/jira/README.md", begin = "<!-- generated: settings -->\n";
  std::ifstream in(path);
  std::string text_of_file(std::istreambuf_iterator<char>(in), {});
  const std::size_t from = text_of_file.find(begin) + begin.size(), end = text_of_file.find("<!-- end -->", from);
  REQUIRE(end != std::string::npos);
  const std::string markdown = jira::simulator_settings_markdown(), table = markdown.substr(markdown.find('|'));
  if (std::getenv("MIGRATE_UPDATE_DOCS")) {
    std::ofstream(path) << text_of_file.replace(from, end - from, table);
  } else {
    CHECK(text_of_file.substr(from, end - from) == table);
  }
}

TEST_CASE("jira simulator: ids differ from seed to seed, and are the same for the same seed") {
  Site a(unlimited(), 1), b(unlimited(), 1), c(unlimited(), 2);
  for (Site* site : {&a, &b, &c}) site->create("x");
  CHECK(a.state() == b.state());
  CHECK(a.state().at("issues") != c.state().at("issues"));
  CHECK(a.field("External ID") == b.field("External ID"));
}

TEST_CASE("jira simulator: Data Center") {
  Site site(with(unlimited(), "deployment", "server"));
  site.base = "/rest/api/2";
  site.authorization = "Bearer " + token;
  CHECK(site.get("/rest/api/3/myself").status() == 404);
  CHECK(site.get("/myself").json().at("name") == "migrator");
  CHECK(site.get("/serverInfo").json().at("deploymentType") == "Server");
  const std::string key = site.create(
      "wiki", {{"description", "It *beeps* !a.png!"}, {"assignee", {{"name", "chen.wei"}}}, {"labels", {"x"}}});
  CHECK(site.fields(key).at("description") == "It *beeps* !a.png!");
  CHECK(site.fields(key).at("assignee").at("name") == "chen.wei");
  CHECK_FALSE(site.fields(key).at("assignee").as_object().contains("accountId"));
  CHECK(site.post("/issue", Site::issue("x", {{"description", text_document("x")}})).status() == 400);
  CHECK(site.post("/issue", Site::issue("x", {{"assignee", {{"name", "nobody"}}}})).error("assignee") ==
        "User 'nobody' does not exist.");
  CHECK(site.get("/user/search?username=chen").json().as_array().size() == 1);
  CHECK(site.get("/user/assignable/search?username=chen&project=SUP").json().as_array().size() == 1);

  const Value found =
      site.post("/search", Object{{"jql", "labels = x"}, {"startAt", 0}, {"maxResults", 5}, {"fields", {"summary"}}})
          .json();
  CHECK(found.at("total") == 1);
  CHECK(found.at("issues").as_array()[0].at("fields") == Object{{"summary", "wiki"}});
  CHECK(site.get("/search?jql=order%20by%20key&startAt=1").json().at("issues").as_array().empty());
  CHECK(site.post("/search/jql", Object{{"jql", "labels = x"}}).status() == 404);
  CHECK(site.get("/issue/createmeta/SUP/issuetypes").json().at("values").as_array().size() == 6);

  const Value file = site.upload(key, {Site::file("a.png", "AAA")}).json().as_array()[0];
  CHECK(text(file.at("content")) == origin + "/secure/attachment/" + text(file.at("id")) + "/a.png");
  CHECK(site.get(text(file.at("content"))).response.body == "AAA");
  CHECK(site.state().at("issues").at(key).at("attachments").as_array()[0].at("referencedBy") == Array{"description"});
  CHECK(site.put("/issue/" + key, Object{{"fields", {{"description", "no picture"}}}}).status() == 204);
  CHECK(site.fields(key).at("attachment").as_array().size() == 1);  // nothing is orphaned here

  const std::string epic = site.create("epic", {{"issuetype", {{"name", "Epic"}}}});
  const std::string link = site.field("Epic Link");
  CHECK(site.post("/issue", Site::issue("x", {{"parent", {{"key", epic}}}})).error("parent") != "");
  CHECK(site.fields(site.create("member", {{link, epic}})).at(link) == Value(epic));
  CHECK(site.post("/issue", Site::issue("x", {{link, key}})).error(link) != "");
}

TEST_CASE("jira simulator: Data Center answers wrong credentials with 401, and in the end with a riddle") {
  Site site(with(unlimited(), "deployment", "server"));
  site.base = "/rest/api/2";
  site.authorization = "Basic " + base64_encode("migrator:wrong");
  for (int i = 0; i < 3; ++i) {
    const Reply reply = site.get("/project/SUP");
    CHECK(reply.status() == 401);
    CHECK(reply.header("X-Seraph-LoginReason") == "AUTHENTICATED_FAILED");
  }
  site.authorization = "Basic " + base64_encode("migrator:" + token);
  const Reply reply = site.get("/project/SUP");
  CHECK(reply.status() == 403);
  CHECK(reply.header("X-Authentication-Denied-Reason").starts_with("CAPTCHA_CHALLENGE"));
}

TEST_CASE("jira simulator: Data Center tells the state of the account's bucket with each answer") {
  Site site(Object{{"deployment", "server"}, {"server_rate", 2}, {"server_capacity", 3}});
  site.base = "/rest/api/2";
  site.authorization = "Bearer " + token;
  for (const char* left : {"2", "1", "0"}) {
    const Reply reply = site.get("/myself");
    CHECK(reply.status() == 200);
    CHECK(reply.header("X-RateLimit-Remaining") == left);
    CHECK(reply.header("X-RateLimit-Limit") == "3");
    CHECK(reply.header("X-RateLimit-FillRate") == "2");
    CHECK(reply.header("X-RateLimit-Interval-Seconds") == "1");
    CHECK(reply.header("Retry-After") == "0");
  }
  const Reply refusal = site.get("/serverInfo");
  CHECK(refusal.status() == 429);
  CHECK(refusal.header("Retry-After") == "1");
  site.wait(500);
  CHECK(site.get("/myself").status() == 200);
}
