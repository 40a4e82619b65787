// Another try for what has failed: the ticket may have moved to another place since.
#include "taking.hpp"

using namespace lab;

TEST_CASE("deleted tickets and spam that only a list shows are fetched from there, as they are read") {
  for (const int status : {405, 404})
    for (const std::string kind : {"deleted", "spam"}) {
      CAPTURE(status);
      CAPTURE(kind);
      Lab lab(150);
      lab.config.include = {kind};
      const auto removed = lab.truth_of({kind});
      REQUIRE(removed.size() > 1);
      if (status == 404)
        lab.rewrite = [](const http::Request&, http::Response& response) {
          if (response.status == 405) response = http::Response(404);
        };
      Migration migration(lab);
      const std::string victim = removed.begin()->first;
      migration.sink->refused = {victim};
      Report report = migration.run();
      const auto read = report.types.at("tickets").read;
      CHECK(read == lab.truth_of({"active", kind}).size());
      CHECK(report.types.at("tickets").failed == 1);
      // As long as it is refused it remains a failure.
      report = migration.run(Mode::retry);
      CHECK(report.types.at("tickets").failed == 1);
      migration.sink->refused.clear();
      report = migration.run(Mode::retry);
      CHECK(report.status == Status::done);
      CHECK(report.types.at("tickets").written == read);
      CHECK(migration.sink->taken.count(victim) == 1);
    }
}

TEST_CASE("fetch() gives deleted tickets and spam as read() does, also where their addresses show them") {
  for (const char* removed : {"refused", "shown"}) {
    CAPTURE(removed);
    Lab lab(150, with(generous(), "removed_tickets", removed));
    lab.config.include = {"deleted", "spam"};
    lab.config.per_page = 3;
    std::map<std::string, std::string> read, fetched;
    std::vector<RecordRef> refs;
    for (const Record& record : lab.read_all()) {
      read[record.ref.id] = record.version + boost::json::serialize(record.data);
      refs.push_back(record.ref);
    }
    refs.push_back(RecordRef{"tickets", "987654321"});
    const RecordBatch batch = lab.run([&]() -> awaitable<RecordBatch> {
      const std::shared_ptr<Source> source = lab.source();
      co_return co_await source->fetch(refs);
    });
    for (const Record& record : batch.records)
      fetched[record.ref.id] = record.version + boost::json::serialize(record.data);
    CHECK(fetched == read);
  }
}

TEST_CASE("a ticket that has failed and was archived since is retried as the archived one") {
  for (const int status : {404, 301}) {
    CAPTURE(status);
    Lab lab(150);
    const auto active = lab.truth_of({"active"});
    const std::string victim = active.begin()->first, path = "/api/v2/tickets/" + victim;
    const std::string own = "/api/v2/tickets/archived/" + victim;
    Migration migration(lab);
    migration.sink->refused = {victim};
    std::string view, conversations;
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      if (request.path() == path) view = response.body;
      if (request.path() == path + "/conversations") conversations = response.body;
    };
    REQUIRE(migration.run().types.at("tickets").failed == 1);
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      if (request.path() == path) {
        response = http::Response(status);
        if (status == 301) response.headers.set("Location", own);
      }
      Value archived = boost::json::parse(view);
      archived.as_object()["archived"] = true;
      if (request.path() == own) response = http::Response(200, archived);
      if (request.path() == own + "/conversations") response = http::Response(200, boost::json::parse(conversations));
    };
    migration.sink->refused.clear();
    const Report report = migration.run(Mode::retry);
    CHECK(report.status == Status::done);
    CHECK(report.types.at("tickets").written == active.size());
    CHECK(migration.sink->taken.count(victim) == 1);
    CHECK(report.warnings.count("tickets") == 1);
    CHECK(report.warnings.at("tickets").count("gone_from_source") == 0);
  }
}

TEST_CASE("a failed ticket that is gone when it is retried is told and counted, also on a plan without archived ones") {
  for (const char* plan : {"pro", "growth"}) {
    CAPTURE(plan);
    Lab lab(60, with(generous(), "plan", plan));
    const auto active = lab.truth_of({"active"});
    const std::string victim = active.begin()->first;
    Migration migration(lab);
    migration.sink->refused = {victim};
    REQUIRE(migration.run().types.at("tickets").failed == 1);
    lab.rewrite = instead("/api/v2/tickets/" + victim, http::Response(404));
    const Report report = migration.run(Mode::retry);
    CHECK(report.status == Status::done);
    const Counters counters = report.types.at("tickets");
    CHECK(counters.read == active.size());
    CHECK(counters.dropped == 1);
    CHECK(counters.balanced());
    CHECK(report.warnings.at("tickets").at("gone_from_source") == 1);
    CHECK(told(lab, "tickets " + victim + " had failed and the source no longer has it") == 1);
  }
}
