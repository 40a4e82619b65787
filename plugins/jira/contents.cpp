// What belongs to an issue: files and comments.
#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "migrate/digest.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

constexpr std::string_view internal_key = "sd.public.comment";

/// Counts and digests what passes.
class Measured final : public ByteStream {
 public:
  explicit Measured(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string bytes = co_await from_->read(limit);
    size_ += bytes.size();
    digest_.update(bytes);
    co_return bytes;
  }
  std::uint64_t size() const noexcept { return size_; }
  std::string sha256() { return digest_.finish(); }

 private:
  std::unique_ptr<ByteStream> from_;
  std::uint64_t size_ = 0;
  Sha256 digest_;
};

/// Value of the property `name` among {"key","value"} pairs.
const Value* property(const Value& of, std::string_view name) {
  for (const Value& each : list_at(of, {"properties"}))
    if (text_at(each, {"key"}) == name) return find(each, {"value"});
  return nullptr;
}

bool bears(const Value& thing, const std::string& key) {
  const Value* mark = property(thing, property_key);
  return mark && text_at(*mark, {"key"}) == key;
}

Object pair(std::string_view key, Value value) {
  Object made;
  made.emplace("key", key);
  made.emplace("value", std::move(value));
  return made;
}

Object mark_of(const std::string& key, const std::string& id) {
  Object mark;
  mark.emplace("key", key);
  mark.emplace("id", id);
  return mark;
}

}  // namespace

const Value* mark_in(const Value& comment) { return property(comment, property_key); }

std::size_t part_in(const Value& mark) {
  return static_cast<std::size_t>(std::max<std::int64_t>(number_at(mark, {"part"}), 1) - 1);
}

awaitable<void> JiraSink::move_files(Job& job) {
  co_await withhold_files(job);
  for (const Blob* blob : job.draft.files) co_await move_file(job, blob);
}

/// Whether a part may be on the issue although its step is not done. What was seen of the issue before the call is no
/// answer then.
bool JiraSink::must_look(Job& job, const Step& step) {
  if (step.uncertain()) job.forget_lists();
  return !step.done() && (step.uncertain() || job.resumed);
}

/// Nothing was seen of an uncertain step's effect. True when it has to be looked for once more, since the call may have
/// been at work still.
awaitable<bool> JiraSink::wait_for_call(Job& job, const Step& step) {
  if (!step.uncertain()) co_return false;
  const bool waited = co_await settle(step.key());
  if (waited) job.forget_lists();
  co_return waited;
}

awaitable<std::optional<Upload>> JiraSink::find_upload(Job& job, std::string name, std::optional<std::uint64_t> size) {
  if (!job.attachments) {
    const std::optional<Value> issue = co_await api_.find_issue(job.key, "?fields=attachment");
    job.attachments = issue ? list_at(*issue, {"fields", "attachment"}) : Array();
  }
  for (const Value& each : *job.attachments) {
    if (text_at(each, {"filename"}) != name) continue;
    const auto there = static_cast<std::uint64_t>(number_at(each, {"size"}));
    if (!size || *size == there) co_return Upload{text_at(each, {"id"}), name, there};
  }
  co_return std::nullopt;
}

awaitable<void> JiraSink::finish_upload(Job& job, Step& step, const Upload& upload, std::string sha256) {
  Object undo = undo_of(job.key, job.ours);
  undo.emplace("size", static_cast<std::int64_t>(upload.size));
  if (!sha256.empty()) undo.emplace("sha256", sha256);
  Value receipt(std::move(undo));
  co_await step.finish_soon(upload.id, std::move(receipt));
}

