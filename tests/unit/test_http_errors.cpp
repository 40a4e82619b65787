#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "migrate/sink.hpp"
#include "scripted_service.hpp"

using namespace migrate;
using namespace http_kit;

namespace {

http::Response response(int status, std::string body = "", http::Headers headers = http::Headers()) {
  http::Response result(status);
  result.body = std::move(body);
  result.headers = std::move(headers);
  result.request = "POST /rest/issue";
  return result;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("each status has its kind, and whether anything may have been applied") {
  struct Case {
    int status;
    ErrorKind kind;
    bool nothing_applied;
  };
  const std::vector<Case> cases{Case{400, ErrorKind::invalid, true},      Case{401, ErrorKind::unauthorized, true},
                                Case{403, ErrorKind::unauthorized, true}, Case{404, ErrorKind::not_found, true},
                                Case{408, ErrorKind::transient, false},   Case{409, ErrorKind::conflict, true},
                                Case{410, ErrorKind::not_found, true},    Case{412, ErrorKind::conflict, true},
                                Case{413, ErrorKind::invalid, true},      Case{422, ErrorKind::invalid, true},
                                Case{425, ErrorKind::transient, true},    Case{429, ErrorKind::throttled, true},
                                Case{500, ErrorKind::transient, false},   Case{502, ErrorKind::transient, false},
                                Case{503, ErrorKind::transient, false},   Case{504, ErrorKind::transient, false},
                                Case{302, ErrorKind::invalid, false}};
  for (const Case& each : cases) {
    CAPTURE(each.status);
    const http::StatusError error = http::error_of(response(each.status));
    CHECK(error.kind() == each.kind);
    CHECK(error.status() == each.status);
    CHECK(error.refused() == each.nothing_applied);
    CHECK(http::nothing_applied(static_cast<const Error&>(error)) == each.nothing_applied);
    CHECK(error.cause == "http_" + std::to_string(each.status));
    CHECK(contains(error.what(), "POST /rest/issue"));
    CHECK(error.detail.at("status").as_int64() == each.status);
  }
  const http::StatusError busy = http::error_of(response(503, "", {{"Retry-After", "7"}}));
  CHECK(busy.kind() == ErrorKind::throttled);
  CHECK(busy.retry_after == seconds(7));
  CHECK_FALSE(busy.refused());  // a gateway's, perhaps, after the service has taken it
  CHECK(http::error_of(response(429)).retry_after >= seconds(1));
  CHECK(http::error_of(response(503, "", {{"Retry-After-Ms", "7000"}})).retry_after == seconds(7));
  CHECK(http::error_of(response(503, "", {{"Retry-After", "soon"}})).kind() == ErrorKind::transient);
}

TEST_CASE("the service's own words, whatever their form") {
  auto words = [](std::string body) {
    std::string text = http::error_of(response(400, std::move(body))).what();
    return text.substr(std::min(text.size(), text.find(": ") + 2));
  };
  CHECK(words(R"({"errorMessages":["Issue type is required"],"errors":{"summary":"too long"}})") ==
        "Issue type is required; summary: too long");
  CHECK(words(R"({"message":{"title":["can't be blank"]}})") == "title: can't be blank");
  CHECK(words(R"({"error":"title is missing"})") == "title is missing");
  CHECK(words(R"({"description":"Validation failed","errors":[{"field":"email","message":"invalid","code":"x1"}]})") ==
        "Validation failed; field: email; invalid; code: x1");
  CHECK(words(R"({"success":false,"errors":[{"code":7500,"message":"near \"x\": syntax error"}]})") ==
        "near \"x\": syntax error");
  CHECK(words("Retry later\n") == "Retry later");
  CHECK(std::string(http::error_of(response(400)).what()) == "POST /rest/issue was answered 400");
  CHECK(words(std::string(5000, 'x')).size() < 400);
  CHECK(words("line\r\nbreak\x01 \x1b[31m") == "line break [31m");
}

TEST_CASE("pages for people are recognised") {
  const std::string sign_in =
      "<!DOCTYPE html>\n<html><head><title>Azure DevOps Services | Sign In</title></head></html>";
  http::StatusError error = http::error_of(response(203, sign_in));
  CHECK(error.kind() == ErrorKind::unauthorized);
  CHECK(error.cause == "sign_in_page");
  CHECK(contains(error.what(), "Sign In"));
  CHECK(contains(error.advice, "credentials"));
  CHECK(http::error_of(response(200, "<html><form>Log in</form>")).kind() == ErrorKind::unauthorized);
  error = http::error_of(response(502, "<html><title>Bad gateway: please log in later</title>"));
  CHECK(error.kind() == ErrorKind::transient);
  CHECK(error.cause == "gateway_page");
  CHECK(contains(error.what(), "web page"));
  CHECK(contains(error.advice, "gateway"));
  error = http::error_of(response(200, "<html><title>Welcome</title>"));
  CHECK(error.kind() == ErrorKind::transient);
  CHECK(error.cause == "not_json");
}

TEST_CASE("no credential is ever shown") {
  const std::string secret = "s3cr3t/tok\"en+value", key = "freshdesk-key-1234";
  const std::string basic = "ZnJlc2hkZXNrLWtleS0xMjM0OnMzY3IzdC90b2siZW4rdmFsdWU=";
  // A service that repeats what it was sent, in every form.
  const std::vector<std::string> echoes{R"({"message":"bad token s3cr3t/tok\"en+value for freshdesk-key-1234"})",
                                        R"({"message":"s3cr3t\/tok\"en+value"})",
                                        "Authorization: Basic " + basic,
                                        "plain " + basic,
                                        "<html><title>" + secret + "</title>",
                                        "url=/items?access_token=" + http::encode(secret),
                                        R"({"headers":{"Cookie":"session=abcdef0123"},"password":"abcdef0123"})",
                                        "token: abcdef0123 and Bearer abcdef0123 and api_key=abcdef0123&x=1"};
  std::vector<std::string> shown;
  for (const std::string& echo : echoes) {
    ClientLab lab;
    lab.options.auth = http::Auth::basic(key, Secret(secret));
    lab.options.retry.attempts = 2;
    lab.service.say(500, echo).say(400, echo).say(200, echo).say(200, "", http::Headers(), http::Ending::torn);
    run([&]() -> awaitable<void> {
      http::Client client = lab.client();
      const std::string target = "/items?access_token=" + http::encode(secret) + "&apikey=abcdef0123";
      std::vector<Error> errors;
      errors.push_back(co_await thrown_by<Error>(client.get_json(target)));
      http::Request request("POST", target);
      http::Response response = co_await client.send(request);
      CHECK(lab.service.seen.back().headers.get("Authorization") == "Basic " + basic);
      try {
        response.json();
      } catch (const Error& error) {
        errors.push_back(error);
      }
      errors.push_back(co_await thrown_by<Error>(client.send(request)));
      for (const Error& error : errors) {
        shown.push_back(error.what());
        shown.push_back(error.advice);
        shown.push_back(boost::json::serialize(error.detail));
      }
      shown.insert(shown.end(), lab.log.begin(), lab.log.end());
    });
  }
  for (const std::string& text : shown) {
    CAPTURE(text);
    for (const std::string& forbidden :
         {secret, key, basic, http::encode(secret), std::string("s3cr3t"), std::string("abcdef0123")}) {
      CHECK_FALSE(contains(text, forbidden));
    }
  }
  CHECK(std::any_of(shown.begin(), shown.end(), [](const std::string& text) { return contains(text, "***"); }));
}

