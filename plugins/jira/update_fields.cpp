// Fields, labels and status in delta runs.
//
// The issue's property remembers a fingerprint of what the source said of each field. A field is written when the
// source says something else now, unless the last change of it in Jira's history is somebody else's.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

std::string list_of(const Array& values) {
  std::string out;
  for (const Value& value : values) out += (out.empty() ? "" : ", ") + boost::json::serialize(value);
  return out;
}

/// One that was written and is not there any more has been removed by somebody: it stays away.
Array label_changes(const std::vector<std::string>& wanted, const Value& issue, const Value* mark) {
  static const Value unmarked;
  const Array& written = list_at(mark ? *mark : unmarked, {"labels"});
  Array changes;
  for (const std::string& label : wanted) {
    const bool known = std::find(written.begin(), written.end(), Value(label)) != written.end();
    if (!known && !bears_label(issue, label)) changes.push_back(object("add", label));
  }
  for (const Value& label : written)
    if (label.is_string() && std::find(wanted.begin(), wanted.end(), std::string(label.get_string())) == wanted.end())
      changes.push_back(object("remove", label));
  // The item has come back.
  const bool meant = std::find(wanted.begin(), wanted.end(), gone_label) != wanted.end();
  if (!meant && bears_label(issue, gone_label)) changes.push_back(object("remove", gone_label));
  return changes;
}

}  // namespace

/// Notes in the journal that the issue is to be moved, since its mark says so before it has been. True when it is:
/// wanted now, or left to do by a run that died.
awaitable<bool> JiraSink::open_move(Job& job, bool wanted) {
  Step step = co_await job.operation.begin(move_step);
  if (wanted && step.done()) {
    // That was another one.
    co_await step.refused();
    step = co_await job.operation.begin(move_step);
  }
  if (wanted || step.uncertain()) co_return true;
  if (!step.done()) co_await step.refused();
  co_return false;
}

/// A person who has moved it since decides.
awaitable<void> JiraSink::decide_move(Job& job) {
  std::string field = "status", name;
  const bool theirs = co_await changed_by_others(job, std::move(field), std::move(name));
  job.moves = !theirs;
  if (job.moves) {
    co_await open_move(job, true);
    co_return;
  }
  Step step = co_await job.operation.begin(move_step);
  if (!step.done()) co_await step.refused();
  warn_of_move(job);
}

void JiraSink::warn_of_move(Job& job) {
  warn(job.operation, Warning{"changed_on_both_sides", "status", "the issue was moved in Jira too: left where it is"});
}

/// Whether what was once written to a field is to go. A value that the source has and that cannot be mapped now (an
/// account that is not active any more) is no reason to empty it, and some fields Jira never leaves empty.
bool JiraSink::is_cleared(const Job& job, const std::string& field) const {
  if (!job.looked.screen->has(field)) return false;
  if (field == "assignee") return !job.item.assignee && !site_->lacks("ASSIGN_ISSUES");
  if (field == "duedate") return job.item.due.empty();
  for (const char* never : {"reporter", "status", "summary", "issuetype", "priority", "description", "parent"})
    if (field == never) return false;
  const Value* value = job.item.fields.if_contains(field);
  return !value || value->is_null();
}

/// What the fields of the issue are to say: what the source has, and null for what it has taken away. What the source
/// has and Jira cannot take now is kept as it was. `last`: the fingerprints of what was written.
awaitable<Object> JiraSink::fields_wanted(Job& job, Value last) {
  Object wanted = job.draft.fields;
  wanted.erase("project");
  wanted.erase(job.draft.parent_field);
  if (job.looked.screen->has("description")) {
    const std::map<std::string, std::string> media = co_await media_of(job, job.draft.description);
    wanted.insert_or_assign("description", printed_once(job.draft.description, markup(), media, {}));
  }
  for (const auto& member : last.get_object()) {
    const std::string field(member.key());
    if (job.draft.fingerprints.count(field)) continue;
    if (is_cleared(job, field))
      wanted.emplace(field, nullptr);
    else
      job.kept[field] = text_at(last, {field});
  }
  co_return wanted;
}

/// Whether a person has the better right to what the field says in Jira now; tells of it.
awaitable<bool> JiraSink::stays(Job& job, std::string field, Value next) {
  const auto on_screen = job.looked.screen->fields.find(field);
  std::string name = on_screen == job.looked.screen->fields.end() ? std::string() : on_screen->second.name;
  const bool theirs = co_await changed_by_others(job, field, std::move(name));
  if (theirs) {
    warn(job.operation, Warning{"changed_on_both_sides", field,
                                fmt::format("{} was changed in Jira too: left as it is there", field)});
    co_return true;
  }
  const Value* current = find(job.issue, {"fields", field});
  if (field != "description" || !current || job.ours) co_return false;
  Value shown = *current;
  const bool drops = co_await drops_files_of_others(job, std::move(shown), std::move(next));
  if (drops)
    warn(job.operation, Warning{"shows_files_of_others", field,
                                "the description shows files that people have attached, and Jira would delete them "
                                "with it: left as it is there"});
  co_return drops;
}

/// Sets job.restated and job.moves.
awaitable<void> JiraSink::decide_status(Job& job) {
  if (!job.draft.status) co_return;
  job.restated =
      job.draft.fingerprints["status"] != text_at(job.issue, {"properties", property_key, "fields", "status"});
  const bool elsewhere = text_at(job.issue, {"fields", "status", "id"}) != job.draft.status->id;
  job.moves = elsewhere && job.restated;
  if (elsewhere && !job.restated) job.moves = co_await open_move(job, false);
  if (job.moves) co_await decide_move(job);
}

