#include "simulator/addresses.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "migrate/base64.hpp"
#include "migrate/digest.hpp"
#include "migrate/http/message.hpp"
#include "simulator/random.hpp"

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::string_view token_head = R"({"typ":"JWT","alg":"HS256"})";

/// The value of a parameter, still encoded; empty when it is not there.
std::string_view parameter(std::string_view target, std::string_view name) {
  const std::size_t query = target.find('?');
  std::string_view rest = query == std::string_view::npos ? std::string_view() : target.substr(query + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != std::string_view::npos) return pair.substr(equals + 1);
  }
  return {};
}

}  // namespace

Addresses::Addresses(std::uint64_t seed, Seconds valid)
    : secret_(fmt::format("{:016x}{:016x}", mixed(seed), mixed(~seed))), valid_(valid) {}

void Addresses::locate(std::string desk, std::string store) {
  desk_ = std::move(desk);
  store_ = std::move(store);
}

std::string Addresses::signature(std::string_view path, std::string_view time, std::string_view valid) const {
  return hex(hmac_sha256(secret_, fmt::format("GET\n{}\n{}\n{}", path, time, valid)));
}

std::string Addresses::signed_url(std::string_view path, Seconds now) const {
  const std::string time = compact_instant(now), valid = std::to_string(valid_);
  return fmt::format(
      "{}{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=SIMULATED%2F{}%2Fus-east-1%2Fs3%2Faws4_request"
      "&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host&X-Amz-Signature={}",
      store_, path, time.substr(0, 8), time, valid, signature(path, time, valid));
}

Addresses::Examination Addresses::examine(std::string_view target, Seconds now) const {
  Examination result;
  const std::string_view time = parameter(target, "X-Amz-Date"), valid = parameter(target, "X-Amz-Expires");
  const std::string_view given = parameter(target, "X-Amz-Signature");
  if (given.empty() && time.empty()) return result;
  const auto from = parse_compact_instant(time);
  if (!from || given != signature(target.substr(0, target.find('?')), time, valid)) {
    result.verdict = Verdict::wrong_signature;
    return result;
  }
  // Nobody but this object can have signed it, so it is a number.
  result.from = *from;
  result.valid = std::stoll(std::string(valid));
  result.verdict = now > result.from + result.valid ? Verdict::expired : Verdict::good;
  return result;
}

std::string Addresses::inline_url(std::int64_t file) const {
  const std::string payload = fmt::format(R"({{"id":{},"domain":"acme.freshdesk.com","account_id":1840509}})", file);
  const std::string text = base64_encode(token_head, Base64::url) + "." + base64_encode(payload, Base64::url);
  return fmt::format("{}/inline/attachment?token={}.{}", desk_, text,
                     base64_encode(hmac_sha256(secret_, text), Base64::url));
}

std::optional<std::int64_t> Addresses::file_of(std::string_view token) const {
  const std::size_t last = token.rfind('.'), first = token.find('.');
  if (last == std::string_view::npos || first == last) return std::nullopt;
  const std::string_view text = token.substr(0, last);
  if (base64_encode(hmac_sha256(secret_, text), Base64::url) != token.substr(last + 1)) return std::nullopt;
  std::string payload;
  if (!base64_decode(text.substr(first + 1), payload, Base64::url)) return std::nullopt;
  return boost::json::parse(payload).at("id").to_number<std::int64_t>();
}

std::string Addresses::file_path(std::int64_t file, std::string_view name) {
  return fmt::format("/data/helpdesk/attachments/production/{}/original/{}", file, http::encode(name));
}

}  // namespace migrate::freshdesk::simulation
