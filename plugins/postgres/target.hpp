// A table that the sink writes: configuration and catalog brought together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog.hpp"
#include "config.hpp"
#include "migrate/sink.hpp"

namespace migrate::postgres {

/// A boolean column that is true as well when rows of another table say so.
struct Flag {
  int column = -1;
  std::string exists;  ///< SQL condition on the row "t"
};

struct Target {
  std::string type;
  SinkTable config;
  CatalogTable table;
  int id = -1;               ///< column of the generated id; -1: the natural key is the id
  std::vector<int> key;      ///< columns of the natural key; empty: none, rows are only added
  bool integer_key = false;  ///< one column, an integer
  bool key_indexed = false;  ///< some index begins with the key's first column
  bool key_is_link = false;  ///< the key's column holds the id of another type's row
  std::string key_link_type;
  std::string sequence;  ///< behind the id, qualified; may be empty
  std::vector<Flag> flags;

  const CatalogColumn& column(int index) const { return table.columns[static_cast<std::size_t>(index)]; }
  bool generates() const { return id >= 0; }
  /// t."a", t."b" of the natural key.
  std::string key_list(std::string_view alias = "t") const;
  /// SQL for the natural key of the row `alias` as one text, the way join_key() writes it.
  std::string key_sql(std::string_view alias) const;
  /// SQL for what identifies a row: the generated id or the natural key.
  std::string identity_sql(std::string_view alias) const {
    return generates() ? column_sql(alias, id) : key_sql(alias);
  }
  std::string column_sql(std::string_view alias, int index) const;
  /// The columns that identify a row: the generated id's or the natural key's.
  std::vector<int> identity() const { return generates() ? std::vector<int>{id} : key; }
  /// A row's id as the engine knows it, from what the server sent.
  Value id_value(std::string_view text) const;
  /// True when the id is one integer column.
  bool integer_id() const { return generates() || integer_key; }
};

/// The journal and undo tables of a schema.
struct Journal {
  explicit Journal(const std::string& schema);
  std::string chunks, undo, objects;  ///< qualified names
  /// SQL for the set of transaction ids of the state that `chunk` belongs to, as xmin shows them.
  std::string own_transactions(const std::string& chunk) const;
  /// Creates what is absent.
  void create(Connection& connection) const;
  bool exists(Connection& connection) const;
};

/// "<state>/" of a chunk's name.
std::string state_of(const std::string& chunk);
/// A chunk's name up to and with the last '/'.
std::string partition_of(const std::string& chunk);
/// SQL condition: `column` starts with `prefix` (compared byte by byte).
std::string starts_with_sql(std::string_view column, const std::string& prefix);

/// SQL condition: the columns differ; `left` and `right` are expressions of the column's type.
std::string differs_sql(const CatalogColumn& column, const std::string& left, const std::string& right);

}  // namespace migrate::postgres
