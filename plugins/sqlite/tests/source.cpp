#include "source.hpp"

#include <boost/asio/thread_pool.hpp>
#include <cmath>

#include "helpers.hpp"
#include "values.hpp"

namespace {

using migrate::sqlite::SourceConfig;

SourceConfig of(const fs::path& file) {
  SourceConfig config;
  config.path = file;
  return config;
}

SourceTable table(std::string name) {
  SourceTable result;
  result.table = result.type = std::move(name);
  return result;
}

std::shared_ptr<Source> open(const SourceConfig& config) { return sqlite::make_source(config, Services()); }

std::vector<std::string> ids(const RecordBatch& batch) {
  std::vector<std::string> result;
  for (const Record& record : batch.records) result.push_back(record.ref.id);
  return result;
}

/// All of a partition, page by page, as a resumed run would: with a source of its own for every page.
std::vector<std::string> all_ids(const SourceConfig& config, const Partition& partition, std::size_t limit,
                                 bool fresh_source = false) {
  std::vector<std::string> result;
  std::shared_ptr<Source> source = open(config);
  Cursor from;
  for (int page = 0; page < 1000; ++page) {
    RecordBatch batch = wait_for(source->read(partition, from, limit));
    for (const std::string& id : ids(batch)) result.push_back(id);
    if (batch.last) return result;
    from = boost::json::parse(boost::json::serialize(batch.next));
    if (fresh_source) source = open(config);
  }
  FAIL("the partition does not end");
  return result;
}

}  // namespace

TEST_CASE("source: tables, keys and values as they are") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE t(id INTEGER PRIMARY KEY, i, r REAL, s TEXT, b BLOB, n);"
      "INSERT INTO t VALUES(1, 9223372036854775807, 0.1, 'grün', x'00FF', NULL),"
      "(2, -9223372036854775808, 9e999, CAST(x'C7E120' AS TEXT), x'', ''),"
      "(3, 1.0, -9e999, char(0x1F69A) || char(0) || 'x', zeroblob(3), 'text')");
  std::shared_ptr<Source> source = open(of(file));
  std::vector<Partition> partitions = wait_for(source->partitions());
  REQUIRE(partitions.size() == 1);
  CHECK(partitions[0].name == "t");
  CHECK(partitions[0].size == 3U);
  RecordBatch batch = wait_for(source->read(partitions[0], Cursor(), 10));
  CHECK(batch.last);
  CHECK(ids(batch) == Strings{"1", "2", "3"});
  CHECK(batch.records[0].ref.type == "t");
  CHECK(batch.records[0].data == boost::json::parse(R"({"id":1,"i":9223372036854775807,"r":0.1,"s":"grün",
    "b":{"$binary":{"base64":"AP8=","subType":"00"}},"n":null})"));
  CHECK(batch.records[1].data ==
        boost::json::parse(R"({"id":2,"i":-9223372036854775808,"r":{"$numberDouble":"Infinity"},
    "s":{"$binary":{"base64":"x+Eg","subType":"00"}},"b":{"$binary":{"base64":"","subType":"00"}},"n":""})"));
  CHECK(batch.records[2].data == boost::json::parse(R"({"id":3,"i":1.0,"r":{"$numberDouble":"-Infinity"},
    "s":"\ud83d\ude9a\u0000x","b":{"$binary":{"base64":"AAAA","subType":"00"}},"n":"text"})"));
  CHECK(batch.records[2].data.at("i").is_double());
  REQUIRE(batch.covers.has_value());
  CHECK_FALSE(batch.covers->after.has_value());
  CHECK_FALSE(batch.covers->through.has_value());
}

TEST_CASE("source: values live in the batch's arena") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file, "CREATE TABLE t(id INTEGER PRIMARY KEY, s); INSERT INTO t VALUES(1, 'x')");
  std::shared_ptr<Source> source = open(of(file));
  RecordBatch batch = wait_for(source->read(wait_for(source->partitions()).at(0), Cursor(), 10));
  CHECK(batch.records[0].data.storage().get() == batch.arena.get());
  CHECK(batch.records[0].data.at("s").storage().get() == batch.arena.get());
}

