#include <boost/json/parse.hpp>

#include "migrate/sink.hpp"
#include "scripted_service.hpp"

using namespace migrate;
using namespace http_kit;
using http::Ending;

namespace {

http::Request post(std::string target = "/items") {
  http::Request request("POST", std::move(target));
  request.body = "{}";
  return request;
}

}  // namespace

TEST_CASE("targets, default fields and credentials") {
  ClientLab lab;
  lab.options.base_url = "https://service.example/org/";
  lab.options.headers.add("Accept", "application/json");
  lab.options.headers.add("X-Both", "default");
  lab.options.auth = http::Auth::basic("me", Secret("hunter22"));
  lab.options.auth.also("X-Api-Key", Secret("second"));
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    CHECK(client.origin() == "https://service.example");
    http::Request request("GET", "/items?a=b");
    request.headers.add("x-both", "own");
    http::Response response = co_await client.send(request);
    CHECK(response.request == "GET /org/items");
    request.target = "https://SERVICE.example:443/elsewhere";
    co_await client.send(request);
    request.target = "items";
    Error error = co_await thrown_by<Error>(client.send(request));
    CHECK(error.kind() == ErrorKind::invalid);
  });
  REQUIRE(lab.service.seen.size() == 2);
  const http::Request& first = lab.service.seen[0];
  CHECK(first.target == "/org/items?a=b");
  CHECK(first.headers.get("Authorization") == "Basic bWU6aHVudGVyMjI=");
  CHECK(first.headers.get("X-Api-Key") == "second");
  CHECK(first.headers.get("X-Both") == "own");
  CHECK(first.headers.get("Accept") == "application/json");
  CHECK(first.headers.get("User-Agent").starts_with("libmigrate/"));
  CHECK(first.headers.get("Host") == "service.example");
  CHECK(lab.service.seen[1].target == "/elsewhere");
  CHECK(lab.service.seen[1].headers.has("Authorization"));
}

TEST_CASE("what is idempotent is repeated after a lost connection, with growing waits") {
  for (Ending ending : {Ending::close_before, Ending::torn, Ending::short_body}) {
    ClientLab lab;
    lab.service.fail(ending).fail(ending).say(200, "ok");
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      for (std::string method : {"GET", "HEAD", "PUT", "DELETE"}) {
        if (method == "HEAD") continue;  // has no body to be torn
        lab.service.script.clear();
        lab.service.fail(ending).fail(ending).say(200, "ok");
        http::Request request(method, "/items");
        http::Response response = co_await client.send(request);
        CHECK(response.ok());
      }
    });
    CHECK(lab.service.seen.size() == 9);
    std::vector<double> pauses = lab.service.pauses();
    CHECK(pauses[0] >= 0.25);
    CHECK(pauses[0] <= 0.5);
    CHECK(pauses[1] >= 0.5);
    CHECK(pauses[1] <= 1.0);
    CHECK(lab.log.size() == 6);
  }
}

TEST_CASE("the same seed waits the same") {
  auto pauses = [](std::uint64_t seed) {
    ClientLab lab;
    lab.options.retry.seed = seed;
    lab.service.say(500).say(500).say(500).say(200);
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      http::Request request("GET", "/");
      co_await client.send(request);
    });
    return lab.service.pauses();
  };
  CHECK(pauses(1) == pauses(1));
  CHECK(pauses(1) != pauses(2));
}

TEST_CASE("a POST whose answer is lost is not repeated, and its outcome is unknown") {
  for (Ending ending : {Ending::close_before, Ending::torn, Ending::short_body}) {
    ClientLab lab;
    lab.service.fail(ending).say(200);
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      auto error = co_await thrown_by<http::TransportError>(client.send(post()));
      CHECK(error.kind() == ErrorKind::transient);
      CHECK(error.sent());
      CHECK_FALSE(http::nothing_applied(error));
      CHECK(std::string(error.what()).find("POST /items") != std::string::npos);
      CHECK(std::string(error.what()).find("not known") != std::string::npos);
    });
    CHECK(lab.service.seen.size() == 1);
  }
}