TEST_CASE("names of issues are no credentials, keys of accounts are") {
  auto words = [](std::string body) { return std::string(http::error_of(response(400, std::move(body))).what()); };
  const std::string with_names = words(R"({"errors":[{"key":"SUP-24"},{"key":"SUP"}],"x":{"key":"AIzaSyD4"}})");
  CHECK(contains(with_names, "key: SUP-24; key: SUP; key: ***"));
  CHECK(contains(words(R"(plain "key":"SUP-24" in a text)"), "SUP-24"));
  CHECK_FALSE(contains(words(R"(plain "key":"AIzaSyD4" in a text)"), "AIza"));
  CHECK_FALSE(contains(words("GET /maps?key=SUP-24"), "SUP-24"));  // of an address: a credential whatever it looks like
  for (std::string name : {"X-Auth-Key", "Ocp-Apim-Subscription-Key", "x-functions-key"}) {
    CAPTURE(name);
    CHECK_FALSE(contains(words(name + ": abcdef0123"), "abcdef0123"));
  }
}

TEST_CASE("a token that has been replaced is not shown by the answers that come late") {
  ClientLab lab;
  int asked = 0;
  lab.options.auth =
      http::Auth::token([&](bool) -> awaitable<Secret> { co_return Secret("the-token-" + std::to_string(++asked)); });
  http::AnswerHandler handler = [&](http::Request request) -> awaitable<http::Answer> {
    http::Answer answer;
    if (request.target == "/late") co_await lab.services.clock->sleep(seconds(1));
    answer.response.status = request.target == "/late" ? 400 : asked == 1 ? 401 : 200;
    answer.response.body = "unknown here: nothing like " + std::string(request.headers.get("Authorization")).substr(7);
    co_return answer;
  };
  lab.transport->serve("https://service.example", handler, lab.services.clock);
  boost::asio::io_context context(1);
  http::Client client = lab.client();
  std::string shown;
  auto late = [&]() -> awaitable<void> {
    http::Request request("POST", "/late");
    http::Response response = co_await client.send(request);
    shown = http::error_of(response).what();
  };
  auto renews = [&]() -> awaitable<void> {
    http::Request request("POST", "/now");
    co_await client.send(request);
  };
  start(context, late());
  start(context, renews());
  context.run();
  CHECK(asked == 2);
  CHECK(contains(shown, "nothing like ***"));
}

