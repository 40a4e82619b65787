// The parts that need no service: names, texts, fields, ways through a workflow, limits.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "draft.hpp"
#include "json.hpp"
#include "names.hpp"
#include "users.hpp"

using namespace migrate;
using namespace migrate::jira;

namespace {

Value parsed(const std::string& text) { return boost::json::parse(text); }
std::string print(const Value& value) { return boost::json::serialize(value); }

Blob blob(std::string id, std::string name, std::uint64_t size = 3) {
  Blob made;
  made.id = std::move(id);
  made.name = std::move(name);
  made.size = size;
  return made;
}

/// A project with two types; Task has all fields on its screen.
struct Project {
  Site site;
  SinkConfig config;
  Record record;
  Looked looked;

  Project() {
    config.url = "https://acme.atlassian.net";
    config.project = "SUP";
    IssueType task;
    task.id = "10001";
    task.name = "Task";
    task.statuses = {IssueStatus{"1", "Open", "new"}, IssueStatus{"2", "In Progress", "indeterminate"},
                     IssueStatus{"3", "Done", "done"}};
    site.types.push_back(task);
    LinkType blocks;
    blocks.name = "Blocks";
    blocks.inward = "is blocked by";
    blocks.outward = "blocks";
    LinkType relates;
    relates.name = "Relates";
    relates.inward = relates.outward = "relates to";
    site.links = {blocks, relates};
    site.upload_limit = 1000;
    Screen screen;
    for (const char* id :
         {"summary", "description", "labels", "priority", "assignee", "reporter", "duedate", "project", "issuetype"}) {
      Field field;
      field.id = field.name = id;
      screen.fields.emplace(id, field);
    }
    screen.fields["priority"].allowed = {"Highest", "High", "Low"};
    site.types.front().screen = screen;
    record.ref = RecordRef{"tickets", "81"};
    looked.site = &site;
    looked.type = &site.types.front();
    looked.screen = &*site.types.front().screen;
    looked.limit = 30'000;
  }
  Field& field(const std::string& id, std::string type, std::string custom = {}) {
    Field made;
    made.id = made.name = id;
    made.type = std::move(type);
    made.custom = std::move(custom);
    return site.types.front().screen->fields[id] = made;
  }
  Item item(const std::string& json) const { return Item(parsed(json)); }
};

std::string cause_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.cause;
  }
  return "nothing";
}

bool warned(const Draft& draft, const std::string& cause) {
  for (const Warning& warning : draft.warnings)
    if (warning.cause == cause) return true;
  return false;
}

}  // namespace

TEST_CASE("the marker is the same for every step of a record, short, and without blanks") {
  const std::string key = create_key("freshdesk-to-jira/tickets/81/comment:7");
  CHECK(key == "freshdesk-to-jira/tickets/81/create");
  CHECK(key == create_key("freshdesk-to-jira", RecordRef{"tickets", "81"}));
  const std::string label = marker_label("migrated", key);
  CHECK(label.starts_with("migrated-81-"));
  CHECK(label.size() == 24);
  CHECK(marker_label("migrated", "freshdesk-to-jira/tickets/82/create") != label);
  CHECK(marker_label("migrated", "m/t/a b\"c/create").find(' ') == std::string::npos);
  CHECK(marker_label("migrated", "m/t/" + std::string(500, 'x') + "/create").size() < label_limit);
}

TEST_CASE("labels hold no blanks, whichever") {
  CHECK(as_label("printer") == "printer");
  CHECK(as_label(" in the  office\n") == "in-the-office");
  CHECK(as_label("no\xC2\xA0"
                 "break") == "no-break");
  CHECK(as_label(" \t") == "");
  CHECK(as_label(std::string(300, 'a')).size() == label_limit);
  const std::string cut = as_label(std::string(254, 'a') + "\xC3\xA9");
  CHECK(cut.size() == 254);
}

