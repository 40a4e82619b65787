// What connectors of relational databases share: how tables are described in a migration file and between source and
// sink, and how a natural key becomes RecordRef::id.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/config_spec.hpp"
#include "migrate/record.hpp"
#include "migrate/source.hpp"

MIGRATE_BEGIN

/// From the words of a migration file: boolean, integer, bigint, real, double, numeric, text, timestamptz, timestamp,
/// date, bytea, binary, json, jsonb, any. Throws Error(invalid) that lists them.
MIGRATE_API ColumnType column_type_from(std::string_view word);

/// A table to be read (`source.tables[]`).
struct SourceTable {
  std::string table;
  std::string type;                  ///< of the records; default: the table's name
  std::vector<std::string> key;      ///< default: the primary key
  std::vector<std::string> columns;  ///< default: all
  std::string where;                 ///< an SQL condition
  int rank = 0;
  int partitions = 1;                ///< by key range; only where the key is one integer column
  bool revisit = false;              ///< read once more after the rest; see Partition::revisit
};
MIGRATE_API Spec<SourceTable> source_table_spec();

/// "True as well when any row of `table` that refers to this one by column `by` has these values."
struct FlagRule {
  std::string table, by;
  std::map<std::string, std::string> where;
};

/// A table to be written (`sink.tables.<type>`).
struct SinkTable {
  std::string table;                               ///< default: the type
  std::string id;                                  ///< the generated id column; empty: the key is carried over
  std::vector<std::string> key;                    ///< the natural key, which receives RecordRef::id
  std::map<std::string, std::string> columns;      ///< name to type word; only needed to create the table
  std::vector<std::string> column_order;           ///< as written in the file; filled by the spec
  std::vector<std::string> not_null;
  std::vector<std::vector<std::string>> unique;    ///< beyond id and key
  std::map<std::string, std::string> references;   ///< column to type
  std::map<std::string, std::string> defaults;     ///< column to SQL literal, when the table is created
  std::map<std::string, FlagRule> flags_from;
};
MIGRATE_API Spec<SinkTable> sink_table_spec();

/// Types such that each comes after those that it refers to (self references and cycles aside), stable otherwise.
MIGRATE_API std::vector<std::string> dependency_order(const std::map<std::string, SinkTable>& tables);

/// One column: its text. Several: joined by '|', with '|' and '\' escaped by '\'. NULL in a key: Error(invalid).
MIGRATE_API std::string join_key(const std::vector<std::string>& parts);
MIGRATE_API std::vector<std::string> split_key(std::string_view id);

MIGRATE_END
