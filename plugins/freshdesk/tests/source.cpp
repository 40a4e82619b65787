// Reading all tickets from the stand-in: each once and whole, whatever the pages, the seconds and the people do.
#include "lab.hpp"
#include "shard.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

#include "html.hpp"

using namespace lab;

namespace {

std::string plain_time(const std::string& written) {
  return written.empty() ? written : freshdesk::to_text(freshdesk::second_from(written));
}

/// The values of a member over a list, one a line.
template <class List, class Say>
std::string lines(const List& items, Say say) {
  std::string all;
  for (const auto& item : items) all += say(item) + "\n";
  return all;
}

std::string files_of(const Value& conversation) {
  return lines(list(conversation, "attachments"), [](const Value& file) { return text(file, "id"); });
}
/// Without the pictures that are not listed.
std::string files_of(const Comment& comment) {
  std::string files;
  for (const std::string& id : comment.blobs)
    if (!id.starts_with("inline:")) files += id + "\n";
  return files;
}

void check_comment(const Comment& comment, const Value& said) {
  CAPTURE(comment.id);
  CHECK(comment.id == text(said, "id"));
  CHECK(comment.internal == truth(said, "private"));
  CHECK(comment.created == plain_time(text(said, "created_at")));
  CHECK(files_of(comment) == files_of(said));
  CHECK(comment.body.text.starts_with(text(said, "body")));
  if (list(said, "cloud_files").empty() && !text(said, "body").empty()) CHECK(comment.body.text == text(said, "body"));
  for (const Value& file : list(said, "cloud_files"))
    CHECK(comment.body.text.find(freshdesk::escaped(text(file, "url"))) != std::string::npos);
}

void check_record(const Record& record, const Value& ticket) {
  CAPTURE(record.ref.id);
  const Item item(record.data);
  CHECK(item.title == text(ticket, "subject"));
  CHECK(item.description.text == text(ticket, "description"));
  CHECK(item.kind == text(ticket, "type"));
  CHECK(item.created == plain_time(text(ticket, "created_at")));
  CHECK(item.updated == plain_time(text(ticket, "updated_at")));
  CHECK(item.due == plain_time(text(ticket, "due_by")));
  CHECK(item.labels.size() == list(ticket, "tags").size());
  CHECK(item.reporter.value_or(Person()).id == text(ticket, "requester_id"));
  CHECK(item.assignee.value_or(Person()).id == text(ticket, "responder_id"));
  std::vector<Value> said;
  for (const Value& each : list(ticket, "conversations"))
    if (!truth(each, "deleted")) said.push_back(each);
  std::stable_sort(said.begin(), said.end(), [](const Value& a, const Value& b) {
    return std::pair(text(a, "created_at"), number(a, "id")) < std::pair(text(b, "created_at"), number(b, "id"));
  });
  REQUIRE(item.comments.size() == said.size());
  for (std::size_t i = 0; i < said.size(); ++i) check_comment(item.comments[i], said[i]);
  const auto hidden = [](const Warning& warning) { return warning.cause == "time_entries_hidden"; };
  if (text(ticket, "kind") == "active" || std::none_of(record.warnings.begin(), record.warnings.end(), hidden))
    CHECK(item.worklogs.size() == list(ticket, "time_entries").size());
  CHECK(text(Value(item.others), "company") ==
        (member(ticket, "company") ? text(*member(ticket, "company"), "name") : ""));
}

/// The ids of a list of records; a failure of the test when one comes twice.
std::set<std::string> ids_of(const std::vector<Record>& records) {
  std::set<std::string> ids;
  for (const Record& record : records) CHECK_MESSAGE(ids.insert(record.ref.id).second, record.ref.id << " came twice");
  return ids;
}

std::set<std::string> ids_of(const std::map<std::string, Value>& tickets) {
  std::set<std::string> ids;
  for (const auto& [id, ticket] : tickets) ids.insert(id);
  return ids;
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error();
}

}  // namespace

TEST_CASE("every ticket comes once and whole") {
  Lab lab(150);
  const auto records = lab.read_all();
  const auto tickets = lab.truth_of({"active"});
  CHECK(ids_of(records) == ids_of(tickets));
  for (const Record& record : records) check_record(record, tickets.at(record.ref.id));
}