TEST_CASE("files are named once within an item, and tame") {
  CHECK(file_name(blob("9001", "log.txt")) == "log--9001.txt");
  CHECK(file_name(blob("9001", "log.txt")) != file_name(blob("9002", "log.txt")));
  CHECK(file_name(blob("7", "a|b!c^[d]{e}.png")) == "a_b_c__d__e_--7.png");
  CHECK(file_name(blob("7", "../../etc/passwd")) == ".._.._etc_passwd--7");
  CHECK(file_name(blob("7", "")) == "file--7");
  CHECK(file_name(blob("7", " ")) == "file--7");
  CHECK(file_name(blob("7", "  a report.pdf ")) == "a report--7.pdf");
  CHECK(file_name(blob("inline:7", "a.png")) != file_name(blob("inline_7", "a.png")));
  CHECK(file_name(blob("7", std::string(400, 'x') + ".png")).size() < 200);
  CHECK(file_name(blob("7", "Größe.pdf")) == "Größe--7.pdf");
}

TEST_CASE("names of steps hold no slash") {
  CHECK(step_name("blob", "a/b%c") == "blob:a%2Fb%25c");
  CHECK(step_name("blob", "a/b") != step_name("blob", "a%2Fb"));
}

TEST_CASE("times") {
  CHECK(readable_time("2024-01-31T09:05:07Z") == "2024-01-31 09:05 UTC");
  CHECK(readable_time("yesterday") == "yesterday");
  CHECK(jira_time("2024-01-31T09:05:07Z") == "2024-01-31T09:05:07.000+0000");
  CHECK(jira_time("2024-01-31T09:05:07.25Z") == "2024-01-31T09:05:07.250+0000");
  CHECK_FALSE(jira_time("2024-02-31T09:05:07Z"));
  CHECK(seconds_of("2021-01-17T12:34:00.000+0000") == 1610886840);
  CHECK(seconds_of("2021-01-17T13:34:00.000+0100") == 1610886840);
  CHECK(seconds_of("2021-01-17T12:34:00Z") == 1610886840);
  CHECK_FALSE(seconds_of("2021-01-17"));
}

TEST_CASE("an item's fields stand where Jira wants them") {
  Project project;
  project.looked.assignee = "5b10";
  project.looked.reporter = "7c20";
  project.looked.parent = "";
  const Item item =
      project.item(R"({"title":"Printer\r\n down ","status":"done","priority":"high","labels":["a b","a-b","x"],
    "due":"2024-02-03T00:00:00Z","assignee":{"id":"1","name":"Lea","email":"lea@x.test"}})");
  const Draft draft = draft_of(project.record, item, project.looked, project.config);
  CHECK(
      print(draft.fields) ==
      R"({"project":{"key":"SUP"},"issuetype":{"id":"10001"},"summary":"Printer down","assignee":{"accountId":"5b10"},)"
      R"("reporter":{"accountId":"7c20"},"priority":{"name":"High"},"duedate":"2024-02-03"})");
  CHECK(draft.labels == std::vector<std::string>{"a-b", "x"});
  CHECK(draft.status->id == "3");
  CHECK(warned(draft, "label_changed"));
  project.looked.cloud = false;
  const Draft wiki = draft_of(project.record, item, project.looked, project.config);
  CHECK(print(wiki.fields.at("assignee")) == R"({"name":"5b10"})");
}

TEST_CASE("what Jira would refuse is refused before anything is made, by name") {
  Project project;
  const auto refused = [&](const std::string& json) {
    const Item item = project.item(json);
    return cause_of([&] { draft_of(project.record, item, project.looked, project.config); });
  };
  CHECK(refused(R"({"title":"t"})") == "nothing");
  CHECK(refused(R"({"title":"t","priority":"Urgent"})") == "unknown_priority");
  CHECK(refused(R"({"title":"t","status":"Waiting"})") == "unknown_status");
  CHECK(refused(R"({"title":"t","due":"soon"})") == "invalid_date");
  CHECK(refused(R"({"title":"t","fields":{"customfield_1":"x"}})") == "field_not_on_screen");
  project.record.blobs.push_back(blob("1", "big.iso", 1001));
  CHECK(refused(R"({"title":"t"})") == "file_too_large");
  project.config.unmovable_files = "leave_out";
  CHECK(refused(R"({"title":"t"})") == "nothing");
  project.record.blobs.clear();
  project.field("customfield_9", "string").required = true;
  CHECK(refused(R"({"title":"t"})") == "missing_field");
  CHECK(refused(R"({"title":"t","fields":{"customfield_9":"x"}})") == "nothing");
  project.config.internal_comments = "service_management";
  CHECK(refused(R"({"title":"t","fields":{"customfield_9":"x"},"comments":[{"id":"1","internal":true}]})") ==
        "internal_comment");
  project.site.types.front().screen->fields.erase("labels");
  CHECK(refused(R"({"title":"t"})") == "no_marker");
}

