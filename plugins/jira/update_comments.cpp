// Comments in delta runs: what was edited at the source since is edited in Jira, unless a person has edited it there.
#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

bool was_edited(const Comment& comment) { return !comment.updated.empty() && comment.updated != comment.created; }

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
  if (by_others(there, "updateAuthor")) {
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