TEST_CASE("the id under which the service finds the request") {
  http::StatusError error = http::error_of(response(500, "", {{"x-arequestid", "a1b2"}}));
  CHECK(error.detail.at("request_id") == "a1b2");
}

TEST_CASE("checked() lets good answers pass") {
  CHECK(http::checked(response(204)).status == 204);
  CHECK(http::checked(response(200, "<status>ok</status>")).ok());
  CHECK_THROWS_AS(http::checked(response(404)), http::StatusError);
}

TEST_CASE("a page with a good status is no answer to what changes something, and its outcome is unknown") {
  const std::string page = "<!DOCTYPE html><html><head><title>Down for maintenance</title></head></html>";
  for (const int status : {200, 201, 202}) {
    CAPTURE(status);
    CHECK_THROWS_AS(http::checked(response(status, page)), http::StatusError);
    const http::StatusError error = http::error_of(response(status, page));
    CHECK(error.kind() == ErrorKind::transient);
    CHECK_FALSE(error.refused());
    CHECK(contains(error.what(), "Down for maintenance"));
    CHECK(contains(error.advice, "in place of the service"));
  }
  const http::StatusError error = http::error_of(response(200, "<html><form>Log in</form>"));
  CHECK(error.kind() == ErrorKind::unauthorized);
  CHECK_FALSE(error.refused());
}

TEST_CASE("a redirect that is not followed says where it leads") {
  const http::Headers location{{"Location", "https://jira.acme.example/rest/issue?access_token=abcdef0123"}};
  const http::StatusError error = http::error_of(response(301, "", location));
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK(contains(error.what(), "redirect to https://jira.acme.example/rest/issue"));
  CHECK_FALSE(contains(error.what(), "abcdef0123"));
  CHECK(contains(error.advice, "`url`"));
}
