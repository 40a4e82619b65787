// Time spent. On the Cloud the property of an entry tells which one it is. Data Center keeps none: there an entry is
// told by the state, and one whose call was never answered by what it was sent as.
#include <fmt/format.h>

#include <algorithm>

#include "compare.hpp"
#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

awaitable<void> JiraSink::move_worklogs(Job& job) {
  if (!api_.cloud() && !job.just_made) co_await claim_entries(job);
  for (WorklogDraft& draft : job.draft.worklogs) co_await move_worklog(job, draft);
  co_await tell_gone_worklogs(job);
}

/// Which entries belong to the item's already, before any is looked for: another one may hold the same.
awaitable<void> JiraSink::claim_entries(Job& job) {
  for (const WorklogDraft& draft : job.draft.worklogs) {
    Step step = co_await job.operation.begin(step_name("worklog", draft.worklog->id));
    if (step.done())
      job.entries.insert(step.target_id());
    else if (!step.uncertain())
      co_await step.refused();
  }
}

awaitable<void> JiraSink::move_worklog(Job& job, WorklogDraft& draft) {
  const Value note = printed(draft.text, markup(), {}, {});
  std::string name = step_name("worklog", draft.worklog->id);
  Value intended = undo_of(job.key, job.ours);
  if (!api_.cloud()) intended.as_object().emplace("sent", contents_of(draft, note));
  Value known = intended;
  Step step = co_await job.operation.begin(name, std::move(known));
  if (step.done()) {
    job.entries.insert(step.target_id());
    co_await update_worklog(job, draft, step.target_id());
    co_return;
  }
  if (must_look(job, step)) {
    const Value* told = find(step.undo(), {"sent"});
    const Value sent = told ? *told : contents_of(draft, note);
    std::string id = co_await find_worklog(job, step.key(), sent);
    const bool again = id.empty() && co_await wait_for_call(job, step);
    if (again) id = co_await find_worklog(job, step.key(), sent);
    if (!id.empty()) {
      job.entries.insert(id);
      Value undo(undo_of(job.key, job.ours));
      co_await step.finish_soon(id, std::move(undo));
      co_await update_worklog(job, draft, std::move(id));
      co_return;
    }
    if (step.uncertain()) {
      co_await step.refused();
      step = co_await job.operation.begin(name, std::move(intended));
    }
  }
  co_await move_original(job, draft.text.original);
  Object mark = object("key", step.key());
  mark.emplace("id", draft.worklog->id);
  Object property = object("key", property_key);
  property.emplace("value", std::move(mark));
  Array properties;
  properties.push_back(std::move(property));
  Object body = entry_body(draft, note);
  if (api_.cloud()) body.emplace("properties", std::move(properties));
  Value entry(std::move(body));
  const Value made = co_await api_.add_worklog(step, job.key, std::move(entry));
  Value undo(undo_of(job.key, job.ours));
  std::string id = text_at(made, {"id"});
  job.entries.insert(id);
  co_await step.finish_soon(std::move(id), std::move(undo));
}

Object JiraSink::entry_body(const WorklogDraft& draft, const Value& note) {
  Object body;
  body.emplace("timeSpentSeconds", draft.seconds);
  body.emplace("started", draft.started);
  body.emplace("comment", note);
  return body;
}

/// What an entry holds that is made of this draft: "seconds", "started" (of the epoch) and "note".
Value JiraSink::contents_of(const WorklogDraft& draft, const Value& note) const {
  Object contents = object("seconds", draft.seconds);
  contents.emplace("started", seconds_of(draft.started).value_or(0));
  contents.emplace("note", canonical(note, markup()));
  return contents;
}