awaitable<void> JiraSink::move_file(Job& job, const Blob* of) {
  const Blob& blob = *of;
  std::string name = step_name("blob", blob.id);
  Step step = co_await job.operation.begin(name);
  const std::string file = file_name(blob);
  if (must_look(job, step)) {
    std::optional<Upload> found = co_await find_upload(job, file, blob.size);
    const bool again = !found && co_await wait_for_call(job, step);
    if (again) found = co_await find_upload(job, file, blob.size);
    if (found) {
      co_await finish_upload(job, step, *found, std::string());
    } else if (step.uncertain()) {
      co_await step.refused();
      step = co_await job.operation.begin(name);
    }
  }
  if (step.done()) {
    job.files[blob.id] = step.target_id();
    co_return;
  }
  std::optional<Error> gone;
  std::unique_ptr<ByteStream> bytes;
  try {
    bytes = co_await job.operation.open(blob);
  } catch (const Error& error) {
    gone = error;
  }
  if (gone) {
    co_await step.refused();
    if (gone->kind() != ErrorKind::not_found || config_.unmovable_files == "fail") throw *gone;
    warn(job.operation, Warning{"file_left_out", "blobs", fmt::format("{}: {}", blob.name, gone->what())});
    co_return;
  }
  auto measured = std::make_shared<Measured>(std::move(bytes));
  http::Part part;
  part.name = "file";
  part.file_name = file;
  part.media_type = blob.media_type.empty() ? std::string("application/octet-stream") : blob.media_type;
  part.stream = measured;
  part.size = blob.size;
  const Upload upload = co_await api_.upload(step, job.key, std::move(part));
  if (upload.size != measured->size()) {
    // Not what was sent: better none than a broken one.
    co_await api_.remove("/attachment/" + http::encode(upload.id));
    co_await step.refused();
    throw Error(ErrorKind::transient, "file_damaged",
                fmt::format("{}: of the {} bytes of \"{}\" Jira has kept {}", job.key, measured->size(), blob.name,
                            upload.size));
  }
  job.files[blob.id] = upload.id;
  co_await finish_upload(job, step, upload, measured->sha256());
}

/// Where the text's images are on the target. Asked late and once: Jira tells of the media id only by a redirect.
awaitable<std::map<std::string, std::string>> JiraSink::media_of(Job& job, const Text& text) {
  std::map<std::string, std::string> media;
  for (const std::string& blob : text.images) {
    const auto file = job.files.find(blob);
    if (file == job.files.end()) continue;
    std::string& known = job.media[blob];
    if (known.empty() && markup() == Markup::wiki) {
      const std::vector<Blob>& blobs = job.operation.record().blobs;
      const auto found = std::find_if(blobs.begin(), blobs.end(), [&](const Blob& each) { return each.id == blob; });
      if (found != blobs.end()) known = file_name(*found);
    } else if (known.empty()) {
      std::string id = co_await api_.media_id(file->second);
      known = std::move(id);
    }
    if (known.empty())
      warn(job.operation,
           Warning{"image_not_shown", "images", "Jira does not tell how to show an attachment in a text"});
    else
      media[blob] = known;
  }
  co_return media;
}

awaitable<void> JiraSink::move_comments(Job& job) {
  for (CommentDraft& draft : job.draft.comments) co_await move_comment(job, draft);
}

/// Where a text was cut or parted, for whoever goes on with it.
void JiraSink::note_limit(const Job& job, const CommentDraft& draft, Object& mark) const {
  const bool parted = draft.texts.size() > 1;
  if (parted || limit_of(job, draft) < static_cast<std::size_t>(config_.text_limit))
    mark.emplace("limit", limit_of(job, draft));
  if (parted) mark.emplace("parts", draft.texts.size());
}

Value JiraSink::comment_body(const Job& job, const CommentDraft& draft, std::size_t part, Value text,
                             const std::string& key) const {
  Array properties(job.draft.arena.get());
  Object mark = mark_of(key, draft.comment->id);
  note_limit(job, draft, mark);
  if (part != 0) mark.emplace("part", part + 1);
  properties.push_back(pair(property_key, std::move(mark)));
  Object body(job.draft.arena.get());
  body.emplace("body", std::move(text));
  if (draft.hidden) {
    const Audience audience = audience_for(*site_, config_);
    if (audience == Audience::service_management) {
      properties.push_back(pair(internal_key, object("internal", true)));
    } else {
      Object visibility;
      visibility.emplace("type", audience == Audience::role ? "role" : "group");
      visibility.emplace("value", config_.internal_audience);
      body.emplace("visibility", std::move(visibility));
    }
  } else if (site_->service_management) {
    properties.push_back(pair(internal_key, object("internal", false)));
  }
  body.emplace("properties", std::move(properties));
  return body;
}

