// The source: pages, types, partitions, checks, and the round trip through the sink.
#include "fixture.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "sink.hpp"
#include "source.hpp"

using namespace migrate;
using namespace migrate::postgres;

namespace {

SourceConfig of(const World& world, std::vector<SourceTable> tables = {}) {
  SourceConfig config;
  config.dsn = world.dsn;
  config.schema = "t";
  config.tables = std::move(tables);
  return config;
}

SourceTable table(std::string name) {
  SourceTable made;
  made.table = std::move(name);
  return made;
}

std::vector<RecordBatch> all(Source& source, const Partition& partition, std::size_t limit) {
  std::vector<RecordBatch> batches;
  Cursor cursor;
  do {
    batches.push_back(wait(source.read(partition, cursor, limit)));
    cursor = detached(batches.back().next);
  } while (!batches.back().last);
  return batches;
}

std::string ids(const std::vector<RecordBatch>& batches) {
  std::string text;
  for (const RecordBatch& batch : batches) {
    for (const Record& record : batch.records) text += record.ref.id + " ";
    text += "/ ";
  }
  return text;
}

constexpr const char* every_type =
    "CREATE TABLE every (id bigint PRIMARY KEY, b boolean, i smallint, r double precision, n numeric, s text, "
    "z timestamptz, l timestamp, d date, y bytea, j jsonb, u uuid);"
    "INSERT INTO every VALUES (1, true, -7, 0.1, 12345678901234567890.50, E'a\\tb\\\\ü\\n', "
    "'2024-02-29 12:00:00.25+04', '2024-02-29 12:00:00', '2024-02-29', '\\x00ff10', '{\"a\": [1, null]}', "
    "'00000000-0000-0000-0000-000000000001'), (2, NULL, NULL, 'NaN', 'NaN', '', 'infinity', NULL, '0044-03-15 BC', "
    "'', '\"text\"', NULL)";

}  // namespace

TEST_CASE("every type of column has its value") {
  World world;
  world.db.run(every_type);
  PostgresSource source(of(world), Services());
  const Partition partition = wait(source.partitions()).at(0);
  CHECK(partition.type == "every");
  const RecordBatch batch = wait(source.read(partition, nullptr, 10));
  REQUIRE(batch.records.size() == 2);
  CHECK(batch.last);
  CHECK(batch.records[0].data ==
        boost::json::parse(
            R"({"id":1,"b":true,"i":-7,"r":0.1,"n":{"$numberDecimal":"12345678901234567890.50"},"s":"a\tb\\ü\n",
          "z":{"$date":"2024-02-29T08:00:00.25Z"},"l":"2024-02-29T12:00:00","d":"2024-02-29",
          "y":{"$binary":{"base64":"AP8Q","subType":"00"}},"j":{"a":[1,null]},
          "u":"00000000-0000-0000-0000-000000000001"})"));
  CHECK(batch.records[1].data.at("r") == Value{{"$numberDouble", "NaN"}});
  CHECK(batch.records[1].data.at("z") == Value("infinity"));
  CHECK(batch.records[1].data.at("j") == Value("text"));
}

TEST_CASE("a table of every type goes round and verifies") {
  World world;
  world.db.run(every_type);
  PostgresSource source(of(world), Services());
  const Partition partition = wait(source.partitions()).at(0);
  RecordBatch batch = wait(source.read(partition, nullptr, 10));
  World other;  // the same schema, made anew
  SinkConfig config;
  config.dsn = other.dsn;
  config.schema = "t";
  other.db.run(
      "CREATE TABLE every (id bigint PRIMARY KEY, b boolean, i smallint, r double precision, n numeric, s text, "
      "z timestamptz, l timestamp, d date, y bytea, j jsonb, u uuid)");
  auto sink = std::make_shared<PostgresSink>(config, Services());
  TableSchema schema;
  schema.type = "every";
  schema.key = {"id"};
  wait(sink->prepare({schema}));
  std::vector<Operation> ops = operations(batch.records);
  REQUIRE(push(*sink, "s/1/p/1", ops).failures.empty());
  CHECK(wait(sink->verify(ops)).empty());
  auto later = std::make_shared<PostgresSink>(config, Services());
  wait(later->check());
  CHECK(later->types() == std::vector<std::string>{"every"});
  CHECK(later->key_columns("every") == std::vector<std::string>{"id"});
  RecordBatch again = wait(source.read(partition, nullptr, 10));
  CHECK(again.records[0].data == batch.records[0].data);
  CHECK(again.records[1].data == batch.records[1].data);

  other.db.run(
      "UPDATE every SET z = z + interval '1 second', s = 'other' WHERE id = 1; DELETE FROM every WHERE id = 2");
  const std::vector<Finding> findings = wait(sink->verify(ops));
  REQUIRE(findings.size() == 3);
  CHECK(findings[0].field == "s");
  CHECK(findings[0].found == "other");
  CHECK(findings[1].field == "z");
  CHECK(findings[2].record.id == "2");
}

