// One chunk on its way into the file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal.hpp"
#include "sink.hpp"
#include "writer.hpp"

namespace migrate::sqlite {

class Transaction final : public TableTransaction {
 public:
  Transaction(SqliteSink& sink, Connection& connection, std::string chunk);
  ~Transaction() override;

  awaitable<void> identify(std::span<Operation> operations) override;
  awaitable<WriteResult> write(std::span<Operation> operations) override;
  awaitable<void> commit(Value receipt) override;

 private:
  /// What this transaction has handed out for a type.
  struct Reserved {
    std::int64_t next_id = 0, first_id = 0, last_inserted = 0;
    bool begun = false;
    std::unordered_map<std::int64_t, Value> integers;  // natural key to address
    std::unordered_map<std::string, Value> texts;
  };
  /// A reference to a row of this chunk that was not there yet when its column was written.
  struct Later {
    TableAccess* table;
    Value address;
    int column;
    std::int64_t value;
    std::size_t unit;
  };

  void identify_now(std::span<Operation> operations);
  void identify_group(TableAccess& table, std::span<Operation> group);
  Value* reserved(Reserved& reserved, const std::vector<Cell>& key, const std::string& id);
  Value reserve(TableAccess& table, Reserved& reserved, const Record& record, const std::vector<Cell>& key);
  void begin_ids(TableAccess& table, Reserved& reserved);

  WriteResult write_now(std::span<Operation> operations);
  Effect apply(Operation& operation);
  Effect create(TableAccess& table, Operation& operation);
  Effect change(TableAccess& table, Operation& operation);
  Effect remove(TableAccess& table, const Value& address);
  void remove_dependents(const std::string& type, const Value& address);
  void fill_key(TableAccess& table, Operation& operation, RowCells& row);
  void write_later(WriteResult& result);
  void remove_all(std::span<Operation> operations, WriteResult& result);
  bool is_ahead(const TargetTable& target, int column, const Cell& cell) const;
  void keep_image(const TargetTable& table, const Value& address, const char* action, const std::string& image,
                  std::optional<std::uint64_t> hash);
  void index_flags();
  void commit_now(const Value& receipt);

  SqliteSink& sink_;
  Connection& connection_;
  std::string chunk_;
  bool open_ = false;
  std::map<std::string, Reserved, std::less<>> reserved_;
  CreatedRows created_;
  std::vector<Later> later_;
  std::int64_t images_ = 0;
  Statement keep_image_;
};

}  // namespace migrate::sqlite
