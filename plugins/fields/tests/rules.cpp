// Every rule by itself: what it does, what it refuses, and what is wrong with a rule that is written wrongly.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "kit.hpp"

using kit::cause_of;
using kit::faults;
using kit::run;

TEST_CASE("moving fields") {
  CHECK(run("[{rename: {a: b}}]", R"({"a":1,"c":2})") == R"({"c":2,"b":1})");
  CHECK(run("[{rename: {a: b, b: a}}]", R"({"a":1,"b":2})") == R"({"a":2,"b":1})");
  CHECK(run("[{rename: {absent: b}}]", R"({"a":1})") == R"({"a":1})");
  CHECK(run("[{copy: {a: b}}]", R"({"a":[1]})") == R"({"a":[1],"b":[1]})");
  CHECK(run("[{copy: {absent: b}}]", R"({"a":1})") == R"({"a":1,"b":null})");
  CHECK(run("[{set: {a: 5, b: x}}]", R"({"a":1})") == R"({"a":5,"b":"x"})");
  CHECK(run("[{remove: [a, absent]}]", R"({"a":1,"b":2})") == R"({"b":2})");
  CHECK(run("[{remove: a}]", R"({"a":1,"b":2})") == R"({"b":2})");
  CHECK(run("[{keep: [b, a]}]", R"({"a":1,"x":0,"b":2})") == R"({"a":1,"b":2})");
  CHECK(run("[{keep: [a]}, {set: {y: 1}}]", R"({"a":1,"x":0})") == R"({"a":1,"y":1})");
}

TEST_CASE("integers of 64 bits stay what they are") {
  CHECK(run("[{rename: {a: b}}, {set: {c: 9007199254740993}}]", R"({"a":9223372036854775807})") ==
        R"({"b":9223372036854775807,"c":9007199254740993})");
}

TEST_CASE("templates") {
  CHECK(run("[{template: {full: '{first} {last}'}}]", R"({"first":"A","last":"B"})") ==
        R"({"first":"A","last":"B","full":"A B"})");
  CHECK(run("[{template: {x: '{a}'}}]", R"({"a":5})") == R"({"a":5,"x":5})");
  CHECK(run("[{template: {x: '{a}-{b}'}}]", R"({"a":null,"b":" "})") == R"({"a":null,"b":" ","x":null})");
  CHECK(run("[{template: {x: '{{{a}}}'}}]", R"({"a":5})") == R"({"a":5,"x":"{5}"})");
  CHECK(run("[{template: {x: '{$type}/{$id}'}}]", "{}") == R"({"x":"things/1"})");
  CHECK(cause_of("[{template: {x: 'n {a}'}}]", R"({"a":[1]})") == "not_text");
  CHECK(faults("[{template: {x: '{a'}}]").find("rules[0].template: ") == 0);
}

TEST_CASE("text") {
  CHECK(run("[{text: {fields: a}}]", R"({"a":" \t\r\n x  y \u000b\f"})") == R"({"a":"x  y"})");
  CHECK(run("[{text: {fields: a}}]", R"({"a":" \t "})") == R"({"a":null})");
  CHECK(run("[{text: {fields: a, keep_empty: true}}]", R"({"a":"  "})") == R"({"a":""})");
  CHECK(run("[{text: {fields: a, trim: false}}]", R"({"a":" x"})") == R"({"a":" x"})");
  CHECK(run("[{text: {fields: a, collapse: true}}]", R"({"a":" x \t\n y "})") == R"({"a":"x y"})");
  CHECK(run("[{text: {fields: a, remove: [., ab]}}]", R"({"a":"x.y.abz"})") == R"({"a":"xyz"})");
  CHECK(run("[{text: {fields: a, case: upper}}]", "{\"a\":\"aé\"}") == "{\"a\":\"Aé\"}");
  CHECK(run("[{text: {fields: a}}]", "{\"a\":\"\xC2\xA0\"}") == "{\"a\":\"\xC2\xA0\"}");  // a no-break space is text
  CHECK(run("[{text: {fields: [a, b, c, d]}}]", R"({"a":17,"b":true,"c":null})") ==
        R"({"a":"17","b":"true","c":null})");
  CHECK(cause_of("[{text: {fields: a}}]", R"({"a":{"b":1}})") == "not_text");
  // "سعيد" as UTF-8 bytes, and "ال" as cp1256
  CHECK(run("[{text: {fields: a}}]", R"({"a":{"$binary":{"base64":"2LPYudmK2K8=","subType":"00"}}})") ==
        "{\"a\":\"سعيد\"}");
  CHECK(run("[{text: {fields: a, charset: cp1256}}]", R"({"a":{"$binary":{"base64":"x+E=","subType":"00"}}})") ==
        "{\"a\":\"ال\"}");
  CHECK(run("[{text: {fields: a}}]", R"({"a":{"$binary":{"base64":"YWJj","subType":"00"}}})") == R"({"a":"abc"})");
  CHECK(run("[{text: {fields: a}}]", R"({"a":{"$binary":{"base64":"","subType":"00"}}})") == R"({"a":null})");
  CHECK(cause_of("[{text: {fields: a}}]", R"({"a":{"$binary":{"base64":"YW!j","subType":"00"}}})") == "not_text");
}

