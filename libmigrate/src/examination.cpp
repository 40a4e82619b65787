// The stages that write nothing: dry run and verification.
#include <fmt/format.h>

#include <algorithm>

#include "engine.hpp"
#include "sample.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::size_t example_limit = 1000;
/// Each of them is to be mended, and the state of a rehearsal has nothing of them.
constexpr std::size_t refusal_limit = 20'000;

class ExaminationStage final : public Stage {
 public:
  ExaminationStage(Engine& engine, Examination& examination)
      : engine_(engine), examination_(examination), order_(type_order(*engine.pipeline().sink)) {}
  awaitable<void> apply(StreamState& stream, Batch& batch) override;

 private:
  struct Look {
    Batch& batch;
    std::vector<Operation> operations;
    std::unordered_map<RecordRef, std::size_t, RefHash> index;
    Answers answers;
  };
  void build(Look& look);
  awaitable<void> resolve(Look& look);
  void check_units(Look& look);
  awaitable<void> find_targets(Look& look);
  awaitable<void> attach(Look& look, OperationContext& context);
  awaitable<void> find_extras(Look& look);
  void report(std::vector<Finding> findings);
  awaitable<void> foresee(const Look& look);
  void refuse(Look& look, std::vector<Finding>& findings);
  void count(StreamState& next, const Look& look);

  Engine& engine_;
  Examination& examination_;
  std::map<std::string, std::size_t> order_;
  RefSet shared_seen_;  ///< shared masters: the first record decides
  std::unordered_map<RecordRef, std::string, RefHash> alias_holders_;
};

void ExaminationStage::build(Look& look) {
  look.operations.clear();
  look.index.clear();
  for (std::size_t u = 0; u < look.batch.units.size(); ++u) {
    const Unit& unit = look.batch.units[u];
    if (!unit.alive()) continue;
    for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) look.operations.emplace_back(look.batch.records[i], u);
  }
  std::stable_sort(look.operations.begin(), look.operations.end(), [this](const Operation& a, const Operation& b) {
    const auto rank = [this](const Operation& operation) {
      const auto found = order_.find(operation.record().ref.type);
      return found == order_.end() ? order_.size() : found->second;
    };
    return rank(a) < rank(b);
  });
  for (std::size_t i = 0; i < look.operations.size(); ++i) {
    const Record& record = look.operations[i].record();
    look.index.emplace(record.ref, i);
    for (const AlternateKey& key : record.keys)
      look.index.emplace(RecordRef{record.ref.type + "." + key.name, key.value}, i);
  }
}

awaitable<void> ExaminationStage::resolve(Look& look) {
  std::vector<RecordRef> wanted;
  for (const Operation& operation : look.operations)
    for (const Link& link : operation.record().links)
      if (!look.answers.get(link.target)) wanted.push_back(link.target);
  co_await engine_.resolver().want(std::move(wanted), look.answers);
}

/// Fails the units that an import would fail.
void ExaminationStage::check_units(Look& look) {
  bool clean = false;
  while (!clean) {
    clean = true;
    build(look);
    for (Operation& operation : look.operations) {
      Unit& unit = look.batch.units[operation.unit()];
      const Record& record = operation.record();
      if (unit.failure) continue;
      for (const AlternateKey& key : record.keys) {
        if (key.duplicate_cause.empty()) continue;
        const RecordRef alias{record.ref.type + "." + key.name, key.value};
        const auto holder = alias_holders_.emplace(alias, record.ref.id).first;
        if (holder->second == record.ref.id) continue;
        unit.failure = Error(ErrorKind::conflict, key.duplicate_cause,
                             fmt::format("{} {} has the same {} as {} {}: \"{}\"", record.ref.type, record.ref.id,
                                         key.name, record.ref.type, holder->second, key.value));
        clean = false;
        break;
      }
      for (const Link& link : record.links) {
        if (unit.failure || link.missing != Missing::fails) continue;
        if (look.index.count(link.target) || look.answers.get(link.target)) continue;
        unit.failure = Error(ErrorKind::not_found, link.cause.empty() ? "missing_reference" : link.cause,
                             fmt::format("{} {}: {} refers to {} \"{}\", which is not there", record.ref.type,
                                         record.ref.id, link.relation, link.target.type, link.target.id));
        clean = false;
      }
    }
  }
}

