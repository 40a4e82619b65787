#include "http/redact.hpp"

#include <algorithm>
#include <regex>

#include "http/text.hpp"
#include "migrate/base64.hpp"

MIGRATE_BEGIN
namespace http {

namespace {

constexpr std::string_view mask = "***";

/// Only letters and digits count: "X-Api-Key", "api_key" and "apiKey" are one name.
std::string plain_name(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (is_alphanumeric(c)) result += lower(c);
  }
  return result;
}

/// "SUP", "SUP-24": Jira calls the names of its projects and issues keys.
bool is_name_of_item(std::string_view text) {
  const std::size_t end = std::min(text.find('-'), text.size());
  const std::string_view project = text.substr(0, end), number = text.substr(std::min(end + 1, text.size()));
  const auto in_project = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  const auto in_number = [](char c) { return c >= '0' && c <= '9'; };
  return !project.empty() && project.size() <= 10 && project.front() >= 'A' &&
         std::all_of(project.begin(), project.end(), in_project) && end + 1 != text.size() && number.size() <= 12 &&
         std::all_of(number.begin(), number.end(), in_number);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void replace_all(std::string& text, const std::string& what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += mask.size()) {
    text.replace(at, what.size(), mask);
  }
}

}  // namespace

void Secrets::add(std::string_view secret) {
  if (secret.size() <= 3) return;
  std::string escaped;
  for (char c : secret) {
    if (c == '"' || c == '\\' || c == '/') escaped += '\\';
    escaped += c;
  }
  for (std::string form : {std::string(secret), encode(secret), base64_encode(secret), escaped}) {
    if (std::find(forms_.begin(), forms_.end(), form) == forms_.end()) forms_.push_back(std::move(form));
  }
  std::sort(forms_.begin(), forms_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Secrets::masked(std::string text) const {
  for (const std::string& form : forms_) replace_all(text, form);
  return text;
}

bool names_secret(std::string_view name) {
  std::string plain = plain_name(name);
  for (std::string_view whole : {"key", "sig", "jwt", "auth", "assertion", "pat", "pwd", "xauth"}) {
    if (plain == whole) return true;
  }
  // Cursors, and Jira's switch against cross-site requests ("X-Atlassian-Token: no-check").
  for (std::string_view harmless : {"page", "continuation", "next", "sync", "atlassiantoken", "tokentype", "tokens"}) {
    if (contains(plain, harmless)) return false;
  }
  for (std::string_view part : {"authorization", "cookie", "token", "secret", "password", "passwd", "apikey", "authkey",
                                "privatekey", "servicekey", "accesskey", "accountkey", "subscriptionkey",
                                "functionskey", "credential", "signature", "sessionid"}) {
    if (contains(plain, part)) return true;
  }
  return false;
}

bool holds_secret(std::string_view name, std::string_view text) {
  return names_secret(name) && !(equal_ignoring_case(name, "key") && is_name_of_item(text));
}

std::string redacted_target(std::string_view target) {
  std::string result;
  if (std::size_t slashes = target.find("://"); slashes != std::string_view::npos) {
    std::size_t authority = slashes + 3, end = std::min(target.find_first_of("/?#", authority), target.size());
    std::size_t at = target.substr(0, end).rfind('@');
    result = target.substr(0, authority);
    if (at != std::string_view::npos && at >= authority) {
      result += mask;
      authority = at;
    }
    target.remove_prefix(authority);
  }
  std::size_t question = target.find('?');
  result += target.substr(0, question);
  if (question == std::string_view::npos) return result;
  std::string_view rest = target.substr(question);
  while (!rest.empty()) {  // each begins with its '?' or '&'
    std::size_t end = std::min(rest.find('&', 1), rest.size());
    std::string_view parameter = rest.substr(1, end - 1);
    std::size_t equals = parameter.find('=');
    result += rest.front();
    if (equals != std::string_view::npos && names_secret(parameter.substr(0, equals))) {
      result += parameter.substr(0, equals + 1);
      result += mask;
    } else {
      result += parameter;
    }
    rest.remove_prefix(end);
  }
  return result;
}

std::string redirect_note(std::string_view origin) {
  return " (redirected to " + std::string(origin) + ", where no credentials are sent)";
}

std::string excerpt(std::string_view text, std::size_t limit, const Secrets* secrets) {
  // Masked before it is cut, so that no half of a credential is left over; what lies far behind the cut plays no part.
  std::string whole(text.substr(0, 4 * limit));
  if (secrets) whole = secrets->masked(std::move(whole));
  static const std::regex scheme(R"(\b(Bearer|Basic|Token)\s+[A-Za-z0-9+/=._~-]{4,})", std::regex::icase);
  whole = std::regex_replace(whole, scheme, "$1 ***");
  static const std::regex pair(R"re(([A-Za-z0-9_.-]{2,40})(\\?"?\s{0,2}[:=]\s{0,2}\\?"?)([^\s"'&,;<>}\\]+))re");
  std::string masked, line;
  auto from = whole.cbegin();
  for (std::sregex_iterator match(whole.cbegin(), whole.cend(), pair), end; match != end; ++match) {
    masked.append(from, (*match)[0].first);
    masked += (*match)[1].str() + (*match)[2].str();
    // key=… is a parameter of an address.
    const std::string name = (*match)[1].str(), value = (*match)[3].str();
    const bool parameter = (*match)[2].str().find('=') != std::string::npos;
    masked += (parameter ? names_secret(name) : holds_secret(name, value)) ? std::string(mask) : value;
    from = (*match)[0].second;
  }
  masked.append(from, whole.cend());
  for (char c : masked) {  // one line, no control characters
    char shown = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    if (shown != ' ' || (!line.empty() && line.back() != ' ')) line += shown;
  }
  return shortened(trimmed(line), limit);
}

void redact_json(Value& value) {
  if (Array* array = value.if_array()) {
    for (Value& element : *array) redact_json(element);
  } else if (Object* object = value.if_object()) {
    for (auto& member : *object) {
      const boost::json::string* text = member.value().if_string();
      if (text && holds_secret(member.key(), *text)) {
        member.value() = mask;
      } else {
        redact_json(member.value());
      }
    }
  }
}

}  // namespace http
MIGRATE_END