TEST_CASE("text that is not UTF-8 is decoded as a whole or refused") {
  auto decoded = [](const std::string& charset, const std::string& bytes) {
    auto out = kit::apply(*kit::rules("[{text: {fields: a, charset: " + charset + "}}]"),
                          kit::record("things", "1", migrate::Object{{"a", bytes}}));
    return std::string(out.at(0).data.at("a").as_string());
  };
  CHECK(decoded("cp1256", "caf\xE9 \xC7\xE1") == "café ال");
  CHECK(decoded("latin1", "caf\xE9") == "café");
  CHECK(decoded("cp1256", "\xC0\xAF") == "ہ¯");                // overlong: no UTF-8
  CHECK(decoded("cp1256", "\xED\xA0\x80") != "\xED\xA0\x80");  // half a surrogate pair: no UTF-8
  CHECK(decoded("sjis", "\x83\x65\x83\x58") == "テス");
  auto plain = kit::rules("[{text: {fields: a}}]");
  CHECK_THROWS_AS(kit::apply(*plain, kit::record("t", "1", migrate::Object{{"a", "\xFF"}})), migrate::Error);
  auto ascii = kit::rules("[{text: {fields: a, charset: ascii}}]");
  CHECK_THROWS_WITH_AS(kit::apply(*ascii, kit::record("t", "1", migrate::Object{{"a", "x\xFF"}})),
                       "a \"x\\xff\" is neither UTF-8 nor ascii", migrate::Error);
  CHECK(faults("[{text: {fields: a, charset: klingon}}]").find("rules[0].text: \"klingon\"") == 0);
}

TEST_CASE("digits") {
  CHECK(run("[{digits: [a, b]}]", "{\"a\":\"٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹ ك\",\"b\":5}") ==
        "{\"a\":\"0123456789 0123456789 ك\",\"b\":5}");
}

TEST_CASE("split") {
  CHECK(run("[{split: {field: a, into: [x, y]}}]", R"({"a":"one  two three"})") ==
        R"({"a":"one  two three","x":"one","y":"two three"})");
  CHECK(run("[{split: {field: a, into: [x, y]}}]", R"({"a":"one"})") == R"({"a":"one","x":"one","y":null})");
  CHECK(run("[{split: {field: a, into: [x, y], missing: repeat}}]", R"({"a":"one"})") ==
        R"({"a":"one","x":"one","y":"one"})");
  CHECK(run("[{split: {field: a, into: [x, y], missing: repeat}}]", R"({"a":null})") ==
        R"({"a":null,"x":null,"y":null})");
  CHECK(run("[{split: {field: a, by: ', ', into: [a, b, c]}}]", R"({"a":"1, 2, 3, 4"})") ==
        R"({"a":"1","b":"2","c":"3, 4"})");
  CHECK(cause_of("[{split: {field: a, by: ',', into: [x, y], missing: fail}}]", R"({"a":"1"})") == "too_few_parts");
}

