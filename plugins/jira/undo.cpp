// Taking back what was made, and nothing that a person has touched since.
//
// An issue that this migration has made goes as a whole, with its comments and files, when its step "create" is undone;
// undoing one of its other steps does nothing, so that an issue which stays because of a person stays complete. In an
// issue that was there before, each step is undone by itself.
#include "undo.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t fetched_at_once = 100;

Error parent_of(const std::string& issue, const std::string& child) {
  Error error(ErrorKind::conflict, "touched",
              child.empty() ? fmt::format("{} stays: it has sub-tasks", issue)
                            : fmt::format("{} stays: it has the sub-task {}", issue, child));
  error.with_advice("sub-tasks are not deleted along with their parent: delete it by hand when it is not needed");
  return error;
}

/// The one whom a thing of Jira's names in this role.
std::string person_of(const Value& thing, std::string_view role) {
  if (!find(thing, {role})) return "somebody without an account";
  const std::string name = text_at(thing, {role, "displayName"});
  return name.empty() ? std::string("somebody") : name;
}

std::string of_step(const std::string& step) { return step.substr(0, step.find(':')); }

/// What undoing a step takes away, for people.
std::string thing_of(const std::string& what) {
  if (what == "worklog") return "a time entry of the migration";
  if (what == "blob" || what == "original") return "a file of the migration";
  if (what == "link") return "a link or parent that the migration has set";
  if (what == "source_link") return "the web link to its source";
  if (what == "adopt") return "the labels and the property of the migration";
  return fmt::format("a {} of the migration", what);
}

}  // namespace

awaitable<void> JiraSink::undo(Receipt receipt) {
  site_ = co_await reader_.site();
  if (receipt.step == "create")
    co_await undo_create(std::move(receipt));
  else
    co_await undo_part(std::move(receipt));
}

awaitable<void> JiraSink::undo_create(Receipt receipt) {
  std::string issue = receipt.target_id;
  if (receipt.uncertain) {
    Sought sought = sought_by(receipt);
    const std::optional<std::string> found = co_await find_made(std::move(sought), api_.since_call(receipt.key));
    if (!found) co_return;
    issue = *found;
  }
  co_await delete_issue(std::move(issue), receipt.key, receipt.state);
}

/// A label proves nothing: a clone that somebody makes of an issue bears those of the issue, and an adopted one gets
/// them. The property is the migration's own, and the creator cannot be changed. `state`: empty where it does not
/// matter which state has made it.
void JiraSink::refuse_unless_made(const std::string& issue, const Value& found, const std::string& key,
                                  const std::string& state) const {
  const Value* mark = find(found, {"properties", property_key});
  const Value* creator = find(found, {"fields", "creator"});
  std::string why;
  if (mark && truth_at(*mark, {"adopted"}))
    why = "it was there before the migration, which has only brought it up to date";
  else if (!mark || key.empty() || text_at(*mark, {"key"}) != key)
    why = "its property \"migration\" does not say that this migration made it";
  else if (const std::string by = text_at(*mark, {"state"}); !by.empty() && !state.empty() && by != state)
    why = fmt::format("its property \"migration\" says that the state {} made it: another working directory", by);
  else if (!creator || account_from(*creator).id != site_->self.id)
    why = fmt::format("it was made by {}, not by {}",
                      creator ? person_of(*find(found, {"fields"}), "creator") : std::string("an unknown account"),
                      site_->self.name);
  if (why.empty()) return;
  Error error(ErrorKind::conflict, "not_ours", fmt::format("{} stays: {}", issue, why));
  error.with_advice("delete it by hand if it is not needed; sign in with the account that made the migration's issues");
  throw error;
}

/// Sub-tasks would go with their parent. What was made later is taken back earlier, so that one which is still there is
/// not to go: somebody has made it or touched it, another migration has, or the source still has it.
awaitable<void> JiraSink::refuse_if_parent(std::string issue, std::vector<std::string> children) {
  const std::vector<std::string> fields{"labels"}, properties;
  for (std::size_t first = 0; first < children.size(); first += fetched_at_once) {
    const auto from = children.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<std::string> keys(
        from, from + static_cast<std::ptrdiff_t>(std::min(fetched_at_once, children.size() - first)));
    const Array there = co_await api_.issues(std::move(keys), fields, properties);
    if (!there.empty()) throw parent_of(issue, text_at(there.front(), {"key"}));
  }
}

