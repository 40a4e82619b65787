// Operations as rows of COPY.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "migrate/sink.hpp"
#include "target.hpp"
#include "values.hpp"

namespace migrate::postgres {

/// Writes operations of one type as rows of the given columns. Records of a batch mostly have equal fields in equal
/// order, so each field's column is guessed from the record before.
class RowWriter {
 public:
  RowWriter(const Target& target, std::vector<int> columns, bool raw_bytes);

  /// Finds the cells of a record; what cannot be placed is the error.
  std::optional<Error> locate(const Operation& operation);
  /// Of the record located last: null where it has no such field.
  const Value* cell(int column) const { return cells_[static_cast<std::size_t>(column)]; }
  /// Adds the row of the operation located last; on an error the buffer is as it was.
  std::optional<Error> add(const Operation& operation, CopyBuffer& out);
  /// "a, b": the columns as SQL lists them.
  std::string column_list() const;
  const std::vector<int>& columns() const { return columns_; }

 private:
  std::optional<Error> add_cell(const Operation& operation, int column, CopyBuffer& out);
  std::optional<Error> add_key(const Operation& operation, int column, CopyBuffer& out);
  Error refuse(const Operation& operation, int column, Refusal why) const;

  const Target& target_;
  std::vector<int> columns_;
  bool raw_bytes_;
  struct Hint {
    std::string name;
    int column;
  };
  std::vector<Hint> hints_;
  std::vector<const Value*> cells_;
};

/// A value for people, shortened.
std::string excerpt(const Value& value);
/// "certificates 17" for messages.
std::string name_of(const Operation& operation);

}  // namespace migrate::postgres
