// Others who work in Jira meanwhile, and the change log that tells of them.
#include "site.hpp"

using namespace jira_tests;

namespace {

std::string as(const std::string& name) { return "Basic " + base64_encode(name + ":" + token); }

}  // namespace

TEST_CASE("jira simulator: another of the site's people signs in with the account's token, and is seen as the author") {
  Site site;
  const std::string key = site.create("Printer down");
  const std::string own = site.authorization;
  site.authorization = as("ana.ruiz@example.com");
  CHECK(text(site.get("/myself").json().at("emailAddress")) == "ana.ruiz@example.com");
  const Value said = site.post("/issue/" + key + "/comment", Object{{"body", text_document("Me too")}}).json();
  CHECK(text(said.at("author").at("emailAddress")) == "ana.ruiz@example.com");
  std::vector<http::Part> parts;
  parts.push_back(Site::file("a.png", "bytes"));
  const Value file = site.upload(key, std::move(parts)).json();
  CHECK(text(file.at(0).at("author").at("emailAddress")) == "ana.ruiz@example.com");
  site.authorization = own;
  const std::string comment = "/issue/" + key + "/comment/" + text(said.at("id"));
  const Value edited = site.put(comment, Object{{"body", text_document("She, too")}}).json();
  CHECK(text(edited.at("author").at("emailAddress")) == "ana.ruiz@example.com");
  CHECK(text(edited.at("updateAuthor").at("emailAddress")) == email);
  // Who is no longer active, or belongs to the portal, may not.
  for (const char* name : {"dana.novak@example.com", "customer.one@example.org", "nobody@example.com"}) {
    site.authorization = as(name);
    CHECK(site.get("/myself").status() == 401);
  }
}

TEST_CASE("jira simulator: the change log tells who has changed which fields, oldest first") {
  Site site;
  const std::string key = site.create("Printer down", {{"labels", {"a"}}});
  CHECK(site.get("/issue/" + key + "/changelog").json().at("total") == 0);
  site.put("/issue/" + key, Object{{"update", {{"labels", {{{"add", "b"}}}}}}});
  site.authorization = as("ana.ruiz@example.com");
  site.put("/issue/" + key, Object{{"fields", {{"summary", "Printer is up"}, {site.field("Effort"), 3}}}});
  site.walk(key, {"Start work"});
  const Value log = site.get("/issue/" + key + "/changelog").json();
  CHECK(log.at("total") == 3);
  CHECK(log.at("isLast") == true);
  const Array& all = log.at("values").as_array();
  CHECK(text(all[0].at("author").at("emailAddress")) == email);
  CHECK(all[0].at("items").at(0).at("field") == "labels");
  CHECK(all[0].at("items").at(0).at("toString") == "a b");
  CHECK(text(all[1].at("author").at("emailAddress")) == "ana.ruiz@example.com");
  CHECK(all[1].at("items").as_array().size() == 2);
  CHECK(all[1].at("items").at(0).at("fromString") == "Printer down");
  CHECK(all[1].at("items").at(1).at("field") == "Effort");
  CHECK(all[2].at("items").at(0).at("field") == "status");
  CHECK(all[2].at("items").at(0).at("toString") == "In Progress");
  // What changes nothing is not in it.
  site.put("/issue/" + key, Object{{"fields", {{"summary", "Printer is up"}}}});
  const Value page = site.get("/issue/" + key + "/changelog?startAt=2&maxResults=1").json();
  CHECK(page.at("total") == 3);
  CHECK(page.at("values").as_array().size() == 1);
}

TEST_CASE("jira simulator: Data Center tells the changes with the issue") {
  Site site(with(unlimited(), "deployment", "server"));
  site.base = "/rest/api/2";
  site.authorization = as("migrator");
  const std::string key = site.create("Printer down");
  site.put("/issue/" + key, Object{{"fields", {{"summary", "Printer is up"}}}});
  CHECK(site.get("/issue/" + key + "/changelog").status() == 404);
  const Value issue = site.get("/issue/" + key + "?expand=changelog").json();
  CHECK(issue.at("changelog").at("total") == 1);
  CHECK(issue.at("changelog").at("histories").at(0).at("items").at(0).at("field") == "summary");
}
