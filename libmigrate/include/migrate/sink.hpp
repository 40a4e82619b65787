// Where records go, and how a crash is survived there. (Reader's file 3 of 5.)
//
// There are two kinds of targets, so two kinds of sinks. An ItemSink talks to a service where each call is an effect
// of its own: every call is journalled as a Step, intent before and receipt after. A TableSink talks to a database
// that has transactions: rows and the receipt of their chunk are committed together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "migrate/record.hpp"
#include "migrate/source.hpp"

MIGRATE_BEGIN

enum class Action { create, update, patch, remove };

/// How many records a verification compares; each of them wholly, down to the bytes of its files. basic: a sample of a
/// hundred. standard: a thousand, or a tenth where that is more. Both count tables and ask whether every item exists.
/// comprehensive: every record, and what the target has and the source has not.
enum class VerifyLevel { none, basic, standard, comprehensive };
MIGRATE_API std::string_view to_string(VerifyLevel level) noexcept;

/// One remote side effect of an ItemSink. Obtained from Operation::begin(), which makes the intent durable first.
class MIGRATE_API Step {
 public:
  /// Finished by an earlier attempt or run: the call must not be made again.
  bool done() const noexcept { return done_; }
  /// An earlier attempt may have been applied: look for key() on the target first, then adopt or repeat.
  bool uncertain() const noexcept { return uncertain_; }
  /// Equal in every attempt and every run: the marker, idempotency key or external id of this effect.
  const std::string& key() const noexcept { return key_; }
  /// The id of the state that the step stands in. Two working directories may give out the same key, for two accounts
  /// of one service: a mark names both, and nothing is adopted that bears the mark of another state. Empty when a
  /// version has begun the step that put no state into its marks; the call that follows then names none either.
  const std::string& state() const noexcept { return state_; }
  const std::string& target_id() const noexcept { return target_id_; }
  /// Record::version of the attempt that wrote the intent: where that is not the present one, what is there may show an
  /// older version of the record. Empty: the source has no versions, or a state of an older release does not tell.
  const std::string& version() const noexcept { return version_; }
  /// What finish() was given, until then what begin() was by the attempt that wrote the intent. Null: nothing.
  const Value& undo() const noexcept;
  /// Milliseconds since the intent was written: how long a lagging index has had to show an uncertain effect.
  std::chrono::milliseconds age() const noexcept { return age_; }

  /// Makes the receipt durable before it returns. `undo` is what ItemSink::undo() needs to take the effect back.
  awaitable<void> finish(std::string target_id, Value undo = nullptr);
  /// The same for a sink that goes on with its next step, or is done: the receipt is written at once, and is durable
  /// before begin() returns from any later step that is not done() and before the record counts as settled. Nobody waits
  /// for it alone.
  awaitable<void> finish_soon(std::string target_id, Value undo = nullptr);
  /// The target has refused the call, or what it had made is gone again: the next attempt need not look.
  awaitable<void> refused();
  /// Before something that is done() is taken away from the target, be it to be made anew: from here on the step is
  /// uncertain(), while for a rollback its receipt holds. Durable before it returns. Afterwards refused(), or begin().
  awaitable<void> announce_removal();

 private:
  friend class Operation;
  Value receipt(std::string target_id, const Value& undo);
  bool done_ = false, uncertain_ = false;
  std::string key_, state_, target_id_, version_;
  std::chrono::milliseconds age_{0};
  struct OperationContext* context_ = nullptr;
  std::string row_;  ///< its key in the journal
  Value intent_;
};

struct OperationContext;

/// One record on its way into the target, with its links resolved. For a TableSink each link's column in data() holds
/// the target id, or null; an ItemSink asks linked(). Lives as long as the call that it is passed to.
class MIGRATE_API Operation {
 public:
  Operation(Record& record, std::size_t unit) : record_(&record), unit_(unit) {}

  const Record& record() const noexcept { return *record_; }
  const Object& data() const noexcept { return record_->data.get_object(); }
  Action action() const noexcept { return action_; }
  /// Null until the record has an id on the target.
  const Value& target_id() const noexcept { return target_id_; }
  /// Records of one unit share this number; a unit arrives as a whole or not at all.
  std::size_t unit() const noexcept { return unit_; }
  /// The target's id of another record; nothing when it is not there (yet).
  std::optional<Value> linked(const RecordRef& target) const;

  void set_action(Action action) noexcept { action_ = action; }
  void set_target_id(Value id) { target_id_ = std::move(id); }
  Record& mutable_record() noexcept { return *record_; }

  /// ItemSink::write() and link() only. Durable before it returns; `name` is unique within the record ("create",
  /// "comment:17") and holds no "/".
  awaitable<Step> begin(std::string name);
  /// The same for an effect that replaces something: `undo` stands in the receipt until finish() gives another one, so
  /// that what was there is known even when the receipt is never written.
  awaitable<Step> begin(std::string name, Value undo);
  /// ItemSink only. The bytes of one of the record's blobs, from the source.
  awaitable<std::unique_ptr<ByteStream>> open(Blob blob);
  /// ItemSink only. The migration's name: what keys of steps begin with.
  const std::string& migration() const noexcept;

