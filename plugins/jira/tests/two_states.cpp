// Two working directories migrate two accounts of one help desk into one project: same names, same numbers.
#include <set>

#include "tickets.hpp"

using namespace jira_world;

namespace {

using std::chrono::seconds;
using Kind = testing::Fault::Kind;

constexpr Kind unanswered[] = {Kind::drop_before, Kind::drop_after, Kind::status, Kind::status_early, Kind::torn_after};
constexpr World::Way ways[] = {World::Way::documents, World::Way::markup, World::Way::data_center};

/// Tickets 1 to 6 of an account, which their texts and addresses name.
std::shared_ptr<Tickets> tickets_of(const std::string& account) {
  auto tickets = std::make_shared<Tickets>();
  for (std::int64_t id = 1; id <= 6; ++id)
    tickets->add(id, fmt::format(R"({{"title":"{0} {1}","description":"Of {0}","url":"https://{0}.test/{1}",
        "comments":[{{"id":"{1}01","created":"2024-01-01T00:00:00Z","body":"Said to {0}"}}]}})",
                                 account, id));
  return tickets;
}

/// The account B's turn, with a working directory of its own.
void turn_to_b(World& world) {
  world.let_pass(seconds(3600));
  world.source = tickets_of("b");
  world.store = make_memory_store(world.services);
}

void meet(World& world, Kind kind, std::uint64_t nth) {
  testing::Fault fault;
  fault.kind = kind;
  fault.status = 504;
  fault.delay = seconds(20);
  fault.method = "POST";
  fault.path = "/issue$";
  fault.nth = nth;
  testing::FaultPlan plan;
  plan.faults.push_back(fault);
  world.host->set_faults(std::move(plan));
}

/// Of every issue the title; each account's are whole and hold nothing of the other's.
std::multiset<std::string> titles(World& world) {
  std::multiset<std::string> found;
  for (const auto& issue : world.issues()) {
    const std::string title(issue.value().at("fields").at("summary").as_string());
    INFO(title);
    const std::string text = print(issue.value());
    CHECK(text.find("Of " + std::string(title.starts_with("a") ? "b" : "a")) == std::string::npos);
    CHECK(text.find("Said to " + std::string(title.starts_with("a") ? "b" : "a")) == std::string::npos);
    CHECK(text.find("migration-incomplete") == std::string::npos);
    CHECK(issue.value().at("comments").as_array().size() == 1);
    found.insert(title);
  }
  return found;
}

std::multiset<std::string> all_of(const std::string& accounts) {
  std::multiset<std::string> all;
  for (const char account : accounts)
    for (int id = 1; id <= 6; ++id) all.insert(fmt::format("{} {}", account, id));
  return all;
}

template <class Work>
void wait_for(Work work) {
  boost::asio::io_context context;
  std::exception_ptr trouble;
  boost::asio::co_spawn(context, work(), [&](std::exception_ptr failure) { trouble = failure; });
  context.run();
  if (trouble) std::rethrow_exception(trouble);
}

Orphans orphans_of(World& world) {
  Orphans orphans;
  wait_for([&]() -> awaitable<void> { orphans = co_await find_orphans(world.pipeline()); });
  return orphans;
}

/// Removes them; the causes why some stay.
std::vector<std::string> remove(World& world, const std::vector<Marked>& items) {
  std::vector<std::string> causes;
  std::function<void(const Marked&, const Error&)> stays = [&](const Marked&, const Error& error) {
    causes.push_back(error.cause);
  };
  wait_for([&]() -> awaitable<void> { co_await remove_orphans(world.pipeline(), items, stays); });
  return causes;
}

/// As a version that named no state in its marks has left state and issues.
void make_old(World& world) {
  const auto work = [&]() -> awaitable<void> {
    std::vector<Entry> rows = co_await world.store->scan(Table::step, "", "", 100'000);
    for (Entry& row : rows) row.value.as_object().erase("names_state");
    co_await world.store->commit(std::move(rows));
  };
  wait_for(work);
  for (const auto& issue : world.issues()) {
    Value mark = issue.value().at("properties").at("migration");
    mark.as_object().erase("state");
    world.as(World::self, "PUT", fmt::format("/issue/{}/properties/migration", std::string_view(issue.key())), mark);
  }
}

/// What the checks before a run have said of other states.
std::string others_in(const Report& report) {
  for (const Check& check : report.checks) {
    if (check.name != "state: others") continue;
    CHECK(check.passed);
    return check.message;
  }
  return {};
}

/// The point behind the call that makes the third issue, when it is not heard of yet.
int third_call(World& world) {
  const auto& points = world.death.points;
  int calls = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (points[i].starts_with("POST") && points[i].ends_with("/issue") && ++calls == 5) return static_cast<int>(i) + 1;
  return 0;
}

}  // namespace