TEST_CASE("regular expressions") {
  CHECK(run(R"([{regex: {field: a, pattern: '(\d+)-(\d+)', replace: '$2/$1'}}])", R"({"a":"10-20, 30-40"})") ==
        R"({"a":"20/10, 40/30"})");
  CHECK(run(R"([{regex: {field: a, to: n, pattern: 'no\.? *(\d+)', extract: '$1', fold: true}}])",
            R"({"a":"Seal No. 47"})") == R"({"a":"Seal No. 47","n":"47"})");
  CHECK(run("[{regex: {field: a, pattern: x, replace: y}}]", R"({"a":"abc"})") == R"({"a":"abc"})");
  CHECK(run("[{regex: {field: a, pattern: x, extract: y, no_match: clear}}]", R"({"a":"abc"})") == R"({"a":null})");
  CHECK(cause_of("[{regex: {field: a, pattern: x, extract: y, no_match: fail}}]", R"({"a":"abc"})") == "no_match");
  CHECK(faults("[{regex: {field: a, pattern: '(', replace: x}}]").find("rules[0].regex.pattern: ") == 0);
  CHECK(faults("[{regex: {field: a, pattern: x}}]").find("rules[0].regex: ") == 0);
  // An expression that explodes ends as a failed record.
  std::string hostile = R"({"a":")" + std::string(5000, 'a') + R"("})";
  CHECK(cause_of("[{regex: {field: a, pattern: '^(a|aa)+$b', extract: x, no_match: fail}}]", hostile) != "");
}

TEST_CASE("numbers") {
  std::string first =
      "[{number: {field: a, take: first_integer, none: clear, range_cause: range, max: 2147483647, "
      "beyond: warn, beyond_cause: beyond}}]";
  auto read = [&](const std::string& text) {
    auto out = kit::apply(*kit::rules(first), kit::record("t", "1", migrate::Object{{"a", text}}));
    return boost::json::serialize(out.at(0).data.at("a")) + kit::warnings_of(out.at(0));
  };
  CHECK(read("80 km/h") == "80");
  CHECK(read("max -80.5") == "80");
  CHECK(read("000000000000000000000000080") == "80");
  CHECK(read("km/h") == "null");
  CHECK(read("") == "null");
  CHECK(read("80-90") == "80range");
  CHECK(read("80 – 90") == "80range");
  CHECK(read("80—90") == "80range");
  CHECK(read("80-km 90") == "80");
  CHECK(read("80 to 90") == "80");
  CHECK(read("2147483647") == "2147483647");
  CHECK(read("2147483648") == "nullbeyond");
  CHECK(read("99999999999999999999999999-5") == "nullbeyond");

  std::string whole = "[{number: {field: a, min: -5, max: 100}}]";
  CHECK(run(whole, R"({"a":" -5 "})") == R"({"a":-5})");
  CHECK(run(whole, R"({"a":100})") == R"({"a":100})");
  CHECK(run(whole, R"({"a":null})") == R"({"a":null})");
  CHECK(cause_of(whole, R"({"a":"5 km"})") == "not_a_number");
  CHECK(cause_of(whole, R"({"a":101})") == "out_of_range");
  CHECK(run("[{number: {field: a, take: decimal, decimal_mark: ','}}]", R"({"a":"-12,50"})") ==
        R"({"a":{"$numberDecimal":"-12.50"}})");
  CHECK(cause_of("[{number: {field: a, take: decimal}}]", R"({"a":"1.2.3"})") == "not_a_number");
  CHECK(faults("[{number: {field: a, min: 5, max: 1}}]").find("rules[0].number.min: ") == 0);
}

