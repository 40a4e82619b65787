// An item becomes an issue: the order of the steps, and those that concern the issue as a whole.
#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

constexpr int longest_walk = 20;  // transitions from one status to another

}  // namespace

Object undo_of(const std::string& issue, bool ours) {
  Object undo;
  undo.emplace("issue", issue);
  undo.emplace("ours", ours);
  return undo;
}

awaitable<std::string> JiraSink::write(Operation& operation) {
  site_ = co_await reader_.site();
  if (operation.action() == Action::remove) co_return co_await withdraw(operation);
  Job job(operation);
  co_await look_up(job);
  if (operation.action() == Action::create)
    co_await create(job);
  else
    co_await bring_up_to_date(job);
  for (const Warning& warning : job.draft.warnings) warn(operation, warning);
  for (Blob& blob : operation.mutable_record().blobs) blob.left_out = !job.files.count(blob.id);
  co_return job.key;
}

/// Everything that the draft depends on, and the draft.
awaitable<void> JiraSink::look_up(Job& job) {
  job.type = &type_for(*site_, job.item, config_);
  job.looked.site = site_;
  job.looked.type = job.type;
  job.looked.screen = co_await reader_.screen(*job.type);
  job.looked.limit = static_cast<std::size_t>(config_.text_limit);
  job.looked.cloud = api_.cloud();
  if (job.item.assignee) {
    job.looked.assignee = co_await users_.find(job.item.assignee, Role::assignee);
    if (!job.looked.assignee) {
      job.looked.assignee = co_await users_.fallback();
      job.looked.assignee_is_fallback = job.looked.assignee.has_value();
    }
  }
  if (config_.reporters && site_->rights["MODIFY_REPORTER"])
    job.looked.reporter = co_await users_.find(job.item.reporter, Role::reporter);
  if (const Link* parent = parent_link(job.operation))
    job.looked.parent = std::string(job.operation.linked(parent->target)->as_string());
  co_await redraft(job);
}

awaitable<void> JiraSink::redraft(Job& job) {
  auto work = [&] { return draft_of(job.operation.record(), job.item, job.looked, config_); };
  job.draft = co_await on_pool(services_, work);
}

awaitable<void> JiraSink::create(Job& job) {
  co_await make_issue(job);
  // The item may be another by now than the one that the issue was made of.
  const bool known = job.resumed && co_await read_issue(job);
  co_await move_files(job);
  if (known) {
    co_await hide_exposed(job);
    co_await decide_status(job);
    co_await update_fields(job);
  }
  co_await move_original(job, job.draft.description.original);
  co_await move_comments(job);
  if (known) {
    job.comments.reset();  // some were made just now
    co_await update_comments(job);
  }
  co_await move_worklogs(job);
  if (known) tell_gone_files(job);
  co_await set_links(job);
  co_await set_source_link(job);
  // A workflow may have statuses in which an issue cannot be edited any more, as Jira's own has.
  co_await complete(job);
  co_await reach_status(job, first_move);
  if (job.moves) co_await reach_status(job, move_step);
}

/// Whether anything follows the call that makes the issue.
bool JiraSink::needs_more(const Job& job) const {
  const Draft& draft = job.draft;
  if (!draft.files.empty() || !draft.comments.empty() || !draft.worklogs.empty() || draft.description.original)
    return true;
  if (config_.source_link && !job.item.url.empty()) return true;
  if (!job.operation.record().links.empty()) return true;
  if (!draft.status) return false;
  const auto first = first_status_.find(job.type->id);
  return first == first_status_.end() || first->second != draft.status->id;
}

std::vector<std::string> JiraSink::labels_of(const Job& job, const std::string& key) const {
  std::vector<std::string> labels = job.draft.labels;
  labels.push_back(migration_label(config_.label, job.operation.migration()));
  labels.push_back(marker_label(config_.label, key));
  return labels;
}

/// `state`: the one that has made the issue.
Value JiraSink::property_of(const Job& job, const std::string& key, const std::string& state,
                            boost::json::storage_ptr storage) const {
  const RecordRef& ref = job.operation.record().ref;
  Object source(storage);
  source.emplace("type", ref.type);
  source.emplace("id", ref.id);
  if (!job.item.url.empty()) source.emplace("url", job.item.url);
  if (!job.item.created.empty()) source.emplace("created", job.item.created);
  if (!job.item.updated.empty()) source.emplace("updated", job.item.updated);
  Object fields(storage);
  for (const auto& [field, fingerprint] : job.draft.fingerprints) fields.emplace(field, fingerprint);
  for (const auto& [field, fingerprint] : job.kept) fields.emplace(field, fingerprint);
  Array labels(storage);
  for (const std::string& label : job.draft.labels) labels.emplace_back(label);
  Object value(storage);
  value.emplace("key", key);
  if (!state.empty()) value.emplace("state", state);
  value.emplace("source", std::move(source));
  value.emplace("fields", std::move(fields));
  value.emplace("labels", std::move(labels));
  if (job.looked.limit < static_cast<std::size_t>(config_.text_limit)) value.emplace("limit", job.looked.limit);
  return value;
}

