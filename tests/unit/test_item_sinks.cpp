// What the engine tells an ItemSink beside what it is to write: links, files and which records to compare.
#include <doctest/doctest.h>

#include "late_store.hpp"
#include "memory_systems.hpp"
#include "migrate/report_writer.hpp"

using namespace testing_systems;

namespace {

/// Remembers what it is told; makes nothing.
class Listener final : public ItemSink {
 public:
  std::vector<std::string> told;
  int failures = 0;  ///< of the next calls of link()
  ErrorKind kind = ErrorKind::transient;

  SinkTraits traits() const override {
    SinkTraits traits;
    traits.preferred_batch = 10;
    traits.links = traits.verifies = traits.undoes = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::string> write(Operation& operation) override {
    Step step = co_await operation.begin("create");
    if (!step.done()) co_await step.finish("T-" + operation.record().ref.id);
    for (Blob& blob : operation.mutable_record().blobs) blob.left_out = left_out.count(blob.id) != 0;
    co_return step.target_id();
  }
  awaitable<void> link(Operation& operation) override {
    if (failures > 0) {
      --failures;
      throw Error(kind, "not_now", "the service does not take the link");
    }
    for (const Link& link : operation.record().links) {
      const std::optional<Value> target = operation.linked(link.target);
      told.push_back(fmt::format("{} {} {}", operation.record().ref.id, link.relation, text_of(target)));
    }
    co_return;
  }
  awaitable<std::vector<Finding>> preview(std::span<Operation> operations) override {
    for (Operation& operation : operations) note("preview", operation);
    std::vector<Finding> none;
    co_return none;
  }
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (Operation& operation : operations) {
      note("verify", operation);
      const std::string& id = operation.record().ref.id;
      compared.push_back(id);
      if (!tampered.count(id)) continue;
      Finding finding;
      finding.record = operation.record().ref;
      findings.push_back(std::move(finding));
    }
    co_return findings;
  }
  awaitable<std::vector<bool>> exist(std::vector<std::string> target_ids) override {
    if (mute) throw Error(ErrorKind::unsupported, "no_answer", "the service does not tell");
    std::vector<bool> there;
    for (const std::string& id : target_ids) there.push_back(id != gone);
    asked += target_ids.size();
    co_return there;
  }
  awaitable<void> undo(Receipt receipt) override {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(receipt.begun.time_since_epoch());
    told.push_back(fmt::format("undo {} {}", receipt.record.id, age.count()));
    co_return;
  }

  std::string gone;
  bool mute = false;  ///< cannot tell what exists
  std::set<std::string> left_out;  ///< files
  std::set<std::string> tampered;
  std::vector<std::string> compared;
  std::size_t asked = 0;  ///< whether they exist

 private:
  static std::string text_of(const std::optional<Value>& value) {
    return value ? boost::json::serialize(*value) : std::string("-");
  }
  void note(std::string_view what, const Operation& operation) {
    std::string line = fmt::format("{} {} {}", what, operation.migration(), operation.record().ref.id);
    line += " " + boost::json::serialize(operation.target_id()) + " " + boost::json::serialize(operation.data());
    for (const Link& link : operation.record().links) line += " " + text_of(operation.linked(link.target));
    told.push_back(std::move(line));
  }
};

constexpr VerifyLevel levels[] = {VerifyLevel::basic, VerifyLevel::standard, VerifyLevel::comprehensive};

struct World {
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<Listener> sink = std::make_shared<Listener>();
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  std::shared_ptr<const Transformer> transform;
  std::size_t batch = 1;

