#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

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

Url resolve(const Url& base, std::string_view reference) {
  std::string base_text = mended(base.origin() + base.target), reference_text = mended(trimmed(reference));
  auto from = boost::urls::parse_uri(base_text);
  auto to = boost::urls::parse_uri_reference(reference_text);
  if (!from || !to) throw refused(reference, "cannot be followed: it is no address");
  boost::urls::url whole;
  if (!boost::urls::resolve(*from, *to, whole)) throw refused(reference, "cannot be followed: it is no address");
  return parts_of(whole, reference);
}

}  // namespace http
MIGRATE_END
