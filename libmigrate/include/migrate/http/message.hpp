// What goes over the wire: requests, responses, headers, and the percent-encoding of addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/record.hpp"
#include "migrate/source.hpp"

MIGRATE_BEGIN
namespace http {

class Secrets;      // internal
class StatusError;  // http/client.hpp
struct Response;
MIGRATE_API StatusError error_of(const Response& response);
MIGRATE_API bool nothing_applied(const Response& response) noexcept;

/// In the order in which they were added; names compare without regard to case. Values never hold CR, LF or NUL: add()
/// and set() throw Error(invalid) for them, so that no text of a record can smuggle a header in.
class MIGRATE_API Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers();
  Headers(std::initializer_list<Field> fields);

  /// The first value of that name; empty when there is none.
  std::string_view get(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept;
  /// One more field of that name.
  void add(std::string name, std::string value);
  /// In place of all fields of that name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);

  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  bool empty() const noexcept { return fields_.empty(); }

 private:
  std::vector<Field> fields_;
};

/// `target` is an origin form ("/rest/api/3/issue?fields=id") that is put behind the client's base URL, or a whole URL.
struct MIGRATE_API Request {
  Request();
  Request(std::string method, std::string target);

  std::string method = "GET", target = "/";
  Headers headers;
  std::string body;
  /// In place of `body`: sent as it is read. Such a request is never repeated by the client.
  std::shared_ptr<ByteStream> stream;
  std::optional<std::uint64_t> stream_size;  ///< sent as Content-Length; without it the body goes chunked
  /// May be repeated when its outcome is unknown: set by the client for GET, HEAD, PUT and DELETE, and by a connector
  /// for a POST that the service promises to apply once.
  std::optional<bool> idempotent;
  std::optional<unsigned> redirects;  ///< followed by the client at most; nothing: as its options say

  /// The body as JSON, with its Content-Type.
  void set_json(const Value& value);
  /// Server side. The path of the target, still encoded, and the decoded value of a query parameter.
  std::string_view path() const noexcept;
  std::optional<std::string> query(std::string_view name) const;
  /// All parameters, decoded, in order.
  std::vector<std::pair<std::string, std::string>> query() const;
};

struct MIGRATE_API Response {
  Response();
  explicit Response(int status);
  Response(int status, const Value& json);

  int status = 200;
  Headers headers;
  std::string body;
  std::string request;  ///< set by the client: "POST /rest/api/3/issue", without its query, for messages

  bool ok() const noexcept { return status >= 200 && status < 300; }
  /// Throws Error(transient, "not_json") with an excerpt when the body is something else: a gateway's page, mostly.
  Value json() const;

 private:
  friend class Client;
  friend MIGRATE_API StatusError error_of(const Response& response);
  friend MIGRATE_API bool nothing_applied(const Response& response) noexcept;
  std::shared_ptr<const Secrets> secrets_;    ///< the client's, so that no excerpt shows them
  std::chrono::milliseconds refused_for_{0};  ///< how long the rate limiter stays closed because of it
  bool repeated_blindly_ = false;             ///< an earlier attempt of the same request may have been applied
};

/// A response whose body is read as it comes. Destroying it early closes the connection.
struct StreamedResponse {
  int status = 200;
  Headers headers;
  std::unique_ptr<ByteStream> body;
};

/// Everything but letters, digits and "-._~" becomes %XX: fit for a path segment, a query name or a query value.
MIGRATE_API std::string encode(std::string_view text);
/// Nothing when an escape is torn or names no byte.
MIGRATE_API std::optional<std::string> decode(std::string_view text, bool plus_is_space = false);

/// "/path" + Query().add("jql", "project = A").add("maxResults", "100").text()
class MIGRATE_API Query {
 public:
  Query();
  Query& add(std::string_view name, std::string_view value);
  Query& add(std::string_view name, std::int64_t value);
  /// With its question mark; empty when nothing was added.
  std::string text() const { return text_; }

 private:
  std::string text_;
};

/// The parts of an absolute http or https URL.
struct MIGRATE_API Url {
  bool tls = false;
  std::string host;  ///< lower case, without the brackets of an IPv6 address
  std::uint16_t port = 80;
  std::string target = "/";    ///< path and query, at least "/"
  std::string origin() const;  ///< "https://host" with the port where it is not the scheme's own
  bool same_origin(const Url& other) const noexcept;
};
/// Throws Error(invalid) naming the text. User information in the URL is refused: a secret has no place there.
MIGRATE_API Url parse_url(std::string_view text);
/// A Location header against the URL that it came from.
MIGRATE_API Url resolve(const Url& base, std::string_view reference);

/// One part of a multipart/form-data body; exactly one of `body` and `stream` is used.
struct Part {
  std::string name;
  std::string file_name;  ///< empty: a plain field. Any Unicode text: sent as UTF-8 with quotes and line ends escaped
  std::string media_type;
  std::string body;
  std::shared_ptr<ByteStream> stream;
  std::optional<std::uint64_t> size;  ///< of the stream
};
/// Makes `request` carry the parts, streamed when one of them is. `boundary` must not occur in the parts; the same for
/// the same request, so that a repeated run sends the same bytes.
MIGRATE_API void set_multipart(Request& request, std::vector<Part> parts, std::string boundary);

}  // namespace http
MIGRATE_END