TEST_CASE("a POST that the service promises to apply once is repeated") {
  ClientLab lab;
  lab.service.fail(Ending::close_before).say(502).say(201, "{}");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request = post();
    request.idempotent = true;
    http::Response response = co_await client.send(request);
    CHECK(response.status == 201);
  });
  CHECK(lab.service.seen.size() == 3);
  CHECK(lab.service.seen[2].body == "{}");
}

TEST_CASE("after a blind repeat no refusal is certain any more") {
  ClientLab lab;
  lab.service.fail(Ending::close_before).say(404);
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("DELETE", "/items/1");
    http::Response response = co_await client.send(request);
    CHECK(response.status == 404);
    CHECK_FALSE(http::nothing_applied(response));  // perhaps the first attempt has removed it
    CHECK_FALSE(http::error_of(response).refused());
  });
}

TEST_CASE("a service that cannot be reached is tried again, whatever the method") {
  ClientLab lab;
  lab.options.base_url = "https://nowhere.example";
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    auto error = co_await thrown_by<http::TransportError>(client.send(post()));
    CHECK(error.cause == "connect_failed");
    CHECK(http::nothing_applied(error));
  });
  CHECK(lab.log.size() == 3);
}

TEST_CASE("attempts and budget end the repeats") {
  ClientLab lab;
  lab.options.retry.attempts = 3;
  lab.service.say(500);
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("GET", "/");
    http::Response response = co_await client.send(request);
    CHECK(response.status == 500);
    CHECK(lab.service.seen.size() == 3);
  });
  ClientLab hasty;
  hasty.options.retry.attempts = 100;
  hasty.options.retry.budget = seconds(10);
  hasty.service.say(500);
  run([&]() -> awaitable<void> {
    http::Client client = hasty.client();
    http::Request request("GET", "/");
    http::Response response = co_await client.send(request);
    CHECK(response.status == 500);
  });
  CHECK(hasty.services.clock->now() <= epoch() + seconds(10));
  CHECK(hasty.service.seen.size() > 3);
}

TEST_CASE("statuses: what is repeated and what is an answer") {
  struct Case {
    int status;
    bool get_repeated, post_repeated;
  };
  const std::vector<Case> cases{Case{400, false, false}, Case{401, false, false}, Case{404, false, false},
                                Case{409, false, false}, Case{408, true, false},  Case{422, false, false},
                                Case{500, true, false},  Case{501, false, false}, Case{502, true, false},
                                Case{503, true, false},  Case{504, true, false},  Case{524, true, false},
                                Case{429, true, true}};
  for (const Case& each : cases) {
    CAPTURE(each.status);
    for (bool is_post : {false, true}) {
      ClientLab lab;
      lab.service.say(each.status).say(200);
      run([&]() -> awaitable<void> {
        http::Client client = lab.client();
        http::Request request = is_post ? post() : http::Request("GET", "/");
        http::Response response = co_await client.send(request);
        const bool repeated = is_post ? each.post_repeated : each.get_repeated;
        CHECK(response.status == (repeated ? 200 : each.status));
        CHECK(lab.service.seen.size() == (repeated ? 2 : 1));
      });
    }
  }
}

TEST_CASE("refusals are waited out without using up attempts") {
  ClientLab lab;
  lab.options.retry.attempts = 1;
  const http::Headers wait{{"Retry-After", "20"}};
  for (int i = 0; i < 10; ++i) lab.service.say(i % 2 == 0 ? 429 : 503, "", wait);
  lab.service.say(201, "{}");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request = post();
    request.idempotent = true;
    http::Response response = co_await client.send(request);
    CHECK(response.status == 201);
  });
  CHECK(lab.service.seen.size() == 11);
  for (double pause : lab.service.pauses()) CHECK(pause >= 20);
}

