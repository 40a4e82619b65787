// Keeps credentials out of errors, log lines and exchange logs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/http/message.hpp"

MIGRATE_BEGIN
namespace http {

/// What a client must never show, in every form in which it may come back: as it is, percent-encoded, base64.
class Secrets {
 public:
  /// Texts of three bytes or fewer are left out: masking them would make every message unreadable.
  void add(std::string_view secret);
  std::string masked(std::string text) const;

 private:
  std::vector<std::string> forms_;  ///< longest first
};

/// Header fields, query parameters and JSON members that hold credentials, judged by their names. "pageToken" and its
/// like are cursors.
bool names_secret(std::string_view name);
/// The same of a JSON member: a "key" that reads like the name of an issue or project is none.
bool holds_secret(std::string_view name, std::string_view text);
/// A path, or a whole URL, with the values of secret parameters and user information masked.
std::string redacted_target(std::string_view target);
/// Behind the request in Response::request, where the answer is another origin's. An address has no blank in it: what
/// stands behind the second one is this.
std::string redirect_note(std::string_view origin);
/// Free text, "Bearer …", name=value and "name":"value" masked; at most `limit` bytes of it, on one line.
std::string excerpt(std::string_view text, std::size_t limit = 300, const Secrets* secrets = nullptr);
/// The text of secret members replaced, at any depth.
void redact_json(Value& value);

}  // namespace http
MIGRATE_END
