// Where records come from. (Reader's file 2 of 5.)
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"

MIGRATE_BEGIN

/// The types that every relational connector maps to its own. `any`: whatever the value is (SQLite without affinity).
enum class ColumnType { boolean, integer, real, numeric, text, timestamp, date, binary, json, any };
MIGRATE_API std::string_view to_string(ColumnType type) noexcept;
struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  bool nullable = true;
};

/// A table as a source has it, so that a sink can create its like. `key` is empty where the table has none.
struct TableSchema {
  std::string type;
  std::vector<Column> columns;
  std::vector<std::string> key;
};

/// One named preflight check, as `migrate check` lists it.
struct Check {
  std::string name;
  bool passed = false;
  std::string message;  ///< what was found
  std::string advice;   ///< what to do when it did not pass
};

/// Bytes of a blob, in order. read() returns at most `limit` bytes; empty means the end.
class MIGRATE_API ByteStream {
 public:
  virtual ~ByteStream();
  virtual awaitable<std::string> read(std::size_t limit) = 0;
};

struct SourceTraits {
  bool fetches = false;      ///< fetch() works: failed records are retried with their content of then
  bool incremental = false;  ///< the cursor of a finished partition yields what changed since; else a delta reads all
  bool blobs = false;
};

/// A system that is read from. It keeps no state but its connection: everything that a read depends on is in its
/// arguments. All calls come from the run's strand, and one call at a time per partition; blocking work goes through
/// on_pool(). Errors are thrown as migrate::Error. Cancellation of the run reaches every await.
class MIGRATE_API Source {
 public:
  virtual ~Source();
  virtual SourceTraits traits() const;

  /// Harmless and complete: reachability, credentials, rights, tables and columns. Every finding, not only the first.
  virtual awaitable<std::vector<Check>> check() = 0;

  /// What the types look like, so that a sink can create its like. Default: nothing.
  virtual awaitable<std::vector<TableSchema>> schemas();

  /// In the same order at every call on unchanged data.
  virtual awaitable<std::vector<Partition>> partitions() = 0;

  /// Records after `from`, about `limit` of them. The same arguments give the same records while the source is
  /// unchanged: a retry or a resumed run repeats the call. Records of a partition come in one stable order.
  virtual awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) = 0;

  /// The present content of these records; those that are gone are left out. Default: Error(unsupported).
  virtual awaitable<RecordBatch> fetch(std::vector<RecordRef> refs);

  /// The bytes of a blob, fetched when they are needed. Default: Error(unsupported).
  virtual awaitable<std::unique_ptr<ByteStream>> open(Blob blob);
};

MIGRATE_END
