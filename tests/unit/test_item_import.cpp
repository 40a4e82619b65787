// The import of items: what comes twice, what a person decides, what a stop leaves, what the counters say.
#include <doctest/doctest.h>

#include "memory_systems.hpp"
#include "migrate/report_writer.hpp"

using namespace testing_systems;

namespace {

struct World {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::shared_ptr<MemoryItems> sink;
  std::shared_ptr<const Transformer> transform;
  std::function<void(const Operation&)> on_write;
  std::size_t batch = 10;

  explicit World(int tickets = 3) {
    for (int i = 1; i <= tickets; ++i) add("tickets", i);
  }
  Record& add(const std::string& type, int id) {
    Object data;
    data.emplace("title", fmt::format("{} {}", type, id));
    Record& record = source->add(type, id, std::move(data));
    record.version = "1";
    return record;
  }
  Pipeline pipeline() {
    Pipeline made;
    made.name = "items";
    made.source = source;
    if (transform) made.transforms.push_back(transform);
    made.services = faults.services();
    sink = std::make_shared<MemoryItems>(service, made.services, 4);
    sink->on_write = on_write;
    made.sink = sink;
    made.store = store;
    return made;
  }
  Report run(RunOptions options = RunOptions()) {
    options.batch_size = batch;
    return run_blocking(pipeline(), std::move(options));
  }
  Report retry() {
    RunOptions options;
    options.mode = Mode::retry;
    return run(std::move(options));
  }
  std::vector<std::string> titles() const {
    std::vector<std::string> all;
    for (const auto& [id, item] : service.items) all.push_back(item.title);
    return all;
  }
};

struct Watcher : Observer {
  std::function<void(const Report&)> progress;
  std::function<void()> retry;
  void on_progress(const Report& report) override {
    if (progress) progress(report);
  }
  void on_retry(const RecordRef&, int, std::chrono::milliseconds, const Error&) override {
    if (retry) retry();
  }
};

/// Answers one after the other, and remembers what was asked.
struct Person : Reviewer {
  std::vector<Verdict> answers;
  std::vector<std::string> asked;
  awaitable<Verdict> review(const Proposal& proposal, Record& edited) override {
    const std::size_t number = asked.size();
    asked.push_back(fmt::format("{} {}{}", proposal.source.ref.id, proposal.operations.size(),
                                proposal.refused ? " " + proposal.refused->cause : std::string()));
    if (number >= answers.size()) co_return Verdict::quit;
    if (answers[number] == Verdict::edit) edited.data.as_object()["title"] = "as a person has put it";
    co_return answers[number];
  }
};

std::uint64_t failed_by(const Report& report, const std::string& cause) {
  const auto type = report.causes.find("tickets");
  if (type == report.causes.end() || !type->second.count(cause)) return 0;
  return type->second.at(cause).count;
}

}  // namespace

TEST_CASE("a record that comes twice in a batch arrives as it was last, and is counted") {
  World world;
  world.source->after_read = [](RecordBatch& batch) {
    Record later = batch.records.at(1);
    later.version = "2";
    Object data;
    data.emplace("title", "changed meanwhile");
    later.data = std::move(data);
    batch.records.push_back(std::move(later));
  };
  const Report report = world.run();
  CHECK(report.status == Status::done);
  const Counters& counters = report.types.at("tickets");
  CHECK(counters.read == 4);
  CHECK(counters.written == 3);
  CHECK(counters.skipped == 1);
  CHECK(counters.balanced());
  CHECK(world.service.items.size() == 3);
  const std::vector<std::string> titles = world.titles();
  CHECK(std::count(titles.begin(), titles.end(), "changed meanwhile") == 1);
  CHECK(std::count(titles.begin(), titles.end(), "tickets 2") == 0);
}

TEST_CASE("two records that become one item: the second is refused by name, not swallowed") {
  World world;
  world.transform = transform_with([](Record record, std::vector<Record>& out) {
    if (record.ref.id == "3") record.ref.id = "2";
    out.push_back(std::move(record));
  });
  const Report report = world.run();
  CHECK(report.status == Status::done_with_failures);
  CHECK(failed_by(report, "two_for_one_item") == 1);
  CHECK(report.types.at("tickets").balanced());
  CHECK(world.titles() == std::vector<std::string>{"tickets 1", "tickets 2"});
}