/// Whether a comment, as Jira gives it back, is hidden from the requester.
bool JiraSink::is_internal(const Value& comment) const {
  if (find(comment, {"visibility", "value"}) || find(comment, {"visibility", "identifier"})) return true;
  // Where both are told, the one that says "public" is believed.
  const Value* open = find(comment, {"jsdPublic"});
  if (open && open->is_bool()) return !open->get_bool();
  const Value* mark = site_->service_management ? property(comment, internal_key) : nullptr;
  return mark && truth_at(*mark, {"internal"});
}

/// The text with its images, the first one with the names of its files.
awaitable<Value> JiraSink::comment_print(Job& job, CommentDraft& draft, std::size_t part) {
  const std::map<std::string, std::string> media = co_await media_of(job, draft.texts[part]);
  draft.files.clear();
  if (part == 0) name_files(job, draft);
  co_return printed_once(draft.texts[part], markup(), media, draft.files);
}

void JiraSink::name_files(const Job& job, CommentDraft& draft) const {
  for (const std::string& id : draft.blobs) {
    const auto file = job.files.find(id);
    const std::vector<Blob>& blobs = job.operation.record().blobs;
    const auto blob = std::find_if(blobs.begin(), blobs.end(), [&](const Blob& each) { return each.id == id; });
    if (file == job.files.end() || blob == blobs.end()) continue;
    const std::string name = file_name(*blob);
    draft.files.push_back(NamedFile{name, api_.file_address(file->second, name)});
  }
}

awaitable<std::optional<Value>> JiraSink::find_comment(Job& job, std::string key) {
  if (!job.comments) job.comments = co_await api_.comments(job.key);
  for (const Value& each : *job.comments)
    if (bears(each, key)) co_return each;
  co_return std::nullopt;
}

awaitable<void> JiraSink::move_comment(Job& job, CommentDraft& draft) {
  const bool first_alone = co_await recall_parts(job, draft);
  co_await move_parts(job, draft, first_alone);
}

awaitable<void> JiraSink::move_parts(Job& job, CommentDraft& draft, bool first_alone) {
  for (std::size_t part = 0; part < draft.texts.size();) {
    const bool fits = co_await move_part(job, draft, part);
    if (fits && first_alone) co_return;
    if (!fits) co_await withdraw_parts(job, draft, 0, part);
    part = fits ? part + 1 : 0;
  }
}

/// False when it was too long: the limit is half of what it was then, and all parts are other ones.
awaitable<bool> JiraSink::move_part(Job& job, CommentDraft& draft, std::size_t part) {
  std::string name = comment_step(draft.comment->id, part);
  Step step = co_await job.operation.begin(name);
  if (step.done()) co_return true;
  if (must_look(job, step)) {
    std::optional<Value> found = co_await find_comment(job, step.key());
    const bool again = !found && co_await wait_for_call(job, step);
    if (again) found = co_await find_comment(job, step.key());
    bool exposed = false;
    if (found && draft.hidden) {
      const bool hidden = co_await is_hidden(job, *found);
      exposed = !hidden;
    }
    if (found && !exposed) {
      std::string id = text_at(*found, {"id"});
      Value undo(undo_of(job.key, job.ours));
      co_await step.finish_soon(std::move(id), std::move(undo));
      co_return true;
    }
    if (found) co_await remove_exposed(job, draft, std::move(*found));
    if (found || step.uncertain()) {
      co_await step.refused();
      step = co_await job.operation.begin(name);
    }
  }
  co_await move_original(job, draft.texts[part].original);
  Value text = co_await comment_print(job, draft, part);
  Value body = comment_body(job, draft, part, std::move(text), step.key());
  std::optional<http::StatusError> refusal;
  Value made;
  try {
    made = co_await api_.add_comment(step, job.key, std::move(body));
  } catch (const http::StatusError& error) {
    refusal = error;
  }
  if (refusal && (!is_too_long(*refusal) || !shorten(job, draft, limit_of(job, draft) / 2))) throw *refusal;
  if (refusal) co_return false;
  co_await hide_or_remove(job, step, draft, std::move(made));
  co_return true;
}