/// Target ids by natural key, type by type, so that a key that is itself a link finds its id filled in.
awaitable<void> ExaminationStage::find_targets(Look& look) {
  const auto in_batch = [&look](const RecordRef& ref) -> const Value* {
    const auto found = look.index.find(ref);
    if (found == look.index.end()) return nullptr;
    const Value& id = look.operations[found->second].target_id();
    return id.is_null() ? nullptr : &id;
  };
  TableSink* tables = engine_.pipeline().sink->as_tables();
  for (std::size_t first = 0; first < look.operations.size();) {
    std::size_t end = first;
    const std::string type = look.operations[first].record().ref.type;
    while (end < look.operations.size() && look.operations[end].record().ref.type == type) ++end;
    std::vector<RecordRef> refs;
    for (std::size_t i = first; i < end; ++i) {
      if (tables) fill_links(look.operations[i], look.answers, in_batch);
      refs.push_back(look.operations[i].record().ref);
    }
    Answers found;
    std::vector<RecordRef> wanted = refs;
    if (tables) {
      const std::vector<std::string> key_links = tables->key_columns(type);
      // The natural key of such a type is the id that its link has resolved to.
      for (std::size_t i = 0; i < wanted.size(); ++i)
        for (const Link& link : look.operations[first + i].record().links)
          if (key_links.size() == 1 && link.relation == key_links.front()) {
            const Value& id = look.operations[first + i].data().at(link.relation);
            wanted[i].id = id.is_int64() ? std::to_string(id.get_int64())
                           : id.is_string() ? std::string(id.get_string())
                                            : std::string();
          }
    }
    std::vector<RecordRef> asked = wanted;
    co_await engine_.resolver().want(std::move(asked), found);
    for (std::size_t i = first; i < end; ++i)
      if (const Value* id = found.get(wanted[i - first])) look.operations[i].set_target_id(*id);
    first = end;
  }
  if (!tables) co_return;
  for (Operation& operation : look.operations) fill_links(operation, look.answers, in_batch);
}

/// An ItemSink asks the operation for links and files. What refers to a record of this very batch is asked anew: a dry
/// run has only just planned those.
awaitable<void> ExaminationStage::attach(Look& look, OperationContext& context) {
  std::vector<RecordRef> wanted;
  for (const Operation& operation : look.operations)
    for (const Link& link : operation.record().links)
      if (!look.answers.get(link.target)) wanted.push_back(link.target);
  Answers fresh;
  co_await engine_.resolver().want(std::move(wanted), fresh);
  look.answers.merge(fresh);
  context.answers = &look.answers;
  context.source = engine_.pipeline().source.get();
  context.migration = engine_.pipeline().name;
  for (Operation& operation : look.operations) OperationContext::attach(operation, context);
}

awaitable<void> ExaminationStage::find_extras(Look& look) {
  TableSink* tables = engine_.pipeline().sink->as_tables();
  if (!tables || !look.batch.raw.covers) co_return;
  std::string type = look.batch.partition.type;
  for (const Unit& unit : look.batch.units)
    if (const Record* main = unit.count ? look.batch.main_record(unit) : nullptr) {
      type = main->ref.type;
      break;
    }
  if (!order_.count(type)) co_return;
  std::unordered_set<std::string_view> expected;
  for (const Unit& unit : look.batch.units)
    if (unit.alive()) expected.insert(unit.source.id);
  KeyRange range = *look.batch.raw.covers;
  const std::vector<std::string> keys = co_await tables->keys(type, range);
  std::vector<Finding> findings;
  for (const std::string& key : keys) {
    if (expected.count(key)) continue;
    Finding finding;
    finding.record = RecordRef{type, key};
    finding.message = "is on the target, but the source has no such record that could be migrated";
    findings.push_back(std::move(finding));
  }
  report(std::move(findings));
}

void ExaminationStage::report(std::vector<Finding> findings) {
  examination_.differences += findings.size();
  for (Finding& finding : findings) {
    std::vector<Finding>& list = finding.refused ? examination_.refused : examination_.examples;
    const std::size_t limit = finding.refused ? refusal_limit : example_limit;
    if (list.size() < limit) list.push_back(std::move(finding));
  }
}

/// What a run would not bring, by the transformers, the links or the target: told as the failures of a run are.
void ExaminationStage::refuse(Look& look, std::vector<Finding>& findings) {
  for (Finding& finding : findings) {
    const auto found = finding.refused ? look.index.find(finding.record) : look.index.end();
    if (found == look.index.end()) continue;
    Unit& unit = look.batch.units[look.operations[found->second].unit()];
    if (!unit.failure) unit.failure = std::move(*finding.refused);
  }
  // They come back by unit.
  std::erase_if(findings, [](const Finding& finding) { return finding.refused.has_value(); });
  for (const Unit& unit : look.batch.units) {
    if (!unit.failure) continue;
    const Failure failure = failure_of(unit, Phase::transformation);
    ++examination_.outlook.refuse;
    add(examination_.causes, failure);
    engine_.tell(failure);
    Finding finding;
    finding.record = unit.source;
    finding.message = fmt::format("would be refused ({}): {}", failure.cause, failure.message);
    finding.refused = unit.failure;
    findings.push_back(std::move(finding));
  }
}

