// What an ItemSink sees of a record, and how its effects are journalled.
#include <fmt/format.h>

#include <algorithm>

#include "steps.hpp"

MIGRATE_BEGIN

namespace {

// One sync reserves this many numbers; a crash leaves a gap, which does no harm.
constexpr std::int64_t sequence_block = 100'000;
/// In rows of Table::step: the mark names the state. Versions before it have not.
constexpr const char* names_state = "names_state";

// States of a step are "intent", "done", "undoing" and this one: done to what the record stood for before.
constexpr const char* elsewhere = "elsewhere";

std::int64_t now_ms(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch()).count();
}

std::string text(const Object& row, const char* key) {
  const Value* value = row.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string state_in(const Object& row, const Journal& journal) {
  return row.contains(names_state) ? journal.state_id() : std::string();
}

}  // namespace

awaitable<std::int64_t> Sequence::next() {
  while (next_ >= reserved_) {
    std::optional<Value> row = co_await journal_.store().get(Table::run, "sequence");
    const std::int64_t from = row ? row->as_int64() : 1;
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::run, "sequence", from + sequence_block});
    co_await journal_.store().commit(std::move(entries));
    if (next_ >= reserved_) {
      next_ = from;
      reserved_ = from + sequence_block;
    }
  }
  co_return next_++;
}

awaitable<Step> Operation::begin(std::string name) {
  Value nothing;
  co_return co_await begin(std::move(name), std::move(nothing));
}

awaitable<Step> Operation::begin(std::string name, Value undo) {
  if (!context_ || !context_->sequence)
    throw Error(ErrorKind::internal, "no_steps", "steps exist only inside ItemSink::write");
  OperationContext& context = *context_;
  Step step;
  step.context_ = context_;
  step.row_ = Journal::key(record_->ref) + "/" + name;
  step.key_ = context.migration + "/" + step.row_;
  std::optional<Value> known = co_await context.journal->store().get(Table::step, step.row_);
  if (known) {
    const Object& row = known->as_object();
    step.intent_ = *known;
    step.state_ = state_in(row, *context.journal);
    step.done_ = text(row, "state") == "done";
    step.uncertain_ = !step.done_;
    step.version_ = text(row, "version");
    if (step.done_) step.target_id_ = text(row, "target_id");
    step.age_ = std::chrono::milliseconds(now_ms(*context.clock) - row.at("at").as_int64());
    // A call may follow, and no intent has to be written first that would wait for the receipts before it.
    std::vector<Entry> nothing;
    if (step.uncertain_) co_await context.journal->store().commit(std::move(nothing));
    co_return step;
  }
  Object row;
  row.emplace("state", "intent");
  row.emplace("key", step.key_);
  row.emplace("n", co_await context.sequence->next());
  row.emplace("at", now_ms(*context.clock));
  row.emplace(names_state, true);
  step.state_ = context.journal->state_id();
  if (!undo.is_null()) row.emplace("undo", detached(undo));
  step.version_ = record_->version;
  if (!step.version_.empty()) row.emplace("version", step.version_);
  step.intent_ = row;
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::step, step.row_, std::move(row)});
  co_await context.journal->store().commit(std::move(entries));
  co_return step;
}

Value Step::receipt(std::string target_id, const Value& undo) {
  Object row = intent_.as_object();
  row["state"] = "done";
  row["target_id"] = target_id;
  row["undo"] = detached(undo);
  target_id_ = std::move(target_id);
  intent_ = row;
  return row;
}

const Value& Step::undo() const noexcept {
  static const Value nothing;
  const Object* row = intent_.if_object();
  const Value* known = row ? row->if_contains("undo") : nullptr;
  return known ? *known : nothing;
}

awaitable<void> Step::finish(std::string target_id, Value undo) {
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::step, row_, receipt(std::move(target_id), undo)});
  co_await context_->journal->store().commit(std::move(entries));
  done_ = true;
  uncertain_ = false;
}

awaitable<void> Step::finish_soon(std::string target_id, Value undo) {
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::step, row_, receipt(std::move(target_id), undo)});
  co_await context_->journal->store().commit_soon(std::move(entries));
  done_ = true;
  uncertain_ = false;
}

awaitable<void> Step::refused() {
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::step, row_, nullptr});
  co_await context_->journal->store().commit(std::move(entries));
  uncertain_ = false;
}

