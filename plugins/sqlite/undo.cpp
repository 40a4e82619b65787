// Rollback of one chunk: newest change first, and only what still is as this migration left it.
#include <fmt/format.h>


#include "sink.hpp"
#include "migrate/json.hpp"

namespace migrate::sqlite {

namespace {

struct Image {
  std::string type, action, image;
  Value address;
  std::optional<std::uint64_t> hash;
};

class Undo {
 public:
  Undo(Connection& connection, std::string chunk) : connection_(connection), chunk_(std::move(chunk)) {}

  UndoResult run() {
    Database& db = connection_.db();
    CreatedRows created;
    {
      Statement select = db.prepare("SELECT rows, hashes FROM _migrate_journal WHERE chunk=?");
      select.bind(1, std::string_view(chunk_));
      if (!db.step(select)) return result_;
      const std::string_view rows = select.text(0);
      const auto* hashes = static_cast<const char*>(sqlite3_column_blob(select.get(), 1));
      created = CreatedRows::parse(
          rows,
          std::string_view(hashes ? hashes : "", static_cast<std::size_t>(sqlite3_column_bytes(select.get(), 1))));
    }
    index_references();
    for (const Image& image : images()) restore(image);
    remove(created);
    for (const char* table : {"_migrate_undo", "_migrate_journal"}) {
      Statement drop = db.prepare(fmt::format("DELETE FROM {} WHERE chunk=?", table));
      drop.bind(1, std::string_view(chunk_));
      db.step(drop);
    }
    if (db.number("SELECT EXISTS(SELECT 1 FROM _migrate_journal)") == 0) drop_indexes();
    return std::move(result_);
  }

 private:
  std::vector<Image> images() {
    Statement select = connection_.db().prepare(
        "SELECT type, action, image, address, hash FROM _migrate_undo WHERE chunk=? ORDER BY seq DESC");
    select.bind(1, std::string_view(chunk_));
    std::vector<Image> found;
    while (connection_.db().step(select)) {
      Image image;
      image.type = select.text(0);
      image.action = select.text(1);
      image.image = select.text(2);
      image.address = parse_json(select.text(3));
      if (select.type(4) != SQLITE_NULL) image.hash = static_cast<std::uint64_t>(select.integer(4));
      found.push_back(std::move(image));
    }
    return found;
  }

  void keep(const std::string& type, const Value& address, const std::string& why) {
    Finding finding;
    finding.record.type = type;
    finding.record.id =
        address.is_string() ? std::string(address.get_string()) : fmt::format("{}", shown_address(address));
    finding.message = why;
    result_.kept.push_back(std::move(finding));
  }
  static std::string shown_address(const Value& address) {
    return address.is_int64() ? std::to_string(address.get_int64()) : std::string("?");
  }

  void restore(const Image& image) {
    TableAccess* table = connection_.find(image.type);
    if (!table) return keep(image.type, image.address, "its table is gone");
    std::vector<Cell> now;
    const bool there = table->seek(image.address, now);
    const std::uint64_t hash = there ? hash_row(now) : 0;
    table->release();
    std::vector<std::string> scratch;
    const std::vector<std::pair<int, Cell>> cells = cells_of_image(table->table(), image.image, scratch);
    std::vector<Cell> row(table->table().columns.size());
    std::vector<int> columns;
    for (const auto& [column, cell] : cells) {
      row[static_cast<std::size_t>(column)] = cell;
      columns.push_back(column);
    }
    if (image.action == "update") {
      if (!there) return keep(image.type, image.address, "somebody has removed it since");
      if (!image.hash || *image.hash != hash) return keep(image.type, image.address, "somebody has changed it since");
    } else if (there) {
      return keep(image.type, image.address, "somebody has made a row in its place since");
    }
    try {
      if (image.action == "update")
        table->update(image.address, columns, row);
      else
        table->insert(row);
      ++result_.restored;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::internal || error.kind() == ErrorKind::transient) throw;
      keep(image.type, image.address, fmt::format("its former content cannot be put back: {}", error.what()));
    }
  }

  /// Rows can refer to one another, so what is refused is tried again until nothing moves any more.
  void remove(const CreatedRows& created) {
    struct Waiting {
      TableAccess* table;
      const CreatedRows::Row* row;
      const std::string* type;
    };
    std::vector<Waiting> waiting;
    for (auto group = created.groups().rbegin(); group != created.groups().rend(); ++group) {
      TableAccess* table = connection_.find(group->type);
      for (auto row = group->rows.rbegin(); row != group->rows.rend(); ++row) {
        if (!table) {
          keep(group->type, row->address, "its table is gone");
          continue;
        }
        std::vector<Cell> now;
        const bool there = table->seek(row->address, now);
        const bool ours = there && hash_row(now) == row->hash;
        table->release();
        // Somebody was here first: what is gone is undone.
        if (!there) continue;
        if (!ours)
          keep(group->type, row->address, "somebody has changed it since");
        else
          waiting.push_back(Waiting{table, &*row, &group->type});
      }
    }
    for (bool moved = true; moved && !waiting.empty();) {
      moved = false;
      std::vector<Waiting> refused;
      for (const Waiting& each : waiting) {
        try {
          each.table->remove(each.row->address);
          ++result_.removed;
          moved = true;
        } catch (const Error& error) {
          if (error.cause != "still_referenced") throw;
          refused.push_back(each);
        }
      }
      waiting.swap(refused);
    }
    if (waiting.empty()) return;
    // Rings: all of them at once, then asked whether anybody outside still refers to one.
    Database& db = connection_.db();
    db.execute("SAVEPOINT ring; PRAGMA defer_foreign_keys=ON");
    for (const Waiting& each : waiting) each.table->remove(each.row->address);
    int open = 0, unused = 0;
    sqlite3_db_status(db.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &open, &unused, 0);
    if (open == 0) {
      result_.removed += waiting.size();
      db.execute("RELEASE ring; PRAGMA defer_foreign_keys=OFF");
      return;
    }
    db.execute("ROLLBACK TO ring; RELEASE ring; PRAGMA defer_foreign_keys=OFF");
    for (const Waiting& each : waiting)
      keep(*each.type, each.row->address, "rows that are not this migration's, or were changed since, refer to it");
  }

  /// SQLite looks for rows that refer to a removed one; without an index it would read the whole table for each.
  void index_references() {
    Database& db = connection_.db();
    for (const std::string& type : connection_.targets().types()) {
      const TargetTable* table = connection_.targets().find(type);
      if (!table) continue;
      const TableInfo info = table_info(db, table->name).value();
      for (const auto& [column, parent] : table->references) {
        const std::string& name = table->columns[static_cast<std::size_t>(column)].name;
        if (info.is_indexed({name})) continue;
        db.execute(fmt::format("CREATE INDEX {} ON {}({})", sql_name(fmt::format("_migrate_{}_{}", table->name, name)),
                               sql_name(table->name), sql_name(name)));
      }
    }
  }
  void drop_indexes() {
    for (const std::string& name : connection_.db().words("SELECT name FROM sqlite_schema WHERE type='index' AND name "
                                                          "LIKE '\\_migrate\\_%' ESCAPE '\\' AND sql IS NOT "
                                                          "NULL"))
      connection_.db().execute("DROP INDEX " + sql_name(name));
  }

  Connection& connection_;
  std::string chunk_;
  UndoResult result_;
};

}  // namespace

UndoResult undo_chunk(Connection& connection, const std::string& chunk) { return Undo(connection, chunk).run(); }

}  // namespace migrate::sqlite
