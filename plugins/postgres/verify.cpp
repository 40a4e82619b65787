// Comparison and rehearsal: the server itself says whether a value is equal or would be taken, since only it knows that
// two texts are one instant or one number. All in a temporary table, which is given up at the end.
#include <fmt/format.h>

#include <algorithm>

#include "rows.hpp"
#include "stage.hpp"
#include "transaction.hpp"

namespace migrate::postgres {

namespace {

Finding finding_of(const RecordRef& record, std::string message) {
  Finding finding;
  finding.record = record;
  finding.message = std::move(message);
  return finding;
}

}  // namespace

// Stages the members that the columns take; the others are findings.
void Transaction::stage_what_fits(std::span<Operation> operations, const Target& target,
                                  const std::vector<int>& columns, Members members, std::vector<Finding>& findings) {
  while (true) {
    failures_.clear();
    try {
      connection_->run(stage_sql(target, columns));
      copy_rows(operations, target, columns, members, std::string(stage));
      break;
    } catch (const ServerError& error) {
      const std::size_t line = line_of(error, "_migrate_stage");
      if (!error.about_data() || !connection_->usable() || line == 0 || line > sent_.size()) throw;
      const std::size_t culprit = sent_[line - 1];
      blame(operations, target, culprit, error);
      findings.push_back(finding_of(operations[culprit].record().ref, failures_.begin()->second.error.what()));
      std::erase(members, culprit);
      connection_->run("ROLLBACK");
      connection_->run("BEGIN");
    }
  }
  for (const auto& [unit, failure] : failures_) findings.push_back(finding_of(failure.record, failure.error.what()));
}

std::map<std::vector<int>, Transaction::Members> Transaction::shapes_to_compare(std::span<Operation> operations,
                                                                                const TypeGroup& group,
                                                                                std::vector<Finding>& findings) {
  const Target& target = *group.target;
  RowWriter writer(target, {}, connection_->raw_bytes());
  std::map<std::vector<int>, Members> shapes;
  for (const std::size_t i : group.members) {
    if (auto error = writer.locate(operations[i])) {
      findings.push_back(finding_of(operations[i].record().ref, error->what()));
      continue;
    }
    std::vector<int> columns;
    for (std::size_t c = 0; c < target.table.columns.size(); ++c) {
      const int column = static_cast<int>(c);
      const bool is_key = std::find(target.key.begin(), target.key.end(), column) != target.key.end();
      if (column == target.id || target.column(column).generated) continue;
      if (writer.cell(column) || (is_key && !target.key_is_link)) columns.push_back(column);
    }
    shapes[columns].push_back(i);
  }
  return shapes;
}

std::vector<Finding> Transaction::compare(std::span<Operation> operations) {
  std::vector<Finding> findings;
  for (TypeGroup& group : grouped(operations)) {
    const Target& target = *group.target;
    if (target.identity().empty()) continue;  // rows of such a table cannot be told apart
    std::erase_if(group.members, [&](std::size_t i) {
      if (!operations[i].target_id().is_null()) return false;
      findings.push_back(finding_of(operations[i].record().ref, fmt::format("is not in {}", target.table.qualified)));
      return true;
    });
    for (const auto& [shape, members] : shapes_to_compare(operations, group, findings)) {
      std::vector<int> columns = shape;
      if (target.generates()) columns.insert(columns.begin(), target.id);
      stage_what_fits(operations, target, columns, members, findings);
      std::string sql = "SELECT s._n, t.ctid IS NULL";
      for (const int column : shape) {
        const std::string wanted = wanted_sql(target, column), there = target.column_sql("t", column);
        sql += fmt::format(", {}, left({}::text, 200), left({}::text, 200)",
                           differs_sql(target.column(column), there, wanted), wanted, there);
      }
      const Result rows = connection_->run(
          fmt::format("{} FROM {} s LEFT JOIN {} t ON {} WHERE t.ctid IS NULL OR {} ORDER BY 1", sql, stage,
                      target.table.qualified, join_sql(target, "t", "s"), differs_any_sql(target, columns)));
      for (int row = 0; row < rows.rows(); ++row) {
        const RecordRef& ref = operations[static_cast<std::size_t>(rows.integer(row, 0))].record().ref;
        if (rows.truth(row, 1)) {
          findings.push_back(finding_of(ref, fmt::format("is not in {}", target.table.qualified)));
          continue;
        }
        for (std::size_t c = 0; c < shape.size(); ++c) {
          const int at = static_cast<int>(2 + 3 * c);
          if (!rows.truth(row, at)) continue;
          Finding finding = finding_of(ref, "differs");
          finding.field = target.column(shape[c]).name;
          finding.expected = rows.null(row, at + 1) ? "NULL" : rows.str(row, at + 1);
          finding.found = rows.null(row, at + 2) ? "NULL" : rows.str(row, at + 2);
          findings.push_back(std::move(finding));
        }
      }
      connection_->run("DROP TABLE pg_temp._migrate_stage");
    }
  }
  return findings;
}

std::vector<Finding> Transaction::rehearse(std::span<Operation> operations) {
  std::vector<Finding> findings;
  for (const TypeGroup& group : grouped(operations)) {
    for (const auto& [columns, members] : shapes_to_compare(operations, group, findings)) {
      if (columns.empty()) continue;
      stage_what_fits(operations, *group.target, columns, members, findings);
      connection_->run("DROP TABLE pg_temp._migrate_stage");
    }
  }
  return findings;
}

namespace {

// Fields that a table which is still to be created will not have.
void check_fields(const SinkTable& table, const Operation& operation, std::vector<Finding>& findings) {
  const Object* data = operation.record().data.if_object();
  if (!data || table.columns.empty()) return;
  for (const auto& field : *data) {
    const std::string name(field.key());
    if (table.columns.contains(name) || name == table.id) continue;
    Finding finding =
        finding_of(operation.record().ref, fmt::format("table {} will have no column \"{}\".{}", table.table, name,
                                                       did_you_mean(name, table.column_order)));
    finding.field = name;
    findings.push_back(std::move(finding));
  }
}

}  // namespace

std::vector<Finding> PostgresSink::preview_on(Pool::Lease connection, std::span<Operation> operations) {
  std::vector<Finding> findings;
  const std::map<std::string, SinkTable> all = tables();
  std::map<std::string, bool> there;
  std::vector<Operation> rehearsed;
  for (const Operation& operation : operations) {
    const std::string& type = operation.record().ref.type;
    const auto table = all.find(type);
    const auto [known, is_new] = there.try_emplace(type, false);
    if (is_new) {
      const std::string& name = table == all.end() ? type : table->second.table;
      known->second = load_table(*connection, config_.schema, name).has_value();
    }
    if (known->second)
      rehearsed.push_back(operation);
    else if (table != all.end())
      check_fields(table->second, operation, findings);
    else if (!all.empty())
      findings.push_back(finding_of(operation.record().ref, "the sink has no table for this type"));
  }
  Transaction transaction(shared_from_this(), std::move(connection), "");
  for (Finding& finding : transaction.rehearse(rehearsed)) findings.push_back(std::move(finding));
  for (Finding& finding : findings)
    if (!finding.refused) finding.refused = Error(ErrorKind::invalid, "does_not_fit", finding.message);
  return findings;
}

std::vector<Finding> PostgresSink::verify_on(Pool::Lease connection, std::span<Operation> operations) {
  std::vector<Finding> findings;
  std::vector<Operation> there;
  for (const Operation& operation : operations) {
    if (target_if_there(*connection, operation.record().ref.type))
      there.push_back(operation);
    else
      findings.push_back(finding_of(operation.record().ref, "is not there: its table does not exist"));
  }
  Transaction transaction(shared_from_this(), std::move(connection), "");
  for (Finding& finding : transaction.compare(there)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace migrate::postgres
