// A migration's requests against the vendor's document, and faults of network and service between them.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../simulator/adf.hpp"
#include "every_node.hpp"
#include "migrate/http/transport.hpp"
#include "site.hpp"
#include "temporary_folder.hpp"
#include "vendor_documents.hpp"

using namespace jira_tests;

namespace {

/// The stand-in behind its host: what it is asked and answers goes through the observer.
struct Hosted : Site {
  Hosted() : host("jira", simulator, services()) { host.attach(transport, origin, media_origin); }
  Services services() const {
    Services lent;
    lent.clock = clock;
    return lent;
  }
  Reply exchange(http::Request sent) {
    http::Url to = http::parse_url(sent.target.starts_with('/') ? origin + sent.target : sent.target);
    sent.target = to.target;
    Reply reply;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, transport.exchange(std::move(to), std::move(sent), http::ExchangeLimits()),
                          [&](std::exception_ptr trouble, http::Response answer) {
                            failure = trouble;
                            reply.response = std::move(answer);
                          });
    context.run();
    context.restart();
    if (failure) std::rethrow_exception(failure);
    return reply;
  }
  Reply ask(const std::string& method, const std::string& target, const Value& body = nullptr) {
    return exchange(request(method, target, body));
  }

  http::SimulatedTransport transport;
  testing::SimulatorHost host;
};

