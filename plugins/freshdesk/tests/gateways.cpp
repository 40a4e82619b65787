// What somebody on the way answers in the helpdesk's place says nothing of its tickets.
#include "shard.hpp"
#include "taking.hpp"

using namespace lab;

namespace {

http::Response ingress(int status = 404) {
  http::Response response(status);
  response.body = "default backend - 404";
  response.headers.set("Content-Type", "text/plain");
  return response;
}

http::Response firewall() {
  http::Response response(403);
  response.body = "<html><head><title>403 Forbidden</title></head><body></body></html>";
  response.headers.set("Content-Type", "text/html");
  return response;
}

/// The first `times` answers to a path of this ending are replaced.
auto at_first(std::string ending, http::Response answer, int times) {
  return [=, left = std::make_shared<int>(times)](const http::Request& request, http::Response& response) {
    if (request.path().ends_with(ending) && response.ok() && *left > 0) {
      --*left;
      response = answer;
    }
  };
}

}  // namespace

TEST_CASE("a gateway's 404 is no sign that a ticket, or what belongs to it, is gone") {
  int point = 0;
  for (const std::string path : {"", "/conversations", "/time_entries", "/satisfaction_ratings"})
    for (const int status : {404, 405, 410}) {
      if (!testing_support::in_shard(++point)) continue;
      CAPTURE(path);
      CAPTURE(status);
      Lab lab(60);
      lab.config.satisfaction_ratings = true;
      Migration undisturbed(lab);
      undisturbed.run();
      const auto tickets = lab.truth_of({"active"});
      const auto victim = std::find_if(tickets.begin(), tickets.end(), [](const auto& ticket) {
        return !list(ticket.second, "conversations").empty() && !list(ticket.second, "time_entries").empty();
      });
      REQUIRE(victim != tickets.end());
      lab.rewrite = at_first("/api/v2/tickets/" + victim->first + path, ingress(status), 1);
      Migration migration(lab);
      const Report report = migration.run();
      CHECK(report.status == Status::done);
      CHECK(report.types.at("tickets").written == tickets.size());
      CHECK(report.warnings == undisturbed.run(Mode::full, true).warnings);
      const Taking::Taken& taken = migration.sink->taken.at(victim->first);
      CHECK(taken.comments == undisturbed.sink->taken.at(victim->first).comments);
      CHECK(taken.worklogs == list(victim->second, "time_entries").size());
    }
}

TEST_CASE("a ticket at whose address a gateway answers for good fails, and every other one arrives") {
  Lab lab(60);
  const auto tickets = lab.truth_of({"active"});
  const std::string victim = std::next(tickets.begin(), 5)->first;
  lab.rewrite = instead("/api/v2/tickets/" + victim, ingress());
  const Report report = migrate_all(lab);
  CHECK(report.types.at("tickets").written == tickets.size() - 1);
  CHECK(report.causes.at("tickets").at("ticket_unreadable").count == 1);
  CHECK(told(lab, "ticket " + victim + " cannot be read") == 1);
}

TEST_CASE("archived tickets whose numbers a gateway has answered for are found all the same") {
  Lab lab(300);
  lab.config.include = {"archived"};
  lab.config.time_entries = false;
  const auto archived = lab.truth_of({"archived"});
  REQUIRE(archived.size() > 3);
  std::set<std::string> met;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    const std::string id(request.path().substr(request.path().rfind('/') + 1));
    if (archived.count(id) && met.size() < 3 && met.insert(id).second) response = ingress();
  };
  std::size_t read = 0;
  for (const Record& record : lab.read_all()) read += archived.count(record.ref.id);
  CHECK(met.size() == 3);
  CHECK(read == archived.size());
}

TEST_CASE("a firewall's refusal of one request switches nothing off for the others") {
  std::size_t all = 0;
  std::map<std::string, Taking::Taken> undisturbed;
  for (const char* what : {"", "/time_entries", "/satisfaction_ratings", "/ticket_fields", "/agents", "/groups"}) {
    CAPTURE(what);
    Lab lab(60);
    lab.config.satisfaction_ratings = true;
    auto spoil = at_first(what, firewall(), 1);
    bool read = false;  // the checks before it find nothing yet
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      read = read || request.path().starts_with("/api/v2/tickets/");
      if (read && *what) spoil(request, response);
    };
    Migration migration(lab);
    const Report report = migration.run();
    CHECK(report.status == Status::done);
    if (!*what) {
      all = migration.sink->worklogs();
      undisturbed = migration.sink->taken;
    }
    CHECK(migration.sink->worklogs() == all);
    for (const auto& [id, taken] : migration.sink->taken) CHECK(taken.status == undisturbed.at(id).status);
    CHECK(told(lab, "tickets come without them") == 0);
    CHECK(told(lab, "may not") == 0);
  }
  CHECK(all > 0);
}

TEST_CASE("what the helpdesk refuses for another reason than plan or rights ends the run") {
  const http::Response suspended(403, Object{{"code", "account_suspended"}, {"message", "Your account is suspended"}});
  const http::Response unnamed(403, Object{{"message", "Your IP address is not allowed"}});
  for (const char* what : {"/time_entries", "/ticket_fields", "/contacts/"})
    for (const http::Response& answer : {suspended, unnamed}) {
      CAPTURE(what);
      Lab lab(60);
      bool read = false;  // the checks before it find nothing yet
      lab.rewrite = [&](const http::Request& request, http::Response& response) {
        read = read || request.path().starts_with("/api/v2/tickets/");
        if (read && request.path().find(what) != std::string_view::npos) response = answer;
      };
      const Report report = migrate_all(lab);
      REQUIRE(report.fatal);
      CHECK(report.fatal->kind() == ErrorKind::unauthorized);
    }
}

