// Comments in delta runs: what was edited at the source since is edited in Jira, unless a person has edited it there.
#include <fmt/format.h>

#include <algorithm>

#include "compare.hpp"
#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

bool was_edited(const Comment& comment) { return !comment.updated.empty() && comment.updated != comment.created; }

/// Whether it is worth reading the issue's comments: there were some. One that was not edited at the source may have
/// another author's name by now, or be for staff.
bool JiraSink::comments_may_differ(const Job& job) {
  const Value* comments = find(job.issue, {"fields", "comment"});
  return !comments || number_at(*comments, {"total"}) > 0 || !list_at(*comments, {"comments"}).empty();
}

/// Ours that others can see and that are for staff at the source by now, before anything else is done with the issue:
/// they are made anew where they are made at all. What a person has edited is told of later.
awaitable<void> JiraSink::hide_exposed(Job& job) {
  for (const CommentDraft& draft : job.draft.comments) {
    if (!draft.hidden) continue;
    if (!job.comments) job.comments = co_await api_.comments(job.key);
    const std::map<std::size_t, Value> there = parts_in(job, *job.comments, draft.comment->id);
    const auto found = there.find(0);
    if (found == there.end()) continue;
    Value comment = found->second;
    if (by_others(comment, "updateAuthor")) continue;
    Value shown = comment;
    const bool hidden = co_await is_hidden(job, std::move(shown));
    if (hidden) continue;
    Step step = co_await job.operation.begin(step_name("comment", draft.comment->id));
    co_await step.announce_removal();
    co_await remove_exposed(job, draft, std::move(comment));
    co_await step.refused();
  }
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
  for (const Value& each : there) {
    const Value* mark = mark_in(each);
    if (!mark || part_in(*mark) != 0 || !text_at(*mark, {"key"}).starts_with(ours)) continue;
    const std::string id = text_at(*mark, {"id"});
    const bool known = std::any_of(job.item.comments.begin(), job.item.comments.end(),
                                   [&](const Comment& comment) { return comment.id == id; });
    if (!known) warn_of_rest(job, "comments", "comment " + id);
  }
}

/// What was brought and the item does not have any more stays: Jira's people may have built on it.
void JiraSink::warn_of_rest(Job& job, std::string field, const std::string& what) {
  warn(job.operation, Warning{"gone_at_source", std::move(field),
                              fmt::format("{} is not at the source any more: it stays on {}", what, job.key)});
}

/// Files of the migration's account, by their names; those of an issue that was there before may be another's.
void JiraSink::tell_gone_files(Job& job) const {
  if (!job.ours) return;
  const std::vector<Blob>& blobs = job.operation.record().blobs;
  for (const Value& file : list_at(job.issue, {"fields", "attachment"})) {
    const std::string name = text_at(file, {"filename"});
    if (!is_own(file) || is_original(name)) continue;
    if (name.find("--") == std::string::npos) continue;  // attached by hand
    const bool known =
        std::any_of(blobs.begin(), blobs.end(), [&](const Blob& blob) { return is_file_of(name, blob.id); });
    if (!known) warn_of_rest(job, "blobs", "the file " + name);
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
  if (!was_edited(comment)) {
    // What a person has written stays without a word: the source says nothing new.
    if (by_others(there, "updateAuthor") || is_as_written(job, draft, there)) co_return;
  }
  const auto limit = static_cast<std::size_t>(number_at(*mark_in(there), {"limit"}));
  if (limit != 0 && limit < limit_of(job, draft)) shorten(job, draft, limit);
  Value text = co_await comment_print(job, draft, 0);
  Value shown = *find(there, {"body"});
  if (canonical(shown, markup()) == canonical(text, markup())) {
    co_await drop_originals(job, "comment-" + comment.id, comment.body, std::move(shown));
    co_return;
  }
  if (by_others(there, "updateAuthor")) {
    warn_of_edit(job, draft);
    co_return;
  }
  co_await edit_comment(job, draft, std::move(there), std::move(text));
}

/// What a comment is to say, for comparing. Pictures count by their presence, so that Jira need not be asked where they
/// are.
std::string JiraSink::expected_of(const Job& job, CommentDraft& draft, std::size_t part) const {
  std::map<std::string, std::string> media;
  for (const Blob& blob : job.operation.record().blobs)
    if (job.files.count(blob.id)) media[blob.id] = file_name(blob);
  draft.files.clear();
  if (part == 0) name_files(job, draft);
  return canonical(printed(draft.texts[part], markup(), media, draft.files), markup());
}

/// Whether a comment that is not hidden says what the source has of it, wherever it was cut.
bool JiraSink::is_as_written(const Job& job, CommentDraft& draft, const Value& there) const {
  const std::size_t limit = limit_of(job, draft);
  const bool cut = draft.texts.front().original.has_value();
  if (cut) shorten(job, draft, any_length);
  const Value* body = find(there, {"body"});
  const std::string said = body ? canonical(*body, markup()) : std::string();
  const bool same = agrees(said, expected_of(job, draft, 0), rewrites_markup());
  if (cut) shorten(job, draft, limit);
  return same;
}

void JiraSink::warn_of_edit(Job& job, const CommentDraft& draft) {
  warn(job.operation,
       Warning{"changed_on_both_sides", "comments",
               fmt::format("comment {} was edited in Jira too: left as it is there", draft.comment->id)});
}

/// From here on nobody knows whether its step is done: whoever makes the comment finds the public one and removes it
/// first, and so does a rollback.
awaitable<void> JiraSink::hide_comment(Job& job, CommentDraft& draft) {
  Step step = co_await job.operation.begin(step_name("comment", draft.comment->id));
  co_await step.announce_removal();
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

}  // namespace migrate::jira