TEST_CASE("503 with Retry-After is no certain refusal: what is not idempotent is not repeated, others wait") {
  ClientLab lab;
  lab.service.say(503, "", {{"Retry-After", "20"}}).say(404);
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Response response = co_await client.send(post());
    CHECK(response.status == 503);
    CHECK_FALSE(http::nothing_applied(response));
    http::StatusError error = http::error_of(response);
    CHECK(error.kind() == ErrorKind::throttled);
    CHECK(error.retry_after == seconds(20));
    CHECK_FALSE(error.refused());
    CHECK(lab.service.seen.size() == 1);
    http::Request request("GET", "/other");  // goes no sooner than the service permits
    co_await client.send(request);
    CHECK(lab.service.pauses().at(0) >= 20);

    lab.service.script.clear();
    lab.service.say(503, "", {{"Retry-After", "20"}}).say(404);
    http::Request removal("DELETE", "/items/1");
    response = co_await client.send(removal);
    CHECK(response.status == 404);
    CHECK_FALSE(http::nothing_applied(response));  // perhaps the first attempt has removed it
  });
}

TEST_CASE("a refusal whose body is torn or too large is heard all the same") {
  for (Ending ending : {Ending::torn, Ending::short_body, Ending::proper}) {
    ClientLab lab;
    lab.options.exchange.max_body = 15;
    lab.service.say(429, "slow down, please", {{"Retry-After", "20"}}, ending).say(200, "ok");
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      http::Response response = co_await client.send(post());
      CHECK(response.body == "ok");
    });
    REQUIRE(lab.service.seen.size() == 2);
    CHECK(lab.service.pauses()[0] >= 20);
  }
}

TEST_CASE("a refused download whose body is torn is heard all the same, over sockets") {
  run([]() -> awaitable<void> {
    Services services = simulated_services();
    ScriptedService service;
    service.clock = services.clock;
    service.say(429, "slow down, please", {{"Retry-After", "20"}}, Ending::torn).say(404, "gone", {}, Ending::torn);
    http::Server server(services);
    const std::uint16_t port = co_await server.start(service.handler());
    http::ClientOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(port);
    http::Client client(options, services);
    http::Request request("GET", "/file");
    auto error = co_await thrown_by<http::StatusError>(client.open(request));
    CHECK(error.status() == 404);
    CHECK(service.pauses().at(0) >= 20);
  });
}

TEST_CASE("a refusal for longer than the budget is the caller's to wait for") {
  ClientLab lab;
  lab.service.say(429, R"({"message":"slow down"})", {{"Retry-After", "301"}});
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Response response = co_await client.send(post());
    CHECK(response.status == 429);
    CHECK(http::nothing_applied(response));
    http::StatusError error = http::error_of(response);
    CHECK(error.kind() == ErrorKind::throttled);
    CHECK(error.retry_after == seconds(301));
  });
  CHECK(lab.service.seen.size() == 1);
}

TEST_CASE("a streamed body is never sent twice") {
  struct Bytes final : ByteStream {
    int left = 3;
    awaitable<std::string> read(std::size_t) override { co_return std::string(left-- > 0 ? 10 : 0, 'x'); }
  };
  for (int status : {429, 500}) {
    ClientLab lab;
    lab.service.say(status, "", {{"Retry-After", "1"}}).say(200);
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      http::Request request("PUT", "/upload");
      request.stream = std::make_shared<Bytes>();
      http::Response response = co_await client.send(request);
      CHECK(response.status == status);
    });
    REQUIRE(lab.service.seen.size() == 1);
    CHECK(lab.service.seen[0].body.size() == 30);
  }
}

