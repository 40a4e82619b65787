// Taking back an edit of an issue that was there before: its former fields and labels.
#include "undo.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

/// Jira shows more of a value than it takes.
Value as_taken(const Value& shown) {
  for (const char* name : {"accountId", "id"})
    if (const Value* id = find(shown, {name})) return object(name, *id);
  return shown;
}

/// Whether an issue has its labels as these changes would make them.
bool are_set(const Value& issue, const Array& changes) {
  return std::all_of(changes.begin(), changes.end(), [&](const Value& change) {
    const std::string added = text_at(change, {"add"});
    return added.empty() ? !bears_label(issue, text_at(change, {"remove"})) : bears_label(issue, added);
  });
}

}  // namespace

Error touched(const std::string& issue, const std::string& by) {
  Error error(ErrorKind::conflict, "touched", fmt::format("{} stays: {} since the migration made it", issue, by));
  error.with_advice("delete it by hand when it is not needed");
  return error;
}

bool is_final(const http::StatusError& refusal) {
  for (const int status : {400, 403, 404, 409, 410})
    if (refusal.status() == status) return true;
  return false;
}

Error cannot_restore(const std::string& issue, const std::string& what, const http::StatusError& refusal) {
  Error error(ErrorKind::conflict, "cannot_restore",
              fmt::format("{} was there before the migration, and Jira refuses {} ({})", issue, what, refusal.what()));
  error.with_advice(
      "put it right by hand, or remove what stands in the way (a status in which issues cannot be edited, a right that "
      "the account lacks) and roll back again");
  return error;
}

/// The former content, of the fields that nobody has changed meanwhile. It is known of a call without an answer too.
awaitable<void> JiraSink::undo_edit(Receipt receipt) {
  const std::string issue = text_at(receipt.undo, {"issue"});
  const Value* before = find(receipt.undo, {"before"});
  const Object former = before && before->is_object() ? before->get_object() : Object();
  Array labels;
  for (const Value& change : list_at(receipt.undo, {"labels"})) {
    const std::string added = text_at(change, {"add"});
    labels.push_back(added.empty() ? object("add", text_at(change, {"remove"})) : object("remove", added));
  }
  if (former.empty() && labels.empty()) co_return;
  std::string asked = fmt::format("?expand=names&properties={}&fields=labels", property_key);
  for (const auto& member : former) asked += "," + std::string(member.key());
  const std::optional<Value> found = co_await api_.find_issue(issue, std::move(asked));
  if (!found) co_return;
  const Value* known = find(*found, {"properties", property_key});
  Undoing undoing;
  undoing.begun = std::chrono::duration_cast<std::chrono::milliseconds>(receipt.begun.time_since_epoch()).count();
  if (known && truth_at(*known, {"adopted"})) undoing.mark = *known;
  const std::vector<Change> history = co_await api_.changes(issue);
  Object fields;
  std::string theirs, left;
  for (const auto& member : former) {
    const std::string field(member.key());
    const Value* present = find(*found, {"fields", field});
    if ((present ? *present : Value()) == member.value() || undoing.is_past(field)) continue;
    if (undoing.mark.is_null()) {
      left += (left.empty() ? "" : ", ") + field;
      continue;
    }
    const std::string name = text_at(*found, {"names", field});
    bool other = false;
    for (const Change& change : history)
      if (change.concerns(field, name)) other = change.author.person && change.author.id != site_->self.id;
    if (other)
      theirs += (theirs.empty() ? "" : ", ") + field;
    else
      fields.emplace(field, as_taken(member.value()));
  }
  if (undoing.mark.is_null() && !are_set(*found, labels)) left += left.empty() ? "labels" : ", labels";
  if (undoing.mark.is_null() || undoing.is_past("labels")) labels.clear();
  co_await restore(issue, std::move(fields), std::move(labels), undoing);
  if (!theirs.empty()) throw touched(issue, fmt::format("somebody has changed {}", theirs));
  if (left.empty()) co_return;
  Error error(ErrorKind::conflict, "cannot_restore",
              fmt::format("{} was given back by an earlier rollback, which had to leave {}: it stays as it is now",
                          issue, left));
  error.with_advice("look at it, and put it right by hand if need be");
  throw error;
}

/// An older edit of the field has been taken back already: what this one has found there is not to come again.
bool JiraSink::Undoing::is_past(std::string_view field) const {
  const std::int64_t oldest = number_at(mark, {"undone", field});
  return oldest != 0 && oldest < begun;
}

/// For a run that comes instead of the rest of the rollback they have not been written.
Value JiraSink::Undoing::mark_without(const Object& fields, const Array& labels) const {
  Value changed = mark;
  Object& all = changed.get_object();
  if (!find(changed, {"undone"})) all["undone"] = Object();
  Object& undone = all["undone"].get_object();
  Object* written = all.contains("fields") ? all["fields"].if_object() : nullptr;
  for (const auto& member : fields) {
    undone.insert_or_assign(member.key(), begun);
    if (written) written->erase(member.key());
  }
  if (labels.empty()) return changed;
  undone.insert_or_assign("labels", begun);
  if (Array* known = all.contains("labels") ? all["labels"].if_array() : nullptr)
    for (const Value& change : labels)
      if (const Value* removed = find(change, {"remove"}))
        known->erase(std::remove(known->begin(), known->end(), *removed), known->end());
  return changed;
}

/// Together, or each by itself where Jira refuses one of them: it takes no text that shows a file which is gone.
awaitable<void> JiraSink::restore(std::string issue, Object fields, Array labels, Undoing& undoing) {
  if (fields.empty() && labels.empty()) co_return;
  std::optional<http::StatusError> refusal = co_await try_restore(issue, fields, labels, undoing);
  if (!refusal) co_return;
  std::string left;
  const bool single = fields.size() + (labels.empty() ? 0 : 1) == 1;
  const Array no_labels;
  for (const auto& member : fields) {
    const std::string field(member.key());
    const Object one = object(field, member.value());
    std::optional<http::StatusError> again = refusal;
    if (!single) again = co_await try_restore(issue, one, no_labels, undoing);
    if (!again) continue;
    refusal = again;
    left += (left.empty() ? "" : ", ") + field;
  }
  if (!labels.empty()) {
    const Object no_fields;
    std::optional<http::StatusError> again = refusal;
    if (!single) again = co_await try_restore(issue, no_fields, labels, undoing);
    if (again) {
      refusal = again;
      left += left.empty() ? "labels" : ", labels";
    }
  }
  if (!left.empty()) throw cannot_restore(issue, "its former " + left, *refusal);
}

/// Jira's refusal, where repeating would not help.
awaitable<std::optional<http::StatusError>> JiraSink::try_restore(std::string issue, Object fields, Array labels,
                                                                  Undoing& undoing) {
  Value mark = undoing.mark_without(fields, labels);
  Object property = object("key", property_key);
  property.emplace("value", mark);
  Array properties;
  properties.push_back(std::move(property));
  Object change = object("properties", std::move(properties));
  if (!fields.empty()) change.emplace("fields", std::move(fields));
  if (!labels.empty()) change.emplace("update", object("labels", std::move(labels)));
  Value body(std::move(change));
  std::optional<http::StatusError> refusal;
  try {
    co_await api_.edit_issue(issue, std::move(body), site_->silences);
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  if (refusal && !is_final(*refusal)) throw *refusal;
  if (!refusal) undoing.mark = std::move(mark);
  co_return refusal;
}

}  // namespace migrate::jira