TEST_CASE("two records that become one item are told apart in whichever batch and run they come") {
  World world(4);
  world.batch = 2;
  SUBCASE("with versions") {
    for (auto& [id, record] : world.source->records("tickets")) record.version = fmt::format("of {}", id);
  }
  SUBCASE("without") {
    for (auto& [id, record] : world.source->records("tickets")) record.version.clear();
  }
  bool renames = true;
  std::string name = "2";
  SUBCASE("in the next run, of what was named otherwise in the first") { renames = false; }
  SUBCASE("where the item was there before") {
    MemoryService::Item there;
    there.title = "made by hand";
    world.service.items[world.service.next++] = there;
    wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"tickets", "2", Value("1")}}));
  }
  SUBCASE("where neither has the name at the source") { name = "T-2"; }
  world.transform = transform_with([&](Record record, std::vector<Record>& out) {
    if (record.ref.id == "2" || (renames && record.ref.id == "3")) record.ref.id = name;
    out.push_back(std::move(record));
  });
  if (!renames) {
    world.source->records("tickets").erase(3);
    REQUIRE(world.run().status == Status::done);
    world.add("tickets", 3);
    renames = true;
  }
  const Report report = world.run();
  CHECK(report.status == Status::done_with_failures);
  CHECK(failed_by(report, "two_for_one_item") == 1);
  CHECK(report.types.at("tickets").failed == 1);
  CHECK(report.types.at("tickets").balanced());
  std::vector<std::string> titles = world.titles();
  std::sort(titles.begin(), titles.end());
  CHECK(titles == std::vector<std::string>{"tickets 1", "tickets 2", "tickets 4"});
  // The one that it belongs to may still change.
  Record& first = world.source->records("tickets").at(2);
  first.data.as_object()["title"] = "changed";
  if (!first.version.empty()) first.version = "later";
  world.run();
  titles = world.titles();
  CHECK(std::count(titles.begin(), titles.end(), "changed") == 1);
  CHECK(titles.size() == 3);
}

TEST_CASE("a state that does not tell of which record an item was made refuses none") {
  World world(1);
  world.transform = transform_with([](Record record, std::vector<Record>& out) {
    record.ref.id = "T-1";
    out.push_back(std::move(record));
  });
  REQUIRE(world.run().status == Status::done);
  std::vector<Entry> rows = wait_for(world.store->scan(Table::outcome, "", "", 10));
  REQUIRE(rows.size() == 1);
  CHECK(rows.front().value.at("source").as_string() == "tickets/1");
  const auto put = [&]() -> awaitable<bool> {
    co_await world.store->commit(std::move(rows));
    co_return true;
  };
  SUBCASE("with the name that the transformers gave it") { rows.front().value.as_object().erase("source"); }
  SUBCASE("of an older version still") {
    for (const char* member : {"source", "derived", "made"}) rows.front().value.as_object().erase(member);
  }
  wait_for(put());
  world.source->records("tickets").at(1).version = "2";
  CHECK(world.run().status == Status::done);
  CHECK(world.service.items.size() == 1);
  CHECK(wait_for(world.store->get(Table::outcome, "tickets/T-1"))->at("source").as_string() == "tickets/1");
}

TEST_CASE("a link that the source gave up before its target came is not set") {
  World world(2);
  world.add("tickets", 11);
  Record& child = world.source->records("tickets").at(1);
  child.links.push_back(link_to("parent", "tickets", "9", Missing::deferred, "missing_parent"));
  child.links.push_back(link_to("relates", "tickets", "9", Missing::deferred, ""));
  // Its rows begin like those of the child.
  world.source->records("tickets").at(11).ref.id = "1/1";
  world.source->records("tickets").at(11).links.push_back(link_to("parent", "tickets", "9", Missing::deferred, ""));
  REQUIRE(world.run().status == Status::done);
  child.links.erase(child.links.begin());
  child.version = "2";
  RunOptions delta;
  delta.mode = Mode::incremental;
  REQUIRE(world.run(delta).warnings.empty());
  world.add("tickets", 9);
  REQUIRE(world.run(delta).types.at("tickets").linked == 2);
  std::map<std::string, std::size_t> links;
  for (const auto& [id, item] : world.service.items)
    for (const std::string& link : item.links) ++links[item.title + " " + link.substr(0, link.find("->"))];
  CHECK(links == std::map<std::string, std::size_t>{{"tickets 1 relates", 1}, {"tickets 11 parent", 1}});
}

TEST_CASE("nothing is linked to a record that was taken back with its unit") {
  for (const std::size_t batch : {std::size_t(1), std::size_t(2), std::size_t(10)}) {
    World world;
    world.batch = batch;
    world.transform = transform_with([](Record record, std::vector<Record>& out) {
      if (record.ref.id == "1") {
        Record part;
        part.ref = RecordRef{"parts", "p1"};
        part.data = Object{{"title", "a part"}};
        part.version = "1";
        out.push_back(std::move(part));
        record.data.as_object()["comments"] = Array{"poison"};
      }
      record.links.push_back(link_to("part", "parts", "p1", Missing::fails, "missing_part"));
      out.push_back(std::move(record));
    });
    const Report report = world.run();
    INFO("batches of " << batch);
    CHECK(failed_by(report, "poisoned") == 1);
    CHECK(failed_by(report, "missing_part") == 2);
    CHECK(report.types.at("tickets").balanced());
    CHECK(world.service.items.empty());
  }
}

