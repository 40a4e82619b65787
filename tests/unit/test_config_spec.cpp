#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <sstream>

#include "migrate/config_spec.hpp"

using namespace migrate;

namespace {

struct Item {
  std::string name;
  int rank = 7;
};
Spec<Item> item_spec() {
  return Spec<Item>("An item.")
      .field("name", &Item::name, "Its name")
      .field("rank", &Item::rank, "Its rank")
      .optional()
      .at_least(0)
      .at_most(9);
}

struct Everything {
  std::string text = "default";
  bool flag = false;
  int small = 1;
  std::int64_t big = 0;
  std::size_t size = 2;
  double real = 0.5;
  Secret token;
  std::filesystem::path file;
  std::optional<int> maybe;
  std::vector<std::string> words;
  std::vector<std::vector<std::string>> groups;
  std::map<std::string, std::int64_t> counts;
  Value anything;
  Item item;
  std::vector<Item> items;
  std::map<std::string, Item> named;
  std::optional<Item> extra;
  std::vector<std::string> order;
};
Spec<Everything> everything_spec() {
  return Spec<Everything>("Everything.")
      .field("text", &Everything::text, "A text")
      .optional()
      .one_of({"default", "other"})
      .field("flag", &Everything::flag, "A flag")
      .optional()
      .field("small", &Everything::small, "An int")
      .optional()
      .field("big", &Everything::big, "An int64")
      .optional()
      .field("size", &Everything::size, "A size")
      .optional()
      .field("real", &Everything::real, "A double")
      .optional()
      .field("token", &Everything::token, "A secret")
      .optional()
      .field("file", &Everything::file, "A file")
      .optional()
      .field("maybe", &Everything::maybe, "Perhaps")
      .field("words", &Everything::words, "Words")
      .optional()
      .one_or_many()
      .field("groups", &Everything::groups, "Groups")
      .optional()
      .one_or_many()
      .field("counts", &Everything::counts, "Counts")
      .optional()
      .at_most(10)
      .field("anything", &Everything::anything, "Anything")
      .optional()
      .field("item", &Everything::item, item_spec(), "An item")
      .field("items", &Everything::items, item_spec(), "Items")
      .optional()
      .field("named", &Everything::named, item_spec(), "Items by name")
      .optional()
      .field("extra", &Everything::extra, item_spec(), "One more")
      .after([](Everything& e, const Object& written) {
        for (const auto& [key, value] : written) e.order.emplace_back(key);
      });
}

std::vector<std::string> faults_of(const std::string& json) {
  std::vector<std::string> texts;
  try {
    everything_spec().parse(boost::json::parse(json));
  } catch (const ConfigError& error) {
    for (const ConfigFault& fault : error.faults()) texts.push_back(to_string(fault));
  }
  return texts;
}

std::string only_fault(const std::string& json) {
  auto faults = faults_of(json);
  REQUIRE(faults.size() == 1);
  return faults.front();
}

}  // namespace

TEST_CASE("every kind of member is filled") {
  Everything e = everything_spec().parse(boost::json::parse(R"({
    "words": "one", "groups": ["a", ["b", "c"]], "text": "other", "flag": true, "small": -5,
    "big": 9007199254740993, "size": 3, "real": 2, "token": "t", "file": "a/b", "maybe": 4, "counts": {"x": 1},
    "anything": {"y": [1]}, "item": {"name": "n"}, "items": [{"name": "m", "rank": 0}], "named": {"k": {"name": "l"}},
    "extra": {"name": "e"}})"));
  CHECK(e.text == "other");
  CHECK(e.flag);
  CHECK(e.small == -5);
  CHECK(e.big == 9007199254740993);
  CHECK(e.size == 3);
  CHECK(e.real == 2.0);
  CHECK(e.token.reveal() == "t");
  CHECK(e.file == "a/b");
  CHECK(e.maybe == 4);
  CHECK(e.words == std::vector<std::string>{"one"});
  CHECK(e.groups == std::vector<std::vector<std::string>>{{"a"}, {"b", "c"}});
  CHECK(e.counts.at("x") == 1);
  CHECK(boost::json::serialize(e.anything) == R"({"y":[1]})");
  CHECK(e.item.name == "n");
  CHECK(e.item.rank == 7);
  CHECK(e.items.at(0).rank == 0);
  CHECK(e.named.at("k").name == "l");
  CHECK(e.extra->name == "e");
  CHECK(e.order.front() == "words");
}

TEST_CASE("what is left out keeps its default") {
  Everything e = everything_spec().parse(boost::json::parse(R"({"item": {"name": "n"}, "maybe": null})"));
  CHECK(e.text == "default");
  CHECK(e.size == 2);
  CHECK_FALSE(e.maybe);
  CHECK_FALSE(e.extra);
}

