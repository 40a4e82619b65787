#include "shape.hpp"

#include <boost/json/serialize.hpp>
#include <memory>
#include <string_view>
#include <utility>

namespace migrate::jq {
namespace {

struct Word {
  int value;
  std::string_view text;
};
constexpr Word missing_words[] = {{static_cast<int>(Missing::fails), "fail"},
                                  {static_cast<int>(Missing::deferred), "defer"},
                                  {static_cast<int>(Missing::dropped), "drop"}};
constexpr Word intent_words[] = {{static_cast<int>(Intent::upsert), "upsert"},
                                 {static_cast<int>(Intent::get_or_create), "get_or_create"},
                                 {static_cast<int>(Intent::patch), "patch"}};

template <class Words>
std::string_view word_of(const Words& words, int value) {
  for (const Word& word : words) {
    if (word.value == value) return word.text;
  }
  return words[0].text;
}

[[noreturn]] void refuse(const std::string& what, const Value& found) {
  std::string shown_value = boost::json::serialize(found).substr(0, 80);
  throw Error(ErrorKind::invalid, "jq_result", "jq: " + what + ", not " + shown_value)
      .with_advice("a result is a record: {type, id, data, …}, as `.` is when the program begins");
}

template <class Words>
int value_of(const Words& words, const Value& text, const std::string& what) {
  for (const Word& word : words) {
    if (text.is_string() && text.get_string() == word.text) return word.value;
  }
  refuse(what, text);
}

std::string text_of(const Value& value, const std::string& what) {
  if (const boost::json::string* text = value.if_string()) return std::string(*text);
  if (const std::int64_t* number = value.if_int64()) return std::to_string(*number);
  if (const std::uint64_t* number = value.if_uint64()) return std::to_string(*number);
  refuse(what + " must be text", value);
}

/// Text of a member; empty when it is absent or null.
std::string text_in(const Object& object, std::string_view name, const std::string& what) {
  const Value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? std::string() : text_of(*value, what + "." + std::string(name));
}

template <class Item, class Read>
void read_list(const Object& object, std::string_view name, std::vector<Item>& list, Read read) {
  const Value* value = object.if_contains(name);
  if (value == nullptr) return;
  const Array* array = value->if_array();
  if (array == nullptr) refuse(std::string(name) + " must be a list", *value);
  list.clear();
  for (const Value& element : *array) {
    const Object* item = element.if_object();
    if (item == nullptr) refuse(std::string(name) + " must hold objects", element);
    list.push_back(read(*item));
  }
}

Value ref_shown(const RecordRef& ref) { return Object{{"type", ref.type}, {"id", ref.id}}; }

Link read_link(const Object& object) {
  Link link;
  link.relation = text_in(object, "relation", "links");
  const Value* target = object.if_contains("target");
  if (target == nullptr || !target->is_object()) refuse("a link needs a target {type, id}", Value(object));
  link.target.type = text_in(target->get_object(), "type", "links.target");
  link.target.id = text_in(target->get_object(), "id", "links.target");
  if (link.relation.empty() || link.target.type.empty()) refuse("a link needs a relation and a type", Value(object));
  if (const Value* missing = object.if_contains("missing")) {
    link.missing = static_cast<Missing>(value_of(missing_words, *missing, "links.missing must be fail, defer or drop"));
  }
  link.cause = text_in(object, "cause", "links");
  if (const Value* attributes = object.if_contains("attributes")) link.attributes = *attributes;
  return link;
}

Blob read_blob(const Object& object) {
  Blob blob;
  blob.id = text_in(object, "id", "blobs");
  blob.name = text_in(object, "name", "blobs");
  blob.media_type = text_in(object, "media_type", "blobs");
  blob.sha256 = text_in(object, "sha256", "blobs");
  if (const Value* size = object.if_contains("size"); size != nullptr && size->is_number()) {
    blob.size = size->to_number<std::uint64_t>();
  }
  if (const Value* locator = object.if_contains("locator")) blob.locator = *locator;
  return blob;
}

void read_lists(const Object& object, Record& record) {
  read_list(object, "links", record.links, read_link);
  read_list(object, "blobs", record.blobs, read_blob);
  read_list(object, "keys", record.keys, [](const Object& item) {
    return AlternateKey{text_in(item, "name", "keys"), text_in(item, "value", "keys"),
                        text_in(item, "duplicate_cause", "keys")};
  });
  read_list(object, "warnings", record.warnings, [](const Object& item) {
    return Warning{text_in(item, "cause", "warnings"), text_in(item, "field", "warnings"),
                   text_in(item, "message", "warnings")};
  });
}

Array links_shown(const std::vector<Link>& links) {
  Array list;
  for (const Link& link : links) {
    Object item{{"relation", link.relation},
                {"target", ref_shown(link.target)},
                {"missing", word_of(missing_words, static_cast<int>(link.missing))},
                {"cause", link.cause}};
    if (!link.attributes.is_null()) item["attributes"] = link.attributes;
    list.push_back(std::move(item));
  }
  return list;
}

Array blobs_shown(const std::vector<Blob>& blobs) {
  Array list;
  for (const Blob& blob : blobs) {
    list.push_back(Object{{"id", blob.id},
                          {"name", blob.name},
                          {"media_type", blob.media_type},
                          {"size", blob.size ? Value(*blob.size) : Value()},
                          {"sha256", blob.sha256},
                          {"locator", blob.locator}});
  }
  return list;
}

}  // namespace

Value shown(const Record& record) {
  Array keys, warnings;
  for (const AlternateKey& key : record.keys) {
    keys.push_back(Object{{"name", key.name}, {"value", key.value}, {"duplicate_cause", key.duplicate_cause}});
  }
  for (const Warning& warning : record.warnings) {
    warnings.push_back(Object{{"cause", warning.cause}, {"field", warning.field}, {"message", warning.message}});
  }
  Object object;
  object["type"] = record.ref.type;
  object["id"] = record.ref.id;
  object["data"] = record.data;
  object["links"] = links_shown(record.links);
  object["keys"] = std::move(keys);
  object["blobs"] = blobs_shown(record.blobs);
  object["warnings"] = std::move(warnings);
  object["version"] = record.version;
  object["intent"] = word_of(intent_words, static_cast<int>(record.intent));
  object["deleted"] = record.deleted;
  return object;
}

Record taken(Value result, const Record& original) {
  Object* object = result.if_object();
  if (object == nullptr) refuse("a result must be a record", result);
  Value* data = object->if_contains("data");
  if (data == nullptr && !original.deleted) refuse("a result needs data", result);
  Record record;
  record.ref = RecordRef{text_in(*object, "type", "result"), text_in(*object, "id", "result")};
  if (record.ref.type.empty() || record.ref.id.empty()) refuse("a result needs a type and an id", result);
  record.version = original.version;
  if (record.ref == original.ref) {
    record.links = original.links;
    record.blobs = original.blobs;
    record.keys = original.keys;
    record.warnings = original.warnings;
    record.intent = original.intent;
  }
  record.deleted = original.deleted;
  read_lists(*object, record);
  if (object->contains("version")) record.version = text_in(*object, "version", "result");
  if (const Value* intent = object->if_contains("intent")) {
    record.intent =
        static_cast<Intent>(value_of(intent_words, *intent, "intent must be upsert, get_or_create or patch"));
  }
  if (const Value* deleted = object->if_contains("deleted")) {
    if (!deleted->is_bool()) refuse("deleted must be true or false", *deleted);
    record.deleted = deleted->get_bool();
  }
  // Not assigned: an assignment would copy it out of the batch's arena.
  std::destroy_at(&record.data);
  std::construct_at(&record.data, data != nullptr ? std::move(*data) : Value(Object(original.data.storage())));
  return record;
}

}  // namespace migrate::jq
