// One chunk on its way into PostgreSQL: see TableTransaction.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/sink.hpp"
#include "pool.hpp"
#include "sink.hpp"
#include "values.hpp"

namespace migrate::postgres {

/// Operations of one type, as indices, in their order.
struct TypeGroup {
  std::shared_ptr<const Target> target;
  std::vector<std::size_t> members;
};

class Transaction : public TableTransaction {
 public:
  Transaction(std::shared_ptr<PostgresSink> sink, Pool::Lease connection, std::string chunk);
  ~Transaction() override;

  awaitable<void> identify(std::span<Operation> operations) override;
  awaitable<WriteResult> write(std::span<Operation> operations) override;
  awaitable<void> commit(Value receipt) override;

  // verify.cpp, for a transaction that is given up afterwards
  /// Differences between the operations and their rows.
  std::vector<Finding> compare(std::span<Operation> operations);
  /// What the columns would refuse.
  std::vector<Finding> rehearse(std::span<Operation> operations);

 private:
  using Members = std::vector<std::size_t>;
  struct Failed {
    RecordRef record;
    Error error;
  };

  // transaction.cpp
  std::vector<TypeGroup> grouped(std::span<Operation> operations);
  void identify_all(std::span<Operation> operations);
  void identify_group(std::span<Operation> operations, const TypeGroup& group);
  std::vector<std::string> natural_keys(std::span<Operation> operations, const TypeGroup& group);
  std::vector<Value> existing(const Target& target, const std::vector<std::string>& keys);
  std::int64_t reserve(const Target& target, std::size_t count);
  void commit_now(const Value& receipt);
  std::string created_json() const;

  // write.cpp
  WriteResult write_all(std::span<Operation> operations);
  void write_groups(std::span<Operation> operations, const std::vector<TypeGroup>& groups);
  void create_rows(std::span<Operation> operations, const TypeGroup& group);
  void copy_rows(std::span<Operation> operations, const Target& target, const std::vector<int>& columns,
                 const Members& members, const std::string& into);
  void merge_rows(std::span<Operation> operations, const TypeGroup& group);
  void merge(std::span<Operation> operations, const Target& target, const std::vector<int>& columns,
             const Members& members);
  std::map<std::vector<int>, Members> shapes_to_compare(std::span<Operation> operations, const TypeGroup& group,
                                                        std::vector<Finding>& findings);
  void stage_what_fits(std::span<Operation> operations, const Target& target, const std::vector<int>& columns,
                       Members members, std::vector<Finding>& findings);
  void remove_rows(std::span<Operation> operations, const TypeGroup& group);
  void remove(const Target& target, const std::vector<std::string>& ids);
  /// Runs `action` on the members; while isolating, finds those that make it fail and fails their units.
  template <class Action>
  void attempt(std::span<Operation> operations, const Target& target, Members members, Action action);
  bool failed(const Operation& operation) const { return failures_.contains(operation.unit()); }
  void fail(const Operation& operation, Error error) {
    failures_.try_emplace(operation.unit(), Failed{operation.record().ref, std::move(error)});
  }
  void blame(std::span<Operation> operations, const Target& target, std::size_t member, const ServerError& error);
  void check_for_rivals(const Target& target, const ServerError& error);

  std::shared_ptr<PostgresSink> sink_;
  Pool::Lease connection_;
  std::string chunk_;
  bool open_ = true;
  bool isolating_ = false;
  std::map<std::string, std::int64_t> next_ids_;              ///< by type
  std::map<std::string, std::vector<std::int64_t>> created_;  ///< integer ids of new rows, by type
  std::map<std::string, std::vector<std::string>> created_keys_;
  std::set<std::string> keyless_;                 ///< types without any key that got rows
  /// See PostgresSink::may_hold(); by type.
  std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> spans_;
  std::map<std::size_t, Failed> failures_;        ///< by unit
  std::vector<Effect> effects_;
  Members sent_;  ///< by the COPY under way or done last, row by row
  CopyBuffer buffer_;
};

}  // namespace migrate::postgres
