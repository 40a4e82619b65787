#include "simulator/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "json.hpp"
#include "migrate/digest.hpp"
#include "simulator/parameters.hpp"

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::string_view files = "/data/helpdesk/attachments/production/", exports = "/data/helpdesk/exports/";

http::Response xml(int status, std::string_view code, std::string_view message, std::string_view more = {}) {
  http::Response response(status);
  response.headers.set("Content-Type", "application/xml");
  response.headers.set("Server", "AmazonS3");
  response.body = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{}"
      "<RequestId>0A1B2C3D4E5F6071</RequestId></Error>",
      code, message, more);
  return response;
}

/// The number behind `prefix`, up to the next slash.
std::optional<std::int64_t> number_behind(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), number);
  if (error != std::errc() || end == path.data() + path.size() || *end != '/') return std::nullopt;
  return number;
}

/// What "bytes=0-99", "bytes=5-" or "bytes=-5" asks for: the first byte and how many; nothing when it asks for none
/// that there is. What is no such range is ignored.
std::optional<std::pair<std::size_t, std::size_t>> range_of(std::string_view asked, std::size_t size) {
  constexpr std::string_view unit = "bytes=";
  const std::pair<std::size_t, std::size_t> all{0, size};
  const std::size_t dash = asked.find('-');
  if (!asked.starts_with(unit) || dash == std::string_view::npos) return all;
  const std::int64_t from = id_in(asked.substr(unit.size(), dash - unit.size())), to = id_in(asked.substr(dash + 1));
  if (from < 0 && to < 0) return all;
  const auto last = static_cast<std::size_t>(to);
  if (from < 0 && (to == 0 || size == 0)) return std::nullopt;
  if (from < 0) return std::pair(size - std::min(size, last), std::min(size, last));
  const auto first = static_cast<std::size_t>(from);
  if (first >= size) return std::nullopt;
  return std::pair(first, to < 0 ? size - first : std::min(size, last + 1) - first);
}

http::Response download(std::string bytes, std::string_view media_type, std::string_view asked) {
  if (!asked.starts_with("bytes=")) asked = {};
  const auto range = range_of(asked, bytes.size());
  if (!range) {
    http::Response refused = xml(416, "InvalidRange", "The requested range is not satisfiable");
    refused.headers.set("Content-Range", fmt::format("bytes */{}", bytes.size()));
    return refused;
  }
  http::Response response(asked.empty() ? 200 : 206);
  if (!asked.empty()) {
    response.headers.set("Content-Range",
                         fmt::format("bytes {}-{}/{}", range->first, range->first + range->second - 1, bytes.size()));
  }
  if (!media_type.empty()) response.headers.set("Content-Type", std::string(media_type));
  response.headers.set("Server", "AmazonS3");
  response.headers.set("ETag", fmt::format("\"{}\"", sha256(bytes).substr(0, 32)));
  response.body = bytes.substr(range->first, range->second);
  return response;
}

}  // namespace

std::string Store::export_path(std::int64_t job) { return fmt::format("{}{}/account.json", exports, job); }

http::Response Store::answer(const http::Request& request, Seconds now,
                             const std::function<std::optional<std::string>(std::int64_t)>& exported) const {
  const std::string_view path = request.path();
  const auto job = number_behind(path, exports), id = number_behind(path, files);
  if (request.headers.has("Authorization")) {
    return xml(400, "InvalidArgument",
               "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
               "parameter or the Authorization header should be specified");
  }
  // A signature is one for GET.
  if (request.method != "GET") return xml(403, "SignatureDoesNotMatch", "The request signature does not match.");
  const std::string_view range = request.headers.get("Range");
  const auto examination = addresses_.examine(request.target, now);
  const auto file = id ? content_.find_file(*id) : std::nullopt;
  using Verdict = Addresses::Verdict;
  const bool open_to_all = file && file->in_text && !file->by_token && examination.verdict == Verdict::unsigned_request;
  if (examination.verdict == Verdict::wrong_signature) {
    return xml(403, "SignatureDoesNotMatch", "The request signature does not match.");
  }
  if (examination.verdict == Verdict::expired) {
    return xml(403, "AccessDenied", "Request has expired",
               fmt::format("<X-Amz-Expires>{}</X-Amz-Expires><Expires>{}</Expires><ServerTime>{}</ServerTime>",
                           examination.valid, instant(examination.from + examination.valid), instant(now)));
  }
  if (examination.verdict == Verdict::unsigned_request && !open_to_all)
    return xml(403, "AccessDenied", "Access Denied");
  if (job) {
    if (auto bytes = exported(*job)) return download(std::move(*bytes), "application/json", range);
  }
  const bool named = file && Addresses::file_path(file->id, file->name) == path;
  if (!named || file->lost) return xml(404, "NoSuchKey", "The specified key does not exist.");
  return download(content_.bytes(*file), file->media_type, range);
}

http::Response Store::follow_token(const http::Request& request, Seconds now) const {
  const auto token = request.query("token");
  const auto id = token ? addresses_.file_of(*token) : std::nullopt;
  const auto file = id ? content_.find_file(*id) : std::nullopt;
  if (!file) return html_page(404, "The page you were looking for does not exist");
  http::Response response(302);
  response.headers.set("Location", addresses_.signed_url(Addresses::file_path(file->id, file->name), now));
  return response;
}

}  // namespace migrate::freshdesk::simulation