TEST_CASE("a creation without an answer is never found in an issue of another working directory") {
  for (const World::Way way : ways) {
    for (const Kind kind : unanswered) {
      for (const std::uint64_t nth : {1, 4}) {
        World world(way);
        world.source = tickets_of("a");
        REQUIRE(world.run().status == Status::done);
        turn_to_b(world);
        meet(world, kind, nth);
        const Report report = world.run();
        INFO("way " << static_cast<int>(way) << ", fault " << static_cast<int>(kind) << " at " << nth << "; "
                    << World::complaint(report));
        REQUIRE(report.status == Status::done);
        world.let_pass(seconds(30));
        CHECK(titles(world) == all_of("ab"));
        CHECK(world.run(Mode::verify, VerifyLevel::comprehensive).status == Status::done);
      }
    }
  }
}

TEST_CASE("a run that dies while an issue is made goes on beside those of another working directory") {
  World counter;
  counter.source = tickets_of("b");
  REQUIRE(counter.run().status == Status::done);
  const int call = third_call(counter);
  REQUIRE(call > 0);
  for (const bool made : {false, true}) {
    for (const bool back : {false, true}) {
      World world;
      world.source = tickets_of("a");
      REQUIRE(world.run().status == Status::done);
      turn_to_b(world);
      world.death = Death();
      world.death.at = made ? call + 1 : call;
      REQUIRE_FALSE(world.try_run());
      world.revive();
      INFO("made " << made << ", taken back " << back);
      const Report report = world.run(back ? Mode::rollback : Mode::full);
      INFO(World::complaint(report));
      REQUIRE_FALSE(report.fatal);
      CHECK(titles(world) == all_of(back ? "a" : "ab"));
    }
  }
}

TEST_CASE("what an older version has begun is found by its mark that names no state, and no other account's is") {
  World counter;
  counter.source = tickets_of("a");
  REQUIRE(counter.run().status == Status::done);
  const int call = third_call(counter);
  for (const bool beside : {false, true}) {
    for (const bool made : {false, true}) {
      for (const bool back : {false, true}) {
        World world;
        if (beside) {
          world.source = tickets_of("a");
          REQUIRE(world.run().status == Status::done);
          make_old(world);
        }
        turn_to_b(world);
        world.death = Death();
        world.death.at = made ? call + 1 : call;
        REQUIRE_FALSE(world.try_run());
        world.revive();
        make_old(world);
        INFO("beside another " << beside << ", made " << made << ", taken back " << back);
        const Report report = world.run(back ? Mode::rollback : Mode::full);
        INFO(World::complaint(report));
        REQUIRE_FALSE(report.fatal);
        CHECK(titles(world) == all_of(std::string(beside ? "a" : "") + (back ? "" : "b")));
      }
    }
  }
}

TEST_CASE("an issue is of the state that made it, whoever brings it up to date") {
  for (const World::Way way : ways) {
    World world(way);
    world.source = tickets_of("a");
    REQUIRE(world.run().status == Status::done);
    const Value made = world.issue_of("3").at("properties").at("migration").at("state");
    world.store = make_memory_store(world.services);
    know(world, "3", world.key_of("3"));
    world.source->records[3].version = "2";
    world.source->records[3].data.as_object()["title"] = "a 3, again";
    RunOptions options;
    options.mode = Mode::incremental;
    options.where = Where{"tickets", "title", "a 3, again"};
    const Report report = world.run(options);
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    CHECK(world.issue_of("3").at("fields").at("summary") == Value("a 3, again"));
    CHECK(world.issue_of("3").at("properties").at("migration").at("state") == made);
    CHECK(orphans_of(world).known == 1);
    CHECK(orphans_of(world).foreign.size() == 5);
  }
}