TEST_CASE("a plan without time entries is told once, and tickets come without them") {
  Lab lab(30);
  const http::Response lacking(403, Object{{"code", "require_feature"}, {"message", "Time tracking is not supported"}});
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (request.path().ends_with("/time_entries")) response = lacking;
  };
  Migration migration(lab);
  CHECK(migration.run().status == Status::done);
  CHECK(migration.sink->taken.size() == lab.truth_of({"active"}).size());
  CHECK(told(lab, "this account has no time entries") == 1);
}

TEST_CASE("a ticket that is gone since it was listed is left out, which the log tells") {
  Lab lab(30);
  std::vector<std::string> lines;
  lab.services.log = [&](LogLevel, std::string_view, std::string_view what) { lines.emplace_back(what); };
  const auto tickets = lab.truth_of({"active"});
  const std::string victim = std::next(tickets.begin(), 5)->first;
  lab.rewrite = instead("/api/v2/tickets/" + victim, http::Response(404));
  CHECK(migrate_all(lab).types.at("tickets").read == tickets.size() - 1);
  CHECK(std::count(lines.begin(), lines.end(), "ticket " + victim + " was listed and is gone from there: left out") ==
        1);
}

TEST_CASE("a list that is not found once, of a ticket that is there, is asked for again") {
  int point = 0;
  for (const char* what : {"/conversations", "/time_entries"})
    for (const int status : {404, 405, 410}) {
      if (!testing_support::in_shard(++point)) continue;
      CAPTURE(what);
      CAPTURE(status);
      Lab lab(60);
      Migration undisturbed(lab);
      const Report expected = undisturbed.run();
      const auto tickets = lab.truth_of({"active"});
      std::string victim;  // not the first one: by then it is known that the plan has time entries
      for (const auto& [id, ticket] : tickets)
        if (!list(ticket, "conversations").empty() && !list(ticket, "time_entries").empty()) victim = id;
      const auto spoil = at_first("/api/v2/tickets/" + victim + what, http::Response(status), 1);
      std::size_t others = 0;
      lab.rewrite = [&](const http::Request& request, http::Response& response) {
        const bool of_victim = request.path() == "/api/v2/tickets/" + victim + what;
        others += !of_victim && request.path().ends_with(what);
        if (others > 10) spoil(request, response);
      };
      lab.config.per_page = 10;
      Migration migration(lab);
      const Report report = migration.run();
      CHECK(report.status == Status::done);
      CHECK(report.warnings == expected.warnings);
      CHECK(migration.sink->taken.at(victim).comments == undisturbed.sink->taken.at(victim).comments);
      CHECK(migration.sink->taken.at(victim).worklogs == undisturbed.sink->taken.at(victim).worklogs);
    }
}

TEST_CASE("a ticket that is there and whose conversations stay not found fails, and every other one arrives") {
  for (const int status : {404, 405}) {
    CAPTURE(status);
    Lab lab(60);
    const auto tickets = lab.truth_of({"active"});
    const std::string victim = std::next(tickets.begin(), 5)->first;
    lab.rewrite = instead("/api/v2/tickets/" + victim + "/conversations", http::Response(status));
    Migration migration(lab);
    const Report report = migration.run();
    CHECK(report.status == Status::done_with_failures);
    CHECK(report.types.at("tickets").written == tickets.size() - 1);
    CHECK(report.causes.at("tickets").at("ticket_unreadable").count == 1);
    CHECK(told(lab, fmt::format("status {}", status)) == 1);
    lab.rewrite = nullptr;
    CHECK(migration.run(Mode::retry).status == Status::done);
    CHECK(migration.sink->taken.at(victim).comments > 0);
  }
}

TEST_CASE("where the helpdesk knows of no ticket's time entries they are hidden, and the tickets arrive") {
  Lab lab(30);
  lab.rewrite = [](const http::Request& request, http::Response& response) {
    if (request.path().ends_with("/time_entries")) response = http::Response(404);
  };
  Migration migration(lab);
  const Report report = migration.run();
  CHECK(report.status == Status::done);
  CHECK(migration.sink->taken.size() == lab.truth_of({"active"}).size());
  CHECK(report.warnings.at("tickets").at("time_entries_hidden") == migration.sink->taken.size());
}

TEST_CASE("a ticket that is removed, or archived, while what belongs to it is read is met in its new place") {
  Lab lab(60);
  const auto tickets = lab.truth_of({"active"});
  const std::string victim = std::next(tickets.begin(), 5)->first, path = "/api/v2/tickets/" + victim;
  for (const char* shown : {"deleted", "spam", "archived"}) {
    CAPTURE(shown);
    bool moved = false;
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      moved = moved || request.path() == path + "/conversations";
      if (moved && request.path() == path + "/conversations") response = http::Response(404);
      if (moved && request.path() == "/api/v2/tickets/archived/" + victim + "/conversations")
        response = http::Response(200, Array());
      if (!moved || request.path() != path) return;
      Value ticket = response.json();
      ticket.as_object()[shown] = true;
      response.body = boost::json::serialize(ticket);
    };
    std::size_t found = 0;
    const auto records = lab.read_all();
    for (const Record& record : records) {
      CHECK_FALSE(record.failure);
      found += record.ref.id == victim;
    }
    CHECK(found == (std::string_view(shown) == "archived"));
    CHECK(records.size() == tickets.size() - 1 + found);
  }
}
