// Names of what comes into being while a run lasts.
#include <boost/json/parse.hpp>

#include "taking.hpp"

using namespace lab;

namespace {

std::size_t warned(const std::vector<Record>& records, std::string_view cause) {
  std::size_t all = 0;
  for (const Record& record : records)
    for (const Warning& warning : record.warnings) all += warning.cause == cause;
  return all;
}

/// How often each path was asked for.
auto counting(std::map<std::string, int>& asked) {
  return [&asked](const Value& exchange) {
    const http::Request request("GET", http::parse_url(text(exchange, "url")).target);
    ++asked[std::string(request.path())];
  };
}

/// Takes the rows of this id out of a list.
void hide(http::Response& response, const std::string& id) {
  Array rows;
  const Value all = response.json();
  for (const Value& row : all.as_array())
    if (text(row, "id") != id) rows.push_back(row);
  response.body = boost::json::serialize(rows);
}

/// The id that most of the tickets have there.
std::string most_frequent(const std::map<std::string, Value>& tickets, const char* name) {
  std::map<std::string, int> counts;
  for (const auto& [id, ticket] : tickets)
    if (member(ticket, name)) ++counts[text(ticket, name)];
  const auto less = [](const auto& one, const auto& other) { return one.second < other.second; };
  return std::max_element(counts.begin(), counts.end(), less)->first;
}

}  // namespace

TEST_CASE("an agent who joined after agents were listed is asked for by id, once") {
  Lab lab(60);
  const std::string joined = most_frequent(lab.truth_of({"active"}), "responder_id");
  const auto expected = lab.read_all();
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (request.path() == "/api/v2/agents") hide(response, joined);
  };
  std::map<std::string, int> asked;
  lab.watch = counting(asked);
  const auto records = lab.read_all(5);
  CHECK(warned(records, "unknown_person") == warned(expected, "unknown_person"));
  std::size_t assigned = 0;
  for (const Record& record : records) {
    const Item item(record.data);
    if (!item.assignee || item.assignee->id != joined) continue;
    ++assigned;
    CHECK_FALSE(item.assignee->name.empty());
    CHECK_FALSE(item.assignee->email.empty());
  }
  CHECK(assigned > 0);
  CHECK(asked["/api/v2/agents/" + joined] == 1);
  for (const auto& each : asked)
    if (each.first.starts_with("/api/v2/agents/") && !each.first.ends_with("/me"))
      CHECK_MESSAGE(each.second == 1, each.first);
}

TEST_CASE("a status, group or product that came after they were listed is found when a ticket names it") {
  Lab lab(60);
  const auto tickets = lab.truth_of({"active"});
  const auto expected = lab.read_all();
  const std::string group = most_frequent(tickets, "group_id"), product = most_frequent(tickets, "product_id");
  std::string status;
  for (const auto& [id, ticket] : tickets)
    if (number(ticket, "status") > 7) status = text(ticket, "status");  // none that is known without the list
  REQUIRE_FALSE(status.empty());
  std::map<std::string, int> asked;
  lab.watch = counting(asked);
  bool lasting = false;
  std::map<std::string, int> lists;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    const std::string path(request.path());
    if (path != "/api/v2/groups" && path != "/api/v2/products" && path != "/api/v2/ticket_fields") return;
    if (++lists[path] > 1 && !lasting) return;
    if (path != "/api/v2/ticket_fields") return hide(response, path == "/api/v2/groups" ? group : product);
    Value fields = response.json();
    for (Value& field : fields.as_array())
      if (text(field, "type") == "default_status") field.as_object()["choices"].as_object().erase(status);
    response.body = boost::json::serialize(fields);
  };
  const auto records = lab.read_all(5);
  for (const char* cause : {"unknown_status", "unknown_group", "unknown_product"})
    CHECK(warned(records, cause) == warned(expected, cause));
  std::map<std::string, std::string> versions;
  for (const Record& record : expected) versions[record.ref.id] = record.version;
  for (const Record& record : records) CHECK(record.version == versions[record.ref.id]);
  for (const auto& each : lists) CHECK_MESSAGE(each.second == 2, each.first);
  // What is in no list is looked for once.
  lasting = true;
  lists.clear();
  const auto without = lab.read_all(5);
  for (const char* cause : {"unknown_status", "unknown_group", "unknown_product"})
    CHECK(warned(without, cause) > warned(expected, cause));
  for (const auto& each : lists) CHECK_MESSAGE(each.second == 2, each.first);
}

TEST_CASE("lists of names that the key may not see are not asked for again and again") {
  Lab lab(60);
  std::map<std::string, int> lists;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    const std::string path(request.path());
    if (path != "/api/v2/groups" && path != "/api/v2/products" && path != "/api/v2/ticket_fields") return;
    ++lists[path];
    response = denied();
  };
  CHECK(warned(lab.read_all(5), "unknown_group") > 0);
  for (const auto& each : lists) CHECK_MESSAGE(each.second == 1, each.first);
}
