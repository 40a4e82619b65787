// Verification finds what differs, and nothing where nothing does.
#include <algorithm>

#include "tickets.hpp"

using namespace jira_world;

namespace {

constexpr VerifyLevel levels[] = {VerifyLevel::basic, VerifyLevel::standard, VerifyLevel::comprehensive};

/// The fields in which verification at this level finds differences.
std::vector<std::string> differences(World& world, VerifyLevel level) {
  const Report report = world.run(Mode::verify, level);
  INFO(World::complaint(report));
  REQUIRE_FALSE(report.fatal);
  std::vector<std::string> fields;
  for (const Finding& finding : report.verification->examples) fields.push_back(finding.field);
  std::sort(fields.begin(), fields.end());
  return fields;
}

Object document(const std::string& words) {
  return parsed(
             fmt::format(
                 R"({{"type":"doc","version":1,"content":[{{"type":"paragraph","content":[{{"type":"text","text":"{}"}}]}}]}})",
                 words))
      .as_object();
}

Value first(const Value& issue, const char* list) { return issue.at(list).as_array().at(0); }
std::string id_of(const Value& thing) { return std::string(thing.at("id").as_string()); }

/// A migration that is complete, and one change behind its back.
struct Changed {
  World world;
  std::string key;
  Value issue;
  Changed() {
    family(world);
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    key = world.key_of("81");
    issue = world.issue_of("81");
  }
  void edit(const std::string& json) { world.as(World::self, "PUT", "/issue/" + key, parsed(json)); }
  using Fields = std::vector<std::string>;
};

}  // namespace

TEST_CASE("verification finds a field that was changed") {
  Changed changed;
  CHECK(differences(changed.world, VerifyLevel::standard).empty());
  changed.edit(R"({"fields":{"summary":"Printer 81 is up"}})");
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"summary"});
  changed.edit(R"({"fields":{"priority":{"name":"Low"},"duedate":"2024-02-04","assignee":null}})");
  CHECK(differences(changed.world, VerifyLevel::standard) ==
        Changed::Fields{"assignee", "duedate", "priority", "summary"});
}

TEST_CASE("verification finds a word that was changed, and does not mind how it looks") {
  Changed changed;
  Value body = changed.issue.at("fields").at("description");
  std::string text = print(body);
  text.replace(text.find("beeps"), 5, "peeps");
  changed.edit(R"({"fields":{"description":)" + text + "}}");
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"description"});
  text.replace(text.find("peeps"), 5, "beeps");
  const std::string strong = R"(,"marks":[{"type":"strong"}])";
  text.erase(text.find(strong), strong.size());
  changed.edit(R"({"fields":{"description":)" + text + "}}");
  CHECK(differences(changed.world, VerifyLevel::standard).empty());
}

TEST_CASE("verification finds a comment that is gone, that says something else, that is there twice, or out of turn") {
  Changed changed;
  const Value comment = first(changed.issue, "comments");
  const std::string path = "/issue/" + changed.key + "/comment/" + id_of(comment);
  changed.world.as(World::self, "PUT", path, object("body", document("Something else")));
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"comments[8101]"});
  changed.world.as(World::self, "DELETE", path);
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"comments[8101]"});
  Object again = object("body", comment.at("body"));
  again.emplace("properties", parsed(R"([{"key":"migration","value":{"key":"x","id":"8101"}}])"));
  changed.world.as(World::self, "POST", "/issue/" + changed.key + "/comment", again);
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"comments"});
  changed.world.as(World::self, "POST", "/issue/" + changed.key + "/comment", again);
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"comments[8101]"});
}

TEST_CASE("verification finds a comment for staff that others can see, and a public one that they cannot") {
  Changed changed;
  const Array comments = changed.issue.at("comments").as_array();
  for (const Value& comment : comments) {
    Object body = object("body", comment.at("body"));
    // Without its visibility a comment becomes public.
    if (comment.at("visibility").is_null())
      body.emplace("visibility", parsed(R"({"type":"role","value":"Administrators"})"));
    changed.world.as(World::self, "PUT", "/issue/" + changed.key + "/comment/" + id_of(comment), body);
  }
  CHECK(differences(changed.world, VerifyLevel::standard) ==
        Changed::Fields{"comments[8101].internal", "comments[8102].internal"});
}

TEST_CASE("verification finds a file that is gone, of another size, there twice, or with one byte changed") {
  Changed changed;
  const Array files = changed.issue.at("attachments").as_array();
  const auto log = std::find_if(files.begin(), files.end(), [](const Value& file) {
    return std::string_view(file.at("name").as_string()).starts_with("log");
  });
  const std::string name(log->at("name").as_string());
  changed.world.as(World::self, "DELETE", "/attachment/" + id_of(*log));
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"attachments"});
  std::string bytes = changed.world.source->files["file81"];
  bytes[3] ^= 1;
  changed.world.upload_as(World::self, changed.key, name, bytes);
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"attachments"});
  changed.world.upload_as(World::self, changed.key, name, bytes + "!");
  CHECK(differences(changed.world, VerifyLevel::standard).size() == 2);
}

