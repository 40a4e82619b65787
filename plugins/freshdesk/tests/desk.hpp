// The stand-in, asked directly: no sockets, time that a test moves.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "migrate/base64.hpp"
#include "migrate/digest.hpp"
#include "simulator.hpp"

namespace desk_tests {

using namespace migrate;

inline const std::string desk_origin = "http://desk.test", store_origin = "http://files.test";
inline const std::string admin = "freshdesk-simulator-key", restricted = "freshdesk-simulator-restricted";
constexpr std::int64_t start = 1'770'114'030;  // 2026-02-03T10:20:30Z

struct Desk {
  explicit Desk(std::size_t items = 60, Object settings = {}, std::uint64_t seed = 7) {
    Services services;
    clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(start)));
    services.clock = clock;
    testing::SimulatorOptions options;
    options.seed = seed;
    options.items = items;
    options.settings = std::move(settings);
    simulator = freshdesk::make_simulator(options, services);
    simulator->located(desk_origin, store_origin);
  }

  /// The target of the request is a whole address, or one of the desk.
  http::Response send(http::Request request) {
    http::Url url = http::parse_url(request.target.starts_with('/') ? desk_origin + request.target : request.target);
    request.target = url.target;
    if (!request.headers.has("Host")) request.headers.set("Host", url.host);
    return raw(std::move(request));
  }
  http::Response raw(http::Request request) {
    std::exception_ptr failure;
    http::Response response;
    boost::asio::co_spawn(context, simulator->handle(std::move(request)),
                          [&](std::exception_ptr trouble, http::Response answer) {
                            failure = trouble;
                            response = std::move(answer);
                          });
    finish();
    if (failure) std::rethrow_exception(failure);
    return response;
  }
  static http::Request request(std::string method, std::string target, const std::string& key = admin) {
    http::Request made(std::move(method), std::move(target));
    if (!key.empty()) made.headers.set("Authorization", "Basic " + base64_encode(key + ":X"));
    return made;
  }
  /// Below /api/v2.
  http::Response api(const std::string& target, const std::string& key = admin) {
    return send(request("GET", "/api/v2" + target, key));
  }
  Value json(const std::string& target, const std::string& key = admin) {
    const http::Response response = api(target, key);
    INFO(target << " answered " << response.body);
    REQUIRE(response.status == 200);
    return boost::json::parse(response.body);
  }
  /// Without credentials, as addresses of files are asked for.
  http::Response open(const std::string& url) { return send(request("GET", url, "")); }
  /// Follows the header for the next page to the end.
  std::vector<Value> all(const std::string& target, const std::string& key = admin) {
    std::vector<Value> items;
    std::string next = desk_origin + "/api/v2" + target;
    while (!next.empty()) {
      const http::Response response = send(request("GET", next, key));
      INFO(next << " answered " << response.body.substr(0, 300));
      REQUIRE(response.status == 200);
      const Value page = boost::json::parse(response.body);
      for (const Value& item : page.get_array()) items.push_back(item);
      next = next_page(response);
    }
    return items;
  }
  static std::string next_page(const http::Response& response) {
    const std::string link(response.headers.get("Link"));
    if (link.empty()) return "";
    REQUIRE(link.ends_with(">; rel=\"next\""));
    return link.substr(1, link.find('>') - 1);
  }

  void wait(std::int64_t seconds) {
    boost::asio::co_spawn(context, clock->sleep(std::chrono::seconds(seconds)), [](std::exception_ptr) {});
    finish();
  }

  std::shared_ptr<Clock> clock;
  std::shared_ptr<testing::Simulator> simulator;
  boost::asio::io_context context;

 private:
  void finish() {
    context.run();
    context.restart();
  }
};

/// A copy: the members of an answer that is not kept are gone at the end of the line.
inline std::vector<Value> items_of(const Value& list) {
  const auto& items = list.as_array();
  return std::vector<Value>(items.begin(), items.end());
}
inline std::int64_t id_of(const Value& item) { return item.at("id").to_number<std::int64_t>(); }
inline std::string text_of(const Value& item, std::string_view name) { return std::string(item.at(name).as_string()); }
/// The first of `items` for which `wanted` holds.
template <class Items, class Wanted>
const Value& first_of(const Items& items, Wanted wanted) {
  for (const Value& item : items) {
    if (wanted(item)) return item;
  }
  FAIL("nothing of that kind");
  std::abort();
}

/// Of state().
inline std::vector<Value> of_kind(const Value& state, std::string_view kind) {
  std::vector<Value> tickets;
  for (const Value& ticket : state.at("tickets").as_array()) {
    if (text_of(ticket, "kind") == kind) tickets.push_back(ticket);
  }
  return tickets;
}

inline std::set<std::int64_t> ids_of(const std::vector<Value>& items) {
  std::set<std::int64_t> ids;
  for (const Value& item : items) ids.insert(id_of(item));
  return ids;
}

/// Everything, without a quota that would get in the way.
inline Object generous() { return Object{{"quota_per_minute", 1'000'000}, {"list_per_minute", 1'000'000}}; }
inline Object with(Object settings, std::string_view name, Value value) {
  settings[name] = std::move(value);
  return settings;
}
inline const std::string every_ticket =
    "/tickets?updated_since=2000-01-01T00:00:00Z&order_by=updated_at&order_type=asc";

}  // namespace desk_tests
