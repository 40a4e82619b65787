// The sink: rows by COPY, merging, failures, crashes, ids.
#include "fixture.hpp"

#include <boost/json/parse.hpp>

#include "sink.hpp"

using namespace migrate;
using namespace migrate::postgres;

namespace {

SinkConfig shop(const std::string& dsn) {
  SinkConfig config;
  config.dsn = dsn;
  config.schema = "t";
  SinkTable devices;
  devices.id = "id";
  devices.key = {"legacy_id"};
  devices.columns = {{"legacy_id", "bigint"}, {"name", "text"}, {"blocked", "boolean"}};
  devices.column_order = {"legacy_id", "name", "blocked"};
  devices.not_null = {"blocked"};
  devices.unique = {{"name"}};
  devices.flags_from["blocked"] = FlagRule{"certificates", "device_id", {{"status", "blocked"}}};
  SinkTable certificates;
  certificates.id = "id";
  certificates.key = {"legacy_id"};
  certificates.columns = {{"legacy_id", "bigint"},   {"device_id", "bigint"}, {"status", "text"},
                          {"issued", "timestamptz"}, {"speed", "integer"},    {"renewed_from_id", "bigint"}};
  certificates.column_order = {"legacy_id", "device_id", "status", "issued", "speed", "renewed_from_id"};
  certificates.references = {{"device_id", "devices"}, {"renewed_from_id", "certificates"}};
  SinkTable vehicles;
  vehicles.id = "id";
  vehicles.key = {"certificate_id"};
  vehicles.columns = {{"certificate_id", "bigint"}, {"brand", "text"}, {"is_new", "boolean"}};
  vehicles.column_order = {"certificate_id", "brand", "is_new"};
  vehicles.references = {{"certificate_id", "certificates"}};
  vehicles.defaults = {{"is_new", "false"}};
  config.tables = {{"devices", devices}, {"certificates", certificates}, {"vehicles", vehicles}};
  return config;
}

struct Shop : World {
  explicit Shop(const Services& services = Services()) : sink(std::make_shared<PostgresSink>(shop(dsn), services)) {
    wait(sink->prepare({}));
  }
  std::shared_ptr<PostgresSink> sink;
};

Record device(int id, std::string name, bool blocked = false) {
  return record("devices", std::to_string(id), Value{{"legacy_id", id}, {"name", name}, {"blocked", blocked}});
}
Record certificate(int id, Value device_id, std::string status = "active") {
  return record("certificates", std::to_string(id),
                Value{{"legacy_id", id},
                      {"device_id", std::move(device_id)},
                      {"status", status},
                      {"issued", {{"$date", "2024-01-31T20:00:00Z"}}},
                      {"speed", 80},
                      {"renewed_from_id", nullptr}});
}
Record vehicle(int certificate_id, Value id, std::string brand) {
  return record("vehicles", std::to_string(certificate_id), Value{{"certificate_id", std::move(id)}, {"brand", brand}});
}

}  // namespace

TEST_CASE("a chunk of new rows arrives by COPY, with ids, defaults and its receipt") {
  Shop shop;
  std::vector<Record> records{device(5, "a\tb\\\n"), device(7, "ü"), certificate(1, 1), vehicle(1, nullptr, "Kia")};
  records[3].links.push_back(Link{"certificate_id", {"certificates", "1"}, Missing::fails, "", nullptr});
  std::vector<Operation> ops = operations(records);
  auto transaction = wait(shop.sink->begin("s/1/p/1"));
  wait(transaction->identify(ops));
  CHECK(ops[0].action() == Action::create);
  CHECK(ops[0].target_id() == Value(1));
  CHECK(ops[1].target_id() == Value(2));
  ops[3].mutable_record().data.as_object()["certificate_id"] = ops[2].target_id();
  const WriteResult result = wait(transaction->write(ops));
  REQUIRE(result.failures.empty());
  CHECK(result.effects == std::vector<Effect>(4, Effect::created));
  CHECK_FALSE(wait(shop.sink->receipt("s/1/p/1")));
  Value receipt{{"rows", 4}};
  wait(transaction->commit(receipt));
  CHECK(wait(shop.sink->receipt("s/1/p/1")) == receipt);
  CHECK(shop.one("SELECT name FROM devices WHERE legacy_id = 5") == "a\tb\\\n");
  CHECK(shop.one("SELECT is_new FROM vehicles") == "f");
  CHECK(shop.one("SELECT issued AT TIME ZONE 'UTC' FROM certificates") == "2024-01-31 20:00:00");
  CHECK(wait(shop.sink->count("devices")) == 2);
  const std::vector<Value> found = wait(shop.sink->find("devices", {"7", "6", "x", "5"}));
  CHECK(found == std::vector<Value>{2, nullptr, nullptr, 1});
  CHECK(wait(shop.sink->chunks("s/")) == std::vector<std::string>{"s/1/p/1"});
}

