// What the target itself keeps of a migration, committed with the rows: which chunks arrived, what each of them made,
// and the images of what it replaced.
//
//   _migrate_journal  one row a chunk: its receipt (until the next chunk of the same stream), the addresses of the rows
//                     that it made (integers as ranges) and, in the same order, eight bytes of hash for each
//   _migrate_undo     one row for each row that a chunk changed or removed: what was there, and the hash after
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell.hpp"
#include "migrate/record.hpp"
#include "target.hpp"

namespace migrate::sqlite {

/// Rows that one chunk made, by type.
class CreatedRows {
 public:
  struct Row {
    Value address;
    std::uint64_t hash = 0;
  };
  struct Group {
    std::string type;
    std::vector<Row> rows;
  };

  void add(const std::string& type, const Value& address, std::uint64_t hash);
  const std::vector<Group>& groups() const noexcept { return groups_; }

  std::string addresses() const;
  std::string hashes() const;
  static CreatedRows parse(std::string_view addresses, std::string_view hashes);

 private:
  std::vector<Group> groups_;
};

/// A row's present or former content as JSON: names and values, texts that are not UTF-8 told from blobs.
std::string image_of(const TargetTable& table, const std::vector<Cell>& cells, const std::vector<int>& columns);
/// Column and value; the bytes of the cells live in `scratch`.
std::vector<std::pair<int, Cell>> cells_of_image(const TargetTable& table, std::string_view image,
                                                 std::vector<std::string>& scratch);

/// Makes the journal's tables where they are absent.
void create_journal(Database& db);
bool has_journal(const Database& db);

}  // namespace migrate::sqlite
