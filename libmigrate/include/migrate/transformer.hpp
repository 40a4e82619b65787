// Pure functions between source and sink.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "migrate/record.hpp"

MIGRATE_BEGIN

/// From one record to any number. Pure: the result depends on the record and on the configuration alone, so any number
/// of threads may call apply() at once, and a resumed run sees the same result.
class MIGRATE_API Transformer {
 public:
  virtual ~Transformer();
  /// Appends the results to `out`; appending nothing drops the record by rule. Throws Error(invalid) with a cause
  /// when the record cannot be taken: it then fails as a whole. New values should use `record.data.storage()`.
  /// A record that is `deleted` has no more than its ref for certain: what was made of it is named, deleted too.
  virtual void apply(Record record, std::vector<Record>& out) const = 0;
};

/// A transformer from a function; for embedders and tests.
MIGRATE_API std::shared_ptr<const Transformer> transform_with(
    std::function<void(Record, std::vector<Record>&)> function);

MIGRATE_END
