// The link phase: references to records that arrived after those that refer to them.
#include <fmt/format.h>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;
}

awaitable<void> Engine::link_phase() {
  if (pipeline_.sink->traits().keeps_links) co_return;
  if (pipeline_.sink->as_tables())
    co_await link_tables();
  else
    co_await link_items();
  // What is still there has found no target: counted anew each time, since a later run may resolve it.
  run_.unresolved.clear();
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::deferred, "", after, walk_batch);
    for (const Entry& row : rows) {
      const Deferred deferred = Journal::deferred_from(row);
      if (!deferred.cause.empty()) ++run_.unresolved[deferred.record.type][deferred.cause];
    }
    if (rows.size() < walk_batch) break;
    after = rows.back().key;
  }
  refresh_report();
}

/// Deferred links become patches of rows that exist by now, a transaction for each thousand.
awaitable<void> Engine::link_tables() {
  TableSink& sink = *pipeline_.sink->as_tables();
  std::unique_ptr<Stage> stage = import_stage();
  StreamState stream = co_await resume("~linking", *stage);
  std::string after;
  while (!stopping()) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::deferred, "", after, walk_batch);
    if (rows.empty()) co_return;
    const bool last = rows.size() < walk_batch;
    after = rows.back().key;
    std::vector<RecordRef> wanted;
    for (const Entry& row : rows) {
      const Deferred deferred = Journal::deferred_from(row);
      wanted.push_back(deferred.record);
      wanted.push_back(deferred.target);
    }
    Answers answers;
    co_await resolver_.want(std::move(wanted), answers);
    std::vector<Record> records;
    records.reserve(rows.size());
    std::vector<Entry> entries;
    StreamState next = stream;
    for (const Entry& row : rows) {
      const Deferred deferred = Journal::deferred_from(row);
      if (!answers.get(deferred.record)) {
        entries.push_back(Entry{Table::deferred, row.key, nullptr});  // the record itself is gone
        continue;
      }
      const Value* id = answers.get(deferred.target);
      if (id && deferred.set) {
        entries.push_back(Entry{Table::deferred, row.key, nullptr});  // it was right all along
        continue;
      }
      if (!id && !deferred.set) continue;
      Record record;
      record.ref = deferred.record;
      record.intent = Intent::patch;
      Object data;
      data.emplace(deferred.relation, id ? *id : Value());
      record.data = std::move(data);
      records.push_back(std::move(record));
      if (id) {
        entries.push_back(Entry{Table::deferred, row.key, nullptr});
        ++next.tally.types[deferred.record.type].linked;
      } else {
        Deferred missing = deferred;
        missing.set = false;
        entries.push_back(Journal::entry(missing));
      }
    }
    if (!entries.empty()) {
      std::vector<Operation> operations;
      for (std::size_t i = 0; i < records.size(); ++i) operations.emplace_back(records[i], i);
      ++next.next_chunk;
      entries.push_back(Journal::entry(next));
      std::string name = journal_.chunk_name(stream);
      std::unique_ptr<TableTransaction> transaction = co_await sink.begin(std::move(name));
      std::span<Operation> all(operations);
      co_await transaction->identify(all);
      WriteResult result = co_await transaction->write(all);
      if (!result.failures.empty()) throw result.failures.front().error;
      Value receipt = Journal::pack(entries);
      co_await transaction->commit(std::move(receipt));
      transaction.reset();
      co_await journal_.store().commit(std::move(entries));
      stream = std::move(next);
      progress(stream);
    }
    if (last) co_return;
  }
}

/// False when the target refuses this link for good: it goes on waiting, and is counted with those that found no target.
awaitable<bool> Engine::link_one(ItemSink& sink, Operation& operation) {
  int attempt = 1;
  while (true) {
    std::optional<Error> trouble;
    try {
      co_await sink.link(operation);
    } catch (const Error& error) {
      trouble = error;
    }
    if (!trouble) co_return true;
    const RecordRef& record = operation.record().ref;
    const bool again = co_await try_again(record, *trouble, attempt);
    if (again) continue;
    const ErrorKind kind = trouble->kind();
    if (kind != ErrorKind::invalid && kind != ErrorKind::conflict && kind != ErrorKind::not_found) give_up(*trouble);
    services().write_log(LogLevel::warning, "engine",
                         fmt::format("{} {}: a link stays unset: {}", record.type, record.id, trouble->what()));
    co_return false;
  }
}

awaitable<void> Engine::link_items() {
  ItemSink& sink = *pipeline_.sink->as_items();
  StreamState stream = co_await journal_.stream(Journal::stream_name(run_.number, "~linking"));
  Sequence sequence(journal_);
  std::string after;
  while (!stopping()) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::deferred, "", after, walk_batch);
    if (rows.empty()) co_return;
    after = rows.back().key;
    for (const Entry& row : rows) {
      if (stopping()) co_return;
      const Deferred deferred = Journal::deferred_from(row);
      Answers answers;
      std::vector<RecordRef> wanted{deferred.record, deferred.target};
      co_await resolver_.want(std::move(wanted), answers);
      const Value* own = answers.get(deferred.record);
      if (own && !answers.get(deferred.target)) continue;
      std::vector<Entry> entries;
      entries.push_back(Entry{Table::deferred, row.key, nullptr});
      if (own) {
        Record record;
        record.ref = deferred.record;
        record.data = Object();
        Link link;
        link.relation = deferred.relation;
        link.target = deferred.target;
        record.links.push_back(std::move(link));
        OperationContext context{&journal_, &sequence, &answers, pipeline_.source.get(), services().clock.get(),
                                 pipeline_.name};
        Operation operation(record, 0);
        OperationContext::attach(operation, context);
        operation.set_action(Action::update);
        operation.set_target_id(*own);
        const bool set = co_await link_one(sink, operation);
        if (!set) continue;
        ++stream.tally.types[deferred.record.type].linked;
        entries.push_back(Journal::entry(stream));
      }
      co_await journal_.store().commit(std::move(entries));
      progress(stream);
    }
    if (rows.size() < walk_batch) co_return;
  }
}

MIGRATE_END
