// Delta runs: what has changed at the source since it was written is brought over; what a person has changed in Jira
// since stays.
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

constexpr std::string_view gone_label = "gone-at-source";
constexpr const char* move_step = "status:delta";

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
  return changes;
}

}  // namespace

bool was_edited(const Comment& comment) { return !comment.updated.empty() && comment.updated != comment.created; }

awaitable<void> JiraSink::bring_up_to_date(Job& job) {
  job.key = std::string(job.operation.target_id().as_string());
  const std::string query = fmt::format("?fields=*all&properties={}", property_key);
  std::optional<Value> issue = co_await api_.find_issue(job.key, query);
  if (!issue)
    throw Error(ErrorKind::not_found, "issue_gone", fmt::format("{} has been deleted in Jira", job.key))
        .with_advice("leave it: the item is not made a second time. Where a mapping file has named it, correct its "
                     "line and import the file again (migrate map --import)");
  job.issue = std::move(*issue);
  // It may have been moved.
  job.key = text_at(job.issue, {"key"});
  job.attachments = list_at(job.issue, {"fields", "attachment"});
  const std::string key = create_key(job.operation.migration(), job.operation.record().ref);
  job.ours = is_ours(job.issue, key);
  // The state may be younger than the mark: lost and made anew with imported mappings, or an older copy.
  job.resumed = text_at(job.issue, {"properties", property_key, "key"}) == key;
  if (const Value* mark = find(job.issue, {"properties", property_key})) job.mark = *mark;
  Value known = job.issue;
  co_await recall_limit(job, std::move(known));
  if (!find(job.issue, {"properties", property_key}) || truth_at(job.issue, {"properties", property_key, "adopted"}))
    co_await adopt(job);
  co_await move_files(job);
  co_await update_fields(job);
  co_await move_comments(job);
  co_await update_comments(job);
  co_await move_worklogs(job);
  co_await set_links(job);
  co_await set_source_link(job);
  // Last, as in a first run: the issue may be one that cannot be edited then.
  if (job.moves) co_await reach_status(job, move_step);
}

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
  warn(job.operation, Warning{"changed_on_both_sides", "status", "the issue was moved in Jira too: left where it is"});
}