TEST_CASE("a mapping names an item by its number as well as by a text") {
  World world(2);
  MemoryService::Item there;
  there.title = "made by hand";
  const int id = 42;
  world.service.items[id] = there;
  world.source->records("tickets").at(2).links.push_back(link_to("relates", "tickets", "1", Missing::deferred, ""));
  wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"tickets", "1", Value(id)}}));
  // Another that no record of the source is met for.
  wait_for(import_mappings(world.store, std::vector<Mapping>{Mapping{"tickets", "7", Value(41)}}));
  RunOptions verified;
  verified.verify = VerifyLevel::comprehensive;
  const Report report = world.run(verified);
  CHECK(report.types.at("tickets").written == 2);
  CHECK(world.service.items.at(id).title == "tickets 1");
  CHECK(world.service.items.size() == 2);
  const Orphans found = wait_for(find_orphans(world.pipeline()));
  CHECK(found.unknown.empty());
  REQUIRE(found.missing.size() == 1);
  CHECK(found.missing.front().second == "41");
}

TEST_CASE("a record that two partitions mention at once is made once") {
  World world(0);
  for (const char* type : {"tickets", "notes"}) world.add(type, 1);
  for (MemorySource::Kind& kind : world.source->kinds) kind.rank = 0;
  world.transform = transform_with([](Record record, std::vector<Record>& out) {
    Record company;
    company.ref = RecordRef{"companies", "1"};
    company.intent = Intent::get_or_create;
    company.data = Object{{"title", "a company"}};
    out.push_back(std::move(company));
    out.push_back(std::move(record));
  });
  Pipeline pipeline = world.pipeline();
  world.sink->latency = std::chrono::milliseconds(100);
  RunOptions options;
  options.batch_size = 10;
  const Report report = run_blocking(std::move(pipeline), std::move(options));
  CHECK(report.status == Status::done);
  CHECK(report.total().balanced());
  const std::vector<std::string> titles = world.titles();
  CHECK(std::count(titles.begin(), titles.end(), "a company") == 1);
  CHECK(titles.size() == 3);
}

TEST_CASE("a person decides about items one by one") {
  World world(5);
  Person person;
  person.answers = {Verdict::migrate, Verdict::skip, Verdict::edit, Verdict::migrate, Verdict::quit};
  RunOptions options;
  options.reviewer = &person;
  Report report = world.run(options);
  CHECK(person.asked == std::vector<std::string>{"1 1", "2 1", "3 1", "3 1", "4 1"});
  CHECK(report.status == Status::stopped);
  CHECK(world.titles() == std::vector<std::string>{"tickets 1", "as a person has put it"});
  CHECK(report.types.at("tickets").skipped == 1);
  CHECK(report.types.at("tickets").balanced());
  // The rest at the next time; what was left out is no failure that a retry takes up.
  person.asked.clear();
  person.answers = {Verdict::all};
  report = world.run(options);
  CHECK(person.asked == std::vector<std::string>{"4 1"});
  CHECK(report.status == Status::done);
  CHECK(world.service.items.size() == 4);
  CHECK(world.retry().types.at("tickets").written == 4);
  CHECK(world.service.items.size() == 4);
}

TEST_CASE("a person who tries failures again is asked, and edits what is refused") {
  World world(2);
  bool refuses = true;
  world.on_write = [&](const Operation& operation) {
    if (refuses && operation.record().ref.id == "2") throw Error(ErrorKind::invalid, "bad", "refused");
  };
  CHECK(world.run().types.at("tickets").failed == 1);
  refuses = false;
  Person person;
  person.answers = {Verdict::edit, Verdict::migrate};
  RunOptions options;
  options.mode = Mode::retry;
  options.reviewer = &person;
  const Report report = world.run(options);
  CHECK(person.asked.size() == 2);
  CHECK(report.status == Status::done);
  CHECK(world.titles() == std::vector<std::string>{"tickets 1", "as a person has put it"});
}

TEST_CASE("files of what failed are counted once, however often it is tried") {
  World world(2);
  for (const char* name : {"a", "b"}) {
    Blob blob;
    blob.id = blob.name = name;
    world.source->records("tickets").at(2).blobs.push_back(std::move(blob));
  }
  int refusals = 2;
  world.on_write = [&](const Operation& operation) {
    if (operation.record().ref.id == "2" && refusals-- > 0) throw Error(ErrorKind::invalid, "bad", "refused");
  };
  CHECK(world.run().total().files == 2);
  CHECK(world.retry().total().files == 2);
  const Report report = world.retry();
  CHECK(report.total().failed == 0);
  CHECK(report.total().files == 2);
  CHECK(report.total().files_written == 2);
}

