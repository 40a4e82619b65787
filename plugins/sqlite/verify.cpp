// Records against rows: what would be lost (preview) and what differs (verify).
#include <fmt/format.h>

#include "sink.hpp"

namespace migrate::sqlite {

namespace {

Finding finding(const Record& record, std::string field, std::string expected, std::string found, std::string message) {
  return Finding{record.ref, std::move(field), std::move(expected), std::move(found), std::move(message)};
}

}  // namespace

awaitable<std::vector<Finding>> SqliteSink::verify(std::span<Operation> operations) {
  auto work = [&] { return verify_now(operations); };
  co_return co_await on_pool(services_, work);
}

std::vector<Finding> SqliteSink::verify_now(std::span<Operation> operations) {
  std::scoped_lock guard(reading_);
  std::vector<Finding> findings;
  Connection* connection = reader();
  for (const Operation& operation : operations) {
    const Record& record = operation.record();
    TableAccess* table = connection ? connection->find(record.ref.type) : nullptr;
    std::vector<Cell> now;
    const Value& address = operation.target_id();
    const bool there = table && !address.is_null() && table->seek(address, now);
    if (record.deleted) {
      if (there) findings.push_back(finding(record, "", "", "a row", "it should have been removed"));
      if (table) table->release();
      continue;
    }
    if (!there) {
      findings.push_back(finding(record, "", "a row", "", "it is not on the target"));
      if (table) table->release();
      continue;
    }
    const TargetTable& target = table->table();
    try {
      RowCells& row = table->encode(record);
      for (std::size_t i = 0; i < target.flags.size(); ++i) {
        const auto column = static_cast<std::size_t>(target.flags[i].column);
        if (row.present[column]) row.cells[column] = table->flag(i, row.cells[column], address);
      }
      for (std::size_t i = 0; i < now.size(); ++i)
        if (row.present[i] && !(row.cells[i] == now[i]))
          findings.push_back(finding(record, target.columns[i].name, shown(row.cells[i]), shown(now[i]), "it differs"));
      if (!target.key_is_reference && record.intent != Intent::patch) {
        const std::vector<Cell> key = table->key_cells(record);
        for (std::size_t i = 0; i < key.size(); ++i) {
          const auto column = static_cast<std::size_t>(target.key[i]);
          if (!row.present[column] && !(key[i] == now[column]))
            findings.push_back(
                finding(record, target.columns[column].name, shown(key[i]), shown(now[column]), "it differs"));
        }
      }
    } catch (const Error& error) {
      findings.push_back(finding(record, "", "", "", error.what()));
    }
    table->release();
  }
  return findings;
}

awaitable<std::vector<Finding>> SqliteSink::preview(std::span<Operation> operations) {
  auto work = [&] { return preview_now(operations); };
  co_return co_await on_pool(services_, work);
}

std::vector<Finding> SqliteSink::preview_now(std::span<Operation> operations) {
  std::scoped_lock guard(reading_);
  std::vector<Finding> findings;
  Connection* connection = reader();
  for (const Operation& operation : operations) {
    const Record& record = operation.record();
    TableAccess* table = connection ? connection->find(record.ref.type) : nullptr;
    if (!table || record.deleted) continue;  // a table that is absent is made to fit
    const TargetTable& target = table->table();
    try {
      RowCells& row = table->encode(record);
      if (operation.action() == Action::patch || record.intent == Intent::patch || !operation.target_id().is_null())
        continue;
      const std::vector<Cell> key = table->key_cells(record);
      for (std::size_t i = 0; i < key.size(); ++i) row.cells[static_cast<std::size_t>(target.key[i])] = key[i];
      if (target.id >= 0) row.cells[static_cast<std::size_t>(target.id)].kind = Cell::Kind::integer;
      // What refers to rows that the run is yet to write has no value in a rehearsal.
      for (const auto& [column, type] : target.references)
        row.cells[static_cast<std::size_t>(column)].kind = Cell::Kind::integer;
      table->check_not_null(row.cells);
    } catch (const Error& error) {
      findings.push_back(finding(record, "", "", "", error.what()));
      findings.back().refused = error;
    }
  }
  return findings;
}

}  // namespace migrate::sqlite
