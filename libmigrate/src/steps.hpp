// Intents and receipts of an ItemSink.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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
  std::string version;     ///< as Step::version()
  bool elsewhere = false;  ///< the effect is on what the record stood for before (leave_behind())
};
awaitable<std::vector<StepRow>> receipts_of(Journal& journal, RecordRef record);
/// Before an effect is taken back: from here on it is not known whether it is there, so that a run that comes after a
/// death in between looks for it instead of believing its receipt. Durable before it returns.
awaitable<void> announce_undo(Journal& journal, const StepRow& step);
/// When the sink has refused to take it back (ErrorKind::conflict): it is there, and its receipt holds again.
awaitable<void> retract_undo(Journal& journal, const StepRow& step);
/// The rows to be committed when the record stands for `target_id` from now on, and no longer for what its steps were
/// done to. A run takes each of them for uncertain: it looks on the new thing, which may be the old one under another
/// name. Until then a rollback takes them back by their receipts, where they are.
awaitable<std::vector<Entry>> leave_behind(Journal& journal, RecordRef record, std::string target_id);

/// Takes one effect back, as often as it takes; returns why it stays.
using UndoStep = std::function<awaitable<std::optional<Error>>(Receipt)>;
/// The row that counts one item more that is gone: committed together with the end of its last step.
using CountItem = std::function<Entry()>;
/// Undoes the steps of a record, newest first; the row of each goes with it. Returns what is left on the target, and
/// why.
awaitable<std::optional<Error>> undo_steps(Journal& journal, RecordRef record, UndoStep& undo, CountItem& count);

MIGRATE_END
