#include "journal.hpp"

#include <boost/json/serialize.hpp>
#include <cstring>

#include "migrate/base64.hpp"
#include "migrate/json.hpp"
#include "values.hpp"

namespace migrate::sqlite {

void CreatedRows::add(const std::string& type, const Value& address, std::uint64_t hash) {
  if (groups_.empty() || groups_.back().type != type) groups_.push_back(Group{type, {}});
  groups_.back().rows.push_back(Row{detached(address), hash});
}

std::string CreatedRows::addresses() const {
  Array out;
  for (const Group& group : groups_) {
    Array ranges;
    for (const Row& row : group.rows) {
      if (!row.address.is_int64()) {
        ranges.emplace_back(row.address);
        continue;
      }
      const std::int64_t id = row.address.get_int64();
      Array* last = !ranges.empty() && ranges.back().is_array() ? &ranges.back().get_array() : nullptr;
      if (last && id != INT64_MIN && last->at(1).as_int64() == id - 1)
        last->at(1) = id;
      else
        ranges.emplace_back(Array{id, id});
    }
    Object entry;
    entry.emplace("type", group.type);
    entry.emplace("rows", std::move(ranges));
    out.emplace_back(std::move(entry));
  }
  return boost::json::serialize(out);
}

std::string CreatedRows::hashes() const {
  std::string bytes;
  for (const Group& group : groups_)
    for (const Row& row : group.rows)
      for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(row.hash >> shift & 0xFFU);
  return bytes;
}

CreatedRows CreatedRows::parse(std::string_view addresses, std::string_view hashes) {
  CreatedRows result;
  std::size_t at = 0;
  const auto next_hash = [&] {
    std::uint64_t hash = 0;
    for (int shift = 0; shift < 64 && at < hashes.size(); shift += 8)
      hash |= static_cast<std::uint64_t>(static_cast<unsigned char>(hashes[at++])) << shift;
    return hash;
  };
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  const Value parsed = parse_json(addresses, boost::json::storage_ptr(), options);
  for (const Value& entry : parsed.as_array()) {
    const std::string type(entry.at("type").as_string());
    for (const Value& row : entry.at("rows").as_array()) {
      if (!row.is_array()) {
        result.add(type, row, next_hash());
        continue;
      }
      const std::int64_t last = row.as_array().at(1).as_int64();
      for (std::int64_t id = row.as_array().at(0).as_int64();; ++id) {
        result.add(type, id, next_hash());
        if (id == last) break;
      }
    }
  }
  return result;
}

std::string image_of(const TargetTable& table, const std::vector<Cell>& cells, const std::vector<int>& columns) {
  Object image;
  for (int column : columns) {
    const auto at = static_cast<std::size_t>(column);
    const Cell& cell = cells[at];
    Value value;
    if (cell.kind == Cell::Kind::text && !valid_utf8(cell.bytes))
      value.emplace_object().emplace("$text", base64_encode(cell.bytes));
    else
      value = value_of(cell);
    image.emplace(table.columns[at].name, std::move(value));
  }
  return boost::json::serialize(image);
}

std::vector<std::pair<int, Cell>> cells_of_image(const TargetTable& table, std::string_view image,
                                                 std::vector<std::string>& scratch) {
  const Value parsed = parse_json(image);
  std::vector<std::pair<int, Cell>> cells;
  scratch.clear();
  // Grown once: cells point into its strings.
  scratch.reserve(parsed.as_object().size());
  for (const auto& field : parsed.as_object()) {
    const int column = table.column(field.key());
    if (column < 0) continue;
    const Value& value = field.value();
    Cell cell;
    if (value.is_int64()) {
      cell.kind = Cell::Kind::integer;
      cell.integer = value.get_int64();
    } else if (value.is_double()) {
      cell.kind = Cell::Kind::real;
      cell.real = value.get_double();
    } else if (value.is_string()) {
      cell.kind = Cell::Kind::text;
      cell.bytes = scratch.emplace_back(value.get_string());
    } else if (std::optional<std::string> bytes = binary_of(value)) {
      cell.kind = Cell::Kind::blob;
      cell.bytes = scratch.emplace_back(std::move(*bytes));
    } else if (value.is_object() && value.get_object().contains("$text")) {
      cell.kind = Cell::Kind::text;
      std::string& text = scratch.emplace_back();
      if (!base64_decode(value.at("$text").as_string(), text)) text.clear();
      cell.bytes = text;
    } else if (value.is_object()) {
      cell.kind = Cell::Kind::real;
      cell.real = value.at("$numberDouble").as_string() == "-Infinity" ? -__builtin_inf() : __builtin_inf();
    }
    cells.emplace_back(column, cell);
  }
  return cells;
}

void create_journal(Database& db) {
  db.execute(
      "CREATE TABLE IF NOT EXISTS _migrate_journal("
      "chunk TEXT PRIMARY KEY NOT NULL, seq INTEGER NOT NULL UNIQUE, receipt TEXT, rows TEXT NOT NULL, "
      "hashes BLOB NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS _migrate_undo("
      "chunk TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL, "
      "image TEXT NOT NULL, hash INTEGER, PRIMARY KEY(chunk, seq)) WITHOUT ROWID");
}

bool has_journal(const Database& db) {
  return db.number("SELECT count(*) FROM sqlite_schema WHERE name IN ('_migrate_journal', '_migrate_undo')") == 2;
}

}  // namespace migrate::sqlite