TEST_CASE("dates") {
  auto date = [](const std::string& options, const std::string& text) {
    auto out = kit::apply(*kit::rules("[{date: {fields: a, invalid: warn, " + options + "}}]"),
                          kit::record("t", "1", migrate::Object{{"a", text}}));
    const migrate::Value& value = out.at(0).data.at("a");
    std::string result = value.is_object()   ? std::string(value.at("$date").as_string())
                         : value.is_string() ? std::string(value.as_string())
                                             : "null";
    return result + kit::warnings_of(out.at(0));
  };
  CHECK(date("formats: YYYY-MM-DD", "2024-02-29") == "2024-02-29T00:00:00Z");
  CHECK(date("formats: YYYY-MM-DD", "2023-02-29") == "nullinvalid_date");
  CHECK(date("formats: YYYY-MM-DD, as: day, zone: Asia/Tokyo", "2024-02-29") == "2024-02-29");
  CHECK(date("formats: 'YYYY-MM-DDThh:mm:ss[.f]Z'", "2024-02-29T10:20:30.5+05:30") == "2024-02-29T04:50:30.500000Z");
  CHECK(date("formats: 'YYYY-MM-DDThh:mm:ss[.f]Z'", "2024-02-29T10:20:30Z") == "2024-02-29T10:20:30Z");
  CHECK(date("formats: 'YYYY-MM-DD[ hh:mm[:ss]]', zone: Europe/Berlin", "2024-07-01 12:00") == "2024-07-01T10:00:00Z");
  CHECK(date("formats: 'YYYY-MM-DD[ hh:mm[:ss]]', zone: Europe/Berlin", "2024-01-01 12:00:01") ==
        "2024-01-01T11:00:01Z");
  CHECK(date("formats: 'YYYY-MM-DD hh:mm', zone: Europe/Berlin", "2024-10-27 02:30") ==
        "2024-10-27T00:30:00Zambiguous_time");
  CHECK(date("formats: 'YYYY-MM-DD hh:mm', zone: Europe/Berlin", "2024-03-31 02:30") ==
        "2024-03-31T01:30:00Znonexistent_time");
  CHECK(date("formats: DD.MM.YY, pivot: 30", "31.12.29") == "2029-12-31T00:00:00Z");
  CHECK(date("formats: DD.MM.YY, pivot: 30", "31.12.30") == "1930-12-31T00:00:00Z");
  CHECK(date("formats: YYYY-MM-DD, zone: '+04:00'", "0001-01-01") == "nullinvalid_date");
  CHECK(date("formats: YYYY-MM-DD, zone: '-04:00'", "9999-12-31") == "9999-12-31T04:00:00Z");
  CHECK(date("formats: YYYY-MM-DD, zero: 'n[/]a'", "n/a") == "null");
  CHECK(date("formats: YYYY-MM-DD", "") == "null");
  CHECK(run("[{date: {fields: a, formats: YYYY-MM-DD}}]", R"({"a":{"$date":"2020-01-01T00:00:00Z"}})") ==
        R"({"a":{"$date":"2020-01-01T00:00:00Z"}})");
  auto day_of = [](const std::string& instant) {
    return run("[{date: {fields: a, formats: DD.MM.YYYY, as: day, invalid: keep}}]",
               R"({"a":{"$date":)" + instant + "}}");
  };
  CHECK(day_of(R"("2024-02-29T23:30:00Z")") == R"({"a":"2024-02-29"})");
  CHECK(day_of(R"("2024-02-29T23:30:00.123456Z")") == R"({"a":"2024-02-29"})");
  CHECK(day_of(R"("2024-02-29")") == R"({"a":"2024-02-29"})");
  CHECK(day_of("5") == R"({"a":{"$date":5}})");
  CHECK(cause_of("[{date: {fields: a, formats: YYYY-MM-DD, blank: fail, cause: no_date}}]", "{}") == "no_date");
  CHECK(cause_of("[{date: {fields: a, formats: YYYY-MM-DD}}]", R"({"a":"x"})") == "invalid_date");
  CHECK(faults("[{date: {fields: a, formats: YYYY-MM}}]").find("rules[0].date: \"YYYY-MM\"") == 0);
  CHECK(faults("[{date: {fields: a, formats: 'YYYY-MM-DD['}}]").find("rules[0].date: ") == 0);
  CHECK(faults("[{date: {fields: a, formats: YYYY-MM-DD, zone: Asia/Dubay}}]").find("Asia/Dubay") != std::string::npos);
}

TEST_CASE("booleans") {
  CHECK(run("[{boolean: {fields: [a, b, c, d], is_true: [y, '1'], is_false: [n]}}]",
            R"({"a":" Y ","b":1,"c":"N","d":null})") == R"({"a":true,"b":true,"c":false,"d":null})");
  CHECK(run("[{boolean: {fields: [a, b, c], is_true: y, rest: false}}]", R"({"a":"maybe","b":null})") ==
        R"({"a":false,"b":false,"c":false})");
  CHECK(cause_of("[{boolean: {fields: a}}]", R"({"a":"maybe"})") == "not_a_boolean");
  // A word that is empty is a blank, and so is a field that is absent.
  std::string empty = "[{boolean: {fields: [a, b, c], is_true: y, is_false: ['', n]}}]";
  CHECK(run(empty, R"({"a":"y","b":null})") == R"({"a":true,"b":false,"c":false})");
  CHECK(run("[{boolean: {fields: [a, b], is_true: ['']}}]", R"({"b":" "})") == R"({"b":true,"a":true})");
}

