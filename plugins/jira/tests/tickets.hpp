// Tickets that use what the sink can do.
#pragma once

#include "world.hpp"

namespace jira_world {

/// One ticket with everything: fields, image, files, public and internal comments, time.
inline Record& rich_ticket(World& world, std::int64_t id = 81) {
  const std::string n = std::to_string(id);
  Record& record = world.source->add(id, fmt::format(R"({{
    "title":"Printer {0} is down","kind":"Bug","status":"Closed","priority":"High","labels":["printer","in the office"],
    "created":"2024-01-31T09:00:00Z","updated":"2024-02-01T10:00:00Z","due":"2024-02-03T12:00:00Z",
    "url":"https://acme.freshdesk.com/a/tickets/{0}",
    "reporter":{{"id":"7","name":"Customer One","email":"customer.one@example.org"}},
    "assignee":{{"id":"8","name":"Chen Wei","email":"chen.wei@example.com"}},
    "description":{{"$richText":{{"format":"html","text":"<p>It <b>beeps</b></p><p><img src='https://x.test/{0}'></p>"}}}},
    "images":[{{"address":"https://x.test/{0}","blob":"inline:{0}"}}],
    "group":"Second level",
    "comments":[
      {{"id":"{0}02","created":"2024-02-01T10:00:00Z","author":{{"name":"Chen Wei","email":"chen.wei@example.com"}},
       "body":{{"$richText":{{"format":"html","text":"<p>It is <i>old</i></p>"}}}},"internal":true,"kind":"note"}},
      {{"id":"{0}01","created":"2024-01-31T10:00:00Z","author":{{"name":"Customer One","email":"customer.one@example.org"}},
       "body":{{"$richText":{{"format":"html","text":"<p>Please help, see the log</p>"}}}},"kind":"reply","blobs":["file{0}"]}}],
    "worklogs":[{{"id":"{0}31","author":{{"name":"Chen Wei"}},"started":"2024-02-01T08:00:00Z","seconds":1800,"note":"looked at it"}}]
  }})",
                                                     n));
  world.source->attach(record, "inline:" + n, "shot.png", "image/png", "\x89PNG picture of " + n);
  world.source->attach(record, "file" + n, "log.txt", "text/plain", "all the lines of " + n);
  return record;
}

inline Record& plain_ticket(World& world, std::int64_t id, const std::string& more = "") {
  return world.source->add(id, fmt::format(R"({{"title":"Ticket {0}"{1}}})", id, more));
}

/// A few that refer to one another: each kind of step occurs, some of them several times.
inline void family(World& world) {
  rich_ticket(world, 81);
  plain_ticket(world, 82, R"(,"kind":"Epic","status":"In Progress")");
  plain_ticket(world, 83,
               R"(,"kind":"Task","comments":[{"id":"8301","created":"2024-01-01T00:00:00Z","body":"short"}])");
  plain_ticket(world, 84);
  // To one that comes later, and to one that was there before.
  Tickets::link(world.source->records[81], "relates", "83");
  Tickets::link(world.source->records[83], "parent", "82");
  Tickets::link(world.source->records[84], "blocks", "81");
}

/// Imports a mapping: the ticket is this issue.
inline void know(World& world, const std::string& ticket, const std::string& issue) {
  std::vector<Mapping> mappings;
  mappings.push_back(Mapping{"tickets", ticket, Value(issue)});
  boost::asio::io_context context;
  boost::asio::co_spawn(context, import_mappings(world.store, mappings), [](std::exception_ptr, std::size_t) {});
  context.run();
}

/// An issue of Ana's that an imported mapping names as the ticket's; its key.
inline std::string adopt(World& world, const std::string& ticket, const std::string& title, const Object& more = {}) {
  Object fields = parsed(R"({"project":{"key":"OPS"},"issuetype":{"name":"Task"},"labels":["old"]})").as_object();
  fields.emplace("summary", title);
  for (const auto& member : more) fields.emplace(member.key(), member.value());
  const Value made = world.as(World::ana, "POST", "/issue", object("fields", std::move(fields))).json();
  const std::string key(made.at("key").as_string());
  know(world, ticket, key);
  return key;
}

}  // namespace jira_world