TEST_CASE("verification finds another status, missing labels and links, and a link the wrong way round") {
  Changed changed;
  const Value transitions = changed.world.as(World::self, "GET", "/issue/" + changed.key + "/transitions").json();
  const std::string id = id_of(transitions.at("transitions").as_array().at(0));
  changed.world.as(World::self, "POST", "/issue/" + changed.key + "/transitions",
                   object("transition", object("id", id)));
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"status"});
  changed.edit(R"({"update":{"labels":[{"remove":"printer"},{"add":"migration-incomplete"}]}})");
  CHECK(differences(changed.world, VerifyLevel::standard) == Changed::Fields{"labels", "labels", "status"});

  Changed links;
  const std::string blocker = links.world.key_of("84");
  const Value link = first(links.world.issue_of("84"), "links");
  links.world.as(World::self, "DELETE", "/issueLink/" + id_of(link));
  CHECK(differences(links.world, VerifyLevel::standard) == Changed::Fields{"links"});
  links.world.as(
      World::self, "POST", "/issueLink",
      parsed(fmt::format(R"({{"type":{{"name":"Blocks"}},"inwardIssue":{{"key":"{}"}},"outwardIssue":{{"key":"{}"}}}})",
                         links.key, blocker)));
  CHECK(differences(links.world, VerifyLevel::standard) == Changed::Fields{"links"});
  links.world.as(World::self, "PUT", "/issue/" + links.world.key_of("83"), parsed(R"({"fields":{"parent":null}})"));
  CHECK(differences(links.world, VerifyLevel::standard) == Changed::Fields{"links", "links"});
}

TEST_CASE("verification finds an issue that is gone, at each level") {
  Changed changed;
  changed.world.as(World::self, "DELETE", "/issue/" + changed.world.key_of("84"));
  for (const VerifyLevel level : levels) {
    const Report report = changed.world.run(Mode::verify, level);
    CHECK(report.status == Status::differences);
    REQUIRE_FALSE(report.verification->examples.empty());
    CHECK(report.verification->examples[0].record.id == "84");
    CHECK(std::count_if(report.verification->examples.begin(), report.verification->examples.end(),
                        [](const Finding& finding) { return finding.record.id == "84"; }) == 1);
  }
}

TEST_CASE("an issue exists under any of its names") {
  Changed changed;
  std::vector<bool> there;
  boost::asio::io_context context;
  const auto ask = [&]() -> awaitable<void> {
    const std::shared_ptr<Sink> sink = changed.world.pipeline().sink;
    std::vector<std::string> names{changed.key, "OPS-4711", id_of(changed.issue)};
    there = co_await sink->as_items()->exist(std::move(names));
  };
  boost::asio::co_spawn(context, ask(), [](std::exception_ptr) {});
  context.run();
  CHECK(there == std::vector<bool>{true, false, true});
}

TEST_CASE("each level finds each change, whichever Jira it is") {
  using Change = std::function<void(World&, const std::string&)>;
  const auto comment = [](World& world, std::size_t number) {
    return world.as(World::self, "GET", "/issue/" + world.key_of("81") + "/comment?expand=properties")
        .json()
        .at("comments")
        .at(number);
  };
  const auto word = [](Value body, const std::string& from, const std::string& to) {
    std::string text = print(body);
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return parsed(text.replace(at, from.size(), to));
  };
  const auto edit = [](World& world, const Value& old, Object body) {
    if (!body.contains("body")) body.emplace("body", old.at("body"));
    world.as(World::self, "PUT", "/issue/" + world.key_of("81") + "/comment/" + id_of(old), body);
  };
  const auto file = [](World& world) {
    const Value files = world.as(World::self, "GET", "/issue/" + world.key_of("81") + "?fields=attachment").json();
    for (const Value& each : files.at("fields").at("attachment").as_array())
      if (std::string_view(each.at("filename").as_string()).starts_with("log")) return each;
    return Value();
  };
  const Value team = parsed(R"({"type":"role","value":"Administrators"})");
  struct Case {
    const char* name;
    const char* field;
    Change change;
  };
  const std::vector<Case> cases{
      {"a word of the description", "description",
       [&](World& world, const std::string& key) {
         const Value issue = world.as(World::self, "GET", "/issue/" + key + "?fields=description").json();
         const Value text = word(issue.at("fields").at("description"), "beeps", "peeps");
         world.as(World::self, "PUT", "/issue/" + key, object("fields", object("description", text)));
       }},
      {"a word of a comment", "comments[8101]",
       [&](World& world, const std::string&) {
         const Value old = comment(world, 0);
         edit(world, old, object("body", word(old.at("body"), "help", "yelp")));
       }},
      {"a comment that is gone", "comments[8102]",
       [&](World& world, const std::string& key) {
         world.as(World::self, "DELETE", "/issue/" + key + "/comment/" + id_of(comment(world, 1)));
       }},
      {"one for staff that is public", "comments[8102].internal",
       [&](World& world, const std::string&) { edit(world, comment(world, 1), Object()); }},
      {"a public one that is for staff", "comments[8101].internal",
       [&](World& world, const std::string&) { edit(world, comment(world, 0), object("visibility", team)); }},
      {"a file that is gone", "attachments",
       [&](World& world, const std::string&) { world.as(World::self, "DELETE", "/attachment/" + id_of(file(world))); }},
      {"a file of which one byte differs", "attachments",
       [&](World& world, const std::string&) {
         // Every byte but one is there: the file at the source is another now.
         world.source->files["file81"][3] ^= 1;
       }},
      {"another status", "status",
       [&](World& world, const std::string& key) {
         const Value open = world.as(World::self, "GET", "/issue/" + key + "/transitions").json();
         world.as(World::self, "POST", "/issue/" + key + "/transitions",
                  object("transition", object("id", open.at("transitions").at(0).at("id"))));
       }},
  };
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const Case& each : cases) {
      World world(way);
      family(world);
      REQUIRE(world.run().status == Status::done);
      each.change(world, world.key_of("81"));
      INFO(each.name << " with interface " << world.config.api);
      const Changed::Fields expected{each.field};
      for (const VerifyLevel level : levels) CHECK(differences(world, level) == expected);
    }
  }
}

