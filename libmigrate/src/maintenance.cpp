// What the engine does beside moving batches: links that resolve later, records that have vanished, retry, rollback,
// verification and the choice of a sample. All of it walks the store with the same stages.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {
constexpr std::size_t walk_batch = 1000;

/// Trimmed, Arabic and Persian digits as ASCII, ASCII letters lower: how a person's filter value is compared.
std::string folded(const Value& value) {
  std::string text;
  if (value.is_string()) text = std::string(value.get_string());
  else if (value.is_int64()) text = std::to_string(value.get_int64());
  else return text;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0xD9 && next >= 0xA0 && next <= 0xA9) {
      out += static_cast<char>('0' + (next - 0xA0));
      ++i;
    } else if (byte == 0xDB && next >= 0xB0 && next <= 0xB9) {
      out += static_cast<char>('0' + (next - 0xB0));
      ++i;
    } else {
      out += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : text[i];
    }
  }
  const std::size_t first = out.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

}  // namespace

void Engine::filter(Batch& batch) const {
  if (options_.where && options_.where->type == batch.partition.type) {
    const std::string wanted = folded(Value(options_.where->value));
    std::erase_if(batch.raw.records, [&](const Record& record) {
      const Value* field = record.data.is_object() ? record.data.get_object().if_contains(options_.where->field) : nullptr;
      return !field || folded(*field) != wanted;
    });
    // A part of the records says nothing about which of the others have vanished.
    batch.raw.covers.reset();
  }
  if (selection_) {
    const auto chosen = selection_->chosen.find(batch.partition.type);
    std::erase_if(batch.raw.records, [&](const Record& record) {
      return chosen == selection_->chosen.end() || !chosen->second.count(record.ref.id);
    });
    batch.raw.covers.reset();
  }
}

/// The first `sample` records of each type, and all that the required links of chosen records need. Masters come
/// before those that refer to them, so the partitions are walked backwards.
awaitable<void> Engine::select_sample() {
  Selection selection;
  std::vector<Partition> partitions = co_await pipeline_.source->partitions();
  std::stable_sort(partitions.begin(), partitions.end(),
                   [](const Partition& a, const Partition& b) { return a.rank > b.rank; });
  for (const Partition& partition : partitions) {
    if (partition.revisit) continue;
    std::size_t taken = 0;
    Cursor cursor;
    while (!stopping()) {
      std::unique_ptr<Batch> batch = co_await read_batch(partition, cursor);
      for (const Unit& unit : batch->units) {
        bool needed = taken < options_.sample;
        const auto wanted = selection.chosen.find(partition.type);
        needed = needed || (wanted != selection.chosen.end() && wanted->second.count(unit.source.id));
        for (std::size_t i = unit.first; !needed && i < unit.first + unit.count; ++i)
          for (const AlternateKey& key : batch->records[i].keys) {
            const auto named = selection.chosen.find(batch->records[i].ref.type + "." + key.name);
            needed = needed || (named != selection.chosen.end() && named->second.count(key.value));
          }
        if (!needed) continue;
        ++taken;
        selection.chosen[partition.type].insert(unit.source.id);
        for (std::size_t i = unit.first; i < unit.first + unit.count; ++i)
          for (const Link& link : batch->records[i].links)
            if (link.missing == Missing::fails) selection.chosen[link.target.type].insert(link.target.id);
      }
      if (batch->raw.last) break;
      // Nothing else of this type is asked for: the rest need not be read.
      bool more_wanted = false;
      for (const auto& [type, ids] : selection.chosen)
        more_wanted = more_wanted || (type != partition.type && type.substr(0, type.find('.')) == partition.type) ||
                      (type == partition.type && ids.size() > taken);
      if (taken >= options_.sample && !more_wanted) break;
      cursor = detached(batch->raw.next);
    }
  }
  selection_ = std::move(selection);
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
        co_await sink.link(operation);
        ++stream.tally.types[deferred.record.type].linked;
        entries.push_back(Journal::entry(stream));
      }
      co_await journal_.store().commit(std::move(entries));
      progress(stream);
    }
    if (rows.size() < walk_batch) co_return;
  }
}

/// After a complete pass over the source: alternate keys that nobody has any more.
awaitable<void> Engine::forget_old_keys() {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::alias, "", after, walk_batch);
    if (rows.empty()) co_return;
    after = rows.back().key;
    const bool last = rows.size() < walk_batch;
    std::erase_if(rows, [this](const Entry& row) {
      return row.value.at("run").as_int64() == static_cast<std::int64_t>(run_.number);
    });
    for (Entry& row : rows) row.value = nullptr;
    if (!rows.empty()) co_await journal_.store().commit(std::move(rows));
    if (last) co_return;
  }
}