TEST_CASE("what has no place in Jira stands at the end of the description, or is dropped with a warning, or refused") {
  Project project;
  const Item item =
      project.item(R"({"title":"t","group":"Second level","custom_fields":{"cf_a":1,"cf_b":null,"cf_c":["x","y"]},
    "cc_emails":[],"spam":false})");
  Draft draft = draft_of(project.record, item, project.looked, project.config);
  const std::string body = canonical(draft.description.body, Markup::document);
  CHECK(body.find("group: Second level") != std::string::npos);
  CHECK(body.find("custom_fields.cf_a: 1") != std::string::npos);
  CHECK(body.find("custom_fields.cf_c: x, y") != std::string::npos);
  CHECK(body.find("spam: no") != std::string::npos);
  CHECK(body.find("cf_b") == std::string::npos);
  project.config.others = "drop";
  draft = draft_of(project.record, item, project.looked, project.config);
  CHECK(canonical(draft.description.body, Markup::document).find("Second level") == std::string::npos);
  CHECK(warned(draft, "dropped_fields"));
  project.config.others = "fail";
  CHECK(cause_of([&] { draft_of(project.record, item, project.looked, project.config); }) == "unmapped_fields");
}

TEST_CASE("a description says where it comes from, who wrote it and when") {
  Project project;
  const Item item =
      project.item(R"({"title":"t","created":"2024-01-31T09:00:00Z","url":"https://acme.freshdesk.com/a/tickets/81",
    "reporter":{"id":"7","name":"Lea","email":"lea@x.test"},
    "description":{"$richText":{"format":"html","text":"<p>It <b>beeps</b></p>"}}})");
  const Draft draft = draft_of(project.record, item, project.looked, project.config);
  const Value& body = draft.description.body;
  CHECK(text_at(list_at(body, {"content"}).at(0), {"type"}) == "panel");
  CHECK(
      canonical(body, Markup::document) ==
      "Imported from tickets 81 of acme.freshdesk.com, reported by Lea (lea@x.test) on 2024-01-31 09:00 UTC\nIt beeps");
}

TEST_CASE("a text that is too long is cut at a block, and its whole goes into a file") {
  Project project;
  project.looked.limit = 2000;
  std::string html;
  for (int i = 0; i < 100; ++i) html += "<p>paragraph " + std::to_string(i) + " of a long story</p>";
  Object rich;
  rich.emplace("format", "html");
  rich.emplace("text", html);
  Object data;
  data.emplace("title", "t");
  data.emplace("description", object("$richText", rich));
  data.emplace("group", "Second level");
  const Item item{Value(data)};
  for (const int api : {3, 2}) {
    project.config.api = api;
    const Draft draft = draft_of(project.record, item, project.looked, project.config);
    REQUIRE(draft.description.original);
    CHECK(draft.description.original->content == html);
    const std::string name = draft.description.original->name;
    CHECK(name.starts_with("description--original-"));
    CHECK(name.ends_with(".html"));
    // By its content: what shows the file's name changes with it.
    CHECK(name != original_of("description", Item{Value(object("description", html + "!"))}.description).name);
    CHECK(is_file_of(name, original_blob(draft.description.original->step)));
    const std::string body = canonical(draft.description.body, api == 3 ? Markup::document : Markup::wiki);
    CHECK(body.size() <= 2000);
    CHECK(body.size() > 1500);
    CHECK(body.find("paragraph 0 of a long story") != std::string::npos);
    CHECK(body.find("paragraph 99") == std::string::npos);
    CHECK(body.find("description") != std::string::npos);
    CHECK(body.find("Second level") != std::string::npos);
    CHECK(warned(draft, "text_text"));
  }
}