TEST_CASE("a retry within a run that has not ended does not end it") {
  World world(9);
  world.batch = 3;
  bool refuses = true;
  world.on_write = [&](const Operation& operation) {
    if (refuses && operation.record().ref.id == "2") throw Error(ErrorKind::invalid, "bad", "refused");
  };
  std::stop_source stop;
  Watcher watcher;
  watcher.progress = [&](const Report& report) {
    if (report.total().read >= 3) stop.request_stop();
  };
  RunOptions options;
  options.observer = &watcher;
  options.stop = stop.get_token();
  REQUIRE(world.run(options).status == Status::stopped);
  refuses = false;
  const Report retried = world.retry();
  CHECK(retried.status == Status::stopped);
  REQUIRE(retried.fatal.has_value());
  CHECK(retried.fatal->cause == "unfinished_run");
  CHECK(retried.types.at("tickets").failed == 0);
  CHECK(report_as_text(retried).starts_with("items: Not everything: the run itself has not ended\n"));
  world.source->reads.clear();
  const Report report = world.run();
  CHECK(report.run == retried.run);
  CHECK(report.status == Status::done);
  // What was under way at the stop is met as settled, by this run.
  CHECK(report.types.at("tickets").written == 9);
  CHECK(world.service.items.size() == 9);
  CHECK(world.source->reads.front() != "tickets@start");
}

TEST_CASE("a stop ends the setting of links, and a rollback that waits for a quota") {
  World world(6);
  for (int i = 1; i <= 5; ++i)
    world.source->records("tickets").at(i).links.push_back(
        link_to("relates", "tickets", "6", Missing::deferred, "missing_ticket"));
  world.batch = 1;
  std::stop_source stop;
  Watcher watcher;
  watcher.progress = [&](const Report& report) {
    if (report.total().linked >= 1) stop.request_stop();
  };
  RunOptions options;
  options.observer = &watcher;
  options.stop = stop.get_token();
  const Report report = world.run(options);
  CHECK(report.status == Status::stopped);
  CHECK(report.total().linked == 1);
  const Report rest = world.run();
  CHECK(rest.status == Status::done);
  CHECK(rest.total().linked == 5);

  std::stop_source another;
  watcher.progress = nullptr;
  watcher.retry = [&] { another.request_stop(); };
  RunOptions back;
  back.mode = Mode::rollback;
  back.observer = &watcher;
  back.stop = another.get_token();
  int exchanges = 0;
  world.service.refuse = [&](int) { return ++exchanges >= 3; };
  CHECK(world.run(back).status == Status::stopped);
  CHECK(world.service.items.size() == 4);
  world.service.refuse = nullptr;
  RunOptions again;
  again.mode = Mode::rollback;
  CHECK_FALSE(world.run(again).fatal.has_value());
  CHECK(world.service.items.empty());
}

TEST_CASE("what was deleted because the source has deleted it is known no more, and may come again") {
  World world;
  REQUIRE(world.run().status == Status::done);
  CHECK_FALSE(wait_for(world.store->scan(Table::step, "tickets/2/", "", 10)).empty());
  Record& record = world.source->records("tickets").at(2);
  record.deleted = true;
  record.version = "2";
  CHECK(world.run().status == Status::done);
  CHECK(world.titles() == std::vector<std::string>{"tickets 1", "tickets 3"});
  const std::optional<Value> known = wait_for(world.store->get(Table::outcome, "tickets/2"));
  CHECK_FALSE(known.has_value());
  CHECK(wait_for(world.store->scan(Table::step, "tickets/2/", "", 10)).empty());
  CHECK(world.run().status == Status::done);
  record.deleted = false;
  record.version = "3";
  CHECK(world.run().status == Status::done);
  CHECK(world.service.items.size() == 3);
}

TEST_CASE("what the source has deleted goes under the name that a transformer gives it, with what was made of it") {
  World world;
  world.transform = transform_with([](Record record, std::vector<Record>& out) {
    Record note;
    note.ref = RecordRef{"notes", record.ref.id};
    note.deleted = record.deleted;
    note.version = record.version;
    Object data;
    data.emplace("title", "note " + record.ref.id);
    note.data = std::move(data);
    record.ref.type = "issues";
    out.push_back(std::move(record));
    out.push_back(std::move(note));
  });
  REQUIRE(world.run().status == Status::done);
  REQUIRE(world.service.items.size() == 6);
  Record& record = world.source->records("tickets").at(2);
  record.deleted = true;
  record.version = "2";
  const Report report = world.run();
  CHECK(report.status == Status::done);
  CHECK(report.types.at("tickets").balanced());
  std::vector<std::string> left = world.titles();
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector<std::string>{"note 1", "note 3", "tickets 1", "tickets 3"});
}