/// What a migration asks in the course of one ticket, and some of what goes wrong.
void migrate_one(Hosted& jira) {
  const auto ask = [&](const char* method, const std::string& target, const Value& body = nullptr) {
    const Reply reply = jira.ask(method, target, body);
    CHECK_MESSAGE(reply.status() < 500, method, " ", target, " answered ", reply.response.body);
    return reply;
  };
  for (const char* look : {"/myself",
                           "/serverInfo",
                           "/mypermissions?projectKey=SUP&permissions=CREATE_ISSUES,DELETE_ISSUES",
                           "/project/SUP",
                           "/project/search?keys=SUP",
                           "/project/SUP/statuses",
                           "/project/SUP/components",
                           "/project/SUP/versions",
                           "/field",
                           "/issuetype",
                           "/priority",
                           "/priority/search",
                           "/status",
                           "/resolution",
                           "/issueLinkType",
                           "/attachment/meta",
                           "/issue/createmeta/SUP/issuetypes",
                           "/user/search?query=ana",
                           "/user/assignable/search?project=SUP&query=chen",
                           "/users/search",
                           "/project/NONE"}) {
    ask("GET", look);
  }
  const Value types = ask("GET", "/issue/createmeta/SUP/issuetypes").json();
  ask("GET",
      "/issue/createmeta/SUP/issuetypes/" + text(types.at("issueTypes").as_array()[1].at("id")) + "?maxResults=10");
  ask("POST", "/component", Object{{"name", "Desk"}, {"project", "SUP"}});
  ask("POST", "/version", Object{{"name", "1.0"}, {"project", "SUP"}});

  Value body = Site::issue("Printer down", {{"labels", {"fd-81"}},
                                            {"description", text_document("It beeps")},
                                            {"priority", {{"name", "High"}}},
                                            {"components", {{{"name", "Desk"}}}},
                                            {"duedate", "2026-03-01"},
                                            {jira.field("External ID"), "fd:81"},
                                            {jira.field("Category"), {{"value", "Hardware"}}}});
  body.as_object()["properties"] = Array{Object{{"key", "migration.source"}, {"value", {{"id", 81}}}}};
  const std::string key = text(ask("POST", "/issue", body).json().at("key")), path = "/issue/" + key;
  const std::string other = text(ask("POST", "/issue", Site::issue("other")).json().at("key"));
  ask("POST", "/issue", Site::issue(""));
  ask("POST", "/issue/bulk", Object{{"issueUpdates", {Site::issue("third"), Site::issue("")}}});
  ask("POST", "/issue/bulkfetch", Object{{"issueIdsOrKeys", {key, "SUP-1"}}, {"fields", {"labels"}}});
  http::Request upload = jira.request("POST", path + "/attachments");
  http::set_multipart(upload, {Site::file("a.png", "PNG")}, "boundary-of-the-test");
  upload.headers.set("X-Atlassian-Token", "no-check");
  const std::string file = text(jira.exchange(upload).json().as_array()[0].at("id"));
  ask("GET", "/attachment/" + file);
  const std::string location = ask("GET", "/attachment/content/" + file).header("Location");
  CHECK(jira.exchange(http::Request("GET", location)).response.body == "PNG");
  const std::string media = location.substr(location.find("/file/") + 6, 36);
  ask("PUT", path + "?notifyUsers=false",
      Object{{"fields", {{"description", document({paragraph("It beeps"), picture(media)})}}},
             {"update", {{"labels", {{{"add", "done"}}}}}}});
  ask("PUT", path + "?returnIssue=true", Object{{"fields", {{"summary", "Printer is down"}}}});
  const Value comment = ask("POST", path + "/comment",
                            Object{{"body", text_document("note")},
                                   {"visibility", {{"type", "role"}, {"value", "Administrators"}}},
                                   {"properties", {Object{{"key", "k"}, {"value", 1}}}}})
                            .json();
  ask("GET", path + "/comment?orderBy=created&expand=properties");
  ask("GET", path + "/comment/" + text(comment.at("id")));
  ask("PUT", path + "/comment/" + text(comment.at("id")), Object{{"body", text_document("edited")}});
  ask("POST", path + "/comment", Object{{"body", document({})}});
  const Value worklog = ask("POST", path + "/worklog?adjustEstimate=leave&notifyUsers=false",
                            Object{{"timeSpentSeconds", 600},
                                   {"started", "2024-01-31T09:00:00.000+0000"},
                                   {"comment", text_document("fixed")}})
                            .json();
  ask("GET", path + "/worklog");
  ask("PUT", path + "/worklog/" + text(worklog.at("id")), Object{{"timeSpent", "2h"}});
  ask("DELETE", path + "/worklog/" + text(worklog.at("id")));
  for (int i = 0; i < 2; ++i) {
    ask("POST", "/issueLink",
        Object{{"type", {{"name", "Blocks"}}}, {"inwardIssue", {{"key", key}}}, {"outwardIssue", {{"key", other}}}});
    ask("POST", path + "/remotelink",
        Object{{"globalId", "g"}, {"object", {{"url", "https://x.test"}, {"title", "t"}}}});
    ask("PUT", path + "/properties/migration.source", Object{{"id", 82}});
  }
  ask("GET",
      path + "/remotelink/" + std::to_string(ask("GET", path + "/remotelink?globalId=g").json().at("id").as_int64()));
  ask("GET", path + "/properties");
  ask("GET", path + "/properties/migration.source");
  ask("GET", path + "/editmeta");
  const Value whole = ask("GET", path + "?expand=names,schema,transitions&properties=*all").json();
  ask("GET", "/issueLink/" + text(whole.at("fields").at("issuelinks").as_array()[0].at("id")));
  ask("GET", path + "/transitions?expand=transitions.fields");
  ask("POST", path + "/transitions", Object{{"transition", {{"id", jira.transition(key, "Start work")}}}});
  ask("POST", path + "/transitions", Object{{"transition", {{"id", "1"}}}});
  ask("POST", path + "/watchers",
      Value(text(ask("GET", "/user/search?query=ana.ruiz@").json().as_array()[0].at("accountId"))));
  ask("GET", path + "/watchers");
  jira.wait(6000);
  ask("GET", "/search/jql?fields=*all&jql=" + http::encode("project = SUP AND labels = fd-81"));
  ask("POST", "/search/jql",
      Object{{"jql", "project = SUP ORDER BY key"},
             {"maxResults", 1},
             {"fields", {"summary"}},
             {"reconcileIssues", {std::stoll(text(whole.at("id")))}}});
  ask("POST", "/search/jql", Object{{"jql", "order by key"}});
  ask("POST", "/search/approximate-count", Object{{"jql", "project = SUP"}});
  ask("DELETE", path + "/comment/" + text(comment.at("id")));
  ask("DELETE", "/attachment/" + file);
  const Value task = ask("POST", "/bulk/issues/delete", Object{{"selectedIssueIdsOrKeys", {other}}}).json();
  ask("GET", "/bulk/queue/" + text(task.at("taskId")));
  jira.wait(1000);
  ask("GET", "/bulk/queue/" + text(task.at("taskId")));
  ask("DELETE", path + "?deleteSubtasks=true");
}

