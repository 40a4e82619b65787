// The conformance kit: what every connector must do, checked against the connector itself. It knows no test framework;
// a test turns the results into assertions, and a program can run the same checks on any loaded plugin.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "migrate/services.hpp"
#include "migrate/sink.hpp"
#include "migrate/source.hpp"

MIGRATE_BEGIN
namespace testing {

struct Result {
  enum class State { passed, failed, skipped };
  std::string check;
  State state = State::passed;
  std::string detail;  ///< what was found, or the reason for skipping
};

/// What the kit needs to know of a source under test.
struct SourceFixture {
  SourceFixture() {}
  std::function<std::shared_ptr<Source>()> make;  ///< a new connection to the same, unchanging data
  std::size_t expected_records = 0;
  std::size_t batch = 3;  ///< small, so that there are many cursors
};
/// Read-only. Runs its own io_context.
MIGRATE_API std::vector<Result> check_source(const SourceFixture& fixture);

/// What the kit needs to know of a database sink under test. The type `type` has the integer natural key `key`, a
/// generated id and the nullable text columns `text` and `other`; the type `child` has the same and a column
/// `parent_id` that refers to `type`.
struct TableSinkFixture {
  TableSinkFixture() {}
  std::function<std::shared_ptr<TableSink>()> make;  ///< a new connection to the same target
  std::string type = "parents", child = "children", text = "name", other = "note", parent = "parent_id";
  /// Texts that the target cannot hold: written, each must fail its unit and no other.
  std::vector<std::string> impossible_texts;
};
/// Writes into the target and takes everything back.
MIGRATE_API std::vector<Result> check_table_sink(const TableSinkFixture& fixture);

/// What the kit needs to know of a service's sink under test, which undoes() and verifies().
struct ItemSinkFixture {
  ItemSinkFixture() {}
  /// A new connection to the same target, with the kit's clock and fault points.
  std::function<std::shared_ptr<ItemSink>(const Services&)> make;
  /// The source's item number `item` in its first, second, … version: each differs in all that write() brings, and has
  /// a Record::version of its own. No files, no links.
  std::function<Record(int item, int version)> record;
  std::function<std::size_t()> count;  ///< the items on the target, of whatever version
};
/// Writes into the target and takes everything back.
MIGRATE_API std::vector<Result> check_item_sink(const ItemSinkFixture& fixture);

/// Texts that have broken somebody's migration: empty, blanks, quotes, control characters, four-byte and combining
/// characters, right-to-left marks, look-alikes of NULL and of escapes, and one of a hundred thousand bytes.
MIGRATE_API std::vector<std::string> nasty_texts();

}  // namespace testing
MIGRATE_END
