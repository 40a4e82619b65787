// jq programs on records: what they see, what they may give, and what must not be changed on the way.
#include <doctest/doctest.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thread>

#include "transformer.hpp"

namespace {

std::shared_ptr<const migrate::Transformer> jq(const std::string& program) {
  migrate::Object options{{"program", program}};
  return migrate::jq::make_jq(migrate::jq::jq_spec().parse(options), migrate::Services());
}

migrate::Record record(const std::string& json) {
  migrate::Record made;
  made.ref = migrate::RecordRef{"things", "7"};
  made.data = boost::json::parse(json);
  return made;
}

std::vector<migrate::Record> apply(const std::string& program, migrate::Record input) {
  std::vector<migrate::Record> out;
  jq(program)->apply(std::move(input), out);
  return out;
}

std::string data(const std::string& program, const std::string& json) {
  return boost::json::serialize(apply(program, record(json)).at(0).data);
}

migrate::Error error_of(const std::string& program, migrate::Record input) {
  try {
    apply(program, std::move(input));
  } catch (const migrate::Error& error) {
    return error;
  }
  return migrate::Error();
}

}  // namespace

TEST_CASE("one record in, any number out") {
  CHECK(data(".data.b = .data.a + 1", R"({"a":1})") == R"({"a":1,"b":2})");
  CHECK(apply("empty", record("{}")).empty());
  auto out = apply(R"(., {type: "notes", id: (.id + ":1"), data: {text: .data.note}})", record(R"({"note":"n"})"));
  REQUIRE(out.size() == 2);
  CHECK(out[0].ref == migrate::RecordRef{"things", "7"});
  CHECK(out[1].ref == migrate::RecordRef{"notes", "7:1"});
  CHECK(out[1].data.at("text") == "n");
  CHECK(apply(".id = 12", record("{}")).at(0).ref.id == "12");
}

TEST_CASE("what is made of a record that has vanished has vanished, too") {
  migrate::Record gone = record("null");
  gone.deleted = true;
  auto out = apply(R"(.type = "issues" | .data.title = .data.subject |
                      ., {type: "notes", id: (.id + ":1"), data: {text: .data.note}},
                      {type: "labels", id: "all", intent: "get_or_create", data: {}},
                      {type: "log", id: .id, data: {}, deleted: false})",
                   gone);
  REQUIRE(out.size() == 3);
  CHECK(out[0].ref == migrate::RecordRef{"issues", "7"});
  CHECK(out[0].deleted);
  CHECK(out[1].ref == migrate::RecordRef{"notes", "7:1"});
  CHECK(out[1].deleted);
  CHECK(out[2].ref == migrate::RecordRef{"log", "7"});
  CHECK_FALSE(out[2].deleted);
  CHECK(apply(R"({type: "issues", id})", gone).at(0).deleted);
  CHECK_FALSE(apply(R"(.type = "issues")", record("{}")).at(0).deleted);
  migrate::Error error = error_of(".data.subject | ascii_downcase", gone);
  CHECK(error.cause == "jq_error");
  CHECK(error.advice.find("if .deleted then") != std::string::npos);
}

TEST_CASE("what a program does not touch comes back as it was") {
  migrate::Record input = record(R"({"a":null,"b":[true,false,{"c":"ä\u0000x"}],"d":1.5,"e":-0.0,"f":-3})");
  migrate::Link link;
  link.relation = "owner";
  link.target = migrate::RecordRef{"users", "5"};
  link.missing = migrate::Missing::dropped;
  link.cause = "no_owner";
  link.attributes = migrate::Object{{"role", "x"}};
  input.links.push_back(link);
  input.keys.push_back(migrate::AlternateKey{"code", "c", "twice"});
  migrate::Blob blob;
  blob.id = "b";
  blob.size = 5;
  blob.locator = migrate::Object{{"url", "u"}};
  input.blobs.push_back(blob);
  input.warnings.push_back(migrate::Warning{"odd", "a", "m"});
  input.version = "v";
  input.intent = migrate::Intent::get_or_create;
  std::string before = boost::json::serialize(input.data);
  migrate::Record out = apply(".", input).at(0);
  CHECK(boost::json::serialize(out.data) == before);
  REQUIRE(out.links.size() == 1);
  CHECK(out.links[0].relation == "owner");
  CHECK(out.links[0].target == link.target);
  CHECK(out.links[0].missing == migrate::Missing::dropped);
  CHECK(out.links[0].cause == "no_owner");
  CHECK(out.links[0].attributes == link.attributes);
  CHECK(out.keys.at(0).duplicate_cause == "twice");
  CHECK(out.blobs.at(0).size == 5U);
  CHECK(out.blobs[0].locator == blob.locator);
  CHECK(out.warnings.at(0).cause == "odd");
  CHECK(out.version == "v");
  CHECK(out.intent == migrate::Intent::get_or_create);
  // Named anew with the same type and id: what is not said stays.
  CHECK(apply("{type, id, data}", input).at(0).links.size() == 1);
  CHECK(apply(".links = []", input).at(0).links.empty());
  CHECK(apply(R"({type, id: "8", data})", input).at(0).links.empty());
}

