#include "call.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace migrate::jira::sim {

Value Faults::json() const {
  Object body;
  body.emplace("errorMessages", messages_);
  body.emplace("errors", errors_);
  return body;
}

void Faults::check(int status) const {
  if (any()) throw Refusal{http::Response(status, json())};
}

void refuse(int status, std::string message) {
  Faults faults;
  faults.message(std::move(message));
  throw Refusal{http::Response(status, faults.json())};
}

void refuse_field(int status, std::string_view field, std::string message) {
  Faults faults;
  faults.field(field, std::move(message));
  throw Refusal{http::Response(status, faults.json())};
}

void refuse_payload() { refuse(400, "Invalid request payload. Refer to the REST API documentation and try again."); }

const std::string* Call::get(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

bool Call::flag(std::string_view name, bool otherwise) const {
  const std::string* value = get(name);
  if (!value) return otherwise;
  if (*value != "true" && *value != "false") refuse(400, fmt::format("Parameter '{}' must be true or false.", name));
  return *value == "true";
}

std::int64_t Call::number(std::string_view name, std::int64_t otherwise) const {
  const std::string* text = get(name);
  if (!text) return otherwise;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    refuse(400, fmt::format("Parameter '{}' must be a number, not '{}'.", name, *text));
  }
  return value;
}

std::int64_t Call::start() const {
  const std::int64_t start = number("startAt", 0);
  if (start < 0) refuse(400, "Parameter 'startAt' must not be negative.");
  return std::min<std::int64_t>(start, std::numeric_limits<std::int32_t>::max());
}

std::vector<std::string> Call::list(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [key, value] : query) {
    if (key != name) continue;
    for (std::size_t from = 0; from <= value.size();) {
      const std::size_t to = std::min(value.find(',', from), value.size());
      if (to > from) all.push_back(value.substr(from, to - from));
      from = to + 1;
    }
  }
  return all;
}

bool Call::expands(std::string_view what) const {
  const std::vector<std::string> all = list("expand");
  return std::find(all.begin(), all.end(), what) != all.end();
}

const Object& Call::object(std::initializer_list<std::string_view> known) const {
  if (!body.is_object()) refuse_payload();
  only_members(body.get_object(), known);
  return body.get_object();
}

http::Response ok(Value body, int status) { return http::Response(status, body); }

http::Response no_content(int status) { return http::Response(status); }

Object page(const Call& call, Array all, std::string_view name, std::int64_t otherwise, std::int64_t most) {
  const std::int64_t start = call.start();
  std::int64_t count = call.number("maxResults", otherwise);
  if (count < 0) refuse(400, "Parameter 'maxResults' must not be negative.");
  count = std::min(count, most);
  const auto total = static_cast<std::int64_t>(all.size());
  Array part;
  for (std::int64_t i = start; i < total && i < start + count; ++i) {
    part.push_back(std::move(all[static_cast<std::size_t>(i)]));
  }
  Object out;
  out.emplace("startAt", start);
  out.emplace("maxResults", count);
  out.emplace("total", total);
  out.emplace(name, std::move(part));
  return out;
}

const Value* member(const Value& value, std::string_view name) {
  return value.is_object() ? value.get_object().if_contains(name) : nullptr;
}

const Value* text_member(const Object& object, std::string_view name) {
  const Value* value = object.if_contains(name);
  if (!value || value->is_null()) return nullptr;
  if (!value->is_string()) refuse_payload();
  return value;
}

std::string_view text_or(const Value* value, std::string_view otherwise) {
  return value && value->is_string() ? std::string_view(value->get_string()) : otherwise;
}

void only_members(const Object& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) refuse_payload();
  }
}

std::uint64_t id_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

Value parse_deep(std::string_view text, boost::json::storage_ptr memory) {
  boost::json::parse_options options;
  options.max_depth = 512;
  return boost::json::parse(boost::json::string_view(text.data(), text.size()), std::move(memory), options);
}

namespace {

/// The value of `name="…"` or name=… in a header; nothing when it is not there.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  for (std::size_t at = header.find(';'); at != std::string_view::npos; at = header.find(';', at)) {
    at = header.find_first_not_of(" \t", at + 1);
    if (at == std::string_view::npos) break;
    const std::size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) break;
    const bool wanted = header.substr(at, equals - at) == name;
    std::string value;
    std::size_t i = equals + 1;
    if (i < header.size() && header[i] == '"') {
      for (++i; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size() && header[i + 1] == '"') ++i;
        value += header[i];
      }
    } else {
      while (i < header.size() && header[i] != ';') value += header[i++];
    }
    if (wanted) return value;
    at = i;
  }
  return std::nullopt;
}

void read_part_header(std::string_view line, UploadPart& part) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.find('\0') != std::string_view::npos) {
    refuse(400, "A part of the upload has a broken header.");
  }
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "content-type") part.media_type = value;
  if (name == "content-disposition") {
    if (!value.starts_with("form-data")) refuse(400, "A part of the upload is no form-data.");
    part.name = parameter(value, "name").value_or("");
    part.file_name = parameter(value, "filename").value_or("");
    // Old browsers sent the whole path.
    part.file_name.erase(0, part.file_name.find_last_of("/\\") + 1);
  }
}

}  // namespace

std::vector<UploadPart> read_multipart(const http::Request& request) {
  const std::string_view type = request.headers.get("Content-Type");
  const std::optional<std::string> boundary = parameter(type, "boundary");
  if (!type.starts_with("multipart/form-data") || !boundary || boundary->empty()) {
    throw Refusal{http::Response(415, Object{{"message", "HTTP 415 Unsupported Media Type"}, {"status-code", 415}})};
  }
  const std::string mark = "--" + *boundary;
  std::string_view rest = request.body;
  if (!rest.starts_with(mark)) refuse(400, "The upload does not begin with its boundary.");
  rest.remove_prefix(mark.size());
  std::vector<UploadPart> parts;
  while (!rest.starts_with("--")) {
    if (!rest.starts_with("\r\n")) refuse(400, "The upload is torn.");
    rest.remove_prefix(2);
    UploadPart part;
    for (std::size_t end = rest.find("\r\n"); end != 0; end = rest.find("\r\n")) {
      if (end == std::string_view::npos) refuse(400, "The upload is torn.");
      read_part_header(rest.substr(0, end), part);
      rest.remove_prefix(end + 2);
    }
    rest.remove_prefix(2);
    const std::size_t end = rest.find("\r\n" + mark);
    if (end == std::string_view::npos) refuse(400, "The upload is torn.");
    part.body = rest.substr(0, end);
    rest.remove_prefix(end + 2 + mark.size());
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace migrate::jira::sim
