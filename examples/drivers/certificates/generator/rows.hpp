// The rows of the legacy tables: each a pure function of (seed, table, index).
#pragma once

#include <cstdint>
#include <vector>

#include "cell.hpp"

namespace certificates {

/// How large the data set is; what is not given follows from the number of certificates.
struct Shape {
  std::uint64_t seed = 1;
  double dirt = 4.0;
  std::int64_t certificates = 5000, devices = 0, customers = 0, users = 0, technicians = 0;
  bool wide_keys = false;  ///< the last three certificates have keys beyond 32 bits

  static Shape of(std::int64_t certificates);
};

struct TableInfo {
  const char* name;
  std::vector<const char*> columns;  ///< the key first
};

enum class Table { customers, users, devices, certificates };
inline constexpr Table all_tables[] = {Table::customers, Table::users, Table::devices, Table::certificates};

const TableInfo& info(Table table);
std::int64_t count(const Shape& shape, Table table);

/// Keys have gaps: every 38th was deleted long ago.
std::int64_t key_of(std::int64_t index);
std::int64_t index_of(std::int64_t key);

/// The cells of a row, in the order of info(table).columns.
std::vector<Cell> make_row(const Shape& shape, Table table, std::int64_t index);

}  // namespace certificates
