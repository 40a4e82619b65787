// Pictures that texts show and no list names, where their keeper does not answer for a while, or for good.
#include "taking.hpp"

using namespace lab;

namespace {

bool is_look(const http::Request& request) { return !request.headers.get("Range").empty(); }

/// Nobody can be connected with for so long, from the first look at a picture on.
auto outage(Lab& lab, std::chrono::seconds lasting, bool of_everything) {
  return [&lab, lasting, of_everything, from = std::optional<std::chrono::system_clock::time_point>()](
             const http::Request& request, http::Response&) mutable {
    const auto now = lab.services.clock->now();
    if (is_look(request) && !from) from = now;
    if (from && (is_look(request) || of_everything) && now < *from + lasting)
      throw http::TransportError(ErrorKind::transient, "connect_failed", "its name is not resolved", false);
  };
}

std::size_t files_of(const Migration& migration) {
  std::size_t all = 0;
  for (const auto& [id, taken] : migration.sink->taken) all += taken.files;
  return all;
}

std::uint64_t warned(const Report& report, const char* cause) {
  const auto type = report.warnings.find("tickets");
  if (type == report.warnings.end()) return 0;
  const auto found = type->second.find(cause);
  return found == type->second.end() ? 0 : found->second;
}

/// Puts more pictures into the text of a ticket.
auto showing(std::string victim, std::vector<std::string> addresses) {
  return [=](const http::Request& request, http::Response& response) {
    if (request.path() != "/api/v2/tickets/" + victim) return;
    Value ticket = response.json();
    std::string html = text(ticket, "description");
    for (const std::string& address : addresses) html += "<img src=\"" + address + "\">";
    ticket.as_object()["description"] = html;
    response.body = boost::json::serialize(ticket);
  };
}

std::string old_address(const std::string& host, int id) {
  return fmt::format("https://{}/data/helpdesk/attachments/production/{}/original/a.png", host, id);
}

}  // namespace

TEST_CASE("a trouble of some seconds costs no ticket its pictures") {
  Lab whole(60);
  Migration undisturbed(whole);
  const Report expected = undisturbed.run();
  for (const bool of_everything : {false, true})
    for (const int seconds : {2, 4, 8, 15, 45}) {
      CAPTURE(of_everything);
      CAPTURE(seconds);
      Lab lab(60);
      lab.rewrite = outage(lab, std::chrono::seconds(seconds), of_everything);
      Migration migration(lab);
      const Report report = migration.run();
      CHECK(report.status == Status::done);
      CHECK(warned(report, "picture_unreachable") == warned(expected, "picture_unreachable"));
      CHECK(files_of(migration) == files_of(undisturbed));
    }
}

TEST_CASE(
    "a host that has answered and no longer does fails the tickets whose pictures it keeps: a retry brings them") {
  Lab whole(60);
  Migration undisturbed(whole);
  undisturbed.run();
  Lab lab(60);
  std::size_t looks = 0;
  bool down = true;
  lab.rewrite = [&](const http::Request& request, http::Response&) {
    if (is_look(request) && ++looks > 3 && down)
      throw http::TransportError(ErrorKind::transient, "connect_failed", "its name is not resolved", false);
  };
  Migration migration(lab);
  const auto begin = lab.services.clock->now();
  const Report report = migration.run();
  // One wait for all.
  CHECK(lab.services.clock->now() - begin < std::chrono::minutes(10));
  CHECK(report.status == Status::done_with_failures);
  CHECK(report.causes.at("tickets").count("ticket_unreadable") == 1);
  CHECK(warned(report, "picture_unreachable") == 0);
  down = false;
  CHECK(migration.run(Mode::retry).status == Status::done);
  CHECK(files_of(migration) == files_of(undisturbed));
}

TEST_CASE("a host that never answers is waited for once, not for each picture and each ticket") {
  Lab lab(60);
  const auto tickets = lab.truth_of({"active"});
  const auto undisturbed = lab.read_all();
  std::vector<std::string> addresses;
  for (int i = 0; i < 1000; ++i) addresses.push_back(old_address("gone.freshdesk.com", 90'000 + i));
  const auto first = showing(tickets.begin()->first, addresses), last = showing(tickets.rbegin()->first, addresses);
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    first(request, response);
    last(request, response);
  };
  const auto begin = lab.services.clock->now();
  const auto records = lab.read_all(5);
  CHECK(lab.services.clock->now() - begin < std::chrono::minutes(4));
  CHECK(records.size() == undisturbed.size());
  std::size_t told = 0;
  for (const Record& record : records)
    for (const Warning& warning : record.warnings) told += warning.cause == "picture_unreachable";
  CHECK(told == 2000);
}

TEST_CASE("any number of hosts that do not exist holds nobody up, nor hides what a host that answers keeps") {
  Lab lab(60);
  const auto tickets = lab.truth_of({"active"});
  std::size_t files = 0;
  for (const Record& record : lab.read_all()) files += record.blobs.size();
  std::vector<std::string> addresses;
  for (int i = 0; i < 1000; ++i) addresses.push_back(old_address(fmt::format("x{}.freshdesk.com", i), 90'000 + i));
  lab.rewrite = showing(tickets.begin()->first, addresses);
  const auto begin = lab.services.clock->now();
  std::size_t now = 0;
  for (const Record& record : lab.read_all()) now += record.blobs.size();
  CHECK(lab.services.clock->now() - begin < std::chrono::minutes(4));
  CHECK(now == files);
}

TEST_CASE("a picture that was called gone and is there in a later run makes another version of its ticket") {
  for (const int status : {404, 500}) {
    CAPTURE(status);
    Lab lab(60);
    bool down = true;
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      if (!down || !is_look(request)) return;
      response = http::Response(status);
      response.body = "default backend - 404";
    };
    Migration migration(lab);
    const Report first = migration.run();
    const std::size_t before = files_of(migration);
    CHECK(warned(first, status == 404 ? "picture_missing" : "picture_unreachable") > 5);
    down = false;
    std::map<std::string, std::size_t> files;
    for (const auto& [id, taken] : migration.sink->taken) files[id] = taken.files;
    const Report again = migration.run(Mode::full, true);
    CHECK(again.types.at("tickets").written > 5);
    CHECK(files_of(migration) > before + 5);
  }
}

TEST_CASE("what answers in a picture's place with a page, or with words of a program, is no picture") {
  Lab whole(60);
  Migration undisturbed(whole);
  const Report expected = undisturbed.run();
  for (const char* type : {"text/html; charset=utf-8", "Application/JSON", ""}) {
    CAPTURE(type);
    Lab lab(60);
    bool down = true;
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      if (!down || !is_look(request)) return;
      response = http::Response(200);
      if (*type) response.headers.set("Content-Type", type);
      const bool json = std::string_view(type).starts_with("App");
      response.body = json ? "{}" : "\n<!DOCTYPE html><html><body>Sign in</body></html>";
    };
    Migration migration(lab);
    const auto begin = lab.services.clock->now();
    const Report report = migration.run();
    CHECK(lab.services.clock->now() - begin < std::chrono::minutes(10));
    CHECK(report.status == Status::done);
    CHECK(warned(report, "picture_unreachable") > 5);
    CHECK(files_of(migration) + 5 < files_of(undisturbed));
    down = false;
    const Report again = migration.run(Mode::full, true);
    CHECK(warned(again, "picture_unreachable") == warned(expected, "picture_unreachable"));
    CHECK(files_of(migration) == files_of(undisturbed));
  }
}
