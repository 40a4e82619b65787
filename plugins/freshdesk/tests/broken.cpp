// What one ticket cannot give does not keep the others from arriving.
#include "taking.hpp"

using namespace lab;

TEST_CASE("a ticket whose requests fail for good fails, and every other one arrives") {
  http::Response no_list(200);
  no_list.body = "<html>not now</html>";
  struct Case {
    std::string name, path;
    http::Response answer;
  };
  for (const Case& each : {Case{"refused", "", denied()}, Case{"broken", "", http::Response(500)},
                           Case{"its conversations are broken", "/conversations", http::Response(502)},
                           Case{"a page in place of conversations", "/conversations", no_list}})
    for (const Mode mode : {Mode::full, Mode::dry_run}) {
      CAPTURE(each.name);
      CAPTURE(to_string(mode));
      Lab lab(30);
      const auto tickets = lab.truth_of({"active"});
      const std::string victim = std::next(tickets.begin(), 5)->first;
      lab.rewrite = instead("/api/v2/tickets/" + victim + each.path, each.answer);
      const Report report = migrate_all(lab, mode);
      CHECK(report.status == Status::done_with_failures);
      CHECK_FALSE(report.fatal);
      const Counters counters = report.types.at("tickets");
      CHECK(counters.read == tickets.size());
      CHECK(counters.failed == 1);
      if (mode == Mode::full) CHECK(report.causes.at("tickets").at("ticket_unreadable").count == 1);
      const std::string words = "ticket " + victim + " cannot be read: ";
      const auto tells = [&](const std::string& warning) { return warning.find(words) != std::string::npos; };
      CHECK(std::count_if(lab.warnings.begin(), lab.warnings.end(), tells) == 1);
    }
}

TEST_CASE("a requester or company that cannot be read is the trouble of the tickets that name it") {
  for (const char* resource : {"contacts", "companies"}) {
    CAPTURE(resource);
    Lab lab(30);
    const auto tickets = lab.truth_of({"active"});
    // The one that the service is asked for first.
    std::string victim;
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      const std::string under = fmt::format("/api/v2/{}/", resource);
      if (victim.empty() && request.path().starts_with(under)) victim = request.path();
      if (request.path() == victim) response = http::Response(500);
    };
    const Report report = migrate_all(lab);
    REQUIRE_FALSE(victim.empty());
    const std::string id = victim.substr(victim.rfind('/') + 1);
    const auto named = static_cast<std::size_t>(std::count_if(tickets.begin(), tickets.end(), [&](const auto& entry) {
      return boost::json::serialize(entry.second).find(id) != std::string::npos;
    }));
    CHECK_FALSE(report.fatal);
    CHECK(report.status == Status::done_with_failures);
    const Counters counters = report.types.at("tickets");
    CHECK(counters.read == tickets.size());
    CHECK(counters.failed >= 1);
    CHECK(counters.failed <= named);
    CHECK(report.causes.at("tickets").at("ticket_unreadable").count == counters.failed);
    CHECK(counters.written == tickets.size() - counters.failed);
  }
}

TEST_CASE("a service that answers nothing for tickets ends the run: no ticket is to blame") {
  Lab lab(30);
  bool ill = false;  // the checks before it find nothing yet
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    ill = ill || request.path().starts_with("/api/v2/tickets/");
    if (ill && request.path().starts_with("/api/v2/tickets")) response = http::Response(500);
  };
  const Report report = migrate_all(lab);
  REQUIRE(report.fatal);
  CHECK(report.fatal->kind() == ErrorKind::transient);
  CHECK(report.total().failed == 0);
  // The plan has run out: not a matter of one ticket either.
  Lab suspended(30);
  suspended.rewrite = [](const http::Request& request, http::Response& response) {
    if (request.path().starts_with("/api/v2/tickets/"))
      response = http::Response(403, Object{{"code", "account_suspended"}, {"message", "Your account is suspended"}});
  };
  const Report ended = migrate_all(suspended);
  REQUIRE(ended.fatal);
  CHECK(ended.fatal->cause == "account_suspended");
}

