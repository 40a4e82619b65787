#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <vector>

#include "http/redact.hpp"
#include "http/text.hpp"
#include "migrate/http/message.hpp"

MIGRATE_BEGIN
namespace http {

namespace {

/// What services really send in addresses: blanks, umlauts and brackets as they are, and bare percent signs.
std::string mended(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF", wrong = "\"<>\\^`{|}";
  auto hex = [&](std::size_t at) {
    return at < text.size() && (is_digit(text[at]) || (lower(text[at]) >= 'a' && lower(text[at]) <= 'f'));
  };
  std::size_t authority = text.find("//");
  std::size_t path =
      authority == std::string_view::npos ? 0 : std::min(text.find_first_of("/?#", authority + 2), text.size());
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    bool bracket = i >= path && (text[i] == '[' || text[i] == ']');
    bool bare = text[i] == '%' && !(hex(i + 1) && hex(i + 2));
    if (byte <= 0x20 || byte >= 0x7F || bracket || bare || wrong.find(text[i]) != std::string_view::npos) {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += text[i];
    }
  }
  return out;
}

Error refused(std::string_view text, std::string_view why) {
  return Error(ErrorKind::invalid, "bad_url", fmt::format("\"{}\" {}.", shortened(redacted_target(text), 200), why));
}

bool is_host(std::string_view host) {
  for (char c : host) {
    if (!is_alphanumeric(c) && c != '-' && c != '.' && c != '_' && c != ':') return false;
  }
  return !host.empty();
}

Url parts_of(boost::urls::url_view view, std::string_view text) {
  Url url;
  if (view.scheme_id() == boost::urls::scheme::https) {
    url.tls = true;
  } else if (view.scheme_id() != boost::urls::scheme::http) {
    throw refused(text, "is no http or https address");
  }
  if (view.has_userinfo()) {
    throw refused(text, "holds a user name or password")
        .with_advice("Take them out of the address; credentials have options of their own.");
  }
  url.host = lowered(view.host_address());
  if (!is_host(url.host))
    throw refused(text, "has no valid host name").with_advice("Write names in other scripts as xn--….");
  url.port = url.tls ? 443 : 80;
  if (view.has_port() && !view.port().empty()) {
    const std::string port(view.port());
    const unsigned long number = port.size() <= 5 ? std::stoul(port) : 0;  // digits, says the parser
    if (number == 0 || number > 65535) throw refused(text, "has no valid port");
    url.port = static_cast<std::uint16_t>(number);
  }
  url.target = view.encoded_path().empty() ? std::string("/") : std::string(view.encoded_path());
  if (view.has_query()) url.target += "?" + std::string(view.encoded_query());
  return url;
}

/// A path without its "." and "..", everything else as it is.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool folder = true;  // it ends as one
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    folder = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!folder) kept.push_back(segment);
    at = end + 1;
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (folder) out += '/';
  return out;
}

}  // namespace

std::string Url::origin() const {
  std::string result = tls ? "https://" : "http://";
  result += host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) result += ":" + fmt::to_string(port);
  return result;
}

bool Url::same_origin(const Url& other) const noexcept {
  return tls == other.tls && port == other.port && host == other.host;
}

Url parse_url(std::string_view text) {
  std::string copy = mended(trimmed(text));
  auto parsed = boost::urls::parse_uri(copy);
  if (!parsed) throw refused(text, "is no address like https://host/path");
  return parts_of(*parsed, text);
}

/// As RFC 3986, 5.2 has it, on the text as it was sent: a signed address is good letter by letter, and what boost::urls
/// makes of it is another one (%2B becomes a plus, which S3 takes for a blank).
Url resolve(const Url& base, std::string_view reference) {
  const std::string text = mended(trimmed(reference));
  const auto parsed = boost::urls::parse_uri_reference(text);
  if (!parsed) throw refused(reference, "cannot be followed: it is no address");
  const boost::urls::url_view to = *parsed;
  if (to.has_scheme()) return parts_of(to, reference);
  if (to.has_authority()) {
    const std::string whole = (base.tls ? "https:" : "http:") + text;
    return parse_url(whole);
  }
  const std::string_view from = std::string_view(base.target).substr(0, base.target.find('?'));
  const std::string path(to.encoded_path());
  Url url = base;
  if (path.empty()) {
    url.target = to.has_query() ? std::string(from) : base.target;
  } else {
    // Up to its last slash, behind which the reference's begins.
    url.target = without_dots(path.front() == '/' ? path : std::string(from.substr(0, from.rfind('/') + 1)) + path);
  }
  if (to.has_query()) url.target += "?" + std::string(to.encoded_query());
  return url;
}

}  // namespace http
MIGRATE_END
