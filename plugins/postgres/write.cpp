// How a chunk's rows get into their tables: new ones by COPY straight into the table, changed ones through a temporary
// table and set-based statements. When the server refuses something, everything is rolled back and done again piece by
// piece to find out which units are to blame.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "rows.hpp"
#include "stage.hpp"
#include "transaction.hpp"

namespace migrate::postgres {

namespace {

constexpr std::size_t flush_at = std::size_t{128} << 10;

}  // namespace

awaitable<WriteResult> Transaction::write(std::span<Operation> operations) {
  auto work = [&] { return write_all(operations); };
  co_return co_await on_pool(sink_->services(), work);
}

WriteResult Transaction::write_all(std::span<Operation> operations) {
  const std::vector<TypeGroup> groups = grouped(operations);
  effects_.assign(operations.size(), Effect::unchanged);
  isolating_ = false;
  failures_.clear();
  try {
    write_groups(operations, groups);
  } catch (const ServerError& error) {
    if (!error.about_data() || !connection_->usable()) throw;
    // Savepoints would give the rows other transaction ids than the journal's, so they serve for the search only,
    // of which nothing stays.
    isolating_ = true;
  }
  if (isolating_) {
    connection_->run("ROLLBACK");
    connection_->run("BEGIN");
    write_groups(operations, groups);
    if (failures_.empty()) {
      throw Error(ErrorKind::transient, "changed_meanwhile",
                  "PostgreSQL refused a chunk as a whole, but none of its rows by itself");
    }
  }
  WriteResult result;
  for (auto& [unit, failure] : failures_) result.failures.push_back({unit, failure.error});
  if (result.failures.empty()) result.effects = std::move(effects_);
  return result;
}

void Transaction::write_groups(std::span<Operation> operations, const std::vector<TypeGroup>& groups) {
  created_.clear();
  created_keys_.clear();
  keyless_.clear();
  for (const TypeGroup& group : groups) {
    create_rows(operations, group);
    merge_rows(operations, group);
  }
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) remove_rows(operations, *group);
}

template <class Action>
void Transaction::attempt(std::span<Operation> operations, const Target& target, Members members, Action action) {
  if (!isolating_) {
    action(members);
    return;
  }
  std::erase_if(members, [&](std::size_t i) { return failed(operations[i]); });
  // A refusal that names its row is found at once; else the piece is halved until the row is alone.
  std::size_t start = 0, step = members.size();
  while (start < members.size()) {
    const std::size_t end = std::min(start + step, members.size());
    const Members piece(members.begin() + static_cast<std::ptrdiff_t>(start),
                        members.begin() + static_cast<std::ptrdiff_t>(end));
    connection_->run("SAVEPOINT piece");
    try {
      action(piece);
      connection_->run("RELEASE SAVEPOINT piece");
      start = end;
      step = std::max<std::size_t>(step * 2, 1);
    } catch (const ServerError& error) {
      if (!error.about_data() || !connection_->usable()) throw;
      connection_->run("ROLLBACK TO SAVEPOINT piece");
      const std::size_t line = std::max(line_of(error, target.table.name), line_of(error, "_migrate_stage"));
      const bool named = line > 0 && line <= sent_.size();
      if (!named && piece.size() > 1) {
        step = piece.size() / 2;
        continue;
      }
      const auto culprit = named ? std::find(piece.begin(), piece.end(), sent_[line - 1]) : piece.begin();
      blame(operations, target, *culprit, error);
      const Members good(piece.begin(), culprit);
      if (!good.empty()) attempt(operations, target, good, action);
      start += good.size() + 1;
      step = std::max<std::size_t>(step / 2, 16);
    }
  }
}

void Transaction::blame(std::span<Operation> operations, const Target& target, std::size_t member,
                        const ServerError& error) {
  const Operation& operation = operations[member];
  if (error.sqlstate == "23505" && !target.key.empty()) {
    // Somebody else has made this row since it was looked up: the next attempt finds it.
    const std::vector<std::string> keys{operation.record().ref.id};
    const bool by_key = error.explanation.find("(" + target.column(target.key[0]).name) != std::string::npos;
    if (by_key && !target.key_is_link && operation.action() == Action::create &&
        !sink_->look_up(*connection_, target, keys)[0].is_null()) {
      throw Error(ErrorKind::transient, "changed_meanwhile",
                  fmt::format("{} was created by somebody else meanwhile", name_of(operation)));
    }
  }
  std::string what = error.primary;
  if (!error.explanation.empty()) what += " (" + error.explanation + ")";
  const Object* data = operation.record().data.if_object();
  const Value* value = data && !error.column.empty() ? data->if_contains(error.column) : nullptr;
  // COPY names the column and shows the value in its context only.
  const std::size_t column = error.context.find(", column ");
  if (column != std::string::npos)
    what += ", " + error.context.substr(column + 2, 120);
  else if (!error.column.empty())
    what += ", column " + error.column;
  if (value) what += ": " + excerpt(*value);
  Error failure(ErrorKind::invalid, error.cause,
                fmt::format("{}: table {}: {}", name_of(operation), target.table.qualified, what));
  failure.with_advice(error.advice);
  fail(operation, std::move(failure));
}