awaitable<void> Step::announce_removal() {
  if (!done_) co_return;
  intent_.as_object()["state"] = "undoing";
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::step, row_, intent_});
  co_await context_->journal->store().commit(std::move(entries));
  done_ = false;
  uncertain_ = true;
}

std::optional<Value> Operation::linked(const RecordRef& target) const {
  const Value* id = context_ ? context_->answers->get(target) : nullptr;
  if (!id) return std::nullopt;
  return *id;
}

awaitable<std::unique_ptr<ByteStream>> Operation::open(Blob blob) {
  if (!context_) throw Error(ErrorKind::internal, "no_blobs", "files can be opened only for an ItemSink");
  co_return co_await context_->source->open(std::move(blob));
}

const std::string& Operation::migration() const noexcept {
  static const std::string nobody;
  return context_ ? context_->migration : nobody;
}

namespace {

Entry entry_of(const StepRow& step, const char* state) {
  Object row;
  row.emplace("state", state);
  row.emplace("key", step.receipt.key);
  row.emplace("n", step.number);
  row.emplace("at", std::chrono::duration_cast<std::chrono::milliseconds>(step.receipt.begun.time_since_epoch()).count());
  row.emplace("target_id", step.receipt.target_id);
  row.emplace("undo", detached(step.receipt.undo));
  if (!step.version.empty()) row.emplace("version", step.version);
  if (!step.receipt.state.empty()) row.emplace(names_state, true);
  return Entry{Table::step, step.row, std::move(row)};
}

awaitable<void> write_state(Journal& journal, const StepRow& step, const char* state) {
  if (step.receipt.uncertain) co_return;
  std::vector<Entry> entries;
  entries.push_back(entry_of(step, state));
  co_await journal.store().commit(std::move(entries));
}

}  // namespace

awaitable<void> announce_undo(Journal& journal, const StepRow& step) {
  // Already a run looks for it, and who takes it back must still find it where it is.
  if (step.elsewhere) co_return;
  co_await write_state(journal, step, "undoing");
}

awaitable<void> retract_undo(Journal& journal, const StepRow& step) {
  if (step.elsewhere) co_return;
  co_await write_state(journal, step, "done");
}

awaitable<std::vector<Entry>> leave_behind(Journal& journal, RecordRef record, std::string target_id) {
  std::vector<Entry> entries;
  const std::vector<StepRow> steps = co_await receipts_of(journal, std::move(record));
  for (const StepRow& step : steps) {
    // Its item was made by a run that did not come to book it.
    if (step.receipt.step == "create" && step.receipt.target_id == target_id) co_return std::vector<Entry>();
    if (!step.receipt.uncertain) entries.push_back(entry_of(step, elsewhere));
  }
  co_return entries;
}

awaitable<std::vector<StepRow>> receipts_of(Journal& journal, RecordRef record) {
  std::vector<StepRow> result;
  const std::string prefix = record.type.empty() ? std::string() : Journal::key(record) + "/";
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal.store().scan(Table::step, prefix, after, 500);
    for (const Entry& entry : rows) {
      const std::size_t name = entry.key.rfind('/');
      // Steps of a record whose id goes on behind a '/'.
      if (!prefix.empty() && name + 1 != prefix.size()) continue;
      const Object& row = entry.value.as_object();
      StepRow step;
      step.row = entry.key;
      step.number = row.at("n").as_int64();
      step.receipt.record = Journal::ref_from(entry.key.substr(0, name));
      step.receipt.step = entry.key.substr(name + 1);
      step.receipt.key = text(row, "key");
      step.receipt.state = state_in(row, journal);
      step.receipt.target_id = text(row, "target_id");
      if (const Value* undo = row.if_contains("undo")) step.receipt.undo = *undo;
      step.receipt.uncertain = text(row, "state") == "intent";
      step.elsewhere = text(row, "state") == elsewhere;
      step.version = text(row, "version");
      step.receipt.begun = std::chrono::system_clock::time_point(std::chrono::milliseconds(row.at("at").as_int64()));
      result.push_back(std::move(step));
    }
    if (rows.size() < 500) break;
    after = rows.back().key;
  }
  std::sort(result.begin(), result.end(), [](const StepRow& a, const StepRow& b) { return a.number > b.number; });
  co_return result;
}

MIGRATE_END
