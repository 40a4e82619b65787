// migrate-certificates-generator: a legacy database of certificates with the dirt that real ones have, always the same
// for the same arguments; or, with --mutate, what a few weeks of work do to an existing one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>

#include "database.hpp"
#include "random.hpp"
#include "rows.hpp"

namespace {

using namespace certificates;

struct Arguments {
  std::string out = "legacy.db";
  std::int64_t certificates = 5000;
  std::uint64_t seed = 1, mutate = 0;
  double dirt = 4.0;
  bool wide_keys = false, reordered = false;
};

std::string create_statement(const TableInfo& table, bool reordered) {
  std::string sql;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string name = table.columns[i];
    const bool number = name.ends_with("_id") || name == "issued_by" || name == "renewed_from";
    const std::string column = name + (i == 0 ? " INTEGER PRIMARY KEY" : number ? " INTEGER" : " TEXT");
    if (sql.empty()) {
      sql = column;
    } else {
      sql = reordered ? column + ", " + sql : sql + ", " + column;
    }
  }
  if (reordered) sql = "row_version TEXT DEFAULT 'x', " + sql + ", printed_by INTEGER";
  return "CREATE TABLE " + std::string(table.name) + "(" + sql + ")";
}

std::string insert_statement(const TableInfo& table) {
  std::string names, places;
  for (const char* column : table.columns) {
    names += std::string(names.empty() ? "" : ", ") + column;
    places += places.empty() ? "?" : ", ?";
  }
  return "INSERT INTO " + std::string(table.name) + "(" + names + ") VALUES (" + places + ")";
}

void insert(Database::Statement& statement, const std::vector<Cell>& row) {
  for (std::size_t i = 0; i < row.size(); ++i) statement.bind(static_cast<int>(i) + 1, row[i]);
  statement.step();
}

void generate(const Arguments& arguments) {
  Shape shape = Shape::of(arguments.certificates);
  shape.seed = arguments.seed;
  shape.dirt = arguments.dirt;
  shape.wide_keys = arguments.wide_keys;
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) std::filesystem::remove(arguments.out + suffix);
  Database database(arguments.out, true);
  database.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  for (Table table : all_tables) {
    database.execute(create_statement(info(table), arguments.reordered));
    Database::Statement statement(database, insert_statement(info(table)));
    const std::int64_t rows = count(shape, table);
    for (std::int64_t i = 0; i < rows; ++i) insert(statement, make_row(shape, table, i));
    std::printf("%s %lld\n", info(table).name, static_cast<long long>(rows));
  }
  database.execute("COMMIT");
}

struct Changes {
  std::int64_t changed = 0, removed = 0, added = 0;
};

/// Gives one to three columns of a row what another draw would have put there.
void change(Database& database, const Shape& shape, Table table, std::int64_t key, Random& random) {
  const TableInfo& columns = info(table);
  const std::vector<Cell> row = make_row(shape, table, index_of(key));
  std::set<std::size_t> which;
  for (std::int64_t i = random.between(1, 3); i > 0; --i) {
    which.insert(static_cast<std::size_t>(random.between(1, static_cast<std::int64_t>(row.size()) - 1)));
  }
  for (std::size_t i : which) {
    Database::Statement update(database, "UPDATE " + std::string(columns.name) + " SET " + columns.columns[i] +
                                             " = ? WHERE " + columns.columns[0] + " = " + std::to_string(key));
    update.bind(1, row[i]);
    update.step();
  }
}

Changes mutate_table(Database& database, const Shape& shape, Table table) {
  const std::string name = info(table).name, key_column = info(table).columns[0];
  Changes changes;
  const std::int64_t last = database.number("SELECT max(" + key_column + ") FROM " + name);
  Database::Statement next(database, "SELECT " + key_column + " FROM " + name + " WHERE " + key_column +
                                         " > ? ORDER BY " + key_column + " LIMIT 1");
  Cell at = Cell::integer(INT64_MIN);
  for (;;) {
    next.bind(1, at);
    if (!next.step()) break;
    const std::int64_t key = next.integer(0);
    next.step();  // to the end, so that the table can be changed
    at.number = key;
    Random random(shape.seed, 100 + static_cast<std::uint64_t>(table), static_cast<std::uint64_t>(key));
    if (random.chance(10'000)) {
      database.execute("DELETE FROM " + name + " WHERE " + key_column + " = " + std::to_string(key));
      ++changes.removed;
    } else if (random.chance(40'000)) {
      change(database, shape, table, key, random);
      ++changes.changed;
    }
  }
  Database::Statement statement(database, insert_statement(info(table)));
  changes.added = count(shape, table) / 100 + 3;
  for (std::int64_t i = 0; i < changes.added; ++i) {
    std::vector<Cell> row = make_row(shape, table, index_of(last) + 1 + i);
    row[0] = Cell::integer(last + 1 + i);
    insert(statement, row);
  }
  return changes;
}

void mutate(const Arguments& arguments) {
  Database database(arguments.out, false);
  Shape shape;
  shape.seed = arguments.mutate ^ 0xA5A5A5A5A5A5A5A5ULL;
  shape.dirt = arguments.dirt;
  shape.certificates = database.number("SELECT count(*) FROM certificates");
  shape.technicians = Shape::of(shape.certificates).technicians + 5;
  shape.devices = database.number("SELECT count(*) FROM devices");
  shape.customers = database.number("SELECT count(*) FROM customers");
  shape.users = database.number("SELECT count(*) FROM users");
  database.execute("BEGIN IMMEDIATE");
  for (Table table : all_tables) {
    const Changes changes = mutate_table(database, shape, table);
    std::printf("%s %lld changed, %lld removed, %lld added\n", info(table).name,
                static_cast<long long>(changes.changed), static_cast<long long>(changes.removed),
                static_cast<long long>(changes.added));
  }
  database.execute("COMMIT");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Writes a legacy database of certificates, with dirt, always the same for the same arguments."};
  app.add_option("--out", arguments.out, "The SQLite file (replaced; with --mutate: changed)")->capture_default_str();
  app.add_option("--certificates", arguments.certificates, "How many certificates")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "Another seed, another database")->capture_default_str();
  app.add_option("--dirt", arguments.dirt, "Spoilt values, in percent")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_flag("--wide-keys", arguments.wide_keys, "The last three certificates get keys beyond 32 bits");
  app.add_flag("--reordered", arguments.reordered, "Other order of columns, and two columns more in each table");
  auto* mutation = app.add_option("--mutate", arguments.mutate, "Change, remove and add rows, by this seed");
  CLI11_PARSE(app, argc, argv);
  try {
    mutation->count() > 0 ? mutate(arguments) : generate(arguments);
  } catch (const std::exception& error) {
    std::cerr << "migrate-certificates-generator: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