/// An issue of somebody else's, named by an imported mapping, gets the marks by which its steps are found again.
awaitable<void> JiraSink::adopt(Job& job) {
  Step step = co_await job.operation.begin("adopt");
  if (step.done()) co_return;
  job.ours = false;
  if (find(job.issue, {"properties", property_key})) {
    // An earlier attempt has put the mark there and has not lived to say so.
    Value undo(undo_of(job.key, false));
    co_await step.finish(job.key, std::move(undo));
    co_return;
  }
  const std::string key = create_key(step.key());
  Array changes;
  // Labels of the source come with the edit, which knows how to take them back.
  changes.push_back(object("add", migration_label(config_.label, job.operation.migration())));
  changes.push_back(object("add", marker_label(config_.label, key)));
  Value mark = property_of(job, key);
  mark.get_object().insert_or_assign("adopted", true);
  // Nothing of the item has been written yet.
  mark.get_object()["fields"] = Object();
  mark.get_object()["labels"] = Array();
  Object property;
  property.emplace("key", property_key);
  property.emplace("value", mark);
  Array properties;
  properties.push_back(std::move(property));
  Object body;
  body.emplace("update", object("labels", std::move(changes)));
  body.emplace("properties", std::move(properties));
  Value marked(std::move(body));
  co_await edit(job, std::move(marked));
  job.mark = std::move(mark);
  Value undo(undo_of(job.key, false));
  co_await step.finish(job.key, std::move(undo));
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

awaitable<void> JiraSink::update_fields(Job& job) {
  const Value& issue = job.issue;
  const Value* mark = find(issue, {"properties", property_key});
  static const Value unmarked = Object();
  const Value& last = mark && find(*mark, {"fields"}) ? *find(*mark, {"fields"}) : unmarked;
  Object wanted = job.draft.fields;
  wanted.erase("project");
  wanted.erase(job.draft.parent_field);
  if (job.looked.screen->has("description")) {
    const std::map<std::string, std::string> media = co_await media_of(job, job.draft.description);
    wanted.insert_or_assign("description", printed_once(job.draft.description, markup(), media, {}));
  }
  // What the source has taken away, and what it has and Jira cannot take now.
  for (const auto& member : last.get_object()) {
    const std::string field(member.key());
    if (job.draft.fingerprints.count(field)) continue;
    if (is_cleared(job, field))
      wanted.emplace(field, nullptr);
    else
      job.kept[field] = text_at(last, {field});
  }
  Object fields, before;
  std::string status_last = text_at(last, {"status"});
  for (const auto& member : wanted) {
    const std::string field(member.key());
    const auto now = job.draft.fingerprints.find(field);
    const std::string said = now == job.draft.fingerprints.end() ? std::string() : now->second;
    if (said == text_at(last, {field})) continue;
    const auto on_screen = job.looked.screen->fields.find(field);
    std::string name = on_screen == job.looked.screen->fields.end() ? std::string() : on_screen->second.name;
    const bool theirs = co_await changed_by_others(job, field, std::move(name));
    if (theirs) {
      warn(job.operation, Warning{"changed_on_both_sides", field,
                                  fmt::format("{} was changed in Jira too: left as it is there", field)});
      continue;
    }
    const Value* current = find(issue, {"fields", field});
    if (field == "description" && current && !job.ours) {
      Value shown = *current, next = member.value();
      if (co_await drops_files_of_others(job, std::move(shown), std::move(next))) {
        warn(job.operation, Warning{"shows_files_of_others", field,
                                    "the description shows files that people have attached, and Jira would delete them "
                                    "with it: left as it is there"});
        continue;
      }
    }
    before.emplace(field, current ? *current : Value());
    fields.emplace(field, member.value());
  }
  const Array labels = label_changes(job.draft.labels, issue, mark);
  const bool restated = job.draft.status && job.draft.fingerprints["status"] != status_last;
  const bool elsewhere = job.draft.status && text_at(issue, {"fields", "status", "id"}) != job.draft.status->id;
  job.moves = elsewhere && restated;
  if (elsewhere && !restated) job.moves = co_await open_move(job, false);
  if (job.moves) co_await decide_move(job);
  const bool rewrites = fields.contains("description");
  if (fields.empty() && labels.empty() && !restated) {
    // An earlier attempt may have ended before the old file was removed.
    const Value* there = find(issue, {"fields", "description"});
    const Value* ours = wanted.if_contains("description");
    if (there && ours && has_originals(job) && canonical(*there, markup()) == canonical(*ours, markup())) {
      Value shown = *there;
      co_await drop_originals(job, "description", job.draft.whole, std::move(shown));
    }
    co_return;
  }
  // One step a version: the same field may change to and fro.
  const std::string version =
      fingerprint_of(job.operation.record().version + list_of(labels) + boost::json::serialize(fields));
  if (fields.empty() && labels.empty()) {
    // The issue may have come to its status by itself: what the source says now has to be known to the next run.
    Value now_known = new_mark(job);
    co_await api_.set_mark(job.key, now_known);
    job.mark = std::move(now_known);
    co_return;
  }
  Object undo = undo_of(job.key, job.ours);
  if (!job.ours) {
    undo.emplace("before", std::move(before));
    undo.emplace("labels", labels);
  }
  // After a death behind the call nothing is to be changed any more: what was there stands in the intent.
  Value known(undo);
  Step step = co_await job.operation.begin(step_name("edit", version), std::move(known));
  Released released;
  while (true) {
    if (rewrites) {
      co_await move_original(job, job.draft.description.original);
      const Value* there = find(issue, {"fields", "description"});
      Value shown = there ? *there : Value();
      Value next = fields.at("description");
      co_await release_pictures(job, std::move(shown), std::move(next), released);
    }
    Value change = edit_body(job, fields, labels);
    std::optional<http::StatusError> refusal;
    try {
      co_await edit(job, std::move(change));
    } catch (const http::StatusError& error) {
      refusal = error;
    }
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
    fields.insert_or_assign("description", printed_once(job.draft.description, markup(), media, {}));
  }
  job.mark = new_mark(job);
  Value receipt(std::move(undo));
  if (!step.done()) co_await step.finish(job.key, std::move(receipt));
  co_await regain_pictures(job, std::move(released));
  if (!rewrites) co_return;
  Value shown = fields.at("description");
  co_await drop_originals(job, "description", job.draft.whole, std::move(shown));
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
  Value mark = property_of(job, key);
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

/// Whether it is worth reading the issue's comments: some were edited at the source, or have to be kept from others.
bool JiraSink::comments_may_differ(const Job& job) const {
  const Array& shown = list_at(job.issue, {"fields", "comment", "comments"});
  const auto matters = [](const CommentDraft& draft) { return draft.comment->internal || was_edited(*draft.comment); };
  const auto hidden = [this](const Value& comment) { return is_internal(comment); };
  return std::any_of(job.draft.comments.begin(), job.draft.comments.end(), matters) ||
         std::any_of(shown.begin(), shown.end(), hidden);
}

/// Comments that were edited at the source since; those that somebody has edited in Jira stay as they are there.
awaitable<void> JiraSink::update_comments(Job& job) {
  if (!comments_may_differ(job)) co_return;
  if (!job.comments) job.comments = co_await api_.comments(job.key);
  const std::string ours = job.operation.migration() + "/";
  const Array there = *job.comments;
  for (CommentDraft& draft : job.draft.comments) {
    for (const Value& each : there) {
      const Value* mark = mark_in(each);
      if (!mark || !find(each, {"body"}) || text_at(*mark, {"id"}) != draft.comment->id) continue;
      if (part_in(*mark) != 0) continue;
      if (text_at(*mark, {"key"}).starts_with(ours)) co_await update_comment(job, draft, each);
    }
  }
}

/// One that was public becomes internal as a new comment: no text for staff is ever written where others see it. One
/// that was internal stays so.
awaitable<void> JiraSink::update_comment(Job& job, CommentDraft& draft, Value there) {
  const Comment& comment = *draft.comment;
  bool hidden = is_internal(there);
  if (comment.internal && !hidden) hidden = co_await is_hidden(job, there);
  if (comment.internal && !hidden) {
    co_await hide_comment(job, draft);
    co_return;
  }
  if (hidden && !comment.internal)
    warn(
        job.operation,
        Warning{"internal_stays", "comments",
                fmt::format("comment {} is public at the source and internal in Jira: it stays internal", comment.id)});
  if (hidden) {
    co_await update_parts(job, draft);
    // From when it was public, or by an earlier version; a run may have died before they were removed.
    if (has_originals(job)) co_await drop_open_originals(job, draft);
    co_return;
  }
  if (!was_edited(comment)) co_return;
  const auto limit = static_cast<std::size_t>(number_at(*mark_in(there), {"limit"}));
  if (limit != 0 && limit < limit_of(job, draft)) shorten(job, draft, limit);
  Value text = co_await comment_print(job, draft, 0);
  Value shown = *find(there, {"body"});
  if (canonical(shown, markup()) == canonical(text, markup())) {
    co_await drop_originals(job, "comment-" + comment.id, comment.body, std::move(shown));
    co_return;
  }
  if (const Value* author = find(there, {"updateAuthor"}); author && by_others(*author)) {
    warn_of_edit(job, draft);
    co_return;
  }
  co_await edit_comment(job, draft, std::move(there), std::move(text));
}

void JiraSink::warn_of_edit(Job& job, const CommentDraft& draft) {
  warn(job.operation,
       Warning{"changed_on_both_sides", "comments",
               fmt::format("comment {} was edited in Jira too: left as it is there", draft.comment->id)});
}

/// Its step counts as not done from here on: whoever makes the comment finds the public one and removes it first.
awaitable<void> JiraSink::hide_comment(Job& job, CommentDraft& draft) {
  Step step = co_await job.operation.begin(step_name("comment", draft.comment->id));
  if (step.done()) co_await step.refused();
  job.comments.reset();
  job.resumed = true;
  co_await move_parts(job, draft, false);
}

awaitable<void> JiraSink::edit_comment(Job& job, CommentDraft& draft, Value there, Value text) {
  const std::string id = text_at(there, {"id"});
  const std::size_t limit = limit_of(job, draft);
  Released released;
  while (true) {
    co_await move_original(job, draft.texts.front().original);
    Value shown = *find(there, {"body"}), next = text;
    co_await release_pictures(job, std::move(shown), std::move(next), released);
    Value mark;
    if (limit_of(job, draft) < limit) {
      mark = *mark_in(there);
      mark.get_object().insert_or_assign("limit", limit_of(job, draft));
    }
    Value copy = text;
    Value change = edited_comment(there, std::move(copy), std::move(mark));
    std::optional<http::StatusError> refusal;
    try {
      co_await api_.edit_comment(job.key, id, std::move(change), site_->silences);
    } catch (const http::StatusError& error) {
      refusal = error;
    }
    if (!refusal) break;
    if (!is_too_long(*refusal) || !shorten(job, draft, limit_of(job, draft) / 2)) throw *refusal;
    text = co_await comment_print(job, draft, 0);
  }
  co_await regain_pictures(job, std::move(released));
  co_await drop_originals(job, "comment-" + draft.comment->id, draft.comment->body, std::move(text));
}

/// `mark`: null to leave it as it is. Who may see the comment stays as it is.
Value JiraSink::edited_comment(const Value& there, Value text, Value mark) {
  Object edited;
  if (!mark.is_null()) {
    Object property;
    property.emplace("key", property_key);
    property.emplace("value", std::move(mark));
    Array properties;
    properties.push_back(std::move(property));
    edited.emplace("properties", std::move(properties));
  }
  edited.emplace("body", std::move(text));
  // Left out, the visibility would be lifted.
  if (const Value* visibility = find(there, {"visibility"})) edited.insert_or_assign("visibility", *visibility);
  return edited;
}

awaitable<std::string> JiraSink::withdraw(Operation& operation) {
  const std::string issue(operation.target_id().as_string());
  if (config_.vanished == "keep") co_return issue;
  std::string asked = fmt::format("?fields=labels&properties={}", property_key);
  const std::optional<Value> found = co_await api_.find_issue(issue, std::move(asked));
  if (!found) co_return std::string();
  const std::string key = create_key(operation.migration(), operation.record().ref);
  const bool ours = is_ours(*found, key);
  if (config_.vanished == "delete" && ours) {
    co_await delete_issue(issue, key);
    co_return std::string();
  }
  if (config_.vanished == "delete") {
    warn(operation, Warning{"adopted_stays", "", fmt::format("{} was there before the migration: it stays", issue)});
    co_return issue;
  }
  if (bears_label(*found, gone_label)) co_return issue;
  Array changes;
  changes.push_back(object("add", gone_label));
  Object undo = undo_of(issue, ours);
  undo.emplace("labels", changes);
  std::optional<Step> step;
  if (!ours) {
    Value known(undo);
    step = co_await operation.begin(step_name("edit", "gone"), std::move(known));
  }
  Value body(object("update", object("labels", std::move(changes))));
  co_await api_.edit_issue(issue, std::move(body), site_->silences);
  Value receipt(std::move(undo));
  if (step && !step->done()) co_await step->finish_soon(issue, std::move(receipt));
  co_return issue;
}

/// Whether this migration has made the issue; an adopted one bears the mark too.
bool JiraSink::is_ours(const Value& issue, const std::string& key) {
  const Value* mark = find(issue, {"properties", property_key});
  return mark && text_at(*mark, {"key"}) == key && !truth_at(*mark, {"adopted"});
}

bool JiraSink::by_others(const Value& user) const {
  const Account account = account_from(user);
  return account.person && account.id != site_->self.id;
}

}  // namespace migrate::jira
