#include "migrate/http/message.hpp"
#include "migrate/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "http/redact.hpp"
#include "http/text.hpp"

MIGRATE_BEGIN
namespace http {

namespace {

constexpr std::string_view json_type = "application/json";
/// Rich text of Atlassian nests two levels of JSON a level of text; Boost.JSON's own limit is 32.
constexpr std::size_t deepest_json = 512;

void check_field(const std::string& name, const std::string& value) {
  if (!is_token(name)) {
    throw Error(ErrorKind::invalid, "header_field",
                fmt::format("\"{}\" cannot be the name of a header field.", excerpt(name, 60)));
  }
  const auto holds = [&](char byte) { return value.find(byte) != std::string::npos; };
  if (holds('\r') || holds('\n') || holds('\0')) {
    throw Error(ErrorKind::invalid, "header_field",
                fmt::format("The value of the header field {} holds a line end or NUL.", name))
        .with_advice("Encode the text, or send it in the body.");
  }
}

}  // namespace

Headers::Headers() = default;
Headers::Headers(std::initializer_list<Field> fields) {
  fields_.reserve(fields.size());
  for (const auto& [name, value] : fields) add(name, value);
}

std::string_view Headers::get(std::string_view name) const noexcept {
  for (const auto& [key, value] : fields_) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

bool Headers::has(std::string_view name) const noexcept {
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const Field& field) { return equal_ignoring_case(field.first, name); });
}

void Headers::add(std::string name, std::string value) {
  check_field(name, value);
  if (fields_.empty()) fields_.reserve(8);
  fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
  check_field(name, value);
  auto same = [&](const Field& field) { return equal_ignoring_case(field.first, name); };
  auto first = std::find_if(fields_.begin(), fields_.end(), same);
  if (first == fields_.end()) {
    fields_.emplace_back(std::move(name), std::move(value));
    return;
  }
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return equal_ignoring_case(field.first, name); });
}

Request::Request() = default;
Request::Request(std::string verb, std::string where) : method(std::move(verb)), target(std::move(where)) {}

void Request::set_json(const Value& value) {
  body = boost::json::serialize(value);
  headers.set("Content-Type", std::string(json_type));
}

std::string_view Request::path() const noexcept {
  return std::string_view(target).substr(0, target.find_first_of("?#"));
}

std::vector<std::pair<std::string, std::string>> Request::query() const {
  std::vector<std::pair<std::string, std::string>> result;
  std::string_view rest = target;
  rest = rest.substr(0, rest.find('#'));
  std::size_t question = rest.find('?');
  if (question == std::string_view::npos) return result;
  rest.remove_prefix(question + 1);
  auto plain = [](std::string_view text) {
    std::optional<std::string> decoded = decode(text, true);
    return decoded ? std::move(*decoded) : std::string(text);
  };
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('&'), rest.size());
    std::string_view parameter = rest.substr(0, end);
    std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (!parameter.empty()) {
      result.emplace_back(plain(parameter.substr(0, equals)),
                          plain(parameter.substr(std::min(equals + 1, parameter.size()))));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return result;
}

std::optional<std::string> Request::query(std::string_view name) const {
  for (auto& [key, value] : query()) {
    if (key == name) return std::move(value);
  }
  return std::nullopt;
}

Response::Response() = default;
Response::Response(int code) : status(code) {}
Response::Response(int code, const Value& json) : status(code), body(boost::json::serialize(json)) {
  headers.add("Content-Type", std::string(json_type));
}

namespace {

/// Lone surrogates ("\ud83d" without its other half) are no Unicode text, yet some services keep and send them: the
/// replacement character stands for each.
std::string without_lone_surrogates(std::string_view text) {
  auto escape_at = [&](std::size_t at) -> unsigned {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
    unsigned code = 0;
    for (std::size_t i = at + 2; i < at + 6; ++i) {
      char c = lower(text[i]);
      if (!is_digit(c) && (c < 'a' || c > 'f')) return 0;
      code = code * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return code;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      out += text[i++];
      continue;
    }
    unsigned code = escape_at(i);
    bool high = code >= 0xD800 && code < 0xDC00, low = code >= 0xDC00 && code < 0xE000;
    unsigned next = high ? escape_at(i + 6) : 0;
    std::size_t length = code ? 6 : 2;
    if (high && next >= 0xDC00 && next < 0xE000) {
      out += text.substr(i, 12);
      length = 12;
    } else if (high || low) {
      out += "\\ufffd";
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

}  // namespace

Value Response::json() const {
  boost::json::parse_options options;
  options.max_depth = deepest_json;
  boost::json::error_code trouble;
  Value value = parse_json(body, trouble, {}, options);
  if (!trouble) return value;
  if (body.find("\\ud") != std::string::npos || body.find("\\uD") != std::string::npos) {
    boost::json::error_code earlier = trouble;
    trouble.clear();
    value = parse_json(without_lone_surrogates(body), trouble, {}, options);
    if (!trouble) return value;
    trouble = earlier;
  }
  std::string_view start = trimmed(std::string_view(body).substr(0, 200));
  bool page = !start.empty() && start.front() == '<';
  std::string what = body.empty() ? "an empty body" : page ? "a web page" : "something else";
  Error error(
      ErrorKind::transient, "not_json",
      fmt::format("{}{} was answered {} with {} in place of JSON ({}){}", request.empty() ? "A request" : "", request,
                  status, what, trouble.message(), body.empty() ? "." : ": " + excerpt(body, 200, secrets_.get())));
  if (page) {
    error.with_advice(
        "A gateway, a proxy or a sign-in form has answered in place of the service: check the address and the "
        "credentials.");
  }
  throw error;
}

std::string encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF", marks = "-._~";
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (char c : text) {
    if (is_alphanumeric(c) || marks.find(c) != std::string_view::npos) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  auto digit = [](char c) {
    c = lower(c);
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = digit(text[i + 1]), low = digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Query::Query() = default;
Query& Query::add(std::string_view name, std::string_view value) {
  text_ += text_.empty() ? '?' : '&';
  text_ += encode(name);
  text_ += '=';
  text_ += encode(value);
  return *this;
}
Query& Query::add(std::string_view name, std::int64_t value) {
  return add(name, std::string_view(fmt::to_string(value)));
}

}  // namespace http
MIGRATE_END
