#include <boost/json/parse.hpp>

#include "http/redact.hpp"
#include "http/text.hpp"
#include "migrate/base64.hpp"
#include "testing/fault_plan.hpp"

MIGRATE_BEGIN
namespace testing {

namespace {

Value fields_of(const http::Headers& headers) {
  Object fields;
  for (const auto& [name, value] : headers) {
    std::string shown = http::names_secret(name) ? "***" : value;
    // Leads to files, some with a signature.
    if (http::equal_ignoring_case(name, "Location")) shown = http::redacted_target(value);
    if (boost::json::value* earlier = fields.if_contains(name)) {
      boost::json::string& text = earlier->get_string();
      text.append(", ");
      text.append(shown);
    } else {
      fields.emplace(name, shown);
    }
  }
  return fields;
}

Value body_of(const http::Headers& headers, const std::string& body) {
  if (body.empty()) return nullptr;
  const bool form = http::lowered(headers.get("Content-Type")).starts_with("application/x-www-form-urlencoded");
  if (body.front() == '{' || body.front() == '[' ||
      headers.get("Content-Type").find("json") != std::string_view::npos) {
    boost::json::error_code trouble;
    boost::json::parse_options options;
    options.max_depth = 512;
    Value value = boost::json::parse(body, trouble, {}, options);
    if (!trouble) {
      http::redact_json(value);
      return value;
    }
  }
  if (form) return Value(http::redacted_target("?" + body).substr(1));
  if (http::is_utf8(body)) return Value(body);
  Object binary;
  binary["base64"] = base64_encode(body);
  binary["subType"] = "00";
  Object result;
  result["$binary"] = std::move(binary);
  return result;
}

}  // namespace

Value exchange_record(const std::string& service, const std::string& origin, const http::Request& request,
                      const http::Response* answer) {
  Object record;
  record["service"] = service;
  record["method"] = request.method;
  record["url"] = origin + http::redacted_target(request.target);
  record["request_headers"] = fields_of(request.headers);
  record["request_body"] = body_of(request.headers, request.body);
  record["status"] = answer ? Value(answer->status) : Value();
  record["response_headers"] = answer ? fields_of(answer->headers) : Value();
  record["response_body"] = answer ? body_of(answer->headers, answer->body) : Value();
  return record;
}

}  // namespace testing
MIGRATE_END