TEST_CASE("redirects are followed for GET, and credentials stay where they belong") {
  ClientLab lab;
  ScriptedService other;
  lab.attach(other, "https://files.example");
  lab.options.auth = http::Auth::header("PRIVATE-TOKEN", Secret("the-token"));
  lab.options.auth.also("X-Odd-Name", Secret("odd-value"));
  lab.options.headers.add("X-Tenant", "acme");
  lab.service.say(302, "", {{"Location", "/there?x=1"}})
      .say(307, "", {{"Location", "https://files.example/f?sig=abc"}});
  other.say(302, "", {{"Location", "https://service.example/back"}});
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    lab.service.say(200, "there");
    http::Request request("GET", "/here");
    request.headers.add("Authorization", "Bearer of-the-request");
    request.headers.add("Cookie", "session=1");
    request.headers.add("Range", "bytes=0-9");
    http::Response response = co_await client.send(request);
    CHECK(response.body == "there");
  });
  REQUIRE(lab.service.seen.size() == 3);
  CHECK(lab.service.seen[1].target == "/there?x=1");
  CHECK(lab.service.seen[1].headers.get("PRIVATE-TOKEN") == "the-token");
  CHECK(lab.service.seen[1].headers.has("Cookie"));
  REQUIRE(other.seen.size() == 1);
  CHECK(other.seen[0].target == "/f?sig=abc");
  CHECK(other.seen[0].headers.get("Range") == "bytes=0-9");
  for (const http::Request* foreign : {&other.seen[0], &lab.service.seen[2]}) {
    for (std::string name : {"PRIVATE-TOKEN", "X-Odd-Name", "X-Tenant", "Authorization", "Cookie"}) {
      CAPTURE(name);
      CHECK_FALSE(foreign->headers.has(name));
    }
  }
}

TEST_CASE("another port or scheme is another origin") {
  for (std::string origin : {"https://service.example:8443", "http://service.example"}) {
    ClientLab lab;
    lab.options.base_url = origin == "http://service.example" ? "http://service.example:81" : "https://service.example";
    ScriptedService base, other;
    lab.attach(base, lab.options.base_url);
    lab.attach(other, origin);
    lab.options.auth = http::Auth::bearer(Secret("the-token"));
    base.say(301, "", {{"Location", origin + "/x"}});
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      http::Request request("GET", "/");
      co_await client.send(request);
    });
    REQUIRE(other.seen.size() == 1);
    CHECK(base.seen[0].headers.has("Authorization"));
    CHECK_FALSE(other.seen[0].headers.has("Authorization"));
  }
}

TEST_CASE("never from https to http, never in circles, never a POST") {
  ClientLab lab;
  ScriptedService plain;
  lab.attach(plain, "http://service.example");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("GET", "/");
    lab.service.say(302, "", {{"Location", "http://service.example/"}});
    Error error = co_await thrown_by<Error>(client.send(request));
    CHECK(error.cause == "insecure_redirect");
    CHECK(plain.seen.empty());

    lab.service.script.clear();
    lab.service.say(302, "", {{"Location", "/again"}});
    lab.service.seen.clear();
    error = co_await thrown_by<Error>(client.send(request));
    CHECK(error.cause == "too_many_redirects");
    CHECK(lab.service.seen.size() == 6);

    http::Response response = co_await client.send(post());
    CHECK(response.status == 302);
    request.redirects = 0;
    response = co_await client.send(request);
    CHECK(response.status == 302);
    CHECK(response.headers.get("Location") == "/again");
  });
}

TEST_CASE("a relative address of a redirect is meant from what was asked for") {
  const auto led = [](const std::string& target, const std::string& location) {
    ClientLab lab;
    lab.options.base_url = "https://service.example/base";
    lab.service.say(302, "", {{"Location", location}}).say(200);
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      http::Request request("GET", target);
      co_await client.send(request);
    });
    return lab.service.seen.back().target;
  };
  CHECK(led("/dir/file", "other?x=1") == "/base/dir/other?x=1");
  CHECK(led("/q?y=2", "?x=1") == "/base/q?x=1");
  CHECK(led("?y=2", "?x=1") == "/base?x=1");
  CHECK(led("/dir/file", "../up") == "/base/up");
  CHECK(led("https://service.example/dir/file", "other") == "/dir/other");
}

TEST_CASE("what another origin refuses is told as the other's") {
  ClientLab lab;
  ScriptedService other;
  lab.attach(other, "https://jira.acme.example");
  lab.options.auth = http::Auth::bearer(Secret("the-token"));
  lab.service.say(301, "", {{"Location", "https://jira.acme.example/rest/myself"}});
  other.say(401, R"({"message":"Log in first"})");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("GET", "/rest/myself");
    http::Response response = co_await client.send(request);
    CHECK(response.request ==
          "GET /rest/myself (redirected to https://jira.acme.example, where no credentials are sent)");
    const http::StatusError error = http::error_of(response);
    CHECK(std::string(error.what()) == response.request + " was answered 401: Log in first");
    CHECK(error.advice.find("set `url` to it") != std::string::npos);
    CHECK(error.detail.at("request") == "GET /rest/myself");
    // Nobody has led there: the note would say nothing.
    request.target = "https://jira.acme.example/rest/myself";
    response = co_await client.send(request);
    CHECK(response.request == "GET /rest/myself");
  });
}

