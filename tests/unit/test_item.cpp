#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "migrate/item.hpp"

using namespace migrate;

namespace {
const char* const full = R"({"title":"Printer","description":{"$richText":{"format":"html","text":"<b>x</b>"}},
"kind":"Incident","status":"Open","priority":"High","labels":["a","b"],"reporter":{"id":"7","name":"Lea","email":"l@x"},
"assignee":{"id":"8"},"created":"2024-01-31T09:00:00Z","updated":"2024-02-01T08:00:00Z","due":"2024-02-03","url":"https://x/81",
"comments":[{"id":"5","author":{"id":"7"},"created":"2024-01-31T10:00:00Z","body":{"$richText":{"format":"html","text":"y"}},
"internal":true,"kind":"note","blobs":["9"]}],
"worklogs":[{"id":"3","started":"2024-01-31T10:00:00Z","seconds":600,"note":{"$richText":{"format":"plain","text":"n"}}}],
"images":[{"address":"https://i/1","blob":"9"}],"fields":{"customfield_1":4},"cf_asset":"P-7"})";
}

TEST_CASE("an item keeps every member through both directions") {
  const Value value = boost::json::parse(full);
  const Item item(value);
  CHECK(item.comments.at(0).internal);
  CHECK(item.comments.at(0).author->id == "7");
  CHECK(item.worklogs.at(0).seconds == 600);
  CHECK(item.images.at(0).blob == "9");
  CHECK(item.others.at("cf_asset") == "P-7");
  CHECK(item.value() == value);
}

TEST_CASE("an object in which no word stands is nobody") {
  const Item item(boost::json::parse(R"({"title":"x","assignee":{"email":null},"reporter":{},"comments":[
    {"id":"5","author":{"id":"","name":"","email":""}}]})"));
  CHECK_FALSE(item.assignee.has_value());
  CHECK_FALSE(item.reporter.has_value());
  CHECK_FALSE(item.comments.at(0).author.has_value());
}

TEST_CASE("an item says which member has the wrong shape") {
  const auto message = [](const char* text) {
    try {
      Item item(boost::json::parse(text));
    } catch (const Error& error) {
      CHECK(error.cause == "not_an_item");
      return std::string(error.what());
    }
    return std::string("taken");
  };
  CHECK(message(R"({"comments":[{"id":"1"},{"id":"2","internal":"no"}]})").find("comments[1].internal") !=
        std::string::npos);
  CHECK(message(R"({"comments":[{"body":"x"}]})").find("comments[0].id") != std::string::npos);
  CHECK(message(R"({"reporter":"Lea"})").find("reporter") != std::string::npos);
  CHECK(message(R"({"labels":"a b"})").find("labels") != std::string::npos);
  CHECK(message(R"([1])").find("an object") != std::string::npos);
  CHECK(message(R"({"title":"x","comments":null,"reporter":null})") == "taken");
}
