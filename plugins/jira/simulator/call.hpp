// One request to the stand-in while it is being answered, and how it is refused.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/http/message.hpp"
#include "model.hpp"

namespace migrate::jira::sim {

/// Thrown by handlers: the answer in place of the one that was asked for. Nothing has been changed by then.
struct Refusal {
  http::Response response;
};

/// Jira's body of an error, {"errorMessages":[…],"errors":{…}}, and its parts while faults are collected.
class Faults {
 public:
  void message(std::string text) { messages_.emplace_back(text); }
  void field(std::string_view name, std::string text) { errors_.insert_or_assign(name, Value(text)); }
  bool of(std::string_view name) const noexcept { return errors_.contains(name); }
  bool any() const noexcept { return !messages_.empty() || !errors_.empty(); }
  Value json() const;
  /// Throws a Refusal when there are any.
  void check(int status = 400) const;

 private:
  Array messages_;
  Object errors_;
};

[[noreturn]] void refuse(int status, std::string message);
[[noreturn]] void refuse_field(int status, std::string_view field, std::string message);
[[noreturn]] void refuse_payload();  ///< 400: a member that the resource does not have, or of a wrong type

struct Call {
  Call(const http::Request& from, boost::json::storage_ptr memory) : request(from), body(std::move(memory)) {}

  const http::Request& request;
  std::string method;  ///< HEAD counts as GET
  int api = 3;
  bool anonymous = false;
  Millis now = 0;
  std::vector<std::string> path;  ///< what stands for the {} of the route, decoded
  std::vector<std::pair<std::string, std::string>> query;
  Value body;  ///< in memory that ends with the call: the store keeps texts and numbers, no values

  const std::string* get(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise) const;                    ///< refuses what is neither true nor false
  std::int64_t number(std::string_view name, std::int64_t otherwise) const;  ///< refuses what is no number
  std::int64_t start() const;                                                ///< of a page, from startAt
  /// All values of parameters of that name, split at commas.
  std::vector<std::string> list(std::string_view name) const;
  bool expands(std::string_view what) const;
  /// The body, which must be an object with no other members than these.
  const Object& object(std::initializer_list<std::string_view> known) const;
};

http::Response ok(Value body, int status = 200);
http::Response no_content(int status = 204);
/// A part of a list behind `startAt`, at most `maxResults`, which `most` caps; as {startAt, maxResults, total, <name>:
/// []}.
Object page(const Call& call, Array all, std::string_view name, std::int64_t otherwise, std::int64_t most);

const Value* member(const Value& value, std::string_view name);  ///< null when absent or no object
/// A text member; null when absent. Refuses the payload when it is something else.
const Value* text_member(const Object& object, std::string_view name);
std::string_view text_or(const Value* value, std::string_view otherwise = {});
void only_members(const Object& object, std::initializer_list<std::string_view> known);

/// The number that an id is; 0 when it is none, which no id is.
std::uint64_t id_of(std::string_view text);

/// JSON that may be nested as deep as a document is. Throws boost::system::system_error.
Value parse_deep(std::string_view text, boost::json::storage_ptr memory = {});

/// One file of an upload. Views into the request's body.
struct UploadPart {
  std::string name, file_name, media_type;
  std::string_view body;
};
/// Refuses with 400 what is no multipart/form-data.
std::vector<UploadPart> read_multipart(const http::Request& request);

}  // namespace migrate::jira::sim
