// Texts that are longer than Jira takes: the beginning stands on the issue, and the whole goes along as a file.
//
// How much Jira takes is found out by its refusals. What was found out stands in the property of the issue or comment
// ("limit"): whoever goes on with the item must cut where it was cut, or the file that the text names would not be
// made.
#include "json.hpp"
#include "migrate/digest.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t least_limit = 1000;  // of a text that was refused for its length

constexpr std::string_view original_mark = "--original";

/// Whether a text that stands in Jira names the file. Markup has escapes within the name.
bool names_file(const Value& text, Markup markup, const std::string& file) {
  std::string said = canonical(text, markup);
  std::erase(said, '\\');
  return said.find(file) != std::string::npos;
}

/// The files of an account on an issue whose names begin so.
std::vector<std::string> files_of(const Value& issue, const std::string& account, const std::string& start) {
  std::vector<std::string> ids;
  for (const Value& each : list_at(issue, {"fields", "attachment"})) {
    const Value* author = find(each, {"author"});
    const bool theirs = author && account_from(*author).id == account;
    if (theirs && text_at(each, {"filename"}).starts_with(start)) ids.push_back(text_at(each, {"id"}));
  }
  return ids;
}

}  // namespace

bool is_too_long(const Error& error) noexcept {
  const auto* refusal = dynamic_cast<const http::StatusError*>(&error);
  if (!refusal || (refusal->status() != 400 && refusal->status() != 413)) return false;
  const std::string_view text = error.what();
  return text.find("too long") != std::string_view::npos ||
         text.find("CONTENT_LIMIT_EXCEEDED") != std::string_view::npos || text.find("32,767") != std::string_view::npos;
}

bool is_original(const std::string& file_name) noexcept { return file_name.find(original_mark) != std::string::npos; }

std::size_t JiraSink::limit_of(const Job& job, const CommentDraft& draft) {
  return draft.limit != 0 ? draft.limit : job.looked.limit;
}

/// Half of what was refused, for the item's texts. Throws the refusal when that is too little to be worth it.
awaitable<void> JiraSink::shorten(Job& job, http::StatusError refusal) {
  if (!is_too_long(refusal) || job.looked.limit / 2 < least_limit) throw refusal;
  job.looked.limit /= 2;
  co_await redraft(job);
}

/// The same for one comment, which gets this limit. False when it would be too little.
bool JiraSink::shorten(const Job& job, CommentDraft& draft, std::size_t limit) const {
  if (limit < least_limit) return false;
  TextContext context;
  context.markup = markup();
  context.limit = draft.limit = limit;
  const std::vector<InlineImage> images = job.draft.pictures(job.item);
  context.images = &images;
  draft.texts = comment_texts(*draft.comment, draft.hidden, context);
  return true;
}

/// What an earlier attempt has found out.
awaitable<void> JiraSink::recall_limit(Job& job, Value issue) {
  const auto limit = static_cast<std::size_t>(number_at(issue, {"properties", property_key, "limit"}));
  if (limit < least_limit || limit >= job.looked.limit) co_return;
  job.looked.limit = limit;
  co_await redraft(job);
}

/// The whole of a text that had to be cut.
awaitable<void> JiraSink::move_original(Job& job, std::optional<Original> original) {
  if (!original) co_return;
  Step step = co_await job.operation.begin(original->step);
  if (must_look(job, step)) {
    std::optional<Upload> found = co_await find_upload(job, original->name, original->content.size());
    const bool again = !found && co_await wait_for_call(job, step);
    if (again) found = co_await find_upload(job, original->name, original->content.size());
    if (found) {
      co_await finish_upload(job, step, *found, std::string());
    } else if (step.uncertain()) {
      co_await step.refused();
      step = co_await job.operation.begin(original->step);
    }
  }
  if (step.done() && job.issue.is_object()) {
    // A text may become again what it was: its file was removed when it was another.
    const std::optional<Upload> there = co_await find_upload(job, original->name, original->content.size());
    if (!there) {
      co_await step.refused();
      step = co_await job.operation.begin(original->step);
    }
  }
  if (step.done()) co_return;
  http::Part part;
  part.name = "file";
  part.file_name = original->name;
  part.media_type = original->media_type;
  part.body = original->content;
  const Upload upload = co_await api_.upload(step, job.key, std::move(part));
  job.attachments.reset();
  co_await finish_upload(job, step, upload, sha256(original->content));
}

/// Whether the issue had any when it was read.
bool JiraSink::has_originals(const Job& job) {
  for (const Value& each : list_at(job.issue, {"fields", "attachment"}))
    if (is_original(text_at(each, {"filename"}))) return true;
  return false;
}

/// Removes the files of what a text was before: ours, of this text, and not named by `shown`, which the migration has
/// written.
awaitable<void> JiraSink::drop_originals(Job& job, std::string what, ItemText text, Value shown) {
  if (!has_originals(job)) co_return;
  const std::string name = original_of(what, text).name;
  const std::string start = name.substr(0, name.rfind(original_mark) + original_mark.size());
  std::vector<std::string> old;
  for (const Value& each : list_at(job.issue, {"fields", "attachment"})) {
    const std::string file = text_at(each, {"filename"});
    if (is_own(each) && file != name && file.starts_with(start) && !names_file(shown, markup(), file))
      old.push_back(text_at(each, {"id"}));
  }
  for (const std::string& id : old) {
    const std::string path = "/attachment/" + http::encode(id);
    co_await api_.remove(path);
  }
}

/// Removes the file of a text that others are not to see any more, whatever names it.
awaitable<void> JiraSink::drop_open_originals(Job& job, const CommentDraft& draft) {
  const std::string name = original_of("comment-" + draft.comment->id, draft.comment->body).name;
  const std::string start = name.substr(0, name.rfind(original_mark) + original_mark.size());
  const std::optional<Value> issue = co_await api_.find_issue(job.key, "?fields=attachment");
  if (!issue) co_return;
  const std::vector<std::string> open = files_of(*issue, site_->self.id, start);
  for (const std::string& id : open) {
    const std::string path = "/attachment/" + http::encode(id);
    co_await api_.remove(path);
    job.attachments.reset();
  }
}

}  // namespace migrate::jira
