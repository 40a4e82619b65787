// Searches: late, paged by token, and choosy about their queries.
#include <algorithm>
#include <set>

#include "site.hpp"

using namespace jira_tests;

namespace {

using Keys = std::vector<std::string>;

std::string refused(Site& site, const std::string& jql) {
  const Reply reply = site.post("/search/jql", Object{{"jql", jql}});
  CHECK_MESSAGE(reply.status() == 400, jql, " answered ", reply.response.body);
  return reply.status() == 400 ? reply.message() : std::string();
}

}  // namespace

TEST_CASE("jira simulator: a search sees an issue only after the lag, a look at the key at once") {
  Site site(with(unlimited(), "index_lag_ms", 60'000));
  const std::string key = site.create("new", {{"labels", {"fd-81"}}});
  const Value id = site.get("/issue/" + key).json().at("id");
  const std::string query = "project = SUP AND labels = \"fd-81\"";
  CHECK(site.found(query).empty());
  CHECK(site.post("/search/approximate-count", Object{{"jql", query}}).json().at("count") == 0);
  CHECK(site.found(query, {std::stoll(text(id))}) == Keys{key});
  CHECK(site.found("labels = other", {std::stoll(text(id))}).empty());
  site.wait(59'999);
  CHECK(site.found(query).empty());
  site.wait(1);
  CHECK(site.found(query) == Keys{key});
  CHECK(site.post("/search/approximate-count", Object{{"jql", query}}).json().at("count") == 1);

  SUBCASE("an edit is as late, in what is matched and in what is answered") {
    CHECK(site.put("/issue/" + key,
                   Object{{"fields", {{"summary", "edited"}}}, {"update", {{"labels", {{{"add", "later"}}}}}}})
              .status() == 204);
    CHECK(site.found("labels = later").empty());
    CHECK(site.found("labels = later", {std::stoll(text(id))}) == Keys{key});
    const auto summary = [&] {
      const Value page = site.post("/search/jql", Object{{"jql", query}, {"fields", {"summary"}}}).json();
      return text(page.at("issues").as_array()[0].at("fields").at("summary"));
    };
    CHECK(summary() == "new");
    CHECK(site.fields(key).at("summary") == "edited");
    site.wait(60'000);
    CHECK(site.found("labels = later") == Keys{key});
    CHECK(summary() == "edited");
  }
  SUBCASE("a deleted issue is gone at once, but counted until the lag is over") {
    CHECK(site.erase("/issue/" + key).status() == 204);
    CHECK(site.found(query).empty());
    CHECK(site.post("/search/approximate-count", Object{{"jql", query}}).json().at("count") == 1);
    site.wait(60'000);
    CHECK(site.post("/search/approximate-count", Object{{"jql", query}}).json().at("count") == 0);
  }
}

TEST_CASE("jira simulator: pages hang together by their token, and by nothing else") {
  Site site(with(with(unlimited(), "index_lag_ms", 0), "search_page_cap", 3));
  Keys keys;
  for (int i = 0; i < 8; ++i) keys.push_back(site.create(fmt::format("issue {}", i), {{"labels", {"run"}}}));
  const auto pages = [&](const std::string& jql, const Array& fields, int count, const std::function<void()>& between) {
    Keys all;
    Object body{{"jql", jql}, {"fields", fields}, {"maxResults", count}};
    for (bool last = false; !last;) {
      const Reply reply = site.post("/search/jql", body);
      INFO(reply.response.body);
      REQUIRE(reply.status() == 200);
      const Value page = reply.json();
      CHECK_FALSE(page.as_object().contains("total"));
      for (const Value& each : page.at("issues").as_array()) all.push_back(text(each.at("key")));
      last = page.at("isLast").as_bool();
      CHECK(page.as_object().contains("nextPageToken") != last);
      if (!last) body["nextPageToken"] = page.at("nextPageToken");
      if (between) between();
    }
    return all;
  };
  CHECK(pages("labels = run ORDER BY created ASC", {"key"}, 3, {}) == keys);
  CHECK(pages("labels = run ORDER BY summary", {"key"}, 5, {}) == keys);
  CHECK(pages("project = SUP ORDER BY key", {"summary"}, 100, {}) == keys);
  Keys reversed(keys.rbegin(), keys.rend());
  CHECK(pages("labels = run", {"key"}, 2, {}) == reversed);
  // What comes and goes meanwhile neither doubles nor hides another.
  int calls = 0;
  const Keys moving = pages("labels = run ORDER BY created ASC", {"key"}, 2, [&] {
    if (++calls == 1) site.erase("/issue/" + keys[0]);
    if (calls == 2) site.create("late", {{"labels", {"run"}}});
  });
  CHECK(std::set<std::string>(moving.begin(), moving.end()).size() == moving.size());
  for (const std::string& key : keys) CHECK(std::find(moving.begin(), moving.end(), key) != moving.end());

  const Value first = site.post("/search/jql", Object{{"jql", "project = SUP"}, {"maxResults", 1}}).json();
  CHECK(first.at("issues").as_array()[0].as_object().size() == 1);  // nothing but the id
  const Value token_of_first = first.at("nextPageToken");
  CHECK(site.post("/search/jql", Object{{"jql", "labels = run"}, {"nextPageToken", token_of_first}}).status() == 400);
  CHECK(site.post("/search/jql", Object{{"jql", "project = SUP"}, {"nextPageToken", "BOGUS"}}).status() == 400);
  for (const int count : {0, -1, 5001}) {
    CHECK(site.post("/search/jql", Object{{"jql", "project = SUP"}, {"maxResults", count}}).status() == 400);
  }
  const Reply many =
      site.post("/search/jql", Object{{"jql", "project = SUP"}, {"fields", {"summary"}}, {"maxResults", 5000}});
  CHECK(many.json().at("issues").as_array().size() == 3);
  CHECK(site.post("/search/jql", Object{{"jql", "project = SUP"}, {"startAt", 0}}).status() == 400);
  CHECK(site.post("/search/jql", Object{{"jql", "project = SUP"}, {"reconcileIssues", Array(51, Value(1))}}).status() ==
        400);
}

TEST_CASE("jira simulator: the query in the address is the query in the body") {
  Site site(with(unlimited(), "index_lag_ms", 0));
  const std::string key = site.create("by get", {{"labels", {"x+y"}}});
  const std::string jql = http::encode("labels = \"x+y\" ORDER BY key");
  const Value page = site.get("/search/jql?jql=" + jql + "&fields=summary,labels&maxResults=10").json();
  REQUIRE(page.at("issues").as_array().size() == 1);
  CHECK(page.at("issues").as_array()[0].at("fields") == Object{{"summary", "by get"}, {"labels", {"x+y"}}});
  CHECK(site.get("/search/jql?jql=" + jql + "&startAt=0").status() == 400);
  CHECK(site.get("/search?jql=" + jql).status() == 410);
  CHECK(site.post("/search", Object{{"jql", "project = SUP"}}).status() == 410);
}

TEST_CASE("jira simulator: a query must be bounded, known in its names, and well formed") {
  Site site(with(unlimited(), "index_lag_ms", 0));
  const std::string unbounded =
      "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
  CHECK(refused(site, "order by key") == unbounded);
  CHECK(refused(site, "") == unbounded);
  CHECK(site.post("/search/approximate-count", Object{{"jql", "order by key"}}).message() == unbounded);
  CHECK(refused(site, "project = NO") == "The value 'NO' does not exist for the field 'project'.");
  CHECK(refused(site, "key = SUP-1") == "An issue with key 'SUP-1' does not exist for field 'key'.");
  CHECK(refused(site, "status = Nirvana") == "The value 'Nirvana' does not exist for the field 'status'.");
  CHECK(refused(site, "colour = red") == "Field 'colour' does not exist or you do not have permission to view it.");
  CHECK(refused(site, "labels ~ x") == "The operator '~' is not supported by the 'labels' field.");
  CHECK(refused(site, "summary = x") == "The operator '=' is not supported by the 'summary' field.");
  CHECK(refused(site, "\"External ID\" = x") == "The operator '=' is not supported by the 'External ID' field.");
  CHECK(refused(site, "labels = a+b").find("reserved JQL character") != std::string::npos);
  CHECK(refused(site, "labels = two words").find("but got 'words'") != std::string::npos);
  CHECK(refused(site, "labels = \"open").find("has not been completed") != std::string::npos);
  CHECK(refused(site, "labels in (a, b").find("Expecting ')'") != std::string::npos);
  CHECK(refused(site, "labels =").find("before the end of the query") != std::string::npos);
  CHECK(refused(site, "created > yesterday").find("Date value 'yesterday'") != std::string::npos);
  CHECK(refused(site, "project = SUP ORDER BY labels") == "Not able to sort using field 'labels'.");
  CHECK(refused(site, "project = SUP order by key, key, key, key, key, key, key, key") ==
        "The 'order by' clause can contain a maximum of 7 fields.");
  CHECK(refused(site, std::string(200, '(') + "key = x") != "");
}

TEST_CASE("jira simulator: conditions") {
  Site site(with(with(unlimited(), "index_lag_ms", 0), "utc_offset_hours", -5));
  const Value ana = site.account("ana.ruiz@example.com");
  const std::string a = site.create("Printer beeps loudly", {{"labels", {"x", "y"}},
                                                             {"priority", {{"name", "High"}}},
                                                             {"assignee", {{"accountId", ana}}},
                                                             {"description", text_document("The drum is worn out")},
                                                             {site.field("External ID"), "freshdesk:acme:81"},
                                                             {site.field("Effort"), 3}});
  site.wait(3'600'000);
  const std::string b = site.create("Printer silent", {{"labels", {"y"}},
                                                       {"duedate", "2026-05-01"},
                                                       {site.field("External ID"), "freshdesk:acme:811"},
                                                       {site.field("Category"), {{"value", "Hardware"}}}});
  const std::string c = site.create("Elsewhere", {{"project", {{"key", "OPS"}}}, {"issuetype", {{"name", "Bug"}}}});
  site.walk(b, {"Start work"});
  const auto found = [&](const std::string& jql) { return site.found(jql + " ORDER BY created ASC"); };
  const auto all = Keys{a, b, c};
  CHECK(found("project in (SUP, Operations)") == all);
  CHECK(found("project = SUP") == Keys{a, b});
  CHECK(found("labels = y") == Keys{a, b});
  CHECK(found("labels in (x, z)") == Keys{a});
  CHECK(found("labels not in (x)") == Keys{b});
  CHECK(found("labels != x") == Keys{b});
  CHECK(found("labels is EMPTY") == Keys{c});
  CHECK(found("labels = X").empty());
  CHECK(found("key in (" + a + ", " + c + ")") == Keys{a, c});
  CHECK(found("id = " + text(site.get("/issue/" + b).json().at("id"))) == Keys{b});
  CHECK(found("key > " + a + " AND project = SUP") == Keys{b});
  CHECK(found("summary ~ printer") == Keys{a, b});
  CHECK(found("summary ~ \"loud*\"") == Keys{a});
  CHECK(found("summary ~ \"beeps printer\"") == Keys{a});
  CHECK(found("summary ~ \"\\\"beeps printer\\\"\"").empty());
  CHECK(found("text ~ drum") == Keys{a});
  CHECK(found("summary ~ drum").empty());
  CHECK(found("description ~ drum OR summary ~ silent") == Keys{a, b});
  CHECK(found("\"External ID\" ~ \"\\\"freshdesk:acme:81\\\"\"") == Keys{a});
  const std::string field = "cf[" + site.field("External ID").substr(12) + "]";
  CHECK(found(field + " ~ \"acme\"") == Keys{a, b});
  CHECK(found("Effort >= 3") == Keys{a});
  CHECK(found("Category = hardware") == Keys{b});
  CHECK(found("Category is not empty") == Keys{b});
  CHECK(found("priority > Medium") == Keys{a});
  CHECK(found("priority = Medium AND NOT project = OPS") == Keys{b});
  CHECK(found("assignee = " + text(ana)) == Keys{a});
  CHECK(found("assignee is EMPTY AND reporter = currentUser()") == Keys{b, c});
  CHECK(found("status = \"In Progress\"") == Keys{b});
  CHECK(found("statusCategory = \"To Do\"") == Keys{a, c});
  CHECK(found("resolution = Unresolved") == all);
  CHECK(found("type = Bug") == Keys{c});
  CHECK(found("due <= 2026-05-01") == Keys{b});
  CHECK(found("(project = OPS OR labels = x) AND created <= now()") == Keys{a, c});
  // In the site's zone, which is five hours behind: 10:20 UTC is 05:20 there.
  CHECK(found("created < \"2026-02-03 06:00\"") == Keys{a});
  CHECK(found("created >= \"2026/02/03 06:20\"") == Keys{b, c});
  CHECK(found("created >= -30m") == Keys{b, c});
  CHECK(found("created >= 2026-02-04").empty());
  CHECK(site.fields(a).at("created") == "2026-02-03T05:20:30.000-0500");
  CHECK(site.found("project is not EMPTY ORDER BY priority DESC, key ASC") == Keys{a, c, b});
}
