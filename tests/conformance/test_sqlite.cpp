#include <sqlite3.h>

#include "conformance.hpp"

using namespace conformance;

TEST_CASE("the sqlite source conforms") {
  TemporaryFolder folder;
  const std::string file = folder / "source.db";
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, awkward_schema(), nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, "CREATE TABLE keyless (x); INSERT INTO keyless VALUES (1),(1),(NULL),('a')", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(db);
  migrate::testing::SourceFixture fixture;
  fixture.make = [&] {
    return built_plugins().make_source("sqlite", migrate::Object{{"path", file}}, migrate::Services());
  };
  fixture.expected_records = awkward_rows + 4;
  expect(migrate::testing::check_source(fixture));
}

TEST_CASE("the sqlite sink conforms") {
  TemporaryFolder folder;
  const std::string file = folder / "target.db";
  migrate::testing::TableSinkFixture fixture;
  fixture.make = [&] { return table_sink("sqlite", migrate::Object{{"path", file}, {"tables", kit_tables()}}); };
  expect(migrate::testing::check_table_sink(fixture));
}