TEST_CASE("a whole URL elsewhere gets no credentials") {
  ClientLab lab;
  ScriptedService files;
  lab.attach(files, "http://files.example");
  lab.options.auth = http::Auth::bearer(Secret("the-token"));
  lab.options.headers.add("X-Tenant", "acme");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("GET", "http://files.example/a.png");
    co_await client.send(request);
  });
  REQUIRE(files.seen.size() == 1);
  CHECK_FALSE(files.seen[0].headers.has("Authorization"));
  CHECK_FALSE(files.seen[0].headers.has("X-Tenant"));
}

TEST_CASE("a token that runs out is renewed once for all who wait") {
  ClientLab lab;
  int asked = 0;
  lab.options.auth = http::Auth::token([&](bool refused) -> awaitable<Secret> {
    CHECK(refused == (asked > 0));
    co_await lab.services.clock->sleep(seconds(1));
    co_return Secret("token-" + std::to_string(++asked));
  });
  int rejected = 0;
  http::AnswerHandler handler = [&](http::Request request) -> awaitable<http::Answer> {
    co_await lab.services.clock->sleep(milliseconds(20));
    http::Answer answer;
    answer.response.status = request.headers.get("Authorization") == "Bearer token-2" ? 200 : 401;
    rejected += answer.response.status == 401;
    co_return answer;
  };
  lab.transport->serve("https://service.example", handler, lab.services.clock);
  boost::asio::io_context context(1);
  http::Client client = lab.client();
  int good = 0;
  auto one = [&]() -> awaitable<void> {
    http::Response response = co_await client.send(post());
    good += response.ok();
  };
  for (int i = 0; i < 4; ++i) start(context, one());
  context.run();
  CHECK(good == 4);
  CHECK(asked == 2);
  CHECK(rejected == 4);
  CHECK(lab.services.clock->now() == epoch() + milliseconds(2040));

  // A second 401 is an answer.
  ClientLab refused;
  refused.options.auth = http::Auth::token([](bool) -> awaitable<Secret> { co_return Secret("never-good"); });
  refused.service.say(401);
  run([&]() -> awaitable<void> {
    http::Client other = refused.client();
    http::Response response = co_await other.send(post());
    CHECK(response.status == 401);
  });
  CHECK(refused.service.seen.size() == 2);
}

TEST_CASE("a token that cannot be had says nothing of the request that needs it") {
  for (bool token_sent : {false, true}) {
    CAPTURE(token_sent);
    ClientLab lab;
    int asked = 0;
    lab.options.auth = http::Auth::token([&](bool) -> awaitable<Secret> {
      if (++asked != 2) throw http::TransportError(ErrorKind::transient, "timeout", "No token came.", token_sent);
      co_return Secret("token");
    });
    lab.service.say(502).say(401);
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      http::Request request = post();
      request.idempotent = true;
      auto before = co_await thrown_by<http::TransportError>(client.send(request));
      CHECK(http::nothing_applied(before));
      CHECK(std::string(before.what()) == "POST /items: No token came.");
      // Behind the 502 the request may have been applied already.
      auto after = co_await thrown_by<http::TransportError>(client.send(request));
      CHECK(after.cause == "timeout");
      CHECK_FALSE(http::nothing_applied(after));
    });
    CHECK(lab.service.seen.size() == 2);
  }
}