TEST_CASE("images wait for their place; until then they are words") {
  Project project;
  project.record.blobs.push_back(blob("inline:1", "a.png"));
  const Item item = project.item(R"({"title":"t","images":[{"address":"https://x.test/a.png","blob":"inline:1"}],
    "description":{"$richText":{"format":"html","text":"<p>see <img src='https://x.test/a.png' alt='a'> here</p>"}}})");
  const Draft draft = draft_of(project.record, item, project.looked, project.config);
  CHECK(draft.description.images == std::vector<std::string>{"inline:1"});
  CHECK(draft.description.body.is_null());
  std::map<std::string, std::string> media;
  CHECK(print(printed(draft.description, Markup::document, media, {})).find("mediaSingle") == std::string::npos);
  media["inline:1"] = "0b1c-uuid";
  const std::string shown = print(printed(draft.description, Markup::document, media, {}));
  CHECK(shown.find(R"("id":"0b1c-uuid")") != std::string::npos);
  media["inline:1"] = "a--1.png";
  const Value wiki = printed(draft.description, Markup::wiki, media, {});
  CHECK(wiki.get_string().find("!a--1.png") != boost::json::string::npos);
}

TEST_CASE("comments are oldest first and say whose they are; their files are named") {
  Project project;
  project.record.blobs.push_back(blob("5", "log.txt"));
  const Item item = project.item(R"({"title":"t","comments":[
    {"id":"2","created":"2024-01-02T00:00:00Z","author":{"name":"Bo"},"body":"later","internal":true,"kind":"note"},
    {"id":"1","created":"2024-01-01T00:00:00Z","author":{"name":"Lea"},"body":"first","blobs":["5"]}]})");
  const Draft draft = draft_of(project.record, item, project.looked, project.config);
  REQUIRE(draft.comments.size() == 2);
  CHECK(draft.comments[0].comment->id == "1");
  CHECK(draft.comments[0].blobs == std::vector<std::string>{"5"});
  const std::vector<NamedFile> files{NamedFile{"log--5.txt", "https://x.test/5"}};
  CHECK(canonical(printed(draft.comments[0].texts[0], Markup::document, {}, files), Markup::document) ==
        "Lea on 2024-01-01 00:00 UTC\nfirst\nFiles: log--5.txt");
  CHECK(canonical(draft.comments[1].texts[0].body, Markup::document) ==
        "Bo on 2024-01-02 00:00 UTC (note, internal)\nlater");
}

TEST_CASE("time entries are whole minutes with a time that Jira reads") {
  Project project;
  const Item item = project.item(R"({"title":"t","worklogs":[{"id":"1","started":"2024-01-01T08:00:00Z","seconds":95},
    {"id":"2","started":"2024-01-01T08:00:00Z","seconds":0}]})");
  const Draft draft = draft_of(project.record, item, project.looked, project.config);
  REQUIRE(draft.worklogs.size() == 1);
  CHECK(draft.worklogs[0].seconds == 120);
  CHECK(draft.worklogs[0].started == "2024-01-01T08:00:00.000+0000");
  CHECK(warned(draft, "worklog_rounded"));
  CHECK(warned(draft, "empty_worklog"));
}

TEST_CASE("values take the shape of their field") {
  Project project;
  CHECK(print(fitted(project.field("a", "option"), parsed(R"("x")"), Markup::document, true)) == R"({"value":"x"})");
  Field& many = project.field("b", "array");
  many.items = "option";
  CHECK(print(fitted(many, parsed(R"(["x","y"])"), Markup::document, true)) == R"([{"value":"x"},{"value":"y"}])");
  CHECK(print(fitted(many, parsed(R"("x")"), Markup::document, true)) == R"([{"value":"x"}])");
  CHECK(print(fitted(project.field("c", "string"), parsed("7"), Markup::document, true)) == R"("7")");
  CHECK(print(fitted(project.field("d", "date"), parsed(R"({"$date":"2024-01-31T20:00:00Z"})"), Markup::document,
                     true)) == R"("2024-01-31")");
  CHECK(print(fitted(project.field("e", "datetime"), parsed(R"("2024-01-31T20:00:00Z")"), Markup::document, true)) ==
        R"("2024-01-31T20:00:00.000+0000")");
  Field& area = project.field("f", "string", "com.atlassian.jira.plugin.system.customfieldtypes:textarea");
  CHECK(text_at(fitted(area, parsed(R"("words")"), Markup::document, true), {"type"}) == "doc");
  CHECK(print(fitted(area, parsed(R"("words")"), Markup::wiki, true)) == R"("words")");
  CHECK(print(fitted(project.field("g", "user"), parsed(R"("5b10")"), Markup::document, true)) ==
        R"({"accountId":"5b10"})");
  CHECK(print(fitted(project.field("h", "number"), parsed("7.5"), Markup::document, true)) == "7.5E0");
}