TEST_CASE("orphans: what another working directory has made is told apart, and stays") {
  for (const World::Way way : ways) {
    World world(way);
    world.source = tickets_of("a");
    REQUIRE(world.run().status == Status::done);
    const std::shared_ptr<CheckpointStore> first = world.store;
    turn_to_b(world);
    REQUIRE(world.run().status == Status::done);
    const Orphans found = orphans_of(world);
    CHECK(found.known == 6);
    CHECK(found.unknown.empty());
    CHECK(found.unfinished.empty());
    REQUIRE(found.foreign.size() == 6);
    CHECK(found.foreign.front().state.size() == 16);
    CHECK(remove(world, found.foreign) == std::vector<std::string>(6, "other_state"));
    // Nor does the connector itself take it back for who gives it a list of its own.
    std::vector<Marked> nameless = found.foreign;
    for (Marked& each : nameless) each.state.clear();
    CHECK(remove(world, nameless) == std::vector<std::string>(6, "not_ours"));
    CHECK(titles(world) == all_of("ab"));
    // The marks of an older version do not tell.
    make_old(world);
    CHECK(orphans_of(world).foreign.empty());
    CHECK(orphans_of(world).unknown.size() == 6);
    world.store = first;
    CHECK(orphans_of(world).known == 6);
  }
}

TEST_CASE("orphans: an uncertain creation is not finished by an issue of another working directory") {
  World counter;
  counter.source = tickets_of("b");
  REQUIRE(counter.run().status == Status::done);
  World world;
  world.source = tickets_of("a");
  REQUIRE(world.run().status == Status::done);
  turn_to_b(world);
  world.death = Death();
  world.death.at = third_call(counter);
  REQUIRE_FALSE(world.try_run());
  world.revive();
  const Orphans found = orphans_of(world);
  for (const Marked& own : found.unfinished) CHECK(own.title.starts_with("b"));
  CHECK(found.unknown.empty());
  CHECK(found.foreign.size() == 6);
  // Whoever removes what is unfinished gets all that this run has begun, and nothing else.
  CHECK(remove(world, found.unfinished).empty());
  CHECK(titles(world) == all_of("a"));
  REQUIRE(world.run().status == Status::done);
  CHECK(titles(world) == all_of("ab"));
}

TEST_CASE("orphans: the search is waited for only as long as it may lag behind the last run, and that is said") {
  World world;
  std::vector<std::string> said;
  world.services.log = [&](LogLevel, std::string_view who, std::string_view what) {
    if (who == "jira") said.emplace_back(what);
  };
  world.source = tickets_of("a");
  REQUIRE(world.run().status == Status::done);
  const auto took = [&] {
    said.clear();
    const auto start = world.services.clock->now();
    CHECK(orphans_of(world).known == 6);
    return std::chrono::duration_cast<seconds>(world.services.clock->now() - start).count();
  };
  world.let_pass(seconds(60));
  CHECK(took() == 30);
  REQUIRE(said.size() == 1);
  CHECK(said.front().find("waits 30 s") != std::string::npos);
  CHECK(took() == 0);
  CHECK(said.empty());
  // A run that is cut short has no end: its intents tell.
  world.source->records[1].version = "2";
  world.source->records[1].data.as_object()["title"] = "a 1 again";
  world.let_pass(seconds(3600));
  world.death = Death();
  RunOptions options;
  options.mode = Mode::incremental;
  world.death.at = 12;
  REQUIRE_FALSE(world.try_run(options));
  world.revive();
  CHECK(took() == 90);
  CHECK(took() == 0);
}

TEST_CASE("a state that knows of nothing yet is told what another one has brought, and brings its own") {
  for (const World::Way way : ways) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    world.source = tickets_of("a");
    CHECK(others_in(world.run()) == "");
    CHECK(others_in(world.run(Mode::incremental)) == "");
    turn_to_b(world);
    const Report second = world.run();
    CHECK(second.status == Status::done);
    CHECK(others_in(second).find(fmt::format("{}/browse/OPS-", World::origin)) != std::string::npos);
    CHECK(titles(world) == all_of("ab"));
    CHECK(others_in(world.run(Mode::incremental)) == "");
  }
}

TEST_CASE("a state that was lost and has the mappings of its last run is told nothing") {
  World world;
  world.source = tickets_of("a");
  REQUIRE(world.run().status == Status::done);
  std::vector<Mapping> mappings;
  const auto keep = [&](const Mapping& mapping) { mappings.push_back(mapping); };
  wait_for([&]() -> awaitable<void> { co_await for_each_mapping(world.pipeline(), "tickets", keep); });
  REQUIRE(mappings.size() == 6);
  world.let_pass(seconds(3600));
  world.store = make_memory_store(world.services);
  wait_for([&]() -> awaitable<void> { co_await import_mappings(world.store, mappings); });
  CHECK(others_in(world.run()) == "");
  CHECK(world.issues().size() == 6);
}
