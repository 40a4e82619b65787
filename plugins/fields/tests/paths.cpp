// Fields inside of objects: how rules name them, and what must not be lost where there is no object.
#include <doctest/doctest.h>

#include "kit.hpp"

using kit::cause_of;
using kit::run;

TEST_CASE("fields inside objects, and dots in names") {
  CHECK(run("[{rename: {who.mail: mail}}]", R"({"who":{"mail":"x","n":1}})") == R"({"who":{"n":1},"mail":"x"})");
  CHECK(run("[{set: {a.b.c: 1}}]", R"({"a":null})") == R"({"a":{"b":{"c":1}}})");
  CHECK(run(R"([{rename: {'a\.b': c}}])", R"({"a.b":1,"a":{"b":2}})") == R"({"a":{"b":2},"c":1})");
  CHECK(run("[{remove: [a.b.c, a.x.y]}]", R"({"a":{"b":{"c":1,"d":2}}})") == R"({"a":{"b":{"d":2}}})");
}

TEST_CASE("a field inside a text is no place to write to: the text stays, or the record fails") {
  for (const char* rule :
       {"map: {field: company.kind, values: {A: Gold}}", "number: {field: company.size}",
        "number: {field: company.size, take: first_integer}", "boolean: {fields: company.active}",
        "map: {field: company.kind, values: {A: Gold}, blank: otherwise, otherwise: warn}",
        "regex: {field: company.kind, pattern: x, replace: y}", "split: {field: company.name, into: [company.name]}"}) {
    CAPTURE(rule);
    CHECK(run("[{" + std::string(rule) + "}]", R"({"company":"ACME Ltd"})") == R"({"company":"ACME Ltd"})");
    CHECK(run("[{" + std::string(rule) + "}]", R"({"other":1})") == R"({"other":1})");
  }
  for (const char* rule : {"set: {company.kind: 1}", "copy: {other: company.kind}", "rename: {other: company.kind}",
                           "template: {company.kind: '{other}'}", "split: {field: other, into: [company.a, company.b]}",
                           "map: {field: absent, to: company.kind, values: {A: Gold}}",
                           "boolean: {fields: company.active, rest: false}"}) {
    CAPTURE(rule);
    CHECK(cause_of("[{" + std::string(rule) + "}]", R"({"company":"ACME Ltd","other":1})") == "not_an_object");
    CHECK(cause_of("[{" + std::string(rule) + "}]", R"({"company":null,"other":1})") == "");
  }
  CHECK(run("[{keep: x}, {set: {a.b: 1}}]", R"({"a":{"c":2},"x":0})") == R"({"a":{"b":1},"x":0})");
}
