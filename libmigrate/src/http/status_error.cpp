// What a service that said no is turned into.
#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "http/redact.hpp"
#include "http/text.hpp"
#include "http/web_page.hpp"
#include "migrate/http/client.hpp"

MIGRATE_BEGIN
namespace http {

StatusError::StatusError(ErrorKind kind, std::string cause_code, const std::string& message, int code,
                         bool applied_nothing)
    : Error(kind, std::move(cause_code), message), status_(code), refused_(applied_nothing) {}
StatusError::~StatusError() = default;

bool is_web_page(const Response& response) {
  const std::string_view begin = trimmed(std::string_view(response.body).substr(0, 1000));
  if (!begin.starts_with('<')) return false;  // nearly always: each answer comes by here
  const std::string start = lowered(begin);
  return start.starts_with("<!doctype html") || start.find("<html") != std::string::npos ||
         start.find("<head") != std::string::npos;
}

bool is_sign_in_page(const Response& response) {
  if (!is_web_page(response)) return false;
  if (response.status == 203) return true;  // Azure DevOps, for a token that it does not know
  const std::string start = lowered(std::string_view(response.body).substr(0, 8000));
  for (const char* word : {"sign in", "sign-in", "signin", "log in", "login", "type=\"password\""}) {
    if (start.find(word) != std::string::npos) return true;
  }
  return false;
}

namespace {

ErrorKind kind_of(const Response& response) {
  switch (response.status) {
    case 401:
    case 403:
    case 407:
      return ErrorKind::unauthorized;
    case 404:
    case 410:
      return ErrorKind::not_found;
    case 409:
    case 412:
      return ErrorKind::conflict;
    case 429:
      return ErrorKind::throttled;
    case 408:
    case 425:
      return ErrorKind::transient;
    case 503:
      // As the limiter sees it: a word that is no time says nothing.
      return read_retry_after(response.headers, {}) ? ErrorKind::throttled : ErrorKind::transient;
    default:
      if (response.ok()) return is_sign_in_page(response) ? ErrorKind::unauthorized : ErrorKind::transient;
      return response.status >= 500 ? ErrorKind::transient : ErrorKind::invalid;
  }
}

/// "GET /path" of a request, without the note that it was redirected.
std::string_view bare_request(const Response& response) {
  const std::string_view whole = response.request;
  return whole.substr(0, whole.find(' ', whole.find(' ') + 1));
}

/// Where a redirect leads that was not followed, for people.
std::string place_of(const Response& response, const Secrets* secrets) {
  if (response.status < 300 || response.status >= 400) return {};
  return excerpt(redacted_target(response.headers.get("Location")), 200, secrets);
}

std::string advice_for(const Response& response, ErrorKind kind, bool page) {
  const bool led_away = bare_request(response).size() < response.request.size();
  if (led_away && (kind == ErrorKind::unauthorized || kind == ErrorKind::not_found)) {
    return "The service has sent the request to another address, and credentials go to the one of `url` only: if the "
           "other one is the service's own, set `url` to it.";
  }
  if (response.status >= 300 && response.status < 400 && response.headers.has("Location")) {
    return "The service wants to be asked at another address: set `url` to that.";
  }
  if (page && kind == ErrorKind::unauthorized) {
    return "Check the credentials and the address: what answered is a page for people, not the service's interface.";
  }
  if (page)
    return "A gateway or proxy has answered in place of the service: check the address, or wait until it is back.";
  switch (kind) {
    case ErrorKind::unauthorized:
      return response.status == 403
                 ? "The account is known but lacks the right to do this: grant it, or use another account."
                 : "The credentials were refused: check that they are complete and have not run out.";
    case ErrorKind::not_found:
      return "Check the address and the names in the configuration. Many services also say so of what the account may "
             "not see.";
    case ErrorKind::throttled:
      return "The service's quota is used up. The run goes on by itself when it may.";
    case ErrorKind::transient:
      return "The service has a trouble of its own. It is tried again.";
    default:
      return "";
  }
}

/// The texts of an error document, as "member: text" where the member says more than that it is an error.
void collect(const Value& value, std::string_view name, std::string& out, int depth) {
  if (out.size() > 2000 || depth > 6) return;
  if (const boost::json::string* text = value.if_string()) {
    if (text->empty()) return;
    if (!out.empty()) out += "; ";
    const std::string plain = lowered(name);
    bool telling = !plain.empty();
    for (const char* usual : {"message", "error", "errors", "errormessage", "errormessages", "detail", "description"}) {
      telling = telling && plain != usual;
    }
    if (telling) out.append(name).append(": ");
    out += holds_secret(name, *text) ? std::string_view("***") : std::string_view(*text);
  } else if (const Array* array = value.if_array()) {
    for (const Value& element : *array) collect(element, name, out, depth + 1);
  } else if (const Object* object = value.if_object()) {
    for (const auto& member : *object) collect(member.value(), member.key(), out, depth + 1);
  }
}

std::string title_of(std::string_view page) {
  const std::string plain = lowered(page);
  const std::size_t start = plain.find("<title");
  const std::size_t open = start == std::string::npos ? start : plain.find('>', start);
  const std::size_t end = open == std::string::npos ? open : plain.find("</title", open);
  if (end == std::string::npos) return "";
  return std::string(trimmed(page.substr(open + 1, end - open - 1)));
}

std::string words_of(const Response& response, bool page, const Secrets* secrets) {
  if (page) {
    const std::string title = title_of(std::string_view(response.body).substr(0, 8000));
    return "a web page" + (title.empty() ? std::string() : " titled \"" + excerpt(title, 100, secrets) + "\"");
  }
  boost::json::error_code trouble;
  const Value value = response.body.empty() ? Value() : boost::json::parse(response.body, trouble);
  std::string texts;
  if (!trouble) collect(value, "", texts, 0);
  if (texts.empty()) texts = response.body;
  return excerpt(texts, 300, secrets);
}

/// Under which name the service's own people find the request in their logs.
std::string_view request_id(const Headers& headers) {
  for (const char* name : {"X-Request-Id", "X-ARequestId", "X-VSS-E2EID", "CF-Ray", "X-Correlation-Id"}) {
    if (headers.has(name)) return headers.get(name);
  }
  return {};
}

}  // namespace

bool nothing_applied(const Response& response) noexcept {
  if (response.repeated_blindly_) return false;
  const int status = response.status;
  // 408 comes from a service or gateway that has waited, for whatever; 503 with Retry-After from gateways whose service
  // was at it.
  return status >= 400 && status < 500 && status != 408;
}

bool nothing_applied(const Error& error) noexcept {
  if (const auto* refusal = dynamic_cast<const StatusError*>(&error)) return refusal->refused();
  if (const auto* failure = dynamic_cast<const TransportError*>(&error)) return !failure->sent();
  return false;
}

StatusError error_of(const Response& response) {
  const ErrorKind kind = kind_of(response);
  const bool page = is_web_page(response);
  const bool sign_in = page && kind == ErrorKind::unauthorized;
  const std::string words = words_of(response, page, response.secrets_.get());
  std::string cause = response.ok() ? "not_json" : fmt::format("http_{}", response.status);
  if (sign_in) cause = "sign_in_page";
  if (page && !sign_in && response.status >= 500) cause = "gateway_page";
  std::string message =
      fmt::format("{} was answered {}", response.request.empty() ? "A request" : response.request, response.status);
  if (sign_in) message += " with a sign-in page";
  const std::string place = place_of(response, response.secrets_.get());
  if (!place.empty()) message += " with a redirect to " + place;
  if (!words.empty()) message += (sign_in ? " (" : ": ") + words + (sign_in ? ")" : "");
  StatusError error(kind, std::move(cause), message, response.status, nothing_applied(response));
  error.with_advice(advice_for(response, kind, page));
  if (kind == ErrorKind::throttled) {
    // What the limiter knows holds in the run's own time; a response of somebody else's is read in the machine's.
    error.retry_after = response.refused_for_;
    if (error.retry_after.count() == 0) {
      const auto now = std::chrono::system_clock::now();
      error.retry_after = read_retry_after(response.headers, now).value_or(std::chrono::milliseconds(0));
    }
    error.retry_after = std::max(error.retry_after, std::chrono::milliseconds(1000));
  }
  Object detail;
  detail["status"] = response.status;
  if (!response.request.empty()) detail["request"] = bare_request(response);
  if (std::string_view id = request_id(response.headers); !id.empty()) detail["request_id"] = excerpt(id, 100);
  if (!words.empty()) detail["answer"] = words;
  error.with_detail(std::move(detail));
  return error;
}

Response checked(Response response) {
  if (!is_answer(response)) throw error_of(response);
  return response;
}

}  // namespace http
MIGRATE_END
