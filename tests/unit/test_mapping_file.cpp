// Mapping files: RFC 4180, both JSON forms, faults with their line, and what is written reads back the same.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "migrate/mapping_file.hpp"
#include "temporary_folder.hpp"

using namespace migrate;

namespace {

struct Files : TemporaryFolder {
  std::filesystem::path put(const std::string& name, const std::string& content) {
    std::ofstream(path / name, std::ios::binary) << content;
    return path / name;
  }
  /// "7=42" for each row; texts in quotes.
  std::string read(const std::string& name, const std::string& content) {
    std::string rows;
    read_mappings(put(name, content), "things", [&](Mapping mapping) {
      CHECK(mapping.type == "things");
      rows += fmt::format("{}={} ", mapping.source_id, boost::json::serialize(mapping.target_id));
    });
    return rows;
  }
  std::string fault(const std::string& name, const std::string& content) {
    try {
      read(name, content);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid);
      CHECK(error.cause == "mapping_file");
      const std::string message = error.what();
      const std::size_t at = message.find(name);
      REQUIRE(at != std::string::npos);
      return message.substr(at + name.size());
    }
    return "no fault";
  }
};

}  // namespace

TEST_CASE("CSV as RFC 4180 has it") {
  Files files;
  CHECK(files.read("a.csv", "source_id,target_id\r\n7,42\r\n8,43\r\n") == "7=42 8=43 ");
  CHECK(files.read("a.csv", "source_id,target_id\n7,42") == "7=42 ");
  CHECK(files.read("a.csv", "\xEF\xBB\xBFtarget_id,note,source_id\n42,\"a, \"\"b\"\"\nc\",7\n43,,8\n") == "7=42 8=43 ");
  CHECK(files.read("a.csv", "source_id,target_id\n\"a\"\"b,c\r\nd\",X-1\n") == "a\"b,c\r\nd=\"X-1\" ");
  CHECK(files.read("a.csv", "source_id,target_id\n\n7,42\n\n") == "7=42 ");
  // A quoted number is a text, and what is not written as a number would be is one too.
  CHECK(files.read("a.csv", "source_id,target_id\n1,\"42\"\n2,007\n3,-5\n4,99999999999999999999\n5,4.2\n") ==
        "1=\"42\" 2=\"007\" 3=-5 4=\"99999999999999999999\" 5=\"4.2\" ");
}

