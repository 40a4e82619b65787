// The source against the stand-in, in process and in virtual time.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "json.hpp"
#include "migrate/digest.hpp"
#include "migrate/http/transport.hpp"
#include "migrate/item.hpp"
#include "simulator.hpp"
#include "source.hpp"

namespace lab {

using namespace migrate;
using freshdesk::list;
using freshdesk::member;
using freshdesk::number;
using freshdesk::text;
using freshdesk::truth;

inline const std::string site = "https://acme.freshdesk.com", store = "https://euattachment.freshdesk.com";

/// Without a quota that would get in the way.
inline Object generous() { return Object{{"quota_per_minute", 1'000'000}, {"list_per_minute", 1'000'000}}; }
inline Object with(Object settings, std::string_view name, Value value) {
  settings[name] = std::move(value);
  return settings;
}

struct Lab {
  explicit Lab(std::size_t items = 60, Object settings = generous(), std::uint64_t seed = 7) {
    services.clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(1'770'114'030)));
    services.log = [this](LogLevel level, std::string_view, std::string_view what) {
      if (level >= LogLevel::warning) warnings.emplace_back(what);
    };
    transport = std::make_shared<http::SimulatedTransport>();
    services.transport = transport;
    testing::SimulatorOptions options;
    options.seed = seed;
    options.items = items;
    options.settings = std::move(settings);
    simulator = freshdesk::make_simulator(options, services);
    host.emplace("freshdesk", simulator, services);
    host->attach(*transport, site, store);
    for (const std::string& origin : {site, store})
      transport->serve(
          origin, [this](http::Request request) { return answer(this, std::move(request)); }, services.clock);
    host->observe([this](const Value& exchange) {
      if (watch) watch(exchange);
      if (keep_exchanges) exchanges.push_back(exchange);
    });
    config.url = site;
    config.api_key = Secret("freshdesk-simulator-key");
  }

  /// What the stand-in answers, with what the test makes of it.
  static awaitable<http::Answer> answer(Lab* lab, http::Request request) {
    const http::AnswerHandler stand_in = lab->host->answers();
    http::Request copy = request;
    http::Answer given = co_await stand_in(std::move(copy));
    if (lab->rewrite) lab->rewrite(request, given.response);
    co_return std::move(given);
  }

  std::shared_ptr<Source> source() const { return freshdesk::make_source(config, services); }

  /// Runs what `make` gives to its end and returns its result.
  template <class Make>
  auto run(Make make) -> typename std::invoke_result_t<Make>::value_type {
    using Result = typename std::invoke_result_t<Make>::value_type;
    boost::asio::io_context context(1);
    std::exception_ptr failure;
    if constexpr (std::is_void_v<Result>) {
      boost::asio::co_spawn(context, make(), [&](std::exception_ptr thrown) { failure = thrown; });
      context.run();
      if (failure) std::rethrow_exception(failure);
    } else {
      std::optional<Result> result;
      boost::asio::co_spawn(context, make(), [&](std::exception_ptr thrown, Result value) {
        failure = thrown;
        if (!thrown) result.emplace(std::move(value));
      });
      context.run();
      if (failure) std::rethrow_exception(failure);
      return std::move(*result);
    }
  }

  /// All records of a partition from `cursor` on, which is moved to the end.
  static awaitable<std::vector<Record>> read(Source& source, Partition partition, Cursor& cursor, std::size_t limit) {
    std::vector<Record> records;
    while (true) {
      RecordBatch batch = co_await source.read(partition, cursor, limit);
      for (Record& record : batch.records) records.push_back(std::move(record));
      cursor = detached(batch.next);
      if (batch.last) co_return records;
    }
  }
  std::vector<Record> read_all(std::size_t limit = 20) {
    return run([&]() -> awaitable<std::vector<Record>> {
      std::shared_ptr<Source> made = source();
      std::vector<Record> records;
      std::vector<Partition> partitions = co_await made->partitions();
      for (const Partition& partition : partitions) {
        Cursor cursor;
        std::vector<Record> some = co_await read(*made, partition, cursor, limit);
        for (Record& record : some) records.push_back(std::move(record));
      }
      co_return records;
    });
  }

  /// The tickets of these kinds, as the stand-in has them.
  std::map<std::string, Value> truth_of(const std::set<std::string>& kinds) const {
    std::map<std::string, Value> tickets;
    const Value state = simulator->state();
    for (const Value& ticket : list(state, "tickets"))
      if (kinds.count(text(ticket, "kind"))) tickets.emplace(text(ticket, "id"), ticket);
    return tickets;
  }

  Services services;
  std::shared_ptr<http::SimulatedTransport> transport;
  std::function<void(const http::Request&, http::Response&)> rewrite;
  std::shared_ptr<testing::Simulator> simulator;
  std::optional<testing::SimulatorHost> host;
  freshdesk::SourceConfig config;
  std::vector<std::string> warnings;
  bool keep_exchanges = false;
  std::vector<Value> exchanges;
  std::function<void(const Value&)> watch;
};

}  // namespace lab