/// An issue shows only the first of its comments (100) and of its time entries (20).
awaitable<Array> JiraSink::all_of(std::string issue, Value found, std::string field, std::string list) {
  const Array& shown = list_at(found, {"fields", field, list});
  if (static_cast<std::int64_t>(shown.size()) >= number_at(found, {"fields", field, "total"})) co_return shown;
  if (field == "comment") co_return co_await api_.comments(std::move(issue));
  co_return co_await api_.worklogs(std::move(issue));
}

/// What others have done to an issue. Apps and automation count as nobody, and so does what was done with the
/// migration's own account: it cannot be told from the migration.
awaitable<void> JiraSink::refuse_if_touched(std::string issue, Value found) {
  const Array comments = co_await all_of(issue, found, "comment", "comments");
  for (const Value& comment : comments) {
    if (by_others(comment, "author")) throw touched(issue, person_of(comment, "author") + " has commented on it");
    if (by_others(comment, "updateAuthor"))
      throw touched(issue, person_of(comment, "updateAuthor") + " has edited a comment");
  }
  for (const Value& file : list_at(found, {"fields", "attachment"}))
    if (by_others(file, "author")) throw touched(issue, person_of(file, "author") + " has attached a file");
  const Array entries = co_await all_of(issue, found, "worklog", "worklogs");
  for (const Value& entry : entries) {
    if (by_others(entry, "author")) throw touched(issue, person_of(entry, "author") + " has logged time on it");
    if (by_others(entry, "updateAuthor"))
      throw touched(issue, person_of(entry, "updateAuthor") + " has edited a time entry");
  }
  std::vector<std::string> children;
  for (const Value& child : list_at(found, {"fields", "subtasks"})) children.push_back(text_at(child, {"key"}));
  co_await refuse_if_parent(issue, std::move(children));
  const std::vector<Change> history = co_await api_.changes(issue);
  for (const Change& change : history)
    if (change.author.person && change.author.id != site_->self.id) {
      const std::string what = change.fields.empty() ? std::string("it") : change.fields.front().name;
      const std::string who = change.author.name.empty() ? std::string("somebody") : change.author.name;
      throw touched(issue, fmt::format("{} has changed {}", who, what));
    }
}