TEST_CASE("the subject of the outward phrase is first, whichever way a relation is named") {
  Project project;
  const auto relation = [&](const std::string& word) { return relation_for(word, project.site, project.config); };
  CHECK(relation("parent").parent);
  CHECK(relation("blocks").type == "Blocks");
  CHECK(relation("blocks").outward);
  CHECK_FALSE(relation("is_blocked_by").outward);
  CHECK(relation("relates").type == "Relates");
  CHECK(relation("Relates to").outward);
  CHECK(cause_of([&] { relation("clones"); }) == "unknown_relation");
  project.config.relations["parent"] = "Relates";
  CHECK(relation("parent").type == "Relates");
}

TEST_CASE("the way through a workflow is found by walking, and short once it is known") {
  const auto exit = [](std::string id, std::string to, std::string category) {
    Exit made;
    made.id = std::move(id);
    made.to = IssueStatus{to, to, std::move(category)};
    return made;
  };
  const IssueStatus done{"done", "Done", "done"};
  Workflows workflows;
  std::set<std::string> visited{"open"};
  workflows.learn("task", "open",
                  {exit("1", "cancelled", "done"), exit("2", "doing", "indeterminate"), exit("3", "waiting", "new")});
  // Not seen yet: the one that looks nearest.
  const IssueStatus review{"review", "Review", "indeterminate"};
  CHECK(workflows.next("task", "open", review, visited)->id == "2");
  workflows.learn("task", "doing", {exit("4", "done", "done"), exit("5", "open", "new")});
  CHECK(workflows.next("task", "open", done, visited)->id == "2");
  CHECK(workflows.next("task", "doing", done, visited)->id == "4");
  // A dead end is not entered twice.
  workflows.learn("task", "cancelled", {});
  workflows.learn("task", "waiting", {exit("6", "open", "new")});
  workflows.learn("task", "done", {exit("7", "open", "new")});
  CHECK(workflows.next("task", "open", review, visited) == nullptr);
  CHECK_FALSE(workflows.knows("bug", "open"));
  // One that demands what nobody has is taken only where there is no other.
  Exit strict = exit("8", "done", "done");
  strict.fields = parsed(R"({"customfield_1":{"required":true}})");
  workflows.learn("bug", "open", {strict, exit("9", "done", "done")});
  CHECK(workflows.next("bug", "open", done, {})->id == "9");
  workflows.learn("bug", "open", {strict});
  CHECK(workflows.next("bug", "open", done, {})->id == "8");
}

TEST_CASE("a transition's demands are met where that is possible, and named where it is not") {
  const Array transitions =
      parsed(R"([{"id":"31","name":"Close","to":{"id":"3","name":"Done","statusCategory":{"key":"done"}},
    "fields":{"resolution":{"required":true,"hasDefaultValue":false,"allowedValues":[{"id":"1","name":"Fixed"},{"id":"2","name":"Done"}]},
              "comment":{"required":false}}}])")
          .as_array();
  const std::vector<Exit> exits = exits_from(transitions);
  REQUIRE(exits.size() == 1);
  CHECK(print(demanded_fields(exits[0], "Done")) == R"({"resolution":{"name":"Done"}})");
  CHECK(print(demanded_fields(exits[0], "done")) == R"({"resolution":{"name":"Done"}})");
  // No other is put in its place: what is "Fixed" may be shown as "Won't Do" then.
  CHECK(cause_of([&] { demanded_fields(exits[0], "Nothing"); }) == "unknown_resolution");
  Exit other = exits[0];
  other.fields = parsed(R"({"customfield_1":{"required":true}})");
  CHECK(cause_of([&] { demanded_fields(other, "Done"); }) == "transition_needs_field");
}