TEST_CASE("JSON there and back") {
  ClientLab lab;
  lab.service.say(200, R"({"a":1})")
      .say(201, R"({"id":7})")
      .say(204)
      .say(200, "<html>")
      .say(404, R"({"message":"gone"})");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    Value value = co_await client.get_json("/a");
    CHECK(value.at("a").as_int64() == 1);
    Value body = boost::json::parse(R"({"x":[1]})");
    value = co_await client.send_json("POST", "/b", body);
    CHECK(value.at("id").as_int64() == 7);
    value = co_await client.send_json("DELETE", "/c", body);
    CHECK(value.is_null());
    Error error = co_await thrown_by<Error>(client.get_json("/d"));
    CHECK(error.cause == "not_json");
    error = co_await thrown_by<Error>(client.get_json("/e"));
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(std::string(error.what()) == "GET /e was answered 404: gone");
  });
  CHECK(lab.service.seen[1].body == R"({"x":[1]})");
  CHECK(lab.service.seen[1].headers.get("Content-Type") == "application/json");
  CHECK(lab.service.seen[0].headers.get("Accept") == "application/json");
}

TEST_CASE("a page with a good status finishes no step") {
  ClientLab lab;
  lab.service.say(200, "<!DOCTYPE html><title>Back at noon</title>");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    Step step;
    const auto error = co_await thrown_by<http::StatusError>(client.send_step(step, post()));
    CHECK(error.kind() == ErrorKind::transient);
    CHECK_FALSE(http::nothing_applied(error));
    http::Request request("GET", "/page.html");  // a file may be one
    const http::StreamedResponse file = co_await client.open(std::move(request));
    CHECK(file.status == 200);
  });
}

TEST_CASE("fault points stand around what changes something") {
  ClientLab lab;
  std::vector<std::string> points;
  lab.services.fault_point = [&](std::string_view point) { points.emplace_back(point); };
  lab.service.say(200);
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("GET", "/read");
    co_await client.send(request);
    co_await client.send(post("/items?token=abc"));
  });
  CHECK(points == std::vector<std::string>{"POST /items", "POST /items"});
}

TEST_CASE("a crash of a test goes through the client as it is") {
  ClientLab lab;
  http::AnswerHandler handler = [](http::Request request) -> awaitable<http::Answer> {
    if (request.method == "POST") throw SimulatedCrash{request.target};
    co_return http::Answer();
  };
  lab.transport->serve("https://service.example", handler);
  std::string died;
  try {
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      co_await client.send(post());
    });
  } catch (const SimulatedCrash& crash) {
    died = crash.point;
  }
  CHECK(died == "/items");
}

TEST_CASE("a download holds its place until it has ended, and fails as the answer says") {
  ClientLab lab;
  http::LimitOptions one;
  one.name = "all";
  one.max_in_flight = 1;
  lab.options.limits.push_back(one);
  lab.service.say(503).say(200, std::string(100'000, 'x')).say(404, R"({"message":"no such file"})").say(200, "second");
  run([&]() -> awaitable<void> {
    http::Client client = lab.client();
    http::Request request("GET", "/file");
    http::StreamedResponse download = co_await client.open(request);
    CHECK(lab.service.seen.size() == 2);
    std::size_t count = 0;
    for (;;) {
      std::string bytes = co_await download.body->read(1000);
      if (bytes.empty()) break;
      count += bytes.size();
    }
    CHECK(count == 100'000);
    auto error = co_await thrown_by<http::StatusError>(client.open(request));
    CHECK(error.status() == 404);
    CHECK(std::string(error.what()).find("no such file") != std::string::npos);
    download = co_await client.open(request);
    CHECK(download.status == 200);
  });
}

TEST_CASE("over real sockets as in process") {
  run([]() -> awaitable<void> {
    ScriptedService service;
    service.fail(Ending::close_before)
        .fail(Ending::torn)
        .say(429, "", {{"Retry-After", "0"}})
        .say(200, R"({"ok":true})");
    http::Server server((Services()));
    const std::uint16_t port = co_await server.start(service.handler());
    Services services;
    // Back-offs in virtual time, exchanges over real sockets.
    services.clock = Clock::simulated(epoch());
    http::ClientOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(port);
    http::Client client(options, services);
    Value value = co_await client.get_json("/x");
    CHECK(value.at("ok").as_bool());
    CHECK(service.seen.size() == 4);
    CHECK(services.clock->now() >= epoch() + seconds(1));
  });
}
