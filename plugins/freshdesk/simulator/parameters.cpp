#include "simulator/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace migrate::freshdesk::simulation {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string listing(std::initializer_list<std::string_view> choices) {
  return fmt::format("It should be one of these values: '{}'", fmt::join(choices, ","));
}

}  // namespace

http::Response refusal(int status, std::string_view code, std::string_view message) {
  return http::Response(status, Object{{"code", code}, {"message", message}});
}

http::Response without_body(int status) { return http::Response(status); }

http::Response html_page(int status, std::string_view title) {
  http::Response response(status);
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.body = fmt::format(
      "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1><p>Go back to the help desk.</p></body>"
      "</html>\n",
      title);
  return response;
}

Parameters::Parameters(const http::Request& request, std::initializer_list<std::string_view> known)
    : given_(request.query()) {
  for (const auto& [name, value] : given_) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      fault(name, "Unexpected/invalid field in request", "invalid_field");
    }
  }
}

std::optional<std::string> Parameters::text(std::string_view name) const {
  const auto found = std::find_if(given_.begin(), given_.end(), [&](const auto& given) { return given.first == name; });
  return found == given_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t Parameters::number(std::string_view name, std::int64_t fallback, std::int64_t most) {
  const auto given = text(name);
  if (!given) return fallback;
  const auto number = whole_number(*given);
  if (number && *number >= 1 && *number <= most) return *number;
  std::string message = "It should be a Positive Integer";
  if (most < std::numeric_limits<std::int64_t>::max()) message += fmt::format(" less than or equal to {}", most);
  fault(name, message);
  return fallback;
}

std::optional<std::int64_t> Parameters::id(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto number = whole_number(*given);
  if (!number || *number < 1) fault(name, "It should be a Positive Integer", "datatype_mismatch");
  return number.value_or(0);
}

std::optional<Seconds> Parameters::time(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto time = parse_instant(*given);
  if (!time) fault(name, "It should be in the 'combined date and time ISO8601' format");
  return time.value_or(0);
}

std::optional<bool> Parameters::truth(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  if (*given != "true" && *given != "false") fault(name, listing({"true", "false"}));
  return *given == "true";
}

std::string Parameters::choice(std::string_view name, std::initializer_list<std::string_view> choices) {
  const auto given = text(name);
  if (!given) return std::string(*choices.begin());
  if (std::find(choices.begin(), choices.end(), *given) == choices.end()) fault(name, listing(choices));
  return *given;
}

std::set<std::string, std::less<>> Parameters::choices(std::string_view name,
                                                       std::initializer_list<std::string_view> choices) {
  std::set<std::string, std::less<>> chosen;
  const auto given = text(name);
  if (!given) return chosen;
  std::string_view rest = *given;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view one = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    if (std::find(choices.begin(), choices.end(), one) == choices.end()) {
      fault(name, listing(choices));
      return chosen;
    }
    chosen.emplace(one);
  }
  return chosen;
}

void Parameters::fault(std::string_view field, std::string_view message, std::string_view code) {
  faults_.push_back(Object{{"field", field}, {"message", message}, {"code", code}});
}

std::optional<http::Response> Parameters::refusal() const {
  if (faults_.empty()) return std::nullopt;
  return http::Response(400, Object{{"description", "Validation failed"}, {"errors", faults_}});
}

Page page_of(Parameters& parameters) {
  constexpr std::int64_t usual = 30, most = 100;
  Page page;
  page.number = parameters.number("page", 1, std::numeric_limits<std::int64_t>::max());
  page.size = parameters.number("per_page", usual, most);
  // Beyond any account: the offset stays a number.
  if (page.number > std::numeric_limits<std::int32_t>::max()) page.number = std::numeric_limits<std::int32_t>::max();
  return page;
}

http::Response page_answer(Value items, const http::Request& request, std::string_view origin, const Page& page,
                           bool more) {
  http::Response response(200, items);
  if (more) {
    http::Query query;
    for (const auto& [name, value] : request.query()) {
      if (name != "page") query.add(name, value);
    }
    query.add("page", page.number + 1);
    response.headers.set("link", fmt::format("<{}{}{}>; rel=\"next\"", origin, request.path(), query.text()));
  }
  return response;
}

}  // namespace migrate::freshdesk::simulation