/// On the draft's arena, as the description is.
Value JiraSink::issue_body(Job& job, const Step& step) const {
  const boost::json::storage_ptr storage(job.draft.arena.get());
  Object fields(job.draft.fields, storage);
  if (job.looked.screen->has("description"))
    fields.insert_or_assign("description", printed_once(job.draft.description, markup(), {}, {}));
  Array labels(storage);
  for (const std::string& label : labels_of(job, step.key())) labels.emplace_back(label);
  if (job.more) labels.emplace_back(incomplete_label);
  fields.insert_or_assign("labels", std::move(labels));
  Object property(storage);
  property.emplace("key", property_key);
  property.emplace("value", property_of(job, step.key(), step.state(), storage));
  Array properties(storage);
  properties.push_back(std::move(property));
  Object body(storage);
  body.emplace("fields", std::move(fields));
  body.emplace("properties", std::move(properties));
  return body;
}

awaitable<void> JiraSink::make_issue(Job& job) {
  Step step = co_await job.operation.begin("create");
  const std::string marker = marker_label(config_.label, step.key());
  job.more = needs_more(job);
  if (step.done()) {
    job.key = step.target_id();
    job.more = true;  // whatever was thought then
    // Taking an item back forgets its parts before it deletes the issue; it may have died between, or had to stop.
    job.resumed = true;
    co_return;
  }
  if (step.uncertain()) {
    Sought sought = sought_by(step, job);
    const std::optional<std::string> found = co_await find_made(std::move(sought), api_.since_call(step.key()));
    if (found) {
      job.key = *found;
      job.more = job.resumed = true;
      made_after_.erase(marker);
      Value undo(undo_of(job.key, true));
      co_await step.finish_soon(job.key, std::move(undo));
      co_return;
    }
    // It is certain now that nothing was made. The age of the next attempt counts from here.
    co_await step.refused();
    step = co_await job.operation.begin("create");
  }
  const Link* const parent = parent_link(job.operation);
  if (parent && !job.draft.parent_field.empty())
    job.kept["parent"] = fingerprint_of(parent->target.type + "/" + parent->target.id);
  while (true) {
    made_after_[marker] = newest_;
    Value body = issue_body(job, step);
    std::optional<http::StatusError> refusal;
    Created created;
    try {
      created = co_await api_.create_issue(step, std::move(body));
    } catch (const http::StatusError& error) {
      refusal = error;
    }
    if (!refusal) {
      job.key = created.key;
      break;
    }
    co_await shorten(job, *refusal);
    step = co_await job.operation.begin("create");
  }
  job.just_made = true;
  newest_ = std::max(newest_, number_of(job.key).value_or(0));
  made_after_.erase(marker);
  Value undo(undo_of(job.key, true));
  co_await step.finish_soon(job.key, std::move(undo));
  // Once the issue has been worked on, automation may have moved it.
  if (job.draft.status && !first_status_.count(job.type->id)) {
    std::string first = co_await status_of(job.key);
    first_status_.emplace(job.type->id, std::move(first));
  }
}

/// The description with its images, and the mark of the incomplete taken off. May be repeated at will.
awaitable<void> JiraSink::complete(Job& job) {
  if (!job.more) co_return;
  Step step = co_await job.operation.begin("complete");
  if (step.done()) co_return;
  const std::map<std::string, std::string> media = co_await media_of(job, job.draft.description);
  Object removal;
  removal.emplace("remove", incomplete_label);
  Array changes;
  changes.push_back(std::move(removal));
  Object body;
  body.emplace("update", object("labels", std::move(changes)));
  bool pictures = !media.empty();
  if (pictures && job.resumed) {
    std::string field = "description", name;
    const bool theirs = co_await changed_by_others(job, std::move(field), std::move(name));
    pictures = !theirs;
  }
  if (pictures) body.emplace("fields", object("description", printed_once(job.draft.description, markup(), media, {})));
  Value change(std::move(body));
  co_await edit(job, std::move(change));
  Value undo(undo_of(job.key, job.ours));
  co_await step.finish_soon(job.key, std::move(undo));
}

awaitable<void> JiraSink::edit(Job& job, Value body) {
  co_await api_.edit_issue(job.key, std::move(body), site_->silences);
}