TEST_CASE("faults of CSV name their line") {
  Files files;
  CHECK(files.fault("a.csv", "").find(":1: the file is empty") == 0);
  CHECK(files.fault("a.csv", "source,target_id\n").find(":1: the header has no column source_id") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,2\n3\n").find(":3: 1 fields where the header has 2") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,2\n3,4,5\n").find(":3: 3 fields") == 0);
  // The line in which the quote opens, not the end of the file.
  CHECK(files.fault("a.csv", "source_id,target_id\n1,\"2\n3,4\n5,6\n").find(":2: the quote that opens here") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,\"2\"x\n").find(":2: text after a closing quote") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,2\"\n").find(":2: a quote inside") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n\"1\n\",2\n,4\n").find(":4: source_id is empty") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,\n").find(":2: target_id is empty") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,2\n2,3\n1,2\n").find(":4: source_id 1 has a target in line 2") == 0);
  CHECK(files.fault("a.csv", "source_id,target_id\n1,\xE9t\n").find(":2: an id that is not UTF-8") == 0);
  CHECK(files.fault("a.csv", std::string(70'000, 'x')).find(":1: a field is longer") == 0);
}

TEST_CASE("both forms of JSON") {
  Files files;
  CHECK(files.read("a.json", "{\"7\": 42, \"8\": \"X-1\"}") == "7=42 8=\"X-1\" ");
  CHECK(files.read("a.json", "{}") == "");
  CHECK(files.read("a.json", "[]") == "");
  CHECK(files.read("a.json", "[{\"source_id\":7,\"note\":1,\"target_id\":42},\n{\"target_id\":\"b\",\"source_id\":\"x\"}]") ==
        "7=42 x=\"b\" ");
  CHECK(files.read("a.json", "{\"7\": 18446744073709551615}") == "7=\"18446744073709551615\" ");
  CHECK(files.read("a.json", "{\"\\u00e4\\n\": 1}") == "ä\n=1 ");
}

TEST_CASE("faults of JSON name their line") {
  Files files;
  CHECK(files.fault("a.json", "").find(":1: the file ends in the middle") == 0);
  CHECK(files.fault("a.json", "{\"1\": 2,\n\"2\": }").find(":2: not JSON") == 0);
  CHECK(files.fault("a.json", "{\"1\": 2,\n\"2\": 3").find(":2: the file ends in the middle") == 0);
  CHECK(files.fault("a.json", "{\"1\": 2}\n{\"2\": 3}").find(":2: not JSON") == 0);
  CHECK(files.fault("a.json", "{\"1\":\n{\"a\": 1}}").find(":2: an id is a text or a number, not an object") == 0);
  CHECK(files.fault("a.json", "{\"1\": [2]}").find(":1: an id is a text or a number, not a list") == 0);
  CHECK(files.fault("a.json", "{\"1\": true}").find(":1: an id is a text or a number, not true") == 0);
  CHECK(files.fault("a.json", "{\"1\": null}").find(":1: an id is null") == 0);
  CHECK(files.fault("a.json", "{\"1\": 2.5}").find(":1: an id with a fraction") == 0);
  CHECK(files.fault("a.json", "{\"1\": \"\"}").find(":1: a target id is empty") == 0);
  CHECK(files.fault("a.json", "{\"\": 1}").find(":1: source_id is empty") == 0);
  CHECK(files.fault("a.json", "[{\"source_id\": 1}]").find(":1: an entry without target_id") == 0);
  CHECK(files.fault("a.json", "[{\"target_id\": 1}]").find(":1: an entry without source_id") == 0);
  CHECK(files.fault("a.json", "[1]").find(":1: an entry of the list is") == 0);
  CHECK(files.fault("a.json", "[{\"source_id\": {\"a\": 1}}]").find(":1: an id is") == 0);
  CHECK(files.fault("a.json", "42").find(":1: neither a map of ids nor a list") == 0);
  CHECK(files.fault("a.json", "{\"1\": 2,\n\"1\": 3}").find(":2: source_id 1 has a target in line 1") == 0);
  CHECK(files.fault("a.json", std::string(100, '[')).find(":1: ") == 0);
}

TEST_CASE("files that cannot be read") {
  Files files;
  CHECK_THROWS_AS(read_mappings(files.path / "absent.csv", "t", [](Mapping) {}), Error);
  std::filesystem::create_directory(files.path / "folder.csv");
  CHECK_THROWS_AS(read_mappings(files.path / "folder.csv", "t", [](Mapping) {}), Error);
  CHECK_THROWS_AS(mapping_format_of("mapping.txt"), Error);
}

TEST_CASE("what is written reads back the same") {
  Files files;
  const std::vector<Mapping> mappings{{"t", "7", 42},          {"t", "007", "42"},       {"t", "a,\"b\"\r\n", "x,\"y\"\n"},
                                      {"t", "ä", "PROJ-1"},    {"t", "-", "-5"},         {"t", "min", INT64_MIN},
                                      {"t", "max", INT64_MAX}, {"t", "blank", " space "}};
  for (const char* name : {"out.csv", "out.json"}) {
    CAPTURE(name);
    MappingWriter writer(files.path / name);
    for (const Mapping& mapping : mappings) writer.add(mapping);
    CHECK_FALSE(std::filesystem::exists(files.path / name));
    writer.finish();
    std::size_t row = 0;
    CHECK(read_mappings(files.path / name, "t", [&](Mapping mapping) {
            REQUIRE(row < mappings.size());
            CHECK(mapping.source_id == mappings[row].source_id);
            CHECK(mapping.target_id == mappings[row].target_id);
            ++row;
          }) == mappings.size());
  }
}

TEST_CASE("a writer that is given up leaves the previous file alone") {
  Files files;
  const auto file = files.put("out.csv", "before");
  { MappingWriter(file).add({"t", "1", 2}); }
  std::ifstream in(file);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "before");
  CHECK_FALSE(std::filesystem::exists(files.path / "out.csv.tmp"));
}
