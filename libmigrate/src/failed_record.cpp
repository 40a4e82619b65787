// A row of Table::failed: why a record has failed, and the record itself where its source cannot be asked for it again.
#include <algorithm>
#include <array>

#include "journal.hpp"
#include "rows.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::array missing_names{"fails", "deferred", "dropped"};
constexpr std::array intent_names{"upsert", "get_or_create", "patch"};

/// An enumerator by its name; the first one where there is none.
template <class T, class Names>
T named(const Names& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return static_cast<T>(found == names.end() ? 0 : found - names.begin());
}

Value value_of(const Link& link) {
  Object row;
  row.emplace("relation", link.relation);
  row.emplace("type", link.target.type);
  row.emplace("id", link.target.id);
  row.emplace("missing", missing_names[static_cast<std::size_t>(link.missing)]);
  rows::put(row, "cause", link.cause);
  if (!link.attributes.is_null()) row.emplace("attributes", detached(link.attributes));
  return row;
}

Link link_from(const Object& row) {
  Link link;
  link.relation = rows::text(row, "relation");
  link.target = RecordRef{rows::text(row, "type"), rows::text(row, "id")};
  link.missing = named<Missing>(missing_names, rows::text(row, "missing"));
  link.cause = rows::text(row, "cause");
  link.attributes = rows::member(row, "attributes");
  return link;
}

Value value_of(const Blob& blob) {
  Object row;
  row.emplace("id", blob.id);
  rows::put(row, "name", blob.name);
  rows::put(row, "media_type", blob.media_type);
  rows::put(row, "sha256", blob.sha256);
  if (blob.size) row.emplace("size", static_cast<std::int64_t>(*blob.size));
  if (!blob.locator.is_null()) row.emplace("locator", detached(blob.locator));
  return row;
}

Blob blob_from(const Object& row) {
  Blob blob;
  blob.id = rows::text(row, "id");
  blob.name = rows::text(row, "name");
  blob.media_type = rows::text(row, "media_type");
  blob.sha256 = rows::text(row, "sha256");
  if (row.contains("size")) blob.size = static_cast<std::uint64_t>(rows::integer(row, "size"));
  blob.locator = rows::member(row, "locator");
  return blob;
}

Value value_of(const AlternateKey& key) {
  Object row;
  row.emplace("name", key.name);
  row.emplace("value", key.value);
  rows::put(row, "duplicate_cause", key.duplicate_cause);
  return row;
}

Value value_of(const Warning& warning) {
  Object row;
  row.emplace("cause", warning.cause);
  rows::put(row, "field", warning.field);
  rows::put(row, "message", warning.message);
  return row;
}

template <class T>
void put_list(Object& row, const char* key, const std::vector<T>& list) {
  if (list.empty()) return;
  Array values;
  for (const T& each : list) values.push_back(value_of(each));
  row.emplace(key, std::move(values));
}

}  // namespace

Entry Journal::entry(const Failure& failure, std::uint64_t run, std::uint64_t files, const Record* source) {
  Object row;
  if (files) row.emplace("files", static_cast<std::int64_t>(files));
  row.emplace("run", static_cast<std::int64_t>(run));
  row.emplace("phase", to_string(failure.phase));
  row.emplace("cause", failure.cause);
  row.emplace("message", failure.message);
  row.emplace("advice", failure.advice);
  row.emplace("attempts", failure.attempts);
  if (failure.skipped_by_person) row.emplace("skipped", true);
  if (!source) return Entry{Table::failed, key(failure.record), std::move(row)};
  if (source->failure) row.emplace("unread", true);
  if (!source->data.is_null()) row.emplace("data", detached(source->data));
  put_list(row, "links", source->links);
  put_list(row, "blobs", source->blobs);
  put_list(row, "keys", source->keys);
  put_list(row, "warnings", source->warnings);
  rows::put(row, "version", source->version);
  row.emplace("intent", intent_names[static_cast<std::size_t>(source->intent)]);
  if (source->deleted) row.emplace("deleted", true);
  return Entry{Table::failed, key(failure.record), std::move(row)};
}

Failure Journal::failure_from(const Entry& entry) {
  const Object& row = entry.value.as_object();
  Failure failure;
  failure.record = ref_from(entry.key);
  failure.phase = phase_from(rows::text(row, "phase")).value_or(Phase::import);
  failure.cause = rows::text(row, "cause");
  failure.message = rows::text(row, "message");
  failure.advice = rows::text(row, "advice");
  failure.attempts = static_cast<int>(rows::integer(row, "attempts"));
  failure.skipped_by_person = rows::flag(row, "skipped");
  failure.data = rows::member(row, "data");
  return failure;
}

Record Journal::failed_record(const Entry& entry) {
  const Object& row = entry.value.as_object();
  Record record;
  record.ref = ref_from(entry.key);
  record.data = rows::member(row, "data");
  rows::each(row, "links", [&](const Object& link) { record.links.push_back(link_from(link)); });
  rows::each(row, "blobs", [&](const Object& blob) { record.blobs.push_back(blob_from(blob)); });
  rows::each(row, "keys", [&](const Object& key) {
    record.keys.push_back(
        AlternateKey{rows::text(key, "name"), rows::text(key, "value"), rows::text(key, "duplicate_cause")});
  });
  rows::each(row, "warnings", [&](const Object& warning) {
    record.warnings.push_back(
        Warning{rows::text(warning, "cause"), rows::text(warning, "field"), rows::text(warning, "message")});
  });
  record.version = rows::text(row, "version");
  record.intent = named<Intent>(intent_names, rows::text(row, "intent"));
  record.deleted = rows::flag(row, "deleted");
  // What its source could not read is not read by asking here.
  if (rows::flag(row, "unread") || (record.data.is_null() && !record.deleted)) {
    const Failure failure = failure_from(entry);
    Error unread(ErrorKind::invalid, failure.cause, failure.message);
    unread.with_advice(failure.advice);
    record.failure = std::make_shared<const Error>(std::move(unread));
  }
  return record;
}

std::uint64_t Journal::files_of(const Entry& row) {
  return static_cast<std::uint64_t>(rows::integer(row.value.as_object(), "files"));
}

std::uint64_t Journal::run_of(const Entry& row) {
  return static_cast<std::uint64_t>(rows::integer(row.value.as_object(), "run"));
}

MIGRATE_END
