// A service that answers as a test says, one answer after another, and remembers what it was asked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http_kit.hpp"
#include "migrate/http/client.hpp"
#include "migrate/http/server.hpp"

namespace http_kit {

struct ScriptedService {
  struct Line {
    http::Answer answer;
    milliseconds takes{0};
  };
  /// The last line is repeated for ever.
  std::deque<Line> script;
  std::vector<http::Request> seen;
  std::vector<std::chrono::system_clock::time_point> at;
  std::shared_ptr<Clock> clock = Clock::system();

  ScriptedService& say(int status, std::string body = "", http::Headers headers = http::Headers(),
                       http::Ending ending = http::Ending::proper, milliseconds takes = milliseconds(0)) {
    Line line;
    line.answer.response.status = status;
    line.answer.response.body = std::move(body);
    line.answer.response.headers = std::move(headers);
    line.answer.ending = ending;
    line.takes = takes;
    script.push_back(std::move(line));
    return *this;
  }
  ScriptedService& fail(http::Ending ending) { return say(200, "", http::Headers(), ending); }

  http::AnswerHandler handler() {
    return [this](http::Request request) { return answer(std::move(request)); };
  }
  /// Seconds between the requests.
  std::vector<double> pauses() const {
    std::vector<double> result;
    for (std::size_t i = 1; i < at.size(); ++i) {
      result.push_back(std::chrono::duration<double>(at[i] - at[i - 1]).count());
    }
    return result;
  }

 private:
  awaitable<http::Answer> answer(http::Request request) {
    seen.push_back(std::move(request));
    at.push_back(clock->now());
    Line line;
    line.answer.response.status = 200;
    if (!script.empty()) line = script.front();
    if (script.size() > 1) script.pop_front();
    if (line.takes.count() > 0) co_await clock->sleep(line.takes);
    co_return std::move(line.answer);
  }
};

/// A client of scripted services in process, in virtual time.
struct ClientLab {
  ClientLab() : services(simulated_services()), transport(std::make_shared<http::SimulatedTransport>()) {
    services.transport = transport;
    services.log = [this](LogLevel, std::string_view, std::string_view what) { log.emplace_back(what); };
    options.base_url = "https://service.example";
    options.retry.seed = 7;
    attach(service, "https://service.example");
  }
  void attach(ScriptedService& which, std::string origin) {
    which.clock = services.clock;
    transport->serve(std::move(origin), which.handler(), services.clock);
  }
  http::Client client() const { return http::Client(options, services); }

  std::vector<std::string> log;
  Services services;
  std::shared_ptr<http::SimulatedTransport> transport;
  ScriptedService service;
  http::ClientOptions options;
};

}  // namespace http_kit
