#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "http_kit.hpp"
#include "migrate/http/message.hpp"

using namespace migrate;
using namespace http_kit;

namespace {

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error();
}

class Letters final : public ByteStream {
 public:
  explicit Letters(std::string text) : text_(std::move(text)) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string bytes = text_.substr(0, std::min<std::size_t>(limit, 3));
    text_.erase(0, bytes.size());
    co_return bytes;
  }

 private:
  std::string text_;
};

awaitable<void> read_all(std::shared_ptr<ByteStream> stream, std::string& out) {
  for (;;) {
    std::string bytes = co_await stream->read(1000);
    if (bytes.empty()) co_return;
    out += bytes;
  }
}

}  // namespace

TEST_CASE("header names compare without regard to case, and keep their order") {
  http::Headers headers{{"Link", "a"}, {"X-RateLimit-Total", "700.0"}};
  headers.add("link", "b");
  CHECK(headers.get("LINK") == "a");
  CHECK(headers.get("x-ratelimit-total") == "700.0");
  CHECK(headers.get("absent").empty());
  CHECK_FALSE(headers.has("absent"));
  headers.set("lInK", "c");
  std::string names;
  for (const auto& [name, value] : headers) names += name + "=" + value + ";";
  CHECK(names == "Link=c;X-RateLimit-Total=700.0;");
  headers.remove("LINK");
  CHECK_FALSE(headers.has("Link"));
  // Letters only: '@' and '`' differ by the same bit as 'A' and 'a'.
  headers.add("a`", "1");
  CHECK_FALSE(headers.has("a@"));
}

TEST_CASE("no text can smuggle a header field in") {
  http::Headers headers;
  const std::vector<std::string> texts{"a\r\nX-Evil: 1", "a\nb", "a\rb", std::string("a\0b", 3)};
  for (const std::string& value : texts) {
    Error error = error_of([&] { headers.add("X-Title", value); });
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK_THROWS_AS(headers.set("X-Title", value), Error);
  }
  for (std::string name : {"", "a b", "a:", "a\r\nb", "ä"}) CHECK_THROWS_AS(headers.add(name, "x"), Error);
  CHECK(headers.empty());
  headers.add("X-Title", "Übergröße \t ok");
}

TEST_CASE("encode leaves only what is safe everywhere") {
  CHECK(http::encode("aZ09-._~") == "aZ09-._~");
  CHECK(http::encode("a+b=c&d/e?f#g h%i") == "a%2Bb%3Dc%26d%2Fe%3Ff%23g%20h%25i");
  CHECK(http::encode("ü€😀") == "%C3%BC%E2%82%AC%F0%9F%98%80");
  CHECK(http::encode(std::string("\0\r\n", 3)) == "%00%0D%0A");
  for (int byte = 0; byte < 256; ++byte) {
    std::string text(1, static_cast<char>(byte));
    CHECK(http::decode(http::encode(text)) == text);
  }
}

TEST_CASE("decode refuses torn escapes") {
  CHECK(http::decode("a%2") == std::nullopt);
  CHECK(http::decode("a%") == std::nullopt);
  CHECK(http::decode("a%zz") == std::nullopt);
  CHECK(http::decode("a+b%2b") == "a+b+");
  CHECK(http::decode("a+b%2B", true) == "a b+");
}

TEST_CASE("queries there and back") {
  std::string text = http::Query().add("jql", "project = A+B").add("maxResults", 100).add("empty", "").text();
  CHECK(text == "?jql=project%20%3D%20A%2BB&maxResults=100&empty=");
  CHECK(http::Query().text().empty());
  http::Request request("GET", "/search" + text + "&flag&&x=1=2#part");
  CHECK(request.path() == "/search");
  CHECK(request.query("jql") == "project = A+B");
  CHECK(request.query("empty") == "");
  CHECK(request.query("flag") == "");
  CHECK(request.query("x") == "1=2");
  CHECK(request.query("none") == std::nullopt);
  CHECK(request.query().size() == 5);
  CHECK(http::Request("GET", "/a").query().empty());
}

TEST_CASE("JSON bodies") {
  http::Request request("POST", "/x");
  request.set_json(boost::json::parse(R"({"big": 9223372036854775807})"));
  CHECK(request.body == R"({"big":9223372036854775807})");
  CHECK(request.headers.get("content-type") == "application/json");
  http::Response response(201, boost::json::parse("[1]"));
  CHECK(response.ok());
  CHECK(response.json().as_array().size() == 1);
}