TEST_CASE("neither the cap of pages nor seconds that many tickets share lose or double a ticket") {
  int point = 0;
  for (const int same_second : {2, 6, 25})
    for (const std::size_t limit : {1u, 7u, 50u}) {
      if (!testing_support::in_shard(++point)) continue;
      CAPTURE(same_second);
      CAPTURE(limit);
      Lab lab(180, with(with(generous(), "page_cap", 3), "same_second", same_second));
      lab.config.per_page = 10;
      lab.config.conversations = lab.config.time_entries = false;
      CHECK(ids_of(lab.read_all(limit)) == ids_of(lab.truth_of({"active"})));
    }
}

TEST_CASE("more tickets in one second than can be listed end the read with what to do") {
  Lab lab(150, with(with(generous(), "page_cap", 3), "same_second", 100));
  lab.config.per_page = 10;
  lab.config.conversations = lab.config.time_entries = false;
  const Error error = error_of([&] { lab.read_all(); });
  CHECK(error.cause == "too_many_in_one_second");
  CHECK(error.advice.find("per_page: 100") != std::string::npos);
  lab.config.per_page = 100;
  CHECK(ids_of(lab.read_all()) == ids_of(lab.truth_of({"active"})));
}

TEST_CASE("tickets that people work on meanwhile come in their last state, and removed ones not at all") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    if (!testing_support::in_shard(static_cast<long long>(seed))) continue;
    CAPTURE(seed);
    Object settings = with(with(with(generous(), "touch_every", 1), "delete_every", 3), "change_limit", 14);
    Lab lab(120, std::move(settings), seed);
    lab.config.per_page = 10;
    std::map<std::string, Record> last;
    for (Record& record : lab.read_all(5)) {
      last[record.ref.id] = std::move(record);
    }
    const auto tickets = lab.truth_of({"active"});
    CHECK(last.size() >= tickets.size());
    for (const auto& ticket : tickets) {
      REQUIRE_MESSAGE(last.count(ticket.first), "ticket " << ticket.first << " is missing");
      check_record(last.at(ticket.first), ticket.second);
    }
  }
}

TEST_CASE("the end of one run is where the next one begins") {
  Lab lab(60, with(with(generous(), "touch_every", 4), "change_limit", 9));
  lab.config.per_page = 10;
  const std::shared_ptr<Source> source = lab.source();
  const auto pass = [&](Cursor& cursor) {
    return lab.run([&]() -> awaitable<std::vector<Record>> {
      const std::vector<Partition> partitions = co_await source->partitions();
      co_return co_await Lab::read(*source, partitions.front(), cursor, 10);
    });
  };
  Cursor cursor;
  std::map<std::string, std::string> versions;
  for (const Record& record : pass(cursor)) versions[record.ref.id] = record.version;
  // Each list changes a ticket, until the stand-in has changed enough.
  std::size_t changed = 0;
  for (int i = 0; i < 40; ++i)
    for (const Record& record : pass(cursor)) {
      CHECK(versions[record.ref.id] != record.version);
      versions[record.ref.id] = record.version;
      ++changed;
    }
  CHECK(changed > 0);
  CHECK(changed < 40);
  CHECK(pass(cursor).empty());
  // What a new reader would see is what is known.
  std::map<std::string, std::string> fresh;
  Cursor start;
  for (const Record& record : pass(start)) fresh[record.ref.id] = record.version;
  CHECK(fresh.size() == versions.size());
  for (const auto& [id, version] : fresh) CHECK(versions[id] == version);
}

TEST_CASE("deleted, spam and archived tickets come when they are asked for") {
  // Their own addresses show them, or the list is all that does.
  bool shown = false;
  SUBCASE("deleted tickets and spam are shown") { shown = true; }
  SUBCASE("they are listed only") {}
  Lab lab(150, with(generous(), "removed_tickets", shown ? "shown" : "refused"));
  lab.config.include = {"deleted", "spam", "archived"};
  const auto tickets = lab.truth_of({"active", "deleted", "spam", "archived"});
  const auto records = lab.read_all();
  CHECK(ids_of(records) == ids_of(tickets));
  std::map<std::string, int> kinds;
  for (const Record& record : records) {
    const std::string kind = text(tickets.at(record.ref.id), "kind");
    ++kinds[kind];
    const Value others(Item(record.data).others);
    CHECK(truth(others, "archived") == (kind == "archived"));
    CHECK(truth(others, "spam") == (kind == "spam"));
    CHECK(Item(record.data).comments.size() <= list(tickets.at(record.ref.id), "conversations").size());
    if (kind == "active" || (shown && kind != "archived")) check_record(record, tickets.at(record.ref.id));
    CHECK(Item(record.data).description.text == text(tickets.at(record.ref.id), "description"));
    const auto hidden = [](const Warning& warning) { return warning.cause == "conversations_hidden"; };
    const bool unshown = !shown && (kind == "deleted" || kind == "spam");
    CHECK(std::count_if(record.warnings.begin(), record.warnings.end(), hidden) == unshown);
    const auto untold = [](const Warning& warning) { return warning.message.ends_with("they stay behind"); };
    CHECK(std::count_if(record.warnings.begin(), record.warnings.end(), untold) == (kind == "archived"));
  }
  CHECK(kinds.size() == 4);
}

