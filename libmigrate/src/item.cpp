#include "migrate/item.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

MIGRATE_BEGIN

namespace {

[[noreturn]] void refuse(std::string_view member, std::string_view wanted) {
  throw Error(ErrorKind::invalid, "not_an_item", fmt::format("\"{}\" of an item should be {}", member, wanted))
      .with_advice("see what the source or the transformer before the sink makes of this member");
}

/// Reads members of one object and keeps track of which; `path` is for messages.
class Reader {
 public:
  Reader(const Object& object, std::string path) : object_(object), path_(std::move(path)) {}

  const Value* get(std::string_view name) const {
    const Value* value = object_.if_contains(name);
    return value && !value->is_null() ? value : nullptr;
  }
  std::string path(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  }

  std::string text(std::string_view name) const {
    const Value* value = get(name);
    if (!value) return {};
    // Ids and names may be numbers at the source; a date may be written the extended way.
    if (value->is_string()) return std::string(value->get_string());
    if (value->is_int64()) return std::to_string(value->get_int64());
    if (value->is_uint64()) return std::to_string(value->get_uint64());
    if (const Object* object = value->if_object(); object && object->size() == 1)
      if (const Value* date = object->if_contains("$date"); date && date->is_string())
        return std::string(date->get_string());
    refuse(path(name), "a text");
  }
  bool truth(std::string_view name) const {
    const Value* value = get(name);
    if (!value) return false;
    if (!value->is_bool()) refuse(path(name), "true or false");
    return value->get_bool();
  }
  std::int64_t number(std::string_view name) const {
    const Value* value = get(name);
    if (!value) return 0;
    if (!value->is_int64()) refuse(path(name), "a whole number");
    return value->get_int64();
  }
  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> result;
    each(name, [&](const Value& value, const std::string& where) {
      if (!value.is_string()) refuse(where, "a text");
      result.emplace_back(value.get_string());
    });
    return result;
  }
  std::optional<Person> person(std::string_view name) const {
    const Value* value = get(name);
    if (!value) return std::nullopt;
    if (!value->is_object()) refuse(path(name), "a person: an object with id, name and email");
    const Reader reader(value->get_object(), path(name));
    Person person{reader.text("id"), reader.text("name"), reader.text("email")};
    // An object without a word in it stands for nobody: a rule has made it while it looked inside.
    if (person == Person()) return std::nullopt;
    return person;
  }
  ItemText rich(std::string_view name) const {
    ItemText result;
    const Value* value = get(name);
    if (!value) return result;
    if (value->is_string()) {
      result.text = std::string(value->get_string());
      return result;
    }
    const Object* object = value->if_object();
    const Value* inner = object ? object->if_contains("$richText") : nullptr;
    if (!inner || !inner->is_object()) refuse(path(name), "a text or {\"$richText\":…}");
    const Reader reader(inner->get_object(), path(name));
    result.format = reader.text("format");
    result.text = reader.text("text");
    if (const Value* document = reader.get("doc")) result.document = *document;
    return result;
  }
  template <class Use>
  void each(std::string_view name, Use use) const {
    const Value* value = get(name);
    if (!value) return;
    if (!value->is_array()) refuse(path(name), "a list");
    std::size_t position = 0;
    for (const Value& element : value->get_array()) use(element, fmt::format("{}[{}]", path(name), position++));
  }
  template <class Use>
  void each_object(std::string_view name, Use use) const {
    each(name, [&](const Value& value, const std::string& where) {
      if (!value.is_object()) refuse(where, "an object");
      use(Reader(value.get_object(), where));
    });
  }

 private:
  const Object& object_;
  std::string path_;
};

Comment comment_from(const Reader& reader) {
  Comment comment;
  comment.id = reader.text("id");
  comment.author = reader.person("author");
  comment.created = reader.text("created");
  comment.updated = reader.text("updated");
  comment.body = reader.rich("body");
  comment.internal = reader.truth("internal");
  comment.kind = reader.text("kind");
  comment.blobs = reader.texts("blobs");
  if (comment.id.empty()) refuse(reader.path("id"), "a text that is not empty");
  return comment;
}

Worklog worklog_from(const Reader& reader) {
  Worklog worklog;
  worklog.id = reader.text("id");
  worklog.author = reader.person("author");
  worklog.started = reader.text("started");
  worklog.seconds = reader.number("seconds");
  worklog.note = reader.rich("note");
  worklog.billable = reader.truth("billable");
  if (worklog.id.empty()) refuse(reader.path("id"), "a text that is not empty");
  return worklog;
}