TEST_CASE("source: pages go on behind the last key, whatever the key is") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  SourceTable wanted = table("t");
  SUBCASE("integer") { sql(file, "CREATE TABLE t(k INTEGER PRIMARY KEY, v)"); }
  SUBCASE("text") { sql(file, "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, v)"); }
  SUBCASE("composite") { sql(file, "CREATE TABLE t(v, k, PRIMARY KEY(v, k)) WITHOUT ROWID"); }
  SUBCASE("no key") { sql(file, "CREATE TABLE t(k, v)"); }
  SUBCASE("a column that only looks like the rowid") { sql(file, "CREATE TABLE t(rowid, k, v)"); }
  SUBCASE("named by the configuration") {
    sql(file, "CREATE TABLE t(k, v)");
    wanted.key = {"v", "k"};
  }
  sql(file,
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 57) "
      "INSERT INTO t(k, v) SELECT i * 10, i % 3 FROM n");
  SourceConfig config = of(file);
  config.tables = {wanted};
  const Partition partition = wait_for(open(config)->partitions()).at(0);
  const Strings expected = all_ids(config, partition, 1000);
  CHECK(expected.size() == 57);
  for (std::size_t limit : {1U, 7U, 56U, 57U, 58U}) {
    CAPTURE(limit);
    CHECK(all_ids(config, partition, limit) == expected);
    CHECK(all_ids(config, partition, limit, true) == expected);
  }
}

TEST_CASE("source: keys of mixed storage classes, blobs and bytes that are not UTF-8") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE t(k PRIMARY KEY NOT NULL, v);"
      "INSERT INTO t VALUES(5,1),(-1,2),(2.5,3),('5',4),(CAST(x'FF' AS TEXT),5),(x'FF',6),(x'00',7),('a|b',8)");
  SourceConfig config = of(file);
  const Partition partition = wait_for(open(config)->partitions()).at(0);
  const Strings expected = all_ids(config, partition, 100);
  CHECK(expected.size() == 8);
  for (std::size_t limit : {1U, 2U, 3U}) CHECK(all_ids(config, partition, limit, true) == expected);
  CHECK_FALSE(wait_for(open(config)->read(partition, Cursor(), 3)).covers.has_value());
}

TEST_CASE("source: partitions split a range of keys without gap or overlap, and their names tell the range") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
      "WITH RECURSIVE n(i) AS (SELECT -50 UNION ALL SELECT i + 3 FROM n WHERE i < 1000) INSERT INTO t SELECT i, i FROM "
      "n");
  SourceConfig config = of(file);
  config.tables = {table("t")};
  const Strings expected = all_ids(config, wait_for(open(config)->partitions()).at(0), 10000);
  config.tables[0].partitions = 4;
  std::vector<Partition> parts = wait_for(open(config)->partitions());
  REQUIRE(parts.size() == 4);
  Strings found;
  std::optional<std::int64_t> end;
  for (const Partition& part : parts) {
    for (const std::string& id : all_ids(config, part, 9, true)) found.push_back(id);
    std::shared_ptr<Source> source = open(config);
    RecordBatch whole = wait_for(source->read(part, Cursor(), 10000));
    REQUIRE(whole.covers.has_value());
    CHECK(whole.covers->after == end);
    end = whole.covers->through;
  }
  CHECK_FALSE(end.has_value());
  CHECK(found == expected);
  CHECK(parts[0].name != parts[1].name);
  CHECK(wait_for(open(config)->partitions())[2].name == parts[2].name);
}

TEST_CASE("source: the range that a page covers ends at its last key") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file, "CREATE TABLE t(k INTEGER PRIMARY KEY); INSERT INTO t VALUES(2),(4),(6)");
  SourceConfig config = of(file);
  std::shared_ptr<Source> source = open(config);
  const Partition partition = wait_for(source->partitions()).at(0);
  RecordBatch first = wait_for(source->read(partition, Cursor(), 2));
  REQUIRE(first.covers.has_value());
  CHECK_FALSE(first.covers->after.has_value());
  CHECK(first.covers->through == 4);
  RecordBatch second = wait_for(source->read(partition, first.next, 2));
  REQUIRE(second.covers.has_value());
  CHECK(second.covers->after == 4);
  CHECK_FALSE(second.covers->through.has_value());
  config.tables = {table("t")};
  config.tables[0].where = "k <> 4";
  source = open(config);
  RecordBatch filtered = wait_for(source->read(wait_for(source->partitions()).at(0), Cursor(), 10));
  CHECK(ids(filtered) == Strings{"2", "6"});
  CHECK_FALSE(filtered.covers.has_value());
}