TEST_CASE("a page in place of JSON is named") {
  http::Response response(203);
  response.body = "\n<!DOCTYPE html><html><title>Sign in</title> token=abcdefgh</html>";
  Error error = error_of([&] { response.json(); });
  CHECK(error.kind() == ErrorKind::transient);
  CHECK(error.cause == "not_json");
  CHECK(std::string(error.what()).find("web page") != std::string::npos);
  CHECK(std::string(error.what()).find("Sign in") != std::string::npos);
  CHECK(std::string(error.what()).find("abcdefgh") == std::string::npos);
  CHECK_FALSE(error.advice.empty());
  response.body.clear();
  CHECK(std::string(error_of([&] { response.json(); }).what()).find("empty body") != std::string::npos);
}

TEST_CASE("deep JSON and lone surrogates") {
  http::Response response(200);
  response.body = std::string(200, '[') + std::string(200, ']');
  CHECK_NOTHROW(response.json());
  response.body = std::string(100'000, '[');
  CHECK_THROWS_AS(response.json(), Error);
  response.body = R"({"a":"x\ud83d y","b":"\udc00","c":"\ud83d\ude00","d":"\\ud83d"})";
  Value value = response.json();
  CHECK(value.at("a").as_string() == "x\uFFFD y");
  CHECK(value.at("b").as_string() == "\uFFFD");
  CHECK(value.at("c").as_string() == "😀");
  CHECK(value.at("d").as_string() == "\\ud83d");
}

TEST_CASE("URLs are taken apart") {
  http::Url url = http::parse_url("HTTPS://Acme.Atlassian.NET/wiki?a=b&c=%2F#x");
  CHECK(url.tls);
  CHECK(url.host == "acme.atlassian.net");
  CHECK(url.port == 443);
  CHECK(url.target == "/wiki?a=b&c=%2F");
  CHECK(url.origin() == "https://acme.atlassian.net");
  CHECK(http::parse_url("http://127.0.0.1:8080").target == "/");
  CHECK(http::parse_url("http://127.0.0.1:8080").origin() == "http://127.0.0.1:8080");
  CHECK(http::parse_url("http://[::1]:81/x").host == "::1");
  CHECK(http::parse_url("http://[::1]:81/x").origin() == "http://[::1]:81");
  CHECK(http::parse_url("http://h?q=1").target == "/?q=1");
  CHECK(http::parse_url("https://h:443/").same_origin(http::parse_url("https://H/x")));
  CHECK_FALSE(http::parse_url("https://h/").same_origin(http::parse_url("http://h:443/")));
  CHECK_FALSE(http::parse_url("http://h/").same_origin(http::parse_url("http://h:81/")));
  // What services send although it is wrong.
  CHECK(http::parse_url("https://h/a file [1].png?x=ä").target == "/a%20file%20%5B1%5D.png?x=%C3%A4");
  CHECK(http::parse_url("https://h/100%/x").target == "/100%25/x");
}

TEST_CASE("what is no URL is refused by name") {
  const std::vector<std::string> wrong{"",
                                       "h",
                                       "/path",
                                       "ftp://h/",
                                       "http://",
                                       "http:///x",
                                       "http://h:99999/",
                                       "http://h:0/",
                                       "http://a b/",
                                       "http://h%0d%0a/",
                                       "javascript:alert(1)",
                                       "http://ex\xC3\xA4mple/"};
  for (const std::string& text : wrong) {
    CAPTURE(text);
    CHECK(error_of([&] { http::parse_url(text); }).kind() == ErrorKind::invalid);
  }
  Error error = error_of([] { http::parse_url("https://me:hunter22@h/"); });
  CHECK(std::string(error.what()).find("hunter22") == std::string::npos);
  CHECK(std::string(error.what()).find("password") != std::string::npos);
}

TEST_CASE("Location headers") {
  http::Url base = http::parse_url("https://h/a/b?c=d");
  CHECK(http::resolve(base, "/x").origin() + http::resolve(base, "/x").target == "https://h/x");
  CHECK(http::resolve(base, "x").target == "/a/x");
  CHECK(http::resolve(base, "../x?y").target == "/x?y");
  CHECK(http::resolve(base, "//other:8/x").origin() == "https://other:8");
  CHECK(http::resolve(base, "http://plain/x").origin() == "http://plain");
  CHECK(http::resolve(base, "/a b").target == "/a%20b");
  CHECK_THROWS_AS(http::resolve(base, "file:///etc/passwd"), Error);
  CHECK(http::resolve(base, "?x=1").target == "/a/b?x=1");
  CHECK(http::resolve(base, "").target == "/a/b?c=d");
  CHECK(http::resolve(base, "#here").target == "/a/b?c=d");
  CHECK(http::resolve(base, "./x/../y/").target == "/a/y/");
  CHECK(http::resolve(base, "/../../x/.").target == "/x/");
  CHECK(http::resolve(base, "..").target == "/");
  CHECK(http::resolve(base, "/a//b").target == "/a//b");
  CHECK(http::resolve(http::parse_url("https://h"), "x").target == "/x");
  CHECK(http::resolve(base, "https://other").target == "/");
  CHECK(http::resolve(base, "https://other?x=1").target == "/?x=1");
  CHECK(http::resolve(http::parse_url("http://h:8/a"), "//other/x").origin() == "http://other");
}

TEST_CASE("a Location is followed letter by letter, since what it is signed for is its text") {
  const http::Url base = http::parse_url("https://h/a%2Bb/c%3D?x=%7e");
  const std::string key = "/bucket/a%2Bb%2Fc%3D(1)+%7e%c3%a9.png?name=a%2Bb%22+%20&X-Amz-Signature=ab%2f~%7E";
  CHECK(http::resolve(base, "https://s3.example.test" + key).target == key);
  CHECK(http::resolve(base, "//s3.example.test" + key).target == key);
  CHECK(http::resolve(base, key).target == key);
  CHECK(http::resolve(base, "d%2Fe").target == "/a%2Bb/d%2Fe");
  CHECK(http::resolve(base, "?y=%2B").target == "/a%2Bb/c%3D?y=%2B");
}

TEST_CASE("multipart bodies") {
  http::Request request("POST", "/attachments");
  std::vector<http::Part> parts(2);
  parts[0].name = "a\"b\r\nc";
  parts[0].body = "value";
  parts[1].name = "file";
  parts[1].file_name = "Grüße \"1\".png";
  parts[1].media_type = "image/png";
  parts[1].body = std::string("\0\r\n", 3);
  http::set_multipart(request, parts, "b0und");
  CHECK(request.headers.get("Content-Type") == "multipart/form-data; boundary=b0und");
  const std::string expected =
      std::string(
          "--b0und\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"\r\n\r\nvalue\r\n"
          "--b0und\r\nContent-Disposition: form-data; name=\"file\"; filename=\"Grüße %221%22.png\"\r\n"
          "Content-Type: image/png\r\n\r\n") +
      std::string("\0\r\n", 3) + "\r\n--b0und--\r\n";
  CHECK(request.body == expected);

  parts[1].stream = std::make_shared<Letters>(parts[1].body);
  parts[1].size = 3;
  parts[1].body.clear();
  http::Request streamed("POST", "/attachments");
  http::set_multipart(streamed, parts, "b0und");
  REQUIRE(streamed.stream);
  CHECK(streamed.stream_size == expected.size());
  std::string bytes;
  run([&] { return read_all(streamed.stream, bytes); });
  CHECK(bytes == expected);

  parts[1].stream = std::make_shared<Letters>("x");
  parts[1].size.reset();
  http::set_multipart(streamed, parts, "b0und");
  CHECK_FALSE(streamed.stream_size);
}

TEST_CASE("a boundary that cannot work is refused") {
  http::Request request("POST", "/x");
  std::vector<http::Part> parts(1);
  parts[0].name = "n";
  parts[0].body = "text with b0und in it";
  CHECK_THROWS_AS(http::set_multipart(request, parts, "b0und"), Error);
  CHECK_THROWS_AS(http::set_multipart(request, parts, "a\r\nb"), Error);
  CHECK_THROWS_AS(http::set_multipart(request, parts, std::string(71, 'x')), Error);
  parts[0].media_type = "text/plain\r\nX-Evil: 1";
  CHECK_THROWS_AS(http::set_multipart(request, parts, "other"), Error);
}