TEST_CASE("verification finds a time entry that was changed and a web link that is gone, at each level") {
  Changed changed;
  const Value entry = first(changed.issue, "worklogs");
  changed.world.as(World::self, "PUT", "/issue/" + changed.key + "/worklog/" + id_of(entry),
                   parsed(R"({"timeSpentSeconds":60})"));
  for (const VerifyLevel level : levels) CHECK(differences(changed.world, level) == Changed::Fields{"worklogs[8131]"});
  const Value links = changed.world.as(World::self, "GET", "/issue/" + changed.key + "/remotelink").json();
  changed.world.as(World::self, "DELETE",
                   fmt::format("/issue/{}/remotelink/{}", changed.key, print(links.at(0).at("id"))));
  for (const VerifyLevel level : levels)
    CHECK(differences(changed.world, level) == Changed::Fields{"source_link", "worklogs[8131]"});
}

TEST_CASE("an issue, its links and its parent are what they were when the project gets another key") {
  for (const World::Way way : {World::Way::documents, World::Way::data_center}) {
    World world(way);
    family(world);
    REQUIRE(world.run().status == Status::done);
    world.as(World::self, "PUT", "/project/OPS", object("key", "HELP"));
    for (const std::string project : {"OPS", "HELP"}) {
      INFO("way " << static_cast<int>(way) << ", " << project);
      world.config.project = project;
      CHECK(differences(world, VerifyLevel::comprehensive).empty());
    }
    // One that leads elsewhere is found all the same.
    const std::string gone = world.key_of("83");
    world.as(World::self, "DELETE", "/issue/" + gone);
    const std::vector<std::string> fields = differences(world, VerifyLevel::comprehensive);
    CHECK(std::count(fields.begin(), fields.end(), "links") == 1);
  }
}

TEST_CASE("a text that Jira has shortened is compared with what there was room for") {
  World world(World::Way::documents, R"({"text_limit_counts":"document"})");
  std::string html;
  for (int i = 0; i < 24; ++i) html += fmt::format("<p>{} {}</p>", i, std::string(990, 'a'));
  Object& data = plain_ticket(world, 1).data.as_object();
  data["description"] = parsed(R"({"$richText":{"format":"html","text":")" + html + "\"}}");
  Object further;
  for (int i = 0; i < 40; ++i) further[fmt::format("f{}", i)] = std::string(120, 'b');
  data["custom"] = further;
  data["comments"] = parsed(R"([{"id":"1","created":"2024-01-01T00:00:00Z","body":"short"}])");
  REQUIRE(world.run().status == Status::done);
  REQUIRE_FALSE(world.issue_of("1").at("attachments").as_array().empty());
  CHECK(differences(world, VerifyLevel::comprehensive).empty());
  Value body = world.issue_of("1").at("fields").at("description");
  std::string text = print(body);
  text.replace(text.find("3 aaa"), 5, "3 aab");
  world.as(World::self, "PUT", "/issue/" + world.key_of("1"), parsed(R"({"fields":{"description":)" + text + "}}"));
  CHECK(differences(world, VerifyLevel::comprehensive) == std::vector<std::string>{"description"});
}