void put(Object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object.emplace(name, text);
}

Value value_of(const Person& person) {
  Object object;
  put(object, "id", person.id);
  put(object, "name", person.name);
  put(object, "email", person.email);
  return object;
}

Value value_of(const ItemText& text) {
  Object inner;
  inner.emplace("format", text.format);
  if (text.document.is_null())
    inner.emplace("text", text.text);
  else
    inner.emplace("doc", text.document);
  Object object;
  object.emplace("$richText", std::move(inner));
  return object;
}

void put(Object& object, std::string_view name, const std::optional<Person>& person) {
  if (person) object.emplace(name, value_of(*person));
}

void put(Object& object, std::string_view name, const ItemText& text) {
  if (!text.empty()) object.emplace(name, value_of(text));
}

void put(Object& object, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Array array;
  for (const std::string& text : texts) array.emplace_back(text);
  object.emplace(name, std::move(array));
}

Value value_of(const Comment& comment) {
  Object object;
  object.emplace("id", comment.id);
  put(object, "author", comment.author);
  put(object, "created", comment.created);
  put(object, "updated", comment.updated);
  put(object, "body", comment.body);
  object.emplace("internal", comment.internal);
  put(object, "kind", comment.kind);
  put(object, "blobs", comment.blobs);
  return object;
}

Value value_of(const Worklog& worklog) {
  Object object;
  object.emplace("id", worklog.id);
  put(object, "author", worklog.author);
  put(object, "started", worklog.started);
  object.emplace("seconds", worklog.seconds);
  put(object, "note", worklog.note);
  if (worklog.billable) object.emplace("billable", true);
  return object;
}

Value value_of(const InlineImage& image) {
  Object object;
  object.emplace("address", image.address);
  object.emplace("blob", image.blob);
  return object;
}

template <class T>
void put_list(Object& object, std::string_view name, const std::vector<T>& list) {
  if (list.empty()) return;
  Array array;
  for (const T& element : list) array.push_back(value_of(element));
  object.emplace(name, std::move(array));
}

constexpr std::string_view members[] = {"title",    "description", "kind",    "status",  "priority", "labels",
                                        "reporter", "assignee",    "created", "updated", "due",      "url",
                                        "comments", "worklogs",    "images",  "fields"};

}  // namespace

Item::Item() = default;

Item::Item(const Value& data) {
  if (!data.is_object()) refuse("data", "an object");
  const Object& object = data.get_object();
  const Reader reader(object, "");
  title = reader.text("title");
  description = reader.rich("description");
  kind = reader.text("kind");
  status = reader.text("status");
  priority = reader.text("priority");
  labels = reader.texts("labels");
  reporter = reader.person("reporter");
  assignee = reader.person("assignee");
  created = reader.text("created");
  updated = reader.text("updated");
  due = reader.text("due");
  url = reader.text("url");
  reader.each_object("comments", [&](const Reader& each) { comments.push_back(comment_from(each)); });
  reader.each_object("worklogs", [&](const Reader& each) { worklogs.push_back(worklog_from(each)); });
  reader.each_object("images", [&](const Reader& each) {
    images.push_back({each.text("address"), each.text("blob")});
  });
  if (const Value* more = reader.get("fields")) {
    if (!more->is_object()) refuse("fields", "an object");
    fields = more->get_object();
  }
  for (const auto& member : object)
    if (std::find(std::begin(members), std::end(members), std::string_view(member.key())) == std::end(members))
      others.emplace(member.key(), member.value());
}

Value Item::value() const {
  Object object;
  object.emplace("title", title);
  put(object, "description", description);
  put(object, "kind", kind);
  put(object, "status", status);
  put(object, "priority", priority);
  put(object, "labels", labels);
  put(object, "reporter", reporter);
  put(object, "assignee", assignee);
  put(object, "created", created);
  put(object, "updated", updated);
  put(object, "due", due);
  put(object, "url", url);
  put_list(object, "comments", comments);
  put_list(object, "worklogs", worklogs);
  put_list(object, "images", images);
  if (!fields.empty()) object.emplace("fields", fields);
  for (const auto& member : others) object.emplace(member.key(), member.value());
  return object;
}

MIGRATE_END