TEST_CASE("a ticket whose connection breaks off or stays silent each time fails, and every other one arrives") {
  using Kind = testing::Fault::Kind;
  for (const Kind kind : {Kind::drop_before, Kind::torn_after, Kind::delay})
    for (const std::string path : {"", "/conversations"}) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(path);
      Lab lab(30);
      const auto tickets = lab.truth_of({"active"});
      const std::string victim = std::next(tickets.begin(), 5)->first;
      testing::Fault fault;
      fault.kind = kind;
      fault.path = "/api/v2/tickets/" + victim + path + "$";
      fault.nth = 0;
      fault.delay = std::chrono::minutes(10);
      testing::FaultPlan plan;
      plan.faults.push_back(fault);
      lab.host->set_faults(plan);
      const Report report = migrate_all(lab);
      CHECK(report.status == Status::done_with_failures);
      CHECK_FALSE(report.fatal);
      CHECK(report.types.at("tickets").read == tickets.size());
      CHECK(report.types.at("tickets").failed == 1);
      CHECK(report.causes.at("tickets").count("ticket_unreadable") == 1);
    }
}

TEST_CASE("a connection that fails for everything, or is not trusted, ends the read: no ticket is to blame") {
  struct Case {
    ErrorKind kind;
    std::string cause, path;
  };
  for (const Case& each : {Case{ErrorKind::transient, "connect_failed", "/api/v2/tickets"},
                           Case{ErrorKind::unauthorized, "tls_failed", "/api/v2/tickets/"}}) {
    CAPTURE(each.cause);
    Lab lab(30);
    const std::string victim = lab.truth_of({"active"}).begin()->first;
    lab.rewrite = [&](const http::Request& request, http::Response&) {
      if (request.path().starts_with(each.path)) throw http::TransportError(each.kind, each.cause, "broken", true);
    };
    std::string cause;
    try {
      lab.run([&]() -> awaitable<RecordBatch> {
        const std::shared_ptr<Source> source = lab.source();
        std::vector<RecordRef> refs{RecordRef{"tickets", victim}};
        co_return co_await source->fetch(std::move(refs));
      });
    } catch (const Error& error) {
      cause = error.cause;
    }
    CHECK(cause == each.cause);
  }
}

TEST_CASE("a picture of a deleted conversation that is gone does not fail the ticket that still shows it") {
  Lab lab(30);
  const std::string victim = lab.truth_of({"active"}).begin()->first, path = "/api/v2/tickets/" + victim;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (request.path() != path && request.path() != path + "/conversations") return;
    Value body = response.json();
    if (body.is_object())
      body.as_object()["description"] = "<img src=\"" + site + "/inline/attachment?token=a.eyJpZCI6NDN9.b\">";
    else
      body.as_array().push_back(Object{{"id", 1},
                                       {"private", false},
                                       {"deleted", true},
                                       {"created_at", "2024-01-01T00:00:00Z"},
                                       {"attachments", Array{Object{{"id", 43}, {"name", "shot.png"}}}}});
    response.body = boost::json::serialize(body);
  };
  int told = 0;
  for (const Record& record : lab.read_all()) {
    for (const Blob& blob : record.blobs) CHECK(blob.id != "inline:43");
    for (const Warning& warning : record.warnings)
      told += record.ref.id == victim && warning.cause == "picture_missing" &&
              warning.message.find("43") != std::string::npos;
  }
  CHECK(told == 1);
}

TEST_CASE("a ticket whose time of update cannot be read fails, and the list goes on behind it") {
  Lab lab(60);
  lab.config.per_page = 10;
  const auto tickets = lab.truth_of({"active"});
  const std::string victim = std::next(tickets.begin(), 7)->first;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (!request.path().starts_with("/api/v2/tickets") || !response.ok()) return;
    Value body = response.json();
    const auto spoil = [&](Value& ticket) {
      if (text(ticket, "id") == victim) ticket.as_object()["updated_at"] = "some day";
    };
    if (body.is_object()) spoil(body);
    if (body.is_array())
      for (Value& ticket : body.get_array())
        if (ticket.is_object()) spoil(ticket);
    response.body = boost::json::serialize(body);
  };
  const Report report = migrate_all(lab);
  CHECK(report.status == Status::done_with_failures);
  CHECK(report.types.at("tickets").written == tickets.size() - 1);
  CHECK(report.types.at("tickets").failed == 1);
  CHECK(report.causes.at("tickets").count("ticket_unreadable") == 1);
}