TEST_CASE("the receipt of the chunk before is cleared, of other partitions not") {
  Shop shop;
  std::vector<Record> none;
  push(*shop.sink, "s/1/p/1", none);
  push(*shop.sink, "s/1/q/1", none);
  push(*shop.sink, "s/1/p/2", none);
  CHECK(wait(shop.sink->receipt("s/1/p/1")) == Value(nullptr));
  CHECK(wait(shop.sink->receipt("s/1/q/1"))->is_object());
  CHECK(wait(shop.sink->chunks("s/1/p/")) == std::vector<std::string>{"s/1/p/2", "s/1/p/1"});
}

TEST_CASE("rows that are there are brought up to date, equal ones left alone") {
  Shop shop;
  std::vector<Record> first{device(1, "a"), device(2, "b"), device(3, "c")};
  push(*shop.sink, "s/1/p/1", first);
  std::vector<Record> second{device(1, "a"), device(2, "B"), device(4, "d")};
  const WriteResult result = push(*shop.sink, "s/2/p/1", second);
  REQUIRE(result.failures.empty());
  CHECK(result.effects == std::vector<Effect>{Effect::unchanged, Effect::updated, Effect::created});
  CHECK(shop.one("SELECT string_agg(id || name, ',' ORDER BY id) FROM devices") == "1a,2B,3c,4d");
  CHECK(shop.one("SELECT previous ->> 'name' FROM _migrate_undo") == "b");
}

TEST_CASE("a patch sets only its fields, a removal takes what belongs to the row with it") {
  Shop shop;
  std::vector<Record> first{device(1, "a"), certificate(10, 1), certificate(11, 1), vehicle(10, 1, "Kia")};
  REQUIRE(push(*shop.sink, "s/1/p/1", first).failures.empty());
  std::vector<Record> patch{record("certificates", "11", Value{{"renewed_from_id", 1}})};
  patch[0].intent = Intent::patch;
  REQUIRE(push(*shop.sink, "s/1/p/2", patch).failures.empty());
  CHECK(shop.one("SELECT status || renewed_from_id FROM certificates WHERE id = 2") == "active1");
  patch[0].ref.id = "99";
  CHECK(push(*shop.sink, "s/1/p/3", patch).failures.at(0).error.cause == "missing_row");

  std::vector<Record> removal{record("certificates", "10", nullptr), record("certificates", "77", nullptr)};
  for (Record& each : removal) each.deleted = true;
  const WriteResult result = push(*shop.sink, "s/1/p/4", removal);
  CHECK(result.effects == std::vector<Effect>{Effect::removed, Effect::absent});
  CHECK(shop.one("SELECT count(*) FROM vehicles") == "0");
}

TEST_CASE("every culprit of a chunk is found, and nothing is written") {
  Shop shop;
  std::vector<Record> records;
  for (int i = 1; i <= 200; ++i) records.push_back(device(i, "d" + std::to_string(i)));
  records[20].data.as_object()["name"] = "d5";          // a duplicate
  records[50].data.as_object()["blocked"] = "perhaps";  // no boolean
  records[60].data.as_object()["blocked"] = nullptr;
  records[70].data.as_object()["nmae"] = "x";
  records[80].data.as_object()["name"] = std::string("a\0b", 3);
  records[199].data.as_object()["blocked"] = "maybe";
  const WriteResult result = push(*shop.sink, "s/1/p/1", records);
  std::map<std::size_t, std::string> causes;
  for (const UnitFailure& failure : result.failures) causes[failure.unit] = failure.error.cause;
  CHECK(causes == std::map<std::size_t, std::string>{{20, "duplicate_key"},
                                                     {50, "bad_value"},
                                                     {60, "missing_value"},
                                                     {70, "unknown_column"},
                                                     {80, "nul_character"},
                                                     {199, "bad_value"}});
  for (const UnitFailure& failure : result.failures) {
    if (failure.unit == 50) CHECK(std::string(failure.error.what()).find("perhaps") != std::string::npos);
    if (failure.unit == 70) CHECK(std::string(failure.error.what()).find("\"name\"") != std::string::npos);
  }
  CHECK(shop.one("SELECT count(*) FROM devices") == "0");
  std::vector<Record> rest;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!causes.contains(i)) rest.push_back(records[i]);
  }
  CHECK(push(*shop.sink, "s/1/p/1", rest).failures.empty());
  CHECK(shop.one("SELECT count(*) || ' ' || max(id) FROM devices") == "194 194");
}