const std::filesystem::path& shared() {
  static const std::filesystem::path folder = checkable_documents("tools/check_payload.py");
  return folder;
}

/// What the checking tool says; `passed` is whether it found no fault.
std::string check(const std::filesystem::path& folder, const std::string& arguments, bool& passed) {
  const std::filesystem::path verdict = folder / "verdict.txt";
  const std::string command =
      fmt::format("python3 -W ignore -B '{}' {} > '{}' 2>&1", (shared() / "tools" / "check_payload.py").string(),
                  arguments, verdict.string());
  passed = std::system(command.c_str()) == 0;
  std::ifstream in(verdict);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Value read_json(const std::filesystem::path& file) {
  std::ifstream in(file);
  return parsed(std::string(std::istreambuf_iterator<char>(in), {}));
}

/// Every document in the value, also in texts that are JSON themselves.
void collect(const Value& value, Array& documents) {
  if (value.is_string() && value.get_string().starts_with("{")) {
    boost::json::error_code failed;
    const Value inner = boost::json::parse(value.get_string(), failed, {}, {512});
    if (!failed) collect(inner, documents);
  } else if (value.is_array()) {
    for (const Value& each : value.get_array()) collect(each, documents);
  } else if (value.is_object()) {
    const Object& object = value.get_object();
    if (object.contains("content") && object.contains("version") && object.at("type") == "doc") {
      documents.push_back(value);
    } else {
      for (const auto& [name, each] : object) collect(each, documents);
    }
  }
}

/// The node at the random place, or one below it.
Value* somewhere(Value& node, std::uint64_t& random) {
  const auto next = [&](std::size_t below) {
    random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<std::size_t>(random >> 33) % below;
  };
  Value* at = &node;
  for (;;) {
    Value* content = at->is_object() ? at->get_object().if_contains("content") : nullptr;
    if (!content || content->get_array().empty() || (at != &node && next(3) == 0)) return at;
    at = &content->get_array()[next(content->get_array().size())];
  }
}

/// A copy with one thing wrong, moved or missing; sometimes still valid.
Value damaged(const Value& of, const Value& whole, std::uint64_t& random) {
  Value copy = of, source = whole;
  Value& at = *somewhere(copy, random);
  Object& object = at.as_object();
  switch ((random >> 40) % 7) {
    case 0:
      at = *somewhere(source, random);
      break;
    case 1:
      object.erase("attrs");
      break;
    case 2:
      object.erase("content");
      break;
    case 3:
      object["marks"] = Array{Object{{"type", "strong"}}};
      break;
    case 4:
      object["attrs"] = Object{{"localId", "x"}};
      break;
    case 5:
      object["content"] = Array();
      break;
    default:
      object["marks"] = Array{Object{{"type", "alignment"}, {"attrs", {{"align", "center"}}}}};
      break;
  }
  return copy;
}

}  // namespace

