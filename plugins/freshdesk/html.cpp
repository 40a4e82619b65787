#include "html.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "json.hpp"
#include "migrate/base64.hpp"
#include "migrate/digest.hpp"
#include "migrate/http/message.hpp"
#include "migrate/richtext/formats.hpp"

namespace migrate::freshdesk {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

/// The claim `id` of a token, whose signature is nobody's business here. Empty when it is none.
std::string id_in_token(const std::string& token) {
  const std::size_t first = token.find('.'), last = token.rfind('.');
  if (first == std::string::npos || last == first) return {};
  std::string payload;
  if (!base64_decode(std::string_view(token).substr(first + 1, last - first - 1), payload, Base64::url)) return {};
  boost::json::error_code ignored;
  return text(boost::json::parse(payload, ignored), "id");
}

bool within(std::string_view host, std::string_view domain) {
  if (!host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

/// "shot 1.png": something, a dot and a short ending.
bool is_file_name(std::string_view text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || text.size() - dot < 3 || text.size() - dot > 6 || text.size() > 200)
    return false;
  const auto is_plain = [](char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); };
  return text.find_first_of("/\\:\n") == std::string_view::npos &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(dot) + 1, text.end(), is_plain);
}

bool at_usual_port(const http::Url& url) { return url.port == (url.tls ? 443 : 80); }

/// "cdn.freshdesk.com", "euc-cdn.freshdesk.com": where the service has kept files on S3.
bool is_own_bucket(std::string_view name) {
  constexpr std::string_view own = "cdn.freshdesk.com";
  if (!name.ends_with(own)) return false;
  name.remove_suffix(own.size());
  // The region is a short word.
  return name.empty() || (name.size() <= 8 && name.back() == '-' && name.find('.') == std::string_view::npos);
}

/// Under Amazon's domain anybody can have names, and buckets.
bool is_own_on_s3(const http::Url& url) {
  constexpr std::string_view domain = ".amazonaws.com";
  std::string_view host = url.host;
  if (!url.tls || !host.ends_with(domain)) return false;
  host.remove_suffix(domain.size());
  // "s3", "s3-eu-west-1", "s3.eu-west-1", "s3.dualstack.eu-west-1"; before it the bucket, else that is the path's
  // first.
  std::string_view bucket = std::string_view(url.target).substr(1);
  bucket = bucket.substr(0, bucket.find_first_of("/?"));
  constexpr std::string_view service = "s3";
  if (const std::size_t at = host.rfind(".com.s3"); at != std::string_view::npos) {
    bucket = host.substr(0, at + 4);
    host.remove_prefix(at + 5);
  }
  const bool s3 = host.starts_with(service) && (host.size() == 2 || host[2] == '.' || host[2] == '-');
  return s3 && is_own_bucket(bucket);
}

/// Hosts on which the service keeps files; beside them the helpdesk's own. A stand-in, which is at no usual port, keeps
/// them at another one.
bool keeps_files(const http::Url& url, const std::string& site) {
  const http::Url own = http::parse_url(site);
  if (!at_usual_port(url)) return url.host == own.host && !at_usual_port(own);
  return url.host == own.host || within(url.host, "freshdesk.com") || within(url.host, "freshworks.com") ||
         is_own_on_s3(url);
}

}  // namespace

std::vector<ShownPicture> pictures_in(std::string_view html) {
  std::vector<ShownPicture> pictures;
  // Most texts show none; they need not be parsed.
  constexpr std::string_view tag = "<img";
  const auto same_letter = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  if (std::search(html.begin(), html.end(), tag.begin(), tag.end(), same_letter) == html.end()) return pictures;
  richtext::Parsed parsed = richtext::parse_html(html);
  richtext::rewrite(parsed.document, [&pictures](richtext::Node& node) {
    if (node.kind != richtext::Kind::image || node.url.empty()) return;
    const auto same = [&node](const ShownPicture& picture) { return picture.address == node.url; };
    if (std::none_of(pictures.begin(), pictures.end(), same))
      pictures.push_back(ShownPicture{node.url, is_file_name(node.text) ? node.text : std::string()});
  });
  return pictures;
}

std::optional<KeptPicture> kept_picture(const std::string& shown, const std::string& site) {
  constexpr std::string_view part = "cid:";
  const std::string address = shown.starts_with(part) ? shown.substr(part.size()) : shown;
  if (!address.starts_with("http://") && !address.starts_with("https://")) return std::nullopt;
  http::Url url;
  try {
    url = http::parse_url(address);
  } catch (const Error&) {
    return std::nullopt;
  }
  const http::Request request("GET", url.target);
  const std::string_view path = request.path();
  KeptPicture picture;
  picture.address = address;
  picture.own_host = keeps_files(url, site);
  constexpr std::string_view folder = "/attachments/production/";
  if (path.ends_with("/inline/attachment")) {
    picture.id = id_in_token(request.query("token").value_or(""));
  } else if (const std::size_t at = path.find(folder); at != std::string_view::npos) {
    const std::string_view rest = path.substr(at + folder.size());
    picture.id = std::string(rest.substr(0, rest.find('/')));
    picture.name = http::decode(rest.substr(rest.rfind('/') + 1)).value_or("");
  }
  if (id_in(picture.id) < 0) return std::nullopt;
  return picture;
}

bool is_data_address(std::string_view address) { return lowered(trimmed(address).substr(0, 5)) == "data:"; }

std::optional<EmbeddedPicture> embedded_picture(std::string_view address) {
  if (!is_data_address(address)) return std::nullopt;
  address = trimmed(address).substr(5);
  const std::size_t comma = address.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string head = lowered(address.substr(0, comma));
  const std::size_t last = head.rfind(';');
  if (last == std::string::npos || trimmed(std::string_view(head).substr(last + 1)) != "base64") return std::nullopt;
  EmbeddedPicture picture;
  picture.media_type = std::string(trimmed(std::string_view(head).substr(0, head.find(';'))));
  picture.base64 = http::decode(address.substr(comma + 1)).value_or("%");  // which is no base64
  std::erase_if(picture.base64, is_blank);
  std::string bytes;
  if (!picture.media_type.starts_with("image/") || !base64_decode(picture.base64, bytes)) return std::nullopt;
  std::string ending = picture.media_type.substr(6);
  ending = ending.substr(0, ending.find('+'));
  picture.size = bytes.size();
  picture.name = sha256(bytes).substr(0, 16) + "." + ending;
  return picture;
}

bool is_no_picture(std::string_view media_type, std::string_view start) {
  const std::string type = lowered(trimmed(media_type.substr(0, media_type.find(';'))));
  if (type == "text/html" || type == "application/xhtml+xml" || type == "application/json") return true;
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (start.starts_with(mark)) start.remove_prefix(mark.size());
  const std::string text = lowered(trimmed(start.substr(0, 1000)));
  // A drawing may hold a page, in its midst.
  return text.starts_with('<') && std::min(text.find("<!doctype html"), text.find("<html")) < text.find("<svg");
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace migrate::freshdesk