awaitable<void> JiraSink::update_fields(Job& job) {
  const Value* mark = find(job.issue, {"properties", property_key});
  static const Value unmarked = Object();
  const Value& last = mark && find(*mark, {"fields"}) ? *find(*mark, {"fields"}) : unmarked;
  const Object wanted = co_await fields_wanted(job, last);
  Edit edit;
  for (const auto& member : wanted) {
    const std::string field(member.key());
    const auto now = job.draft.fingerprints.find(field);
    const std::string said = now == job.draft.fingerprints.end() ? std::string() : now->second;
    if (said == text_at(last, {field})) continue;
    const bool theirs = co_await stays(job, field, member.value());
    if (theirs) continue;
    const Value* current = find(job.issue, {"fields", field});
    edit.before.emplace(field, current ? *current : Value());
    edit.fields.emplace(field, member.value());
  }
  edit.labels = label_changes(job.draft.labels, job.issue, mark);
  if (!edit.fields.empty() || !edit.labels.empty()) {
    co_await write_edit(job, std::move(edit));
    co_return;
  }
  if (job.restated) {
    // The issue may have come to its status by itself: what the source says now has to be known to the next run.
    Value now_known = new_mark(job);
    co_await api_.set_mark(job.key, now_known);
    job.mark = std::move(now_known);
    co_return;
  }
  // An earlier attempt may have ended before the old file was removed.
  const Value* there = find(job.issue, {"fields", "description"});
  const Value* ours = wanted.if_contains("description");
  if (there && ours && has_originals(job) && canonical(*there, markup()) == canonical(*ours, markup())) {
    Value shown = *there;
    co_await drop_originals(job, "description", job.draft.whole, std::move(shown));
  }
}

awaitable<void> JiraSink::write_edit(Job& job, Edit edit) {
  const bool rewrites = edit.fields.contains("description");
  // One step a version: the same field may change to and fro.
  const std::string version =
      fingerprint_of(job.operation.record().version + list_of(edit.labels) + boost::json::serialize(edit.fields));
  Object undo = undo_of(job.key, job.ours);
  if (!job.ours) {
    undo.emplace("before", std::move(edit.before));
    undo.emplace("labels", edit.labels);
  }
  // After a death behind the call nothing is to be changed any more: what was there stands in the intent.
  Value known(undo);
  Step step = co_await job.operation.begin(step_name("edit", version), std::move(known));
  Released released;
  while (true) {
    const std::optional<http::StatusError> refusal = co_await try_edit(job, edit, released);
    if (!refusal) break;
    if (job.moves && refusal->status() == 400 && !is_too_long(*refusal)) {
      // It may stand where it cannot be edited: out of there first.
      co_await reach_status(job, move_step);
      job.moves = false;
      continue;
    }
    if (!rewrites) throw *refusal;
    co_await shorten(job, *refusal);
    const std::map<std::string, std::string> media = co_await media_of(job, job.draft.description);
    edit.fields.insert_or_assign("description", printed_once(job.draft.description, markup(), media, {}));
  }
  job.mark = new_mark(job);
  Value receipt(std::move(undo));
  if (!step.done()) co_await step.finish(job.key, std::move(receipt));
  co_await regain_pictures(job, std::move(released));
  if (!rewrites) co_return;
  Value shown = edit.fields.at("description");
  co_await drop_originals(job, "description", job.draft.whole, std::move(shown));
}

/// Jira's refusal, if it refuses. What the old description showed and the new one does not is kept from being deleted.
awaitable<std::optional<http::StatusError>> JiraSink::try_edit(Job& job, Edit& wanted, Released& released) {
  if (wanted.fields.contains("description")) {
    co_await move_original(job, job.draft.description.original);
    const Value* there = find(job.issue, {"fields", "description"});
    Value shown = there ? *there : Value();
    Value next = wanted.fields.at("description");
    co_await release_pictures(job, std::move(shown), std::move(next), released);
  }
  Value change = edit_body(job, wanted.fields, wanted.labels);
  std::optional<http::StatusError> refusal;
  try {
    co_await edit(job, std::move(change));
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  co_return refusal;
}

/// Whether the last change of a field in Jira's history is a person's. `name`: what the site calls the field.
awaitable<bool> JiraSink::changed_by_others(Job& job, std::string field, std::string name) {
  if (!job.history) job.history = co_await api_.changes(job.key);
  bool theirs = false;
  for (const Change& change : *job.history)
    if (change.concerns(field, name)) theirs = change.author.person && change.author.id != site_->self.id;
  co_return theirs;
}

/// What the property says once the issue is as the item is now.
Value JiraSink::new_mark(const Job& job) const {
  const std::string key = create_key(job.operation.migration(), job.operation.record().ref);
  // Whoever brings it up to date: a state that was lost may have made it.
  Value mark = property_of(job, key, text_at(job.mark, {"state"}));
  if (!job.ours) mark.get_object().insert_or_assign("adopted", true);
  return mark;
}

Value JiraSink::edit_body(const Job& job, const Object& fields, const Array& labels) const {
  Object property;
  property.emplace("key", property_key);
  property.emplace("value", new_mark(job));
  Array properties;
  properties.push_back(std::move(property));
  Object body;
  if (!fields.empty()) body.emplace("fields", fields);
  if (!labels.empty()) body.emplace("update", object("labels", labels));
  body.emplace("properties", std::move(properties));
  return body;
}

}  // namespace migrate::jira