/// What a run would do with the others. Of rows the target tells what they are now; of items the id map tells which
/// version of its record each of them is.
awaitable<void> ExaminationStage::foresee(const Look& look) {
  std::vector<Operation> there;
  for (const Operation& operation : look.operations) {
    if (look.batch.units[operation.unit()].failure) continue;
    if (operation.target_id().is_null() || Resolver::is_planned(operation.target_id()))
      ++examination_.outlook.create;
    else
      there.push_back(operation);
  }
  if (there.empty()) co_return;
  std::set<RecordRef> changed;
  Sink& sink = *engine_.pipeline().sink;
  if (sink.as_tables() && sink.traits().verifies) {
    std::span<Operation> some(there);
    const std::vector<Finding> differences = co_await sink.verify(some);
    for (const Finding& finding : differences) changed.insert(finding.record);
  } else {
    std::vector<std::string> keys;
    for (const Operation& operation : there) keys.push_back(Journal::key(operation.record().ref));
    const std::vector<Value> rows = co_await engine_.journal().store().get_many(Table::outcome, std::move(keys));
    for (std::size_t i = 0; i < there.size(); ++i) {
      const Record& record = there[i].record();
      const bool same =
          record.intent == Intent::get_or_create ||
          (rows[i].is_object() && !record.version.empty() && Journal::outcome_from(rows[i]).version == record.version);
      if (!same) changed.insert(record.ref);
    }
  }
  for (const Operation& operation : there)
    ++(changed.count(operation.record().ref) ? examination_.outlook.change : examination_.outlook.unchanged);
}

void ExaminationStage::count(StreamState& next, const Look& look) {
  const Batch& batch = look.batch;
  for (const Unit& unit : batch.units) {
    Counters& counters = next.tally.types[unit.source.type];
    ++counters.read;
    if (unit.failure) ++counters.failed;
    else if (unit.dropped()) ++counters.dropped;
    else ++counters.skipped, counters.transformed += unit.count;
  }
}

awaitable<void> ExaminationStage::apply(StreamState& stream, Batch& batch) {
  Look look{batch, {}, {}, {}};
  build(look);
  co_await resolve(look);
  check_units(look);
  // One record stands for each shared master, however many name it.
  std::erase_if(look.operations, [&](const Operation& operation) {
    const Record& record = operation.record();
    if (examination_.absent.holds(record.ref)) return true;
    return record.intent == Intent::get_or_create && !shared_seen_.add(record.ref);
  });
  examination_.records += look.operations.size();
  look.index.clear();
  for (std::size_t i = 0; i < look.operations.size(); ++i) look.index.emplace(look.operations[i].record().ref, i);
  std::vector<Finding> findings;
  OperationContext context{};
  const bool items = engine_.pipeline().sink->as_items() != nullptr;
  if (examination_.preview) {
    for (Operation& operation : look.operations) {
      engine_.resolver().plan(operation.record().ref);
      for (const AlternateKey& key : operation.record().keys)
        engine_.resolver().plan(RecordRef{operation.record().ref.type + "." + key.name, key.value});
    }
    co_await find_targets(look);
    if (items) co_await attach(look, context);
    std::span<Operation> all(look.operations);
    findings = co_await engine_.pipeline().sink->preview(all);
    refuse(look, findings);
    co_await foresee(look);
    examination_.compared += look.operations.size();
  } else {
    co_await find_targets(look);
    if (items) co_await attach(look, context);
    std::vector<Operation> sample;
    for (const Operation& operation : look.operations)
      if (!examination_.sample || examination_.sample->takes(operation.record().ref)) sample.push_back(operation);
    for (const Operation& operation : sample) ++stream.tally.types[operation.record().ref.type].verified;
    std::span<Operation> some(sample);
    findings = co_await engine_.pipeline().sink->verify(some);
    examination_.compared += sample.size();
    if (examination_.extras) co_await find_extras(look);
  }
  report(std::move(findings));
  if (examination_.preview) {
    for (const Operation& operation : look.operations)
      for (const Warning& warning : operation.record().warnings)
        ++stream.tally.warnings[operation.record().ref.type][warning.cause];
    count(stream, look);
    engine_.progress(stream);
  } else {
    engine_.progress(stream);
  }
  stream.cursor = detached(batch.raw.next);
}

}  // namespace

std::unique_ptr<Stage> make_examination(Engine& engine, Examination& examination) {
  return std::make_unique<ExaminationStage>(engine, examination);
}

MIGRATE_END