 private:
  friend struct OperationContext;
  Record* record_;
  std::size_t unit_;
  Action action_ = Action::create;
  Value target_id_;
  OperationContext* context_ = nullptr;
};

/// A difference between what a record should be on the target and what is there, or (preview) what would be lost.
struct Finding {
  RecordRef record;
  std::string field;  ///< empty: the record as a whole
  std::string expected, found;
  std::string message;
  std::optional<Error> refused{};  ///< preview(): why write() would not take the record; empty: it would
};

struct SinkTraits {
  std::size_t preferred_batch = 100;  ///< records per batch when the configuration names none
  std::size_t max_in_flight = 1;      ///< ItemSink: operations at once. TableSink: transactions at once
  bool undoes = false;                ///< rollback is possible
  bool verifies = false;
  bool links = false;                 ///< takes links that resolve later
  bool keeps_links = false;           ///< stores links as they are: the engine resolves nothing (staging)
};

/// Who a target is, whatever address leads to it.
struct TargetIdentity {
  std::string id;     ///< equal for the same target at any time and under any address; empty: it cannot tell
  std::string shown;  ///< for people: "the project SUP of https://acme.atlassian.net"

  /// Of a file or folder, whatever links lead to it: "sqlite /data/crm.db", shown as "the SQLite file /data/crm.db".
  MIGRATE_API static TargetIdentity of_path(std::string_view connector, std::string_view noun,
                                            const std::filesystem::path& path);
};

class ItemSink;
class TableSink;

/// What both kinds share. Calls come from the run's strand; blocking work goes through on_pool(). Errors are thrown
/// as migrate::Error. Derive from ItemSink or TableSink.
class MIGRATE_API Sink {
 public:
  virtual ~Sink();
  virtual SinkTraits traits() const;
  /// Harmless and complete; see Source::check().
  virtual awaitable<std::vector<Check>> check() = 0;
  /// A state belongs to one target: the engine keeps this answer and refuses another one. Writes nothing; may be asked
  /// before anything has been created. What the target says of itself is better than the address in the configuration,
  /// which may change. Default: says nothing, and any target is taken for the right one.
  virtual awaitable<TargetIdentity> identity();
  /// Before the first write of a run: creates what the configuration says is created when absent. `schemas` are the
  /// source's, for types that the configuration does not describe. Idempotent.
  virtual awaitable<void> prepare(std::vector<TableSchema> schemas);
  /// Dry run: what would be lost or refused (Finding::refused). Writes nothing.
  virtual awaitable<std::vector<Finding>> preview(std::span<Operation> operations);
  /// Differences between the operations and the target; empty: equal. An operation without target_id() is absent.
  /// Everything that write() brings is compared, files byte by byte: levels differ in how many operations come here.
  virtual awaitable<std::vector<Finding>> verify(std::span<Operation> operations);
  /// After the last write of a run (constraints, sequences, statistics, notifications). Idempotent.
  virtual awaitable<void> finish();

  virtual ItemSink* as_items() { return nullptr; }
  virtual TableSink* as_tables() { return nullptr; }
};

/// Takes back one Step.
struct Receipt {
  RecordRef record;
  std::string step, key, target_id;
  Value undo;
  bool uncertain = false;  ///< no receipt was written: the effect may exist, look for `key` first
  std::chrono::system_clock::time_point begun;  ///< when the intent was written
  std::string state{};                          ///< as Step::state()
};

/// Something on the target that carries the mark of a migration.
struct Marked {
  std::string key;        ///< Step::key() of the step that made it; empty when the mark does not tell
  std::string target_id;  ///< as write() returned it
  std::string title, url; ///< for people
  std::string state{};    ///< Step::state() of that step; empty when the mark does not tell
};

/// A service without transactions. Several write() calls are in flight at once, never two for the same record.
class MIGRATE_API ItemSink : public Sink {
 public:
  ItemSink* as_items() final { return this; }
  /// Performs the operation's steps and returns the target's id. Called again after a failure or a crash: steps that
  /// are done() are skipped, uncertain() ones are looked up.
  ///
  /// When it returns, the target shows this version of the record, also where the operation creates: the record may have
  /// changed at the source since a run before this one was cut short, so that steps which are done, or an uncertain one
  /// whose effect is found, are of an older version (Step::version()). What they have made is brought up to date; nobody
  /// asks for this version again.
  virtual awaitable<std::string> write(Operation& operation) = 0;
  /// Link phase: the links of the record that could not be set by write() resolve now. Default: Error(unsupported).
  virtual awaitable<void> link(Operation& operation);
  /// Takes one effect back. Idempotent: undoing what is gone is success. Throws Error(conflict) when a person has
  /// changed the thing since, and leaves it alone. Default: Error(unsupported).
  virtual awaitable<void> undo(Receipt receipt);