/// After a complete pass: records that failed once and are gone from the source, or no longer read.
awaitable<void> Engine::forget_old_failures() {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::failed, "", after, walk_batch);
    if (rows.empty()) co_return;
    after = rows.back().key;
    const bool last = rows.size() < walk_batch;
    std::erase_if(rows, [this](const Entry& row) { return Journal::run_of(row) == run_.number; });
    for (Entry& row : rows) row.value = nullptr;
    if (!rows.empty()) co_await journal_.store().commit(std::move(rows));
    if (last) co_return;
  }
}

/// Shared masters that no record of this run has named: candidates for removal, if they are ours.
awaitable<void> Engine::collect_unseen() {
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, walk_batch);
    std::vector<Entry> entries;
    for (const Entry& row : rows) {
      const Outcome outcome = Journal::outcome_from(row.value);
      if (outcome.shared && outcome.ours && !outcome.imported && outcome.run != run_.number)
        entries.push_back(Entry{Table::vanished, row.key, "unseen"});
    }
    co_await journal_.store().commit(std::move(entries));
    if (rows.size() < walk_batch) co_return;
    after = rows.back().key;
  }
}

/// Removes what the source no longer has, those that refer to others first.
awaitable<void> Engine::remove_vanished() {
  TableSink* sink = pipeline_.sink->as_tables();
  if (!sink) co_return;
  std::unique_ptr<Stage> stage = import_stage();
  std::vector<std::string> types = sink->types();
  std::reverse(types.begin(), types.end());
  StreamState stream = co_await resume("~removal", *stage);
  for (const std::string& type : types) {
    std::string after;
    while (!stopping()) {
      std::vector<Entry> rows = co_await journal_.store().scan(Table::vanished, type + "/", after, walk_batch);
      if (rows.empty()) break;
      after = rows.back().key;
      std::set<std::size_t> kept;
      std::vector<Failure> failures;
      while (true) {
        std::vector<Record> records;
        records.reserve(rows.size());
        std::vector<std::size_t> positions;
        for (std::size_t i = 0; i < rows.size(); ++i) {
          if (kept.count(i)) continue;
          Record record;
          record.ref = Journal::ref_from(rows[i].key);
          record.data = Object();
          record.deleted = true;
          records.push_back(std::move(record));
          positions.push_back(i);
        }
        std::vector<Operation> operations;
        for (std::size_t i = 0; i < records.size(); ++i) operations.emplace_back(records[i], positions[i]);
        std::string name = journal_.chunk_name(stream);
        std::unique_ptr<TableTransaction> transaction = co_await sink->begin(std::move(name));
        std::span<Operation> all(operations);
        co_await transaction->identify(all);
        WriteResult result = co_await transaction->write(all);
        if (!result.failures.empty()) {
          for (const UnitFailure& failure : result.failures) {
            kept.insert(failure.unit);
            // A master that nobody names any more but somebody else refers to is none of our business.
            if (rows[failure.unit].value.is_string()) continue;
            Failure kept_row;
            kept_row.record = Journal::ref_from(rows[failure.unit].key);
            kept_row.cause = "still_referenced";
            kept_row.message = fmt::format("has vanished from the source but stays on the target: {}", failure.error.what());
            kept_row.advice = "remove what refers to it, then run the delta again";
            failures.push_back(std::move(kept_row));
          }
          continue;
        }
        StreamState next = stream;
        std::vector<Entry> entries;
        for (std::size_t i = 0; i < rows.size(); ++i) entries.push_back(Entry{Table::vanished, rows[i].key, nullptr});
        for (std::size_t i = 0; i < operations.size(); ++i) {
          if (result.effects[i] == Effect::removed) ++next.tally.types[type].removed;
          entries.push_back(Entry{Table::outcome, rows[positions[i]].key, nullptr});
        }
        for (const Failure& failure : failures) {
          ++next.tally.warnings[failure.record.type][failure.cause];
          tell(failure);
        }
        ++next.next_chunk;
        entries.push_back(Journal::entry(next));
        Value receipt = Journal::pack(entries);
        co_await transaction->commit(std::move(receipt));
        transaction.reset();
        co_await journal_.store().commit(std::move(entries));
        stream = std::move(next);
        progress(stream);
        break;
      }
      if (rows.size() < walk_batch) break;
    }
  }
  resolver_.clear();
}