/// Its id; empty: it is not there. `sent`: what it held when it was made.
awaitable<std::string> JiraSink::find_worklog(Job& job, std::string key, Value sent) {
  if (!job.worklogs) job.worklogs = co_await api_.worklogs(job.key);
  for (const Value& each : *job.worklogs) {
    const std::string id = text_at(each, {"id"});
    const Value* mark = mark_in(each);
    const bool same =
        api_.cloud() ? mark && text_at(*mark, {"key"}) == key : !job.entries.count(id) && is_entry(each, sent);
    if (same) co_return id;
  }
  co_return std::string();
}

/// Whether a work log of the migration's account is this time entry, by what it holds.
bool JiraSink::is_entry(const Value& worklog, const Value& contents) const {
  const Value* author = find(worklog, {"author"});
  return author && account_from(*author).id == site_->self.id && find(worklog, {"comment"}) &&
         holds_entry(worklog, contents);
}

bool JiraSink::holds_entry(const Value& worklog, const Value& contents) const {
  const Value* comment = find(worklog, {"comment"});
  const std::string said = comment ? canonical(*comment, markup()) : std::string();
  return number_at(worklog, {"timeSpentSeconds"}) == number_at(contents, {"seconds"}) &&
         seconds_of(text_at(worklog, {"started"})).value_or(0) == number_at(contents, {"started"}) &&
         is_same_text(said, text_at(contents, {"note"}), rewrites_markup());
}

/// The time entries that the issue had before this call. It shows the first 20 itself, without their properties.
const Array& JiraSink::entries_before(const Job& job) {
  return job.worklogs ? *job.worklogs : list_at(job.issue, {"fields", "worklog", "worklogs"});
}

awaitable<void> JiraSink::look_at_entries(Job& job) {
  const auto shown = static_cast<std::int64_t>(entries_before(job).size());
  const bool told = find(job.issue, {"fields", "worklog", "total"});
  if (job.worklogs || (told && number_at(job.issue, {"fields", "worklog", "total"}) <= shown)) co_return;
  job.worklogs = co_await api_.worklogs(job.key);
}

/// What the source says of an entry by now, unless a person has edited it in Jira. May be repeated at will.
awaitable<void> JiraSink::update_worklog(Job& job, WorklogDraft& draft, std::string id) {
  if (!job.issue.is_object()) co_return;
  co_await look_at_entries(job);
  const Array& entries = entries_before(job);
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Value& each) { return text_at(each, {"id"}) == id; });
  if (found == entries.end()) co_return;  // somebody has deleted it
  Value note = printed(draft.text, markup(), {}, {});
  const bool same = holds_entry(*found, contents_of(draft, note));
  if (!same && !site_->may_edit_worklogs()) {
    warn(job.operation,
         Warning{"may_not_edit_worklog", "worklogs",
                 fmt::format("time entry {} is another at the source, and the account of the migration lacks the right "
                             "Edit Own Worklogs: it stays as it was brought",
                             draft.worklog->id)});
    co_return;
  }
  if (!same && by_others(*found, "updateAuthor")) {
    warn(job.operation,
         Warning{"changed_on_both_sides", "worklogs",
                 fmt::format("time entry {} is another at the source, and was edited in Jira: left as it "
                             "is there",
                             draft.worklog->id)});
    co_return;
  }
  if (!same) {
    co_await move_original(job, draft.text.original);
    Value change(entry_body(draft, note));
    co_await api_.edit_worklog(job.key, id, std::move(change));
  }
  co_await drop_originals(job, "worklog-" + draft.worklog->id, draft.worklog->note, std::move(note));
}

/// What the migration's account has logged and no entry of the item stands for any more.
awaitable<void> JiraSink::tell_gone_worklogs(Job& job) {
  // In an issue that was there before it may be another migration's.
  if (!job.issue.is_object() || !job.ours) co_return;
  co_await look_at_entries(job);
  for (const Value& each : entries_before(job)) {
    if (!is_own(each) || job.entries.count(text_at(each, {"id"}))) continue;
    warn_of_rest(job, "worklogs", fmt::format("the time entry of {} s", number_at(each, {"timeSpentSeconds"})));
  }
}

}  // namespace migrate::jira