awaitable<void> JiraSink::set_source_link(Job& job) {
  if (!config_.source_link || job.item.url.empty()) co_return;
  Step step = co_await job.operation.begin("source_link");
  if (step.done()) co_return;
  const RecordRef& ref = job.operation.record().ref;
  Object target;
  target.emplace("url", job.item.url);
  target.emplace("title", fmt::format("{} {}", ref.type, ref.id));
  Object body;
  const std::string id = source_link_id(job.operation.migration(), ref);
  body.emplace("globalId", id);
  body.emplace("relationship", "imported from");
  body.emplace("object", std::move(target));
  Value link(std::move(body));
  co_await api_.set_remote_link(job.key, std::move(link));
  Object undo = undo_of(job.key, job.ours);
  undo.emplace("global_id", id);
  Value receipt(std::move(undo));
  co_await step.finish_soon(id, std::move(receipt));
}

awaitable<std::string> JiraSink::status_of(std::string issue) {
  const std::optional<Value> found = co_await api_.find_issue(issue, "?fields=status");
  if (!found)
    throw Error(ErrorKind::not_found, "issue_gone", fmt::format("{} was there a moment ago and is gone", issue));
  co_return text_at(*found, {"fields", "status", "id"});
}

/// Through transitions, of which none is repeated without a look at where the issue stands.
awaitable<void> JiraSink::reach_status(Job& job, std::string name) {
  if (!job.draft.status) co_return;
  const auto first = first_status_.find(job.type->id);
  const bool known = job.just_made && first != first_status_.end();
  std::string from;
  if (known) from = first->second;
  // What has been written since may have moved it: a comment sets off automation.
  if (from == job.draft.status->id && job.more) from = co_await status_of(job.key);
  if (from == job.draft.status->id) co_return;
  const bool step_is_first = name == first_move;
  Step step = co_await job.operation.begin(std::move(name));
  if (step.done()) co_return;
  if (job.resumed && step_is_first) {
    // A person may have moved it between that call and this one.
    std::string field = "status", called;
    const bool theirs = co_await changed_by_others(job, std::move(field), std::move(called));
    if (theirs) {
      co_await step.refused();
      warn_of_move(job);
      co_return;
    }
  }
  if (from.empty() || step.uncertain()) from = co_await status_of(job.key);
  Object undo = undo_of(job.key, job.ours);
  undo.emplace("status", from);
  undo.emplace("reached", job.draft.status->id);
  co_await walk(job, std::move(from));
  Value receipt(std::move(undo));
  co_await step.finish_soon(job.draft.status->name, std::move(receipt));
}

/// What holds for one issue need not for the next (conditions look at fields and people): an issue that finds no way by
/// what others were told, or is refused, goes on by what it is told itself.
awaitable<void> JiraSink::walk(Job& job, std::string from) {
  const std::string& type = job.type->id;
  const IssueStatus& goal = *job.draft.status;
  Workflows own;
  std::set<std::string> visited;
  bool alone = false, looked_again = false;
  for (int steps = 0; from != goal.id; ++steps) {
    visited.insert(from);
    Workflows& known = alone ? own : workflows_;
    if (!known.knows(type, from)) {
      const Array transitions = co_await api_.transitions(job.key);
      own.learn(type, from, exits_from(transitions));
      // Of one that was refused something others learn only what nobody has told yet.
      if (!looked_again || !workflows_.knows(type, from)) workflows_.learn(type, from, exits_from(transitions));
    }
    const Exit* next = steps < longest_walk ? known.next(type, from, goal, visited) : nullptr;
    if (!next && !alone) {
      alone = true;
      visited.clear();
      continue;
    }
    if (!next) {
      throw Error(ErrorKind::invalid, "no_way_to_status",
                  fmt::format("{}: the workflow has no way that this account may go to \"{}\"", job.key, goal.name))
          .with_advice(
              "add a transition for the account of the migration, or map the status to one that can be reached");
    }
    Object body;
    body.emplace("transition", object("id", next->id));
    Object fields = demanded_fields(*next, config_.resolution);
    if (!fields.empty()) body.emplace("fields", std::move(fields));
    const std::string there = next->to.id;
    Value transition(std::move(body));
    std::optional<http::StatusError> refusal;
    try {
      co_await api_.transit(job.key, std::move(transition));
    } catch (const http::StatusError& error) {
      refusal = error;
    }
    if (!refusal) {
      from = there;
      looked_again = false;
      continue;
    }
    // A condition, or somebody was quicker.
    if (refusal->status() != 400 && refusal->status() != 404 && refusal->status() != 409) throw *refusal;
    if (looked_again) throw *refusal;
    alone = looked_again = true;
    from = co_await status_of(job.key);
    own.forget(type, from);
    visited.clear();
  }
}

}  // namespace migrate::jira
