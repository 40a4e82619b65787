#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstdlib>
#include <random>

#include "migrate/json.hpp"

using migrate::parse_json;

TEST_CASE("a double is the nearest one to what is written, and stays it when it is written again") {
  std::mt19937_64 dice(81);
  for (int i = 0; i < 20000; ++i) {
    const auto number = std::bit_cast<double>(dice());
    if (!std::isfinite(number)) continue;
    const std::string text = fmt::format("{:.17g}", number);
    const double exact = std::strtod(text.c_str(), nullptr);
    const boost::json::value read = parse_json("[" + text + "]");
    REQUIRE(read.at(0).to_number<double>() == exact);
    const std::string again = boost::json::serialize(read);
    REQUIRE(parse_json(again).at(0).to_number<double>() == exact);
  }
  CHECK(parse_json("-9.9e95").as_double() == -9.9e95);
  CHECK(parse_json("267862710.33333334").as_double() == 267862710.33333334);
}

TEST_CASE("all else is what Boost.JSON reads") {
  for (const char* text :
       {"null", "true", "\"\\u00e9\\n\"", "[]", "{}", "[1,-1,9223372036854775807,18446744073709551615]",
        R"({"a":{"b":[null,false,"x"],"a":1},"a":2})", "  [ 1 , 2 ]\n", "1e400", "-1e-400", "\"long \\t text\"", "0.5"})
    CHECK(parse_json(text) == boost::json::parse(text));
  for (const char* text : {"", "[1", "[1,]", "{\"a\"}", "nul", "1 2", "[1]x", "\"\xff\"", "\"a", "01", "+1", "1."}) {
    boost::json::error_code ours, theirs;
    CHECK(parse_json(text, ours).is_null());
    boost::json::parse(text, theirs);
    CHECK_MESSAGE(ours == theirs, text);
    CHECK(ours.failed());
    CHECK_THROWS(parse_json(text));
  }
}

TEST_CASE("options hold: depth, and bytes that are no UTF-8") {
  boost::json::parse_options options;
  CHECK_THROWS(parse_json(std::string(40, '[') + std::string(40, ']'), {}, options));
  options.max_depth = 64;
  CHECK_NOTHROW(parse_json(std::string(40, '[') + std::string(40, ']'), {}, options));
  CHECK_THROWS(parse_json("\"\xff\"", {}, options));
  options.allow_invalid_utf8 = true;
  CHECK(parse_json("\"\xff\"", {}, options).as_string() == "\xff");
}