TEST_CASE("a chunk that dies leaves nothing, and its repetition gets the same ids") {
  int at = 0, passed = 0;
  bool armed = false;
  Services services;
  services.fault_point = [&](std::string_view point) {
    if (armed && ++passed == at) {
      armed = false;
      throw SimulatedCrash{std::string(point)};
    }
  };
  Shop shop(services);
  int chunk = 0;
  for (at = 1;; ++at) {
    CAPTURE(at);
    const std::string name = "s/1/p/" + std::to_string(++chunk);
    std::vector<Record> records{device(chunk, "d" + std::to_string(chunk))};
    armed = true;
    passed = 0;
    bool died = false;
    try {
      push(*shop.sink, name, records);
    } catch (const SimulatedCrash&) {
      died = true;
    }
    armed = false;
    const bool arrived = wait(shop.sink->receipt(name)).has_value();
    if (died && !arrived) {
      CHECK(wait(shop.sink->find("devices", {std::to_string(chunk)}))[0].is_null());
      CHECK(push(*shop.sink, name, records).failures.empty());
    }
    CHECK(wait(shop.sink->find("devices", {std::to_string(chunk)}))[0] == Value(chunk));
    if (!died) break;
  }
  CHECK(at > 8);
}

TEST_CASE("ids that somebody else took meanwhile are a reason to try again, not to fail") {
  Shop shop;
  std::vector<Record> records{device(1, "a")};
  std::vector<Operation> ops = operations(records);
  auto transaction = wait(shop.sink->begin("s/1/p/1"));
  wait(transaction->identify(ops));
  shop.db.run("INSERT INTO devices (id, legacy_id, name, blocked) VALUES (1, 1000, 'theirs', false)");
  try {
    wait(transaction->write(ops));
    FAIL("the id is taken");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::transient);
    CHECK(error.cause == "id_taken");
  }
  transaction.reset();
  CHECK(push(*shop.sink, "s/1/p/1", records).failures.empty());
  CHECK(shop.one("SELECT id FROM devices WHERE legacy_id = 1") == "2");
  CHECK(shop.one("INSERT INTO devices (legacy_id, name, blocked) VALUES (5, 'next', false) RETURNING id") == "3");
}

TEST_CASE("foreign keys come at the end, once, and survive a second run") {
  Shop shop;
  std::vector<Record> records{certificate(1, 1), device(1, "a"), vehicle(1, 1, "Kia")};
  REQUIRE(push(*shop.sink, "s/1/p/1", records).failures.empty());
  wait(shop.sink->finish());
  wait(shop.sink->finish());
  CHECK(shop.one("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 't'::regnamespace") == "3");
  std::vector<Record> orphan{certificate(2, 1), certificate(3, 55), certificate(4, 1)};
  const WriteResult result = push(*shop.sink, "s/2/p/1", orphan);
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].unit == 1);
  CHECK(result.failures[0].error.cause == "missing_reference");
}

TEST_CASE("when a run has ended the server knows what its tables hold") {
  Shop shop;
  std::vector<Record> records{certificate(1, 1), device(1, "a")};
  REQUIRE(push(*shop.sink, "s/1/p/1", records).failures.empty());
  wait(shop.sink->finish());
  shop.sink.reset();  // waits for it
  CHECK(shop.one("SELECT reltuples FROM pg_class WHERE oid = 't.certificates'::regclass") == "1");
  CHECK(shop.one("SELECT reltuples FROM pg_class WHERE oid = 't.devices'::regclass") == "1");
}

TEST_CASE("a flag follows the rows that refer to it") {
  Shop shop;
  std::vector<Record> records{device(1, "a"), device(2, "b"), certificate(1, 1, "blocked")};
  REQUIRE(push(*shop.sink, "s/1/p/1", records).failures.empty());
  std::vector<Record> again{device(1, "a"), device(2, "b")};
  const WriteResult result = push(*shop.sink, "s/1/r/1", again);
  CHECK(result.effects == std::vector<Effect>{Effect::updated, Effect::unchanged});
  CHECK(shop.one("SELECT blocked FROM devices WHERE legacy_id = 1") == "t");
}