TEST_CASE("pages follow the key, whatever its columns, and say what they cover") {
  World world;
  world.db.run(
      "CREATE TABLE one (k integer PRIMARY KEY); INSERT INTO one SELECT g * 10 FROM generate_series(1, 5) g;"
      "CREATE TABLE two (a text COLLATE \"C\", b integer, PRIMARY KEY (a, b));"
      "INSERT INTO two VALUES ('x|y', 2), ('x', 10), ('x', 9), ('a', 1)");
  PostgresSource source(of(world), Services());
  const std::vector<Partition> partitions = wait(source.partitions());
  REQUIRE(partitions.size() == 2);
  const auto one = all(source, partitions[0], 2);
  CHECK(ids(one) == "10 20 / 30 40 / 50 / ");
  CHECK_FALSE(one[0].covers->after);
  CHECK(one[0].covers->through == 20);
  CHECK(one[2].covers->after == 40);
  CHECK_FALSE(one[2].covers->through);
  const auto two = all(source, partitions[1], 3);
  CHECK(ids(two) == "a|1 x|9 x|10 / x\\|y|2 / ");
  CHECK_FALSE(two[0].covers);
  const RecordBatch some = wait(source.fetch({{"two", "x\\|y|2"}, {"one", "30"}, {"one", "31"}}));
  REQUIRE(some.records.size() == 2);
  CHECK(some.records[1].data.at("a") == Value("x|y"));
}

TEST_CASE("key ranges cover everything once") {
  World world;
  world.db.run("CREATE TABLE one (k bigint PRIMARY KEY); INSERT INTO one SELECT g FROM generate_series(-50, 49) g");
  SourceTable split = table("one");
  split.partitions = 3;
  split.revisit = true;
  PostgresSource source(of(world, {split}), Services());
  const std::vector<Partition> partitions = wait(source.partitions());
  REQUIRE(partitions.size() == 4);
  CHECK(partitions[3].revisit);
  CHECK(partitions[3].rank > partitions[0].rank);
  std::set<std::string> seen;
  std::size_t read = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (const RecordBatch& batch : all(source, partitions[i], 7)) {
      for (const Record& record : batch.records) ++read, seen.insert(record.ref.id);
    }
  }
  CHECK(read == 100);
  CHECK(seen.size() == 100);
}

TEST_CASE("check names what is missing, and the nearest there is") {
  World world;
  world.db.run("CREATE TABLE customers (id bigint PRIMARY KEY, name text); CREATE TABLE loose (x text)");
  SourceTable wrong_column = table("customers");
  wrong_column.columns = {"nmae"};
  SourceTable wrong_where = table("customers");
  wrong_where.type = "others";
  wrong_where.where = "nonsense >";
  PostgresSource source(of(world, {table("custmers"), wrong_column, wrong_where, table("loose")}), Services());
  const std::vector<Check> checks = wait(source.check());
  REQUIRE(checks.size() == 5);
  CHECK(checks[0].passed);
  for (std::size_t i = 1; i < 5; ++i) CHECK_FALSE(checks[i].passed);
  CHECK(checks[1].message.find("\"customers\"") != std::string::npos);
  CHECK(checks[2].message.find("\"name\"") != std::string::npos);
  CHECK(checks[4].advice.find("key") != std::string::npos);
}

TEST_CASE("bytes that are no UTF-8 arrive as they are") {
  World world;
  world.db.run("DROP DATABASE IF EXISTS raw");
  world.db.run("CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
  World raw(server().dsn("raw"));
  raw.db.run(
      "CREATE TABLE texts (k integer PRIMARY KEY, s text); INSERT INTO texts VALUES (1, E'\\xc7\\xed'), (2, 'ok'), "
      "(3, E'\\xc3\\xbc')");
  PostgresSource source(of(raw), Services());
  const RecordBatch batch = wait(source.read(wait(source.partitions()).at(0), nullptr, 10));
  CHECK(batch.records[0].data.at("s") == boost::json::parse(R"({"$binary":{"base64":"x+0=","subType":"00"}})"));
  CHECK(batch.records[1].data.at("s") == Value("ok"));
  CHECK(batch.records[2].data.at("s") == Value("ü"));
}
