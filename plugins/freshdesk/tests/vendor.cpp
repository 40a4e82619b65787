// The stand-in's answers against the documents and recordings of the service that lie beside the repository, if they
// do.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "desk.hpp"
#include "temporary_folder.hpp"

using namespace desk_tests;

namespace {

[[noreturn]] void skip(const std::string& reason) {
  std::fprintf(stderr, "skipped: %s\n", reason.c_str());
  std::exit(77);
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Beside the repository, or where MIGRATE_SHARED says.
std::filesystem::path shared() {
  const char* named = std::getenv("MIGRATE_SHARED");
  std::filesystem::path path = named ? named : std::string(MIGRATE_SOURCE_DIR) + "/../shared";
  if (!std::filesystem::exists(path / "specs/freshdesk/freshdesk.observed.json")) {
    skip("there are no documents of the service at " + path.string());
  }
  return path;
}

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
  const std::filesystem::path documents = shared();
  if (std::system("python3 -c 'import jsonschema' >/dev/null 2>&1") != 0) skip("python3-jsonschema is not installed");
  Desk desk(120, generous());
  TemporaryFolder folder;
  const std::filesystem::path log = folder.path / "exchanges.jsonl", report = folder.path / "report.txt";
  {
    std::ofstream out(log);
    for (const std::string& target : targets(desk)) {
      const http::Response response = desk.api(target);
      INFO(target);
      REQUIRE(response.status == 200);
      const Object line{{"method", "GET"},
                        {"url", desk_origin + "/api/v2" + target},
                        {"status", response.status},
                        {"response_body", boost::json::parse(response.body)}};
      out << boost::json::serialize(line) << "\n";
    }
  }
  const std::string command = fmt::format(
      "python3 -B '{0}/tools/check_payload.py' exchange '{0}/specs/freshdesk/freshdesk.observed.json' '{1}' "
      "--base '^/api/v2' --overlay '{2}/plugins/freshdesk/tests/vendor_overlay.json' >'{3}' 2>&1",
      documents.string(), log.string(), MIGRATE_SOURCE_DIR, report.string());
  const int result = std::system(command.c_str());
  INFO(content(report));
  CHECK(result == 0);
  CHECK(content(report).find("ok    GET  /tickets/{ticket_id}  x") != std::string::npos);
}

TEST_CASE("every member that recordings of the service have is there") {
  const std::filesystem::path recordings = shared() / "fixtures/freshdesk/python-freshdesk";
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