TEST_CASE("rows and keys are listed in the order of their numbers") {
  Shop shop;
  std::vector<Record> records{device(10, "a"), device(9, "b"), device(100, "c")};
  push(*shop.sink, "s/1/p/1", records);
  const auto page = wait(shop.sink->list("devices", "", 2, true));
  REQUIRE(page.size() == 2);
  CHECK(page[0].key == "9");
  CHECK(page[0].id == Value(2));
  CHECK(page[0].data.at("name") == Value("b"));
  CHECK(wait(shop.sink->list("devices", "10", 2, false)).at(0).key == "100");
  KeyRange range;
  range.after = 9;
  range.through = 100;
  CHECK(wait(shop.sink->keys("devices", range)) == std::vector<std::string>{"10", "100"});
}

TEST_CASE("before its tables exist the target is empty, not broken") {
  World world;
  auto sink = std::make_shared<PostgresSink>(shop(world.dsn), Services());
  CHECK(wait(sink->find("devices", {"1"})) == std::vector<Value>{nullptr});
  CHECK(wait(sink->count("devices")) == 0);
  CHECK(wait(sink->list("devices", "", 10, true)).empty());
  CHECK_FALSE(wait(sink->receipt("s/1/p/1")));
  CHECK(wait(sink->chunks("s/")).empty());
  std::vector<Record> records{device(1, "a")};
  std::vector<Operation> ops = operations(records);
  CHECK(wait(sink->preview(ops)).empty());
  CHECK(wait(sink->verify(ops)).size() == 1);
  CHECK(world.one("SELECT count(*) FROM pg_class WHERE relnamespace = 't'::regnamespace") == "0");
}

TEST_CASE("a lost connection is a reason to try again, and the next transaction has a new one") {
  Shop shop;
  std::vector<Record> records{device(1, "a")};
  std::vector<Operation> ops = operations(records);
  auto transaction = wait(shop.sink->begin("s/1/p/1"));
  wait(transaction->identify(ops));
  shop.db.run(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
      "application_name = 'migrate'");
  try {
    wait(transaction->write(ops));
    FAIL("the connection is gone");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::transient);
  }
  transaction.reset();
  CHECK(push(*shop.sink, "s/1/p/1", records).failures.empty());
  CHECK(shop.one("SELECT count(*) FROM devices") == "1");
}

TEST_CASE("transactions at once get ids of their own") {
  World world;
  SinkConfig config = shop(world.dsn);
  config.connections = 2;
  auto sink = std::make_shared<PostgresSink>(config, Services());
  wait(sink->prepare({}));
  std::vector<Record> left{device(1, "a"), device(2, "b")}, right{device(3, "c"), device(4, "d")};
  std::vector<Operation> left_ops = operations(left), right_ops = operations(right);
  auto first = wait(sink->begin("s/1/p/1"));
  auto second = wait(sink->begin("s/1/q/1"));
  wait(first->identify(left_ops));
  wait(second->identify(right_ops));
  CHECK(wait(second->write(right_ops)).failures.empty());
  CHECK(wait(first->write(left_ops)).failures.empty());
  wait(first->commit(Value{{"n", 1}}));
  wait(second->commit(Value{{"n", 2}}));
  CHECK(world.one("SELECT count(DISTINCT id) FROM devices") == "4");
}

TEST_CASE("a table without id is carried over by its key, whatever its columns") {
  World world;
  SinkConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  auto sink = std::make_shared<PostgresSink>(config, Services());
  TableSchema schema;
  schema.type = "pairs";
  schema.key = {"a", "b"};
  schema.columns = {{"a", ColumnType::text, false}, {"b", ColumnType::integer, false}, {"c", ColumnType::any, true}};
  std::vector<TableSchema> schemas{schema};
  wait(sink->prepare(schemas));
  CHECK(sink->key_columns("pairs") == std::vector<std::string>{"a", "b"});
  std::vector<Record> records{record("pairs", "x\\|y|1", Value{{"a", "x|y"}, {"b", 1}, {"c", 5}}),
                              record("pairs", "z|2", Value{{"c", "text"}})};
  REQUIRE(push(*sink, "s/1/p/1", records).failures.empty());
  CHECK(world.one("SELECT string_agg(a || b || c, ' ' ORDER BY b) FROM pairs") == "x|y15 z2text");
  records[1].data.as_object()["c"] = "other";
  CHECK(push(*sink, "s/1/p/2", records).effects == std::vector<Effect>{Effect::unchanged, Effect::updated});
  CHECK(wait(sink->find("pairs", {"z|2", "x\\|y|1", "q|1"})) == std::vector<Value>{"z|2", "x\\|y|1", nullptr});
  CHECK(wait(sink->list("pairs", "x\\|y|1", 10, false)).at(0).key == "z|2");
  records[0].deleted = true;
  CHECK(push(*sink, "s/1/p/3", records).effects == std::vector<Effect>{Effect::removed, Effect::unchanged});
  CHECK(wait(sink->undo("s/1/p/3")).restored == 1);
  CHECK(wait(sink->undo("s/1/p/2")).restored == 1);
  CHECK(wait(sink->undo("s/1/p/1")).removed == 2);
  CHECK(world.one("SELECT count(*) FROM pairs") == "0");
}

