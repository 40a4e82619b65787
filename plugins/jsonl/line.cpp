#include "line.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>
#include <memory>
#include <new>

#include "migrate/json.hpp"

namespace migrate::jsonl {

namespace {

bool finite(const Value& value) {
  if (value.is_double()) return std::isfinite(value.get_double());
  if (const Array* list = value.if_array()) {
    for (const Value& each : *list)
      if (!finite(each)) return false;
  } else if (const Object* object = value.if_object()) {
    for (const auto& field : *object)
      if (!finite(field.value())) return false;
  }
  return true;
}

void put(Object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object.emplace(name, text);
}

std::string_view to_text(Missing missing) {
  return missing == Missing::fails ? "fails" : missing == Missing::dropped ? "dropped" : "deferred";
}

std::string text(const Object& object, std::string_view name) {
  const Value* value = object.if_contains(name);
  return value ? std::string(value->as_string()) : std::string();
}

template <class Each>
void for_each(const Object& object, std::string_view name, Each each) {
  if (const Value* list = object.if_contains(name))
    for (const Value& value : list->as_array()) each(value.as_object());
}

void read_parts(const Object& line, Record& into) {
  for_each(line, "links", [&](const Object& from) {
    Link link;
    link.relation = text(from, "relation");
    link.target = RecordRef{text(from, "type"), text(from, "id")};
    link.cause = text(from, "cause");
    const std::string missing = text(from, "missing");
    link.missing = missing == "fails" ? Missing::fails : missing == "dropped" ? Missing::dropped : Missing::deferred;
    if (const Value* attributes = from.if_contains("attributes")) link.attributes = detached(*attributes);
    into.links.push_back(std::move(link));
  });
  for_each(line, "blobs", [&](const Object& from) {
    Blob blob;
    blob.id = text(from, "id");
    blob.name = text(from, "name");
    blob.media_type = text(from, "media_type");
    blob.sha256 = text(from, "sha256");
    if (const Value* size = from.if_contains("size")) blob.size = size->to_number<std::uint64_t>();
    if (const Value* locator = from.if_contains("locator")) blob.locator = detached(*locator);
    into.blobs.push_back(std::move(blob));
  });
  for_each(line, "keys", [&](const Object& from) {
    into.keys.push_back(AlternateKey{text(from, "name"), text(from, "value"), text(from, "duplicate_cause")});
  });
  for_each(line, "warnings", [&](const Object& from) {
    into.warnings.push_back(Warning{text(from, "cause"), text(from, "field"), text(from, "message")});
  });
  into.version = text(line, "version");
  const std::string intent = text(line, "intent");
  into.intent = intent == "patch" ? Intent::patch : intent == "get_or_create" ? Intent::get_or_create : Intent::upsert;
}

Error bad_line(const std::string& place, std::string_view what) {
  return Error(ErrorKind::invalid, "bad_line", fmt::format("{}: {}", place, what))
      .with_advice("Correct or remove the line; nothing after it has been read.");
}

}  // namespace

std::string line_of(const Record& record) {
  if (!finite(record.data))
    throw Error(ErrorKind::invalid, "bad_value", "a field is NaN or infinite, which JSON has no number for")
        .with_advice("Write it as {\"$numberDouble\":\"NaN\"}.");
  Object line;
  line.emplace("record", Object{{"type", record.ref.type}, {"id", record.ref.id}});
  line.emplace("data", record.data);
  Array links, blobs, keys, warnings;
  for (const Link& link : record.links) {
    Object to{{"relation", link.relation},
              {"type", link.target.type},
              {"id", link.target.id},
              {"missing", to_text(link.missing)}};
    put(to, "cause", link.cause);
    if (!link.attributes.is_null()) to.emplace("attributes", link.attributes);
    links.emplace_back(std::move(to));
  }
  for (const Blob& blob : record.blobs) {
    Object to{{"id", blob.id}, {"name", blob.name}};
    put(to, "media_type", blob.media_type);
    put(to, "sha256", blob.sha256);
    if (blob.size) to.emplace("size", *blob.size);
    if (!blob.locator.is_null()) to.emplace("locator", blob.locator);
    blobs.emplace_back(std::move(to));
  }
  for (const AlternateKey& key : record.keys) {
    Object to{{"name", key.name}, {"value", key.value}};
    put(to, "duplicate_cause", key.duplicate_cause);
    keys.emplace_back(std::move(to));
  }
  for (const Warning& warning : record.warnings)
    warnings.emplace_back(Object{{"cause", warning.cause}, {"field", warning.field}, {"message", warning.message}});
  if (!links.empty()) line.emplace("links", std::move(links));
  if (!blobs.empty()) line.emplace("blobs", std::move(blobs));
  if (!keys.empty()) line.emplace("keys", std::move(keys));
  if (!warnings.empty()) line.emplace("warnings", std::move(warnings));
  put(line, "version", record.version);
  if (record.intent == Intent::get_or_create) line.emplace("intent", "get_or_create");
  return boost::json::serialize(line);
}

void set_data(Record& record, Value data) {
  // Assignment would copy to the heap: a value keeps the storage that it was made with.
  std::destroy_at(&record.data);
  ::new (static_cast<void*>(&record.data)) Value(std::move(data));
}

void read_line(std::string_view line, boost::json::storage_ptr storage, const std::string& place,
               const std::string& type, const std::string& id_field, Record& into) {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = 1024;
  boost::json::error_code trouble;
  Value parsed = parse_json(line, trouble, std::move(storage), options);
  if (trouble) throw bad_line(place, fmt::format("this is not JSON: {}", trouble.message()));
  Object* object = parsed.if_object();
  if (!object) throw bad_line(place, "a record is an object, this is something else");
  Value* ref = object->if_contains("record");
  if (ref && ref->is_object() && object->contains("data")) {
    try {
      into.ref = RecordRef{text(ref->get_object(), "type"), text(ref->get_object(), "id")};
      read_parts(*object, into);
    } catch (const std::exception& error) {
      throw bad_line(place, fmt::format("this is not a record: {}", error.what()));
    }
    set_data(into, std::move(object->at("data")));
    return;
  }
  const Value* id = object->if_contains(id_field);
  if (id && id->is_string())
    into.ref.id = std::string(id->get_string());
  else if (id && (id->is_int64() || id->is_uint64()))
    into.ref.id = boost::json::serialize(*id);
  else
    throw bad_line(place, fmt::format("the record has no \"{}\" that is a text or an integer", id_field))
        .with_advice("Name the field that tells the records apart in `id`.");
  into.ref.type = type;
  set_data(into, std::move(parsed));
}

}  // namespace migrate::jsonl