  /// Everything on the target that carries the mark of this migration, whether the journal knows it or not, and
  /// whichever state has made it: `each` is called for one after the other. Waits until an index that lags has had time
  /// to show what was made at `last_write`, and says so in the log. Default: Error(unsupported).
  virtual awaitable<void> for_each_marked(std::string migration, std::chrono::system_clock::time_point last_write,
                                          std::function<void(const Marked&)> each);
  /// One of these things, or nothing; waits for no index. A state that is still empty asks. Default: nothing.
  virtual awaitable<std::optional<Marked>> any_marked(std::string migration);
  /// Which of these things are still there, in the same order. Default: Error(unsupported).
  virtual awaitable<std::vector<bool>> exist(std::vector<std::string> target_ids);
  /// What for_each_marked() calls them now, in the same order. Empty: gone. Default: the same name, where they exist().
  virtual awaitable<std::vector<std::string>> present_ids(std::vector<std::string> target_ids);
};

enum class Effect : std::uint8_t { created, updated, unchanged, removed, absent };

struct UnitFailure {
  std::size_t unit;
  Error error;
};

/// When `failures` is not empty nothing was written, and the caller tries again without the failed units.
struct WriteResult {
  std::vector<Effect> effects;  ///< one an operation, same order
  std::vector<UnitFailure> failures;
};

/// One chunk on its way into a database. The destructor rolls back what was not committed.
class MIGRATE_API TableTransaction {
 public:
  virtual ~TableTransaction();
  /// Looks each record up by its natural key: update (or patch, or remove) with the row's id when it is there, create
  /// with an id reserved for it when it is not. An id that an operation already has is kept (an imported mapping).
  virtual awaitable<void> identify(std::span<Operation> operations) = 0;
  /// All of it, or a list of units that the database refuses and why. Operations come in an order in which rows that
  /// others refer to are first. Rows that are equal already are left alone; the previous image of a row that is
  /// changed or removed is kept for undo().
  virtual awaitable<WriteResult> write(std::span<Operation> operations) = 0;
  /// Rows and receipt become durable together.
  virtual awaitable<void> commit(Value receipt) = 0;
};

/// A row of a type as it is on the target: natural key and id.
struct TargetRow {
  std::string key;
  Value id;
  Value data;  ///< only where asked for
};

/// Of rows; the engine counts items in the same way.
struct UndoResult {
  std::size_t removed = 0, restored = 0;
  std::vector<Finding> kept;  ///< what somebody has changed since: left as it is
  bool of_items = false;
};

/// A database, written by natural key (RecordRef::id of each type), a chunk of records a transaction.
class MIGRATE_API TableSink : public Sink {
 public:
  TableSink* as_tables() final { return this; }

  /// The types in an order in which a type comes after all that it refers to; those that are not listed come last.
  virtual std::vector<std::string> types() const = 0;
  /// The columns of a type's natural key; known after check() or prepare().
  virtual std::vector<std::string> key_columns(const std::string& type) const = 0;

  /// The receipt that was committed with this chunk, if it was. Answers "did my last transaction arrive?".
  virtual awaitable<std::optional<Value>> receipt(std::string chunk) = 0;
  /// `chunk` is equal in every attempt at the same records. At most traits().max_in_flight at once.
  virtual awaitable<std::unique_ptr<TableTransaction>> begin(std::string chunk) = 0;
  /// Ids of rows by natural key, in the order of `keys`; null where absent. Sees committed rows only.
  virtual awaitable<std::vector<Value>> find(std::string type, std::vector<std::string> keys) = 0;
  /// Rows of a type that have a natural key, each once; `after` is the last key of the page before (empty: from the
  /// start); empty: no more. In key order and from any key on where the key has an index; else in an order of the
  /// target's own, page after page with the same limit, and Error(conflict) for any other `after`.
  virtual awaitable<std::vector<TargetRow>> list(std::string type, std::string after, std::size_t limit,
                                                 bool with_data) = 0;
  /// Keys within the range; only for types whose natural key is an integer.
  virtual awaitable<std::vector<std::string>> keys(std::string type, KeyRange range) = 0;
  virtual awaitable<std::uint64_t> count(std::string type) = 0;

  /// Committed chunks whose name starts with `prefix`, newest first.
  virtual awaitable<std::vector<std::string>> chunks(std::string prefix) = 0;
  /// Takes a chunk back in one transaction: removes the rows that it made, restores the images that it replaced, keeps
  /// what somebody has changed since. Idempotent: a chunk that is not there has been undone.
  virtual awaitable<UndoResult> undo(std::string chunk) = 0;
};

MIGRATE_END