/// The failed records as they are now, in a batch of their own.
awaitable<std::unique_ptr<Batch>> Engine::fetch_failed(std::vector<Failure> failures) {
  auto batch = std::make_unique<Batch>();
  batch->partition.name = "~retry";
  if (pipeline_.source->traits().fetches) {
    std::vector<RecordRef> refs;
    for (const Failure& failure : failures) refs.push_back(failure.record);
    batch->raw = co_await pipeline_.source->fetch(std::move(refs));
  } else {
    for (Failure& failure : failures) {
      Record record;
      record.ref = failure.record;
      record.data = std::move(failure.data);
      batch->raw.records.push_back(std::move(record));
    }
  }
  const bool keep = !pipeline_.source->traits().fetches;
  const auto work = [&] { transform(*batch, pipeline_.transforms, keep); };
  co_await on_pool(services(), work);
  co_return batch;
}

/// The stage counts what it sees as read once more, so the first count of these records is taken back.
awaitable<void> Engine::retry_failed() {
  if (run_.number == 0)
    throw Error(ErrorKind::invalid, "nothing_to_retry", "there has been no run of this migration yet");
  std::vector<TableSchema> schemas = co_await pipeline_.source->schemas();
  co_await pipeline_.sink->prepare(std::move(schemas));
  had_failures_ = true;
  std::unique_ptr<Stage> stage = import_stage();
  StreamState stream = co_await resume("~retry", *stage);
  stream.finished = false;
  std::string after;
  while (!stopping()) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::failed, "", after, walk_batch);
    if (rows.empty()) co_return;
    const bool last = rows.size() < walk_batch;
    after = rows.back().key;
    std::vector<Failure> failures;
    for (const Entry& row : rows) {
      Failure failure = Journal::failure_from(row);
      if (failure.skipped_by_person || (!options_.cause.empty() && failure.cause != options_.cause)) continue;
      failures.push_back(std::move(failure));
    }
    if (failures.empty()) {
      if (last) co_return;
      continue;
    }
    for (const Failure& failure : failures) {
      --stream.tally.types[failure.record.type].read;
      --stream.tally.types[failure.record.type].failed;
    }
    std::set<std::string> asked;
    for (const Failure& failure : failures) asked.insert(Journal::key(failure.record));
    std::unique_ptr<Batch> batch = co_await fetch_failed(std::move(failures));
    for (const Unit& unit : batch->units) asked.erase(Journal::key(unit.source));
    batch->raw.last = last;
    for (const std::string& key : asked) batch->also.push_back(Entry{Table::failed, key, nullptr});
    co_await stage->apply(stream, *batch);
    if (last) co_return;
  }
}

awaitable<void> Engine::verify(VerifyLevel level) {
  if (!pipeline_.sink->traits().verifies)
    throw Error(ErrorKind::unsupported, "no_verification", "this sink cannot verify what it has written");
  Report::Verification verification;
  verification.level = to_string(level);
  TableSink* tables = pipeline_.sink->as_tables();
  if (level == VerifyLevel::basic || tables) {
    for (const auto& [type, counters] : report_.types) {
      if (!tables || (selection_ && counters.read == 0)) continue;
      const std::vector<std::string> types = tables->types();
      if (std::find(types.begin(), types.end(), type) == types.end()) continue;
      const std::uint64_t expected = counters.written + counters.skipped - counters.removed;
      const std::uint64_t found = co_await tables->count(type);
      ++verification.checked;
      // Rows that others have made are not counted against the migration; missing ones are.
      if (found >= expected) continue;
      Finding finding;
      finding.record = RecordRef{type, ""};
      finding.expected = std::to_string(expected);
      finding.found = std::to_string(found);
      finding.message = fmt::format("{}: {} records should be on the target, {} are", type, expected, found);
      verification.examples.push_back(std::move(finding));
      ++verification.differences;
    }
  }
  if (level != VerifyLevel::basic) {
    Examination examination;
    const std::uint64_t total = report_.total().read;
    // A thousand records at least, a tenth of what there is: zero bad ones of n say fewer than 3/n with 95 %.
    const auto wanted = static_cast<double>(std::max<std::uint64_t>({1000, options_.sample, total / 10}));
    if (level == VerifyLevel::standard && total > 0) examination.share = std::min(1.0, wanted / static_cast<double>(total));
    examination.extras = level == VerifyLevel::comprehensive && options_.mode != Mode::test && !options_.where;
    std::unique_ptr<Stage> stage = make_examination(*this, examination);
    // A verification is no run of its own: its streams are not kept, its counters not added to those of the run.
    const auto tallies = tallies_;
    tallies_.clear();
    co_await run_partitions(*stage, false, false);
    Tally looked_at;
    for (const auto& [name, tally] : tallies_) looked_at += tally;
    tallies_ = tallies;
    refresh_report();
    for (const auto& [type, counters] : looked_at.types) report_.types[type].verified = counters.verified;
    verification.checked += examination.checked;
    verification.differences += examination.differences;
    std::move(examination.examples.begin(), examination.examples.end(), std::back_inserter(verification.examples));
  }
  Object row;
  row.emplace("level", verification.level);
  row.emplace("checked", static_cast<std::int64_t>(verification.checked));
  row.emplace("differences", static_cast<std::int64_t>(verification.differences));
  Array examples;
  for (std::size_t i = 0; i < verification.examples.size() && i < 20; ++i)
    examples.push_back(to_value(verification.examples[i]));
  row.emplace("examples", std::move(examples));
  run_.verification = std::move(row);
  report_.verification = std::move(verification);
}