awaitable<void> JiraSink::delete_issue(std::string issue, std::string key, std::string state) {
  std::string asked =
      fmt::format("?fields=comment,attachment,worklog,subtasks,labels,creator&properties={}", property_key);
  std::optional<Value> found = co_await api_.find_issue(issue, std::move(asked));
  if (!found) co_return;
  refuse_unless_made(issue, *found, key, state);
  co_await refuse_if_touched(issue, std::move(*found));
  std::optional<http::StatusError> refusal;
  try {
    co_await api_.remove("/issue/" + http::encode(issue));
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  if (!refusal) co_return;
  // One that was made since, or that the account may not see.
  if (refusal->status() == 400) throw parent_of(issue, std::string());
  if (refusal->status() != 403) throw *refusal;
  Error error(ErrorKind::conflict, "may_not_delete",
              fmt::format("{} stays: the account may not delete issues of {}", issue, site_->project_key));
  error.with_advice("grant the right Delete Issues and roll back again");
  throw error;
}

/// A step of an issue. Those of an issue of ours go with it.
awaitable<void> JiraSink::undo_part(Receipt receipt) {
  if (truth_at(receipt.undo, {"ours"})) co_return;
  std::string issue = text_at(receipt.undo, {"issue"});
  if (receipt.uncertain) {
    // The call may be at work still, and the label may be so new that no search shows it.
    co_await settle(receipt.key);
    // Adopted issues bear the marker too. One of ours is deleted as a whole by its step "create", which comes later.
    std::optional<std::string> found;
    if (!issue.empty()) found = issue;
    Sought sought = sought_by(receipt);
    if (!found) found = co_await find_by_label(std::move(sought));
    if (!found) co_return;
    const std::optional<Value> there =
        co_await api_.find_issue(*found, fmt::format("?fields=labels&properties={}", property_key));
    if (!there || !truth_at(*there, {"properties", property_key, "adopted"})) co_return;
    issue = *found;
  }
  if (issue.empty()) co_return;
  const std::string what = of_step(receipt.step);
  std::optional<http::StatusError> refusal;
  try {
    co_await undo_effect(issue, std::move(receipt));
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  if (!refusal) co_return;
  if (!is_final(*refusal)) throw *refusal;
  const std::optional<Value> there = co_await api_.find_issue(issue, "?fields=labels");
  if (there) throw cannot_restore(issue, "to take away " + thing_of(what), *refusal);
}

/// What a step has done to an issue that was there before.
awaitable<void> JiraSink::undo_effect(std::string issue, Receipt receipt) {
  const std::string what = of_step(receipt.step);
  const std::string path = "/issue/" + http::encode(issue);
  if (what == "comment" || what == "worklog") {
    Array things;
    if (what == "comment")
      things = co_await api_.comments(issue);
    else
      things = co_await api_.worklogs(issue);
    for (const Value& each : things) {
      bool ours = text_at(each, {"id"}) == receipt.target_id && !receipt.target_id.empty();
      for (const Value& property : list_at(each, {"properties"}))
        ours =
            ours || (text_at(property, {"key"}) == property_key && text_at(property, {"value", "key"}) == receipt.key);
      if (!ours) continue;
      if (by_others(each, "updateAuthor"))
        throw touched(issue, fmt::format("{} has edited a {}", person_of(each, "updateAuthor"), what));
      const std::string thing = fmt::format("{}/{}/{}", path, what, text_at(each, {"id"}));
      co_await api_.remove(thing);
    }
  } else if (what == "blob" || what == "original") {
    co_await undo_upload(issue, std::move(receipt));
  } else if (what == "link") {
    Value undo = receipt.undo;
    co_await undo_link(issue, std::move(undo));
  } else if (what == "source_link") {
    http::Query query;
    const std::string migration = receipt.key.substr(0, receipt.key.find('/'));
    query.add("globalId", source_link_id(migration, receipt.record));
    co_await api_.remove(path + "/remotelink" + query.text());
  } else if (what == "edit") {
    co_await undo_edit(std::move(receipt));
  } else if (what == "adopt") {
    Array changes;
    const std::string marker = marker_label(config_.label, create_key(receipt.key));
    changes.push_back(object("remove", marker));
    const std::string migration = receipt.key.substr(0, receipt.key.find('/'));
    changes.push_back(object("remove", migration_label(config_.label, migration)));
    Value body(object("update", object("labels", std::move(changes))));
    co_await api_.edit_issue(issue, std::move(body), site_->silences);
    co_await api_.remove(fmt::format("{}/properties/{}", path, property_key));
  } else if (what == "status") {
    const std::optional<Value> there = co_await api_.find_issue(issue, "?fields=labels");
    if (!there) co_return;
    throw Error(
        ErrorKind::conflict, "status_stays",
        fmt::format("{} was there before the migration, which moved it to another status: it stays there", issue))
        .with_advice("move it by hand if need be");
  }
}

/// One of which nobody knows whether it has arrived is told by its name.
awaitable<void> JiraSink::undo_upload(std::string issue, Receipt receipt) {
  std::vector<std::string> ids;
  if (!receipt.target_id.empty()) {
    ids.push_back(receipt.target_id);
  } else {
    const std::string blob =
        receipt.step.starts_with("original:") ? original_blob(receipt.step) : id_of_step(receipt.step);
    const std::optional<Value> found = co_await api_.find_issue(issue, "?fields=attachment");
    if (!found) co_return;
    for (const Value& file : list_at(*found, {"fields", "attachment"}))
      if (is_own(file) && is_file_of(text_at(file, {"filename"}), blob)) ids.push_back(text_at(file, {"id"}));
  }
  for (const std::string& id : ids) {
    const std::string path = "/attachment/" + http::encode(id);
    co_await api_.remove(path);
  }
}

}  // namespace migrate::jira