TEST_CASE("a key that sees its agent's tickets only reads those, of every kind, and says once that others are hidden") {
  Lab lab(150);
  lab.config.api_key = Secret("freshdesk-simulator-restricted");
  lab.config.accept_restricted_scope = true;
  lab.config.include = {"deleted", "spam", "archived"};
  const auto all = lab.truth_of({"active", "deleted", "spam", "archived"});
  std::map<std::string, int> assigned;
  std::string agent;
  lab.watch = [&](const Value& exchange) {
    if (text(exchange, "url").ends_with("/agents/me")) agent = text(*member(exchange, "response_body"), "id");
  };
  std::set<std::string> ids, expected;
  for (const Record& record : lab.read_all()) ids.insert(record.ref.id);
  for (const auto& [id, ticket] : all)
    if (text(ticket, "responder_id") == agent) expected.insert(id);
  CHECK(ids == expected);
  CHECK_FALSE(expected.empty());
  CHECK(std::count_if(lab.warnings.begin(), lab.warnings.end(), [](const std::string& warning) {
          return warning.find("is hidden from the key's agent") != std::string::npos;
        }) == 1);
}

TEST_CASE("time entries and ratings that are refused for one ticket are read of the others") {
  Lab lab(60);
  lab.config.satisfaction_ratings = true;
  const auto tickets = lab.truth_of({"active"});
  const auto victim = std::find_if(tickets.begin(), tickets.end(),
                                   [](const auto& each) { return !list(each.second, "time_entries").empty(); });
  REQUIRE(victim != tickets.end());
  const std::string path = "/api/v2/tickets/" + victim->first;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (request.path() == path + "/time_entries" || request.path() == path + "/satisfaction_ratings")
      response = denied();
  };
  std::size_t ratings = 0;
  for (const Record& record : lab.read_all()) {
    CAPTURE(record.ref.id);
    const bool refused = record.ref.id == victim->first;
    const auto told = [&](const char* cause) {
      return std::count_if(record.warnings.begin(), record.warnings.end(),
                           [&](const Warning& warning) { return warning.cause == cause; });
    };
    CHECK(told("time_entries_hidden") == refused);
    CHECK(told("satisfaction_ratings_hidden") == refused);
    const Item item(record.data);
    if (!refused) CHECK(item.worklogs.size() == list(tickets.at(record.ref.id), "time_entries").size());
    ratings += item.others.contains("satisfaction_ratings");
  }
  CHECK(ratings > 0);
  CHECK(lab.warnings.empty());
}

TEST_CASE("of a deleted ticket that may not be viewed it is told what the list lacks") {
  Lab lab(150);
  lab.config.include = {"deleted"};
  const auto deleted = lab.truth_of({"deleted"});
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    const std::string name(request.path().substr(request.path().rfind('/') + 1));
    if (request.path() == "/api/v2/tickets/" + name && deleted.count(name)) response = http::Response(404);
  };
  std::size_t read = 0;
  for (const Record& record : lab.read_all()) {
    if (!deleted.count(record.ref.id)) continue;
    ++read;
    std::set<std::string> causes;
    for (const Warning& warning : record.warnings) causes.insert(warning.cause);
    CHECK(causes.count("files_hidden") == 1);
    CHECK(causes.count("description_hidden") == Item(record.data).description.text.empty());
  }
  CHECK(read == deleted.size());
}

TEST_CASE("an archived ticket that cannot be read is told, whatever it belongs to") {
  Lab lab(300);
  lab.config.include = {"archived"};
  const auto archived = lab.truth_of({"archived"});
  // The plain address of an even id shows nothing of an archived ticket.
  const auto even = std::find_if(archived.begin(), archived.end(),
                                 [](const auto& ticket) { return number(ticket.second, "id") % 2 == 0; });
  REQUIRE(even != archived.end());
  const std::string own = "/api/v2/tickets/archived/" + even->first;
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (request.path() == own + "/conversations") response = http::Response(502);
    if (request.path() != own) return;
    Value body = boost::json::parse(response.body);
    body.as_object()["association_type"] = 2;
    body.as_object()["associated_tickets_list"] = Array();
    response.body = boost::json::serialize(body);
  };
  const std::size_t all = lab.truth_of({"active", "archived"}).size();
  const Report report = migrate_all(lab);
  CHECK_FALSE(report.fatal);
  const Counters counters = report.types.at("tickets");
  CHECK(counters.read == all);
  CHECK(counters.failed == 1);
  CHECK(report.causes.at("tickets").count("ticket_unreadable") == 1);
}

TEST_CASE("an archived ticket whose conversations are not shown arrives without them, and says so") {
  Lab lab(60);
  lab.config.include = {"archived"};
  const auto archived = lab.truth_of({"archived"});
  const std::string victim = archived.begin()->first;
  lab.rewrite = instead("/api/v2/tickets/archived/" + victim + "/conversations", http::Response(404));
  int told = 0;
  for (const Record& record : lab.read_all())
    for (const Warning& warning : record.warnings)
      told += record.ref.id == victim && warning.cause == "conversations_hidden";
  CHECK(told == 1);
}
