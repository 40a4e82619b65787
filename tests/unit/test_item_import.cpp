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
