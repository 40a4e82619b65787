// Atlassian documents against the vendor's schema and examples, which lie beside the repository or where MIGRATE_SHARED
// says, if they do.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "richtext_checks.hpp"
#include "richtext_random.hpp"
#include "temporary_folder.hpp"
#include "vendor_documents.hpp"

using namespace migrate;
using namespace migrate::richtext_tests;

namespace {

std::filesystem::path specs() { return vendor_documents("specs/jira/adf-schema-full.json") / "specs/jira"; }

/// Every Atlassian document in it, also those that stand as text.
void collect(const Value& value, std::vector<Value>& found) {
  if (value.is_array()) {
    for (const Value& each : value.get_array()) collect(each, found);
  } else if (value.is_object()) {
    const Object& object = value.get_object();
    const Value* type = object.if_contains("type");
    if (type != nullptr && *type == "doc" && object.contains("content")) return found.push_back(value);
    for (const auto& member : object) collect(member.value(), found);
  } else if (value.is_string() && value.get_string().find("\"doc\"") != boost::json::string::npos) {
    boost::json::error_code error;
    const Value inside = boost::json::parse(value.get_string(), error);
    if (!error) collect(inside, found);
  }
}

}  // namespace

TEST_CASE("the vendor's examples come back as they were") {
  std::vector<Value> documents;
  for (const char* name : {"jira-cloud-v3-openapi.json", "jira-cloud-v3.corrected.json"}) {
    collect(boost::json::parse(content(specs() / name)), documents);
  }
  CHECK(documents.size() >= 36);
  for (const Value& document : documents) {
    richtext::Parsed parsed = richtext::parse_adf(document);
    richtext::rewrite(parsed.document, [](Node& node) { node.target = node.id; });
    const richtext::PrintedAdf printed = richtext::print_adf(parsed.document);
    CHECK(told(parsed.losses) == "");
    CHECK(told(printed.losses) == "");
    const bool same = printed.document == document;
    CHECK_MESSAGE(same, boost::json::serialize(document) << "\n" << boost::json::serialize(printed.document));
  }
}

TEST_CASE("the published schema takes what is printed of any tree") {
  const std::filesystem::path schema = specs() / "adf-schema-full.json";
  if (std::system("python3 -c 'import jsonschema' >/dev/null 2>&1") != 0) skip("python3-jsonschema is not installed");
  TemporaryFolder folder;
  const std::filesystem::path documents = folder.path / "documents.jsonl", report = folder.path / "report.txt";
  // The schema is examined in Python: a tenth of a second and more a document.
  const std::uint64_t last = seeds(30);
  {
    std::ofstream out(documents);
    for (std::uint64_t seed = 1; seed <= last; ++seed) {
      Node document = RandomTree(seed, seed % 2 == 0).document();
      if (seed % 3 == 0) richtext::rewrite(document, [](Node& node) { node.target = node.id; });
      out << boost::json::serialize(richtext::print_adf(document).document) << "\n";
    }
  }
  const std::string command = fmt::format("python3 -B '{}/tests/support/adf_schema.py' '{}' '{}' >'{}' 2>&1",
                                          MIGRATE_SOURCE_DIR, schema.string(), documents.string(), report.string());
  const int result = std::system(command.c_str());
  INFO(content(report));
  CHECK(result == 0);
  CHECK(content(report).find(fmt::format("{} documents, 0 refused", last)) != std::string::npos);
}
