// Comments for staff that are longer than Jira takes: each becomes several, all of them hidden.
//
// Who sees the issue sees its attachments, so that no original may stand behind such a text. How it was parted follows
// from the limit, which the property of the first part keeps: whoever goes on with the comment parts it where it was
// parted. Each part is a step, and is found again by its own key.
#include <fmt/format.h>

#include <algorithm>

#include "compare.hpp"
#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

std::string said_by(const Value& comment, Markup markup) {
  const Value* body = find(comment, {"body"});
  return body ? canonical(*body, markup) : std::string();
}

}  // namespace

/// The parts of a comment of this migration's, as Jira lists them, by their place.
std::map<std::size_t, Value> JiraSink::parts_in(const Job& job, const Array& comments, const std::string& id) {
  const std::string ours = job.operation.migration() + "/";
  std::map<std::size_t, Value> found;
  for (const Value& each : comments) {
    const Value* mark = mark_in(each);
    if (!mark || text_at(*mark, {"id"}) != id || !text_at(*mark, {"key"}).starts_with(ours)) continue;
    found.emplace(part_in(*mark), each);
  }
  return found;
}

/// How an earlier call has parted a comment. True when no further part is to be made along with the first one: it was
/// written as a whole, or a delta run is about to look at all of them.
awaitable<bool> JiraSink::recall_parts(Job& job, CommentDraft& draft) {
  if (!draft.hidden || !job.resumed) co_return false;
  if (!job.comments) job.comments = co_await api_.comments(job.key);
  const std::map<std::size_t, Value> there = parts_in(job, *job.comments, draft.comment->id);
  const auto first = there.find(0);
  if (first == there.end()) co_return false;
  // A first run makes comments in their order, also when it goes on with them.
  const bool delta = job.operation.action() != Action::create;
  if (!delta) {
    Value comment = first->second;
    const bool hidden = co_await is_hidden(job, std::move(comment));
    if (!hidden) co_return false;
  }
  const Value& mark = *mark_in(first->second);
  const auto limit = static_cast<std::size_t>(number_at(mark, {"limit"}));
  if (limit != 0) shorten(job, draft, limit);
  co_return delta || number_at(mark, {"parts"}) == 0;
}

/// Takes parts away, the first one last: what stands there tells the limit of the others. Their steps count as not done
/// afterwards.
awaitable<void> JiraSink::withdraw_parts(Job& job, const CommentDraft& draft, std::size_t from, std::size_t end) {
  if (from >= end) co_return;
  job.comments = co_await api_.comments(job.key);
  const std::map<std::size_t, Value> there = parts_in(job, *job.comments, draft.comment->id);
  for (std::size_t part = end; part-- > from;) {
    std::string name = comment_step(draft.comment->id, part);
    Step step = co_await job.operation.begin(std::move(name));
    co_await step.announce_removal();
    if (const auto found = there.find(part); found != there.end()) {
      Value comment = found->second;
      co_await remove_comment(job, std::move(comment));
    }
    co_await step.refused();
  }
  job.comments.reset();
}

/// What the source has of a hidden comment now, in as many parts as it takes. Between a change of the limit and the
/// last of its edits a run may die: the next one finds the limit in the first part, and the others differ.
awaitable<void> JiraSink::update_parts(Job& job, CommentDraft& draft) {
  if (!job.comments) job.comments = co_await api_.comments(job.key);
  const std::map<std::size_t, Value> there = parts_in(job, *job.comments, draft.comment->id);
  if (!there.count(0)) co_return;
  const Value& first = there.at(0);
  const Value mark = *mark_in(first);
  const auto known = static_cast<std::size_t>(number_at(mark, {"limit"}));
  draft.hidden = true;
  const std::size_t limit = known != 0 ? known : limit_of(job, draft);
  const auto parts = static_cast<std::size_t>(std::max<std::int64_t>(number_at(mark, {"parts"}), 1));
  const Value* shown = find(first, {"body"});
  // As an earlier version has written it: the rest is for all to see.
  const bool in_a_file = shown && canonical(*shown, markup()).find(goes_on) != std::string::npos;
  // Nobody has edited it, and it says something else: its author bears another name, for one.
  const auto is_outdated = [&] {
    // What was not parted may have been written under another limit.
    shorten(job, draft, known != 0 ? known : any_length);
    bool differs = false;
    for (const auto& [part, comment] : there) {
      if (parts != draft.texts.size() || by_others(comment, "updateAuthor")) return false;
      if (part >= parts) continue;  // about to be withdrawn
      const std::string said = said_by(comment, markup());
      differs = differs || !is_same_text(said, expected_of(job, draft, part), rewrites_markup());
    }
    return differs;
  };
  bool edits = in_a_file || was_edited(*draft.comment) || is_outdated();
  shorten(job, draft, limit);
  const bool complete = there.size() == draft.texts.size();
  if (!edits && (complete || parts != draft.texts.size())) co_return;
  if (edits) {
    std::map<std::size_t, Value> copy = there;
    const bool same = co_await are_same(job, draft, std::move(copy));
    if (same) co_return;
    for (const auto& [part, comment] : there)
      if (by_others(comment, "updateAuthor")) {
        warn_of_edit(job, draft);
        co_return;
      }
  }
  for (std::size_t part = 0; part < draft.texts.size();) {
    const auto found = there.find(part);
    bool fits = true;
    if (found == there.end())
      fits = co_await move_part(job, draft, part);
    else if (edits)
      fits = co_await edit_part(job, draft, part, found->second);
    edits = edits || !fits;
    part = fits ? part + 1 : 0;
  }
  co_await withdraw_parts(job, draft, draft.texts.size(), there.rbegin()->first + 1);
}