TEST_CASE("a key without an index is walked and looked up all the same") {
  World world;
  world.db.run("CREATE TABLE plain (k bigint, s text); INSERT INTO plain VALUES (5, 'five'), (NULL, 'none')");
  SinkConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  SinkTable plain;
  plain.key = {"k"};
  config.tables = {{"plain", plain}};
  auto sink = std::make_shared<PostgresSink>(config, Services());
  wait(sink->prepare({}));
  const auto row = [](int k, std::string s) { return record("plain", std::to_string(k), Value{{"k", k}, {"s", s}}); };
  std::vector<Record> first{row(4, "four"), row(5, "five"), row(6, "six")}, second{row(7, "seven"), row(10, "ten")},
      third{row(6, "SIX"), row(8, "eight")};
  CHECK(push(*sink, "s/1/p/1", first).effects ==
        std::vector<Effect>{Effect::created, Effect::unchanged, Effect::created});
  CHECK(push(*sink, "s/1/p/2", second).failures.empty());
  CHECK(push(*sink, "s/1/p/3", third).effects == std::vector<Effect>{Effect::updated, Effect::created});
  std::multiset<std::string> keys;
  std::string after;
  for (;;) {
    const auto page = wait(sink->list("plain", after, 2, true));
    if (page.empty()) break;
    for (const TargetRow& each : page) {
      keys.insert(each.key);
      if (each.key == "6") CHECK(each.data.at("s") == Value("SIX"));
    }
    after = page.back().key;
  }
  CHECK(keys == std::multiset<std::string>{"10", "4", "5", "6", "7", "8"});
  // What nobody has asked to be sorted goes on where it stood, and nowhere else.
  CHECK_THROWS_WITH_AS(wait(sink->list("plain", "7", 6, true)), doctest::Contains("page after page"), Error);
  CHECK(wait(sink->list("plain", "", 2, false)).size() == 2);
}

TEST_CASE("a table without any key is added to, and what was added can be taken back") {
  World world;
  world.db.run("CREATE TABLE heap (s text); INSERT INTO heap VALUES ('theirs')");
  SinkConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  auto sink = std::make_shared<PostgresSink>(config, Services());
  TableSchema schema;
  schema.type = "heap";
  std::vector<TableSchema> schemas{schema};
  wait(sink->prepare(schemas));
  std::vector<Record> records{record("heap", "1", Value{{"s", "a"}}), record("heap", "2", Value{{"s", "b"}})};
  CHECK(push(*sink, "s/1/p/1", records).failures.empty());
  CHECK(wait(sink->count("heap")) == 3);
  CHECK(wait(sink->undo("s/1/p/1")).removed == 2);
  CHECK(world.one("SELECT s FROM heap") == "theirs");
}

TEST_CASE("a database is the same at any address, and each schema of it a target of its own") {
  const World world;
  const auto identity_of = [](const std::string& dsn, const std::string& schema) {
    SinkConfig config;
    config.dsn = dsn;
    config.schema = schema;
    const std::shared_ptr<Sink> sink = make_sink(std::move(config), Services());
    return wait(sink->identity());
  };
  const TargetIdentity here = identity_of(world.dsn, "t");
  CHECK(here.shown.find("the schema t of ") == 0);
  CHECK(identity_of(world.dsn + " application_name=another", "t").id == here.id);
  CHECK(identity_of(world.dsn, "public").id != here.id);
  CHECK(identity_of(world.dsn + " dbname=template1", "t").id != here.id);
  // Asked before anything has been created.
  CHECK_FALSE(identity_of(world.dsn, "not_yet").id.empty());
}