TEST_CASE("integers beyond 2^53 are carried around jq's doubles") {
  std::string big = R"({"a":9007199254740993,"b":-9223372036854775808,"c":18446744073709551615,"d":9007199254740992})";
  CHECK(data(".", big) == big);
  CHECK(data(".data |= {a: .a, t: (.a | type)}", big) == R"({"a":9007199254740993,"t":"object"})");
  CHECK(data(".data |= {x: .d}", big) == R"({"x":9007199254740992})");
  CHECK(data(".data.x = 1e300", "{}") == R"({"x":1E300})");
  CHECK(data(".data.x = nan | .data.y = infinite", "{}").find(R"("x":{"$numberDouble":"NaN"})") != std::string::npos);
}

TEST_CASE("text that is not UTF-8 is refused, not repaired") {
  migrate::Record input = record("{}");
  input.data = migrate::Object{{"a", "caf\xE9"}};
  CHECK(error_of(".", input).cause == "not_utf8");
}

TEST_CASE("what is nested too deep is refused in both directions") {
  migrate::Record input = record("{}");
  for (int i = 0; i < 1100; ++i) input.data = migrate::Object{{"a", input.data}};
  CHECK(error_of(".", std::move(input)).cause == "too_deep");
  CHECK(error_of(".data.x = reduce range(1100) as $i (null; [.])", record("{}")).cause == "too_deep");
}

TEST_CASE("errors of a program fail the record and leave the program usable") {
  auto transformer = jq(R"(if .data.bad then error("no good: " + .id) else . end)");
  std::vector<migrate::Record> out;
  CHECK_THROWS_WITH_AS(transformer->apply(record(R"({"bad":true})"), out), "jq: no good: 7", migrate::Error);
  CHECK(out.empty());
  transformer->apply(record("{}"), out);
  CHECK(out.size() == 1);
  migrate::Error error = error_of(".data.a + {}", record(R"({"a":1})"));
  CHECK(error.cause == "jq_error");
  CHECK(error.kind() == migrate::ErrorKind::invalid);
  CHECK(std::string(error.what()).find("cannot be added") != std::string::npos);
  CHECK(error_of("error({code: 5})", record("{}")).what() == std::string("jq: {\"code\":5}"));
  CHECK(error_of("., error(\"late\")", record("{}")).cause == "jq_error");
  CHECK(error_of("halt", record("{}")).cause == "jq_error");
  CHECK(error_of("input", record("{}")).cause == "jq_error");
}

TEST_CASE("a result that is no record is refused") {
  for (const char* program : {"5", ".data", "{type, id}", R"({type: "", id: "1", data: {}})", ".links = 5",
                              ".links = [{relation: \"x\"}]", ".intent = \"x\"", ".deleted = 1", ".id = {}"}) {
    CAPTURE(program);
    CHECK(error_of(program, record("{}")).cause == "jq_result");
  }
}

TEST_CASE("a program that does not compile is a fault of the configuration, in jq's words") {
  try {
    jq(".data | foo(");
    FAIL("compiled");
  } catch (const migrate::ConfigError& error) {
    REQUIRE(error.faults().size() == 1);
    CHECK(error.faults()[0].path == "program");
    CHECK(error.faults()[0].message.find("syntax error") != std::string::npos);
  }
  CHECK_THROWS_AS(jq("nosuchfunction"), migrate::ConfigError);
}

TEST_CASE("arguments and types") {
  auto made = [](const std::string& options) {
    return migrate::jq::make_jq(migrate::jq::jq_spec().parse(boost::json::parse(options)), migrate::Services());
  };
  std::vector<migrate::Record> out;
  made(R"({"program":".data.x = $prefix.a","arguments":{"prefix":{"a":[1]}}})")->apply(record("{}"), out);
  CHECK(boost::json::serialize(out.at(0).data) == R"({"x":[1]})");
  out.clear();
  made(R"({"program":"empty","for":"others"})")->apply(record("{}"), out);
  CHECK(out.size() == 1);
}

TEST_CASE("results live in the batch's arena") {
  boost::json::monotonic_resource arena;
  migrate::Record input;
  input.ref = migrate::RecordRef{"things", "7"};
  std::destroy_at(&input.data);
  std::construct_at(&input.data, boost::json::parse(R"({"a":{"b":[1]}})", boost::json::storage_ptr(&arena)));
  std::vector<migrate::Record> out;
  jq(".")->apply(std::move(input), out);
  CHECK(out.at(0).data.storage().get() == &arena);
  CHECK(out[0].data.at("a").storage().get() == &arena);
}

TEST_CASE("any number of threads at once") {
  auto transformer = jq(".data.sum = ([range(.data.n)] | add)");
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (std::size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        std::vector<migrate::Record> out;
        transformer->apply(record(R"({"n":100})"), out);
        good[t] += out.at(0).data.at("sum") == 4950;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : good) CHECK(count == 200);
}