/// Whether a comment is hidden from the requester, asked once more where Jira does not tell. What is not known to be
/// hidden counts as public.
awaitable<bool> JiraSink::is_hidden(Job& job, Value comment) {
  if (is_internal(comment)) co_return true;
  if (find(comment, {"jsdPublic"}) || find(comment, {"visibility"}) || property(comment, internal_key)) co_return false;
  std::string asked = fmt::format("/comment/{}?expand=properties", http::encode(text_at(comment, {"id"})));
  const std::optional<Value> again = co_await api_.find_issue(job.key, std::move(asked));
  co_return again&& is_internal(*again);
}

/// A comment of ours that others can see and that is for staff only at the source. What a person has written into it is
/// theirs to publish or to hide.
awaitable<void> JiraSink::remove_exposed(Job& job, const CommentDraft& draft, Value comment) {
  if (by_others(comment, "updateAuthor"))
    throw Error(
        ErrorKind::invalid, "internal_comment",
        fmt::format("{}: the comment {} is for staff only at the source, is public in Jira, and was edited there: "
                    "it stays as it is",
                    job.key, draft.comment->id))
        .with_advice("make it internal or delete it by hand, then try the item again");
  // While the comment is there, a run that dies here comes back.
  co_await drop_open_originals(job, draft);
  co_await remove_comment(job, std::move(comment));
}

awaitable<void> JiraSink::remove_comment(Job& job, Value comment) {
  const std::string path =
      fmt::format("/issue/{}/comment/{}", http::encode(job.key), http::encode(text_at(comment, {"id"})));
  const Value* body = find(comment, {"body"});
  Value shown = body ? *body : Value(), nothing;
  Released released;
  co_await release_pictures(job, std::move(shown), std::move(nothing), released);
  co_await api_.remove(path);
  job.comments.reset();
  co_await regain_pictures(job, std::move(released));
}

/// The receipt of a comment; but one for staff that others can see, and one for all that they cannot, is taken away
/// again, at once.
awaitable<void> JiraSink::hide_or_remove(Job& job, Step& step, const CommentDraft& draft, Value made) {
  const std::string id = text_at(made, {"id"});
  bool hidden = is_internal(made);
  if (draft.hidden && !hidden) hidden = co_await is_hidden(job, std::move(made));
  if (hidden != draft.hidden) {
    co_await api_.remove(fmt::format("/issue/{}/comment/{}", http::encode(job.key), http::encode(id)));
    co_await step.refused();
    if (draft.hidden)
      throw Error(ErrorKind::invalid, "internal_comment",
                  fmt::format("{}: Jira has not kept the comment {} from the public, so it was removed again", job.key,
                              draft.comment->id))
          .with_advice("see `internal_comments` and `internal_audience`");
    throw Error(ErrorKind::invalid, "public_comment",
                fmt::format("{}: Jira has made the comment {} internal, which all can see at the source, so it was "
                            "removed again",
                            job.key, draft.comment->id))
        .with_advice(
            "give the account of the migration a licence of Jira Service Management and the role of an agent: without "
            "them it may write internal comments only");
  }
  Value undo(undo_of(job.key, job.ours));
  co_await step.finish_soon(id, std::move(undo));
}

}  // namespace migrate::jira