TEST_CASE("every fault is reported at once, each with its path") {
  auto faults = faults_of(R"({"texts": 1, "flag": "yes", "small": 3000000000, "size": -1, "item": {"rank": 10},
                              "items": [{"name": "a"}, {"nmae": "b"}], "counts": {"x": 11}, "words": [1]})");
  CHECK(faults == std::vector<std::string>{
                      "texts: unknown option; did you mean \"text\"?",
                      "flag: expected true or false, found the text \"yes\"",
                      "small: 3000000000 is too large; at most 2147483647",
                      "size: -1 is too small; at least 0",
                      "item.rank: 10 is too large; at most 9",
                      "item.name: is missing (Its name)",
                      "items[1].nmae: unknown option; did you mean \"name\"?",
                      "items[1].name: is missing (Its name)",
                      "counts.x: 11 is too large; at most 10",
                      "words[0]: expected a text, found 1; put it in quotes",
                  });
}

TEST_CASE("faults of single values") {
  CHECK(only_fault(R"({"item": 5})") == "item: expected a map of options, found 5");
  CHECK(only_fault(R"({"item": {"name": "n"}, "big": 1.5})") == "big: expected an integer, found 1.5E0");
  CHECK(only_fault(R"({"item": {"name": "n"}, "big": 18446744073709551615})") ==
        "big: 18446744073709551615 is too large; at most 9223372036854775807");
  CHECK(only_fault(R"({"item": {"name": "n"}, "text": "othr"})") ==
        "text: \"othr\" is none of default, other; did you mean \"other\"?");
  CHECK(only_fault(R"({"item": {"name": null}})") == "item.name: expected a text, found nothing (null)");
  CHECK(only_fault(R"({"item": {"name": "n"}, "zzzzzzzz": 1})")
            .starts_with("zzzzzzzz: unknown option; known: text, flag"));
  CHECK(only_fault("[]") == "expected a map of options, found a list");
}

TEST_CASE("a secret is never shown") {
  std::ostringstream out;
  out << Secret("hunter2");
  CHECK(out.str() == "***");
  CHECK(only_fault(R"({"item": {"name": "n"}, "token": ["hunter2"]})").find("hunter2") == std::string::npos);
  CHECK(only_fault(R"({"item": {"name": "n"}, "token": 123456})").find("123456") == std::string::npos);
  Value shown =
      everything_spec().redacted(boost::json::parse(R"({"token": "hunter2", "tokn": "hunter2", "small": 1})"));
  CHECK(boost::json::serialize(shown) == R"({"token":"***","tokn":"***","small":1})");
}

TEST_CASE("passwords inside connection strings are masked") {
  CHECK(config::mask_passwords("postgresql://u:p@ss@h/db") == "postgresql://u:***@h/db");
  CHECK(config::mask_passwords("postgresql://u@h/db?password=x&a=b") == "postgresql://u@h/db?password=***&a=b");
  CHECK(config::mask_passwords("host=h password = 'a \\' b' dbname=d") == "host=h password = *** dbname=d");
  CHECK(config::mask_passwords("host=h password=") == "host=h password=");
  CHECK(config::mask_passwords("host=h dbname=d") == "host=h dbname=d");
}

TEST_CASE("validators see a sound struct and their faults get its path") {
  struct Pair {
    int low = 0, high = 0;
  };
  struct Outer {
    std::vector<Pair> pairs;
  };
  auto pair = Spec<Pair>("A range.")
                  .validate([](const Pair& p) {
                    if (p.low > p.high) throw ConfigError("high", "is below low");
                    if (p.high > 100) throw Error(ErrorKind::invalid, "too wide");
                  })
                  .field("low", &Pair::low, "From")
                  .field("high", &Pair::high, "To");
  auto outer = Spec<Outer>("Ranges.").field("pairs", &Outer::pairs, pair, "The ranges");
  try {
    outer.parse(boost::json::parse(
        R"({"pairs": [{"low": 1, "high": 2}, {"low": 2, "high": 1}, {"low": 1, "high": 200}, {"low": 9}]})"));
    FAIL("accepted");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()) ==
          "pairs[1].high: is below low\npairs[2]: too wide\npairs[3].high: is missing (To)");
    CHECK(error.cause == "configuration");
  }
}

TEST_CASE("schema and documentation come from the same definition") {
  Value schema = everything_spec().json_schema();
  CHECK(schema.at("additionalProperties").as_bool() == false);
  CHECK(boost::json::serialize(schema.at("required")) == R"(["item"])");
  CHECK(boost::json::serialize(schema.at("properties").at("text").at("enum")) == R"(["default","other"])");
  CHECK(schema.at("properties").at("token").at("writeOnly").as_bool());
  CHECK(schema.at("properties").at("item").at("properties").at("rank").at("maximum").as_int64() == 9);
  std::string text = item_spec().markdown();
  CHECK(text ==
        "An item.\n\n| option | type | default | meaning |\n|---|---|---|---|\n"
        "| `name` | text | required | Its name |\n| `rank` | integer, 0 to 9 | `7` | Its rank |\n");
  CHECK(everything_spec().markdown().find("| `items[].rank` |") != std::string::npos);
}

TEST_CASE("the nearest name") {
  std::vector<std::string> known{"source", "transform", "sink"};
  CHECK(config::nearest("soruce", known) == "source");
  CHECK(config::nearest("Sink", known) == "sink");
  CHECK(config::nearest("transforms", known) == "transform");
  CHECK(config::nearest("trans", known) == "transform");
  CHECK(config::nearest("destination", known).empty());
}