TEST_CASE("source: the same arguments give the same records") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file, "CREATE TABLE t(k INTEGER PRIMARY KEY); INSERT INTO t VALUES(1),(2),(3),(4),(5)");
  std::shared_ptr<Source> source = open(of(file));
  const Partition partition = wait_for(source->partitions()).at(0);
  RecordBatch first = wait_for(source->read(partition, Cursor(), 2));
  RecordBatch second = wait_for(source->read(partition, first.next, 2));
  CHECK(ids(wait_for(source->read(partition, Cursor(), 2))) == ids(first));
  CHECK(ids(wait_for(source->read(partition, first.next, 2))) == ids(second));
  CHECK(ids(wait_for(source->read(partition, second.next, 2))) == Strings{"5"});
}

TEST_CASE("source: a table listed with revisit is read twice, the second time after the rest") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file, "CREATE TABLE d(k INTEGER PRIMARY KEY); CREATE TABLE c(k INTEGER PRIMARY KEY)");
  SourceConfig config = of(file);
  config.tables = {table("d"), table("c")};
  config.tables[0].revisit = true;
  config.tables[1].rank = 2;
  std::vector<Partition> once = wait_for(open(config)->partitions());
  REQUIRE(once.size() == 3);
  CHECK_FALSE(once[0].revisit);
  CHECK(once[2].revisit);
  CHECK(once[2].type == "d");
  CHECK(once[2].rank == 3);
  config.tables.push_back(config.tables[0]);
  config.tables[0].revisit = false;
  config.tables[2].rank = 7;
  std::vector<Partition> twice = wait_for(open(config)->partitions());
  REQUIRE(twice.size() == 3);
  CHECK_FALSE(twice[0].revisit);
  CHECK(twice[2].revisit);
  CHECK(twice[2].rank == 7);
}

TEST_CASE("source: fetch gives what is there now, and leaves out what is gone") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE t(k INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,'a'),(2,'b');"
      "CREATE TABLE u(a TEXT, b INTEGER, v, PRIMARY KEY(a, b)); INSERT INTO u VALUES('x|y', 3, 'c'),('5', 4, 'd')");
  std::shared_ptr<Source> source = open(of(file));
  const Partition u = wait_for(source->partitions()).at(1);
  RecordBatch rows = wait_for(source->read(u, Cursor(), 10));
  std::vector<RecordRef> refs{{"t", "2"}, {"t", "99"}, rows.records[0].ref, rows.records[1].ref};
  RecordBatch batch = wait_for(source->fetch(refs));
  REQUIRE(batch.records.size() == 3);
  CHECK(batch.records[0].data.at("v") == Value("b"));
  CHECK(batch.records[1].data == rows.records[0].data);
  CHECK(batch.records[2].data == rows.records[1].data);
}

TEST_CASE("source: schemas follow the declared types") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a VARCHAR(20) NOT NULL, b BOOLEAN, c TIMESTAMP, d NUMERIC(10,2), "
      "e DOUBLE, f BLOB, g, h DATE, i BIGINT, j STRING, k JSON); CREATE TABLE u(x, y)");
  std::vector<TableSchema> schemas = wait_for(open(of(file))->schemas());
  REQUIRE(schemas.size() == 2);
  Strings types;
  for (const Column& column : schemas[0].columns) types.emplace_back(to_string(column.type));
  CHECK(types == Strings{"integer", "text", "boolean", "timestamp", "numeric", "real", "binary", "any", "date",
                         "integer", "any", "json"});
  CHECK(schemas[0].key == Strings{"id"});
  CHECK_FALSE(schemas[0].columns[0].nullable);
  CHECK_FALSE(schemas[0].columns[1].nullable);
  CHECK(schemas[0].columns[2].nullable);
  CHECK(schemas[1].key == Strings{"rowid"});
}

TEST_CASE("source: files that are no database say so") {
  TempFolder folder;
  const fs::path file = folder.path / "legacy.db";
  std::string cause;
  SUBCASE("missing") { cause = "missing_file"; }
  SUBCASE("a folder") {
    fs::create_directory(file);
    cause = "not_a_database";
  }
  SUBCASE("empty") {
    std::ofstream give(file);
    cause = "not_a_database";
  }
  SUBCASE("a text") {
    std::ofstream(file) << std::string(5000, 'x');
    cause = "not_a_database";
  }
  SUBCASE("cut off") {
    sql(file,
        "CREATE TABLE t(k INTEGER PRIMARY KEY, v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 1000) INSERT INTO t SELECT i, hex(randomblob(50)) FROM n");
    fs::resize_file(file, fs::file_size(file) / 2);
    cause = "damaged_database";
  }
  std::shared_ptr<Source> source = open(of(file));
  Error error = error_of([&] { wait_for(source->partitions()); });
  CHECK(error.cause == cause);
  CHECK(contains(error.what(), file.string()));
  CHECK_FALSE(error.advice.empty());
  std::vector<Check> checks = wait_for(source->check());
  REQUIRE(checks.size() == 1);
  CHECK_FALSE(checks[0].passed);
}