TEST_CASE("value maps") {
  CHECK(run("[{map: {field: a, values: {open: 1, done: 2}}}]", R"({"a":"done"})") == R"({"a":2})");
  CHECK(run("[{map: {field: a, to: b, values: {'5': five}}}]", R"({"a":5})") == R"({"a":5,"b":"five"})");
  CHECK(run("[{map: {field: a, fold: true, values: {Open: 1}}}]", R"({"a":" oPEN"})") == R"({"a":1})");
  CHECK(cause_of("[{map: {field: a, values: {x: 1}}}]", R"({"a":"y"})") == "unknown_value");
  CHECK(run("[{map: {field: a, values: {x: 1}}}]", R"({"a":null})") == R"({"a":null})");
  CHECK(cause_of("[{map: {field: a, blank: otherwise, values: {x: 1}}}]", R"({"a":null})") == "unknown_value");
  CHECK(run("[{map: {field: a, values: {x: 1}, otherwise: keep}}]", R"({"a":"y"})") == R"({"a":"y"})");
  auto out = kit::apply(*kit::rules("[{map: {field: a, values: {x: 1}, default: 9}}]"),
                        kit::record("t", "1", migrate::Object{{"a", "y"}}));
  CHECK(boost::json::serialize(out.at(0).data) == R"({"a":9})");
  CHECK(kit::warnings_of(out.at(0)) == "unknown_value");
  CHECK(faults("[{map: {field: a, fold: true, values: {x: 1, X: 2}}}]").find("rules[0].map.values: ") == 0);
}

TEST_CASE("look-ups in files") {
  auto folder = std::filesystem::temp_directory_path() / ("migrate-fields-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
    return (folder / name).string();
  };
  auto look = [&](const std::string& file, const std::string& word, const std::string& more = "") {
    std::string yaml = "{mappings: {m: {file: '" + file + "'" + more + "}}, rules: [{lookup: {field: a, in: m}}]}";
    auto transformer = kit::fields_of(kit::from_yaml(yaml));
    auto out = kit::apply(*transformer, kit::record("t", "1", migrate::Object{{"a", word}}));
    return boost::json::serialize(out.at(0).data.at("a"));
  };
  std::string csv = write("m.csv", "\xEF\xBB\xBFkey,value,x\r\n1,\"a \"\"b\"\", c\",\r\n\"two\nlines\",2,\r\n3,,\n");
  CHECK(look(csv, "1") == R"("a \"b\", c")");
  CHECK(look(csv, "two\nlines") == R"("2")");
  CHECK(look(csv, "3") == "null");
  CHECK(look(write("m.json", R"({"x":{"id":5}})"), "x") == R"({"id":5})");
  CHECK(look(write("l.json", R"([{"from":7,"to":"seven"}])"), "7", ", key: from, value: to") == R"("seven")");
  CHECK_THROWS_AS(look(csv, "absent"), migrate::Error);
  CHECK_THROWS_AS(look(csv, "1", ", key: nokey"), migrate::ConfigError);
  CHECK_THROWS_AS(look(write("d.csv", "key,value\n1,a\n1,b\n"), "1"), migrate::ConfigError);
  CHECK_THROWS_AS(look((folder / "none.csv").string(), "1"), migrate::ConfigError);
  std::string open = write("open.csv", "key,value\n1,a\n2,\"b\n3,c\n");
  CHECK_THROWS_WITH_AS(look(open, "1"), doctest::Contains("open.csv: line 3: a quote is not closed"),
                       migrate::ConfigError);
  std::filesystem::remove_all(folder);
  CHECK(faults("[{lookup: {field: a, in: nowhere}}]").find("rules[0].lookup.in: ") == 0);
}