void Transaction::check_for_rivals(const Target& target, const ServerError& error) {
  if (error.sqlstate != "23505" || !target.generates()) return;
  if (error.explanation.find("(" + target.column(target.id).name + ")=(") == std::string::npos) return;
  throw Error(ErrorKind::transient, "id_taken",
              fmt::format("Somebody else took ids of {} meanwhile: {}", target.table.qualified, error.explanation));
}

void Transaction::create_rows(std::span<Operation> operations, const TypeGroup& group) {
  const Target& target = *group.target;
  // Columns that the server fills are named only where the records have them; the others get NULL either way.
  std::vector<int> always, sometimes;
  for (std::size_t i = 0; i < target.table.columns.size(); ++i) {
    const int column = static_cast<int>(i);
    if (target.column(column).generated) continue;
    const bool fills = target.column(column).filled && column != target.id && !is_identity(target, column);
    (fills ? sometimes : always).push_back(column);
  }
  std::map<std::vector<int>, Members> shapes;
  Members* last = nullptr;
  std::vector<int> shape;
  RowWriter writer(target, {}, connection_->raw_bytes());
  for (const std::size_t i : group.members) {
    const Operation& operation = operations[i];
    if (operation.action() != Action::create || (isolating_ && failed(operation))) continue;
    effects_[i] = Effect::created;
    if (!sometimes.empty()) {
      std::vector<int> columns = always;
      if (!writer.locate(operation)) {
        for (const int column : sometimes) {
          if (writer.cell(column)) columns.push_back(column);
        }
      }
      if (!last || columns != shape) last = &shapes[columns], shape = std::move(columns);
    } else if (!last) {
      last = &shapes[always];
    }
    last->push_back(i);
  }
  const std::string into = target.table.qualified;
  for (const auto& [columns, members] : shapes) {
    attempt(operations, target, members,
            [&, &wanted = columns](const Members& piece) { copy_rows(operations, target, wanted, piece, into); });
    for (const std::size_t i : members) {
      const Value& id = operations[i].target_id();
      if (target.integer_id() && id.is_int64())
        created_[target.type].push_back(id.get_int64());
      else if (!target.key.empty())
        created_keys_[target.type].push_back(key_text(id));
      else
        keyless_.insert(target.type);
    }
  }
}

void Transaction::copy_rows(std::span<Operation> operations, const Target& target, const std::vector<int>& columns,
                            const Members& members, const std::string& into) {
  RowWriter writer(target, columns, connection_->raw_bytes());
  const bool staged = into == stage;
  sent_.clear();
  connection_->begin_copy(fmt::format("COPY {} ({}{}) FROM STDIN", into, staged ? "_n, " : "", writer.column_list()));
  buffer_.clear();
  try {
    for (const std::size_t i : members) {
      const Operation& operation = operations[i];
      std::optional<Error> error = writer.locate(operation);
      if (!error) {
        const std::size_t before = buffer_.size();
        if (staged) {
          buffer_.number(static_cast<std::int64_t>(i));
          buffer_.tab();
        }
        error = writer.add(operation, buffer_);
        if (error) buffer_.shrink(before);
      }
      if (error) {
        fail(operation, std::move(*error));
        continue;
      }
      sent_.push_back(i);
      if (buffer_.size() >= flush_at) {
        connection_->put_copy(buffer_.data(), buffer_.size());
        buffer_.clear();
      }
    }
    connection_->put_copy(buffer_.data(), buffer_.size());
    connection_->end_copy();
  } catch (const ServerError& error) {
    check_for_rivals(target, error);
    throw;
  }
}

void Transaction::merge_rows(std::span<Operation> operations, const TypeGroup& group) {
  const Target& target = *group.target;
  RowWriter writer(target, {}, connection_->raw_bytes());
  std::unordered_map<std::string, std::size_t> seen;
  std::map<std::pair<std::size_t, std::vector<int>>, Members> shapes;
  for (const std::size_t i : group.members) {
    const Operation& operation = operations[i];
    const bool merges = operation.action() == Action::update || operation.action() == Action::patch;
    if (!merges || (isolating_ && failed(operation))) continue;
    if (operation.target_id().is_null()) {
      fail(operation, Error(ErrorKind::not_found, "missing_row",
                            fmt::format("{} is to be completed, but is not in table {}", name_of(operation),
                                        target.table.qualified)));
      continue;
    }
    if (auto error = writer.locate(operation)) {
      fail(operation, std::move(*error));
      continue;
    }
    std::vector<int> columns = target.identity();
    for (std::size_t c = 0; c < target.table.columns.size(); ++c) {
      const int column = static_cast<int>(c);
      const bool is_key = std::find(target.key.begin(), target.key.end(), column) != target.key.end();
      // An adopted row receives its natural key.
      const bool wanted =
          writer.cell(column) || (is_key && !target.key_is_link && operation.action() == Action::update);
      if (wanted && !is_identity(target, column) && !target.column(column).generated) columns.push_back(column);
    }
    // Two records about one row follow one another.
    const std::size_t turn = seen[key_text(operation.target_id())]++;
    shapes[{turn, std::move(columns)}].push_back(i);
  }
  for (const auto& [shape, members] : shapes) {
    attempt(operations, target, members,
            [&, &wanted = shape.second](const Members& piece) { merge(operations, target, wanted, piece); });
  }
}

