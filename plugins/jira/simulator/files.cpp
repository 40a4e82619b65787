// Attachments: uploads, downloads by way of a second host, and what becomes of files that no text shows any more.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "adf.hpp"
#include "migrate/digest.hpp"
#include "service.hpp"

namespace migrate::jira::sim {
namespace {

constexpr std::size_t most_files = 60;       // of one request
constexpr std::size_t small_file = 1 << 20;  // kept with `keep_bytes: small`

std::string type_by_name(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {".png", "image/png"},       {".jpg", "image/jpeg"}, {".gif", "image/gif"}, {".txt", "text/plain"},
      {".pdf", "application/pdf"}, {".log", "text/plain"}, {".csv", "text/csv"},  {".zip", "application/zip"}};
  const std::string small = lower(name);
  for (const auto& [end, type] : known) {
    if (small.ends_with(end)) return std::string(type);
  }
  return "application/octet-stream";
}

}  // namespace

http::Response Service::upload(Call& call) {
  const std::string_view token = call.request.headers.get("X-Atlassian-Token");
  if (token != "no-check" && !(site_.server() && token == "nocheck")) {
    throw Refusal{http::Response(403, Object{{"message", "XSRF check failed"}, {"status-code", 403}})};
  }
  Issue& of = writable(call, "CREATE_ATTACHMENTS");
  check_editable(of, 403);
  std::vector<UploadPart> parts = read_multipart(call.request);
  std::erase_if(parts, [](const UploadPart& part) { return part.name != "file" || part.file_name.empty(); });
  if (parts.empty()) refuse(400, "No file was sent: the name of the part must be 'file'.");
  if (parts.size() > most_files) refuse(413, "More than 60 files were sent.");
  if (of.attachments.size() + parts.size() > static_cast<std::size_t>(site_.settings.max_attachments)) {
    refuse(413, "The limit of attachments of this issue has been reached.");
  }
  for (const UploadPart& part : parts) {
    if (part.body.size() <= static_cast<std::size_t>(site_.settings.upload_limit)) continue;
    refuse(413, fmt::format("The file '{}' exceeds its maximum permitted size of {} bytes.", part.file_name,
                            site_.settings.upload_limit));
  }
  Array answer;
  for (UploadPart& part : parts) {
    Attachment file;
    file.id = site_.next_id();
    file.media = site_.media_id();
    file.size = part.body.size();
    file.sha256 = sha256(part.body);
    file.media_type = part.media_type.empty() ? type_by_name(part.file_name) : std::move(part.media_type);
    file.name = std::move(part.file_name);
    file.created = call.now;
    file.author = store_.actor;
    file.bytes = keep(part.body, file.sha256);
    answer.push_back(answers_.attachment(call, file));
    store_.attachments.emplace(file.id, of.position);
    store_.media.emplace(file.media, std::pair(of.position, file.id));
    of.attachments.push_back(std::move(file));
  }
  store_.touch(of, call.now);
  notify(of, "attached");
  return ok(std::move(answer));
}

std::shared_ptr<const std::string> Service::keep(std::string_view bytes, const std::string& hash) {
  const std::string& how = site_.settings.keep_bytes;
  if (how == "none" || (how == "small" && bytes.size() > small_file)) return nullptr;
  std::weak_ptr<const std::string>& same = contents_[hash];
  std::shared_ptr<const std::string> kept = same.lock();
  if (!kept) {
    kept = std::make_shared<const std::string>(bytes);
    same = kept;
  }
  return kept;
}

std::pair<Issue*, Attachment*> Service::attachment_by_id(const Call& call, std::string_view id) {
  const auto found = store_.attachments.find(id_of(id));
  if (call.anonymous || found == store_.attachments.end()) {
    refuse(404, fmt::format("The attachment with id '{}' does not exist", id));
  }
  Issue& of = *store_.at(found->second);
  const auto file = std::find_if(of.attachments.begin(), of.attachments.end(),
                                 [&](const Attachment& each) { return each.id == found->first; });
  return {&of, &*file};
}

http::Response Service::get_attachment(Call& call) {
  Object out = answers_.attachment(call, *attachment_by_id(call, call.path[0]).second).get_object();
  // A number here, a text in an issue's field.
  out["id"] = attachment_by_id(call, call.path[0]).second->id;
  return ok(std::move(out));
}

http::Response Service::delete_attachment(Call& call) {
  const auto [of, file] = attachment_by_id(call, call.path[0]);
  limit_writes(*of, call);
  if (!site_.may("DELETE_ALL_ATTACHMENTS") && !site_.may("DELETE_OWN_ATTACHMENTS")) {
    refuse(403, "You do not have permission to delete attachment with id: " + call.path[0]);
  }
  check_editable(*of, 403);
  drop_attachment(*of, file->id);
  store_.touch(*of, call.now);
  return no_content();
}

