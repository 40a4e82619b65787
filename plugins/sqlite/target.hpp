// The target's tables: what the configuration, the source's schema and the database say about each, and the SQL that
// creates what is absent.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell.hpp"
#include "config.hpp"
#include "migrate/source.hpp"

namespace migrate::sqlite {

struct TargetTable {
  std::string type, name;
  SinkTable config;
  std::vector<TargetColumn> columns;  ///< those that can be written, in the database's order
  int id = -1;                        ///< the generated id's column; -1: rows are addressed by their key
  std::vector<int> key;               ///< the natural key's columns
  bool key_is_reference = false;      ///< the natural key is the id of another row
  bool integer_key = false;           ///< one column of integers
  std::vector<std::pair<int, std::string>> references;  ///< column and the type that it refers to
  /// A flag and "SELECT EXISTS(… by=?)" with the values that count bound behind the row's address.
  struct Flag {
    int column;
    std::string exists;
    std::vector<std::string> values;
  };
  std::vector<Flag> flags;

  /// -1: there is none.
  int column(std::string_view column_name) const;
  /// Whether rows are addressed by one integer.
  bool integer_address() const noexcept { return id >= 0 || integer_key; }
  std::vector<int> address() const { return id >= 0 ? std::vector<int>{id} : key; }
  std::string address_condition() const;
  std::string key_condition() const;
  std::string column_list() const;
  std::vector<std::string> column_names() const;
};

class Targets {
 public:
  /// What the database has of it now. With no tables in the configuration: `schemas`, or all of the database's tables.
  Targets(const Database& db, const SinkConfig& config, const std::vector<TableSchema>& schemas);

  /// Null where the type has no table (yet).
  const TargetTable* find(std::string_view type) const;
  /// Throws Error(not_found) naming the nearest type.
  const TargetTable& at(std::string_view type) const;
  /// Each after those that it refers to.
  const std::vector<std::string>& types() const noexcept { return types_; }
  /// Types whose table is absent, in that order.
  std::vector<std::string> absent() const;
  const SinkTable& wanted(const std::string& type) const { return wanted_.at(type); }
  /// Throws Error(invalid) when too little is known about the table.
  std::string create_sql(const std::string& type) const;
  /// Indexes that flags_from needs and rollback profits from, for tables that this migration creates.
  std::vector<std::string> index_sql(const std::string& type) const;

 private:
  void load(const Database& db, const std::string& type);
  void add_flags(TargetTable& table) const;

  std::string file_;
  std::map<std::string, SinkTable> wanted_;
  std::vector<std::string> types_;
  std::map<std::string, TargetTable, std::less<>> tables_;
};

}  // namespace migrate::sqlite
