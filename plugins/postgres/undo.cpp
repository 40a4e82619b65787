// Taking a chunk back: what it changed is restored, what it made is removed, what it removed returns; rows that
// somebody has changed since stay as they are.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/serialize.hpp>

#include "sink.hpp"
#include "migrate/json.hpp"

namespace migrate::postgres {

namespace {

constexpr std::string_view this_transaction = "(pg_current_xact_id()::text::numeric % 4294967296)::bigint";

class Undo {
 public:
  Undo(PostgresSink& sink, Connection& connection, const std::string& chunk)
      : sink_(sink), db_(connection), journal_(sink.journal()), chunk_(chunk), own_(journal_.own_transactions(chunk)) {}

  UndoResult run() {
    if (!journal_.exists(db_)) return {};
    db_.run("BEGIN");
    const Parameters name{chunk_};
    const Result found =
        db_.run(fmt::format("SELECT rows FROM {} WHERE chunk = $1 AND NOT undoing FOR UPDATE", journal_.chunks), name);
    if (found.rows() == 0) {
      db_.run("ROLLBACK");
      return {};
    }
    const Value rows = found.null(0, 0) ? Value(Object()) : parse_json(found.text(0, 0));
    // Rows that were restored will carry this transaction's id: this and older chunks must know it as ours.
    db_.change("note undo",
               fmt::format("INSERT INTO {} (chunk, xid, undoing) VALUES ({} || {}::text, {}, true)", journal_.chunks,
                           literal(state_of(chunk_) + "~undo/"), this_transaction, this_transaction));
    drop_own_foreign_keys();
    const std::vector<std::string> types = sink_.types();
    for (const std::string& type : types) restore_changed(type);
    for (auto type = types.rbegin(); type != types.rend(); ++type) {
      if (const Value* made = rows.as_object().if_contains(*type)) remove_created(*type, *made);
    }
    for (const std::string& type : types) return_removed(type);
    forget();
    db_.change("commit", "COMMIT");
    return std::move(result_);
  }

 private:
  // What refers to a table: checked here by one join for all rows. The server's own check would look at every row of
  // the referring table for each row that goes, since such columns seldom have an index; finish() adds them again.
  void drop_own_foreign_keys() {
    for (const std::string& type : sink_.types()) {
      const auto target = sink_.target(db_, type);
      const Parameters name{target->table.name};
      if (db_.run(fmt::format("SELECT 1 FROM {} WHERE kind = 'table' AND name = $1", journal_.objects), name).rows() ==
          0) {
        continue;
      }
      for (const auto& [column, referred] : target->config.references) {
        db_.change("drop foreign key",
                   fmt::format("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}", target->table.qualified,
                               quote_name(target->table.name + "_" + column + "_fkey")));
      }
    }
  }

  struct Reference {
    std::string child;      ///< qualified
    std::string condition;  ///< between the child row "c" and the row "t"
    bool self;
  };

  std::vector<Reference> references_to(const Target& target) {
    std::vector<Reference> references;
    const std::vector<int> identity = target.identity();
    for (const std::string& type : sink_.types()) {
      const auto child = sink_.target(db_, type);
      for (const auto& [column, referred] : child->config.references) {
        if (referred != target.type || identity.size() != 1) continue;
        references.push_back({child->table.qualified,
                              fmt::format("c.{} = {}", quote_name(column), target.column_sql("t", identity[0])),
                              type == target.type});
      }
    }
    const Parameters name{target.table.qualified};
    const Result found = db_.run(
        "SELECT k.conrelid::regclass::text, (SELECT string_agg(format('c.%I = t.%I', a.attname, b.attname), ' AND ') "
        "FROM unnest(k.conkey, k.confkey) u(x, y) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.x "
        "JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.y), k.conrelid = k.confrelid "
        "FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = $1::regclass",
        name);
    for (int row = 0; row < found.rows(); ++row) {
      references.push_back({found.str(row, 0), found.str(row, 1), found.truth(row, 2)});
    }
    return references;
  }

  void keep(const Target& target, const Result& rows, const std::string& message) {
    for (int row = 0; row < rows.rows(); ++row) {
      Finding finding;
      finding.record = {target.type, rows.str(row, 0)};
      finding.message = message;
      result_.kept.push_back(std::move(finding));
    }
  }