TEST_CASE("archived tickets are tried in ranges of ids, which may be narrowed") {
  Lab lab(150);
  lab.config.include = {"archived"};
  const auto archived = lab.truth_of({"archived"});
  REQUIRE(archived.size() > 2);
  const std::int64_t one = number(archived.begin()->second, "id");
  lab.config.archived_from = lab.config.archived_through.emplace(one);
  const auto records = lab.read_all();
  CHECK(std::count_if(records.begin(), records.end(),
                      [&](const Record& record) { return archived.count(record.ref.id) > 0; }) == 1);
  const auto partitions =
      lab.run([&]() -> awaitable<std::vector<Partition>> { co_return co_await lab.source()->partitions(); });
  REQUIRE(partitions.size() == 2);
  CHECK(partitions[1].rank == 2);
}

TEST_CASE("archived tickets behind the newest one that is listed are found, and what was taken for the end is told") {
  for (const int listed : {0, 50}) {
    CAPTURE(listed);
    Lab lab(1300, with(generous(), "archived_after", listed));
    lab.config.include = {"deleted", "spam", "archived"};
    lab.config.conversations = lab.config.time_entries = false;
    CHECK(ids_of(lab.read_all(200)) == ids_of(lab.truth_of({"active", "deleted", "spam", "archived"})));
    CHECK(std::count_if(lab.warnings.begin(), lab.warnings.end(), [](const std::string& warning) {
            return warning.find("set archived_through") != std::string::npos;
          }) == 1);
  }
  // As many as are told, counted from the last one that was found.
  Lab lab(100, with(generous(), "archived_after", 0));
  lab.config.include = {"archived"};
  lab.config.archived_from = 40;
  lab.config.archived_misses = 10;
  CHECK(lab.read_all().empty());
  lab.config.archived_misses = 200;
  CHECK(lab.read_all().size() == 100);
  lab.config.archived_through = 10'000;
  CHECK(lab.read_all().size() == 100);
}

TEST_CASE("what was archived since the last run is found by the next one, behind what was the end") {
  Lab lab(100, with(generous(), "archived_after", 50));
  lab.config.include = {"archived"};
  lab.config.conversations = lab.config.time_entries = false;
  const std::set<std::string> archived = ids_of(lab.truth_of({"archived"}));
  REQUIRE(archived.size() == 50);
  bool yet = false;  // they are there only from the second run on
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (!yet && request.path().starts_with("/api/v2/tickets/archived/")) response = http::Response(404);
  };
  const std::shared_ptr<Source> source = lab.source();
  const auto pass = [&](const Partition& partition, Cursor& cursor) {
    return ids_of(lab.run(
        [&]() -> awaitable<std::vector<Record>> { co_return co_await Lab::read(*source, partition, cursor, 200); }));
  };
  const auto partitions =
      lab.run([&]() -> awaitable<std::vector<Partition>> { co_return co_await source->partitions(); });
  REQUIRE(partitions.size() == 2);
  Cursor first, ranged;
  CHECK(pass(partitions[1], first).empty());
  ranged = detached(first);
  yet = true;
  CHECK(pass(partitions[1], first) == archived);
  CHECK(pass(partitions[1], first).empty());
  // The account has grown over a thousand meanwhile: the same range is not the last one any more.
  Partition closed = partitions[1];
  closed.options.as_object().erase("archived_open");
  closed.options.as_object()["archived_through"] = 999;
  CHECK(pass(closed, ranged) == archived);
}