TEST_CASE("conditions") {
  auto when = [](const std::string& condition, const std::string& json) {
    return run("[{when: " + condition + ", set: {hit: 1}}]", json).find("hit") != std::string::npos;
  };
  CHECK(when("{field: a, blank: true}", R"({"a":" \t"})"));
  CHECK(when("{field: a, blank: true}", "{}"));
  CHECK_FALSE(when("{field: a, blank: true}", R"({"a":0})"));
  CHECK(when("{field: a, present: true}", R"({"a":null})"));
  CHECK_FALSE(when("{field: a, present: true}", "{}"));
  CHECK(when("{field: a, equals: 5}", R"({"a":"5"})"));
  CHECK(when("{field: a, equals: null}", "{}"));
  CHECK(when("{field: a, one_of: [x, y]}", R"({"a":"y"})"));
  CHECK_FALSE(when("{field: a, one_of: [x, y]}", R"({"a":"z"})"));
  CHECK(when("{field: a, matches: '^x.*z$'}", R"({"a":"xyz"})"));
  CHECK(when("{field: $id, equals: 1}", "{}"));
  CHECK(when("{any: [{field: a, equals: 1}, {field: b, equals: 1}]}", R"({"b":1})"));
  CHECK_FALSE(when("[{field: a, equals: 1}, {field: b, equals: 1}]", R"({"b":1})"));
  CHECK(when("{not: {all: [{field: a, equals: 1}, {field: b, equals: 1}]}}", R"({"b":1})"));
  CHECK(faults("[{when: {field: a, equal: 1}, set: {b: 1}}]").find("rules[0].when.equal: ") == 0);
  CHECK(faults("[{when: {any: [{field: a}]}, set: {b: 1}}]").find("rules[0].when.any[0]: ") == 0);
  CHECK(faults("[{when: {field: a, matches: '['}, set: {b: 1}}]").find("rules[0].when.matches: ") == 0);
}

TEST_CASE("links and keys") {
  auto transformer = kit::rules(R"([{link: {field: owner, to: users, missing: drop, cause: no_owner}},
                                    {link: {field: code, as: device_id, to: devices.code, missing: fail, cause: none}},
                                    {key: {field: code, name: by_code, duplicate_cause: twice}}])");
  auto out = kit::apply(*transformer, kit::record("t", "1", boost::json::parse(R"({"owner":17,"code":"X1"})")));
  REQUIRE(out.size() == 1);
  CHECK(boost::json::serialize(out[0].data) == R"({"owner":null,"code":"X1","device_id":null})");
  REQUIRE(out[0].links.size() == 2);
  CHECK(out[0].links[0].relation == "owner");
  CHECK(out[0].links[0].target == migrate::RecordRef{"users", "17"});
  CHECK(out[0].links[0].missing == migrate::Missing::dropped);
  CHECK(out[0].links[0].cause == "no_owner");
  CHECK(out[0].links[1].target == migrate::RecordRef{"devices.code", "X1"});
  CHECK(out[0].links[1].missing == migrate::Missing::fails);
  REQUIRE(out[0].keys.size() == 1);
  CHECK(out[0].keys[0].name == "by_code");
  CHECK(out[0].keys[0].value == "X1");
  CHECK(out[0].keys[0].duplicate_cause == "twice");

  out = kit::apply(*transformer, kit::record("t", "1", boost::json::parse(R"({"owner":null,"code":" "})")));
  CHECK(out.at(0).links.empty());
  CHECK(out.at(0).keys.empty());
  CHECK(cause_of("[{link: {field: a, to: x, blank: fail, cause: lost}}]", "{}") == "lost");
}

TEST_CASE("derived records go through the rules that follow") {
  auto transformer = kit::rules(R"([
    {for: orders, when: {field: tag, blank: false},
     emit: {type: tags, id: "{tag}", intent: get_or_create, data: {name: "{tag}", kind: 3},
            links: [{as: owner, to: users, id: "{user}", missing: drop}], keys: [{name: n, value: "{tag}"}]}},
    {for: orders, emit: {type: notes, id: "{$id}:1", data: {text: "{note}"}}},
    {for: tags, text: {fields: name, case: upper}},
    {for: notes, type: comments},
    {for: comments, set: {seen: true}},
    {for: orders, keep: [note]}])");
  auto out =
      kit::apply(*transformer, kit::record("orders", "7", boost::json::parse(R"({"tag":"x","user":5,"note":"n"})")));
  REQUIRE(out.size() == 3);
  CHECK(out[0].ref == migrate::RecordRef{"orders", "7"});
  CHECK(boost::json::serialize(out[0].data) == R"({"note":"n"})");
  CHECK(out[1].ref == migrate::RecordRef{"tags", "x"});
  CHECK(out[1].intent == migrate::Intent::get_or_create);
  CHECK(out[1].data.at("name") == "X");
  CHECK(out[1].data.at("kind") == 3);
  CHECK(out[1].data.at("owner").is_null());
  CHECK(out[1].links.at(0).target == migrate::RecordRef{"users", "5"});
  CHECK(out[1].keys.at(0).value == "x");
  CHECK(out[2].ref == migrate::RecordRef{"comments", "7:1"});
  CHECK(boost::json::serialize(out[2].data) == R"({"text":"n","seen":true})");
}

