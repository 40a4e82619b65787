// Intents and receipts of an ItemSink.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "journal.hpp"
#include "resolver.hpp"

MIGRATE_BEGIN

/// Numbers receipts in the order in which effects happened, over all runs: compensation goes backwards by it.
class Sequence {
 public:
  explicit Sequence(Journal& journal) : journal_(journal) {}
  awaitable<std::int64_t> next();

 private:
  Journal& journal_;
  std::int64_t next_ = 0, reserved_ = 0;
};

/// What an Operation needs to do its job for an ItemSink; owned by the stage.
struct OperationContext {
  Journal* journal;
  Sequence* sequence;  ///< null where nothing may be written
  const Answers* answers;
  Source* source;
  Clock* clock;
  std::string migration;

  static void attach(Operation& operation, OperationContext& context) { operation.context_ = &context; }
};

/// The receipts of one record (or, with an empty record, of all), newest first.
struct StepRow {
  std::string row;
  std::int64_t number;
  Receipt receipt;
};
awaitable<std::vector<StepRow>> receipts_of(Journal& journal, RecordRef record);

MIGRATE_END