  /// 1 waits for 2 and 3, which come in later batches.
  explicit World(int tickets = 3) {
    for (int i = 1; i <= tickets; ++i) {
      Object data;
      data.emplace("title", i);
      Record& record = source->add("tickets", i, std::move(data));
      record.version = "1";
      if (i != 1) continue;
      record.links.push_back(link_to("relates", "tickets", "2", Missing::deferred, "missing_ticket"));
      record.links.push_back(link_to("relates", "tickets", "3", Missing::deferred, "missing_ticket"));
    }
  }
  Report run(RunOptions options = RunOptions()) {
    options.batch_size = batch;
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    if (transform) pipeline.transforms.push_back(transform);
    pipeline.services = faults.services();
    pipeline.sink = sink;
    pipeline.store = store;
    return run_blocking(pipeline, options);
  }
  Report verify(VerifyLevel level) {
    RunOptions options;
    options.mode = Mode::verify;
    options.verify = level;
    return run(options);
  }
};

/// So many that a level need not compare all of them.
struct Many : World {
  explicit Many(int tickets, bool migrated = true) : World(tickets) {
    batch = 50;
    if (migrated) {
      REQUIRE(run().status == Status::done);
      sink->told.clear();
      return;
    }
    // To know that they are there is enough, and quicker.
    std::vector<Mapping> mappings;
    for (int i = 1; i <= tickets; ++i) {
      const std::string id = std::to_string(i);
      mappings.push_back(Mapping{"tickets", id, Value("T-" + id)});
    }
    wait_for(import_mappings(store, std::move(mappings)));
  }
};

}  // namespace

TEST_CASE("several links of one relation wait side by side") {
  World world;
  const Report report = world.run();
  CHECK(report.types.at("tickets").linked == 2);
  CHECK(world.sink->told == std::vector<std::string>{R"(1 relates "T-2")", R"(1 relates "T-3")"});
}

TEST_CASE("a link that fails for now is tried again; one that is refused goes on waiting and breaks nothing") {
  World world;
  SUBCASE("for now") {
    world.sink->failures = 2;
    CHECK(world.run().types.at("tickets").linked == 2);
  }
  SUBCASE("for a quota, as often as it takes") {
    world.sink->failures = 20;
    world.sink->kind = ErrorKind::throttled;
    CHECK(world.run().types.at("tickets").linked == 2);
  }
  SUBCASE("for good") {
    world.sink->failures = 1;
    world.sink->kind = ErrorKind::invalid;
    const Report report = world.run();
    CHECK(report.status == Status::done);
    CHECK(report.types.at("tickets").linked == 1);
    CHECK(report.warnings.at("tickets").at("missing_ticket") == 1);
    // Only what is not there yet.
    CHECK(world.run().types.at("tickets").linked == 1);
    CHECK(world.run().types.at("tickets").linked == 0);
    CHECK(world.sink->told.size() == 2);
  }
}

TEST_CASE("a file that the item was brought without has not arrived, in the run that brought it and in those after") {
  World world(2);
  for (auto& [id, record] : world.source->records("tickets"))
    for (const char* name : {"a", "b", "c"}) {
      Blob blob;
      blob.id = fmt::format("{}{}", name, id);
      record.blobs.push_back(std::move(blob));
    }
  world.sink->left_out = {"b1", "c2", "nobody's"};
  for (int run = 0; run < 2; ++run) {
    const Report report = world.run();
    CHECK(report.total().files == 6);
    CHECK(report.total().files_written == 4);
    CHECK(report_as_text(report).find("attachments: 4 of 6 (66.7 %)") != std::string::npos);
  }
}

TEST_CASE("verification compares each record wholly at every level, and what is gone is said once") {
  bool fetches = true;
  SUBCASE("records that are fetched") {}
  SUBCASE("records that come by") { fetches = false; }
  for (const VerifyLevel level : levels) {
    World world;
    world.source->fetches = fetches;
    REQUIRE(world.run().status == Status::done);
    world.sink->told.clear();
    CHECK(world.verify(level).status == Status::done);
    CHECK(world.sink->told.at(0) == R"(verify tickets 1 "T-1" {"title":1} "T-2" "T-3")");
    CHECK(world.sink->compared.size() == 3);
    if (level == VerifyLevel::comprehensive) continue;
    world.sink->gone = "T-2";
    world.sink->tampered = {"2", "3"};
    const Report report = world.verify(level);
    CHECK(report.status == Status::differences);
    CHECK(report.verification->differences == 2);
    CHECK(report.verification->examples.at(0).record.id == "2");
    CHECK(report.verification->examples.at(1).record.id == "3");
    CHECK(report.verification->checked == 5);  // three exist or not, two say what they should or not
    CHECK(report.verification->compared == 3);
    CHECK(report.verification->records == 3);
  }
}

TEST_CASE("nothing is read for items that are all gone") {
  World world(1);
  REQUIRE(world.run().status == Status::done);
  world.sink->gone = "T-1";
  world.source->reads.clear();
  const Report report = world.verify(VerifyLevel::basic);
  CHECK(report.verification->differences == 1);
  CHECK(report.verification->compared == 1);
  CHECK(world.source->reads.empty());
  CHECK(world.source->fetched.empty());
}