TEST_CASE("no id of an archived ticket is tried behind the end that is told, and a deleted ticket can be the newest") {
  Lab lab(150);
  lab.config.include = {"archived"};
  lab.config.conversations = lab.config.time_entries = false;
  std::int64_t newest = 0, last_tried = 0;
  for (const auto& [id, ticket] : lab.truth_of({"active", "deleted", "spam"}))
    newest = std::max(newest, number(ticket, "id"));
  lab.watch = [&](const Value& exchange) {
    const std::string url = text(exchange, "url");
    const std::size_t at = url.find("/tickets/archived/");
    if (at != std::string::npos) last_tried = std::max(last_tried, freshdesk::id_in(url.substr(at + 18)));
  };
  lab.read_all();
  CHECK(last_tried == newest + lab.config.archived_misses);
  CHECK(lab.warnings.empty());
}

TEST_CASE("a ticket that is deleted while the desk is read comes with the deleted ones, whichever list is read first") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    if (!testing_support::in_shard(static_cast<long long>(seed))) continue;
    CAPTURE(seed);
    Lab lab(120, with(with(generous(), "delete_every", 2), "change_limit", 14), seed);
    lab.config.include = {"deleted", "spam", "archived"};
    lab.config.per_page = 10;
    // Partitions of one rank may be read at the same time: the last one first is as good an order as any.
    const auto read_in_order = [&]() -> awaitable<std::set<std::string>> {
      const std::shared_ptr<Source> source = lab.source();
      std::vector<Partition> partitions = co_await source->partitions();
      std::reverse(partitions.begin(), partitions.end());
      const auto earlier = [](const Partition& a, const Partition& b) { return a.rank < b.rank; };
      std::stable_sort(partitions.begin(), partitions.end(), earlier);
      std::set<std::string> ids;
      for (const Partition& partition : partitions) {
        Cursor cursor;
        const std::vector<Record> records = co_await Lab::read(*source, partition, cursor, 5);
        for (const Record& record : records) ids.insert(record.ref.id);
      }
      co_return ids;
    };
    const std::set<std::string> read = lab.run(read_in_order);
    CHECK(read == ids_of(lab.truth_of({"active", "deleted", "spam", "archived"})));
    CHECK(number(lab.simulator->state(), "changes") > 3);
  }
}

TEST_CASE("fetch() gives what read() gives, of every kind, and leaves out what is gone") {
  Lab lab(100);
  lab.config.include = {"deleted", "spam", "archived"};
  lab.config.satisfaction_ratings = true;
  const auto records = lab.read_all();
  std::vector<RecordRef> refs;
  for (const Record& record : records) refs.push_back(record.ref);
  refs.push_back(RecordRef{"tickets", "no number"});
  refs.push_back(RecordRef{"contacts", "1"});
  const RecordBatch batch = lab.run([&]() -> awaitable<RecordBatch> {
    const std::shared_ptr<Source> source = lab.source();
    co_return co_await source->fetch(refs);
  });
  REQUIRE(batch.records.size() == records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(boost::json::serialize(batch.records[i].data) == boost::json::serialize(records[i].data));
    CHECK(batch.records[i].version == records[i].version);
    CHECK(batch.records[i].blobs.size() == records[i].blobs.size());
  }
  // What the options leave out is left out here too, but for what has been archived since it was read.
  refs.push_back(RecordRef{"tickets", "987654321"});
  lab.config.include.clear();
  const RecordBatch desk = lab.run([&]() -> awaitable<RecordBatch> {
    const std::shared_ptr<Source> source = lab.source();
    co_return co_await source->fetch(refs);
  });
  std::set<std::string> ids;
  for (const Record& record : desk.records) ids.insert(record.ref.id);
  CHECK(ids == ids_of(lab.truth_of({"active", "archived"})));
}