void Transaction::merge(std::span<Operation> operations, const Target& target, const std::vector<int>& columns,
                        const Members& members) {
  Connection& db = *connection_;
  db.change("stage", stage_sql(target, columns));
  copy_rows(operations, target, columns, members, std::string(stage));
  const std::string joined = join_sql(target, "t", "s");
  const std::string differs = differs_any_sql(target, columns);
  const std::string& table = target.table.qualified;
  const Result found =
      db.run(fmt::format("SELECT s._n, t.ctid IS NULL FROM {} s LEFT JOIN {} t ON {} WHERE t.ctid IS NULL OR {}", stage,
                         table, joined, differs));
  bool changes = false;
  for (int row = 0; row < found.rows(); ++row) {
    const auto i = static_cast<std::size_t>(found.integer(row, 0));
    if (found.truth(row, 1)) {
      fail(operations[i], Error(ErrorKind::not_found, "missing_row",
                                fmt::format("{} should be row {} of table {}, which is not there",
                                            name_of(operations[i]), key_text(operations[i].target_id()), table)));
    } else {
      effects_[i] = Effect::updated;
      changes = true;
    }
  }
  if (changes) {
    const std::string own = sink_->journal().own_transactions(chunk_);
    db.change(
        "keep images",
        fmt::format(
            "INSERT INTO {} (chunk, tbl, type, row_id, removed, mine, previous) SELECT {}, {}, {}, {}::text, false, "
            "t.xmin::text::bigint IN {} OR t.xmin::text::bigint = "
            "(pg_current_xact_id()::text::numeric % 4294967296)::bigint, to_jsonb(t) FROM {} t JOIN {} s ON {} WHERE "
            "{} "
            "FOR UPDATE OF t",
            sink_->journal().undo, literal(chunk_), literal(target.table.name), literal(target.type),
            target.identity_sql("t"), own, table, stage, joined, differs));
    std::vector<std::string> assignments;
    for (const int column : columns) {
      if (is_identity(target, column)) continue;
      assignments.push_back(target.column(column).quoted + " = " + wanted_sql(target, column));
    }
    db.change("update", fmt::format("UPDATE {} t SET {} FROM {} s WHERE {} AND {}", table, fmt::join(assignments, ", "),
                                    stage, joined, differs));
  }
  db.run("DROP TABLE pg_temp._migrate_stage");
}

void Transaction::remove_rows(std::span<Operation> operations, const TypeGroup& group) {
  Members members;
  for (const std::size_t i : group.members) {
    const Operation& operation = operations[i];
    if (operation.action() != Action::remove || (isolating_ && failed(operation))) continue;
    effects_[i] = operation.target_id().is_null() ? Effect::absent : Effect::removed;
    if (!operation.target_id().is_null()) members.push_back(i);
  }
  if (members.empty()) return;
  attempt(operations, *group.target, members, [&](const Members& piece) {
    std::vector<std::string> ids;
    for (const std::size_t i : piece) ids.push_back(key_text(operations[i].target_id()));
    remove(*group.target, ids);
  });
}

void Transaction::remove(const Target& target, const std::vector<std::string>& ids) {
  // Rows that exist only as a part of these go with them.
  for (const std::string& type : sink_->types()) {
    const auto child = sink_->target(*connection_, type);
    if (!child->key_is_link || child->key_link_type != target.type) continue;
    const Parameters parents{text_array(ids)};
    const Result rows = connection_->run(
        fmt::format("SELECT {} FROM {} t WHERE {} = ANY($1::{}[])", child->identity_sql("t"), child->table.qualified,
                    child->column_sql("t", child->key[0]), child->column(child->key[0]).type),
        parents);
    std::vector<std::string> children;
    for (int row = 0; row < rows.rows(); ++row) children.push_back(rows.str(row, 0));
    if (!children.empty()) remove(*child, children);
  }
  const std::vector<int> identity = target.identity();
  std::string where = target.identity_sql("t") + "::text = ANY($1)";
  if (identity.size() == 1) {
    where = fmt::format("{} = ANY($1::{}[])", target.column_sql("t", identity[0]), target.column(identity[0]).type);
  }
  const Parameters rows{text_array(ids)};
  connection_->change(
      "keep images",
      fmt::format(
          "INSERT INTO {} (chunk, tbl, type, row_id, removed, mine, previous) SELECT {}, {}, {}, {}::text, true, "
          "t.xmin::text::bigint IN {}, to_jsonb(t) FROM {} t WHERE {} FOR UPDATE OF t",
          sink_->journal().undo, literal(chunk_), literal(target.table.name), literal(target.type),
          target.identity_sql("t"), sink_->journal().own_transactions(chunk_), target.table.qualified, where),
      rows);
  connection_->change("delete", fmt::format("DELETE FROM {} t WHERE {}", target.table.qualified, where), rows);
}

}  // namespace migrate::postgres