TEST_CASE("source: check lists every finding with the nearest name") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE customers(customer_id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE n(k TEXT PRIMARY KEY, v);"
      "INSERT INTO n VALUES(NULL, 1); CREATE VIEW w AS SELECT * FROM n");
  SourceConfig config = of(file);
  config.tables = {table("custommers"), table("customers"), table("customers"), table("customers"),
                   table("n"),          table("customers"), table("w")};
  config.tables[1].columns = {"nam"};
  config.tables[2].where = "nmae = 1";
  config.tables[4].partitions = 1;
  config.tables[5].key = {"name"};
  config.tables[5].partitions = 3;
  std::vector<Check> checks = wait_for(open(config)->check());
  REQUIRE(checks.size() == 8);
  CHECK(checks[0].passed);
  CHECK_FALSE(checks[1].passed);
  CHECK(contains(checks[1].advice, "customers"));
  CHECK_FALSE(checks[2].passed);
  CHECK(contains(checks[2].advice, "\"name\""));
  CHECK_FALSE(checks[3].passed);
  CHECK(contains(checks[3].message, "nmae"));
  CHECK(checks[4].passed);
  CHECK_FALSE(checks[5].passed);
  CHECK(contains(checks[5].message, "NULL"));
  CHECK_FALSE(checks[6].passed);
  CHECK_FALSE(checks[7].passed);
  config.tables = {table("n")};
  CHECK(error_of([&] {
          std::shared_ptr<Source> source = open(config);
          wait_for(source->read(wait_for(source->partitions()).at(0), Cursor(), 5));
        }).cause == "null_key");
}

TEST_CASE("source: a key that is not unique stops the run instead of losing rows") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file, "CREATE TABLE t(k INTEGER NOT NULL, v); INSERT INTO t VALUES(1,1),(2,2),(2,3),(3,4)");
  SourceConfig config = of(file);
  config.tables = {table("t")};
  config.tables[0].key = {"k"};
  for (std::size_t limit : {1U, 2U, 3U, 10U}) {
    CAPTURE(limit);
    const Partition partition = wait_for(open(config)->partitions()).at(0);
    CHECK(error_of([&] { all_ids(config, partition, limit); }).cause == "duplicate_key");
  }
}

TEST_CASE("source: partitions are read on several threads at once") {
  TempFolder folder;
  const fs::path file = folder.path / "a.db";
  sql(file,
      "CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, i FROM "
      "n");
  SourceConfig config = of(file);
  config.tables = {table("t")};
  config.tables[0].partitions = 4;
  Services services;
  services.pool = std::make_shared<boost::asio::thread_pool>(3);
  std::shared_ptr<Source> source = sqlite::make_source(config, services);
  std::vector<Partition> parts = wait_for(source->partitions());
  boost::asio::io_context context;
  std::size_t found = 0;
  auto walk = [&](const Partition* part) -> awaitable<void> {
    Cursor from;
    while (true) {
      RecordBatch batch = co_await source->read(*part, from, 500);
      found += batch.records.size();
      if (batch.last) co_return;
      from = batch.next;
    }
  };
  for (const Partition& part : parts)
    boost::asio::co_spawn(context, walk(&part), [](std::exception_ptr trouble) { CHECK_FALSE(trouble); });
  context.run();
  CHECK(found == 20000);
}

TEST_CASE("UTF-8 is told from what is not") {
  using migrate::sqlite::valid_utf8;
  for (std::string good :
       {"", "a", "grün and longer than eight bytes", "\xF0\x9F\x9A\x9A", "\xEF\xBF\xBD", "12345678\xC2\x80"})
    CHECK(valid_utf8(good));
  for (std::string bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                          "\xF4\x90\x80\x80", "\xFF", "12345678\xC7\xE1", "\xF0\x9F\x9A"})
    CHECK_FALSE(valid_utf8(bad));
}