TEST_CASE("vanished records name what was derived from them") {
  auto transformer = kit::rules(R"([
    {date: {fields: d, formats: YYYY-MM-DD, blank: fail}},
    {emit: {type: tags, id: "{tag}", intent: get_or_create}},
    {when: {field: x, blank: false},
     emit: {type: notes, id: "{$id}", links: [{as: order_id, to: orders, id: "{$id}"}]}},
    {for: orders, type: purchases}])");
  migrate::Record gone = kit::record("orders", "7", nullptr);
  gone.deleted = true;
  auto out = kit::apply(*transformer, gone);
  REQUIRE(out.size() == 2);
  CHECK(out[0].ref == migrate::RecordRef{"purchases", "7"});
  CHECK(out[0].deleted);
  CHECK(out[1].ref == migrate::RecordRef{"notes", "7"});
  CHECK(out[1].deleted);
  CHECK(out[1].links.at(0).target == migrate::RecordRef{"orders", "7"});
}

TEST_CASE("dropping, failing, warning") {
  CHECK(run("[{when: {field: a, equals: 1}, drop: 'test data'}]", R"({"a":1})") == "0 records");
  CHECK(cause_of("[{fail: {cause: refused, message: 'no {a}'}}]", R"({"a":1})") == "refused");
  auto transformer = kit::rules("[{warn: {cause: odd, field: a, message: 'a is {a}'}}]");
  auto out = kit::apply(*transformer, kit::record("t", "1", migrate::Object{{"a", 5}}));
  REQUIRE(out.at(0).warnings.size() == 1);
  CHECK(out[0].warnings[0].cause == "odd");
  CHECK(out[0].warnings[0].message == "a is 5");
  CHECK(cause_of("[{set: {a: 1}}]", "[1]") == "not_an_object");
}

TEST_CASE("a failing record leaves nothing behind") {
  auto transformer = kit::rules("[{emit: {type: x, id: '1'}}, {for: x, fail: {cause: late}}]");
  std::vector<migrate::Record> out(1);
  CHECK_THROWS_AS(transformer->apply(kit::record("t", "1", migrate::Object()), out), migrate::Error);
  CHECK(out.size() == 1);
}

TEST_CASE("messages show what cannot be seen, and are short") {
  auto message = [](const std::string& text) {
    auto transformer = kit::rules("[{map: {field: a, values: {x: 1}}}]");
    try {
      kit::apply(*transformer, kit::record("t", "1", migrate::Object{{"a", text}}));
    } catch (const migrate::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message("active\u00a0") == R"(a "active\u00a0" is not listed)");
  CHECK(message("\u200fنشط\t") == "a \"\\u200fنشط\\x09\" is not listed");
  CHECK(message(std::string(5000, 'y')).size() < 120);
}

TEST_CASE("rules for types") {
  std::string yaml = "[{for: [a, b], set: {x: 1}}, {for: c, set: {x: 2}}, {set: {y: 3}}]";
  auto data = [&](const std::string& type) {
    return boost::json::serialize(kit::apply(*kit::rules(yaml), kit::record(type, "1", migrate::Object())).at(0).data);
  };
  CHECK(data("a") == R"({"x":1,"y":3})");
  CHECK(data("b") == R"({"x":1,"y":3})");
  CHECK(data("c") == R"({"x":2,"y":3})");
  CHECK(data("d") == R"({"y":3})");
}

TEST_CASE("every fault of the rules at once, each with its path") {
  std::string text = faults(R"([
    {for: a},
    {set: {a: 1}, remove: [b]},
    {for: [a, b], date: {fields: d, formats: YYYY}},
    {rename: {a: $id}},
    {when: {field: x}, keep: [a.b]}])");
  CHECK(text.find("rules[0]: has no operation") != std::string::npos);
  CHECK(text.find("rules[1]: has both set and remove") != std::string::npos);
  CHECK(text.find("rules[2].date: ") != std::string::npos);
  CHECK(text.find("rules[2].date: ") == text.rfind("rules[2].date: "));
  CHECK(text.find("rules[3].rename: ") != std::string::npos);
  CHECK(text.find("rules[4].when: ") != std::string::npos);
  CHECK(text.find("rules[4].keep: ") != std::string::npos);
  CHECK(faults("[{dat: {fields: a}}]").find("rules[0]") == 0);
}