TEST_CASE("associations are told once a pair, from the child and from the related ticket") {
  Lab lab(300);
  lab.config.include = {"archived"};
  std::map<std::string, Record> records;
  for (Record& record : lab.read_all()) records.emplace(record.ref.id, std::move(record));
  int parents = 0, related = 0, archived = 0;
  for (const auto& each : lab.truth_of({"active", "archived"})) {
    const Value& ticket = each.second;
    const std::vector<Link>& links = records.at(each.first).links;
    const std::int64_t kind = number(ticket, "association_type");
    CAPTURE(each.first);
    if (kind != 2 && kind != 4) {
      CHECK(links.empty());
      continue;
    }
    REQUIRE(links.size() == 1);
    CHECK(links[0].relation == (kind == 2 ? "parent" : "relates"));
    CHECK(links[0].target.id == freshdesk::text_of(list(ticket, "associated_tickets_list").front()));
    CHECK(links[0].missing == Missing::deferred);
    ++(kind == 2 ? parents : related);
    archived += text(ticket, "kind") == "archived";
  }
  CHECK(archived > 2);
  CHECK(parents > 0);
  CHECK(related > 0);
}

TEST_CASE("only tickets changed since then are read where a time is given") {
  Lab lab(100);
  lab.config.since = "2025-06-01T00:00:00Z";
  std::set<std::string> expected;
  for (const auto& [id, ticket] : lab.truth_of({"active"}))
    if (text(ticket, "updated_at") >= lab.config.since) expected.insert(id);
  CHECK(ids_of(lab.read_all()) == expected);
  CHECK_FALSE(expected.empty());
}

TEST_CASE("a page of a list is asked for once, however small the batches are") {
  Lab lab(260);
  lab.config.conversations = lab.config.time_entries = false;
  int lists = 0;
  lab.watch = [&](const Value& exchange) { lists += text(exchange, "url").find("/tickets?") != std::string::npos; };
  const std::size_t count = lab.read_all(10).size();
  CHECK(lists <= static_cast<int>(count / 99) + 2);
}

TEST_CASE("time entries are asked for where there are some, and not at all where the plan has none") {
  Lab lab(120);
  lab.config.time_entries_by = "list";
  int asked = 0;
  lab.watch = [&](const Value& exchange) { asked += text(exchange, "url").find("/time_entries") != std::string::npos; };
  std::size_t with_some = 0;
  for (const auto& [id, ticket] : lab.truth_of({"active", "deleted", "spam", "archived"}))
    with_some += !list(ticket, "time_entries").empty();
  lab.read_all();
  CHECK(asked <= static_cast<int>(with_some) + 4);
  CHECK(with_some > 0);

  for (const char* by : {"list", "ticket"}) {
    CAPTURE(by);
    Lab growth(60, with(generous(), "plan", "growth"));
    growth.config.time_entries_by = by;
    asked = 0;
    growth.watch = lab.watch;
    for (const Record& record : growth.read_all()) CHECK(Item(record.data).worklogs.empty());
    CHECK(growth.warnings.size() == 1);
    CHECK(asked <= 40);
  }
}

TEST_CASE("unless the list of time entries is trusted, each ticket is asked for its own") {
  Lab lab(60);
  lab.rewrite = [](const http::Request& request, http::Response& response) {
    if (request.path() == "/api/v2/time_entries") response = http::Response(200, Array());
  };
  const auto tickets = lab.truth_of({"active"});
  std::size_t entries = 0;
  for (const Record& record : lab.read_all()) {
    check_record(record, tickets.at(record.ref.id));
    entries += Item(record.data).worklogs.size();
  }
  CHECK(entries > 0);
  lab.config.time_entries_by = "list";
  for (const Record& record : lab.read_all()) CHECK(Item(record.data).worklogs.empty());
}

TEST_CASE("a note stays internal, and what does not say that it is public is internal too") {
  freshdesk::TicketParts parts;
  parts.ticket = boost::json::parse(R"({"id":81,"subject":"s","updated_at":"2024-02-01T08:00:00Z"})");
  for (const char* said : {R"({"id":1,"private":false,"created_at":"2024-01-01T00:00:01Z"})",
                           R"({"id":2,"private":true,"created_at":"2024-01-01T00:00:02Z"})",
                           R"({"id":3,"created_at":"2024-01-01T00:00:03Z"})",
                           R"({"id":4,"private":null,"created_at":"2024-01-01T00:00:04Z"})"})
    parts.conversations.push_back(freshdesk::TicketParts::Said{boost::json::parse(said), 1});
  const Item item(freshdesk::record_of(parts, freshdesk::Names(), site).data);
  REQUIRE(item.comments.size() == 4);
  CHECK_FALSE(item.comments[0].internal);
  for (const int i : {1, 2, 3}) CHECK(item.comments[static_cast<std::size_t>(i)].internal);
}