void Service::drop_attachment(Issue& of, std::uint64_t id) {
  const auto file =
      std::find_if(of.attachments.begin(), of.attachments.end(), [&](const Attachment& each) { return each.id == id; });
  store_.attachments.erase(file->id);
  store_.media.erase(file->media);
  const std::string hash = file->sha256;
  of.attachments.erase(file);
  const auto kept = contents_.find(hash);
  if (kept != contents_.end() && kept->second.expired()) contents_.erase(kept);
}

http::Response Service::bytes_of(const Call& call, const Attachment& file) const {
  if (!file.bytes) {
    refuse(501,
           "The stand-in kept only size and hash of this file; the setting keep_bytes makes it keep the contents.");
  }
  http::Response response(200);
  response.headers.set("Content-Type", file.media_type);
  response.headers.set("Content-Disposition", fmt::format("attachment; filename*=UTF-8''{}", http::encode(file.name)));
  const std::string_view range = call.request.headers.get("Range");
  response.body = *file.bytes;
  if (range.empty()) return response;
  std::uint64_t from = 0, to = file.size - 1;
  const char* end = range.data() + range.size();
  const auto first = std::from_chars(range.data() + std::min<std::size_t>(6, range.size()), end, from);
  if (!range.starts_with("bytes=") || first.ec != std::errc() || first.ptr == end || *first.ptr != '-') {
    refuse(400, "The range is malformed.");
  }
  if (first.ptr + 1 != end && std::from_chars(first.ptr + 1, end, to).ptr != end)
    refuse(400, "The range is malformed.");
  if (from >= file.size || to < from) refuse(416, "The range is not within the file.");
  to = std::min(to, file.size - 1);
  response.status = 206;
  response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", from, to, file.size));
  response.body = file.bytes->substr(from, to - from + 1);
  return response;
}

http::Response Service::attachment_content(Call& call) {
  const Attachment& file = *attachment_by_id(call, call.path[0]).second;
  if (!call.flag("redirect", true)) return bytes_of(call, file);
  http::Response response(303);
  const Millis until = call.now + site_.settings.media_url_seconds * 1000;
  response.headers.set("Location", fmt::format("{}/file/{}/binary?client=jira&dl=true&name={}&exp={}",
                                               site_.media_origin, file.media, http::encode(file.name), until / 1000));
  return response;
}

http::Response Service::server_file(Call& call) {
  const Attachment& file = *attachment_by_id(call, call.path[0]).second;
  if (file.name != call.path[1]) refuse(404, "There is no such file.");
  return bytes_of(call, file);
}

http::Response Service::media_file(Call& call) {
  const bool shape =
      call.path.size() == 3 && call.path[0] == "file" && call.path[2] == "binary" && call.method == "GET";
  const auto found = shape ? store_.media.find(call.path[1]) : store_.media.end();
  if (call.request.headers.has("Authorization") || call.request.headers.has("Cookie")) {
    ++leaked_credentials_;
    throw Refusal{http::Response(401, Object{{"error", "The address is its own proof; credentials are refused."}})};
  }
  if (found == store_.media.end()) throw Refusal{http::Response(404, Object{{"error", "Not found"}})};
  if (call.number("exp", 0) < call.now / 1000)
    throw Refusal{http::Response(403, Object{{"error", "The address has expired"}})};
  return bytes_of(call, *attachment_by_id(call, fmt::format("{}", found->second.second)).second);
}

std::vector<std::string> Service::media_in(const std::string& stored) const {
  // The names of nodes that show files begin so; a look saves reading most texts. (A quote is every few characters of
  // JSON: a search that begins with one stops at each.)
  if (site_.server() || stored.find("media") == std::string::npos) return {};
  return examine(parse_deep(stored)).media;
}

std::vector<std::string> Service::media_in(const Values& values) const {
  std::vector<std::string> all = media_in(values.description);
  const auto add = [&](const std::string& stored) {
    for (std::string& each : media_in(stored)) all.push_back(std::move(each));
  };
  add(values.environment);
  for (const auto& [field, stored] : values.custom) {
    if (site_.fields[field].kind == Kind::rich) add(stored);
  }
  return all;
}

void Service::drop_orphans(Issue& of, const std::vector<std::string>& before) {
  if (before.empty()) return;
  std::vector<std::string> shown = media_in(*of.now);
  for (const Comment& comment : of.comments) {
    for (std::string& each : media_in(comment.body)) shown.push_back(std::move(each));
  }
  for (const std::string& media : before) {
    const auto file = store_.media.find(media);
    if (std::find(shown.begin(), shown.end(), media) != shown.end() || file == store_.media.end()) continue;
    drop_attachment(of, file->second.second);
    ++orphaned_;
  }
}

}  // namespace migrate::jira::sim
