// The stand-in of Jira, asked directly: no sockets, and time that a test moves.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "migrate/base64.hpp"
#include "migrate/digest.hpp"
#include "simulator.hpp"

namespace jira_tests {

using namespace migrate;

inline const std::string origin = "http://jira.test", media_origin = "http://media.test";
inline const std::string email = "migrator@example.com", token = "jira-token";
constexpr std::int64_t start = 1'770'114'030;  // 2026-02-03T10:20:30Z

inline Value parsed(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 512;
  return boost::json::parse(boost::json::string_view(text.data(), text.size()), {}, options);
}

inline std::string text(const Value& value) { return std::string(value.as_string()); }

/// Limits out of the way of what a test is about.
inline Object unlimited() {
  return Object{{"rate_get", 0},         {"rate_post", 0},       {"rate_put", 0},         {"rate_delete", 0},
                {"user_search_rate", 0}, {"issue_writes_2s", 0}, {"issue_writes_30s", 0}, {"server_rate", 0}};
}
inline Object with(Object settings, std::string_view name, Value value) {
  settings[name] = std::move(value);
  return settings;
}

struct Reply {
  http::Response response;
  int status() const { return response.status; }
  std::string header(std::string_view name) const { return std::string(response.headers.get(name)); }
  Value json() const { return parsed(response.body); }
  /// The first of errorMessages.
  std::string message() const {
    const Value body = json();
    const Array& all = body.at("errorMessages").as_array();
    return all.empty() ? std::string() : std::string(all.front().as_string());
  }
  /// What "errors" says of a field.
  std::string error(std::string_view field) const {
    const Value body = json();
    const Value* found = body.at("errors").as_object().if_contains(field);
    return found ? std::string(found->as_string()) : std::string();
  }
};

struct Site {
  explicit Site(Object settings = unlimited(), std::uint64_t seed = 7) {
    Services services;
    clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(start)));
    services.clock = clock;
    testing::SimulatorOptions options;
    options.seed = seed;
    options.settings = std::move(settings);
    simulator = jira::make_simulator(options, services);
    simulator->located(origin, media_origin);
  }

  /// `target` is below /rest/api/3, or begins with /rest or http.
  http::Request request(std::string method, const std::string& target, const Value& body = nullptr) const {
    const bool whole = target.starts_with("http") || target.starts_with("/rest") || target.starts_with("/secure");
    http::Request made(std::move(method), whole ? target : base + target);
    if (!authorization.empty()) made.headers.set("Authorization", authorization);
    if (!body.is_null()) made.set_json(body);
    return made;
  }
  Reply send(http::Request sent) {
    std::string host = origin.substr(7);
    if (!sent.target.starts_with('/')) {
      http::Url url = http::parse_url(sent.target);
      sent.target = url.target;
      host = url.host;
    }
    sent.headers.set("Host", host);
    std::exception_ptr failure;
    Reply reply;
    boost::asio::co_spawn(context, simulator->handle(std::move(sent)),
                          [&](std::exception_ptr trouble, http::Response answer) {
                            failure = trouble;
                            reply.response = std::move(answer);
                          });
    finish();
    if (failure) std::rethrow_exception(failure);
    return reply;
  }
  Reply get(const std::string& target) { return send(request("GET", target)); }
  Reply post(const std::string& target, const Value& body) { return send(request("POST", target, body)); }
  Reply put(const std::string& target, const Value& body) { return send(request("PUT", target, body)); }
  Reply erase(const std::string& target) { return send(request("DELETE", target)); }

  /// The key of a new issue; `more` is merged into its fields.
  std::string create(const std::string& summary, const Object& more = {}) {
    const Reply reply = post("/issue", issue(summary, more));
    INFO(reply.response.body);
    REQUIRE(reply.status() == 201);
    return text(reply.json().at("key"));
  }
  static Value issue(const std::string& summary, const Object& more = {}) {
    Object fields{{"project", {{"key", "SUP"}}}, {"issuetype", {{"name", "Task"}}}, {"summary", summary}};
    for (const auto& [name, value] : more) fields[name] = value;
    return Object{{"fields", fields}};
  }
  Value fields(const std::string& key) { return get("/issue/" + key).json().at("fields"); }
  /// Ids of what a search finds, by keys.
  std::vector<std::string> found(const std::string& jql, const Array& reconcile = {}) {
    const Reply reply = post(
        "/search/jql", Object{{"jql", jql}, {"fields", {"key"}}, {"maxResults", 5000}, {"reconcileIssues", reconcile}});
    INFO(jql << " answered " << reply.response.body);
    REQUIRE(reply.status() == 200);
    std::vector<std::string> keys;
    const Value body = reply.json();
    for (const Value& each : body.at("issues").as_array()) keys.push_back(text(each.at("key")));
    return keys;
  }
  /// The id of the field of that name.
  std::string field(std::string_view name) {
    const Value all = get("/field").json();
    for (const Value& each : all.as_array()) {
      if (text(each.at("name")) == name) return text(each.at("id"));
    }
    FAIL("no such field");
    return {};
  }
  /// Moves through transitions of these names.
  void walk(const std::string& key, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      Object body{{"transition", {{"id", transition(key, name)}}}};
      if (name == "Resolve") body.emplace("fields", Object{{"resolution", {{"name", "Done"}}}});
      REQUIRE(post("/issue/" + key + "/transitions", body).status() == 204);
    }
  }
  std::string transition(const std::string& key, std::string_view name) {
    const Value open = get("/issue/" + key + "/transitions").json();
    for (const Value& each : open.at("transitions").as_array()) {
      if (text(each.at("name")) == name) return text(each.at("id"));
    }
    FAIL("no such transition");
    return {};
  }
  /// Answers with the list of what was uploaded.
  Reply upload(const std::string& key, std::vector<http::Part> parts, bool with_token = true) {
    http::Request sent = request("POST", "/issue/" + key + "/attachments");
    http::set_multipart(sent, std::move(parts), "boundary-of-the-test");
    if (with_token) sent.headers.set("X-Atlassian-Token", "no-check");
    return send(std::move(sent));
  }
  static http::Part file(std::string name, std::string bytes, std::string part_name = "file") {
    http::Part part;
    part.name = std::move(part_name);
    part.file_name = std::move(name);
    part.media_type = "image/png";
    part.body = std::move(bytes);
    return part;
  }
  /// The name at the media service, as a client finds it out.
  std::string media(const std::string& attachment) {
    const Reply reply = get("/attachment/content/" + attachment);
    REQUIRE(reply.status() == 303);
    const std::string location = reply.header("Location");
    const std::size_t from = location.find("/file/") + 6;
    return location.substr(from, location.find('/', from) - from);
  }
  Value account(std::string_view address) {
    const Value found = get("/user/search?query=" + http::encode(address)).json();
    REQUIRE(found.as_array().size() == 1);
    return found.as_array().front().at("accountId");
  }
  Value state() const { return simulator->state(); }
  void wait(std::int64_t milliseconds) {
    boost::asio::co_spawn(context, clock->sleep(std::chrono::milliseconds(milliseconds)), [](std::exception_ptr) {});
    finish();
  }

  std::shared_ptr<Clock> clock;
  std::shared_ptr<testing::Simulator> simulator;
  boost::asio::io_context context;
  std::string base = "/rest/api/3";
  std::string authorization = "Basic " + base64_encode(email + ":" + token);

 private:
  void finish() {
    context.run();
    context.restart();
  }
};

inline Value document(Array blocks) { return Object{{"type", "doc"}, {"version", 1}, {"content", std::move(blocks)}}; }
inline Value paragraph(std::string_view text) {
  return Object{{"type", "paragraph"}, {"content", {Object{{"type", "text"}, {"text", text}}}}};
}
inline Value text_document(std::string_view text) { return document({paragraph(text)}); }
inline Value picture(const std::string& media) {
  Object file{{"type", "media"}, {"attrs", {{"type", "file"}, {"id", media}, {"collection", ""}}}};
  return Object{{"type", "mediaSingle"}, {"attrs", {{"layout", "center"}}}, {"content", {std::move(file)}}};
}

}  // namespace jira_tests