TEST_CASE("where a sink cannot tell what exists, what is compared tells it") {
  World world;
  REQUIRE(world.run().status == Status::done);
  world.sink->mute = true;
  world.sink->tampered = {"2"};
  for (const VerifyLevel level : levels) CHECK(world.verify(level).verification->differences == 1);
}

TEST_CASE("a verification of many records asks whether each exists, and reads no more than its sample") {
  Many many(600);
  many.source->reads.clear();
  Report report = many.verify(VerifyLevel::basic);
  CHECK(many.source->reads.empty());
  CHECK(many.sink->asked == 600);
  const std::vector<std::string> sample = many.source->fetched;
  CHECK(sample.size() >= 100);
  CHECK(sample.size() < 120);
  CHECK(many.sink->compared == sample);
  CHECK(report.verification->compared == sample.size());
  CHECK(report.verification->records == 600);
  const std::string told =
      fmt::format("Verification (basic): {} of 600 records compared, 0 differences", sample.size());
  CHECK(report_as_text(report).find(told) != std::string::npos);
  CHECK(report_as_json(report).at("verification").at("compared") == sample.size());
  CHECK(report_as_json(report).at("verification").at("records") == 600);
  const Report kept = *testing_systems::wait_for(last_report(many.store));
  CHECK(kept.verification->compared == sample.size());
  CHECK(kept.verification->records == 600);
  many.source->fetched.clear();
  many.verify(VerifyLevel::basic);
  CHECK(many.source->fetched == sample);
  // No more records than the sample's size: all of them.
  report = many.verify(VerifyLevel::standard);
  CHECK(report.verification->compared == 600);
  CHECK(report.verification->records == 600);
  CHECK(many.source->reads.empty());
}

TEST_CASE("what is beyond the sample is found by a comprehensive verification") {
  Many many(300);
  many.verify(VerifyLevel::basic);
  const std::set<std::string> sample(many.source->fetched.begin(), many.source->fetched.end());
  for (int i = 1; i <= 300; ++i)
    if (!sample.count(std::to_string(i))) many.sink->tampered.insert(std::to_string(i));
  const std::size_t beyond = 300 - sample.size();
  CHECK(many.sink->tampered.size() == beyond);
  CHECK(many.verify(VerifyLevel::basic).verification->differences == 0);
  CHECK(many.verify(VerifyLevel::comprehensive).verification->differences == beyond);
  many.sink->tampered = {*sample.begin()};
  for (const VerifyLevel level : levels) CHECK(many.verify(level).verification->differences == 1);
}