  static std::string list(const Target& target, std::string_view alias, bool with_identity, bool assign) {
    std::vector<std::string> parts;
    const std::vector<int> identity = target.identity();
    for (std::size_t i = 0; i < target.table.columns.size(); ++i) {
      const int column = static_cast<int>(i);
      const bool identifies = std::find(identity.begin(), identity.end(), column) != identity.end();
      if (target.column(column).generated || (identifies && !with_identity)) continue;
      const std::string value = alias.empty() ? target.column(column).quoted : target.column_sql(alias, column);
      parts.push_back(assign ? target.column(column).quoted + " = " + value : value);
    }
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  static std::string same_row(const Target& target) {
    std::vector<std::string> parts;
    for (const int column : target.identity()) {
      parts.push_back(target.column_sql("t", column) + " = " + target.column_sql("p", column));
    }
    return fmt::format("{}", fmt::join(parts, " AND "));
  }

  // The oldest image of each row, as rows of the table.
  std::string images(const Target& target, bool removed) const {
    return fmt::format(
        "(SELECT DISTINCT ON (row_id) row_id, mine, previous FROM {} WHERE chunk = {} AND type = {} AND "
        "removed = {} ORDER BY row_id, seq) i CROSS JOIN LATERAL jsonb_populate_record(NULL::{}, "
        "i.previous) p",
        journal_.undo, literal(chunk_), literal(target.type), removed, target.table.qualified);
  }

  bool has_images(const std::string& type, bool removed) {
    const Parameters which{chunk_, type};
    return db_.run(fmt::format("SELECT 1 FROM {} WHERE chunk = $1 AND type = $2 AND removed = {} LIMIT 1",
                               journal_.undo, removed),
                   which)
               .rows() > 0;
  }

  /// Rows that were not this migration's before are restored under a savepoint: they get another transaction id than
  /// the one that is noted as ours, so that no older chunk takes them for its own.
  template <class Restore>
  void restore(Restore statement) {
    result_.restored += db_.change("restore", statement("i.mine")).affected();
    db_.run("SAVEPOINT theirs");
    result_.restored += db_.change("restore", statement("NOT i.mine")).affected();
    db_.run("RELEASE SAVEPOINT theirs");
  }

  void restore_changed(const std::string& type) {
    if (!has_images(type, false)) return;
    const auto target = sink_.target(db_, type);
    const std::string& table = target->table.qualified;
    const std::string ours = fmt::format("t.xmin::text::bigint IN {}", own_);
    keep(*target,
         db_.run(fmt::format("SELECT i.row_id FROM {} LEFT JOIN {} t ON {} WHERE t.ctid IS NULL OR NOT {}",
                             images(*target, false), table, same_row(*target), ours)),
         "was changed by the migration and changed or removed by somebody else since");
    restore([&](std::string_view which) {
      return fmt::format("UPDATE {} t SET {} FROM {} WHERE {} AND {} AND {}", table, list(*target, "p", false, true),
                         images(*target, false), same_row(*target), ours, which);
    });
  }

  void remove_created(const std::string& type, const Value& made) {
    const auto target = sink_.target(db_, type);
    const std::string& table = target->table.qualified;
    if (made.is_bool()) {  // nothing tells the rows of such a table apart but the transaction that made them
      result_.removed +=
          db_.change("delete", fmt::format("DELETE FROM {} t WHERE t.xmin::text::bigint = (SELECT xid FROM "
                                           "{} WHERE chunk = {})",
                                           table, journal_.chunks, literal(chunk_)))
              .affected();
      return;
    }
    const bool ranges = !made.as_array().empty() && made.as_array()[0].is_array();
    const std::string identity = list_identity(*target, "t");
    const Parameters rows{boost::json::serialize(made)};
    const std::string among =
        ranges ? fmt::format(
                     "jsonb_array_elements($1::jsonb) r JOIN {} t ON {} BETWEEN (r.value ->> 0)::bigint AND "
                     "(r.value ->> 1)::bigint",
                     table, identity)
               : fmt::format("{} t JOIN jsonb_array_elements_text($1::jsonb) r ON {} = r.value", table,
                             target->key_sql("t"));
    const std::string ours = fmt::format("t.xmin::text::bigint IN {}", own_);
    keep(*target, db_.run(fmt::format("SELECT {} FROM {} WHERE NOT {}", shown(*target), among, ours), rows),
         "was made by the migration and changed by somebody else since");
    db_.run("DROP TABLE IF EXISTS pg_temp._migrate_doomed");
    db_.run(fmt::format("CREATE TEMPORARY TABLE _migrate_doomed ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0", identity,
                        table + " t"));
    db_.run(fmt::format("INSERT INTO pg_temp._migrate_doomed SELECT {} FROM {} WHERE {}", identity, among, ours), rows);
    db_.run("ANALYZE pg_temp._migrate_doomed");
    spare_referred(*target);
    result_.removed += db_.change("delete", fmt::format("DELETE FROM {} t USING pg_temp._migrate_doomed p WHERE {}",
                                                        table, same_row(*target)))
                           .affected();
  }

  // A row that others refer to stays; and so on, for rows of the same table that refer to one another.
  void spare_referred(const Target& target) {
    const std::vector<Reference> references = references_to(target);
    bool again = true;
    while (again) {
      again = false;
      for (const Reference& reference : references) {
        std::string condition = reference.condition;
        if (reference.self) {
          std::vector<std::string> parts;
          for (const int column : target.identity()) {
            parts.push_back(fmt::format("x.{0} = c.{0}", target.column(column).quoted));
          }
          condition += fmt::format(" AND NOT EXISTS (SELECT 1 FROM pg_temp._migrate_doomed x WHERE {})",
                                   fmt::join(parts, " AND "));
        }
        const Result spared = db_.run(fmt::format(
            "WITH spared AS (DELETE FROM pg_temp._migrate_doomed p USING {} t WHERE {} AND EXISTS (SELECT 1 FROM {} c "
            "WHERE {}) RETURNING {} AS shown) SELECT shown FROM spared",
            target.table.qualified, same_row(target), reference.child, condition, shown(target)));
        keep(target, spared, fmt::format("was made by the migration, and a row of {} refers to it", reference.child));
        again = again || (spared.rows() > 0 && reference.self);
      }
    }
  }

  void return_removed(const std::string& type) {
    if (!has_images(type, true)) return;
    const auto target = sink_.target(db_, type);
    const std::string& table = target->table.qualified;
    keep(*target,
         db_.run(
             fmt::format("SELECT i.row_id FROM {} JOIN {} t ON {}", images(*target, true), table, same_row(*target))),
         "was removed by the migration and made anew by somebody else since");
    restore([&](std::string_view which) {
      return fmt::format(
          "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} WHERE {} ON CONFLICT DO NOTHING", table,
          list(*target, "", true, false), list(*target, "p", true, false), images(*target, true), which);
    });
  }

  void forget() {
    const Parameters name{chunk_};
    db_.change("forget images", fmt::format("DELETE FROM {} WHERE chunk = $1", journal_.undo), name);
    db_.change("forget chunk", fmt::format("DELETE FROM {} WHERE chunk = $1", journal_.chunks), name);
    const std::string state = starts_with_sql("chunk", state_of(chunk_));
    db_.change("note undo", fmt::format("DELETE FROM {0} WHERE undoing AND {1} AND NOT EXISTS (SELECT 1 FROM {0} WHERE "
                                        "NOT undoing AND {1})",
                                        journal_.chunks, state));
  }

  static std::string list_identity(const Target& target, std::string_view alias) {
    std::vector<std::string> parts;
    for (const int column : target.identity()) parts.push_back(target.column_sql(alias, column));
    return fmt::format("{}", fmt::join(parts, ", "));
  }
  static std::string shown(const Target& target) {
    return target.key.empty() ? "t.ctid::text" : "coalesce(" + target.key_sql("t") + ", '')";
  }

  PostgresSink& sink_;
  Connection& db_;
  const Journal& journal_;
  const std::string& chunk_;
  std::string own_;
  UndoResult result_;
};

}  // namespace

UndoResult undo_chunk(PostgresSink& sink, Connection& connection, const std::string& chunk) {
  return Undo(sink, connection, chunk).run();
}

}  // namespace migrate::postgres
