// Delta runs: what has changed at the source since it was written is brought over; what a person has changed in Jira
// since stays. The order of the parts is here; fields are in update_fields.cpp, comments in update_comments.cpp.
#include <fmt/format.h>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

/// What there is of the issue, before anything is written to it. False: it is gone.
awaitable<bool> JiraSink::read_issue(Job& job) {
  const std::string query = fmt::format("?fields=*all&properties={}", property_key);
  std::optional<Value> issue = co_await api_.find_issue(job.key, query);
  if (!issue) co_return false;
  job.issue = std::move(*issue);
  // It may have been moved.
  job.key = text_at(job.issue, {"key"});
  job.attachments = list_at(job.issue, {"fields", "attachment"});
  if (const Value* mark = find(job.issue, {"properties", property_key})) job.mark = *mark;
  Value known = job.issue;
  co_await recall_limit(job, std::move(known));
  co_return true;
}

awaitable<void> JiraSink::bring_up_to_date(Job& job) {
  job.key = std::string(job.operation.target_id().as_string());
  const bool there = co_await read_issue(job);
  if (!there)
    throw Error(ErrorKind::not_found, "issue_gone", fmt::format("{} has been deleted in Jira", job.key))
        .with_advice(
            "leave it, or let the next full run make it anew: migrate map --forget-gone. Where a mapping file "
            "has named it, correct its line and import the file again (migrate map --import)");
  const std::string key = create_key(job.operation.migration(), job.operation.record().ref);
  job.ours = is_ours(job.issue, key);
  // The state may be younger than the mark: lost and made anew with imported mappings, or an older copy.
  job.resumed = text_at(job.issue, {"properties", property_key, "key"}) == key;
  if (!find(job.issue, {"properties", property_key}) || truth_at(job.issue, {"properties", property_key, "adopted"}))
    co_await adopt(job);
  co_await decide_status(job);
  bool closed = false;
  try {
    co_await update_contents(job);
  } catch (const http::StatusError& refusal) {
    closed = job.moves && (refusal.status() == 400 || refusal.status() == 403);
    if (!closed) throw;
  }
  if (closed) {
    // It may stand where it cannot be edited: out of there first.
    co_await reach_status(job, move_step);
    job.moves = false;
    job.forget_lists();
    co_await read_issue(job);
    co_await update_contents(job);
  }
  tell_gone_files(job);
  co_await set_links(job);
  co_await set_source_link(job);
  // Last, as in a first run: the issue may be one that cannot be edited then.
  if (job.moves) co_await reach_status(job, move_step);
}

awaitable<void> JiraSink::update_contents(Job& job) {
  co_await move_files(job);
  co_await update_fields(job);
  co_await move_comments(job);
  co_await update_comments(job);
  co_await move_worklogs(job);
}

/// An issue of somebody else's, named by an imported mapping, gets the marks by which its steps are found again.
awaitable<void> JiraSink::adopt(Job& job) {
  Step step = co_await job.operation.begin("adopt");
  if (step.done()) co_return;
  job.ours = false;
  const std::string key = create_key(step.key());
  const Value* there = find(job.issue, {"properties", property_key});
  // A rollback that died may have taken the labels, and not the property.
  if (there && bears_label(job.issue, marker_label(config_.label, key))) {
    // An earlier attempt has put the mark there and has not lived to say so.
    Value undo(undo_of(job.key, false));
    co_await step.finish(job.key, std::move(undo));
    co_return;
  }
  Array changes;
  // Labels of the source come with the edit, which knows how to take them back.
  changes.push_back(object("add", migration_label(config_.label, job.operation.migration())));
  changes.push_back(object("add", marker_label(config_.label, key)));
  Value mark = there ? *there : property_of(job, key, step.state());
  if (!there) {
    mark.get_object().insert_or_assign("adopted", true);
    // Nothing of the item has been written yet.
    mark.get_object()["fields"] = Object();
    mark.get_object()["labels"] = Array();
  }
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

awaitable<std::string> JiraSink::withdraw(Operation& operation) {
  const std::string issue(operation.target_id().as_string());
  if (config_.vanished == "keep") co_return issue;
  std::string asked = fmt::format("?fields=labels&properties={}", property_key);
  const std::optional<Value> found = co_await api_.find_issue(issue, std::move(asked));
  if (!found) co_return std::string();
  const std::string key = create_key(operation.migration(), operation.record().ref);
  const bool ours = is_ours(*found, key);
  if (config_.vanished == "delete" && ours) {
    co_await delete_issue(issue, key, std::string());
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

/// Whether the one whom `thing` names as its author, or the like, is somebody else. Data Center names nobody for those
/// who need no account to write: the migration has one.
bool JiraSink::by_others(const Value& thing, std::string_view role) const {
  const Value* user = find(thing, {role});
  return !user || by_others(*user);
}

/// Whether the migration's account has attached it.
bool JiraSink::is_own(const Value& file) const {
  const Value* author = find(file, {"author"});
  return author && account_from(*author).id == site_->self.id;
}

}  // namespace migrate::jira