awaitable<void> Engine::dry_run() {
  co_await begin_phase(Phase::transformation);
  Examination examination;
  examination.preview = true;
  tallies_.clear();
  options_.max_failures = 0;
  std::unique_ptr<Stage> stage = make_examination(*this, examination);
  co_await run_partitions(*stage, false, false);
  Report::Verification findings;
  findings.level = "preview";
  findings.checked = examination.checked;
  findings.differences = 0;
  findings.examples = std::move(examination.examples);
  report_.verification = std::move(findings);
  co_await end_phase(Phase::transformation);
}

awaitable<void> Engine::roll_back_tables(TableSink& sink) {
  std::string prefix = journal_.state_id() + "/";
  const std::vector<std::string> chunks = co_await sink.chunks(std::move(prefix));
  for (const std::string& chunk : chunks) {
    if (options_.stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped", "the rollback was stopped; run it again");
    std::string name = chunk;
    UndoResult result = co_await sink.undo(std::move(name));
    report_.rollback->removed += result.removed;
    report_.rollback->restored += result.restored;
    std::move(result.kept.begin(), result.kept.end(), std::back_inserter(report_.rollback->kept));
    if (options_.observer) options_.observer->on_progress(report_);
  }
}

awaitable<void> Engine::roll_back() {
  if (!pipeline_.sink->traits().undoes)
    throw Error(ErrorKind::unsupported, "no_rollback", "this sink cannot take back what it has written");
  report_.rollback = UndoResult();
  if (TableSink* tables = pipeline_.sink->as_tables()) {
    co_await roll_back_tables(*tables);
  } else {
    ItemSink& sink = *pipeline_.sink->as_items();
    RecordRef everything;
    std::vector<StepRow> steps = co_await receipts_of(journal_, std::move(everything));
    for (StepRow& step : steps) {
      std::optional<Error> conflict;
      try {
        Receipt receipt = step.receipt;
        co_await sink.undo(std::move(receipt));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::conflict) throw;
        conflict = error;
      }
      if (conflict) {
        Finding finding;
        finding.record = step.receipt.record;
        finding.message = conflict->what();
        report_.rollback->kept.push_back(std::move(finding));
        continue;
      }
      ++report_.rollback->removed;
      std::vector<Entry> entries;
      entries.push_back(Entry{Table::step, step.row, nullptr});
      co_await journal_.store().commit(std::move(entries));
    }
  }
  // The target is as it was, so the next run starts from nothing; imported mappings are a person's work and stay.
  for (const Table table : {Table::cursor, Table::deferred, Table::failed, Table::alias, Table::vanished})
    co_await journal_.clear(table);
  std::string after;
  while (true) {
    std::vector<Entry> rows = co_await journal_.store().scan(Table::outcome, "", after, walk_batch);
    if (rows.empty()) break;
    after = rows.back().key;
    std::vector<Entry> entries;
    for (const Entry& row : rows)
      if (!Journal::outcome_from(row.value).imported) entries.push_back(Entry{Table::outcome, row.key, nullptr});
    co_await journal_.store().commit(std::move(entries));
  }
  Object row;
  row.emplace("removed", static_cast<std::int64_t>(report_.rollback->removed));
  row.emplace("restored", static_cast<std::int64_t>(report_.rollback->restored));
  row.emplace("kept", static_cast<std::int64_t>(report_.rollback->kept.size()));
  run_.rollback = std::move(row);
  run_.finished = true;
  tallies_.clear();
  run_.unresolved.clear();
}

MIGRATE_END
