// What the source asks for, against the documents of the service that lie beside the repository, if they do.
#include <boost/json/parse.hpp>

#include "documents.hpp"
#include "lab.hpp"

using namespace lab;

TEST_CASE("a full read asks for nothing that the documents do not know, and every answer fits them") {
  const Documents documents;
  Lab lab(150);
  lab.keep_exchanges = true;
  lab.config.include = {"deleted", "spam"};
  lab.read_all();
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    co_await source->check();
    std::vector<RecordRef> refs;
    for (const auto& each : lab.truth_of({"active"})) refs.push_back(RecordRef{"tickets", each.first});
    co_await source->fetch(std::move(refs));
  });
  // Downloads go to the store of files, which has no documents.
  std::erase_if(lab.exchanges,
                [](const Value& exchange) { return text(exchange, "url").find("/api/v2/") == std::string::npos; });
  CHECK(lab.exchanges.size() > 300);
  documents.check(lab.exchanges);
}

TEST_CASE("recorded answers of the service are understood") {
  const auto recordings = Documents().folder() / "fixtures/freshdesk/python-freshdesk";
  const auto recorded = [&](const char* name) { return boost::json::parse(content(recordings / name)); };
  freshdesk::TicketParts parts;
  parts.ticket = recorded("ticket_1.json");
  const Value conversations = recorded("conversations.json");
  for (const Value& said : conversations.as_array()) parts.conversations.push_back({said, 1});
  parts.time_entries = recorded("time_entries.json").as_array();
  freshdesk::WantedNames wanted;
  freshdesk::add_wanted(parts, wanted);
  CHECK(wanted.people == std::set<std::int64_t>{1, 6010396333, 6012691534});
  const Record record = freshdesk::record_of(parts, freshdesk::Names(), site);
  const Item item(record.data);
  CHECK(item.title == "This is a sample ticket");
  CHECK(item.status == "2");  // no labels are recorded
  CHECK(item.comments.size() == 2);
  CHECK(item.comments[0].internal);
  CHECK(item.comments[1].author->email == "rachel@freshdesk.com");
  CHECK(item.worklogs.size() == 3);
  CHECK(item.worklogs[0].seconds == 900);
  REQUIRE(record.blobs.size() == 1);
  CHECK(record.blobs[0].size == 44115);
  CHECK(text(Value(item.others), "priority_name") == "Low");
}