TEST_CASE("jira simulator: a lost answer, a torn one and a late error leave what was made") {
  Hosted jira;
  testing::FaultPlan plan(parsed(R"({"seed":1,"faults":[{"kind":"drop_after","method":"POST","path":"/issue$","nth":1},
      {"kind":"torn_after","method":"POST","path":"/comment$","nth":1},
      {"kind":"status_after","method":"POST","path":"/attachments$","nth":1,"status":502,"body":"<html>"},
      {"kind":"status","method":"PUT","path":"/issue/","nth":1,"status":503,"headers":{"Retry-After":"7"},"body":"{}"}]})"));
  jira.host.set_faults(std::move(plan));
  CHECK_THROWS_AS(jira.ask("POST", "/issue", Site::issue("x")), http::TransportError);
  const std::string key(jira.state().at("issues").as_object().begin()->key());
  CHECK_THROWS_AS(jira.ask("POST", "/issue/" + key + "/comment", Object{{"body", text_document("x")}}),
                  http::TransportError);
  http::Request upload = jira.request("POST", "/issue/" + key + "/attachments");
  http::set_multipart(upload, {Site::file("a.png", "PNG")}, "boundary");
  upload.headers.set("X-Atlassian-Token", "no-check");
  CHECK(jira.exchange(upload).status() == 502);
  const Reply busy = jira.ask("PUT", "/issue/" + key, Object{{"fields", {{"summary", "y"}}}});
  CHECK(busy.status() == 503);
  CHECK(busy.header("Retry-After") == "7");
  const Value issue = jira.state().at("issues").at(key);
  CHECK(issue.at("comments").as_array().size() == 1);
  CHECK(issue.at("attachments").as_array().size() == 1);
  CHECK(issue.at("fields").at("summary") == "x");
}

TEST_CASE("jira simulator: requests and answers are what the vendor's document says") {
  const std::filesystem::path document = shared() / "specs" / "jira" / "jira-cloud-v3.corrected.json";
  TemporaryFolder folder;
  const std::filesystem::path log = folder.path / "exchanges.jsonl";
  std::size_t exchanges = 0;
  {
    std::ofstream out(log);
    Hosted jira;
    jira.host.observe([&](const Value& exchange) {
      // The media service is no part of the document; bodies of uploads are no JSON.
      if (text(exchange.at("url")).find("/rest/") == std::string::npos) return;
      Value line = exchange;
      if (text(exchange.at("url")).ends_with("/attachments")) line.as_object()["request_body"] = nullptr;
      out << boost::json::serialize(line) << '\n';
      ++exchanges;
    });
    migrate_one(jira);
  }
  CHECK(exchanges > 70);
  bool passed = false;
  const std::string said =
      check(folder.path, fmt::format("exchange '{}' '{}'", document.string(), log.string()), passed);
  CHECK_MESSAGE(passed, said);
  CHECK(said.find("ok") != std::string::npos);
}

TEST_CASE("jira simulator: documents of the vendor are taken, and what is taken is valid for the vendor") {
  const std::filesystem::path specs = shared() / "specs" / "jira";
  Array examples;
  collect(read_json(specs / "jira-cloud-v3-openapi.json"), examples);
  CHECK(examples.size() >= 30);
  for (const Value& each : examples) {
    const std::string fault = jira::sim::examine(each).fault;
    CHECK_MESSAGE(fault == "", fault, " in ", boost::json::serialize(each));
  }
  // One block each, in most with something wrong that may be taken all the same.
  Array taken;
  std::uint64_t random = 4711;
  std::size_t refused = 0;
  const Value whole = parsed(every_node);
  for (const Value& block : whole.at("content").as_array()) {
    const Value alone = document({block});
    taken.push_back(alone);
    for (int i = 0; i < 40; ++i) {
      Value one = damaged(alone, whole, random);
      const bool fine = jira::sim::examine(one).fault.empty();
      refused += !fine;
      if (fine) taken.push_back(std::move(one));
    }
  }
  CHECK(taken.size() > 100);
  CHECK(refused > 200);
  Value schema = read_json(specs / "adf-schema-full.json");
  schema.as_object().erase("$ref");
  schema.at("definitions").as_object()["documents"] =
      Object{{"type", "array"}, {"items", {{"$ref", "#/definitions/doc_node"}}}};
  TemporaryFolder folder;
  std::ofstream(folder.path / "schema.json") << boost::json::serialize(schema);
  std::ofstream(folder.path / "taken.json") << boost::json::serialize(taken);
  bool passed = false;
  const std::string said = check(
      folder.path,
      fmt::format("schema '{0}/schema.json' '#/definitions/documents' '{0}/taken.json'", folder.path.string()), passed);
  CHECK_MESSAGE(passed, said);
}
