#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "migrate/relational.hpp"

using namespace migrate;

TEST_CASE("keys are joined and split") {
  CHECK(join_key({"a|b"}) == "a|b");
  CHECK(join_key({"a|b", "c\\", ""}) == "a\\|b|c\\\\|");
  CHECK(split_key("a\\|b|c\\\\|") == std::vector<std::string>{"a|b", "c\\", ""});
  CHECK(split_key("17") == std::vector<std::string>{"17"});
}

TEST_CASE("column types") {
  CHECK(column_type_from("bigint") == ColumnType::integer);
  CHECK(column_type_from("timestamptz") == ColumnType::timestamp);
  CHECK(to_string(column_type_from("bytea")) == "binary");
  try {
    column_type_from("bigit");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK(error.advice.starts_with("did you mean \"bigint\"? known: boolean,"));
  }
}

TEST_CASE("a type comes after those that it refers to; cycles do not matter") {
  std::map<std::string, SinkTable> tables;
  tables["certificates"].references = {{"device_id", "devices"}, {"renewed_from_id", "certificates"}};
  tables["devices"];
  tables["vehicles"].references = {{"certificate_id", "certificates"}, {"x", "not_here"}};
  tables["a"].references = {{"b_id", "b"}};
  tables["b"].references = {{"a_id", "a"}};
  CHECK(dependency_order(tables) == std::vector<std::string>{"b", "a", "devices", "certificates", "vehicles"});
}

TEST_CASE("a sink table as it is written") {
  SinkTable table = sink_table_spec().parse(boost::json::parse(R"({
    "id": "id", "key": "legacy_id", "unique": ["number", ["a", "b"]],
    "columns": {"number": "text", "legacy_id": "bigint", "b": "text", "a": "boolean"},
    "flags_from": {"a": {"table": "t", "by": "c", "where": {"status": "blocked"}}}})"));
  CHECK(table.key == std::vector<std::string>{"legacy_id"});
  CHECK(table.column_order == std::vector<std::string>{"number", "legacy_id", "b", "a"});
  CHECK(table.unique == std::vector<std::vector<std::string>>{{"number"}, {"a", "b"}});
  CHECK(table.flags_from.at("a").where.at("status") == "blocked");
}

TEST_CASE("columns that do not fit together") {
  try {
    sink_table_spec().parse(boost::json::parse(
        R"({"key": ["legacy"], "columns": {"legacy_id": "bigint", "n": "txt"}, "not_null": ["zz"]})"));
    FAIL("accepted");
  } catch (const ConfigError& error) {
    REQUIRE(error.faults().size() == 3);
    CHECK(error.faults()[0].path == "columns.n");
    CHECK(error.faults()[1].path == "key[0]");
    CHECK(error.faults()[1].message == "\"legacy\" is not among the columns; did you mean \"legacy_id\"?");
    CHECK(error.faults()[2].path == "not_null[0]");
  }
}

TEST_CASE("a source table as it is written") {
  SourceTable table = source_table_spec().parse(boost::json::parse(R"({"table": "users", "key": "user_id"})"));
  CHECK(table.type == "users");
  CHECK(table.key == std::vector<std::string>{"user_id"});
  CHECK(table.partitions == 1);
  CHECK_THROWS_AS(source_table_spec().parse(boost::json::parse(R"({"table": "u", "partitions": 0})")), ConfigError);
}
