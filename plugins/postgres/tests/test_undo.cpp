// Taking chunks back.
#include "fixture.hpp"

#include "sink.hpp"

using namespace migrate;
using namespace migrate::postgres;

namespace {

struct Shop : World {
  Shop() {
    SinkConfig config;
    config.dsn = dsn;
    config.schema = "t";
    SinkTable people;
    people.id = "id";
    people.key = {"legacy_id"};
    people.columns = {{"legacy_id", "bigint"}, {"name", "text"}, {"boss_id", "bigint"}};
    people.column_order = {"legacy_id", "name", "boss_id"};
    people.references = {{"boss_id", "people"}};
    SinkTable badges;
    badges.key = {"code"};
    badges.columns = {{"code", "text"}, {"owner_id", "bigint"}};
    badges.column_order = {"code", "owner_id"};
    badges.references = {{"owner_id", "people"}};
    config.tables = {{"people", people}, {"badges", badges}};
    sink = std::make_shared<PostgresSink>(config, Services());
    wait(sink->prepare({}));
  }
  std::string people() { return one("SELECT string_agg(legacy_id || name, ' ' ORDER BY legacy_id) FROM people"); }
  std::shared_ptr<PostgresSink> sink;
};

Record person(int id, std::string name, Value boss = nullptr) {
  return record("people", std::to_string(id), Value{{"legacy_id", id}, {"name", name}, {"boss_id", std::move(boss)}});
}
Record badge(std::string code, int owner) { return record("badges", code, Value{{"owner_id", owner}}); }

}  // namespace

TEST_CASE("chunks that made, changed and removed rows leave no trace, newest first") {
  Shop shop;
  shop.db.run("INSERT INTO people (legacy_id, name) VALUES (100, 'theirs'), (101, 'gone')");
  const std::string before = shop.people();
  std::vector<Record> made{person(1, "a", 3), person(2, "b"), badge("x", 3), badge("y", 4)};
  REQUIRE(push(*shop.sink, "s/1/p/1", made).failures.empty());
  std::vector<Record> changed{person(1, "A", 3), person(100, "ours"), person(3, "c"), person(101, "gone")};
  changed[3].deleted = true;
  REQUIRE(push(*shop.sink, "s/1/p/2", changed).failures.empty());
  CHECK(shop.people() == "1A 2b 3c 100ours");
  wait(shop.sink->finish());

  UndoResult second = wait(shop.sink->undo("s/1/p/2"));
  CHECK(second.kept.empty());
  CHECK(second.removed == 1);
  CHECK(second.restored == 3);
  CHECK(shop.people() == "1a 2b 100theirs 101gone");
  UndoResult first = wait(shop.sink->undo("s/1/p/1"));
  CHECK(first.kept.empty());
  CHECK(first.removed == 4);
  CHECK(shop.people() == before);
  CHECK(shop.one("SELECT count(*) FROM badges") == "0");
  CHECK(shop.one("SELECT count(*) FROM _migrate_journal") == "0");
  CHECK(shop.one("SELECT count(*) FROM _migrate_undo") == "0");
  const UndoResult nothing = wait(shop.sink->undo("s/1/p/1"));
  CHECK(nothing.removed + nothing.restored + nothing.kept.size() == 0);
}

TEST_CASE("what somebody touched since stays, and is named") {
  Shop shop;
  std::vector<Record> made{person(1, "a"), person(2, "b"), person(3, "c"), person(4, "d")};
  REQUIRE(push(*shop.sink, "s/1/p/1", made).failures.empty());
  std::vector<Record> changed{person(2, "B"), person(3, "C")};
  REQUIRE(push(*shop.sink, "s/1/p/2", changed).failures.empty());
  shop.db.run(
      "UPDATE people SET name = 'touched' WHERE legacy_id IN (1, 2);"
      "INSERT INTO badges VALUES ('theirs', 4)");
  const UndoResult second = wait(shop.sink->undo("s/1/p/2"));
  REQUIRE(second.kept.size() == 1);
  CHECK(second.restored == 1);
  const UndoResult first = wait(shop.sink->undo("s/1/p/1"));
  std::set<std::string> kept;
  for (const Finding& finding : first.kept) kept.insert(finding.record.id);
  CHECK(kept == std::set<std::string>{"1", "2", "4"});
  CHECK(first.removed == 1);
  CHECK(shop.people() == "1touched 2touched 4d");
}

TEST_CASE("a row that was somebody else's before stays theirs after it was restored") {
  Shop shop;
  std::vector<Record> made{person(1, "a")};
  REQUIRE(push(*shop.sink, "s/1/p/1", made).failures.empty());
  shop.db.run("UPDATE people SET name = 'theirs' WHERE legacy_id = 1");
  std::vector<Record> changed{person(1, "again")};
  REQUIRE(push(*shop.sink, "s/1/p/2", changed).failures.empty());
  CHECK(wait(shop.sink->undo("s/1/p/2")).restored == 1);
  CHECK(shop.people() == "1theirs");
  CHECK(wait(shop.sink->undo("s/1/p/1")).removed == 0);
  CHECK(shop.people() == "1theirs");
}
