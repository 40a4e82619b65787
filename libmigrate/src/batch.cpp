#include "batch.hpp"

#include <fmt/format.h>

#include <iterator>

MIGRATE_BEGIN

namespace {

Record detached_copy(const Record& record) {
  // A copy of the whole would bring the data twice, once into the batch's arena.
  Record copy{record.ref,      detached(record.data), record.links,  record.blobs,   record.keys,
              record.warnings, record.version,        record.intent, record.deleted, record.failure};
  for (std::size_t i = 0; i < copy.links.size(); ++i) copy.links[i].attributes = detached(record.links[i].attributes);
  for (std::size_t i = 0; i < copy.blobs.size(); ++i) copy.blobs[i].locator = detached(record.blobs[i].locator);
  return copy;
}

/// `{"$ref":{"type":…,"id":…}}` as a field is a link that may resolve later.
void lift_references(Record& record) {
  if (!record.data.is_object()) return;
  for (auto& field : record.data.get_object()) {
    if (!field.value().is_object()) continue;
    const Object& object = field.value().get_object();
    if (object.size() != 1 || object.begin()->key() != "$ref" || !object.begin()->value().is_object()) continue;
    const Object& target = object.begin()->value().get_object();
    const Value* type = target.if_contains("type");
    const Value* id = target.if_contains("id");
    if (!type || !id || !type->is_string() || !id->is_string())
      throw Error(ErrorKind::invalid, "bad_reference",
                  fmt::format("field \"{}\": a $ref needs a type and an id, both strings", std::string(field.key())));
    Link link;
    link.relation = std::string(field.key());
    link.target = RecordRef{std::string(type->get_string()), std::string(id->get_string())};
    link.cause = "missing_" + link.relation;
    field.value() = nullptr;
    record.links.push_back(std::move(link));
  }
}

void run_transforms(Record record, const Transforms& transforms, std::vector<Record>& out) {
  if (transforms.size() == 1) return transforms.front()->apply(std::move(record), out);
  std::vector<Record> current, next;
  current.push_back(std::move(record));
  for (const auto& step : transforms) {
    next.clear();
    for (Record& each : current) step->apply(std::move(each), next);
    current.swap(next);
  }
  std::move(current.begin(), current.end(), std::back_inserter(out));
}

/// What went wrong with a record, in the words that its unit keeps.
template <class Work>
std::optional<Error> failure_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(ErrorKind::invalid, "transform_error", fmt::format("a transformer gave up: {}", error.what()));
  }
  return std::nullopt;
}

/// Appends the results to `out`; on failure leaves it as it was.
std::optional<Error> transform_one(Record record, const Transforms& transforms, std::vector<Record>& out) {
  if (record.failure) return *record.failure;
  const std::size_t before = out.size();
  std::optional<Error> failure = failure_of([&] {
    if (transforms.empty())
      out.push_back(std::move(record));
    else
      run_transforms(std::move(record), transforms, out);
    for (std::size_t i = before; i < out.size(); ++i) lift_references(out[i]);
  });
  if (failure) out.resize(before);
  return failure;
}

/// Without transformers the records are what was read: they stay where they are.
void take_over(Batch& batch) {
  batch.records = std::move(batch.raw.records);
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    Unit& unit = batch.units.emplace_back();
    unit.source = batch.records[i].ref;
    unit.first = i;
    const Record& record = batch.records[i];
    unit.failure = record.failure ? *record.failure : failure_of([&] { lift_references(batch.records[i]); });
    unit.count = unit.failure ? 0 : 1;
  }
}

}  // namespace

Prepared::~Prepared() = default;

const Record* Batch::main_record(const Unit& unit) const {
  for (std::size_t i = unit.first; i < unit.first + unit.count; ++i)
    if (records[i].ref.type == unit.source.type && records[i].intent == Intent::upsert) return &records[i];
  for (std::size_t i = unit.first; i < unit.first + unit.count; ++i)
    if (records[i].intent != Intent::get_or_create) return &records[i];
  return unit.count ? &records[unit.first] : nullptr;
}

void transform(Batch& batch, const Transforms& transforms, bool keep_originals) {
  batch.units.reserve(batch.raw.records.size());
  if (keep_originals)
    for (const Record& record : batch.raw.records) batch.originals.push_back(detached_copy(record));
  if (transforms.empty()) return take_over(batch);
  batch.records.reserve(batch.raw.records.size() * 3);
  for (Record& record : batch.raw.records) {
    Unit unit;
    unit.source = record.ref;
    unit.first = batch.records.size();
    unit.failure = transform_one(std::move(record), transforms, batch.records);
    unit.count = batch.records.size() - unit.first;
    batch.units.push_back(std::move(unit));
  }
  batch.raw.records.clear();
}

void transform_again(Batch& batch, std::size_t index, Record source, const Transforms& transforms) {
  Unit& unit = batch.units[index];
  if (index < batch.originals.size()) batch.originals[index] = detached_copy(source);
  unit.skipped_by_person = false;
  // The old records stay where they are, unused: the batch is small in an interactive run.
  unit.first = batch.records.size();
  unit.failure = transform_one(std::move(source), transforms, batch.records);
  unit.count = batch.records.size() - unit.first;
}

MIGRATE_END