TEST_CASE("a standard verification compares a tenth of very many records, whether they are fetched or come by") {
  Many many(12'000, false);
  many.source->fetches = true;
  SUBCASE("fetched") {}
  SUBCASE("come by") { many.source->fetches = false; }
  const Report report = many.verify(VerifyLevel::standard);
  CHECK(report.verification->records == 12'000);
  CHECK(report.verification->compared >= 1'200);
  CHECK(report.verification->compared < (many.source->fetches ? 1'300 : 4'500));
  CHECK(report.verification->compared == many.sink->compared.size());
  CHECK(many.source->reads.empty() == many.source->fetches);
}

TEST_CASE("records that are gone from the source are not compared: others take their place") {
  Many many(600);
  for (int i = 1; i <= 600; ++i)
    if (i % 3 != 0) many.source->records("tickets").erase(i);
  const Report report = many.verify(VerifyLevel::basic);
  CHECK(report.status == Status::done);
  CHECK(report.verification->compared >= 100);
  CHECK(report.verification->compared < 140);
  for (const std::string& id : many.sink->compared) CHECK(std::stoi(id) % 3 == 0);
  many.source->records("tickets").clear();
  CHECK(many.verify(VerifyLevel::basic).verification->compared == 0);
}

TEST_CASE("a source that cannot be asked for what was migrated is read") {
  World world;
  SUBCASE("it fetches nothing") { world.source->fetches = false; }
  SUBCASE("a transformer names the records anew") {
    world.transform = transform_with([](Record record, std::vector<Record>& out) {
      record.ref.type = "issues";
      out.push_back(std::move(record));
    });
  }
  SUBCASE("or gives them other numbers") {
    world.transform = transform_with([](Record record, std::vector<Record>& out) {
      record.ref.id = "9" + record.ref.id;
      out.push_back(std::move(record));
    });
  }
  SUBCASE("the id map is lost") {
    REQUIRE(world.run().status == Status::done);
    world.store = make_memory_store(world.faults.services());
  }
  REQUIRE((world.sink->told.empty() ? world.run().status : Status::done) == Status::done);
  world.source->reads.clear();
  for (const VerifyLevel level : {VerifyLevel::basic, VerifyLevel::standard}) {
    world.sink->compared.clear();
    const Report report = world.verify(level);
    CHECK(report.verification->compared == 3);
    CHECK(report.verification->records == 3);
    CHECK(world.sink->compared.size() == 3);
  }
  CHECK(world.source->fetched.empty());
  CHECK_FALSE(world.source->reads.empty());
}

TEST_CASE("a verification of some records compares those") {
  World world;
  world.source->add("notes", 1, Object{{"title", 1}});
  RunOptions options;
  SUBCASE("of one type") { options.only = {"notes"}; }
  SUBCASE("of one value") { options.where = Where{"tickets", "title", "2"}; }
  SUBCASE("those of a test run") {
    options.mode = Mode::test;
    options.sample = 1;
  }
  const bool tested = options.mode == Mode::test;
  options.verify = VerifyLevel::standard;
  REQUIRE(world.run().status == Status::done);
  if (!tested) options.mode = Mode::verify;
  const Report report = world.run(options);
  CHECK(report.status == Status::done);
  std::sort(world.sink->compared.begin(), world.sink->compared.end());
  const std::vector<std::string> expected = !options.only.empty() ? std::vector<std::string>{"1"}
                                            : tested              ? std::vector<std::string>{"1", "1"}
                                                                  : std::vector<std::string>{"2"};
  CHECK(world.sink->compared == expected);
}

TEST_CASE("a dry run tells an item sink which links would be there; its data stays as it came") {
  World world;
  RunOptions options;
  options.mode = Mode::dry_run;
  REQUIRE(world.run(options).status == Status::done);
  CHECK(world.sink->told.at(2) == R"(preview tickets 3 0 {"title":3})");
  CHECK(world.sink->told.at(0) == R"(preview tickets 1 0 {"title":1} - -)");
}

TEST_CASE("a receipt tells when its step was begun") {
  World world;
  REQUIRE(world.run().status == Status::done);
  world.sink->told.clear();
  RunOptions options;
  options.mode = Mode::rollback;
  world.run(options);
  CHECK(world.sink->told.at(0) == "undo 3 1700000000");
}

namespace {

/// Two steps a record. The first attempt gets no answer to either, the second finds the first step's effect.
class TwoSteps final : public ItemSink {
 public:
  explicit TwoSteps(const LateStore& of) : store(of) {}
  SinkTraits traits() const override { return {}; }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::string> write(Operation& operation) override {
    const bool first_attempt = attempts++ == 0;
    Step create = co_await operation.begin("create");
    if (!first_attempt) co_await create.finish_soon("T-1");
    Step comment = co_await operation.begin("comment");
    if (first_attempt) throw Error(ErrorKind::transient, "no_answer", "the service does not answer");
    CHECK(comment.uncertain());
    late_at_the_call = store.late.size();
    co_await comment.finish_soon("C-1");
    co_return "T-1";
  }

  const LateStore& store;
  int attempts = 0;
  std::size_t late_at_the_call = 99;
};

}  // namespace

TEST_CASE("a receipt that nobody has waited for is durable before the call of the next step, also of one that was begun before") {
  auto store = std::make_shared<LateStore>();
  auto sink = std::make_shared<TwoSteps>(*store);
  auto source = std::make_shared<MemorySource>();
  source->add("tickets", 1, Object{{"title", 1}});
  Pipeline pipeline;
  pipeline.name = "two-steps";
  pipeline.source = source;
  pipeline.sink = sink;
  pipeline.store = store;
  World world;
  pipeline.services = world.faults.services();
  const Report report = run_blocking(pipeline, RunOptions());
  CHECK(report.total().written == 1);
  CHECK(sink->attempts == 2);
  CHECK(sink->late_at_the_call == 0);
  CHECK(store->late.empty());
}
