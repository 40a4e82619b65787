// The store, and what a person reads when the server cannot be used.
#include <future>

#include "fixture.hpp"

#include "sink.hpp"
#include "source.hpp"
#include "store.hpp"

using namespace migrate;
using namespace migrate::postgres;

namespace {

StoreConfig of(const World& world) {
  StoreConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  return config;
}

void put(CheckpointStore& store, std::vector<Entry> entries) { wait(store.commit(std::move(entries))); }

}  // namespace

TEST_CASE("entries are kept, replaced, erased and scanned in byte order") {
  World world;
  {
    const auto store = make_store(of(world), Services());
    put(*store, {{Table::outcome, "b/2", 2},
                 {Table::outcome, "b/10", "ten\\\"\n"},
                 {Table::outcome, "a/1", 1},
                 {Table::failed, "b/2", true}});
    put(*store, {{Table::outcome, "b/2", 22}, {Table::outcome, "b/2", 23}, {Table::outcome, "a/1", nullptr}});
  }
  const auto store = make_store(of(world), Services());
  CHECK(wait(store->get(Table::outcome, "b/2")) == Value(23));
  CHECK_FALSE(wait(store->get(Table::outcome, "a/1")));
  CHECK(wait(store->get_many(Table::outcome, {"x", "b/10", "b/2", "b/2"})) ==
        std::vector<Value>{nullptr, "ten\\\"\n", 23, 23});
  const auto page = wait(store->scan(Table::outcome, "b/", "", 10));
  REQUIRE(page.size() == 2);
  CHECK(page[0].key == "b/10");
  CHECK(wait(store->scan(Table::outcome, "b/", "b/10", 10)).at(0).key == "b/2");
}

TEST_CASE("one run at a time, and the holder is named") {
  World world;
  const auto first = make_store(of(world), Services());
  put(*first, {{Table::run, "x", 1}});
  const auto second = make_store(of(world), Services());
  try {
    put(*second, {{Table::run, "x", 2}});
    FAIL("two runs at once");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::conflict);
    CHECK(std::string(error.what()).find("session ") != std::string::npos);
  }
}

TEST_CASE("a run that starts while the session of the last one is still going waits for it") {
  World world;
  auto last = make_store(of(world), Services());
  put(*last, {{Table::run, "x", 1}});
  auto next = std::async(std::launch::async, [&] {
    const auto store = make_store(of(world), Services());
    return wait(store->get(Table::run, "x"));
  });
  while (next.wait_for(std::chrono::seconds(0)) != std::future_status::ready &&
         world.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") == "0") {
  }
  last.reset();
  CHECK(next.get() == Value(1));
}

TEST_CASE("a server that cannot be used is named with what to do") {
  const auto trouble = [](const std::string& dsn) {
    Connection connection(dsn, Services());
    try {
      connection.open();
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("sesame") == std::string::npos);
      CHECK_FALSE(error.advice.empty());
      return std::string(to_string(error.kind())) + " " + error.cause;
    }
    return std::string("none");
  };
  CHECK(trouble(server().dsn("nowhere")) == "not_found missing_database");
  CHECK(trouble(server().dsn("postgres", "nobody")) == "unauthorized authentication");
  CHECK(trouble("host=/nonexistent dbname=x password=sesame") == "transient unreachable");
  CHECK(trouble("host=localhost sesame") == "invalid bad_dsn");
  {
    Connection admin(server().dsn(), Services());
    admin.run("DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD 'right'");
  }
  const auto hba = server().folder() / "data" / "pg_hba.conf";
  std::string old;
  {
    std::ifstream file(hba);
    old.assign(std::istreambuf_iterator<char>(file), {});
  }
  const auto reload = [&](const std::string& text) {
    Connection admin(server().dsn(), Services());
    std::ofstream(hba) << text;
    admin.run("SELECT pg_reload_conf()");
    while (!admin.run("SELECT count(*) > 0 FROM pg_hba_file_rules WHERE user_name = '{locked}'").truth(0, 0)) {
    }
  };
  reload("local all locked scram-sha-256\n" + old);
  std::string found;
  // The postmaster rereads the file in its own time.
  for (int tries = 0; tries < 1000 && found != "unauthorized authentication"; ++tries) {
    found = trouble(server().dsn("postgres", "locked") + " password=sesame");
    if (found == "none") continue;
  }
  CHECK(found == "unauthorized authentication");
  std::ofstream(hba) << old;
}

TEST_CASE("the sink's check says what it finds") {
  World world;
  world.db.run("CREATE TABLE people (id bigint PRIMARY KEY, name text)");
  SinkConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  config.create = false;
  SinkTable people;
  people.key = {"id"};
  people.columns = {{"id", "bigint"}, {"nmae", "text"}};
  config.tables = {{"people", people}, {"peple", SinkTable()}};
  auto sink = std::make_shared<PostgresSink>(config, Services());
  const std::vector<Check> checks = wait(sink->check());
  REQUIRE(checks.size() == 4);
  CHECK(checks[1].passed);
  CHECK(checks[2].message.find("\"name\"") != std::string::npos);
  CHECK(checks[3].message.find("\"people\"") != std::string::npos);
}

TEST_CASE("a preview finds what the columns would refuse and writes nothing") {
  World world;
  world.db.run("CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, born date)");
  SinkConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  SinkTable people;
  people.key = {"id"};
  config.tables = {{"people", people}};
  auto sink = std::make_shared<PostgresSink>(config, Services());
  std::vector<Record> records{record("people", "1", Value{{"name", "a"}, {"born", "2024-01-01"}}),
                              record("people", "2", Value{{"name", nullptr}, {"born", nullptr}}),
                              record("people", "3", Value{{"name", "c"}, {"born", "someday"}}),
                              record("people", "4", Value{{"name", "d"}, {"size", 1}})};
  std::vector<Operation> ops = operations(records);
  std::set<std::string> found;
  for (const Finding& finding : wait(sink->preview(ops))) found.insert(finding.record.id);
  CHECK(found == std::set<std::string>{"2", "3", "4"});
  CHECK(world.one("SELECT count(*) FROM people") == "0");
}
