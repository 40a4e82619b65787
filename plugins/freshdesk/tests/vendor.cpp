// The stand-in's answers against the documents and recordings of the service that lie beside the repository, if they
// do.
#include <set>

#include "desk.hpp"
#include "documents.hpp"

using namespace desk_tests;

namespace {

/// The values of every kind of resource, as the service's documents name them.
std::vector<std::string> targets(Desk& desk) {
  std::vector<std::string> all{every_ticket + "&include=description,requester,stats&per_page=100",
                               "/tickets?filter=deleted&updated_since=2000-01-01T00:00:00Z",
                               "/tickets?filter=spam&updated_since=2000-01-01T00:00:00Z",
                               "/contacts?per_page=100",
                               "/contacts?state=blocked",
                               "/agents",
                               "/agents/me",
                               "/companies",
                               "/groups",
                               "/products",
                               "/ticket_fields",
                               "/time_entries?per_page=100",
                               "/surveys/satisfaction_ratings",
                               "/search/tickets?query=%22status:2%22"};
  for (const Value& ticket : desk.all(every_ticket)) {
    const std::string address = fmt::format("/tickets/{}", id_of(ticket));
    all.push_back(address + "?include=requester,company,stats,conversations");
    all.push_back(address + "/conversations?per_page=100");
    all.push_back(address + "/time_entries");
    all.push_back(address + "/watchers");
    if (ticket.at("association_type") == Value(1)) all.push_back(address + "/associated_tickets");
  }
  for (const Value& contact : desk.all("/contacts")) all.push_back(fmt::format("/contacts/{}", id_of(contact)));
  for (const char* list : {"agents", "companies", "groups", "products"}) {
    for (const Value& item : desk.all(fmt::format("/{}", list)))
      all.push_back(fmt::format("/{}/{}", list, id_of(item)));
  }
  return all;
}

/// Members that the recording has and the stand-in has not.
std::string missing(const Value& recorded, const Value& made, const std::set<std::string>& known) {
  std::string names;
  for (const auto& member : recorded.as_object()) {
    const std::string name(member.key());
    if (!made.as_object().contains(name) && !known.count(name)) names += name + " ";
  }
  return names;
}

}  // namespace

TEST_CASE("every answer fits the observed documents of the service") {
  std::vector<Value> exchanges;
  const Documents documents;
  Desk desk(120, generous());
  for (const std::string& target : targets(desk)) {
    const http::Response response = desk.api(target);
    INFO(target);
    REQUIRE(response.status == 200);
    exchanges.push_back(Object{{"method", "GET"},
                               {"url", desk_origin + "/api/v2" + target},
                               {"status", response.status},
                               {"response_body", boost::json::parse(response.body)}});
  }
  const std::string report = documents.check(exchanges);
  CHECK(report.find("ok    GET  /tickets/{ticket_id}  x") != std::string::npos);
}

TEST_CASE("every member that recordings of the service have is there") {
  const std::filesystem::path recordings = Documents().folder() / "fixtures/freshdesk/python-freshdesk";
  const auto recorded = [&](const std::string& name) {
    const Value value = boost::json::parse(content(recordings / (name + ".json")));
    return value.is_array() ? value.at(0) : value;
  };
  Desk desk(120, generous());
  const Value state = desk.simulator->state();
  const Value& with_all = first_of(state.at("tickets").as_array(), [](const Value& ticket) {
    return !ticket.at("attachments").as_array().empty() && !ticket.at("conversations").as_array().empty() &&
           ticket.at("kind") == Value("active");
  });
  const std::string address = fmt::format("/tickets/{}", id_of(with_all));
  const Value ticket = desk.json(address + "?include=requester,stats,conversations");
  const Value recorded_ticket = recorded("ticket_1");
  CHECK(missing(recorded_ticket, ticket, {"priority_name"}) == "");  // no longer documented
  CHECK(missing(recorded_ticket.at("stats"), ticket.at("stats"), {}) == "");
  CHECK(missing(recorded_ticket.at("requester"), ticket.at("requester"), {}) == "");
  CHECK(missing(recorded_ticket.at("attachments").at(0), ticket.at("attachments").at(0), {"file_size"}) == "");
  CHECK(missing(recorded("conversations"), ticket.at("conversations").at(0), {}) == "");
  const Value agent = desk.json("/agents").at(0);
  CHECK(missing(recorded("agents"), agent, {}) == "");
  CHECK(missing(recorded("agents").at("contact"), agent.at("contact"), {}) == "");
  CHECK(missing(recorded("companies"), desk.json("/companies").at(0), {}) == "");
  CHECK(missing(recorded("groups"), desk.json("/groups").at(0), {}) == "");
  CHECK(missing(recorded("time_entries"), desk.json("/time_entries").at(0), {}) == "");
}