TEST_CASE("an account is only taken when it is certain") {
  const Account lea{"1", "Lea", "LEA@x.test", true, true}, hidden{"2", "Bo", "", true, true},
      gone{"3", "Cy", "lea@x.test", false, true};
  const Account longer{"4", "Lea", "lea@x.test.example", true, true};
  CHECK(account_for("lea@x.test", {longer, lea}) == "1");
  CHECK(account_for("lea@x.test", {hidden}) == "2");
  CHECK_FALSE(account_for("lea@x.test", {hidden, hidden}));
  CHECK_FALSE(account_for("lea@x.test", {longer}));
  CHECK_FALSE(account_for("lea@x.test", {gone}));
  CHECK_FALSE(account_for("lea@x.test", {}));
}

TEST_CASE("a refusal slows what it is about: the endpoint, the issue, or on Data Center the account") {
  const auto now = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  http::Response response(429);
  response.request = "POST /rest/api/3/issue/SUP-24/comment";
  response.headers.add("Retry-After", "7");
  response.headers.add("RateLimit-Reason", "jira-burst-based");
  http::QuotaReading reading = read_jira_quota(response, now);
  CHECK(reading.name == "POST issue/*/comment");
  CHECK(reading.retry_after == std::chrono::seconds(7));
  response.headers.set("RateLimit-Reason", "jira-per-issue-on-write");
  CHECK(read_jira_quota(response, now).name == "issue 24");
  http::Response bucket(200);
  bucket.request = "GET /rest/api/2/issue/SUP-24";
  bucket.headers.add("X-RateLimit-Limit", "10");
  bucket.headers.add("X-RateLimit-Remaining", "9");
  bucket.headers.add("X-RateLimit-FillRate", "2");
  bucket.headers.add("X-RateLimit-Interval-Seconds", "1");
  CHECK(read_jira_quota(bucket, now).name.empty());
  CHECK(read_jira_quota(bucket, now).remaining == 9);
  // Who is asked to come back later does, whether or not the request was applied.
  response = http::Response(503);
  response.headers.add("Retry-After", "7");
  for (const char* request : {"POST /rest/api/3/issue", "GET /rest/api/3/issue/SUP-1"}) {
    response.request = request;
    CHECK(read_jira_quota(response, now).retry_after == std::chrono::seconds(7));
  }
  CHECK(endpoint_of("GET /rest/api/3/issue/SUP-1?fields=status") == "GET issue/*");
  CHECK(endpoint_of("POST /jira/rest/api/2/issue/10001/attachments") == "POST issue/*/attachments");
  CHECK(endpoint_of("GET /rest/api/3/issue/createmeta/SUP/issuetypes/10001") == "GET issue/createmeta/*/issuetypes/*");
}

TEST_CASE("options that do not go together are named") {
  const Spec<SinkConfig> spec = sink_spec();
  const auto fault = [&](const std::string& json) -> std::string {
    try {
      spec.parse(parsed(json));
    } catch (const ConfigError& error) {
      return error.faults().at(0).path;
    }
    return "none";
  };
  CHECK(fault(R"({"url":"https://a.test","email":"e@x","token":"t","project":"SUP"})") == "none");
  CHECK(fault(R"({"url":"https://a.test","token":"t","project":"SUP"})") == "email");
  CHECK(fault(R"({"url":"https://a.test","token":"t","project":"SUP","api":2})") == "none");
  CHECK(fault(R"({"url":"a.test","email":"e","token":"t","project":"SUP"})") == "url");
  CHECK(fault(R"({"url":"https://a.test","email":"e","token":"t","project":"SUP","label":"a b"})") == "label");
  CHECK(fault(R"({"url":"https://a.test","email":"e","token":"t","project":"SUP","api":4})") == "api");
}
