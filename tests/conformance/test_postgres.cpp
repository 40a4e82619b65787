#include <libpq-fe.h>

#include "conformance.hpp"
#include "private_postgres.hpp"

using namespace conformance;

namespace {

void execute(const std::string& dsn, const std::string& sql) {
  PGconn* connection = PQconnectdb(dsn.c_str());
  PGresult* result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  INFO(PQerrorMessage(connection));
  PQclear(result);
  PQfinish(connection);
  REQUIRE((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK));
}

}  // namespace

TEST_CASE("the postgres source conforms") {
  if (const auto why = testing_support::PrivatePostgres::why_not()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  testing_support::PrivatePostgres server;
  execute(server.dsn(), awkward_schema());
  migrate::testing::SourceFixture fixture;
  fixture.make = [&] {
    return built_plugins().make_source("postgres", migrate::Object{{"dsn", server.dsn()}}, migrate::Services());
  };
  fixture.expected_records = awkward_rows;
  expect(migrate::testing::check_source(fixture));
}

TEST_CASE("the postgres sink conforms") {
  if (const auto why = testing_support::PrivatePostgres::why_not()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  testing_support::PrivatePostgres server;
  migrate::testing::TableSinkFixture fixture;
  fixture.make = [&] {
    return table_sink("postgres", migrate::Object{{"dsn", server.dsn()}, {"tables", kit_tables()}});
  };
  fixture.impossible_texts = {std::string("nul\0inside", 10), std::string("\0", 1)};
  expect(migrate::testing::check_table_sink(fixture));
}