awaitable<bool> JiraSink::are_same(Job& job, CommentDraft& draft, std::map<std::size_t, Value> there) {
  if (there.size() != draft.texts.size()) co_return false;
  for (std::size_t part = 0; part < draft.texts.size(); ++part) {
    const auto found = there.find(part);
    if (found == there.end()) co_return false;
    const Value text = co_await comment_print(job, draft, part);
    if (said_by(found->second, markup()) != canonical(text, markup())) co_return false;
  }
  co_return true;
}

/// False when it was too long: the limit is half of what it was then.
awaitable<bool> JiraSink::edit_part(Job& job, CommentDraft& draft, std::size_t part, Value there) {
  Released released;
  Value text = co_await comment_print(job, draft, part);
  Value shown = *find(there, {"body"}), next = text;
  co_await release_pictures(job, std::move(shown), std::move(next), released);
  Value mark = *mark_in(there);
  mark.get_object().erase("limit");
  mark.get_object().erase("parts");
  note_limit(job, draft, mark.get_object());
  Value change = edited_comment(there, std::move(text), std::move(mark));
  const std::string id = text_at(there, {"id"});
  std::optional<http::StatusError> refusal;
  try {
    co_await api_.edit_comment(job.key, id, std::move(change), site_->silences);
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  co_await regain_pictures(job, std::move(released));
  if (!refusal) co_return true;
  if (!is_too_long(*refusal) || !shorten(job, draft, limit_of(job, draft) / 2)) throw *refusal;
  co_return false;
}

/// Files that belong to comments for staff alone and are left out for it (`internal_files`). One that came when its
/// comment was public, or before the option was set, is for all to see: it goes.
awaitable<void> JiraSink::withhold_files(Job& job) {
  if (job.just_made) co_return;
  for (const Blob* blob : job.draft.withheld) co_await withhold_file(job, blob);
}

awaitable<void> JiraSink::withhold_file(Job& job, const Blob* of) {
  const Blob& blob = *of;
  Step step = co_await job.operation.begin(step_name("blob", blob.id));
  const std::string name = file_name(blob);
  std::vector<std::string> ids = co_await own_files(job, name);
  const bool again = ids.empty() && co_await wait_for_call(job, step);
  if (again) ids = co_await own_files(job, name);
  if (!ids.empty()) co_await step.announce_removal();
  std::optional<http::StatusError> refusal;
  for (const std::string& id : ids) {
    const std::string path = "/attachment/" + http::encode(id);
    try {
      co_await api_.remove(path);
    } catch (const http::StatusError& error) {
      refusal = error;
    }
    job.attachments.reset();
  }
  if (!refusal) {
    co_await step.refused();
    co_return;
  }
  if (refusal->status() != 400 && refusal->status() != 403) throw *refusal;
  warn(job.operation, Warning{"internal_file_visible", "blobs",
                              fmt::format("{}: of an internal comment, on {} since before it was to be left out, and "
                                          "Jira does not let the account remove it ({})",
                                          blob.name, job.key, refusal->what())});
}

/// The ids of the account's own attachments of this name.
awaitable<std::vector<std::string>> JiraSink::own_files(Job& job, std::string name) {
  if (!job.attachments) {
    const std::optional<Value> issue = co_await api_.find_issue(job.key, "?fields=attachment");
    job.attachments = issue ? list_at(*issue, {"fields", "attachment"}) : Array();
  }
  std::vector<std::string> ids;
  for (const Value& each : *job.attachments)
    if (text_at(each, {"filename"}) == name && is_own(each)) ids.push_back(text_at(each, {"id"}));
  co_return ids;
}

}  // namespace migrate::jira
